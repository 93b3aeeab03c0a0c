//! E-mail addresses: where somebody is written to, and what applications are told of a person (OpenID Connect Core section 5.1).

/// RFC 5321 section 4.5.3.1.3, without its brackets.
const LONGEST: usize = 254;

/// Good enough to be written to; whether it arrives is seen by the person. Nothing that could end a header line.
pub fn mailbox(text: &str) -> Option<String> {
    let text = text.trim();
    let (local, domain) = text.split_once('@')?;
    let allowed = |c: char| !c.is_whitespace() && !c.is_control() && !"@<>,;:\"\\()[]".contains(c);
    let sound = !local.is_empty()
        && domain.contains('.')
        && !domain.starts_with('.')
        && !domain.ends_with('.')
        && text.len() <= LONGEST;
    (sound && local.chars().chain(domain.chars()).all(allowed)).then(|| text.to_owned())
}

/// An address for the claim `email`: an `addr-spec` (RFC 5322 section 3.4.1) without quotes or comments, in lower case, so that one
/// address has one spelling.
pub fn claimed(text: &str) -> Option<String> {
    let text = mailbox(text)?;
    let dotted = |part: &str| part.split('.').all(|atom| !atom.is_empty());
    let sound = text.is_ascii() && text.split('@').all(dotted);
    sound.then(|| text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_address() {
        for text in [
            "alice@example.org",
            " a.b+c@sub.example.org ",
            "ü@exämple.org",
        ] {
            assert_eq!(mailbox(text).as_deref(), Some(text.trim()));
        }
        for text in [
            "alice",
            "@example.org",
            "alice@",
            "alice@localhost",
            "a@b@c.org",
            "a@b.org, c@d.org",
            "a@b.org\r\nBcc: x@y.org",
            "<a@b.org>",
            "a@.org",
            "a@b.",
        ] {
            assert_eq!(mailbox(text), None, "{text}");
            assert_eq!(claimed(text), None, "{text}");
        }
        assert_eq!(mailbox(&format!("{}@example.org", "a".repeat(250))), None);
    }

    #[test]
    fn rfc_5322_3_4_1_what_apps_are_told_is_an_addr_spec() {
        let told = claimed(" Alice.B+c@Sub.Example.ORG ");
        assert_eq!(told.as_deref(), Some("alice.b+c@sub.example.org"));
        for text in [
            "ü@example.org",
            "a@exämple.org",
            "a..b@c.org",
            ".a@c.org",
            "a.@c.org",
            "a@b..org",
        ] {
            assert_eq!(claimed(text), None, "{text}");
        }
    }
}
