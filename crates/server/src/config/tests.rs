//! Which configurations are accepted, and which are refused with which message.

use std::time::Duration;

use writ_core::budget::Pauses;

use super::*;

const KEY: &str = "mZ1v0pQk9b3T7xYcR2uWn8aLs5dFg6hJ4kE0iOqPtSU";

fn load(pairs: &[(&str, &str)]) -> Result<Config, ConfigProblems> {
    let environment = pairs
        .iter()
        .map(|(k, v)| (format!("WRIT__{k}"), (*v).to_owned()))
        .collect();
    Config::load(None, &environment)
}

#[test]
fn the_environment_alone_is_enough() {
    let config = load(&[
        ("SERVER__ISSUER", "http://127.0.0.1:8080"),
        ("KEYS__MASTER", KEY),
        ("PROFILES__AGENT__DPOP_NONCE", "false"),
        ("FEATURES__MISSION_INTENT", "true"),
    ])
    .unwrap();
    assert!(!config.nonces.agent);
    assert!(config.features.mission_intent);
    assert_eq!(config.url("/token"), "http://127.0.0.1:8080/token");
}

#[test]
fn which_passkeys_count_is_configured() {
    let needed = [
        ("SERVER__ISSUER", "https://as.example"),
        ("KEYS__MASTER", KEY),
    ];
    let with = |value| load(&[&needed[..], &[("LEVELS__PASSKEY", value)]].concat());
    assert_eq!(load(&needed).unwrap().passkeys, AcceptedPasskeys::Any);
    assert_eq!(with("any").unwrap().passkeys, AcceptedPasskeys::Any);
    let bound = with("device_bound").unwrap();
    assert_eq!(bound.passkeys, AcceptedPasskeys::DeviceBound);
    assert!(!bound.passkeys.accept("what cannot be read"));
    for wrong in ["", "synced", "Device_Bound"] {
        let problems = with(wrong).err().unwrap();
        assert!(problems.0[0].contains("`levels.passkey`"), "{wrong}");
    }
}

#[test]
fn limits_of_prompts_are_configured() {
    let needed = [
        ("SERVER__ISSUER", "http://127.0.0.1:8080"),
        ("KEYS__MASTER", KEY),
    ];
    assert_eq!(load(&needed).unwrap().prompts, Limits::default());
    let more = [
        ("PROMPTS__PER_PERSON", "7"),
        ("PROMPTS__PER_AGENT", "8"),
        ("PROMPTS__PER_PAIR", "9"),
        ("PROMPTS__OPEN_PER_PAIR", "2"),
        ("PROMPTS__PER_RESOURCE", "6"),
        ("PROMPTS__OPEN_PER_RESOURCE", "3"),
        ("PROMPTS__PAUSE_SAME", "300"),
        ("PROMPTS__PAUSE_OTHER", "0"),
        ("PROMPTS__LONGEST_PAUSE", "3600"),
    ];
    let config = load(&[&needed[..], &more[..]].concat()).unwrap();
    let expected = Limits {
        per_person: 7,
        per_agent: 8,
        per_pair: 9,
        open_per_pair: 2,
        per_resource: 6,
        open_per_resource: 3,
        pauses: Pauses {
            same: Duration::from_secs(300),
            other: Duration::ZERO,
            longest: Duration::from_secs(3600),
        },
    };
    assert_eq!(config.prompts, expected);
    let day = ("PROMPTS__PAUSE_SAME", "86401");
    assert!(load(&[&needed[..], &[day]].concat()).is_err());
}

