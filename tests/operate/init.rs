//! `writ init` and the commands of docs/quickstart.md, run as they stand there against the built binary.

use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use writ_agent::Key;

use crate::process::binary;

const MADE: [&str; 9] = [
    "bank-api.json",
    "bank-api.secret",
    "bank.json",
    "planner.json",
    "planner.pem",
    "types",
    "writ-master.key",
    "writ.db",
    "writ.toml",
];
const ALICE: &[&str] = &["--user", "alice", "--password-stdin"];
pub(super) const READY_WITHIN: Duration = Duration::from_secs(20);

/// An empty folder of one test.
pub(super) struct Folder(pub(super) PathBuf);

impl Folder {
    pub(super) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("writ-init-{}-{name}", std::process::id()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    /// Everything in it, the hidden too.
    pub(super) fn names(&self) -> Vec<String> {
        names(&self.0)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

fn init(folder: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(binary())
        .arg("init")
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    drop(stdin.write_all(input.as_bytes()));
    drop(stdin);
    child.wait_with_output().unwrap()
}

pub(super) fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn the_first_person_is_the_first_admin() {
    let folder = Folder::new("admin");
    let done = init(&folder.0, ALICE, "four secret little words\n");
    assert!(text(&done.stdout).contains("who is its first admin"));
    let asked = |arguments: &[&str]| {
        let mut command = Command::new(binary());
        command.args(arguments).arg("--config").env_clear();
        command.arg(folder.0.join("writ.toml")).output().unwrap()
    };
    let shown = asked(&["user", "show", "alice"]);
    let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(shown["operator_role"], "admin");
    let last = asked(&["user", "disable", "alice"]);
    assert!(text(&last.stderr).contains("is the last admin"));
    let listed = asked(&["audit", "list"]);
    for line in text(&listed.stdout).lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        if event["name"] != "type.changed" {
            assert!(
                event["data"]["operator"]["system_user"].is_string(),
                "{line}"
            );
        }
    }
}

#[test]
fn init_makes_a_folder_that_passes_check_and_keeps_its_secrets() {
    let folder = Folder::new("made");
    let done = init(&folder.0, ALICE, "four secret little words\n");
    assert!(done.status.success(), "{}", text(&done.stderr));
    assert_eq!(folder.names(), MADE);
    for name in ["writ-master.key", "bank-api.secret", "planner.pem"] {
        let mode = folder.0.join(name).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o400, "{name}");
    }
    let secret = std::fs::read_to_string(folder.0.join("bank-api.secret")).unwrap();
    for hidden in ["four secret little words", secret.trim()] {
        assert!(!text(&done.stdout).contains(hidden));
    }
    // From another folder: its paths are absolute.
    let check = Command::new(binary())
        .args(["check", "--config"])
        .arg(folder.0.join("writ.toml"))
        .current_dir("/")
        .env_clear()
        .output()
        .unwrap();
    assert!(check.status.success(), "{}", text(&check.stderr));
    let pem = std::fs::read_to_string(folder.0.join("planner.pem")).unwrap();
    let key = Key::from_pkcs8_pem(&pem).unwrap();
    let file = std::fs::read(folder.0.join("planner.json")).unwrap();
    let file: Value = serde_json::from_slice(&file).unwrap();
    assert_eq!(file["jwks"]["keys"][0]["kid"], key.thumbprint());
}

#[test]
fn init_overwrites_nothing_and_names_what_is_there() {
    let folder = Folder::new("there");
    std::fs::write(folder.0.join("writ.db"), "mine").unwrap();
    std::fs::write(folder.0.join("planner.pem"), "mine").unwrap();
    let refused = init(&folder.0, ALICE, "four secret little words");
    assert_eq!(refused.status.code(), Some(1));
    let said = text(&refused.stderr);
    assert!(said.contains("writ.db, planner.pem"), "{said}");
    assert_eq!(folder.names(), ["planner.pem", "writ.db"]);
    assert_eq!(std::fs::read(folder.0.join("writ.db")).unwrap(), b"mine");
}

#[test]
fn init_that_fails_leaves_nothing() {
    let folder = Folder::new("failed");
    let table: [(&[&str], &str, &str); 5] = [
        (ALICE, "", "fewer than 15 characters"),
        (&["--user", "a b", "--password-stdin"], "x", "a name has"),
        (&[], "alice\nsecret\n", "no terminal"),
        (&["--user", "alice"], "secret", "no terminal"),
        (&["--user", "alice", "--password-file", "none"], "", "none"),
    ];
    for (arguments, input, why) in table {
        let inside = [&["--dir", "new"][..], arguments].concat();
        for arguments in [arguments, inside.as_slice()] {
            let refused = init(&folder.0, arguments, input);
            assert_eq!(refused.status.code(), Some(1), "{arguments:?}");
            let said = text(&refused.stderr);
            assert!(said.contains(why), "{arguments:?}: {said}");
            assert_eq!(folder.names(), [""; 0], "{arguments:?}");
        }
    }
    // After the folder was begun: a password that is too long.
    let long = "x".repeat(2000);
    let refused = init(&folder.0, &[&["--dir", "new"][..], ALICE].concat(), &long);
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(folder.names(), [""; 0]);
}

/// Ends with all that it started when the test ends.
pub(super) struct Running(pub(super) Child);

impl Drop for Running {
    fn drop(&mut self) {
        let group = format!("-{}", self.0.id());
        drop(Command::new("kill").args(["--", &group]).status());
        drop(self.0.wait());
    }
}

/// The commands of one numbered step of the quickstart, but for building.
fn step(number: usize) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/quickstart.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (_, page) = page.split_once("## A server of your own").unwrap();
    let (_, rest) = page.split_once(&format!("\n{number}. ")).unwrap();
    let end = rest.find(&format!("\n{}. ", number + 1)).unwrap();
    let lines = rest[..end].lines();
    let commands = lines.filter_map(|line| line.strip_prefix("       "));
    let commands = commands.filter(|line| !line.starts_with("cargo "));
    commands.collect::<Vec<_>>().join("\n")
}

