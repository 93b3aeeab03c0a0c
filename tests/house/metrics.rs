//! The metrics of the server, of docs/metrics.md, of the sample alerts and of the dashboard are the same ones.

use std::collections::BTreeSet;

use serde_json::Value;
use writ_server::node::metrics::Metrics;

use super::{none, root, rust_files};

/// What a metric of each type is followed by where it is read.
const ENDS: [&str; 4] = ["_total", "_bucket", "_count", "_sum"];

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

/// Where metrics are registered: one with labels is not rendered until it was counted.
const SOURCES: &str = "crates/server/src/node/metrics";

/// Without `_total`, which is at the end of every counter that is scraped.
fn registered() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut files = rust_files();
    files.retain(|(name, _)| name.starts_with(SOURCES));
    for (_, text) in &files {
        for made in text
            .split("kept(")
            .flat_map(|part| part.split(".register("))
        {
            let Some((before, rest)) = made.split_once('"') else {
                continue;
            };
            let before = before.trim().trim_start_matches("&mut ");
            if before.is_empty() || before == "all," {
                let name = rest.split('"').next().unwrap();
                found.insert(format!("writ_{name}"));
            }
        }
    }
    let rendered = Metrics::new().render();
    let types = rendered
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "));
    for line in types {
        let (name, _) = line.split_once(' ').unwrap();
        assert!(found.contains(name), "{name} is not found in the source");
    }
    assert!(found.len() > 25, "{found:?}");
    found
}

fn without_total(name: &str) -> String {
    name.trim_end_matches("_total").to_owned()
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
        .map(|rest| without_total(&format!("writ_{}", rest.split('`').next().unwrap())))
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