#[test]
fn unsafe_settings_and_unknown_keys_refuse_to_start() {
    let issuer = ("SERVER__ISSUER", "https://as.example");
    let key = ("KEYS__MASTER", KEY);
    let zero = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for bad in [
        vec![("SERVER__ISSUER", "http://as.example"), key],
        vec![("SERVER__ISSUER", "https://as.example/"), key],
        vec![("SERVER__ISSUER", "https://as.example?x"), key],
        vec![issuer],
        vec![key],
        vec![issuer, ("KEYS__MASTER", zero)],
        vec![issuer, ("KEYS__MASTER", "short")],
        vec![issuer, key, ("SERVER__LISTEN", "0.0.0.0:80")],
        vec![issuer, key, ("SERVER__LISTEN", "everywhere")],
        vec![issuer, key, ("DATABASE__URL", "mysql:x")],
        vec![issuer, key, ("SERVER__ISUER", "x")],
        vec![issuer, key, ("FEATURES__MAGIC", "true")],
        vec![issuer, key, ("OUTBOUND__CA_FILE", "/nowhere/ca.pem")],
        vec![issuer, key, ("OUTBOUND__CA_FILE", "Cargo.toml")],
        vec![issuer, key, ("PROMPTS__PER_PERSON", "0")],
        vec![issuer, key, ("PROMPTS__PER_PAIR", "-1")],
        vec![issuer, key, ("PROMPTS__PER_AGENT", "1000001")],
        vec![issuer, key, ("PROMPTS__OPEN_PER_PAIR", "many")],
    ] {
        assert!(load(&bad).is_err(), "{bad:?}");
    }
    assert!(
        load(&[
            issuer,
            key,
            ("SERVER__LISTEN", "0.0.0.0:80"),
            ("SERVER__TRUSTED_PROXIES", "10.0.0.1")
        ])
        .is_ok()
    );
}

#[test]
fn an_issuer_without_a_scheme_is_told_so() {
    for (issuer, said) in [
        ("localhost:18480", "`https://`"),
        ("as.example:443/tenant", "`https://`"),
        ("ftp://as.example/", "`https://`"),
        ("as.example", "is no URL"),
        ("//as.example", "is no URL"),
        ("https://as.example/tenant", "has a path"),
        ("https://as.example/", "ends with `/`"),
    ] {
        let settings = [("SERVER__ISSUER", issuer), ("KEYS__MASTER", KEY)];
        let problems = load(&settings).err().unwrap().0;
        assert_eq!(problems.len(), 1, "{issuer}: {problems:?}");
        assert!(problems[0].contains(said), "{issuer}: {problems:?}");
    }
}

#[test]
fn every_problem_is_named_at_once() {
    let problems = load(&[("DATABASE__URL", "x")]).err().unwrap().0;
    assert_eq!(problems.len(), 3, "{problems:?}");
}

/// The sentences about these settings, beside an issuer and a key.
fn about(settings: &[(&str, &str)]) -> Vec<String> {
    let usual = [
        ("SERVER__ISSUER", "https://as.example"),
        ("KEYS__MASTER", KEY),
    ];
    let all: Vec<_> = usual.iter().chain(settings).copied().collect();
    load(&all)
        .err()
        .map(|problems| problems.0)
        .unwrap_or_default()
}

#[test]
fn channels_come_from_the_environment_too() {
    let config = load(&[
        ("SERVER__ISSUER", "https://as.example"),
        ("KEYS__MASTER", KEY),
        (
            "OUTBOUND__TRUSTED",
            "http://10.0.0.7:9000, http://127.0.0.1:9001",
        ),
        ("PUSH__CONTACT", "mailto:op@as.example"),
        ("PUSH__HOSTS", "push.example,*.push.example"),
        ("MAIL__SMTP", "smtps://user:sesame@mail.example"),
        ("MAIL__FROM", "Writ <writ@as.example>"),
        ("WEBHOOK__URL", "http://10.0.0.7:9000/hook"),
        ("ADMIN__EMAIL", "security@as.example"),
    ]);
    let channels = config.unwrap().channels;
    assert_eq!(channels.rules.trusted.len(), 2);
    let push = ["https://push.example/1", "https://a.push.example/1"];
    assert!(push.iter().all(|url| channels.push_service(url).is_some()));
    assert!(channels.mail.is_some() && channels.webhook.is_some() && channels.admin.is_some());
    let unsaid = load(&[
        ("SERVER__ISSUER", "https://as.example"),
        ("KEYS__MASTER", KEY),
    ]);
    let unsaid = unsaid.unwrap().channels;
    assert_eq!(unsaid.push_service(push[0]), None);
    let usual = unsaid.push_service("https://fcm.googleapis.com/fcm/send/1");
    assert!(usual.is_some());
    assert!(unsaid.rules.trusted.is_empty() && unsaid.mail.is_none());
}

