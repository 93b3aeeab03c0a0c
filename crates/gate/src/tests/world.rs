//! Alice's guest with a bearer token, the server behind the gate, and the gate.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tower::ServiceExt;
use url::Url;
use writ_jose::key::SigningKey;
use writ_platform::{Clock, ManualClock, Random};
use writ_verifier::{ClientSecret, CredentialsError, ResourceUri, VerifierEnvironment};
use writ_wire::time::Timestamp;

use super::issuer::{FakeIssuer, ISSUER};
use crate::{Allowed, Gate, GateConfig};

pub(super) const NOTES: &str = "https://notes.example/mcp";
const START: i64 = 1_790_000_000;

/// What reached the server.
#[derive(Clone, Debug)]
pub(super) struct Reached {
    pub(super) headers: HeaderMap,
    pub(super) text: String,
    pub(super) body: Value,
}

#[derive(Default)]
pub(super) struct ServerState {
    pub(super) reached: Vec<Reached>,
    pub(super) tools: Vec<Value>,
    /// How many pages its list of tools has; the tools stand on the first.
    pub(super) pages_of_tools: usize,
    /// Events of streams that are open.
    pub(super) streams: Vec<mpsc::UnboundedSender<Bytes>>,
    /// Instead of the usual result of a tool.
    pub(super) result: Option<Value>,
    /// Instead of any result of a tool, with this status.
    pub(super) error: Option<(u16, Value)>,
    /// What it says of the progress of a tool before its result.
    pub(super) progress: Vec<Value>,
    /// Its tasks, as `tasks/list` says.
    pub(super) listed_tasks: Option<Value>,
    /// A method to which it gives no answer.
    pub(super) stalls: Option<&'static str>,
    /// How many requests to which it gives none were given up.
    pub(super) given_up: usize,
    sessions: usize,
}

pub(super) type Server = Arc<Mutex<ServerState>>;

struct Pieces(mpsc::UnboundedReceiver<Bytes>);

impl futures_core::Stream for Pieces {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|piece| piece.map(Ok))
    }
}

/// Whether what reached it gets no answer.
fn stalls(server: &Server, reached: Reached) -> bool {
    let mut state = server.lock().unwrap();
    let stalls = state
        .stalls
        .is_some_and(|method| reached.body["method"] == method);
    state.reached.push(reached);
    stalls
}

struct Stalled(Server);

impl Drop for Stalled {
    fn drop(&mut self) {
        self.0.lock().unwrap().given_up += 1;
    }
}

async fn upstream(server: Server, request: axum::extract::Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let text = body.collect().await.unwrap().to_bytes();
    let body: Value = serde_json::from_slice(&text).unwrap_or_default();
    if stalls(
        &server,
        Reached {
            headers: parts.headers,
            text: String::from_utf8(text.to_vec()).unwrap(),
            body: body.clone(),
        },
    ) {
        let _stalled = Stalled(server);
        return std::future::pending().await;
    }
    let mut state = server.lock().unwrap();
    if parts.method == "GET" {
        let (sender, receiver) = mpsc::unbounded_channel();
        state.streams.push(sender);
        let response = Response::builder().header("content-type", "text/event-stream");
        return response.body(Body::from_stream(Pieces(receiver))).unwrap();
    }
    let id = body["id"].clone();
    if id.is_null() || body.get("method").is_none() {
        return Response::builder().status(202).body(Body::empty()).unwrap();
    }
    let result = match body["method"].as_str().unwrap() {
        "initialize" => {
            json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": {} })
        }
        "tools/list" => tools(&state, &body),
        "tasks/list" => json!({ "tasks": state.listed_tasks }),
        "tools/call" => state
            .result
            .clone()
            .unwrap_or_else(|| json!({ "content": [{ "type": "text", "text": "done" }] })),
        _ => json!({}),
    };
    let mut response = Response::builder().header("content-type", "application/json");
    if body["method"] == "initialize" {
        state.sessions += 1;
        response = response.header("mcp-session-id", format!("upstream-{}", state.sessions));
    }
    let mut answer = json!({ "jsonrpc": "2.0", "id": id, "result": result });
    if let Some((status, error)) = state
        .error
        .clone()
        .filter(|_| body["method"] == "tools/call")
    {
        response = response.status(status);
        answer = json!({ "jsonrpc": "2.0", "id": id, "error": error });
    }
    if state.progress.is_empty() || body["method"] != "tools/call" {
        return response.body(Body::from(answer.to_string())).unwrap();
    }
    stream_of(&state.progress, answer)
}

/// Of this progress, and then the answer.
fn stream_of(progress: &[Value], answer: Value) -> Response<Body> {
    let said = progress.iter().map(
        |params| json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": params }),
    );
    let events = said.chain([answer]).map(|one| format!("data: {one}\n\n"));
    let response = Response::builder().header("content-type", "text/event-stream");
    response
        .body(Body::from(events.collect::<String>()))
        .unwrap()
}

fn tools(state: &ServerState, body: &Value) -> Value {
    let cursor = body["params"]["cursor"].as_str();
    // A cursor that it never gave is that of the first page.
    let page: usize = cursor.and_then(|cursor| cursor.parse().ok()).unwrap_or(1);
    let mut listed = json!({ "tools": [] });
    if page == 1 {
        listed["tools"] = json!(state.tools);
    }
    if page < state.pages_of_tools {
        listed["nextCursor"] = json!((page + 1).to_string());
    }
    listed
}

