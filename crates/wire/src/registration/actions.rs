//! The member `actions` of a resource's file: what its server asks about before it does it (docs/decisions.md).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One action of a resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActionFile {
    /// The scope of this resource that covers it.
    pub scope: String,
    /// Whether a person is asked about each call.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ask: bool,
    /// What it does, by language, after "wants to": `delete the note {/title}`. A value in braces is an argument.
    pub says: BTreeMap<String, String>,
    /// What was done, by language, after the name of who did it: `deleted the note {/title}`. People read it afterwards alone.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub did: BTreeMap<String, String>,
    /// Arguments that the resource looked up itself, by JSON pointer: on the screen they are not the agent's words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resolved: Vec<String>,
    /// By which argument the caller calls what the resource looked up in another, by JSON pointers: where the two differ, the screen warns.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub called: BTreeMap<String, String>,
    /// What of it stands first on the approval screen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<ShownActionFile>,
    /// JSON Schema of its arguments: a call outside it is denied. Without one any are taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Value>,
    /// Of a tool of an MCP server: the hash of its definition that the operator saw. While the server's is another one, or none is
    /// said, a person is asked about each call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition_hash: Option<String>,
}

/// An action that is shown as the letter that it sends, as in the file of a type (docs/types.md); pointers name arguments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShownActionFile {
    /// After "wants to", by language.
    pub does: BTreeMap<String, String>,
    /// `to`, `cc`, `bcc`, `subject`, `text`.
    pub letter: BTreeMap<String, String>,
}

/// What becomes of an action that is none of `actions`, and of no type that the resource lists: a person is asked about each call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnknownActionsFile {
    /// The scope of this resource that covers them.
    pub scope: String,
}