#[test]
fn unsafe_channels_refuse_to_start_and_tell_no_password() {
    let from = ("MAIL__FROM", "writ@as.example");
    let table: [(&[(&str, &str)], &str); 15] = [
        (
            &[("OUTBOUND__TRUSTED", "http://10.0.0.7/path")],
            "outbound.trusted",
        ),
        (&[("OUTBOUND__TRUSTED", "10.0.0.7")], "outbound.trusted"),
        (&[("PUSH__CONTACT", "operator")], "push.contact"),
        (
            &[("PUSH__HOSTS", "https://push.example/path")],
            "push.hosts",
        ),
        (&[("PUSH__HOSTS", "http://push.example")], "not https"),
        (&[("PUSH__HOSTS", "https://10.0.0.7")], "not a public one"),
        (&[("PUSH__HOSTS", "*")], "push.hosts"),
        (&[("WEBHOOK__URL", "http://hooks.example/")], "webhook.url"),
        (&[("WEBHOOK__URL", "https://10.0.0.7/")], "webhook.url"),
        (
            &[("MAIL__SMTP", "smtps://user:sesame@mail.example")],
            "mail.from",
        ),
        (
            &[("MAIL__SMTP", "smtp://user:sesame@mail.example"), from],
            "unprotected",
        ),
        (
            &[("MAIL__SMTP", "imap://user:sesame@mail.example"), from],
            "mail.smtp",
        ),
        (
            &[
                ("MAIL__SMTP", "smtps://mail.example"),
                ("MAIL__FROM", "nobody"),
            ],
            "mail.from",
        ),
        (&[("ADMIN__EMAIL", "security@as.example")], "mail.smtp"),
        (&[("PUSH__KEY", "x")], "key"),
    ];
    for (settings, word) in table {
        let found = about(settings).join("; ");
        assert!(found.contains(word), "{settings:?}: {found}");
        assert!(!found.contains("sesame"), "no secret: {found}");
    }
    for protected in ["smtp://mail.example?tls=required", "smtp://127.0.0.1:2525"] {
        assert_eq!(
            about(&[("MAIL__SMTP", protected), from]),
            [""; 0],
            "{protected}"
        );
    }
}

/// RFC 7515 appendix A.3.1.
const SEER_KEYS: &str = r#"{"keys":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;

fn seer(url: &str, issuer: &str, jwks: &str) -> Result<Config, ConfigProblems> {
    load(&[
        ("SERVER__ISSUER", "https://as.example"),
        ("KEYS__MASTER", KEY),
        ("LIVENESS__URL", url),
        ("LIVENESS__ISSUER", issuer),
        ("LIVENESS__JWKS", jwks),
    ])
}

#[test]
fn a_liveness_verifier_makes_the_level_reachable() {
    let (page, issuer) = ("https://seer.example/look?a=b", "https://seer.example");
    for url in [page, "http://127.0.0.1:9000/look", "http://localhost/look"] {
        let config = seer(url, issuer, SEER_KEYS).unwrap();
        assert_eq!(config.strongest(), Level::Liveness);
        let verifier = config.liveness.unwrap();
        assert_eq!((verifier.url.as_str(), &*verifier.issuer), (url, issuer));
        assert_eq!(verifier.keys.keys().len(), 1);
    }
    let needed = [
        ("SERVER__ISSUER", "https://as.example"),
        ("KEYS__MASTER", KEY),
    ];
    let without = load(&needed).unwrap();
    assert_eq!(without.strongest(), Level::Passkey);
    assert!(without.liveness.is_none());
}

