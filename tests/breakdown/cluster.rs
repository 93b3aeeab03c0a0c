//! PostgreSQL as an operator has it: stopped, started, frozen, made read-only. `tests/run faults` starts the cluster, and names it.

use std::path::PathBuf;
use std::process::Command;

/// The folder of the cluster's data.
const DATA: &str = "WRIT_TEST_CLUSTER";
/// The folder of PostgreSQL's programs.
const PROGRAMS: &str = "WRIT_TEST_CLUSTER_PROGRAMS";

pub struct Cluster {
    data: PathBuf,
    programs: PathBuf,
}

impl Cluster {
    pub fn of_this_run() -> Self {
        let named = |name: &str| {
            let value = std::env::var(name);
            PathBuf::from(value.unwrap_or_else(|_| panic!("`tests/run faults` sets `{name}`")))
        };
        Self {
            data: named(DATA),
            programs: named(PROGRAMS),
        }
    }

    /// As a crash would.
    pub fn stop(&self) {
        self.control(&["stop", "-m", "immediate", "-w"]);
    }

    pub fn start(&self) {
        let socket = self.data.with_file_name("socket");
        let options = format!(
            "-c listen_addresses='' -c unix_socket_directories={} -c max_connections=400",
            socket.display()
        );
        let log = socket.join("log");
        let log = log.to_str().unwrap();
        self.control(&["start", "-w", "-t", "60", "-l", log, "-o", &options]);
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

    fn sql(&self, sql: &str) {
        let socket = self.data.with_file_name("socket");
        let done = Command::new(self.programs.join("psql"))
            .args(["-X", "-q", "-U", "postgres", "-d", "postgres", "-h"])
            .arg(socket)
            .args(["-c", sql])
            .status();
        assert!(done.unwrap().success(), "{sql}");
    }

    /// By `pg_ctl`; as the user `postgres` where this is root.
    fn control(&self, arguments: &[&str]) {
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
        assert!(done.unwrap().success(), "pg_ctl {arguments:?}");
    }

    /// The first process of the cluster, and all that it started.
    fn signal_all(&self, name: &str) {
        let first = std::fs::read_to_string(self.data.join("postmaster.pid")).unwrap();
        let first: u32 = first.lines().next().unwrap().trim().parse().unwrap();
        let all: Vec<String> = std::iter::once(first)
            .chain(children_of(first))
            .map(|id| id.to_string())
            .collect();
        // A child may have ended in between.
        let _ = Command::new("kill").args(["-s", name]).args(all).status();
    }
}

/// A scene that fails in the middle leaves a cluster that the next one can use.
impl Drop for Cluster {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.thaw();
        }
    }
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
