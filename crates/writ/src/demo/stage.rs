//! What the demo runs on: the server and the bank on free ports of loopback, with all participants registered.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use writ_platform::{Clock, Random};
use writ_server::config::Config;
use writ_server::node::listener::{self, ListenerBounds};

use super::bank;
use super::cast::DemoCast;
use crate::cli::{Running, app_of, interrupted, say, serve_on};

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
    pub cast: DemoCast,
    server: Running,
    stop_bank: watch::Sender<bool>,
    bank_task: JoinHandle<()>,
}

impl DemoStage {
    pub async fn build(folder: &Path) -> Result<Self, String> {
        let (listener, address) = listen().await?;
        let (bank_listener, bank_address) = listen().await?;
        // Passkeys need a host name.
        let issuer = format!("http://localhost:{}", address.port());
        let bank = format!("http://{bank_address}");
        let app = app_of(config(folder, &issuer)?).await?;
        let server = serve_on(app.clone(), listener);
        say(&format!(
            "writ is ready at {issuer}, on a fresh SQLite file"
        ));
        let cast = DemoCast::register(&app, &bank).await?;
        let router = bank::router(&issuer, &bank, &cast.bank_secret)?;
        let (stop_bank, stopped) = watch::channel(false);
        let bank_task = tokio::spawn(listener::serve(
            bank_listener,
            router,
            ListenerBounds::default(),
            stopped,
        ));
        say(&format!(
            "a bank is ready at {bank}; it asks the issuer about every single call"
        ));
        Ok(Self {
            issuer,
            bank,
            cast,
            server,
            stop_bank,
            bank_task,
        })
    }

    /// Where to go on by hand.
    pub fn describe(&self) {
        say(&format!(
            "\nStill running; Ctrl-C ends it.\n  issuer    {}",
            self.issuer
        ));
        say(&format!(
            "  metadata  {}/.well-known/oauth-authorization-server",
            self.issuer
        ));
        say(&format!("  bank      {}/accounts", self.bank));
        say(&format!(
            "  person    {}/app  user `{}`, password `{}`",
            self.issuer,
            DemoCast::LOGIN.name,
            DemoCast::LOGIN.password
        ));
        say(&format!(
            "  passkey   {}/app/devices  code {}, for the first one, within an hour",
            self.issuer, self.cast.passkey_code
        ));
    }

    pub async fn serve_until_stopped(self) {
        interrupted().await;
        self.stop().await;
    }

    pub async fn stop(self) {
        let _ = self.stop_bank.send(true);
        let _ = self.bank_task.await;
        self.server.stop().await;
    }
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
