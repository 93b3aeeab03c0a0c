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

/// What is said of a file with this text, under these variables.
fn said_of(text: &str, environment: &[(&str, &str)]) -> String {
    let name = format!("writ-{}.toml", writ_platform::Random::System.identifier());
    let path = std::env::temp_dir().join(name);
    std::fs::write(&path, text).unwrap();
    let environment = environment
        .iter()
        .map(|(name, value)| (format!("WRIT__{name}"), (*value).to_owned()))
        .collect();
    let read = Config::load(Some(&path), &environment);
    std::fs::remove_file(&path).unwrap();
    read.err().unwrap().0.join("; ")
}

/// Text of the file, environment, and what is said.
type Case = (
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static [&'static str],
);

#[test]
fn what_cannot_be_read_is_told_with_its_place() {
    const DRAIN: &[(&str, &str)] = &[("SERVER__DRAIN_SECONDS", "sesame")];
    let cases: [Case; 8] = [
        (
            "[mail]\n\n[upstream.acme]\n[upstream.acme]\n",
            &[],
            &["no TOML: line 4: duplicate key `acme`"],
        ),
        (
            "[mail]\nsmtp = 1\nsmtp = \"sesame\"\n",
            &[],
            &["line 3: duplicate key `smtp`"],
        ),
        (
            "# é\n\n[mail]\nsmtp = sesame\n",
            &[],
            &["no TOML: line 4: "],
        ),
        (
            "[server]\n\ndrain_seconds = \"sesame\"\n",
            &[],
            &["line 3: `server.drain_seconds`: ", "expected u64"],
        ),
        (
            "[upstream.acme]\nanyone = \"sesame\"\n",
            &[],
            &["line 2: `upstream.acme.anyone`: "],
        ),
        (
            "[server]\nisuer = \"sesame\"\n",
            &[],
            &[
                "line 2: `server`: unknown field `isuer`",
                "perhaps `issuer`",
            ],
        ),
        (
            "[server]\ndrain_seconds = 2\n",
            DRAIN,
            &[
                "`server.drain_seconds`: ",
                "as `WRIT__SERVER__DRAIN_SECONDS`",
            ],
        ),
        (
            "[server]\nisuer = \"sesame\"\n",
            &[("SERVER__LISTEN", "127.0.0.1:0")],
            &["line 2: `server`: unknown field `isuer`"],
        ),
    ];
    for (text, environment, words) in cases {
        let said = said_of(text, environment);
        for word in words {
            assert!(said.contains(word), "{text}: {word}: {said}");
        }
        assert!(!said.contains("sesame"), "{said}");
        let has_line = environment != DRAIN;
        assert_eq!(said.contains("line "), has_line, "{text}: {said}");
    }
}
