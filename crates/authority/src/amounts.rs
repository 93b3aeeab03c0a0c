//! The amounts in an object that a person may lower when approving: members with the rule `at_most` or `budget`.

use serde_json::Value;
use writ_wire::rar::Detail;

use crate::definition::TypeDefinition;
use crate::object;
use crate::pointer;
use crate::rules::Rule;
use crate::tree::Node;

/// One amount in an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amount {
    /// JSON pointer into the object.
    pub pointer: String,
    /// Decimal text, or a JSON integer.
    pub value: Value,
}

impl TypeDefinition {
    /// Every amount in the object, in the order of its members.
    pub fn amounts(&self, detail: &Detail) -> Vec<Amount> {
        let mut amounts = Vec::new();
        collect(self.tree(), &object::own_members(detail), "", &mut amounts);
        amounts
    }
}

fn collect(node: &Node, value: &Value, at: &str, amounts: &mut Vec<Amount>) {
    match node {
        Node::Leaf(Rule::AtMost | Rule::Budget { .. }) => amounts.push(Amount {
            pointer: at.to_owned(),
            value: value.clone(),
        }),
        Node::Leaf(_) => {}
        Node::Object { .. } => {
            for (name, value) in value.as_object().into_iter().flatten() {
                if let Some(step) = node.member(name) {
                    collect(step.as_node(), value, &pointer::join(at, name), amounts);
                }
            }
        }
    }
}
