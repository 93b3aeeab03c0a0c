//! PostgreSQL as an operator has it: stopped, started, frozen, made read-only, out of connections, out of disk. `tests/run faults` starts
//! the cluster, and names it.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Command;

use tokio::sync::{Mutex, MutexGuard};

use crate::process::until;

/// The folder of the cluster's data.
const DATA: &str = "WRIT_TEST_CLUSTER";
/// The folder of PostgreSQL's programs.
const PROGRAMS: &str = "WRIT_TEST_CLUSTER_PROGRAMS";

static TURN: Mutex<()> = Mutex::const_new(());

/// There is one cluster for all scenes; nobody stops it meanwhile.
pub async fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().await
}

pub struct Cluster {
    data: PathBuf,
    programs: PathBuf,
    _turn: MutexGuard<'static, ()>,
}

/// Of somebody else: it does nothing, and takes one of those that the cluster has.
pub struct Connection {
    _stream: UnixStream,
}

impl Cluster {
    /// Once no other scene uses it.
    pub async fn of_this_run() -> Self {
        let named = |name: &str| {
            let value = std::env::var(name);
            PathBuf::from(value.unwrap_or_else(|_| panic!("`tests/run faults` sets `{name}`")))
        };
        Self {
            data: named(DATA),
            programs: named(PROGRAMS),
            _turn: turn().await,
        }
    }

    /// As a crash would.
    pub fn stop(&self) {
        self.control(&["stop", "-m", "immediate", "-w"]);
    }

    pub fn start(&self) {
        assert!(self.starts(), "PostgreSQL does not start");
    }

    fn starts(&self) -> bool {
        let log = self.socket().join("log");
        let log = log.to_str().unwrap();
        self.try_control(&["start", "-w", "-t", "60", "-l", log])
    }

    /// As a service manager does with one that ended by itself.
    pub async fn until_it_runs(&self) {
        until(async || {
            let runs = self.try_control(&["status"]) || self.starts();
            runs && self.try_sql("SELECT 1")
        })
        .await;
    }

    fn socket(&self) -> PathBuf {
        self.data.with_file_name("socket")
    }

    /// Nothing answers, and nothing ends.
    pub fn freeze(&self) {
        self.signal_all("STOP");
    }

    pub fn thaw(&self) {
        self.signal_all("CONT");
    }

    /// `on`: as a standby; `off`: as the primary again.
    pub fn set_read_only(&self, setting: &str) {
        let sql = format!("ALTER SYSTEM SET default_transaction_read_only = {setting}");
        self.sql(&sql);
        self.control(&["reload"]);
    }

    /// Takes all connections that nobody has.
    pub fn take_connections(&self) -> Vec<Connection> {
        std::iter::from_fn(|| self.connection()).collect()
    }

    /// `None` if the cluster has none left.
    fn connection(&self) -> Option<Connection> {
        let mut stream = UnixStream::connect(self.socket().join(".s.PGSQL.5432")).unwrap();
        stream.write_all(&startup_message()).unwrap();
        let mut kind = [0];
        stream.read_exact(&mut kind).unwrap();
        match &kind {
            // AuthenticationOk, ErrorResponse.
            b"R" => Some(Connection { _stream: stream }),
            b"E" => None,
            _ => panic!("PostgreSQL answers {kind:?}"),
        }
    }

    /// Ends the connections to this database, and waits until they are gone.
    pub async fn end_connections_to(&self, database: &str) {
        let all = self.connections_to(database);
        signal("TERM", all);
        until(async || self.connections_to(database).is_empty()).await;
    }

    /// The processes that serve them.
    fn connections_to(&self, database: &str) -> Vec<u32> {
        let mut all = children_of(self.first_process());
        all.retain(|id| {
            let title = std::fs::read_to_string(format!("/proc/{id}/cmdline"));
            title.is_ok_and(|title| title.contains(&format!(" {database} ")))
        });
        all
    }

