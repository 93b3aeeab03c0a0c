//! What the demo runs on: the server, the bank, and an MCP server behind the gate, on free ports of loopback, with all participants
//! registered.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use writ_gate::{Allowed, GateConfig};
use writ_platform::{Clock, Random};
use writ_server::config::Config;
use writ_server::node::listener::{self, ListenerBounds};
use writ_verifier::{ClientSecret, VerifierEnvironment};
use writ_wire::resource::ResourceUri;

use super::bank;
use super::cast::{DemoCast, DemoPlaces, NOTES_CLIENT, NOTES_SCOPE};
use super::notes::Notes;
use crate::cli::{Running, app_of, serve_on};

/// How long the gate holds a call: the client asks again ten times, and a question waits for five minutes.
const PATIENCE: Duration = Duration::from_secs(40);

/// The shipped types, compiled in so that the demo runs from any folder.
const TYPES: [(&str, &str); 3] = [
    (
        "payment.json",
        include_str!("../../../../config/types/payment.json"),
    ),
    (
        "calendar.json",
        include_str!("../../../../config/types/calendar.json"),
    ),
    (
        "mcp_tool_call.json",
        include_str!("../../../../config/types/mcp_tool_call.json"),
    ),
];

/// A temporary folder, removed at the end.
pub struct Folder(PathBuf);

impl Folder {
    pub fn make() -> Result<Self, String> {
        let name = format!("writ-demo-{}", Random::System.identifier());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).map_err(|e| format!("`{}`: {e}", path.display()))?;
        Ok(Self(path))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A folder that cannot be removed is left to the system's own cleaning.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub struct DemoStage {
    pub issuer: String,
    pub bank: String,
    /// The MCP endpoint that clients are given: the gate's.
    pub gate: String,
    pub notes: Notes,
    pub cast: DemoCast,
    server: Running,
    doors: Vec<Door>,
}

impl DemoStage {
    pub async fn build(folder: &Path) -> Result<Self, String> {
        let (server_listener, address) = listen().await?;
        let (bank_listener, bank_address) = listen().await?;
        let (gate_listener, gate_address) = listen().await?;
        let (notes_listener, notes_address) = listen().await?;
        // Passkeys need a host name.
        let issuer = format!("http://localhost:{}", address.port());
        let bank = format!("http://{bank_address}");
        let gate = format!("http://localhost:{}/mcp", gate_address.port());
        let upstream = format!("http://{notes_address}/mcp");
        let notes = Notes::new();
        let mut doors = vec![Door::open(notes_listener, notes.router())];
        let app = app_of(config(folder, &issuer)?).await?;
        let server = serve_on(app.clone(), server_listener);
        let places = DemoPlaces {
            bank: &bank,
            gate: &gate,
            notes: &upstream,
        };
        let cast = DemoCast::register(&app, &places).await?;
        let routes = bank::router(&issuer, &bank, &cast.bank_secret)?;
        doors.push(Door::open(bank_listener, routes));
        let routes = gate_routes(&issuer, &places, &cast.notes_secret)?;
        doors.push(Door::open(gate_listener, routes));
        Ok(Self {
            issuer,
            bank,
            gate,
            notes,
            cast,
            server,
            doors,
        })
    }

    pub async fn stop(self) {
        // Callers first: the gate and the bank ask the server.
        for door in self.doors.into_iter().rev() {
            door.close().await;
        }
        self.server.stop().await;
    }
}

/// Something that listens.
struct Door {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Door {
    fn open(listener: TcpListener, routes: Router) -> Self {
        let (stop, stopped) = watch::channel(false);
        let bounds = ListenerBounds::default();
        let task = tokio::spawn(listener::serve(listener, routes, bounds, stopped));
        Self { stop, task }
    }

    async fn close(self) {
        let _ = self.stop.send(true);
        let _ = self.task.await;
    }
}

/// As `writ gate` makes it.
fn gate_routes(issuer: &str, places: &DemoPlaces<'_>, secret: &str) -> Result<Router, String> {
    let upstream = places.notes.parse();
    let config = GateConfig {
        upstream: upstream.map_err(|e| format!("`{}` is no URL: {e}", places.notes))?,
        upstream_authorization: None,
        issuer: issuer.to_owned(),
        resource: ResourceUri::parse(places.gate).map_err(|e| e.to_string())?,
        client_id: NOTES_CLIENT.to_owned(),
        client_secret: ClientSecret::new(secret.to_owned()),
        scopes: vec![NOTES_SCOPE.to_owned()],
        allowed: Allowed::default(),
        patience: PATIENCE,
    };
    let environment = VerifierEnvironment::system().map_err(|e| e.to_string())?;
    writ_gate::router(config, environment).map_err(|e| e.to_string())
}

async fn listen() -> Result<(TcpListener, SocketAddr), String> {
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .map_err(|e| format!("loopback: {e}"))?;
    let address = listener.local_addr().map_err(|e| e.to_string())?;
    Ok((listener, address))
}

fn config(folder: &Path, issuer: &str) -> Result<Config, String> {
    let types = folder.join("types");
    let at = |e: std::io::Error| format!("`{}`: {e}", types.display());
    std::fs::create_dir(&types).map_err(at)?;
    for (name, text) in TYPES {
        std::fs::write(types.join(name), text).map_err(at)?;
    }
    let database = format!("sqlite:{}", folder.join("demo.db").display());
    let environment: BTreeMap<String, String> = [
        ("WRIT__SERVER__ISSUER", issuer.to_owned()),
        ("WRIT__DATABASE__URL", database),
        ("WRIT__TYPES__PATH", types.display().to_string()),
        ("WRIT__KEYS__MASTER", Random::System.secret()),
        ("WRIT__FEATURES__MISSION_INTENT", "true".to_owned()),
        ("WRIT__FEATURES__GUESTS", "true".to_owned()),
        ("WRIT__REGISTRATION__MODE", "open".to_owned()),
        // Whoever tries a no wants to be asked again at once.
        ("WRIT__PROMPTS__PAUSE_SAME", "0".to_owned()),
        ("WRIT__PROMPTS__PAUSE_OTHER", "0".to_owned()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into();
    Config::load(None, &environment).map_err(|e| e.to_string())
}

/// The environment of one agent: HTTP, the system's clock and randomness.
pub fn environment(transport: Arc<dyn writ_platform::Transport>) -> writ_agent::AgentEnvironment {
    writ_agent::AgentEnvironment {
        transport,
        clock: Clock::System,
        random: Random::System,
    }
}
