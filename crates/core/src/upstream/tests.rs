//! Each rule about people from providers, with its edges.

use super::*;
use crate::registration::check_user_name;

fn set(items: &[&str]) -> BTreeSet<String> {
    items.iter().map(|item| (*item).to_owned()).collect()
}

fn claims(email: Option<(&str, Option<bool>)>, groups: &[&str]) -> UpstreamClaims {
    UpstreamClaims {
        subject: "248289761001".to_owned(),
        verified_email: email
            .and_then(|(address, verified)| verified_email(Some(address), verified)),
        groups: set(groups),
        ..UpstreamClaims::default()
    }
}

fn listed(domains: &[&str], groups: &[&str]) -> AdmissionRule {
    AdmissionRule::Listed {
        domains: set(domains),
        groups: set(groups),
    }
}

#[test]
fn a_domain_admits_verified_addresses_of_that_domain_alone() {
    let rule = listed(&["acme.example"], &[]);
    let verified = Some(true);
    for (email, expected) in [
        (Some(("alice@acme.example", verified)), Ok(())),
        (Some(("Alice@ACME.example", verified)), Ok(())),
        (None, Err(NotAdmitted::UnverifiedAddress)),
        (
            Some(("alice@acme.example", None)),
            Err(NotAdmitted::UnverifiedAddress),
        ),
        (
            Some(("alice@acme.example", Some(false))),
            Err(NotAdmitted::UnverifiedAddress),
        ),
        (
            Some(("alice@evil.example@acme.example", verified)),
            Err(NotAdmitted::UnverifiedAddress),
        ),
        (
            Some(("alice@sub.acme.example", verified)),
            Err(NotAdmitted::OtherDomain),
        ),
        (
            Some(("alice@notacme.example", verified)),
            Err(NotAdmitted::OtherDomain),
        ),
        (
            Some(("alice@acme.example.evil.example", verified)),
            Err(NotAdmitted::OtherDomain),
        ),
        // A Cyrillic letter that looks like the Latin one.
        (
            Some(("alice@\u{430}cme.example", verified)),
            Err(NotAdmitted::UnverifiedAddress),
        ),
    ] {
        assert_eq!(rule.admits(&claims(email, &[])), expected, "{email:?}");
    }
}

#[test]
fn each_list_that_is_given_must_be_met() {
    let mail = |verified| Some(("alice@acme.example", Some(verified)));
    for (rule, claims, expected) in [
        (
            AdmissionRule::Known,
            claims(mail(true), &["g1"]),
            Err(NotAdmitted::NobodyNew),
        ),
        (AdmissionRule::Anyone, claims(None, &[]), Ok(())),
        (listed(&[], &["g1"]), claims(None, &["g0", "g1"]), Ok(())),
        (
            listed(&[], &["g1"]),
            claims(None, &[]),
            Err(NotAdmitted::NoGroup),
        ),
        (
            listed(&[], &["g1"]),
            claims(None, &["G1"]),
            Err(NotAdmitted::NoGroup),
        ),
        (
            listed(&["acme.example"], &["g1"]),
            claims(mail(true), &["g1"]),
            Ok(()),
        ),
        (
            listed(&["acme.example"], &["g1"]),
            claims(mail(true), &["g2"]),
            Err(NotAdmitted::NoGroup),
        ),
        (
            listed(&["acme.example"], &["g1"]),
            claims(mail(false), &["g1"]),
            Err(NotAdmitted::UnverifiedAddress),
        ),
    ] {
        assert_eq!(rule.admits(&claims), expected, "{rule:?} {claims:?}");
    }
}

#[test]
fn who_was_let_in_by_a_rule_is_let_in_as_long_as_it_holds() {
    use AccountOrigin::{Admission, Link};
    let rule = listed(&[], &["g1"]);
    let (inside, outside) = (claims(None, &["g1"]), claims(None, &[]));
    for (rule, origin, claims, expected) in [
        (&rule, Admission, &inside, Ok(())),
        (&rule, Admission, &outside, Err(NotAdmitted::NoGroup)),
        (&rule, Link, &outside, Ok(())),
        (&AdmissionRule::Known, Admission, &outside, Ok(())),
        (&AdmissionRule::Known, Link, &outside, Ok(())),
        (&AdmissionRule::Anyone, Admission, &outside, Ok(())),
    ] {
        assert_eq!(
            rule.still_admits(origin, claims),
            expected,
            "{rule:?} {origin:?}"
        );
    }
}

#[test]
fn oidc_core_3_1_2_1_only_a_login_since_the_question_is_fresh() {
    let asked = Timestamp::from_seconds(1_790_000_000);
    let now = asked.plus(Duration::from_secs(120));
    let at = |seconds: i64| Timestamp::from_seconds(1_790_000_000 + seconds);
    for (auth_time, expected) in [
        (Some(at(0)), Some(at(0))),
        (Some(at(119)), Some(at(119))),
        (Some(at(-60)), Some(at(-60))),
        (Some(at(-61)), None),
        // The provider's clock is ahead.
        (Some(at(121)), Some(now)),
        (None, None),
    ] {
        let claims = UpstreamClaims {
            auth_time,
            ..UpstreamClaims::default()
        };
        let proof = FreshProof::AuthTime;
        let found = claims.proved_at(proof, asked, now);
        assert_eq!(found, expected, "{auth_time:?}");
    }
}

