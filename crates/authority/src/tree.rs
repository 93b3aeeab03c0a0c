//! The members of one type with their rules, as a tree for `covers`, `meet` and the normal form.
//! An absent member is unrestricted; an unknown one is refused.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use writ_wire::error::Excess;

use crate::decimal::Decimal;
use crate::pointer;
#[cfg(feature = "schema")]
use crate::problem::Problem;
use crate::rules::Rule;

#[derive(Clone, Debug)]
pub(crate) enum Node {
    Leaf(Rule),
    Object {
        members: BTreeMap<String, Node>,
        /// The rule of members that the type does not name (`/arguments/*`).
        others: Option<Rule>,
    },
}

/// No value is within both, or one is malformed.
#[derive(Debug)]
pub(crate) struct Nothing;

/// The form that [`Node::rewrite`] makes.
#[derive(Clone, Copy)]
pub(crate) enum ValueForm {
    /// The normal form.
    Normal,
    /// The stored form, see [`Rule::tidy`].
    Tidy,
}

/// One amount that a request takes from a budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetSpend {
    /// JSON pointer into the granted object.
    pub pointer: String,
    pub budget: Decimal,
    pub amount: Decimal,
}

impl Node {
    /// Adds to `excess` each member of `child` that is wider than in `parent`.
    pub(crate) fn compare(
        &self,
        parent: Option<&Value>,
        child: Option<&Value>,
        at: &str,
        excess: &mut Vec<Excess>,
    ) {
        let mut refuse = || {
            excess.push(Excess {
                pointer: at.to_owned(),
                requested: child.cloned().unwrap_or_default(),
                granted: parent.cloned(),
            });
        };
        match self {
            Self::Leaf(rule) => {
                let within = match (parent, child) {
                    (Some(parent), Some(child)) => rule.covers(parent, child),
                    (Some(_), None) => false,
                    (None, Some(child)) => rule.normal(child).is_some(),
                    (None, None) => true,
                };
                if !within {
                    refuse();
                }
            }
            Self::Object { .. } => match (object(parent), object(child)) {
                (Ok(parent), Ok(child)) => self.compare_members(parent, child, at, excess),
                _ => refuse(),
            },
        }
    }

    fn compare_members(&self, parent: Members, child: Members, at: &str, excess: &mut Vec<Excess>) {
        for name in names(&[parent, child]) {
            let (p, c) = (get(parent, name), get(child, name));
            let at = pointer::join(at, name);
            match self.member(name) {
                Some(node) => node.as_node().compare(p, c, &at, excess),
                None => excess.push(Excess {
                    pointer: at,
                    requested: c.cloned().unwrap_or_default(),
                    granted: p.cloned(),
                }),
            }
        }
    }

    /// The widest value within both; `Ok(None)` is unrestricted.
    pub(crate) fn meet(
        &self,
        a: Option<&Value>,
        b: Option<&Value>,
    ) -> Result<Option<Value>, Nothing> {
        match self {
            Self::Leaf(rule) => match (a, b) {
                (Some(a), Some(b)) => rule.meet(a, b).map(Some).ok_or(Nothing),
                (Some(one), None) | (None, Some(one)) => {
                    rule.normal(one).map(|_| Some(one.clone())).ok_or(Nothing)
                }
                (None, None) => Ok(None),
            },
            Self::Object { .. } => {
                let (a, b) = (object(a)?, object(b)?);
                let mut met = Map::new();
                for name in names(&[a, b]) {
                    let node = self.member(name).ok_or(Nothing)?;
                    if let Some(value) = node.as_node().meet(get(a, name), get(b, name))? {
                        met.insert(name.clone(), value);
                    }
                }
                Ok((!met.is_empty()).then_some(Value::Object(met)))
            }
        }
    }

    /// The value in `form`; `Ok(None)` if it restricts nothing.
    /// The error is the JSON pointer of the member that is unknown or not well-formed.
    pub(crate) fn rewrite(
        &self,
        value: &Value,
        form: ValueForm,
        at: &str,
    ) -> Result<Option<Value>, String> {
        let refuse = || at.to_owned();
        match self {
            Self::Leaf(rule) => match form {
                ValueForm::Normal => rule.normal(value).map(Some).ok_or_else(refuse),
                ValueForm::Tidy => rule.tidy(value).map(Some).ok_or_else(refuse),
            },
            Self::Object { .. } => {
                let members = value.as_object().ok_or_else(refuse)?;
                let mut written = Map::new();
                for (name, value) in members {
                    let at = pointer::join(at, name);
                    let node = self.member(name).ok_or_else(|| at.clone())?;
                    if let Some(value) = node.as_node().rewrite(value, form, &at)? {
                        written.insert(name.clone(), value);
                    }
                }
                Ok((!written.is_empty()).then_some(Value::Object(written)))
            }
        }
    }

