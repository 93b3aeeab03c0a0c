//! Payee and amount of an object, which the approval screen compares with what the person approved before (a first payee, more than
//! usual). A type says in `usual` which members they are (docs/types.md).

use serde::Deserialize;
use serde_json::Value;
use writ_wire::rar::Detail;

use crate::decimal::Decimal;
use crate::definition::{TypeDefinition, TypeError, refuse};
use crate::object;
use crate::pointer;
use crate::rules::Rule;
use crate::sentence::TypeMembers;
use crate::shape;
use crate::text::inner;
use crate::tree::Node;

/// The member `usual` of a type's file: JSON pointers into the object.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Usual {
    payee: String,
    amount: Option<String>,
    unit: Option<String>,
}

/// Payee and amount of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsualValues {
    /// Identifies the payee: the type, the member and its canonical value (RFC 8785).
    pub key: String,
    /// The payee as in the type's sentence.
    pub payee: String,
    pub amount: Option<UsualAmount>,
}

/// An amount and its unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsualAmount {
    pub value: Decimal,
    /// As written in the object.
    pub text: String,
    /// As in the type's sentence.
    pub unit: String,
}

impl Usual {
    /// Each pointer must be of a required member with a rule under which values can be compared.
    pub(crate) fn check(&self, members: TypeMembers<'_>) -> Result<(), TypeError> {
        members.check("/usual/payee", &self.payee, Compared::Equal)?;
        match (&self.amount, &self.unit) {
            (None, None) => Ok(()),
            (Some(_), None) => Err(refuse("/usual/amount", "needs a `unit`")),
            (None, Some(_)) => Err(refuse("/usual/unit", "is the unit of no `amount`")),
            (Some(at), Some(unit)) => {
                members.check("/usual/amount", at, Compared::Amount)?;
                members.check("/usual/unit", unit, Compared::Equal)
            }
        }
    }

    fn values(&self, name: &str, detail: &Detail) -> Option<UsualValues> {
        let own = object::own_members(detail);
        let find = |at: &str| pointer::find(&own, &pointer::names(at)?).cloned();
        let payee = Rule::Equal.normal(&find(&self.payee)?)?;
        let amount = match (&self.amount, &self.unit) {
            (Some(amount), Some(unit)) => {
                let value = find(amount)?;
                Some(UsualAmount {
                    value: Decimal::from_value(&value)?,
                    text: read(&value),
                    unit: inner(&read(&find(unit)?)),
                })
            }
            _ => None,
        };
        let key = serde_json::json!([name, self.payee, payee]);
        Some(UsualValues {
            key: serde_json_canonicalizer::to_string(&key).ok()?,
            payee: inner(&read(&payee)),
            amount,
        })
    }
}

/// How the values of a member can be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compared {
    Equal,
    Amount,
}

impl TypeMembers<'_> {
    /// Refuses the pointer that stands at a place of the file, unless it is of a required member that can be so compared.
    pub(crate) fn check(self, at: &str, pointer: &str, how: Compared) -> Result<(), TypeError> {
        let names = pointer::names(pointer).unwrap_or_default();
        let step = self.tree.find(&names);
        let rule = step.as_ref().map(|step| step.as_node());
        match (rule, how) {
            (Some(Node::Leaf(Rule::Equal)), Compared::Equal)
            | (Some(Node::Leaf(Rule::AtMost | Rule::Budget { .. })), Compared::Amount) => {}
            (_, Compared::Equal) => return Err(refuse(at, "names no member with `equal`")),
            (_, Compared::Amount) => {
                return Err(refuse(at, "names no member with `at_most` or `budget`"));
            }
        }
        match shape::is_required(self.schema, &names) {
            true => Ok(()),
            false => Err(refuse(at, "names a member that is not required")),
        }
    }
}

impl TypeDefinition {
    /// Payee and amount of the object; `None` if its type has no `usual`.
    pub fn usual(&self, detail: &Detail) -> Option<UsualValues> {
        self.usual_members()?.values(self.name(), detail)
    }
}

fn read(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}
