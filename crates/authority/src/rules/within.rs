//! `within`: a time (RFC 3339 5.6) or a period `{from, until}`, of which one end may be open. Both ends belong to the
//! period; a single time is the period that begins and ends there.

use jiff::Timestamp;
use serde_json::{Map, Value};

#[derive(Clone, Copy)]
struct Period {
    from: Option<Timestamp>,
    until: Option<Timestamp>,
}

pub(super) fn covers(parent: &Value, child: &Value) -> bool {
    match (Period::read(parent), Period::read(child)) {
        (Some(parent), Some(child)) => {
            let starts_late = parent
                .from
                .is_none_or(|p| child.from.is_some_and(|c| c >= p));
            let ends_early = parent
                .until
                .is_none_or(|p| child.until.is_some_and(|c| c <= p));
            starts_late && ends_early
        }
        _ => false,
    }
}

pub(super) fn meet(a: &Value, b: &Value) -> Option<Value> {
    let (a, b) = (Period::read(a)?, Period::read(b)?);
    let until = match (a.until, b.until) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
    // `None` is smaller than any time: the later beginning is the definite one.
    Period {
        from: a.from.max(b.from),
        until,
    }
    .check()
    .map(Period::write)
}

pub(super) fn normal(value: &Value) -> Option<Value> {
    Period::read(value).map(Period::write)
}

impl Period {
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::String(_) => {
                let time = read_time(value)?;
                Some(Self {
                    from: Some(time),
                    until: Some(time),
                })
            }
            Value::Object(members) => {
                let end = |name| members.get(name).map(read_time);
                let known = members.keys().all(|k| k == "from" || k == "until");
                match (end("from"), end("until")) {
                    (None, None) | (Some(None), _) | (_, Some(None)) => None,
                    (from, until) if known => Self {
                        from: from.flatten(),
                        until: until.flatten(),
                    }
                    .check(),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn check(self) -> Option<Self> {
        let empty = matches!((self.from, self.until), (Some(from), Some(until)) if from > until);
        (!empty).then_some(self)
    }

    fn write(self) -> Value {
        let mut members = Map::new();
        for (name, end) in [("from", self.from), ("until", self.until)] {
            if let Some(time) = end {
                members.insert(name.to_owned(), Value::String(time.to_string()));
            }
        }
        Value::Object(members)
    }
}

fn read_time(value: &Value) -> Option<Timestamp> {
    let text = value.as_str()?;
    is_rfc3339(text).then(|| text.parse().ok()).flatten()
}

/// `2026-11-21T12:00:00Z`, with an optional fraction, `Z` or an offset in hours and minutes. jiff accepts
/// more forms.
pub(crate) fn is_rfc3339(text: &str) -> bool {
    let shape = |part: &str, pattern: &str| {
        part.len() == pattern.len()
            && part.bytes().zip(pattern.bytes()).all(|(b, p)| match p {
                b'0' => b.is_ascii_digit(),
                b'+' => b == b'+' || b == b'-',
                _ => b == p,
            })
    };
    let Some((head, tail)) = text.split_at_checked(19) else {
        return false;
    };
    let fraction = tail
        .strip_prefix('.')
        .map(|t| t.trim_start_matches(|c: char| c.is_ascii_digit()));
    let zone = fraction.unwrap_or(tail);
    let bare_point = tail.starts_with('.') && tail.len() == zone.len() + 1;
    shape(head, "0000-00-00T00:00:00") && !bare_point && (zone == "Z" || shape(zone, "+00:00"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn period(from: &str, until: &str) -> Value {
        json!({"from": from, "until": until})
    }

    #[test]
    fn a_period_inside_a_period() {
        let week = period("2026-11-16T00:00:00Z", "2026-11-22T23:59:59Z");
        assert!(covers(&week, &week));
        assert!(covers(
            &week,
            &period("2026-11-17T09:00:00Z", "2026-11-17T10:00:00Z")
        ));
        assert!(covers(&week, &json!("2026-11-22T23:59:59Z")));
        assert!(!covers(&week, &json!("2026-11-23T00:00:00Z")));
        assert!(!covers(
            &week,
            &period("2026-11-15T23:59:59Z", "2026-11-17T10:00:00Z")
        ));
        assert!(!covers(&week, &json!({"from": "2026-11-17T09:00:00Z"})));
        assert!(covers(&json!({"from": "2026-11-16T00:00:00Z"}), &week));
    }

    #[test]
    fn the_same_moment_in_another_zone_is_the_same() {
        let (utc, berlin) = (
            json!("2026-11-21T12:00:00Z"),
            json!("2026-11-21T13:00:00+01:00"),
        );
        assert!(covers(&utc, &berlin) && covers(&berlin, &utc));
        assert_eq!(normal(&utc), normal(&berlin));
    }

    #[test]
    fn meet_is_the_overlap() {
        let a = period("2026-11-01T00:00:00Z", "2026-11-10T00:00:00Z");
        let b = json!({"from": "2026-11-05T00:00:00Z"});
        let overlap = period("2026-11-05T00:00:00Z", "2026-11-10T00:00:00Z");
        assert_eq!(meet(&a, &b), Some(overlap));
        assert_eq!(meet(&a, &json!({"from": "2026-11-11T00:00:00Z"})), None);
        let open = json!({"until": "2026-11-05T00:00:00Z"});
        let first = period("2026-11-01T00:00:00Z", "2026-11-05T00:00:00Z");
        assert_eq!(meet(&open, &a), Some(first));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for bad in [
            json!("2026-11-21"),
            json!("2026-11-21 12:00:00Z"),
            json!("2026-11-21T12:00:00"),
            json!("2026-11-21T12:00:00.Z"),
            json!("2026-11-21T12:00:00+0100"),
            json!("2026-11-21T12:00:00Z[Europe/Berlin]"),
            json!("2026-13-21T12:00:00Z"),
            json!(1_790_000_000),
            json!({}),
            json!({"from": null, "until": "2026-11-21T12:00:00Z"}),
            json!({"from": "2026-11-21T12:00:00Z", "to": "2026-11-21T12:00:00Z"}),
            period("2026-11-22T00:00:00Z", "2026-11-21T00:00:00Z"),
        ] {
            assert_eq!(normal(&bad), None, "{bad}");
            assert!(!covers(&bad, &bad), "{bad}");
        }
        assert!(normal(&json!("2026-11-21T12:00:00.123Z")).is_some());
    }
}
