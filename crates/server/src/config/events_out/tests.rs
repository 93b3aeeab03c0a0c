//! Each key of a sink's section, with what is refused.

use writ_platform::guard::Origin;

use super::*;

/// Sinks, and what is wrong, of these sections `[events.NAME]`.
fn checked(sections: &[(&str, &str)]) -> (Vec<EventSink>, Vec<String>) {
    let read = |text: &str| toml::from_str::<SinkFile>(text).unwrap();
    let files = sections
        .iter()
        .map(|(name, text)| ((*name).to_owned(), read(text)));
    let rules = AddressPolicy {
        trusted: vec![Origin::parse("http://127.0.0.1:4318").unwrap()],
    };
    let mut problems = Vec::new();
    let sinks = check(files.collect(), &rules, &mut problems);
    (sinks, problems)
}

const LINES: &str = "kind = 'json_lines'\npath = '/var/log/writ/events.jsonl'\n";

#[test]
fn each_way_out_has_its_keys() {
    for (text, kind) in [
        (LINES, "json_lines"),
        ("kind = 'json_lines'\npath = '-'", "json_lines"),
        (
            "kind = 'otlp'\nendpoint = 'http://127.0.0.1:4318/v1/logs'\nauthorization = 'Bearer x'",
            "otlp",
        ),
        (
            "kind = 'webhook'\nendpoint = 'https://siem.example/writ'",
            "webhook",
        ),
    ] {
        let (sinks, problems) = checked(&[("siem", text)]);
        assert_eq!(problems, Vec::<String>::new(), "{text}");
        let sink = sinks.first().unwrap();
        assert_eq!((sink.name.as_str(), sink.way.kind()), ("siem", kind));
        assert_eq!(sink.kept, Duration::from_secs(7 * 24 * 3600));
        assert!(!format!("{sink:?}").contains("Bearer"), "{sink:?}");
    }
    assert!(
        checked(&[("siem", "")]).0.is_empty(),
        "a section of comments"
    );
}

#[test]
fn what_a_sink_cannot_do_is_refused() {
    for (name, text, said) in [
        ("siem", "kind = 'syslog'\npath = '/x'", "`kind` is"),
        ("siem", "path = '/x'", "`kind` is"),
        ("siem", "kind = 'json_lines'", "`kind` is"),
        ("siem", "kind = 'otlp'\npath = '/x'", "`kind` is"),
        (
            "siem",
            "kind = 'webhook'\nendpoint = 'https://a.example/'\nauthorization = 'x'",
            "`kind` is",
        ),
        (
            "siem",
            "kind = 'otlp'\nendpoint = 'http://a.example/v1/logs'",
            "not https",
        ),
        (
            "siem",
            "kind = 'otlp'\nendpoint = 'https://10.0.0.7/v1/logs'",
            "not a public one",
        ),
        (
            "siem",
            "kind = 'otlp'\nendpoint = 'https://u:p@a.example/v1/logs'",
            "user information",
        ),
        (
            "siem",
            "kind = 'otlp'\nendpoint = 'https://a.example/'\nauthorization = \"a\\nb\"",
            "no value of a header",
        ),
        (
            "siem",
            "kind = 'otlp'\nendpoint = 'https://a.example/'\nauthorization = 'a'\nauthorization_file = 'b'",
            "both set",
        ),
        ("Siem", LINES, "its name has"),
    ] {
        let (_, problems) = checked(&[(name, text)]);
        assert_eq!(problems.len(), 1, "{text}: {problems:?}");
        assert!(
            problems[0].starts_with(&format!("`events.{name}`: ")),
            "{problems:?}"
        );
        assert!(problems[0].contains(said), "{text}: {problems:?}");
    }
}

#[test]
fn a_sink_keeps_what_it_could_not_send_for_days_within_bounds() {
    for (days, is_taken) in [(0, false), (1, true), (90, true), (91, false)] {
        let text = format!("{LINES}keep_days = {days}");
        let (sinks, problems) = checked(&[("siem", &text)]);
        assert_eq!(problems.is_empty(), is_taken, "{days}: {problems:?}");
        let kept = sinks.first().unwrap().kept;
        assert!(!is_taken || kept == Duration::from_secs(days * 24 * 3600));
    }
}

#[test]
fn a_sink_gets_the_events_that_it_names() {
    for (names, wanted, other) in [
        ("", "token.issued", None),
        ("names = []", "token.issued", None),
        (
            "names = ['approval.*']",
            "approval.denied",
            Some("token.issued"),
        ),
        (
            "names = ['task.revoked']",
            "task.revoked",
            Some("task.approved"),
        ),
        ("names = ['*']", "token.issued", None),
    ] {
        let (sinks, problems) = checked(&[("siem", &format!("{LINES}{names}"))]);
        assert_eq!(problems, Vec::<String>::new(), "{names}");
        assert!(sinks[0].wants(wanted), "{names}");
        assert!(other.is_none_or(|other| !sinks[0].wants(other)), "{names}");
    }
    for misspelt in [
        "aproval.*",
        "approval",
        "*.denied",
        "approval.*.x",
        "",
        "Approval.*",
    ] {
        let (_, problems) = checked(&[("siem", &format!("{LINES}names = ['{misspelt}']"))]);
        assert_eq!(problems.len(), 1, "{misspelt}: {problems:?}");
        assert!(problems[0].contains("no event is called"), "{problems:?}");
    }
}

#[test]
fn there_are_a_few_sinks() {
    let names: Vec<String> = (0..=MAX_SINKS).map(|place| format!("s{place}")).collect();
    let sections: Vec<_> = names.iter().map(|name| (name.as_str(), LINES)).collect();
    assert_eq!(checked(&sections[1..]).1, Vec::<String>::new());
    let (_, problems) = checked(&sections);
    assert_eq!(problems, ["`events` has more than 8 sinks"]);
}