#[test]
fn an_incomplete_or_unsafe_liveness_verifier_is_refused() {
    let (page, issuer) = ("https://seer.example/look", "https://seer.example");
    let secret = SEER_KEYS.replace("}]", r#","d":"AAAA"}]"#);
    for (url, name, keys, word) in [
        (
            "http://seer.example/look",
            issuer,
            SEER_KEYS,
            "neither `https`",
        ),
        ("look", issuer, SEER_KEYS, "no URL"),
        (
            "https://u:p@seer.example/",
            issuer,
            SEER_KEYS,
            "user information",
        ),
        ("https://seer.example/#a", issuer, SEER_KEYS, "fragment"),
        (page, "", SEER_KEYS, "`liveness.issuer` is empty"),
        (page, "https://as.example", SEER_KEYS, "is this server"),
        (page, issuer, "{}", "no JSON key set"),
        (page, issuer, r#"{"keys":[]}"#, "no key in it"),
        (page, issuer, &secret, "private member"),
    ] {
        let problems = seer(url, name, keys).err().unwrap().0.join("; ");
        assert!(problems.contains(word), "{word}: {problems}");
    }
    let all = [
        ("LIVENESS__URL", page),
        ("LIVENESS__ISSUER", issuer),
        ("LIVENESS__JWKS", SEER_KEYS),
        ("LIVENESS__KEYS_FILE", "nowhere.json"),
    ];
    for part in [
        &all[..1],
        &all[1..2],
        &all[2..3],
        &all[..2],
        &all[1..],
        &all,
    ] {
        let problems = about(part).join("; ");
        assert!(problems.contains("need each other"), "{part:?}: {problems}");
    }
    let file = [all[0], all[1], all[3]];
    let problems = about(&file).join("; ");
    assert!(
        problems.contains("`nowhere.json` cannot be read"),
        "{problems}"
    );
    let bare = [
        ("SERVER__ISSUER", "http://127.0.0.1:8080"),
        all[0],
        all[1],
        all[2],
    ];
    let problems = about(&bare).join("; ");
    assert!(problems.contains("beside a passkey"), "{problems}");
}

#[test]
fn registration_is_off_and_has_bounds() {
    let needed = [
        ("SERVER__ISSUER", "http://127.0.0.1:8080"),
        ("KEYS__MASTER", KEY),
    ];
    let usual = load(&needed).unwrap().registration;
    assert_eq!(usual, RegistrationRules::default());
    let open = [
        ("FEATURES__GUESTS", "true"),
        ("REGISTRATION__MODE", "open"),
        ("REGISTRATION__PER_ADDRESS", "7"),
        ("REGISTRATION__IN_ALL", "8"),
        ("REGISTRATION__UNUSED_HOURS", "2"),
    ];
    let rules = load(&[&needed[..], &open].concat()).unwrap().registration;
    assert_eq!((rules.per_address, rules.in_all), (7, 8));
    assert_eq!(rules.unused.as_secs(), 7200);
    for (settings, word) in [
        (&[("REGISTRATION__MODE", "open")][..], "features.guests"),
        (&[("REGISTRATION__MODE", "all")], "`off`, `token` or `open`"),
        (&[("REGISTRATION__PER_ADDRESS", "0")], "per_address"),
        (&[("REGISTRATION__IN_ALL", "100001")], "in_all"),
        (&[("REGISTRATION__UNUSED_HOURS", "0")], "unused_hours"),
        (&[("REGISTRATION__OTHER", "1")], "other"),
    ] {
        let problems = about(settings).join("; ");
        assert!(problems.contains(word), "{word}: {problems}");
    }
}

#[test]
fn a_proxy_that_is_not_named_is_warned_of() {
    let warnings = |more: &[(&str, &str)]| {
        let all = [&[("KEYS__MASTER", KEY)], more].concat();
        load(&all).unwrap().warnings()
    };
    let https = ("SERVER__ISSUER", "https://as.example");
    let found = warnings(&[https]);
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("`server.trusted_proxies`"), "{found:?}");
    assert!(found[0].contains("Limits by address are off"), "{found:?}");
    assert!(warnings(&[("SERVER__ISSUER", "http://127.0.0.1:8080")]).is_empty());
    for proxy in ["127.0.0.1", "10.0.0.0/8"] {
        let named = [https, ("SERVER__TRUSTED_PROXIES", proxy)];
        assert!(warnings(&named).is_empty(), "{proxy}");
    }
}

mod values;
