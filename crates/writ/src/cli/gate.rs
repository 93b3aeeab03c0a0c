//! `writ gate`: a reverse proxy before an MCP server that nobody can change (docs/gate.md).

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use tokio::net::TcpListener;
use tokio::sync::watch;
use writ_gate::{Allowed, Gate, GateConfig, address_on_loopback};
use writ_server::config::bounded_file::{self, named};
use writ_server::node::listener::{self, ListenerBounds};
use writ_verifier::{ClientSecret, CredentialsError, VerifierEnvironment};
use writ_wire::resource::ResourceUri;
use zeroize::Zeroizing;

use super::signals::StopSignals;
use super::{Outcome, note, say};

/// Between two attempts to ask the issuer at the start.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Where a gate listens whose resource is not on this machine.
const ELSEWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8081);
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
    /// Where the gate listens; TLS is for a proxy before it. Unless it is said: where a resource on loopback is, or 127.0.0.1:8081
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
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
    let gate = {
        let environment = VerifierEnvironment::system().map_err(|e| e.to_string())?;
        Gate::new(config(&arguments)?, environment).map_err(|e| e.to_string())?
    };
    let mut signals = StopSignals::listen()?;
    let listen = listen(arguments.listen, &arguments.resource);
    let socket = TcpListener::bind(listen).await;
    let socket = socket.map_err(|e| format!("`{listen}` cannot be listened on: {e}"))?;
    let address = socket.local_addr().map_err(|e| e.to_string())?;
    let (stop, stopped) = watch::channel(false);
    let serving = tokio::spawn(listener::serve(
        socket,
        gate.routes(),
        ListenerBounds::default(),
        stopped,
    ));
    let outcome = tokio::select! {
        checked = checked(&gate, &arguments) => checked,
        _ = signals.next() => Ok(false),
    };
    if outcome == Ok(true) {
        say(&format!(
            "the gate is ready at {address}, for {}, before {}",
            arguments.resource, arguments.upstream
        ));
        signals.next().await;
    }
    // Calls that wait for a person end first, and their connections with them.
    gate.end();
    let _ = stop.send(true);
    serving.await.map_err(|e| e.to_string())?;
    gate.ended().await;
    outcome.map(drop)
}

/// Whether it is ready.
async fn checked(gate: &Gate, arguments: &GateArguments) -> Result<bool, String> {
    let is_ready = credentials(gate, arguments).await?;
    // It may be started before the server; each call says that it cannot be reached.
    if let Err(why) = gate.check_upstream().await {
        let upstream = &arguments.upstream;
        note(&format!(
            "`--upstream` {upstream} cannot be used yet: {why}. Calls are answered with an error until it can be"
        ));
    }
    Ok(is_ready)
}

