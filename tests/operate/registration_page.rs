//! The commands of docs/registration.md, run as they stand there against the built binary, and its table of members.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use writ_testkit::{World, both_with, merge};

use super::file_tables::{page, section, tables};
use super::init::{Folder, READY_WITHIN, Running, shell, text};
use crate::client::dynamic_registration::{OPEN, asked, register};

const MASTER: &str = "mZ1v0pQk9b3T7xYcR2uWn8aLs5dFg6hJ4kE0iOqPtSU";
const ISSUER: &str = "http://localhost:8080";

/// A server of this test's own: its folder, and its URL.
struct Server {
    folder: Folder,
    issuer: String,
}

impl Server {
    fn new() -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        Self {
            folder: Folder::new("registration"),
            issuer: format!("http://localhost:{port}"),
        }
    }

    fn configured<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        let types = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../config/types");
        let listen = self.issuer.replace("http://localhost", "127.0.0.1");
        command
            .env("WRIT__SERVER__ISSUER", &self.issuer)
            .env("WRIT__SERVER__LISTEN", listen)
            .env("WRIT__TYPES__PATH", types)
            .env("WRIT__KEYS__MASTER", MASTER)
            .env("WRIT__FEATURES__GUESTS", "true")
            .env("WRIT__REGISTRATION__MODE", "token")
    }

    fn start(&self) -> Running {
        let mut serve = shell(&self.folder.0, "writ serve");
        let serve = self.configured(&mut serve).stdout(Stdio::null());
        Running(serve.process_group(0).spawn().unwrap())
    }

    /// What a script prints, a line for each answer.
    fn run(&self, script: &str) -> Vec<String> {
        let mut command = shell(&self.folder.0, script);
        let done = self.configured(&mut command).output().unwrap();
        assert!(done.status.success(), "{script}\n{}", text(&done.stderr));
        text(&done.stdout).lines().map(str::to_owned).collect()
    }

    fn is_ready(&self) {
        let waiting = READY_WITHIN.as_secs();
        self.run(&format!(
            "curl -sf --retry {waiting} --retry-delay 1 --retry-connrefused {}/jwks",
            self.issuer
        ));
    }
}

#[test]
fn the_page_about_registration_works_as_it_is_written() {
    let server = Server::new();
    // What the page says of the configuration file comes from the environment here, so no file is named.
    let script = commands().replace(" --config writ.toml", "");
    assert!(script.contains(ISSUER), "{script}");
    let script = script.replace(ISSUER, &server.issuer);
    let _running = server.start();
    server.is_ready();
    let answers = server.run(&script);
    let [read, changed, removed] = answers.as_slice() else {
        panic!("{answers:?}");
    };
    let read: Value = serde_json::from_str(read).unwrap();
    assert_eq!(read["client_name"], "Notes helper");
    let client: Value = serde_json::from_str(changed).unwrap();
    assert_eq!(client["client_name"], "Notes helper for teams");
    assert_eq!(client["client_id"], read["client_id"]);
    assert_eq!(removed, "204");
    let listed = server.run("writ client list --json");
    assert_eq!(listed, ["[]"]);
}

/// The lines of the page that are to be typed.
fn commands() -> String {
    let page = page("registration.md");
    let lines = section(&page, "By hand").lines();
    let commands = lines.filter_map(|line| line.strip_prefix("    "));
    commands.collect::<Vec<_>>().join("\n")
}

both_with!(
    the_table_of_registration_names_every_member_that_is_heeded,
    OPEN,
    |world| async {
        let page = page("registration.md");
        let documented = tables(section(&page, "Registering")).remove(0);
        let mut answered = BTreeSet::new();
        for keys in [
            json!({ "jwks": { "keys": [writ_testkit::Forge::new(&world.random).jwk()] } }),
            json!({ "jwks_uri": "https://client.example/keys" }),
        ] {
            answered.extend(answered_members(&world, keys).await);
        }
        let refused = ["software_statement".to_owned()];
        let answered: BTreeSet<String> = answered.into_iter().chain(refused).collect();
        assert_eq!(documented, answered);
    }
);

/// The members of the answer to a request with everything, but those that are not metadata.
async fn answered_members(world: &World, keys: Value) -> Vec<String> {
    let url = "https://client.example/about";
    let mut everything = json!({
        "token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": "ES256",
        "application_type": "native", "scope": "notes.read", "dpop_bound_access_tokens": true,
        "require_pushed_authorization_requests": true, "client_uri": url, "logo_uri": url,
        "tos_uri": url, "policy_uri": url, "contacts": ["a@client.example"],
        "software_id": "helper", "software_version": "1"
    });
    merge(&mut everything, keys);
    let reply = register(world, &asked(everything)).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    let answer = reply.json();
    let names = answer.as_object().unwrap().keys();
    let own = ["client_id", "client_id_issued_at"];
    let names = names.filter(|name| !own.contains(&name.as_str()));
    let names = names.filter(|name| !name.starts_with("registration_"));
    names.cloned().collect()
}
