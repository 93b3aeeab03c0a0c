//! By what a resource server made its client wait for a person: `context.waited_by` of an access request and of an evaluation
//! (docs/access-requests.md). For the record alone: nothing is decided by it.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

macro_rules! ways {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
        pub enum WaitedBy { $($(#[$doc])* #[serde(rename = $text)] $name,)* }

        impl WaitedBy {
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

ways! {
    /// The page is opened by a request to the client (MCP 2025-11-25), or by a result that asks for it (2026-07-28).
    UrlElicitation = "url_elicitation",
    /// The page stands in an error, and the client calls again (MCP 2025-11-25).
    UrlElicitationRequired = "url_elicitation_required",
    /// The client comes again by itself with a state that it was given (MCP 2026-07-28).
    InputRequired = "input_required",
    /// The client hears of progress while its call is held.
    Progress = "progress",
    /// The client is told to call again.
    CallAgain = "call_again",
}

/// A value that is none of these is left out: a word for the record stops no action.
pub fn known<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<WaitedBy>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let named = |way: &&WaitedBy| Some(way.as_str()) == value.as_str();
    Ok(WaitedBy::ALL.iter().find(named).copied())
}

/// What [`known`] takes.
#[cfg(feature = "openapi")]
pub fn schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let named = generator.subschema_for::<WaitedBy>();
    schemars::json_schema!({ "anyOf": [named, {}] })
}
