//! `writ serve` as a process of its own, with what it wrote to its log; it ends with the test, also when that fails.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::Value;
use writ_platform::Https;
use writ_testkit::{NodeClient, World};

/// Generous: a loaded machine must not fail a test.
pub const IN_TIME: Duration = Duration::from_secs(40);
const TICK: Duration = Duration::from_millis(20);
const ANY_PORT: &str = "127.0.0.1:0";

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// One process, at its two doors.
pub struct Process {
    child: OwnChild,
    pub door: NodeClient,
    pub operators: NodeClient,
    pub address: SocketAddr,
    log: LogFile,
}

/// Ends with this, however that comes about.
struct OwnChild(Child);

impl OwnChild {
    fn signal(&self, name: &str) {
        let id = self.0.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status();
        assert!(sent.unwrap().success(), "{name}");
    }

    async fn ended(&mut self) -> ExitStatus {
        let mut status = None;
        until(async || {
            status = self.0.try_wait().unwrap();
            status.is_some()
        })
        .await;
        status.unwrap()
    }
}

impl Drop for OwnChild {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// What the process writes to standard error; gone with it.
struct LogFile(PathBuf);

impl LogFile {
    fn new() -> Self {
        let number = NUMBER.fetch_add(1, Ordering::SeqCst);
        let name = format!("writ-log-{}-{number}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    fn file(&self) -> File {
        File::create(&self.0).unwrap()
    }

    fn text(&self) -> String {
        std::fs::read_to_string(&self.0).unwrap_or_default()
    }
}

impl Drop for LogFile {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}

/// A server that does not come up: it has no doors.
pub struct StuckProcess {
    child: OwnChild,
    log: LogFile,
}

impl StuckProcess {
    pub fn start(world: &World, more: &[(&str, &str)]) -> Self {
        let log = LogFile::new();
        let mut command = Command::new(binary());
        command.arg("serve");
        configure(&mut command, log.file(), world, more);
        let child = OwnChild(command.spawn().unwrap());
        Self { child, log }
    }

    pub fn signal(&self, name: &str) {
        self.child.signal(name);
    }

    /// How it ended, and what it said.
    pub async fn ended(&mut self) -> (ExitStatus, String) {
        (self.child.ended().await, self.log.text())
    }
}

/// A server whose log goes into a pipe that nobody reads once it has started.
pub struct UnreadProcess {
    child: OwnChild,
    pub door: NodeClient,
    _log: BufReader<ChildStderr>,
}

impl UnreadProcess {
    pub async fn start(world: &World, more: &[(&str, &str)]) -> Self {
        let mut command = Command::new(binary());
        command.arg("serve");
        configure(&mut command, Stdio::piped(), world, more);
        let mut child = OwnChild(command.spawn().unwrap());
        let mut log = BufReader::new(child.0.stderr.take().unwrap());
        let reading = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            while !line.contains("the server has started") {
                line.clear();
                assert_ne!(log.read_line(&mut line).unwrap(), 0, "it starts");
            }
            (log, serde_json::from_str::<Value>(&line).unwrap())
        });
        let read = tokio::time::timeout(IN_TIME, reading).await.unwrap();
        let (log, start) = read.unwrap();
        let address = start["listen"].as_str().unwrap();
        let https = Arc::new(Https::new().unwrap());
        let door = NodeClient::new(https, &format!("http://{address}"));
        Self {
            child,
            door,
            _log: log,
        }
    }

    pub fn signal(&self, name: &str) {
        self.child.signal(name);
    }

    pub async fn ended(&mut self) -> ExitStatus {
        self.child.ended().await
    }
}

fn configure(command: &mut Command, log: impl Into<Stdio>, world: &World, more: &[(&str, &str)]) {
    let more = more
        .iter()
        .map(|(name, value)| (format!("WRIT__{name}"), *value));
    command
        .env_clear()
        .envs(world.environment())
        .env("WRIT_LOG_FORMAT", "json")
        .env("WRIT__SERVER__LISTEN", ANY_PORT)
        .env("WRIT__SERVER__METRICS_LISTEN", ANY_PORT)
        .envs(more)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log);
}

impl Process {
    /// On the world's database, configured otherwise; once it answers.
    pub async fn start(world: &World, more: &[(&str, &str)]) -> Self {
        let mut command = Command::new(binary());
        command.arg("serve");
        Self::run(command, world, more).await
    }

    /// The same, and a signal of this name does not end it.
    pub async fn start_ignoring(world: &World, signal: &str) -> Self {
        let mut command = Command::new("/bin/sh");
        let script = format!("trap '' {signal}; exec \"$0\" serve");
        command.arg("-c").arg(script).arg(binary());
        Self::run(command, world, &[]).await
    }

    /// By a command that becomes the server.
    pub async fn run(mut command: Command, world: &World, more: &[(&str, &str)]) -> Self {
        let log = LogFile::new();
        configure(&mut command, log.file(), world, more);
        // On a busy machine the database may be slow: whatever runs a server starts it again.
        let (child, start) = loop {
            let mut child = OwnChild(command.spawn().unwrap());
            if let Some(start) = start_line(&mut child.0, &log).await {
                break (child, start);
            }
        };
        let address = |member: &str| start[member].as_str().unwrap().parse::<SocketAddr>();
        let (address, operators) = (address("listen").unwrap(), address("metrics").unwrap());
        let https = Arc::new(Https::new().unwrap());
        let at = |address| NodeClient::new(https.clone(), &format!("http://{address}"));
        Self {
            child,
            door: at(address),
            operators: at(operators),
            address,
            log,
        }
    }

    pub fn id(&self) -> u32 {
        self.child.0.id()
    }

    /// Sends a signal, by its name: `TERM`.
    pub fn signal(&self, name: &str) {
        self.child.signal(name);
    }

    /// How it ended.
    pub async fn ended(&mut self) -> ExitStatus {
        self.child.ended().await
    }

    /// The whole log so far.
    pub fn text(&self) -> String {
        self.log.text()
    }

    /// Its lines, each of which is JSON.
    pub fn lines(&self) -> Vec<Value> {
        let text = self.text();
        let lines = text.lines().map(serde_json::from_str);
        lines
            .map(|line| line.unwrap_or_else(|e| panic!("{e}: {text}")))
            .collect()
    }
}

/// What the log begins with, once the server listens: it says at which ports. `None` if the database was not there in time.
async fn start_line(child: &mut Child, log: &LogFile) -> Option<Value> {
    let mut found = None;
    until(async || {
        let text = log.text();
        if let Some(status) = child.try_wait().unwrap() {
            assert!(
                text.contains("the database cannot be used"),
                "{status}: {text}"
            );
            return true;
        }
        let line = text
            .lines()
            .find(|line| line.contains("the server has started"));
        found = line.and_then(|line| serde_json::from_str(line).ok());
        found.is_some()
    })
    .await;
    found
}

/// Looks again and again until it is so.
pub async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    let looking = async {
        let mut ticks = tokio::time::interval(TICK);
        loop {
            ticks.tick().await;
            if is_so().await {
                return;
            }
        }
    };
    let in_time = tokio::time::timeout(IN_TIME, looking).await;
    in_time.expect("it is so in time");
}

/// Next to this test's own executable: `cargo build -p writ` makes it.
pub fn binary() -> PathBuf {
    let this = std::env::current_exe().unwrap();
    let path = this.parent().unwrap().with_file_name("writ");
    assert!(
        path.is_file(),
        "`{}` is not built: run `cargo build -p writ` first",
        path.display()
    );
    path
}
