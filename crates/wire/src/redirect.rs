//! Redirect URIs: compared exactly, except for the port of a loopback address (OAuth 2.1 sections 2.3.1 and 8.4.2).

use url::{Host, Url};

use crate::host::host_name;

/// Why a redirect URI cannot be registered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedirectError {
    #[error("redirect URI `{0}` is not an absolute URI")]
    NotAbsolute(String),
    #[error("redirect URI `{0}` has a fragment")]
    Fragment(String),
    #[error("redirect URI `{0}` has a wildcard")]
    Wildcard(String),
    #[error("redirect URI `{0}` has user information")]
    UserInfo(String),
    #[error("redirect URI `{0}` is `http` outside loopback")]
    PlainHttp(String),
    #[error("redirect URI `{0}` has a scheme that browsers run")]
    Scheme(String),
    /// RFC 8252 section 7.1.
    #[error(
        "redirect URI `{0}` has a scheme without a dot: that of an app needs one, such as `com.example.app:/cb`"
    )]
    NoDot(String),
}

/// Where a redirect URI leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedirectKind {
    /// Over https; the host as [`host_name`] has it.
    Web { host: String },
    /// To this device, over `http`.
    Loopback,
    /// To an app on this device, by a scheme of its own.
    App { scheme: String },
}

/// Schemes that browsers run or open themselves: no redirect URI ever has one.
pub const UNSAFE_SCHEMES: [&str; 14] = [
    "about",
    "blob",
    "chrome",
    "content",
    "data",
    "file",
    "filesystem",
    "ftp",
    "intent",
    "javascript",
    "vbscript",
    "view-source",
    "ws",
    "wss",
];

/// Checks whether a redirect URI may be registered.
pub fn check_registrable(text: &str) -> Result<(), RedirectError> {
    match kind(text)? {
        // RFC 8252 section 7.1: private-use schemes are reverse domain names.
        RedirectKind::App { scheme } if !scheme.contains('.') => {
            Err(RedirectError::NoDot(text.chars().take(120).collect()))
        }
        _ => Ok(()),
    }
}

