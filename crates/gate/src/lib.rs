//! A reverse proxy before MCP servers that nobody can change (docs/gate.md): it verifies the caller, decides about each call with the
//! authorization server, and forwards its own text of the message that was judged. What it does not know it refuses.

mod answers;
mod begin;
mod body;
mod call;
mod config;
mod defined;
mod definitions;
mod endpoint;
mod forward;
mod gate;
mod handles;
mod headers;
mod input;
mod message;
mod methods;
mod outbox;
mod owner;
mod progress;
mod questions;
mod relay;
mod sealed;
mod sessions;
mod shapes;
mod sse;
mod told;
mod trace;
mod upstream;
mod waiting;
mod watch;

pub use body::MAX_MESSAGE;
pub use config::{Allowed, GateConfig, GateError, address_on_loopback};
pub use definitions::{MAX_PAGES, MAX_TOOLS, ToolDefinition, ToolsError, list_tools};
pub use gate::{Gate, MAX_STREAMS, MAX_STREAMS_OF_ONE, router};
pub use handles::MAX_HANDLES;
pub use methods::is_action_of_method;
pub use sessions::{MAX_SESSIONS, MAX_SESSIONS_OF_ONE, SESSION_IDLE};
pub use upstream::{MAX_ANSWER, Upstream};

#[cfg(test)]
mod tests;
