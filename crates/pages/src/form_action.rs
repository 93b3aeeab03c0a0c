//! One source of the `form-action` directive: browsers apply it to the redirect that answers a
//! form, so the consent form must name where the client waits. Content Security Policy level 3,
//! section 6.4.1.

use std::fmt;

use url::{Host, Url};

/// The origin of a redirect URI, or its scheme for apps on a device, safe inside the header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormAction(String);

impl FormAction {
    /// `None` if the URI has no origin that a policy could name.
    pub fn of_redirect(redirect_uri: &str) -> Option<Self> {
        let url = Url::parse(redirect_uri).ok()?;
        if NEVER.contains(&url.scheme()) {
            return None;
        }
        let source = match (url.scheme(), url.host()) {
            // The grammar of a policy has no IPv6 address, so loopback over IPv6 gets its scheme.
            ("http" | "https", Some(Host::Ipv6(_))) => format!("{}:", url.scheme()),
            ("http" | "https", _) => url.origin().ascii_serialization(),
            _ => format!("{}:", url.scheme()),
        };
        source.chars().all(harmless).then_some(Self(source))
    }
}

impl fmt::Display for FormAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A host may legally hold `;` or `'`, which would write directives of its own.
fn harmless(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+' | ':' | '/')
}

const NEVER: [&str; 6] = ["javascript", "data", "blob", "file", "vbscript", "about"];

#[cfg(test)]
mod tests {
    use super::*;

    fn source(redirect_uri: &str) -> Option<String> {
        FormAction::of_redirect(redirect_uri).map(|action| action.to_string())
    }

    #[test]
    fn names_the_origin_alone() {
        assert_eq!(
            source("https://app.example/cb?x=1").as_deref(),
            Some("https://app.example")
        );
        assert_eq!(
            source("http://127.0.0.1:4711/cb").as_deref(),
            Some("http://127.0.0.1:4711")
        );
    }

    #[test]
    fn names_the_scheme_where_a_policy_cannot_name_an_origin() {
        assert_eq!(
            source("com.example.app:/cb").as_deref(),
            Some("com.example.app:")
        );
        assert_eq!(source("http://[::1]:4711/cb").as_deref(), Some("http:"));
    }

    #[test]
    fn a_host_cannot_write_directives() {
        assert_eq!(source("https://a;script-src/cb"), None);
        assert_eq!(source("https://a'b/cb"), None);
        assert_eq!(source("https://a,b/cb"), None);
        assert_eq!(source("javascript:alert(1)"), None);
        assert_eq!(source("not a uri"), None);
    }
}