    /// Adds the default amount of a budget of `granted` to a `request` that does not name one.
    pub(crate) fn fill(&self, granted: &Map<String, Value>, request: &mut Map<String, Value>) {
        let Self::Object { members, .. } = self else {
            return;
        };
        for (name, node) in members {
            match (node, granted.get(name)) {
                (Self::Leaf(Rule::Budget { each: Some(each) }), Some(_)) => {
                    let each = || Value::String(each.to_string());
                    request.entry(name.clone()).or_insert_with(each);
                }
                (Self::Object { .. }, Some(Value::Object(granted))) => {
                    let inner = request
                        .entry(name.clone())
                        .or_insert_with(|| Map::new().into());
                    if let Value::Object(inner) = inner {
                        node.fill(granted, inner);
                    }
                }
                _ => {}
            }
        }
    }

    /// What `request` takes from the budgets of `granted`.
    pub(crate) fn spends(&self, granted: &Value, request: &Value, at: &str) -> Vec<BudgetSpend> {
        match self {
            Self::Leaf(Rule::Budget { .. }) => {
                let amounts = (Decimal::from_value(granted), Decimal::from_value(request));
                match amounts {
                    (Some(budget), Some(amount)) => {
                        vec![BudgetSpend {
                            pointer: at.to_owned(),
                            budget,
                            amount,
                        }]
                    }
                    _ => Vec::new(),
                }
            }
            Self::Leaf(_) => Vec::new(),
            Self::Object { members, .. } => members
                .iter()
                .filter_map(|(name, node)| {
                    let at = pointer::join(at, name);
                    Some(node.spends(granted.get(name)?, request.get(name)?, &at))
                })
                .flatten()
                .collect(),
        }
    }

    /// Whether some member has the rule `any`.
    #[cfg(feature = "schema")]
    pub(crate) fn has_any(&self) -> bool {
        match self {
            Self::Leaf(rule) => *rule == Rule::Any,
            Self::Object { members, others } => {
                members.values().any(Self::has_any) || *others == Some(Rule::Any)
            }
        }
    }

    /// Judges each value under the rule `any`.
    #[cfg(feature = "schema")]
    pub(crate) fn check_any(
        &self,
        value: &Value,
        at: &str,
        judge: &impl Fn(&Value, &str) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        match (self, value) {
            (Self::Leaf(Rule::Any), value) => judge(value, at),
            (Self::Object { .. }, Value::Object(members)) => {
                members.iter().try_for_each(|(name, value)| {
                    let at = pointer::join(at, name);
                    match self.member(name) {
                        Some(step) => step.as_node().check_any(value, &at, judge),
                        None => Ok(()),
                    }
                })
            }
            _ => Ok(()),
        }
    }

    /// The node of a group that the type names; the whole tree for none.
    pub(crate) fn at(&self, names: &[String]) -> Option<&Self> {
        names.iter().try_fold(self, |node, name| match node {
            Self::Object { members, .. } => members.get(name),
            Self::Leaf(_) => None,
        })
    }

    /// The node at `names`, for checks when a type is loaded.
    pub(crate) fn find(&self, names: &[String]) -> Option<Step<'_>> {
        let (last, path) = names.split_last()?;
        let mut node = self;
        for name in path {
            match node {
                Self::Object { members, .. } => node = members.get(name)?,
                // Whatever is below it is under the same rule.
                Self::Leaf(Rule::Any) => return Some(Step::Known(node)),
                Self::Leaf(_) => return None,
            }
        }
        match node {
            Self::Leaf(Rule::Any) => Some(Step::Known(node)),
            _ => node.member(last),
        }
    }

    pub(crate) fn member(&self, name: &str) -> Option<Step<'_>> {
        let Self::Object { members, others } = self else {
            return None;
        };
        match members.get(name) {
            Some(node) => Some(Step::Known(node)),
            None => others
                .as_ref()
                .map(|rule| Step::Other(Self::Leaf(rule.clone()))),
        }
    }
}

/// A step down the tree: to a member that the type names, or to one that it allows by `*`.
pub(crate) enum Step<'a> {
    Known(&'a Node),
    Other(Node),
}

impl Step<'_> {
    pub(crate) fn as_node(&self) -> &Node {
        match self {
            Self::Known(node) => node,
            Self::Other(node) => node,
        }
    }
}

type Members<'a> = Option<&'a Map<String, Value>>;

fn object(value: Option<&Value>) -> Result<Members<'_>, Nothing> {
    match value {
        None => Ok(None),
        Some(Value::Object(members)) => Ok(Some(members)),
        Some(_) => Err(Nothing),
    }
}

fn get<'a>(members: Members<'a>, name: &str) -> Option<&'a Value> {
    members.and_then(|m| m.get(name))
}

fn names<'a>(objects: &[Members<'a>]) -> BTreeSet<&'a String> {
    objects
        .iter()
        .flatten()
        .flat_map(|members| members.keys())
        .collect()
}
