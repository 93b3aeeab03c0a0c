//! An MCP server by the official SDK, with a tool that reads and one that deletes. It knows nothing of Writ: nobody changes it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::{Map, Value, json};

pub const READ: &str = "read_note";
pub const DELETE: &str = "delete_note";
/// Titles and texts.
const NOTES: [(&str, &str); 3] = [
    ("Gift ideas", "a kite, a book about bridges"),
    ("Holiday plans", "Lisbon in May, by train"),
    ("Shopping list", "milk, bread, candles"),
];

/// The notes, and how often one was deleted.
#[derive(Clone)]
pub struct Notes(Arc<Mutex<NotesState>>);

struct NotesState {
    notes: BTreeMap<&'static str, &'static str>,
    deleted: u32,
}

impl Notes {
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(NotesState {
            notes: NOTES.into(),
            deleted: 0,
        })))
    }

    /// How often the deleting tool has run.
    pub fn deleted(&self) -> u32 {
        self.state().deleted
    }

    /// The last title that is left; all notes are written anew when none is.
    pub fn one(&self) -> &'static str {
        let mut state = self.state();
        if state.notes.is_empty() {
            state.notes = NOTES.into();
        }
        state.notes.keys().next_back().copied().unwrap_or_default()
    }

    /// The server, at `/mcp`.
    pub fn router(&self) -> Router {
        let notes = self.clone();
        let service = StreamableHttpService::new(
            move || Ok(notes.clone()),
            Arc::new(LocalSessionManager::default()),
            StreamableHttpServerConfig::default(),
        );
        Router::new().route_service("/mcp", service)
    }

    fn run(&self, tool: &str, title: &str) -> Result<String, String> {
        let mut state = self.state();
        let unknown = || format!("there is no note “{title}”");
        match tool {
            READ => state.notes.get(title).map(|text| (*text).to_owned()),
            DELETE => state.notes.remove(title).map(|_| {
                state.deleted += 1;
                format!("“{title}” is deleted")
            }),
            _ => return Err(format!("there is no tool `{tool}`")),
        }
        .ok_or_else(unknown)
    }

    fn state(&self) -> MutexGuard<'_, NotesState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ServerHandler for Notes {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn list_tools(
        &self,
        _page: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tools = [(READ, "Read a note"), (DELETE, "Delete a note")];
        let tools = tools.map(|(name, description)| Tool::new(name, description, takes_a_title()));
        Ok(ListToolsResult::with_all_items(tools.into()))
    }

    async fn call_tool(
        &self,
        call: CallToolRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = call.arguments.unwrap_or_default();
        let title = arguments.get("title").and_then(Value::as_str);
        let said = match self.run(&call.name, title.unwrap_or_default()) {
            Ok(text) => CallToolResult::success(vec![ContentBlock::text(text)]),
            Err(why) => CallToolResult::error(vec![ContentBlock::text(why)]),
        };
        Ok(said.into())
    }
}

fn takes_a_title() -> Map<String, Value> {
    let schema = json!({
        "type": "object", "required": ["title"], "properties": { "title": { "type": "string" } }
    });
    match schema {
        Value::Object(schema) => schema,
        _ => Map::new(),
    }
}
