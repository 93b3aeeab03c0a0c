//! Where this server listens, and what it must not show there.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::{ServerFile, TrustedProxies};

/// How long a server that was told to stop goes on, unless it is said otherwise, and at most.
const DRAIN_SECONDS: u64 = 2;
const MAX_DRAIN_SECONDS: u64 = 60;

/// The public listener and the operator's.
pub(super) struct Listeners {
    pub public: Option<SocketAddr>,
    pub metrics: Option<SocketAddr>,
    pub drain: Duration,
}

pub(super) fn check(
    file: &ServerFile,
    proxies: &TrustedProxies,
    problems: &mut Vec<String>,
) -> Listeners {
    let public = file.listen.as_deref().unwrap_or("127.0.0.1:8080");
    let public = address("server.listen", public, problems);
    if let Some(listen) = public {
        check_exposure(listen, file, proxies, problems);
    }
    let metrics = file.metrics_listen.as_deref();
    let metrics = metrics.and_then(|text| address("server.metrics_listen", text, problems));
    if let Some(listen) = metrics
        && !file.metrics_public
        && !is_local(listen.ip())
    {
        problems.push(format!(
            "`server.metrics_listen` is `{listen}`, where everybody may reach it: `/metrics` says how often which clients do what. \
             Name a loopback or private address, or say `server.metrics_public = true` if the network keeps strangers away"
        ));
    }
    if let (Some(public), Some(metrics)) = (public, metrics)
        && overlap(public, metrics)
    {
        problems.push(format!(
            "`server.metrics_listen` is `{metrics}`, which `server.listen` has already: name another port"
        ));
    }
    Listeners {
        public,
        metrics,
        drain: drain(file.drain_seconds, problems),
    }
}

/// Whether one of them takes the port of the other. For port 0 the system chooses one that is free.
fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    let everywhere = one.ip().is_unspecified() || other.ip().is_unspecified();
    let same = one.ip().to_canonical() == other.ip().to_canonical();
    one.port() == other.port() && one.port() != 0 && (everywhere || same)
}

fn drain(seconds: Option<u64>, problems: &mut Vec<String>) -> Duration {
    let seconds = seconds.unwrap_or(DRAIN_SECONDS);
    if seconds > MAX_DRAIN_SECONDS {
        problems.push(format!(
            "`server.drain_seconds` is more than {MAX_DRAIN_SECONDS}"
        ));
    }
    Duration::from_secs(seconds)
}

fn address(key: &str, text: &str, problems: &mut Vec<String>) -> Option<SocketAddr> {
    let parsed = text.parse().ok();
    if parsed.is_none() {
        problems.push(format!(
            "`{key}` is no address with port, such as `127.0.0.1:8080`"
        ));
    }
    parsed
}

/// Plain HTTP is spoken on loopback alone, or behind a configured proxy that ends TLS.
fn check_exposure(
    listen: SocketAddr,
    file: &ServerFile,
    proxies: &TrustedProxies,
    problems: &mut Vec<String>,
) {
    if !listen.ip().is_loopback() && proxies.is_empty() && !file.tls.is_set() {
        problems.push(
            "`server.listen` is not loopback: name the proxy that ends TLS in `server.trusted_proxies`, or a certificate in `server.tls`".to_owned(),
        );
    }
}

/// Whether an address is this machine's or that of a private network. The unspecified one is every address of the machine.
fn is_local(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_listeners_do_not_have_one_port() {
        let table = [
            ("127.0.0.1:8080", "127.0.0.1:8080", true),
            ("127.0.0.1:8080", "[::ffff:127.0.0.1]:8080", true),
            ("0.0.0.0:8080", "127.0.0.1:8080", true),
            ("[::]:8080", "127.0.0.1:8080", true),
            ("127.0.0.1:8080", "127.0.0.1:9090", false),
            ("127.0.0.1:8080", "[::1]:8080", false),
            ("127.0.0.1:0", "127.0.0.1:0", false),
        ];
        for (listen, metrics, refused) in table {
            let file = ServerFile {
                listen: Some(listen.to_owned()),
                metrics_listen: Some(metrics.to_owned()),
                ..ServerFile::default()
            };
            let mut problems = Vec::new();
            check(&file, &TrustedProxies::default(), &mut problems);
            let said = problems.iter().any(|p| p.contains("another port"));
            assert_eq!(said, refused, "{listen} {metrics}: {problems:?}");
        }
    }

    #[test]
    fn metrics_on_an_address_of_everybody_need_a_word() {
        let table = [
            ("127.0.0.1:9090", true),
            ("[::1]:9090", true),
            ("10.0.0.5:9090", true),
            ("192.168.1.7:9090", true),
            ("172.31.0.1:9090", true),
            ("[fd00::1]:9090", true),
            ("0.0.0.0:9090", false),
            ("[::]:9090", false),
            ("203.0.113.7:9090", false),
            ("172.32.0.1:9090", false),
            ("[2001:db8::1]:9090", false),
            ("[::ffff:203.0.113.7]:9090", false),
        ];
        for (text, allowed) in table {
            for metrics_public in [false, true] {
                let file = ServerFile {
                    metrics_listen: Some(text.to_owned()),
                    metrics_public,
                    ..ServerFile::default()
                };
                let mut problems = Vec::new();
                let listeners = check(&file, &TrustedProxies::default(), &mut problems);
                assert_eq!(listeners.metrics, text.parse().ok());
                let refused = problems.iter().any(|p| p.contains("metrics_public"));
                assert_eq!(refused, !allowed && !metrics_public, "{text}: {problems:?}");
            }
        }
    }
}
