//! `push.hosts`: the push services that a browser's subscription may name. Other addresses are not called, or a user could make this
//! server call any host; nor are the origins of `outbound.trusted`, because the subscriber chooses the path.

use writ_platform::guard::{AddressPolicy, Origin};

use super::channels::Channels;
use super::without_credentials;

/// The push services of the large browsers, unless the configuration says otherwise; `*.` stands for one label or more.
const DEFAULT_HOSTS: [&str; 4] = [
    "fcm.googleapis.com",
    "updates.push.services.mozilla.com",
    "*.notify.windows.com",
    "web.push.apple.com",
];

/// The push services below one name, or at one origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PushHost {
    /// A host's name alone stands for https at the usual port.
    At(Origin),
    /// What follows a label or more, with the dot; https at the usual port.
    Below(String),
}

impl PushHost {
    fn parse(text: &str) -> Option<Self> {
        if text.contains("://") {
            return Origin::parse(text).map(Self::At);
        }
        let (name, is_below) = match text.strip_prefix("*.") {
            Some(name) => (name, true),
            None => (text, false),
        };
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-".contains(&b);
        if !name.contains('.') || !name.bytes().all(plain) {
            return None;
        }
        match is_below {
            true => Some(Self::Below(format!(".{name}"))),
            false => Origin::parse(&format!("https://{name}")).map(Self::At),
        }
    }

    fn has(&self, origin: &Origin) -> bool {
        match self {
            Self::At(known) => known == origin,
            Self::Below(end) => origin
                .as_str()
                .strip_prefix("https://")
                .is_some_and(|host| host.len() > end.len() && host.ends_with(end)),
        }
    }
}

impl Channels {
    /// The origin of the push service that a browser named, if it may be called for it.
    pub fn push_service(&self, endpoint: &str) -> Option<Origin> {
        let origin = self.rules.origin(endpoint).ok()?;
        let is_known = self.push_hosts.iter().any(|known| known.has(&origin));
        is_known.then_some(origin)
    }
}

pub(super) fn check(
    listed: Option<Vec<String>>,
    rules: &AddressPolicy,
    problems: &mut Vec<String>,
) -> Vec<PushHost> {
    let listed = listed.unwrap_or_else(|| DEFAULT_HOSTS.map(str::to_owned).to_vec());
    let known = listed.iter().filter_map(|text| host(text, rules, problems));
    known.collect()
}

fn host(text: &str, rules: &AddressPolicy, problems: &mut Vec<String>) -> Option<PushHost> {
    let Some(known) = PushHost::parse(text) else {
        problems.push(format!(
            "`push.hosts`: `{}` is no host name, such as `push.example` or `*.push.example`, and no origin",
            without_credentials(text)
        ));
        return None;
    };
    if let PushHost::At(origin) = &known
        && let Err(refused) = rules.admits(origin.as_str())
    {
        problems.push(format!(
            "`push.hosts`: `{text}`: {refused}; an origin inside the house stands in `outbound.trusted` too"
        ));
    }
    Some(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_taken(known: &str, endpoint: &str) -> bool {
        let trusted = ["http://10.0.0.7:9000", "http://push.example"].map(Origin::parse);
        let rules = AddressPolicy {
            trusted: trusted.into_iter().flatten().collect(),
        };
        let mut problems = Vec::new();
        let push_hosts = check(Some(vec![known.to_owned()]), &rules, &mut problems);
        assert_eq!(problems, Vec::<String>::new(), "{known}");
        let channels = Channels {
            rules,
            push_hosts,
            ..Channels::default()
        };
        channels.push_service(endpoint).is_some()
    }

    #[test]
    fn hosts_are_whole_or_below_a_dot() {
        for (known, endpoint) in [
            ("push.example", "https://push.example/x?y"),
            ("push.example", "https://PUSH.example:443/x"),
            ("*.push.example", "https://a.b.push.example/x"),
            ("https://push.example:8443", "https://push.example:8443/x"),
            ("http://10.0.0.7:9000", "http://10.0.0.7:9000/x"),
        ] {
            assert!(is_taken(known, endpoint), "{known} {endpoint}");
        }
        for (known, endpoint) in [
            ("push.example", "https://a.push.example/x"),
            ("push.example", "https://push.example.evil.example/x"),
            ("push.example", "https://push.example:8443/x"),
            ("*.push.example", "https://push.example/x"),
            ("*.push.example", "https://evilpush.example/x"),
            ("*.push.example", "https://a.push.example:8443/x"),
            ("https://push.example:8443", "https://push.example/x"),
        ] {
            assert!(!is_taken(known, endpoint), "{known} {endpoint}");
        }
    }

    #[test]
    fn a_trusted_outbound_origin_is_no_push_service() {
        for known in [
            "push.example",
            "*.push.example",
            "https://10.0.0.7.example:9000",
        ] {
            assert!(!is_taken(known, "http://10.0.0.7:9000/admin"), "{known}");
            assert!(!is_taken(known, "http://push.example/x"), "{known}");
        }
    }
}