    fn filler(&self) -> PathBuf {
        self.data.with_file_name("filler")
    }

    /// Leaves no room on the disk, which is the cluster's own.
    pub fn fill_disk(&self) {
        let mut file = File::create(self.filler()).unwrap();
        for size in [1 << 20, 1] {
            let full = loop {
                if let Err(error) = file.write_all(&vec![0; size]) {
                    break error;
                }
            };
            assert_eq!(full.kind(), ErrorKind::StorageFull, "{full}");
        }
    }

    /// Leaves no room for the log either, in which PostgreSQL writes first what it is going to do: then it ends.
    pub async fn use_up_log(&self) {
        let next_file = "SELECT pg_switch_wal()";
        let write = "SELECT pg_logical_emit_message(true, 'writ', 'x'::text)";
        let sql = format!("{next_file}; {write}");
        until(async || !self.try_sql(&sql)).await;
    }

    pub fn make_room(&self) {
        let _ = std::fs::remove_file(self.filler());
    }

    fn sql(&self, sql: &str) {
        assert!(self.try_sql(sql), "{sql}");
    }

    fn try_sql(&self, sql: &str) -> bool {
        let done = Command::new(self.programs.join("psql"))
            .args(["-X", "-q", "-t", "-U", "postgres", "-d", "postgres", "-h"])
            .arg(self.socket())
            .args(["-c", sql])
            .output();
        done.unwrap().status.success()
    }

    fn control(&self, arguments: &[&str]) {
        assert!(self.try_control(arguments), "pg_ctl {arguments:?}");
    }

    /// By `pg_ctl`; as the user `postgres` where this is root.
    fn try_control(&self, arguments: &[&str]) -> bool {
        let program = self.programs.join("pg_ctl");
        let is_root = std::fs::metadata(&self.data).is_ok_and(|data| !is_mine(&data));
        let mut command = match is_root {
            true => {
                let mut command = Command::new("setpriv");
                command.args([
                    "--reuid=postgres",
                    "--regid=postgres",
                    "--init-groups",
                    "--",
                ]);
                command.arg(program);
                command
            }
            false => Command::new(program),
        };
        let done = command
            .current_dir("/")
            .args(["-s", "-D"])
            .arg(&self.data)
            .args(arguments)
            .status();
        done.unwrap().success()
    }

    fn first_process(&self) -> u32 {
        let file = std::fs::read_to_string(self.data.join("postmaster.pid")).unwrap();
        file.lines().next().unwrap().trim().parse().unwrap()
    }

    /// To all of its processes.
    fn signal_all(&self, name: &str) {
        let first = self.first_process();
        let mut all = children_of(first);
        all.insert(0, first);
        signal(name, all);
    }
}

/// A scene that fails in the middle leaves a cluster that the next one can use.
impl Drop for Cluster {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.make_room();
            if self.try_control(&["status"]) {
                self.thaw();
            } else {
                self.starts();
            }
        }
    }
}

/// A process may have ended in between.
fn signal(name: &str, processes: Vec<u32>) {
    let all = processes.iter().map(u32::to_string);
    let _ = Command::new("kill").args(["-s", name]).args(all).status();
}

/// PostgreSQL's manual, 55.7: version 3.0, as `postgres` to the database of that name.
fn startup_message() -> Vec<u8> {
    let words = b"user\0postgres\0database\0postgres\0\0";
    let length = u32::try_from(words.len() + 8).unwrap();
    [&length.to_be_bytes()[..], &[0, 3, 0, 0], words].concat()
}

fn is_mine(data: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    let this = std::fs::metadata("/proc/self");
    this.is_ok_and(|this| this.uid() == data.uid())
}

fn children_of(parent: u32) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").unwrap();
    let ids = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    ids.filter(|id: &u32| {
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("PPid:"));
        line.and_then(|id| id.trim().parse().ok()) == Some(parent)
    })
    .collect()
}