/// Until the issuer took them or refused them. Where it cannot be asked the gate goes on trying: it may be started before the issuer, and
/// whatever comes meanwhile is refused.
async fn credentials(gate: &Gate, arguments: &GateArguments) -> Result<bool, String> {
    let client_id = &arguments.client_id;
    let mut told = None;
    let mut pause = FIRST_PAUSE;
    loop {
        match gate.check_credentials().await {
            Ok(()) => return Ok(true),
            Err(why @ CredentialsError::Unknown(_)) => {
                let why = why.to_string();
                if told.as_ref() != Some(&why) {
                    note(&format!("the gate is not ready: {why}. It goes on trying"));
                    told = Some(why);
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            Err(why) => return Err(unusable(&why, client_id)),
        }
    }
}

/// What will be the same at the next attempt: which option is wrong, and what belongs there.
fn unusable(why: &CredentialsError, client_id: &str) -> String {
    match why {
        CredentialsError::Refused { .. } => format!(
            "the gate cannot ask as `{client_id}`: {why}. `--client-secret-file` holds what `writ client add` printed, or `writ client rotate-secret`, and `client_id` of the resource's record names this client"
        ),
        CredentialsError::OtherIssuer { .. } => format!(
            "`--issuer` is not the name of the server there: {why}. Tokens have its own name, so write that"
        ),
        CredentialsError::NotWrit(_) => format!(
            "`--issuer` is another server's URL: {why}. Write the issuer of the Writ server, as its `writ.toml` has it"
        ),
        CredentialsError::NoRecord(_) => format!(
            "`--resource` is unknown: {why}. It is the URL that clients are given, as `writ resource add` was told it, to the letter"
        ),
        CredentialsError::OtherClient(_) => format!(
            "the gate cannot decide for `--resource` as `{client_id}`: {why}. `--client-id` is `client_id` of that record"
        ),
        CredentialsError::Unknown(_) => why.to_string(),
    }
}

/// Where the gate listens: where clients look, if they look on this machine and nothing else was said.
fn listen(said: Option<SocketAddr>, resource: &str) -> SocketAddr {
    let there = address_on_loopback(resource);
    if let (Some(said), Some(there)) = (said, there)
        && said.port() != there.port()
    {
        note(&format!(
            "clients look for `{resource}` at port {}, and the gate listens at port {}: something between them has to pass it on",
            there.port(),
            said.port()
        ));
    }
    said.or(there).unwrap_or(ELSEWHERE)
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
    let shown = named(file);
    let text = bounded_file::read_given(file, MAX_SECRET_FILE).map(Zeroizing::new);
    let text = text.map_err(|why| format!("{shown} {why}"))?;
    let line = one_line(&text).map_err(|why| format!("{shown} {why}"))?;
    Ok(Zeroizing::new(line.to_owned()))
}

fn one_line(text: &str) -> Result<&str, String> {
    let line = text.trim();
    if line.is_empty() || line.contains('\n') {
        return Err("does not hold one line".to_owned());
    }
    match line.len() > MAX_SECRET {
        true => Err(format!("holds a line of more than {MAX_SECRET} bytes")),
        false => Ok(line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_one_line_and_has_a_longest_text() {
        let longest = "x".repeat(MAX_SECRET);
        assert_eq!(one_line(&format!(" {longest}\n")), Ok(longest.as_str()));
        let no_line = "does not hold one line".to_owned();
        for text in ["", " \n", "one\ntwo"] {
            assert_eq!(one_line(text), Err(no_line.clone()), "{text:?}");
        }
        let refused = one_line(&"x".repeat(MAX_SECRET + 1)).map(str::to_owned);
        assert_eq!(
            refused,
            Err("holds a line of more than 4096 bytes".to_owned())
        );
    }

    #[test]
    fn a_gate_listens_where_its_clients_look() {
        for (resource, said, expected) in [
            ("http://localhost:9000/mcp", None, "127.0.0.1:9000"),
            ("http://notes.localhost:9000/mcp", None, "127.0.0.1:9000"),
            ("http://127.0.0.1:9000/mcp", None, "127.0.0.1:9000"),
            ("http://127.0.0.7:9000/mcp", None, "127.0.0.7:9000"),
            ("http://[::1]:9000/mcp", None, "[::1]:9000"),
            ("http://localhost/mcp", None, "127.0.0.1:80"),
            // TLS is for a proxy, which has that port.
            ("https://localhost:9000/mcp", None, "127.0.0.1:8081"),
            ("https://notes.example/mcp", None, "127.0.0.1:8081"),
            ("http://10.0.0.7:9000/mcp", None, "127.0.0.1:8081"),
            ("http://localhost:9000/mcp", Some("[::]:7000"), "[::]:7000"),
            (
                "https://notes.example/mcp",
                Some("0.0.0.0:80"),
                "0.0.0.0:80",
            ),
        ] {
            let said = said.map(|text| text.parse().unwrap());
            assert_eq!(
                listen(said, resource),
                expected.parse().unwrap(),
                "{resource}"
            );
        }
    }
}
