//! When a person must be asked about one use of an object, and how strongly they must be authenticated.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use writ_wire::rar::Detail;

use crate::decimal::Decimal;
use crate::definition::{TypeError, refuse};
use crate::object;
use crate::pointer;
use crate::rules::Rule;
use crate::tree::Node;

/// The member `ask` of a type: when a person must be asked about one use of an object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AskRule {
    Never,
    Always,
    Above(AskAbove),
}

/// A person is asked unless the amount is at most `limit` and every member in `where` has the given value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskAbove {
    /// JSON pointer of the amount.
    pub pointer: String,
    /// Decimal text.
    pub limit: String,
    /// Values by JSON pointer, such as the currency of `limit`.
    #[serde(default, rename = "where")]
    pub condition: BTreeMap<String, Value>,
}

/// How a person is authenticated when they approve, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    None,
    Password,
    Passkey,
    Liveness,
}

impl AskRule {
    /// Whether a person must be asked about this object; also if the amount is missing or malformed.
    pub fn needs_person(&self, detail: &Detail) -> bool {
        match self {
            Self::Never => false,
            Self::Always => true,
            Self::Above(above) => !above.is_below(detail),
        }
    }

    pub(crate) fn check(&self, tree: &Node) -> Result<(), TypeError> {
        let Self::Above(above) = self else {
            return Ok(());
        };
        if Decimal::parse(&above.limit).is_none() {
            return Err(refuse("/ask/above/limit", "is no decimal text"));
        }
        let names = pointer::names(&above.pointer).unwrap_or_default();
        let is_amount = tree.find(&names).is_some_and(|step| {
            matches!(
                step.as_node(),
                Node::Leaf(Rule::AtMost | Rule::Budget { .. })
            )
        });
        if !is_amount {
            return Err(refuse(
                "/ask/above/pointer",
                "names no member with `at_most` or `budget`",
            ));
        }
        for at in above.condition.keys() {
            if tree.find(&pointer::names(at).unwrap_or_default()).is_none() {
                let at = pointer::join("/ask/above/where", at);
                return Err(refuse(&at, "names no member"));
            }
        }
        Ok(())
    }
}

impl AskAbove {
    fn is_below(&self, detail: &Detail) -> bool {
        let own = object::own_members(detail);
        let find =
            |at: &str| pointer::names(at).and_then(|names| pointer::find(&own, &names).cloned());
        let amount = find(&self.pointer).as_ref().and_then(Decimal::from_value);
        let below = amount
            .zip(Decimal::parse(&self.limit))
            .is_some_and(|(a, limit)| a <= limit);
        below
            && self
                .condition
                .iter()
                .all(|(at, value)| find(at).as_ref() == Some(value))
    }
}