async fn serve(server: Server) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    let routes = Router::new()
        .fallback(move |request: axum::extract::Request| upstream(server.clone(), request));
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let service = TowerToHyperService::new(routes.clone());
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service);
            tokio::spawn(connection);
        }
    });
    url.parse().unwrap()
}

pub(super) struct World {
    pub(super) issuer: Arc<FakeIssuer>,
    pub(super) server: Server,
    pub(super) clock: ManualClock,
    key: SigningKey,
    pub(super) gate: Gate,
}

impl World {
    pub(super) async fn new() -> Self {
        Self::with(Allowed::default()).await
    }

    pub(super) async fn with(allowed: Allowed) -> Self {
        Self::holding(allowed, Duration::ZERO).await
    }

    /// A gate that holds a call for so long.
    pub(super) async fn holding(allowed: Allowed, patience: Duration) -> Self {
        let clock = ManualClock::starting_at(Timestamp::from_seconds(START));
        let key = SigningKey::generate().unwrap();
        let issuer = Arc::new(FakeIssuer::new(json!(key.public_jwk()), clock.clone()));
        let server = Server::default();
        server.lock().unwrap().tools =
            vec![json!({ "name": "rm", "inputSchema": { "type": "object" } })];
        let config = GateConfig {
            upstream: serve(server.clone()).await,
            upstream_authorization: None,
            issuer: ISSUER.to_owned(),
            resource: ResourceUri::parse(NOTES).unwrap(),
            client_id: "notes".to_owned(),
            client_secret: ClientSecret::new("secret".to_owned()),
            scopes: vec!["tools".to_owned()],
            allowed,
            patience,
        };
        let environment = VerifierEnvironment {
            transport: issuer.clone(),
            clock: Clock::Manual(clock.clone()),
            random: Random::System,
        };
        let gate = Gate::new(config, environment).unwrap();
        Self {
            issuer,
            server,
            clock,
            key,
            gate,
        }
    }

    /// Of this person by this client under this delegation.
    pub(super) fn token(&self, subject: &str, client: &str, delegation: &str) -> String {
        let now = self.clock.now().seconds();
        let claims = json!({
            "iss": ISSUER, "aud": NOTES, "client_id": client, "jti": format!("{subject}-{client}-{delegation}"),
            "iat": now, "exp": now + 300, "sub": subject, "sub_profile": "user", "dlg": delegation, "scope": "tools",
        });
        self.key.sign_jwt("at+jwt", &claims).unwrap()
    }

    pub(super) fn alice(&self) -> String {
        self.token("usr_alice", "guest", "dlg_1")
    }

    pub(super) async fn check_credentials(&self) -> Result<(), CredentialsError> {
        self.gate.check_credentials().await
    }

    /// For a task of its own.
    pub(super) fn sent(
        &self,
        request: Request<Body>,
    ) -> impl Future<Output = Response<Body>> + use<> {
        let routes = self.gate.routes();
        async move { routes.oneshot(request).await.unwrap() }
    }

    pub(super) async fn send(&self, request: Request<Body>) -> Response<Body> {
        self.gate.routes().oneshot(request).await.unwrap()
    }

    pub(super) fn request(
        &self,
        method: &str,
        fields: &[(&str, &str)],
        body: &str,
    ) -> Request<Body> {
        let token = self.alice();
        let mut request = Request::builder().method(method).uri("/mcp");
        if !fields.iter().any(|(name, _)| *name == "authorization") {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if !fields.iter().any(|(name, _)| *name == "content-type") {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let request = request.header("accept", "application/json, text/event-stream");
        request.body(Body::from(body.to_owned())).unwrap()
    }

    /// Status and message.
    pub(super) async fn post(&self, fields: &[(&str, &str)], body: &str) -> (StatusCode, Value) {
        let response = self.send(self.request("POST", fields, body)).await;
        read(response).await
    }

    /// A call of the tool `rm`.
    pub(super) async fn call(&self, fields: &[(&str, &str)]) -> (StatusCode, Value) {
        self.post(fields, &call("rm", &json!({ "path": "/a" })))
            .await
    }

    /// The session of a client with these capabilities.
    pub(super) async fn session(&self, token: &str, capabilities: Value) -> String {
        let message = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
            "protocolVersion": "2025-11-25", "capabilities": capabilities, "clientInfo": { "name": "c", "version": "1" }
        } });
        let authorization = format!("Bearer {token}");
        let request = self.request(
            "POST",
            &[("authorization", &authorization)],
            &message.to_string(),
        );
        let response = self.send(request).await;
        assert_eq!(response.status(), StatusCode::OK);
        response.headers()["mcp-session-id"]
            .to_str()
            .unwrap()
            .to_owned()
    }

    /// Calls of tools that reached the server.
    pub(super) fn calls(&self) -> Vec<Reached> {
        let state = self.server.lock().unwrap();
        let calls = state
            .reached
            .iter()
            .filter(|one| one.body["method"] == "tools/call");
        calls.cloned().collect()
    }

    /// Everything that reached it.
    pub(super) fn reached(&self) -> Vec<Reached> {
        self.server.lock().unwrap().reached.clone()
    }
}

pub(super) fn call(tool: &str, arguments: &Value) -> String {
    let params = json!({ "name": tool, "arguments": arguments });
    json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }).to_string()
}

/// The last message of an answer, in whatever form.
pub(super) async fn read(response: Response<Body>) -> (StatusCode, Value) {
    let status = response.status();
    let text = response.into_body().collect().await.unwrap().to_bytes();
    let text = String::from_utf8(text.to_vec()).unwrap();
    let last = text
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("data: "))
        .unwrap_or(&text);
    (status, serde_json::from_str(last).unwrap_or_default())
}
