//! The environment over the file: which key a variable names, and how its value is read.

use std::collections::BTreeMap;

use super::{ConfigProblems, ENVIRONMENT_PREFIX, single_problem};

/// `WRIT__A__B=v` becomes `a.b = v`; booleans, numbers and lists are read as TOML, everything else as text.
pub(super) fn overlay(
    table: &mut toml::Table,
    environment: &BTreeMap<String, String>,
) -> Result<(), ConfigProblems> {
    for (name, value) in environment {
        let Some(path) = name.strip_prefix(ENVIRONMENT_PREFIX) else {
            continue;
        };
        let keys: Vec<String> = path.split("__").map(str::to_ascii_lowercase).collect();
        let Some((last, above)) = keys.split_last() else {
            continue;
        };
        let mut place = &mut *table;
        for key in above {
            let entry = place
                .entry(key.clone())
                .or_insert_with(|| toml::Value::Table(toml::Table::new()));
            let toml::Value::Table(inner) = entry else {
                return Err(single_problem(format!(
                    "`{name}` names no key of the configuration"
                )));
            };
            place = inner;
        }
        place.insert(last.clone(), environment_value(kind_of(&keys), value));
    }
    Ok(())
}

/// The key by which a value is read: each group of `upstream.NAME.roles` has a list, whatever it is called.
fn kind_of(keys: &[String]) -> &str {
    match keys {
        [first, _, third, _] if first == "upstream" && third == "roles" => "groups",
        _ => keys.last().map_or("", String::as_str),
    }
}

/// Keys that are booleans.
const FLAGS: [&str; 9] = [
    "anyone",
    "dpop_nonce",
    "everyone",
    "first_passkey",
    "guests",
    "local",
    "metrics_public",
    "mission_intent",
    "transaction_challenge",
];

fn environment_value(key: &str, text: &str) -> toml::Value {
    match (key, text.trim()) {
        ("scopes" | "authorization_details", tables) if tables.starts_with("[{") => {
            let read = toml::from_str::<toml::Table>(&format!("{key} = {tables}"));
            let value = read.ok().and_then(|mut table| table.remove(key));
            value.unwrap_or_else(|| toml::Value::String(text.to_owned()))
        }
        (
            "trusted_proxies" | "trusted" | "hosts" | "deny" | "schemes" | "scopes" | "domains"
            | "groups" | "passkey_acr" | "passkey_amr" | "names" | "prompt",
            list,
        ) => toml::Value::Array(
            list.trim_matches(['[', ']'])
                .split(',')
                .map(|item| item.trim().trim_matches('"'))
                .filter(|item| !item.is_empty())
                .map(|item| toml::Value::String(item.to_owned()))
                .collect(),
        ),
        (flag, "true" | "1") if FLAGS.contains(&flag) => toml::Value::Boolean(true),
        (flag, "false" | "0") if FLAGS.contains(&flag) => toml::Value::Boolean(false),
        (
            "per_person" | "per_agent" | "per_pair" | "open_per_pair" | "per_resource"
            | "open_per_resource" | "pause_same" | "pause_other" | "longest_pause" | "per_address"
            | "in_all" | "unused_hours" | "drain_seconds" | "retention_days" | "keep_days",
            number,
        ) => number.parse().map_or_else(
            |_| toml::Value::String(text.to_owned()),
            toml::Value::Integer,
        ),
        _ => toml::Value::String(text.to_owned()),
    }
}