/// Checks a redirect URI but for the dot of a private-use scheme.
pub fn kind(text: &str) -> Result<RedirectKind, RedirectError> {
    let shown = || text.chars().take(120).collect::<String>();
    let url = Url::parse(text).map_err(|_| RedirectError::NotAbsolute(shown()))?;
    if text.contains('#') {
        return Err(RedirectError::Fragment(shown()));
    }
    if text.contains('*') {
        return Err(RedirectError::Wildcard(shown()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(RedirectError::UserInfo(shown()));
    }
    match url.scheme() {
        "https" => Ok(RedirectKind::Web {
            host: host_name(&url).ok_or_else(|| RedirectError::NotAbsolute(shown()))?,
        }),
        "http" if is_loopback(&url) => Ok(RedirectKind::Loopback),
        "http" => Err(RedirectError::PlainHttp(shown())),
        scheme if UNSAFE_SCHEMES.contains(&scheme) => Err(RedirectError::Scheme(shown())),
        scheme => Ok(RedirectKind::App {
            scheme: scheme.to_owned(),
        }),
    }
}

/// The most digits of a port.
const MAX_PORT_DIGITS: usize = 5;

/// Whether `asked` is `registered`: character by character, but for the port of a loopback address.
pub fn matches(registered: &str, asked: &str) -> bool {
    registered == asked
        || without_loopback_port(registered)
            .is_some_and(|bare| without_loopback_port(asked).is_some_and(|other| bare == other))
}

/// The origin of a redirect URI; private-use schemes give `scheme:`.
pub fn origin(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    match url.origin() {
        origin @ url::Origin::Tuple(..) => Some(origin.ascii_serialization()),
        url::Origin::Opaque(_) => Some(format!("{}:", url.scheme())),
    }
}

/// Whether the host is `127.0.0.0/8`, `[::1]` or `localhost`.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn without_loopback_port(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    if url.scheme() != "http" || !is_loopback(&url) || text.contains(['#', '@', '\\']) {
        return None;
    }
    // Edited as text, so that nothing but the port is normalised.
    let host = text.get(7..)?;
    let end = host.find(['/', '?']).unwrap_or(host.len());
    let (authority, rest) = host.split_at_checked(end)?;
    let name = match authority.rfind(':') {
        Some(colon) if !authority.ends_with(']') => {
            let port = authority.get(colon + 1..)?;
            // What a parser lets pass as a port, zeros before it and line breaks within it, would be kept with the request.
            if port.len() > MAX_PORT_DIGITS || !port.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            authority.get(..colon)?
        }
        _ => authority,
    };
    Some(format!("{}{name}{rest}", text.get(..7)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oauth21_8_4_2_loopback_port_is_free_and_nothing_else() {
        assert!(matches("http://127.0.0.1/cb", "http://127.0.0.1:49152/cb"));
        assert!(matches("http://[::1]:1/cb", "http://[::1]:2/cb"));
        assert!(matches("http://localhost:3000/cb", "http://localhost/cb"));
        for (registered, asked) in [
            ("http://127.0.0.1/cb", "http://127.0.0.1:1/cb/"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:1/CB"),
            ("http://127.0.0.1/cb", "http://127.0.0.2:1/cb"),
            ("http://127.0.0.1/cb", "http://localhost/cb"),
            ("http://127.0.0.1/cb", "https://127.0.0.1/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:1/cb?x"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:000001/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:1\n/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:1@evil.example/cb"),
            ("https://a.example/cb", "https://a.example:444/cb"),
            ("https://a.example/cb", "https://a.example/cb?"),
            ("https://a.example/cb", "HTTPS://a.example/cb"),
        ] {
            assert!(!matches(registered, asked), "{registered} {asked}");
        }
    }

    /// Whoever lists a host means all spellings of it.
    #[test]
    fn a_redirect_leads_to_one_host_however_it_is_spelled() {
        let kind = |text: &str| kind(text).ok();
        let web = |host: &str| {
            Some(RedirectKind::Web {
                host: host.to_owned(),
            })
        };
        for (text, host) in [
            ("https://Evil.example./cb", "evil.example"),
            ("https://evil.example..:8443/cb", "evil.example"),
            ("https://%65vil.example/cb", "evil.example"),
            ("https:evil.example/cb", "evil.example"),
            ("https:\\\\evil.example\\@good.example/cb", "evil.example"),
            ("https://localhost./cb", "localhost"),
            ("https://0x7f.1/cb", "127.0.0.1"),
            ("https://2130706433/cb", "127.0.0.1"),
            ("https://[::ffff:7f00:1]/cb", "127.0.0.1"),
        ] {
            assert_eq!(kind(text), web(host), "{text}");
        }
        for none in [
            "https://./cb",
            "https://[fe80::1%25lo]/cb",
            "https://good.example@evil.example/cb",
            "http://localhost./cb",
            "http://[::ffff:127.0.0.1]/cb",
        ] {
            assert_eq!(kind(none), None, "{none}");
        }
    }

    #[test]
    fn rfc_9700_unsafe_redirects_cannot_be_registered() {
        assert_eq!(check_registrable("https://a.example/cb?x=1"), Ok(()));
        assert_eq!(check_registrable("com.example.app:/cb"), Ok(()));
        for bad in [
            "/cb",
            "https://a.example/#",
            "https://*.a.example/",
            "http://a.example/",
            "javascript:alert(1)",
            "data:text/html,x",
            "https://u:p@a.example/",
        ] {
            assert!(check_registrable(bad).is_err(), "{bad}");
        }
    }

    /// RFC 8252 section 7.1, and not what browsers run.
    #[test]
    fn a_scheme_without_a_dot_is_refused_for_the_dot() {
        for (bad, dot) in [
            ("myapp://cb", true),
            ("cursor://cb", true),
            ("myapp:/cb", true),
            ("javascript:alert(1)", false),
            ("data:text/html,x", false),
            ("ws://a.example/", false),
        ] {
            let said = check_registrable(bad).unwrap_err().to_string();
            assert_eq!(said.contains("without a dot"), dot, "{said}");
            assert_eq!(said.contains("browsers run"), !dot, "{said}");
        }
    }
}