#[test]
fn where_the_operator_believes_the_answer_a_time_that_is_said_still_counts() {
    let asked = Timestamp::from_seconds(1_790_000_000);
    let now = asked.plus(Duration::from_secs(120));
    for (auth_time, expected) in [
        (None, Some(now)),
        (Some(asked), Some(asked)),
        (Some(asked.minus(Duration::from_secs(61))), None),
    ] {
        let claims = UpstreamClaims {
            auth_time,
            ..UpstreamClaims::default()
        };
        let found = claims.proved_at(FreshProof::Asked, asked, now);
        assert_eq!(found, expected, "{auth_time:?}");
    }
}

#[test]
fn groups_alone_shut_out_whoever_the_list_of_groups_lets_in_no_more() {
    for (rule, groups, expected) in [
        (AdmissionRule::Known, set(&[]), true),
        (AdmissionRule::Anyone, set(&[]), true),
        (listed(&["acme.example"], &[]), set(&[]), true),
        (listed(&["acme.example"], &["g1"]), set(&["g1"]), true),
        (listed(&[], &["g1"]), set(&["g2"]), false),
        (listed(&["acme.example"], &["g1"]), set(&[]), false),
    ] {
        assert_eq!(rule.admits_groups(&groups), expected, "{rule:?} {groups:?}");
    }
}

#[test]
fn a_login_is_a_password_unless_the_map_says_more() {
    let rule = LevelRule {
        passkey_acr: set(&["phr"]),
        passkey_amr: set(&["hwk", "fido"]),
    };
    let said = |acr: Option<&str>, amr: &[&str]| UpstreamClaims {
        acr: acr.map(str::to_owned),
        amr: set(amr),
        ..UpstreamClaims::default()
    };
    let none = LevelRule::default();
    for (rule, claims, expected) in [
        (&rule, said(Some("phr"), &[]), Level::Passkey),
        (&rule, said(None, &["pwd", "fido"]), Level::Passkey),
        (&rule, said(Some("hwk"), &["phr"]), Level::Password),
        (&rule, said(Some("PHR"), &["pwd"]), Level::Password),
        (&rule, said(None, &[]), Level::Password),
        (&none, said(Some("phr"), &["hwk"]), Level::Password),
    ] {
        assert_eq!(rule.level(&claims), expected, "{claims:?}");
    }
}

#[test]
fn a_name_says_the_provider_and_is_one_that_an_operator_could_type() {
    let named = |username: Option<&str>, email: Option<&str>| UpstreamClaims {
        subject: "248289761001".to_owned(),
        preferred_username: username.map(str::to_owned),
        verified_email: email.map(str::to_owned),
        ..UpstreamClaims::default()
    };
    let long = "a".repeat(200);
    for (username, email, first) in [
        (Some("alice"), None, Some("alice@acme")),
        (Some("Alice.B@acme.example"), None, Some("alice.b@acme")),
        (None, Some("alice@acme.example"), Some("alice@acme")),
        // What is left of a name with letters that may look like others.
        (Some("al\u{456}ce <b>"), None, Some("alceb@acme")),
        (Some("\u{0410}\u{043d}\u{043d}\u{0430}"), None, None),
        (Some("@acme"), None, None),
        // A command would take them for an option or for a folder.
        (Some("-x"), None, Some("x@acme")),
        (Some("--help"), None, Some("help@acme")),
        (Some("-@acme.example"), None, None),
        (Some("..."), None, None),
        (Some("._-"), None, None),
        (Some("../etc"), None, Some("etc@acme")),
        (None, Some("-v.noor-@acme.example"), Some("v.noor-@acme")),
        (None, None, None),
    ] {
        let names = user_names("acme", "https://acme.example", &named(username, email));
        match first {
            Some(first) => assert_eq!(names[0], first, "{username:?}"),
            None => assert_eq!(names.len(), 1, "{username:?}: {names:?}"),
        }
        if first.is_some() {
            assert_eq!(names.len(), MOST_NAMESAKES + 1, "and one by a digest");
        }
        for name in &names {
            assert_eq!(check_user_name(name), Ok(()), "{name}");
            assert!(name.ends_with("@acme"), "{name}");
            assert!(
                name.starts_with(|c: char| c.is_ascii_alphanumeric()),
                "{name}"
            );
        }
    }
    let longest = user_names(
        &"p".repeat(20),
        "https://acme.example",
        &named(Some(&long), None),
    );
    assert!(
        longest.iter().all(|name| check_user_name(name).is_ok()),
        "{longest:?}"
    );
    let last = |issuer| user_names("acme", issuer, &named(None, None)).pop();
    assert_ne!(last("https://acme.example"), last("https://other.example"));
}

#[test]
fn a_session_there_has_a_name_that_can_be_kept() {
    let (longest, too_long) = ("d".repeat(LONGEST_SUBJECT), "d".repeat(LONGEST_SUBJECT + 1));
    for (sid, expected) in [
        (None, Some(None)),
        (Some(""), Some(None)),
        (Some("d1"), Some(Some("d1"))),
        (Some("d\u{e9} 1"), Some(Some("d\u{e9} 1"))),
        (Some(longest.as_str()), Some(Some(longest.as_str()))),
        (Some(too_long.as_str()), Some(None)),
        (Some("\u{0}"), None),
        (Some("d\u{0}1"), None),
        (Some("d1\n"), None),
        (Some("d\u{7f}"), None),
        (Some("d\u{85}"), None),
    ] {
        let found = session_name(sid.map(str::to_owned)).ok();
        assert_eq!(found.as_ref().map(Option::as_deref), expected, "{sid:?}");
    }
}