pub(super) fn shell(folder: &Path, script: &str) -> Command {
    let binaries = binary().parent().unwrap().display().to_string();
    let path = std::env::var("PATH").unwrap();
    let mut command = Command::new("bash");
    command
        .args(["-euo", "pipefail", "-c", script])
        .current_dir(folder)
        .env_clear()
        .env("PATH", format!("{binaries}:{path}"));
    command
}

#[test]
fn the_quickstart_leads_to_a_token_as_it_is_written() {
    let folder = Folder::new("quickstart");
    let made = shell(&folder.0, &step(1)).output().unwrap();
    assert!(made.status.success(), "{}", text(&made.stderr));
    assert!(text(&made.stdout).contains("writ serve --config writ.toml"));
    assert!(text(&made.stdout).contains("the configuration is usable"));
    let home = folder.0.join("my-writ");
    // A port of this test's own; the issuer stays.
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let serve = shell(&home, &step(2))
        .env("WRIT__SERVER__LISTEN", format!("127.0.0.1:{port}"))
        .stdout(Stdio::null())
        .process_group(0)
        .spawn();
    let _running = Running(serve.unwrap());
    let ask = step(3).replace("localhost:8080", &format!("localhost:{port}"));
    let waiting = READY_WITHIN.as_secs();
    let patient = ask.replace(
        "curl ",
        &format!("curl --retry {waiting} --retry-delay 1 --retry-connrefused "),
    );
    let asked = shell(&home, &patient).output().unwrap();
    let answer: Value = serde_json::from_slice(&asked.stdout).unwrap_or_default();
    let said = (text(&asked.stdout), text(&asked.stderr));
    assert_eq!(answer["token_type"], "Bearer", "{said:?}");
    let token = answer["access_token"].as_str().unwrap();
    let secret = std::fs::read_to_string(home.join("bank-api.secret")).unwrap();
    let introspect = format!(
        "curl -s -u 'bank-api:{}' -d token={token} http://localhost:{port}/introspect",
        secret.trim()
    );
    let seen = shell(&home, &introspect).output().unwrap();
    let seen: Value = serde_json::from_slice(&seen.stdout).unwrap_or_default();
    assert_eq!(seen["active"], true, "{seen}");
}
