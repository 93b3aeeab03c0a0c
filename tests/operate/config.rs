//! Configuration: one file, the environment over it, unknown keys refused, unsafe settings do not start.

use std::collections::BTreeMap;
use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use writ_server::config::{Config, ForwardedHeader};
use writ_wire::registration::Profile;

const MASTER: &str = "mZ1v0pQk9b3T7xYcR2uWn8aLs5dFg6hJ4kE0iOqPtSU";

fn load(file: Option<&Path>, environment: &[(&str, &str)]) -> Result<Config, Vec<String>> {
    let environment: BTreeMap<String, String> = environment
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    Config::load(file, &environment).map_err(|problems| problems.0)
}

/// The problems of a configuration that must have some.
fn problems(file: Option<&Path>, environment: &[(&str, &str)]) -> Vec<String> {
    match load(file, environment) {
        Err(problems) => problems,
        Ok(_) => panic!("usable: {environment:?}"),
    }
}

/// A file of this test's own, gone when the test ends.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("writ-{}-{name}", std::process::id()));
        std::fs::write(&path, text).unwrap();
        let temporary = Self(path);
        temporary.permit(0o600);
        temporary
    }

    fn permit(&self, mode: u32) {
        std::fs::set_permissions(&self.0, Permissions::from_mode(mode)).unwrap();
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn every_setting_also_from_the_environment() {
    let config = load(
        None,
        &[
            ("WRIT__SERVER__LISTEN", "127.0.0.1:4000"),
            ("WRIT__SERVER__ISSUER", "https://as.example"),
            ("WRIT__SERVER__TRUSTED_PROXIES", "10.0.0.1, 192.168.0.0/16"),
            ("WRIT__SERVER__FORWARDED_HEADER", "forwarded"),
            ("WRIT__SERVER__METRICS_LISTEN", "127.0.0.1:4001"),
            ("WRIT__DATABASE__URL", "postgres://writ@db/writ"),
            ("WRIT__TYPES__PATH", "/etc/writ/types"),
            ("WRIT__KEYS__MASTER", MASTER),
            ("WRIT__PROFILES__AGENT__DPOP_NONCE", "false"),
            ("WRIT__PROFILES__OAUTH21__DPOP_NONCE", "true"),
            ("WRIT__PROFILES__FAPI2__DPOP_NONCE", "false"),
            ("WRIT__FEATURES__MISSION_INTENT", "true"),
            ("PATH", "/usr/bin"),
        ],
    );
    let config = config.unwrap_or_else(|problems| panic!("{problems:?}"));
    assert_eq!(config.listen.to_string(), "127.0.0.1:4000");
    assert_eq!(config.issuer.as_str(), "https://as.example");
    for (address, trusted) in [
        ("10.0.0.1", true),
        ("10.0.0.3", false),
        ("192.168.7.9", true),
        ("192.169.0.1", false),
    ] {
        let address = address.parse().unwrap();
        assert_eq!(
            config.trusted_proxies.contains(address),
            trusted,
            "{address}"
        );
    }
    assert_eq!(config.forwarded_header, ForwardedHeader::Forwarded);
    assert_eq!(config.metrics_listen.unwrap().port(), 4001);
    assert_eq!(config.database_url, "postgres://writ@db/writ");
    assert_eq!(config.types_path, PathBuf::from("/etc/writ/types"));
    let nonces = [Profile::Oauth21, Profile::Fapi2, Profile::Agent].map(|p| config.nonces.of(p));
    assert_eq!(nonces, [true, false, false]);
    assert!(config.features.mission_intent && config.is_https());
}

#[test]
fn settings_that_are_left_out_are_safe() {
    let said = [
        ("WRIT__SERVER__ISSUER", "http://127.0.0.1:8080"),
        ("WRIT__KEYS__MASTER", MASTER),
    ];
    let config = load(None, &said).unwrap_or_else(|problems| panic!("{problems:?}"));
    assert!(config.listen.ip().is_loopback());
    let nonces = [Profile::Oauth21, Profile::Fapi2, Profile::Agent].map(|p| config.nonces.of(p));
    assert_eq!(nonces, [false, true, true]);
    assert!(!config.features.mission_intent, "drafts are off");
    assert!(config.metrics_listen.is_none() && config.trusted_proxies.is_empty());
    assert_eq!(config.forwarded_header, ForwardedHeader::XForwardedFor);
}

#[test]
fn the_environment_wins_over_the_file() {
    let file = Temporary::new(
        "both.toml",
        "[server]\nissuer = \"https://file.example\"\nlisten = \"127.0.0.1:1\"\n[features]\nmission_intent = true\n",
    );
    let environment = [
        ("WRIT__SERVER__ISSUER", "https://env.example"),
        ("WRIT__KEYS__MASTER", MASTER),
    ];
    let config =
        load(Some(&file.0), &environment).unwrap_or_else(|problems| panic!("{problems:?}"));
    assert_eq!(config.issuer.as_str(), "https://env.example");
    assert_eq!(config.listen.port(), 1);
    assert!(config.features.mission_intent);
}

#[test]
fn the_shipped_file_needs_a_master_key_alone() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/writ.toml");
    let missing = problems(Some(&path), &[]);
    assert_eq!(missing.len(), 1, "{missing:?}");
    assert!(missing[0].contains("writ-master.key"), "{missing:?}");
    let key = Temporary::new("master.key", &format!("{MASTER}\n"));
    let config = load(
        Some(&path),
        &[("WRIT__KEYS__MASTER_FILE", key.0.to_str().unwrap())],
    );
    let config = config.unwrap_or_else(|problems| panic!("{problems:?}"));
    // A name: passkeys are of none for an address.
    assert_eq!(config.issuer.as_str(), "http://localhost:8080");
}

