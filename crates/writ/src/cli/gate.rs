//! `writ gate`: a reverse proxy before an MCP server that nobody can change (docs/gate.md).

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use tokio::net::TcpListener;
use tokio::sync::watch;
use writ_gate::{Allowed, GateConfig};
use writ_server::config::bounded_file;
use writ_server::node::listener::{self, ListenerBounds};
use writ_verifier::{ClientSecret, VerifierEnvironment};
use writ_wire::resource::ResourceUri;
use zeroize::Zeroizing;

use super::signals::StopSignals;
use super::{Outcome, say};

/// The largest secret in a file, in bytes.
const MAX_SECRET: usize = 4096;
/// With what may stand around it.
const MAX_SECRET_FILE: u64 = 64 * 1024;

#[derive(Args)]
pub struct GateArguments {
    /// The MCP endpoint of the server
    #[arg(long, value_name = "URL")]
    upstream: String,
    /// The authorization server
    #[arg(long, value_name = "URL")]
    issuer: String,
    /// The URL that clients are given, as the resource's record has it
    #[arg(long, value_name = "URI")]
    resource: String,
    /// The client that the resource's record names
    #[arg(long, value_name = "ID")]
    client_id: String,
    /// The file with its secret
    #[arg(long, value_name = "FILE")]
    client_secret_file: PathBuf,
    /// Where the gate listens; TLS is for a proxy before it
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8081")]
    listen: SocketAddr,
    /// The file with the value of `Authorization` for the server, if it wants one
    #[arg(long, value_name = "FILE")]
    upstream_authorization_file: Option<PathBuf>,
    /// A scope that clients ask for, as the resource's record has it; can be given several times
    #[arg(long, value_name = "SCOPE", default_value = "tools")]
    scope: Vec<String>,
    /// Let the server ask the client for this: sampling, elicitation or roots; can be given several times
    #[arg(long, value_name = "WHAT")]
    allow: Vec<Allow>,
    /// How many seconds a client that can only call again is held first
    #[arg(long, value_name = "SECONDS", default_value = "8")]
    patience: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Allow {
    Sampling,
    Elicitation,
    Roots,
}

pub async fn gate(arguments: GateArguments) -> Outcome {
    let routes = {
        let environment = VerifierEnvironment::system().map_err(|e| e.to_string())?;
        writ_gate::router(config(&arguments)?, environment).map_err(|e| e.to_string())?
    };
    let mut signals = StopSignals::listen()?;
    let socket = TcpListener::bind(arguments.listen).await;
    let socket =
        socket.map_err(|e| format!("`{}` cannot be listened on: {e}", arguments.listen))?;
    let address = socket.local_addr().map_err(|e| e.to_string())?;
    let (stop, stopped) = watch::channel(false);
    let serving = tokio::spawn(listener::serve(
        socket,
        routes,
        ListenerBounds::default(),
        stopped,
    ));
    say(&format!(
        "the gate is ready at {address}, for {}, before {}",
        arguments.resource, arguments.upstream
    ));
    signals.next().await;
    let _ = stop.send(true);
    serving.await.map_err(|e| e.to_string())
}

fn config(arguments: &GateArguments) -> Result<GateConfig, String> {
    let upstream = arguments.upstream.parse();
    let authorization = arguments.upstream_authorization_file.as_deref();
    let allows = |what: Allow| arguments.allow.contains(&what);
    Ok(GateConfig {
        upstream: upstream.map_err(|e| format!("`--upstream` is no URL: {e}"))?,
        upstream_authorization: authorization.map(secret).transpose()?,
        issuer: arguments.issuer.clone(),
        resource: ResourceUri::parse(&arguments.resource).map_err(|e| e.to_string())?,
        client_id: arguments.client_id.clone(),
        client_secret: ClientSecret::new(secret(&arguments.client_secret_file)?.to_string()),
        scopes: arguments.scope.clone(),
        allowed: Allowed {
            sampling: allows(Allow::Sampling),
            elicitation: allows(Allow::Elicitation),
            roots: allows(Allow::Roots),
        },
        patience: Duration::from_secs(arguments.patience.into()),
    })
}

/// The one line of a file.
pub(super) fn secret(file: &Path) -> Result<Zeroizing<String>, String> {
    let shown = file.display();
    let text = bounded_file::read_text(file, MAX_SECRET_FILE).map(Zeroizing::new);
    let text = text.map_err(|why| format!("`{shown}` {why}"))?;
    let line = text.trim();
    match line.is_empty() || line.len() > MAX_SECRET || line.contains('\n') {
        true => Err(format!("`{shown}` does not hold one line")),
        false => Ok(Zeroizing::new(line.to_owned())),
    }
}
