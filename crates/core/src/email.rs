//! E-mail addresses: where somebody is written to, and what applications are told of a person (OpenID Connect Core section 5.1).

/// RFC 5321 section 4.5.3.1.3, without its brackets.
const LONGEST: usize = 254;
/// RFC 5321 section 4.5.3.1.1.
const LONGEST_LOCAL: usize = 64;
/// RFC 1035 section 2.3.4.
const LONGEST_LABEL: usize = 63;
/// RFC 5322 section 3.2.3, beside letters and digits.
const ATEXT: &[u8] = b"!#$%&'*+-/=?^_`{|}~";

/// An `addr-spec` (RFC 5322 section 3.4.1) without quotes or comments at the name of a host, which every mail server takes: in ASCII,
/// because not all speak SMTPUTF8 (RFC 6531). Whether a letter arrives is seen by the person.
pub fn mailbox(text: &str) -> Option<String> {
    let text = text.trim();
    let (local, host) = text.split_once('@')?;
    let sound = text.len() <= LONGEST && is_local(local) && is_host(host);
    sound.then(|| text.to_owned())
}

/// The same for the claim `email`, in lower case, so that one address has one spelling.
pub fn claimed(text: &str) -> Option<String> {
    mailbox(text).map(|text| text.to_ascii_lowercase())
}

fn is_local(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || ATEXT.contains(&byte);
    let is_atom = |atom: &str| !atom.is_empty() && atom.bytes().all(allowed);
    text.len() <= LONGEST_LOCAL && text.split('.').all(is_atom)
}

/// RFC 5321 section 4.1.2: two labels at least, of which the last is no number, as it is in addresses of networks.
fn is_host(text: &str) -> bool {
    let Some((_, last)) = text.rsplit_once('.') else {
        return false;
    };
    text.split('.').all(is_label) && !last.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_label(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let inside = !text.starts_with('-') && !text.ends_with('-');
    (1..=LONGEST_LABEL).contains(&text.len()) && inside && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As long as these parts are.
    fn long(local: usize, labels: &[usize]) -> String {
        let labels: Vec<_> = labels.iter().map(|length| "b".repeat(*length)).collect();
        format!("{}@{}", "a".repeat(local), labels.join("."))
    }

    #[test]
    fn an_address_is_one_that_every_mail_server_takes() {
        for text in [
            "alice@example.org",
            " a.b+c@sub.example.org ",
            "Alice@Example.ORG",
            "o'neil_{x}/y=z@example.org",
            "a@x-1.example.org",
            "a@1.example.org",
            "a@xn--exmple-cua.org",
            "a@b.c",
            &long(64, &[63, 3]),
            &long(64, &[63, 63, 61]),
        ] {
            assert_eq!(mailbox(text).as_deref(), Some(text.trim()), "{text}");
        }
        assert_eq!(long(64, &[63, 63, 61]).len(), 254);
    }

    #[test]
    fn rfc_5322_3_4_1_what_gets_no_letter_is_no_address() {
        for text in [
            "",
            "alice",
            "@",
            "@example.org",
            "alice@",
            "alice@localhost",
            "a@b@c.org",
            "a@b.org, c@d.org",
            "a@b.org\r\nBcc: x@y.org",
            "a b@c.org",
            "a\u{0}@c.org",
            "<a@b.org>",
            "\"a\"@b.org",
            "a(b)@c.org",
            "a@.org",
            "a@b.",
            "a@b.org.",
            "a@b..org",
            "a..b@c.org",
            ".a@c.org",
            "a.@c.org",
            "a@-b.org",
            "a@b-.org",
            "a@b.-org",
            "a@b_c.org",
            "a@b!c.org",
            "a@1.2.3.4",
            "a@[1.2.3.4]",
            "\u{fc}@example.org",
            "a@ex\u{e4}mple.org",
            "a@example.org\u{200b}",
            "\u{ff41}@example.org",
            &long(65, &[7, 3]),
            &long(1, &[64, 3]),
            &long(1, &[3, 64]),
            &long(64, &[63, 63, 62]),
        ] {
            assert_eq!(mailbox(text), None, "{text}");
            assert_eq!(claimed(text), None, "{text}");
        }
    }

    #[test]
    fn apps_are_told_one_spelling() {
        let told = claimed(" Alice.B+c@Sub.Example.ORG ");
        assert_eq!(told.as_deref(), Some("alice.b+c@sub.example.org"));
    }
}