#[test]
fn a_master_key_that_others_can_read_does_not_start() {
    let key = Temporary::new("mode.key", &format!("{MASTER}\n"));
    let link = std::env::temp_dir().join(format!("writ-{}-link.key", std::process::id()));
    symlink(&key.0, &link).unwrap();
    let link = Temporary(link);
    for path in [&key.0, &link.0] {
        let path = path.to_str().unwrap();
        let said = [
            ("WRIT__SERVER__ISSUER", "https://as.example"),
            ("WRIT__KEYS__MASTER_FILE", path),
        ];
        for mode in [0o400, 0o600] {
            key.permit(mode);
            assert!(load(None, &said).is_ok(), "{mode:o}");
        }
        for mode in [0o644, 0o640, 0o660, 0o604, 0o602] {
            key.permit(mode);
            let found = problems(None, &said);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(
                found[0].contains(&format!("chmod 0400 {path}")),
                "{found:?}"
            );
            assert!(!found[0].contains(MASTER), "{found:?}");
        }
    }
}

#[test]
fn a_server_with_unsafe_settings_or_unknown_keys_does_not_start() {
    let issuer = ("WRIT__SERVER__ISSUER", "https://as.example");
    let key = ("WRIT__KEYS__MASTER", MASTER);
    let zeroes = "A".repeat(43);
    let table: [(&[(&str, &str)], &str); 23] = [
        (
            &[("WRIT__SERVER__ISSUER", "http://as.example"), key],
            "loopback",
        ),
        (
            &[
                ("WRIT__SERVER__ISSUER", "http://127.0.0.1.evil.example"),
                key,
            ],
            "loopback",
        ),
        (
            &[("WRIT__SERVER__ISSUER", "https://as.example/"), key],
            "ends with",
        ),
        (
            &[("WRIT__SERVER__ISSUER", "https://as.example?x"), key],
            "query",
        ),
        (
            &[("WRIT__SERVER__ISSUER", "https://as.example#x"), key],
            "fragment",
        ),
        (
            &[("WRIT__SERVER__ISSUER", "https://u:p@as.example"), key],
            "user",
        ),
        (
            &[("WRIT__SERVER__ISSUER", "ftp://as.example"), key],
            "https",
        ),
        (&[key], "server.issuer"),
        (&[issuer], "keys.master"),
        (&[issuer, ("WRIT__KEYS__MASTER", &zeroes)], "keys.master"),
        (&[issuer, ("WRIT__KEYS__MASTER", "c2hvcnQ")], "keys.master"),
        (
            &[issuer, key, ("WRIT__KEYS__MASTER_FILE", "/nowhere")],
            "keys.master_file",
        ),
        (
            &[issuer, key, ("WRIT__SERVER__LISTEN", "0.0.0.0:80")],
            "trusted_proxies",
        ),
        (
            &[issuer, key, ("WRIT__SERVER__TRUSTED_PROXIES", "everybody")],
            "everybody",
        ),
        (
            &[
                issuer,
                key,
                ("WRIT__SERVER__TRUSTED_PROXIES", "10.0.0.0/33"),
            ],
            "neither an IP address nor a network",
        ),
        (
            &[issuer, key, ("WRIT__SERVER__TRUSTED_PROXIES", "10.1.2.3/8")],
            "write `10.0.0.0/8`",
        ),
        (
            &[issuer, key, ("WRIT__SERVER__TRUSTED_PROXIES", "0.0.0.0/0")],
            "is everybody",
        ),
        (
            &[issuer, key, ("WRIT__SERVER__TRUSTED_PROXIES", "::/0")],
            "is everybody",
        ),
        (
            &[
                issuer,
                key,
                ("WRIT__SERVER__TRUSTED_PROXIES", "::ffff:0.0.0.0/96"),
            ],
            "is everybody",
        ),
        (
            &[issuer, key, ("WRIT__SERVER__FORWARDED_HEADER", "x-real-ip")],
            "forwarded_header",
        ),
        (
            &[issuer, key, ("WRIT__DATABASE__URL", "mysql://db")],
            "database.url",
        ),
        (&[issuer, key, ("WRIT__SERVER__ISUER", "x")], "isuer"),
        (
            &[
                issuer,
                key,
                ("WRIT__PROFILES__AGENT__DPOP_NONCE", "sometimes"),
            ],
            "boolean",
        ),
    ];
    for (environment, word) in table {
        let found = problems(None, environment).join("; ");
        assert!(found.contains(word), "{environment:?}: {found}");
        assert!(
            !found.contains(MASTER) && !found.contains(&zeroes),
            "no secret: {found}"
        );
    }
    for text in [
        "[server]\nissuers = \"x\"",
        "[features]\nmagic = true",
        "more = 1",
        "[server",
    ] {
        let file = Temporary::new("bad.toml", text);
        assert_eq!(problems(Some(&file.0), &[issuer, key]).len(), 1, "{text}");
    }
    let behind = [
        issuer,
        key,
        ("WRIT__SERVER__LISTEN", "0.0.0.0:80"),
        ("WRIT__SERVER__TRUSTED_PROXIES", "10.0.0.1"),
    ];
    assert!(load(None, &behind).is_ok());
}

