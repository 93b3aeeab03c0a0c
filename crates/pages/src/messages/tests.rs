//! Both languages say the same, and a reader gets the one that is theirs.

use super::*;

#[test]
fn the_first_language_that_is_ours() {
    let words = Words::load().unwrap();
    for (asked, given) in [
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("fr, DE", "de"),
        ("en-US,en;q=0.9", "en"),
        ("fr", "en"),
        ("", "en"),
        ("*", "en"),
    ] {
        assert_eq!(words.language(asked), given, "{asked}");
    }
}

#[test]
fn both_languages_have_the_same_placeholders() {
    let placeholders = |text: &str| {
        let mut found: Vec<String> = text
            .split('{')
            .skip(1)
            .filter_map(|rest| rest.split_once('}').map(|(name, _)| name.to_owned()))
            .collect();
        found.sort();
        found
    };
    let Words([(_, en), (_, de)]) = Words::load().unwrap();
    for (one, other) in [
        (&en.push.through, &de.push.through),
        (&en.push.title, &de.push.title),
        (&en.push.body, &de.push.body),
        (&en.mail.subject, &de.mail.subject),
        (&en.mail.text, &de.mail.text),
        (&en.suspended.subject, &de.suspended.subject),
        (&en.suspended.text, &de.suspended.text),
        (&en.reported.subject, &de.reported.subject),
        (&en.reported.text, &de.reported.text),
        (&en.passkey_added.text, &de.passkey_added.text),
        (&en.passkey_removed.text, &de.passkey_removed.text),
        (&en.passkey_code.text, &de.passkey_code.text),
        (&en.password_changed.text, &de.password_changed.text),
        (&en.reset_begun.text, &de.reset_begun.text),
        (&en.recovered.text, &de.recovered.text),
        (&en.invitation.subject, &de.invitation.subject),
        (&en.invitation.text, &de.invitation.text),
        (&en.reset.text, &de.reset.text),
        (&en.forgotten.text, &de.forgotten.text),
        (&en.address.text, &de.address.text),
        (&en.reset_asked.text, &de.reset_asked.text),
        (&en.email_changed.text, &de.email_changed.text),
        (&en.email_asked.text, &de.email_asked.text),
        (&en.quiet_hours_changed.text, &de.quiet_hours_changed.text),
        (&en.browser_added.text, &de.browser_added.text),
        (&en.browser_removed.text, &de.browser_removed.text),
        (&en.used_twice.title, &de.used_twice.title),
        (&en.used_twice.body, &de.used_twice.body),
        (&en.used_twice.text, &de.used_twice.text),
    ] {
        assert_eq!(placeholders(one), placeholders(other), "{other}");
    }
}
