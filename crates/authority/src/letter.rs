//! A message as its reader knows one: to whom, about what, and its text. A type says in `shown` which members are its parts
//! (docs/types.md); what none of them is stands in lines of its own.

use serde::Deserialize;
use serde_json::Value;

use crate::definition::{TypeError, refuse};
use crate::pointer;
use crate::rules::Rule;
use crate::sentence::TypeMembers;
use crate::shape;
use crate::text::inner;
use crate::tree::Node;

/// The member `letter` of `shown`: JSON pointers into the object.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LetterMembers {
    to: String,
    cc: Option<String>,
    bcc: Option<String>,
    subject: Option<String>,
    text: String,
}

/// Each text as it stands between quotation marks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    pub to: Vec<String>,
    pub cc: Vec<String>,
    pub bcc: Vec<String>,
    pub subject: Option<String>,
    /// With its line ends.
    pub text: String,
}

impl LetterMembers {
    /// What may be absent is below a member of the rule `any`: elsewhere an absent member is unrestricted, and a letter without
    /// hidden copies would permit them.
    pub(crate) fn check(&self, members: TypeMembers<'_>) -> Result<(), TypeError> {
        for (name, pointer) in self.parts() {
            let at = pointer::join("/shown/letter", name);
            let names = pointer::names(pointer).unwrap_or_default();
            let step = members.tree.find(&names);
            let is_below_any = match step.as_ref().map(|step| step.as_node()) {
                Some(Node::Leaf(Rule::Any)) => members.tree.at(&names).is_none(),
                Some(Node::Leaf(Rule::Equal | Rule::Subset)) => false,
                _ => {
                    return Err(refuse(
                        &at,
                        "names no member with `equal`, `subset` or `any`",
                    ));
                }
            };
            let is_needed = matches!(name, "to" | "text") || !is_below_any;
            if is_needed && !shape::is_required(members.schema, &names) {
                return Err(refuse(&at, "names a member that is not required"));
            }
        }
        Ok(())
    }

    /// The name and the pointer of each part that the type has.
    fn parts(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let parts = [
            ("to", Some(&self.to)),
            ("cc", self.cc.as_ref()),
            ("bcc", self.bcc.as_ref()),
            ("subject", self.subject.as_ref()),
            ("text", Some(&self.text)),
        ];
        parts
            .into_iter()
            .filter_map(|(name, pointer)| Some((name, pointer?.as_str())))
    }

    pub(crate) fn pointers(&self) -> Vec<&str> {
        self.parts().map(|(_, pointer)| pointer).collect()
    }

    /// `None` where a part is none of a letter, an object for instance: then the sentence says it.
    pub(crate) fn read(&self, own: &Value) -> Option<Letter> {
        let at = |pointer: &str| pointer::find(own, &pointer::names(pointer)?);
        let optional = |pointer: &Option<String>| pointer.as_deref().and_then(at);
        let subject = match optional(&self.subject) {
            None | Some(Value::Null) => None,
            Some(subject) => Some(inner(subject.as_str()?)),
        };
        Some(Letter {
            to: recipients(at(&self.to)).filter(|all| !all.is_empty())?,
            cc: recipients(optional(&self.cc))?,
            bcc: recipients(optional(&self.bcc))?,
            subject,
            text: lines(at(&self.text)?.as_str()?),
        })
    }
}

/// One text, or a list of texts; nobody where it is absent.
fn recipients(value: Option<&Value>) -> Option<Vec<String>> {
    match value {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(Value::String(one)) => Some(vec![inner(one)]),
        Some(Value::Array(all)) => all.iter().map(|one| one.as_str().map(inner)).collect(),
        Some(_) => None,
    }
}

/// Each line as it stands between quotation marks.
fn lines(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(inner).collect();
    lines.join("\n")
}
