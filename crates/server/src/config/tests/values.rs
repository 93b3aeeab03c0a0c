//! What a refusal says of a value.

use super::*;

#[test]
fn a_value_in_the_place_of_another_is_not_said() {
    for (name, value, about) in [
        (
            "DATABASE",
            "postgres://writ:sesame@db.example/writ",
            "expected",
        ),
        ("MAIL", "smtps://u:sesame@mail.example", "expected"),
        ("KEYS", "sesame\", expected sesame", "expected"),
        ("KEYS", "x\", expected struct `sesame", "expected"),
        ("SERVER__DRAIN_SECONDS", "sesame", "expected u64"),
        ("FEATURES__GUESTS", "sesame", "expected a boolean"),
        (
            "OUTBOUND__TRUSTED",
            "https://u:sesame@x",
            "`outbound.trusted`: `x` is",
        ),
        (
            "GUESTS__TRUSTED",
            "https://u:sesame@x",
            "`guests.trusted`: `x` is",
        ),
        ("GUESTS__HOSTS", "u:sesame@x", "`guests.hosts`: `x` is"),
        ("PUSH__HOSTS", "u:sesame@x", "`push.hosts`: `x` is"),
        (
            "SERVER__TRUSTED_PROXIES",
            "u:sesame@x",
            "`server.trusted_proxies`: `x` is",
        ),
    ] {
        let problems = load(&[(name, value)]).err().unwrap().to_string();
        assert!(!problems.contains("sesame"), "{name}: {problems}");
        assert!(problems.contains(about), "{name}: {problems}");
    }
}
