//! What starts, and what refuses to start with which sentence.

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
fn every_problem_is_named_at_once() {
    let problems = load(&[("DATABASE__URL", "x")]).err().unwrap().0;
    assert_eq!(problems.len(), 3, "{problems:?}");
}