/// A list with an entry that matches nothing would protect nobody, and nobody would notice.
#[test]
fn lists_of_guests_hold_what_can_match() {
    let with = |key: &str, list: &str| {
        let key = format!("WRIT__GUESTS__{key}");
        let needed = [
            ("WRIT__SERVER__ISSUER", "https://as.example"),
            ("WRIT__KEYS__MASTER", MASTER),
        ];
        load(None, &[needed[0], needed[1], (&key, list)])
    };
    for host in [
        "Evil.example",
        "evil.example.",
        "evil.example:8443",
        "https://evil.example",
        "evil.example/",
        "b\u{fc}cher.example",
        "0x7f.1",
        "127.0.0.1.",
        "::1",
        "[0::1]",
        "[::ffff:127.0.0.1]",
        "*.evil.example.",
        ".evil.example",
        "evil.*.example",
        "*.",
    ] {
        for key in ["HOSTS", "DENY"] {
            let found = with(key, host).err().unwrap_or_default().join("; ");
            let named = format!("guests.{}", key.to_lowercase());
            assert!(found.contains(&named), "{key} {host}: {found}");
        }
    }
    // The brackets of a list may be there: those of an address are its own inside quotation marks.
    for host in ["evil.example", "*.evil.example", "127.0.0.1", "[\"[::1]\"]"] {
        assert!(with("DENY", host).is_ok(), "{host}");
    }
    for origin in [
        "http://10.0.0.7:9000",
        "http://client.example",
        "10.0.0.7",
        "https://client.example/path",
        "https://me@client.example",
        "ftp://client.example",
    ] {
        let found = with("TRUSTED", origin).err().unwrap_or_default().join("; ");
        assert!(found.contains("guests.trusted"), "{origin}: {found}");
    }
    let config = with(
        "TRUSTED",
        "https://10.0.0.7:9000, https://Docs.house.example",
    );
    let config = config.unwrap_or_else(|problems| panic!("{problems:?}"));
    let inside = "https://10.0.0.7:9000/client.json";
    assert_eq!(config.guest_addresses.admits(inside), Ok(()));
    assert!(config.channels.rules.admits(inside).is_err());
    let other = [("WRIT__OUTBOUND__TRUSTED", "https://10.0.0.7:9000")];
    let needed = [
        ("WRIT__SERVER__ISSUER", "https://as.example"),
        ("WRIT__KEYS__MASTER", MASTER),
    ];
    let config = load(None, &[needed[0], needed[1], other[0]]);
    let config = config.unwrap_or_else(|problems| panic!("{problems:?}"));
    assert!(config.guest_addresses.admits(inside).is_err());
    assert_eq!(config.channels.rules.admits(inside), Ok(()));
}

#[test]
fn every_problem_of_the_configuration_is_named_at_once() {
    let found = problems(
        None,
        &[
            ("WRIT__SERVER__LISTEN", "everywhere"),
            ("WRIT__SERVER__ISSUER", "http://as.example"),
            ("WRIT__DATABASE__URL", "x"),
        ],
    );
    for word in [
        "server.listen",
        "server.issuer",
        "keys.master",
        "database.url",
    ] {
        assert!(
            found.iter().any(|problem| problem.contains(word)),
            "{word}: {found:?}"
        );
    }
}
