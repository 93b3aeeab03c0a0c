//! The metrics of the server, of docs/metrics.md, of the sample alerts and of the dashboard are the same ones.

use std::collections::BTreeSet;

use serde_json::Value;
use writ_server::node::metrics::Metrics;

use super::{none, root};

/// What a metric of each type is followed by where it is read.
const ENDS: [&str; 4] = ["_total", "_bucket", "_count", "_sum"];

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

/// As they are scraped: a counter ends with `_total`.
fn registered() -> BTreeSet<String> {
    let text = Metrics::new().render();
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let found: BTreeSet<String> = types
        .map(|line| {
            let (name, kind) = line.split_once(' ').unwrap();
            match kind {
                "counter" => format!("{name}_total"),
                _ => name.to_owned(),
            }
        })
        .collect();
    assert!(found.len() > 25, "{found:?}");
    found
}

/// Words that are names of our metrics.
fn named(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let ours = words.filter(|word| word.starts_with("writ_"));
    ours.map(str::to_owned).collect()
}

/// The parts of a histogram are read by names of their own.
fn is_of(name: &str, registered: &BTreeSet<String>) -> bool {
    let whole = ENDS.iter().filter_map(|end| name.strip_suffix(end));
    registered.contains(name) || whole.into_iter().any(|whole| registered.contains(whole))
}

#[test]
fn each_metric_has_its_row_and_each_row_its_metric() {
    let page = read("docs/metrics.md");
    let rows = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `writ_"));
    let rows: BTreeSet<String> = rows
        .map(|rest| format!("writ_{}", rest.split('`').next().unwrap()))
        .collect();
    assert_eq!(rows, registered());
}

#[test]
fn alerts_and_dashboard_ask_for_metrics_that_are_there() {
    let registered = registered();
    let mut unknown = Vec::new();
    for path in ["config/alerts.yml", "config/grafana.json"] {
        let names = named(&read(path));
        assert!(names.len() > 10, "{path}: {names:?}");
        let unasked = names.into_iter().filter(|name| !is_of(name, &registered));
        unknown.extend(unasked.map(|name| format!("{path}: there is no `{name}`")));
    }
    none(&unknown);
}

/// What the page says is worth an alert has one.
#[test]
fn what_is_worth_an_alert_has_one() {
    let page = read("docs/metrics.md");
    let (_, worth) = page.split_once("\nWorth an alert: ").unwrap();
    let worth = named(worth.split("\n\n").next().unwrap());
    assert!(worth.len() > 8, "{worth:?}");
    let alerts = named(&read("config/alerts.yml"));
    let missing: Vec<&String> = worth.difference(&alerts).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn the_dashboard_is_one_of_grafana() {
    let board: Value = serde_json::from_str(&read("config/grafana.json")).unwrap();
    assert_eq!(board["title"], "Writ");
    let panels = board["panels"].as_array().unwrap();
    let mut ids = BTreeSet::new();
    for panel in panels {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{panel}");
        let queries = panel["targets"].as_array().unwrap();
        assert!(!queries.is_empty(), "{panel}");
        for query in queries {
            let asked = query["expr"].as_str().unwrap();
            let opened = asked.matches('(').count();
            assert_eq!(opened, asked.matches(')').count(), "{asked}");
        }
    }
}
