//! The tools of a server, as it defines them now. A hash of each definition tells whether it is still the one that an operator saw.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use serde_json::{Map, Value};
use writ_jose::hash::sha256;
use writ_wire::time::Timestamp;

use crate::methods::is_action_of_method;
use crate::sessions::MAX_SESSIONS;
use crate::upstream::{Upstream, UpstreamError, UpstreamSession};

/// Pages of one list of tools.
pub const MAX_PAGES: usize = 32;
/// Tools of one server.
pub const MAX_TOOLS: usize = 1_000;
/// How long a list counts.
const FRESH: Duration = Duration::from_secs(10);

/// What a server says of a tool.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolDefinition {
    pub name: String,
    pub input_schema: Value,
    /// SHA-256 of everything that the server says of it, in canonical JSON (RFC 8785), in base64url.
    pub hash: String,
}

/// Why the tools of a server are not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ToolsError {
    #[error("the tools of the server cannot be read: {0}")]
    Server(String),
    /// The server answered 401.
    #[error("the server wants a token")]
    Unauthorized,
    #[error("the server lists more than {MAX_TOOLS} tools, or more than {MAX_PAGES} pages of them")]
    TooMany,
    #[error("the server lists a tool without a name, or two of one name: `{0}`")]
    Name(String),
}

impl ToolsError {
    fn of(error: UpstreamError) -> Self {
        match error {
            UpstreamError::Status(StatusCode::UNAUTHORIZED) => Self::Unauthorized,
            other => Self::Server(other.to_string()),
        }
    }
}

impl ToolDefinition {
    fn read(tool: &Value) -> Option<Self> {
        let name = tool.get("name")?.as_str()?;
        Some(Self {
            name: name.to_owned(),
            input_schema: tool.get("inputSchema").cloned().unwrap_or_default(),
            hash: hash_of(tool)?,
        })
    }
}

fn hash_of(definition: &Value) -> Option<String> {
    let canonical = serde_json_canonicalizer::to_vec(definition).ok()?;
    Some(URL_SAFE_NO_PAD.encode(sha256(&canonical)))
}

/// The tools of a server that takes the gate's own session.
pub async fn list_tools(
    upstream: &Upstream,
) -> Result<BTreeMap<String, ToolDefinition>, ToolsError> {
    let session = upstream.open().await.map_err(ToolsError::of)?;
    read_tools(upstream, &session).await
}

async fn read_tools(
    upstream: &Upstream,
    session: &UpstreamSession,
) -> Result<BTreeMap<String, ToolDefinition>, ToolsError> {
    let mut found = BTreeMap::new();
    let mut cursor: Option<Value> = None;
    for _ in 0..MAX_PAGES {
        let params: Map<String, Value> = cursor
            .map(|cursor| ("cursor".to_owned(), cursor))
            .into_iter()
            .collect();
        let page = upstream.ask(session, "tools/list", params).await;
        let page = page.map_err(ToolsError::of)?;
        let tools = page
            .get("tools")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        for tool in &tools {
            let named = || {
                tool.get("name")
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned()
            };
            let definition = ToolDefinition::read(tool).ok_or_else(|| ToolsError::Name(named()))?;
            if found.insert(definition.name.clone(), definition).is_some() {
                return Err(ToolsError::Name(named()));
            }
        }
        if found.len() > MAX_TOOLS {
            return Err(ToolsError::TooMany);
        }
        cursor = page
            .get("nextCursor")
            .filter(|cursor| cursor.is_string())
            .cloned();
        if cursor.is_none() {
            return Ok(found);
        }
    }
    Err(ToolsError::TooMany)
}

/// The hashes of tools as a client was shown them, by name: a server may tell the client otherwise than whoever judges.
#[derive(Default)]
pub(crate) struct ShownTools(Mutex<HashMap<String, String>>);

impl ShownTools {
    /// Of an answer to `tools/list`, as it goes to the client.
    pub(crate) fn note(&self, answer: &Value) {
        let tools = answer.get("result").and_then(|result| result.get("tools"));
        let mut kept = self.kept();
        for tool in tools.and_then(Value::as_array).into_iter().flatten() {
            let Some(shown) = ToolDefinition::read(tool) else {
                continue;
            };
            if kept.len() < MAX_TOOLS || kept.contains_key(&shown.name) {
                kept.insert(shown.name, shown.hash);
            }
        }
    }

    /// The hash of this tool; where the client was shown another definition, one that nobody confirmed.
    pub(crate) fn hash_of(&self, tool: &ToolDefinition) -> String {
        match self.kept().get(&tool.name) {
            Some(shown) if *shown != tool.hash => {
                let both = [shown.as_str(), &tool.hash].join(" ");
                URL_SAFE_NO_PAD.encode(sha256(both.as_bytes()))
            }
            Some(_) | None => tool.hash.clone(),
        }
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Tools = Arc<BTreeMap<String, ToolDefinition>>;

/// What was read lately, by session and revision: a server may have other tools for others, and describe one otherwise in another
/// revision.
#[derive(Default)]
pub(crate) struct Definitions(Mutex<HashMap<UpstreamSession, (Timestamp, Tools)>>);

impl Definitions {
    /// The tool as the server defines it for this session; `None` where it lists none of this name, or the name is that of a method.
    pub(crate) async fn of(
        &self,
        tool: &str,
        upstream: &Upstream,
        session: &UpstreamSession,
        now: Timestamp,
    ) -> Result<Option<ToolDefinition>, ToolsError> {
        let known = self.kept().get(session).cloned();
        let tools = match known {
            Some((at, tools)) if at <= now && at.until(now) < FRESH => tools,
            Some(_) | None => {
                let tools = Arc::new(read_tools(upstream, session).await?);
                self.keep(session.clone(), Arc::clone(&tools), now);
                tools
            }
        };
        let found = tools.get(tool).filter(|_| !is_action_of_method(tool));
        Ok(found.cloned())
    }

    /// What this session is told next is read from the server.
    pub(crate) fn discard(&self, session: &UpstreamSession) {
        self.kept().remove(session);
    }

    /// The server said that its list changed: in each revision.
    pub(crate) fn forget(&self, session: &UpstreamSession) {
        self.kept().retain(|of, _| of.id != session.id);
    }

    fn keep(&self, key: UpstreamSession, tools: Tools, now: Timestamp) {
        let mut kept = self.kept();
        kept.retain(|_, (at, _)| *at <= now && at.until(now) < FRESH);
        if kept.len() < MAX_SESSIONS {
            kept.insert(key, (now, tools));
        }
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<UpstreamSession, (Timestamp, Tools)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VECTORS: &str = include_str!("../../../conformance/vectors/definitions.json");

    #[test]
    fn a_definition_is_hashed_as_the_vectors_have_it() {
        let table: Value = serde_json::from_str(VECTORS).unwrap();
        let cases = table["cases"].as_array().unwrap();
        assert!(!cases.is_empty());
        for case in cases {
            let text = case["definition"].as_str().unwrap();
            let definition: Value = serde_json::from_str(text).unwrap();
            let hash = hash_of(&definition);
            assert_eq!(hash.as_deref(), case["hash"].as_str(), "{}", case["name"]);
        }
    }
}
