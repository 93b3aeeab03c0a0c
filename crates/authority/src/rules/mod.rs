//! The rules by which the value of a member of one object is within that of another.
//! Each is a partial order on its well-formed values: reflexive, transitive, antisymmetric on the normal form; two values have
//! a greatest lower bound or no lower bound. A malformed value is within nothing.

mod amount;
mod any;
mod equal;
mod prefix;
mod subset;
mod within;

use serde_json::Value;

use crate::decimal::Decimal;
pub(crate) use within::is_rfc3339;

/// The rule of one member: when the value of a child is within that of its parent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The same value, whatever it is: each value in it is shown on a line of its own (`any.rs`).
    Any,
    /// The same value.
    Equal,
    /// An array as a set: a subset of the parent's.
    Subset,
    /// A number that is not larger.
    AtMost,
    /// A number that is not smaller.
    AtLeast,
    /// A time or period inside the parent's period.
    Within,
    /// A URI or path at or below the parent's, by whole segments.
    Prefix,
    /// A number that is not larger, of which all requests of a task together may take no more.
    Budget {
        /// What a request takes if it does not say.
        each: Option<Decimal>,
    },
}

impl Rule {
    /// Parses a rule of a type's file: its name, or `{"rule": "budget", "each": 1}`.
    /// An unknown rule is an error.
    pub(crate) fn parse(value: &Value) -> Result<Self, String> {
        match value {
            Value::String(name) => Self::named(name),
            Value::Object(members) => {
                let each = members.get("each").and_then(Decimal::from_value);
                let is_budget = members.get("rule").and_then(Value::as_str) == Some("budget");
                match each {
                    Some(each) if is_budget && members.len() == 2 && !each.is_negative() => {
                        Ok(Self::Budget { each: Some(each) })
                    }
                    _ => Err(
                        "the only rule with an option is {`rule`: `budget`, `each`: a number}"
                            .into(),
                    ),
                }
            }
            _ => Err("a rule is a name".into()),
        }
    }

    fn named(name: &str) -> Result<Self, String> {
        Ok(match name {
            "any" => Self::Any,
            "equal" => Self::Equal,
            "subset" => Self::Subset,
            "at_most" => Self::AtMost,
            "at_least" => Self::AtLeast,
            "within" => Self::Within,
            "prefix" => Self::Prefix,
            "budget" => Self::Budget { each: None },
            _ => return Err(format!("the rule `{name}` is not built")),
        })
    }

    pub const fn name(&self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Equal => "equal",
            Self::Subset => "subset",
            Self::AtMost => "at_most",
            Self::AtLeast => "at_least",
            Self::Within => "within",
            Self::Prefix => "prefix",
            Self::Budget { .. } => "budget",
        }
    }

    /// The JSON types that a schema may give to a member with this rule.
    pub(crate) const fn json_types(&self) -> &'static [&'static str] {
        match self {
            Self::Any => &[
                "string", "number", "integer", "boolean", "null", "array", "object",
            ],
            Self::Equal => &["string", "integer", "boolean", "array", "object"],
            Self::Subset => &["array"],
            Self::AtMost | Self::AtLeast | Self::Budget { .. } => &["string", "integer"],
            Self::Within => &["object", "string"],
            Self::Prefix => &["string"],
        }
    }

    pub(crate) fn covers(&self, parent: &Value, child: &Value) -> bool {
        match self {
            Self::Any => any::covers(parent, child),
            Self::Equal => equal::covers(parent, child),
            Self::Subset => subset::covers(parent, child),
            Self::AtMost => amount::at_most(parent, child),
            Self::AtLeast => amount::at_least(parent, child),
            Self::Within => within::covers(parent, child),
            Self::Prefix => prefix::covers(parent, child),
            Self::Budget { .. } => amount::budget(parent, child),
        }
    }

    /// The largest value within both; `None` if there is none.
    pub(crate) fn meet(&self, a: &Value, b: &Value) -> Option<Value> {
        match self {
            Self::Subset => subset::meet(a, b),
            Self::Within => within::meet(a, b),
            // Under every other rule a value within both exists only if one is within the other.
            _ => self.smaller(a, b),
        }
    }

    fn smaller(&self, a: &Value, b: &Value) -> Option<Value> {
        match (self.covers(a, b), self.covers(b, a)) {
            // Two spellings of one value: the choice does not depend on the order of the arguments.
            (true, true) => [a, b]
                .into_iter()
                .min_by_key(|value| value.to_string())
                .cloned(),
            (true, false) => Some(b.clone()),
            (false, true) => Some(a.clone()),
            (false, false) => None,
        }
    }

    /// The normal form of the value; `None` if it is malformed.
    pub(crate) fn normal(&self, value: &Value) -> Option<Value> {
        match self {
            Self::Any => Some(any::normal(value)),
            Self::Equal => equal::normal(value),
            Self::Subset => subset::normal(value),
            Self::AtMost | Self::AtLeast => amount::normal(value),
            Self::Within => within::normal(value),
            Self::Prefix => prefix::normal(value),
            Self::Budget { .. } => amount::normal_budget(value),
        }
    }

    /// The stored form: arrays and paths in normal form, but numbers and times as written, because people read them (`412.00`, the
    /// hour in their own zone).
    pub(crate) fn tidy(&self, value: &Value) -> Option<Value> {
        let normal = self.normal(value)?;
        match self {
            Self::Subset | Self::Prefix => Some(normal),
            _ => Some(value.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_rule_that_is_not_built_is_refused() {
        for bad in [
            json!("at-most"),
            json!("regex"),
            json!(""),
            json!(null),
            json!({"rule": "budget"}),
            json!({"rule": "budget", "each": 0.5}),
            json!({"rule": "budget", "each": -1}),
            json!({"rule": "budget", "each": 1, "per": "day"}),
            json!({"rule": "at_most", "each": 1}),
        ] {
            assert!(Rule::parse(&bad).is_err(), "{bad}");
        }
        let budget = Rule::parse(&json!({"rule": "budget", "each": 1})).unwrap();
        assert_eq!(
            budget,
            Rule::Budget {
                each: Decimal::parse("1")
            }
        );
    }

    #[test]
    fn the_smaller_of_two_spellings_does_not_depend_on_their_order() {
        let (a, b) = (json!("412.00"), json!("412"));
        assert_eq!(Rule::AtMost.meet(&a, &b), Rule::AtMost.meet(&b, &a));
    }
}
