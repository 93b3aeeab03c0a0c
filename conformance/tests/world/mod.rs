//! The built `writ` binary on a loopback port, with its own database and folder, for clients from outside.
//! `WRIT_BINARY` names the binary and `WRIT_TEST_POSTGRES_URL` a PostgreSQL server, with an empty database for each file of
//! tests: `tests/run conformance` sees to both.

mod browser;
mod forms;
mod transport;

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};
use url::Url;

pub use browser::Browser;
pub use transport::{answered, send};

const READY_DEADLINE: Duration = Duration::from_secs(20);
const COMMAND_DEADLINE: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug)]
pub enum Database {
    Sqlite,
    Postgres,
}

pub struct World {
    pub issuer: String,
    binary: String,
    directory: PathBuf,
    settings: Vec<(&'static str, String)>,
    server: Option<Child>,
}

impl World {
    /// A database without anybody in it; the server does not run yet.
    pub async fn new(database: Database) -> Self {
        let binary = needed("WRIT_BINARY");
        let port = free_port();
        let issuer = format!("http://127.0.0.1:{port}");
        let directory = std::env::temp_dir().join(format!("writ-conformance-{port}"));
        fs::create_dir_all(&directory).unwrap();
        let url = match database {
            Database::Sqlite => format!("sqlite:{}", directory.join("writ.db").display()),
            Database::Postgres => empty_database(),
        };
        let types = concat!(env!("CARGO_MANIFEST_DIR"), "/../config/types");
        let master = URL_SAFE_NO_PAD.encode(josekit::util::random_bytes(32));
        let world = Self {
            binary,
            settings: vec![
                ("WRIT__SERVER__LISTEN", format!("127.0.0.1:{port}")),
                ("WRIT__SERVER__ISSUER", issuer.clone()),
                ("WRIT__DATABASE__URL", url),
                ("WRIT__TYPES__PATH", types.to_owned()),
                ("WRIT__KEYS__MASTER", master),
            ],
            issuer,
            directory,
            server: None,
        };
        world.writ(&["migrate"], "").await;
        world
    }

    /// Runs one command to its end; answers what it printed.
    pub async fn writ(&self, arguments: &[&str], input: &str) -> String {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // A command that reads nothing may be gone already.
        let _ = stdin.write_all(input.as_bytes()).await;
        drop(stdin);
        let output = timeout(COMMAND_DEADLINE, child.wait_with_output());
        let output = output.await.expect("the command ends").unwrap();
        assert!(output.status.success(), "writ {arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// `writ client|resource add`; answers what was registered.
    pub async fn add(&self, kind: &str, file: &Value) -> Value {
        let path = self.directory.join(format!("{kind}.json"));
        fs::write(&path, file.to_string()).unwrap();
        let path = path.display().to_string();
        let printed = self.writ(&[kind, "add", "--file", &path], "").await;
        serde_json::from_str(&printed).unwrap()
    }

    /// Starts the server; returns when its metadata can be read.
    pub async fn serve(&mut self) {
        let log = File::create(self.directory.join("log")).unwrap();
        let mut command = self.command(&["serve"]);
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap());
        self.server = Some(command.stderr(log).spawn().unwrap());
        let ready = timeout(READY_DEADLINE, self.metadata()).await;
        assert!(ready.is_ok(), "the server is not ready:\n{}", self.log());
    }

    /// The metadata (RFC 8414), as soon as somebody answers.
    pub async fn metadata(&mut self) -> Value {
        let url = format!("{}/.well-known/oauth-authorization-server", self.issuer);
        let http = reqwest::Client::new();
        loop {
            let answer = http.get(&url).send().await;
            if let Ok(answer) = answer.and_then(reqwest::Response::error_for_status) {
                return serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
            }
            let ended = self
                .server
                .as_mut()
                .and_then(|child| child.try_wait().unwrap());
            assert_eq!(ended, None, "the server ended:\n{}", self.log());
            sleep(Duration::from_millis(50)).await;
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .args(arguments)
            .current_dir(&self.directory)
            .env_clear()
            .envs(self.settings.iter().map(|(name, value)| (*name, value)))
            .kill_on_drop(true);
        command
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.join("log")).unwrap_or_default()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("{}", self.log());
        }
        drop(self.server.take());
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn needed(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("`{name}` is not set: run `tests/run conformance`, which sets it")
    })
}

/// The database of this file of tests: a database belongs to one issuer.
fn empty_database() -> String {
    let mut url = Url::parse(&needed("WRIT_TEST_POSTGRES_URL")).unwrap();
    url.set_path(concat!("conformance_", env!("CARGO_CRATE_NAME")));
    url.to_string()
}

/// A loopback port that nobody holds now.
fn free_port() -> u16 {
    let probe = TcpListener::bind("127.0.0.1:0").unwrap();
    probe.local_addr().unwrap().port()
}
