//! The member `routes` of a resource's file: what a method and a path need, where a proxy asks (docs/forward-auth.md).

use serde::{Deserialize, Serialize};

/// One method at one pattern of paths, covered by a scope or decided as an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteFile {
    pub method: String,
    /// The whole path. `*` is one segment, `{name}` one segment that is the argument `name`, `**` at the end all that follows.
    pub path: String,
    /// The scope of this resource that covers it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// One of `actions`, or a type that the record lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
}
