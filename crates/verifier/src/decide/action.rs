//! What is about to happen, taken once: it is what is sent to be judged, and what the handler is given. Whatever two JSON parsers
//! might read differently is refused before anything is sent, and each number has its one form.

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use writ_authority::{MAX_BYTES, MAX_NESTED, check_bounds};
use writ_wire::exact_json;
use writ_wire::rar::Detail;

use super::error::NotPermitted;

/// The largest arguments of one action, as canonical JSON in bytes.
pub const MAX_ARGUMENTS_LENGTH: usize = MAX_BYTES;
/// The most lists and objects around a value of them, the arguments themselves among them.
pub const MAX_ARGUMENTS_DEPTH: usize = MAX_NESTED;
/// Where arguments are: the place of what is wrong with them begins so, as the server's does.
const ARGUMENTS: &str = "/arguments";

/// An action with its arguments, which nothing changes any more.
#[derive(Clone, Debug, PartialEq)]
pub struct GatedAction {
    name: String,
    kind: Kind,
    arguments: Map<String, Value>,
    definition_hash: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A type of `authorization_details`, or an action that the resource's record maps.
    Named,
    /// A tool of an MCP server.
    Tool,
}

impl GatedAction {
    /// An action of the resource's record, or a type of `authorization_details`, with what is concretely to be done.
    pub fn named(name: &str, arguments: Map<String, Value>) -> Result<Self, NotPermitted> {
        Self::new(name, Kind::Named, arguments)
    }

    /// An object of `authorization_details`, without what the server says of it.
    pub fn of_detail(detail: &Detail) -> Result<Self, NotPermitted> {
        let mut members = detail.members().clone();
        members.retain(|name, _| !ENVELOPE.contains(&name.as_str()));
        Self::named(detail.type_name(), members)
    }

    /// A call of a tool (AuthZEN's binding to MCP, draft 1).
    pub fn tool(name: &str, arguments: Map<String, Value>) -> Result<Self, NotPermitted> {
        Self::new(name, Kind::Tool, arguments)
    }

    /// The same by the JSON text of the arguments as it came: of what was parsed, nobody knows which digits and members are lost.
    pub fn named_by_text(name: &str, arguments: &str) -> Result<Self, NotPermitted> {
        Self::named(name, read(arguments)?)
    }

    pub fn tool_by_text(name: &str, arguments: &str) -> Result<Self, NotPermitted> {
        Self::tool(name, read(arguments)?)
    }

    /// The hash of the tool's definition as it is now: where the operator confirmed another one, a person is asked.
    pub fn defined_as(mut self, hash: &str) -> Self {
        self.definition_hash = Some(hash.to_owned());
        self
    }

    fn new(name: &str, kind: Kind, arguments: Map<String, Value>) -> Result<Self, NotPermitted> {
        if name.is_empty() {
            return Err(NotPermitted::Unusable("an action has a name".to_owned()));
        }
        let value = Value::Object(arguments);
        let bounded = check_bounds(&value, ARGUMENTS);
        bounded.map_err(|problem| NotPermitted::arguments_not_judged(&problem.to_string()))?;
        let Value::Object(arguments) = value else {
            return Err(NotPermitted::arguments_not_judged("they are no object"));
        };
        Ok(Self {
            name: name.to_owned(),
            kind,
            arguments: exact_json::normal_members(arguments),
            definition_hash: None,
        })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub const fn arguments(&self) -> &Map<String, Value> {
        &self.arguments
    }

    pub fn into_arguments(self) -> Map<String, Value> {
        self.arguments
    }

    /// In a sentence about it.
    pub(super) const fn kind(&self) -> &'static str {
        match self.kind {
            Kind::Named => "action",
            Kind::Tool => "tool",
        }
    }

    /// `action` and `resource` of a request.
    pub(super) fn wire(&self, resource: &str) -> (Value, Value) {
        match self.kind {
            Kind::Named => (
                json!({ "name": self.name, "properties": self.arguments }),
                json!({ "type": "resource", "id": resource }),
            ),
            Kind::Tool => (
                json!({ "name": "tools/call", "properties": { "arguments": self.arguments } }),
                json!({ "type": "tool", "id": self.name }),
            ),
        }
    }

    pub(super) fn definition_hash(&self) -> Option<&str> {
        self.definition_hash.as_deref()
    }

    /// The same action with the object that a person approved instead: less than was asked.
    pub(super) fn approved(&self, object: Map<String, Value>) -> Result<Self, NotPermitted> {
        let other = || NotPermitted::unavailable("the approval is of something else", "");
        let mut members = object;
        let named = members.get("type").and_then(Value::as_str);
        if self.kind == Kind::Named && named != Some(self.name.as_str()) {
            return Err(other());
        }
        members.retain(|name, _| !ENVELOPE.contains(&name.as_str()));
        let arguments = match self.kind {
            Kind::Named => members,
            Kind::Tool => {
                if members
                    .get("tool")
                    .is_some_and(|tool| tool != self.name.as_str())
                {
                    return Err(other());
                }
                match members.remove("arguments") {
                    Some(Value::Object(arguments)) => arguments,
                    Some(_) | None => return Err(other()),
                }
            }
        };
        Ok(Self {
            definition_hash: self.definition_hash.clone(),
            ..Self::new(&self.name, self.kind, arguments)?
        })
    }
}

/// Arguments by their text (RFC 8259): what parsers read differently is refused with its place.
fn read(text: &str) -> Result<Map<String, Value>, NotPermitted> {
    let refused =
        |place: &str, why: &str| NotPermitted::arguments_not_judged(&format!("`{place}`: {why}"));
    let no_object = || refused(ARGUMENTS, "this is no JSON object");
    let written: &RawValue = serde_json::from_str(text).map_err(|_| no_object())?;
    if let Some(found) = exact_json::misread(written, ARGUMENTS, MAX_ARGUMENTS_DEPTH) {
        return Err(refused(&found.place, &found.why.at_its_place()));
    }
    match exact_json::read(text.as_bytes()) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) | Err(_) => Err(no_object()),
    }
}

/// What the server says of an object.
const ENVELOPE: [&str; 4] = ["type", "ref", "type_hash", "locations"];
