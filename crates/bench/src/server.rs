//! The binary `writ`, built beside this one: set up by its own commands, run as a child, ended by its id.

use std::fs::File;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use writ_platform::{Clock, Random};

use crate::Outcome;
use crate::agent::BenchAgent;
use crate::database::TemporaryDatabase;
use crate::load;
use crate::scene::{BANK, CHAIN, MeasuredGrant, OWNER, payment, tool_calls};

/// How long a start may take.
const PATIENCE: Duration = Duration::from_secs(20);
const BETWEEN_LOOKS: Duration = Duration::from_millis(1);
/// Idle is a little later than ready.
const SETTLING: Duration = Duration::from_millis(200);

/// What every process of this run shares.
pub struct ServerSettings<'a> {
    pub place: &'a TemporaryDatabase,
    pub agents: [BenchAgent; 4],
    program: PathBuf,
    address: SocketAddr,
    master: String,
    /// More of the environment of `writ`.
    pub environment: Vec<(&'static str, String)>,
}

pub enum Logging {
    Usual,
    /// A line for each statement.
    Statements,
}

pub struct Server {
    pub address: SocketAddr,
    pub issuer: String,
    /// From the start of the process to the first answer 200 of the metadata.
    pub ready_after: Duration,
    child: Child,
    log: PathBuf,
}

/// `cargo run -p writ-bench` builds this package alone.
pub fn build() -> Outcome<()> {
    let Some(cargo) = std::env::var_os("CARGO") else {
        return Ok(());
    };
    let mut build = Command::new(cargo);
    build.args(["build", "-q", "-p", "writ", "--no-default-features"]);
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    let built = build.status()?;
    if built.success() {
        Ok(())
    } else {
        Err("`writ` was not built".into())
    }
}

impl<'a> ServerSettings<'a> {
    pub fn new(place: &'a TemporaryDatabase) -> Outcome<Self> {
        let program = std::env::current_exe()?.with_file_name("writ");
        // Free now; nobody else asks for it in the next moment.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let [planner, booker, payer, courier] = CHAIN;
        Ok(Self {
            place,
            agents: [
                BenchAgent::make(planner)?,
                BenchAgent::make(booker)?,
                BenchAgent::make(payer)?,
                BenchAgent::make(courier)?,
            ],
            program,
            address,
            master: URL_SAFE_NO_PAD.encode(Random::System.bytes::<32>()),
            environment: Vec::new(),
        })
    }

    /// One person, a bank, and the agents with a ceiling.
    pub fn register(&self) -> Outcome<()> {
        self.register_with(&Random::System.secret())
    }

    /// The same; the person has this password.
    pub fn register_with(&self, password: &str) -> Outcome<()> {
        self.add_person(OWNER, password)?;
        self.add("client", &json!({
            "client_id": "bank-api", "client_name": "Bank", "profile": "oauth21", "grant_types": [],
            "token_endpoint_auth_method": "client_secret_basic"
        }))?;
        self.add("resource", &json!({
            "resource": BANK, "name": "Bank", "scopes": ["accounts:read"],
            "authorization_details_types": ["payment", "mcp_tool_call"], "client_id": "bank-api", "agents_only": true
        }))?;
        self.agents.iter().try_for_each(|agent| {
            self.add("agent", &json!({
                "client_id": agent.id, "client_name": agent.id, "profile": "agent",
                "jwks": { "keys": [agent.registered.jwk] },
                "grant_types": ["client_credentials", "urn:ietf:params:oauth:grant-type:token-exchange"],
                "agent": { "owner": OWNER, "sponsor": OWNER, "publisher": "Acme", "ceiling": {
                    "scopes": [{ "resource": BANK, "scope": "accounts:read" }],
                    "authorization_details": [payment("500.00"), tool_calls(100)], "lifetime": 7200
                } }
            }))
        })
    }

    /// How many records of this grant there are.
    pub fn events(&self, grant: MeasuredGrant) -> Outcome<usize> {
        let listed = self
            .command()
            .args([
                "audit",
                "list",
                "--limit",
                "1000000",
                "--event",
                grant.event(),
            ])
            .output()?;
        Ok(String::from_utf8(listed.stdout)?.lines().count())
    }

    pub fn add_person(&self, name: &str, password: &str) -> Outcome<()> {
        let file = self.place.folder.join("password");
        std::fs::write(&file, password)?;
        self.run(&["user", "add", name, "--password-file"], &file)
    }

    pub fn add(&self, kind: &str, file: &Value) -> Outcome<()> {
        self.add_shown(kind, file).map(drop)
    }

    /// The same, and what is printed: the generated secret is in it.
    pub fn add_shown(&self, kind: &str, file: &Value) -> Outcome<Value> {
        let path = self.place.folder.join("registration.json");
        std::fs::write(&path, file.to_string())?;
        Ok(serde_json::from_slice(
            &self.said(&[kind, "add", "--file"], &path)?,
        )?)
    }

    fn run(&self, words: &[&str], file: &Path) -> Outcome<()> {
        self.said(words, file).map(drop)
    }

    fn said(&self, words: &[&str], file: &Path) -> Outcome<Vec<u8>> {
        let done = self.command().args(words).arg(file).output()?;
        if done.status.success() {
            return Ok(done.stdout);
        }
        Err(String::from_utf8_lossy(&done.stderr).into())
    }

    fn command(&self) -> Command {
        let types = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/types");
        let mut command = Command::new(&self.program);
        command
            .env("WRIT__SERVER__LISTEN", self.address.to_string())
            .env("WRIT__SERVER__ISSUER", format!("http://{}", self.address))
            .env("WRIT__DATABASE__URL", &self.place.url)
            .env("WRIT__KEYS__MASTER", &self.master)
            .env("WRIT__TYPES__PATH", types)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }
}

impl Server {
    pub fn start(settings: &ServerSettings<'_>, logging: Logging) -> Outcome<Self> {
        let log = settings.place.folder.join("log");
        let filter = match logging {
            Logging::Usual => "info,sqlx=warn",
            Logging::Statements => "info,sqlx::query=debug",
        };
        let started = Clock::System.now();
        let child = settings
            .command()
            .arg("serve")
            .env("WRIT_LOG", filter)
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            .spawn()?;
        let mut server = Self {
            address: settings.address,
            issuer: format!("http://{}", settings.address),
            ready_after: Duration::ZERO,
            child,
            log,
        };
        while !server.answers() {
            server.ready_after = started.until(Clock::System.now());
            if server.ready_after > PATIENCE || server.child.try_wait()?.is_some() {
                let log = std::fs::read_to_string(&server.log)?;
                return Err(format!("`writ serve` does not answer: {log}").into());
            }
            std::thread::park_timeout(BETWEEN_LOOKS);
        }
        server.ready_after = started.until(Clock::System.now());
        std::thread::park_timeout(SETTLING);
        Ok(server)
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn logged_statements(&self) -> Outcome<usize> {
        Ok(std::fs::read_to_string(&self.log)?
            .matches("sqlx::query")
            .count())
    }

    fn answers(&self) -> bool {
        let request = format!(
            "GET /.well-known/oauth-authorization-server HTTP/1.1\r\nhost: {}\r\n\r\n",
            self.address
        );
        TcpStream::connect(self.address)
            .ok()
            .and_then(|mut stream| load::exchange(&mut stream, request.as_bytes()).ok())
            .is_some_and(|answer| answer.is_ok())
    }
}

impl Drop for Server {
    /// By its id, and waited for, also after an error.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
