//! A stock MCP client: the official SDK with its own OAuth. It registers itself, opens pages in a browser, and knows nothing of Writ.

use std::sync::{Mutex, PoisonError};

use rmcp::model::{
    CallToolRequestParams, CallToolResult, ClientCapabilities, ClientConfig, ContentBlock,
    ElicitRequestParams, ElicitResult, ElicitationAction, ElicitationCapability, Implementation,
    ProtocolVersion, UrlElicitationCapability,
};
use rmcp::service::{RequestContext, RunningService};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::auth::{AuthClient, AuthorizationRequest, OAuthState};
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::{
    ClientHandler, ClientLifecycleMode, ClientServiceExt, ErrorData, RoleClient, ServiceError,
};
use serde_json::{Map, Value};
use tokio::sync::mpsc;

pub const NAME: &str = "Claude";
/// Nothing listens there: the browser of the demo hands the address over.
const REDIRECT: &str = "http://127.0.0.1/callback";
/// Pages that nobody looked at yet.
const BUFFERED_PAGES: usize = 16;

pub struct Claude {
    service: RunningService<RoleClient, ClaudeWindow>,
    http: AuthClient<reqwest::Client>,
}

/// The pages that the client is asked to open, from first to last.
pub type OpenedPages = mpsc::Receiver<String>;

/// What became of a call.
#[derive(Debug, PartialEq, Eq)]
pub enum ToolAnswer {
    Done(String),
    /// The tool did not run: the gate's code, and what the client reads.
    Not {
        code: String,
        text: String,
    },
    /// Its token is good for nothing.
    LoggedOut,
}

/// What the client shows to its person.
struct ClaudeWindow {
    pages: mpsc::Sender<String>,
    /// The page that is in front: the SDK opens it again as often as the call comes back without a decision.
    open: Mutex<Option<String>>,
}

impl Claude {
    /// Registers, has a person log in at the page that `browser` opens, gets a token, and finds the tools.
    pub async fn connect(
        server: &str,
        browser: impl AsyncFnOnce(String) -> Result<String, String>,
    ) -> Result<(Self, OpenedPages), String> {
        let said = |error: &dyn std::error::Error| format!("the MCP client: {error}");
        let mut oauth = OAuthState::new(server, None).await.map_err(|e| said(&e))?;
        let request = AuthorizationRequest::new(REDIRECT).with_client_name(NAME);
        let started = oauth.start_authorization(request).await;
        started.map_err(|e| said(&e))?;
        let page = oauth.get_authorization_url().await.map_err(|e| said(&e))?;
        let back = browser(page).await?;
        let returned = oauth.handle_callback_url(&back).await;
        returned.map_err(|e| said(&e))?;
        let manager = oauth.into_authorization_manager();
        let manager = manager.ok_or("the MCP client has no token")?;
        let http = AuthClient::new(reqwest::Client::new(), manager);
        let transport = StreamableHttpClientTransport::with_client(
            http.clone(),
            StreamableHttpClientTransportConfig::with_uri(server),
        );
        let lifecycle = ClientLifecycleMode::Auto {
            preferred_versions: vec![ProtocolVersion::V_2026_07_28],
            legacy_version: None,
        };
        let (sender, pages) = mpsc::channel(BUFFERED_PAGES);
        let window = ClaudeWindow {
            pages: sender,
            open: Mutex::default(),
        };
        let service = window.serve_with_lifecycle(transport, lifecycle).await;
        let service = service.map_err(|e| said(&e))?;
        Ok((Self { service, http }, pages))
    }

    pub async fn token(&self) -> Result<String, String> {
        let token = self.http.get_access_token().await;
        token.map_err(|error| format!("the MCP client: {error}"))
    }

    /// Calls a tool, and waits for it as the SDK does.
    pub async fn call(&self, tool: &'static str, title: &str) -> Result<ToolAnswer, String> {
        let arguments = Map::from_iter([("title".to_owned(), Value::from(title))]);
        let call = CallToolRequestParams::new(tool).with_arguments(arguments);
        match self.service.call_tool(call).await {
            Ok(result) => Ok(ToolAnswer::of(&result)),
            Err(error) if is_unauthorized(&error) => Ok(ToolAnswer::LoggedOut),
            Err(ServiceError::McpError(error)) => Ok(ToolAnswer::Not {
                code: error.code.0.to_string(),
                text: error.message.into_owned(),
            }),
            Err(error) => Err(format!("the MCP client: {error}")),
        }
    }
}

/// Also where a call that is held ends with its token: the SDK has no kind of its own for a 401 without a challenge.
fn is_unauthorized(error: &ServiceError) -> bool {
    let status = "HTTP 401";
    error.is_authorization_required()
        || matches!(error, ServiceError::TransportSend(_)) && error.to_string().contains(status)
}

impl ToolAnswer {
    fn of(result: &CallToolResult) -> Self {
        let texts = result.content.iter().filter_map(ContentBlock::as_text);
        let texts: Vec<&str> = texts.map(|text| text.text.as_str()).collect();
        let text = texts.join(" ");
        if result.is_error != Some(true) {
            return Self::Done(text);
        }
        let meta = serde_json::to_value(&result.meta).unwrap_or_default();
        let code = meta.get("writ/code").and_then(Value::as_str);
        let code = code.unwrap_or("tool_failed").to_owned();
        Self::Not { code, text }
    }
}

impl ClaudeWindow {
    fn shows(&self, url: String) -> bool {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.as_ref() == Some(&url) {
            return true;
        }
        *open = Some(url.clone());
        self.pages.try_send(url).is_ok()
    }
}

impl ClientHandler for ClaudeWindow {
    fn get_info(&self) -> ClientConfig {
        let opens_pages = ElicitationCapability::new().with_url(UrlElicitationCapability::new());
        let mut capabilities = ClientCapabilities::default();
        capabilities.elicitation = Some(opens_pages);
        ClientConfig::new(
            capabilities,
            Implementation::new(NAME, env!("CARGO_PKG_VERSION")),
        )
    }

    async fn create_elicitation(
        &self,
        asked: ElicitRequestParams,
        _context: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        let opened = match asked {
            ElicitRequestParams::UrlElicitationParams { url, .. } => self.shows(url),
            _ => false,
        };
        Ok(ElicitResult::new(match opened {
            true => ElicitationAction::Accept,
            false => ElicitationAction::Decline,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_is_open_is_not_opened_again() {
        let (sender, mut pages) = mpsc::channel(BUFFERED_PAGES);
        let window = ClaudeWindow {
            pages: sender,
            open: Mutex::default(),
        };
        for page in ["/a", "/a", "/b", "/b"] {
            assert!(window.shows(page.to_owned()));
        }
        assert_eq!(pages.try_recv().as_deref(), Ok("/a"));
        assert_eq!(pages.try_recv().as_deref(), Ok("/b"));
        assert!(pages.try_recv().is_err());
    }
}
