//! What was registered, listed, changed and removed from the command line beside a running server.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use writ_platform::{Clock, Random};
use writ_server::node::registry::CONFIGURATION_AGE;
use writ_testkit::{
    BANK, Cast, Forge, PASSWORD, TestAgent, Web, World, agent_file, basic, both, minted, refused,
};

use super::suspend::writ;
use crate::process::binary;

/// The document that a command printed; it must have succeeded.
pub(super) fn printed(done: &Output) -> Value {
    let complained = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(0), "{complained}");
    serde_json::from_slice(&done.stdout).unwrap()
}

/// The sentence of a command that failed.
pub(super) fn complaint(done: &Output) -> String {
    assert_eq!(done.status.code(), Some(1));
    String::from_utf8(done.stderr.clone()).unwrap()
}

/// The binary with something on standard input.
pub fn writ_reading(world: &World, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(binary())
        .env_clear()
        .envs(world.environment())
        .args(arguments)
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

/// From then on this node has read what was changed.
fn noticed(world: &World) {
    world.advance(CONFIGURATION_AGE.as_secs() + 1);
}

/// A world at the time of the processes.
pub(super) async fn cast_now(world: &World) -> Cast {
    world.clock.set(Clock::System.now());
    Cast::of(world).await
}

async fn asked_with(world: &World, secret: &str) -> u16 {
    let form = [
        ("grant_type", "client_credentials"),
        ("scope", "accounts:read"),
    ];
    let authorization = basic("web", secret);
    let headers = [("authorization", authorization.as_str())];
    world.post("/token", &form, &headers).await.status
}

pub(super) async fn count(world: &World, name: &str) -> usize {
    let names = world.event_names().await;
    names.iter().filter(|other| *other == name).count()
}

both!(
    a_secret_and_the_one_before_it_are_taken_until_the_overlap_ends,
    |world| async {
        cast_now(&world).await;
        let web = Web::register(&world, json!({ "grant_types": ["client_credentials"] })).await;
        let first = web.secret.clone().unwrap();
        let rotate = |overlap: &str| {
            let arguments = ["client", "rotate-secret", "web", "--overlap", overlap];
            printed(&writ(&world, &arguments))
        };
        let rotated = rotate("1h");
        let second = rotated["client_secret"].as_str().unwrap().to_owned();
        assert!(rotated["earlier_secret_until"].is_string());
        noticed(&world);
        assert_eq!(asked_with(&world, &first).await, 200);
        assert_eq!(asked_with(&world, &second).await, 200);
        world.advance(3600);
        assert_eq!(asked_with(&world, &first).await, 401);
        assert_eq!(asked_with(&world, &second).await, 200);
        world.database.forget_time().await;
        let third = rotate("0s")["client_secret"].as_str().unwrap().to_owned();
        noticed(&world);
        assert_eq!(asked_with(&world, &second).await, 401);
        assert_eq!(asked_with(&world, &third).await, 200);
        assert_eq!(count(&world, "client.secret_rotated").await, 2);
        world.database.forget_time().await;
        let long = writ(
            &world,
            &["client", "rotate-secret", "web", "--overlap", "31d"],
        );
        assert!(complaint(&long).contains("30 days"));
        let agent = writ(&world, &["client", "rotate-secret", "agt_planner"]);
        assert!(complaint(&agent).contains("`writ agent add-key agt_planner`"));
    }
);

both!(a_secret_is_rotated_only_where_there_is_one, |world| async {
    cast_now(&world).await;
    let public = json!({ "token_endpoint_auth_method": "none", "bearer": null });
    Web::register(&world, public).await;
    let done = writ(&world, &["client", "rotate-secret", "web"]);
    assert!(complaint(&done).contains("has no secret"));
});

both!(
    a_client_is_changed_by_flags_and_by_its_whole_file,
    |world| async {
        cast_now(&world).await;
        let web = Web::register(&world, json!({ "grant_types": ["client_credentials"] })).await;
        let secret = web.secret.clone().unwrap();
        let change = ["client", "change", "web"];
        let edit = [
            "--name",
            "Reports",
            "--add-redirect",
            "https://web.example/two",
        ];
        let changed = printed(&writ(&world, &[&change[..], &edit[..]].concat()));
        assert_eq!(changed["client_name"], "Reports");
        assert_eq!(changed["redirect_uris"][1], "https://web.example/two");
        assert_eq!(changed.get("client_secret"), None, "it stays as it was");
        // What `show` prints is what `change` reads.
        let mut file = printed(&writ(&world, &["client", "show", "web"]));
        assert_eq!(file["client_name"], "Reports");
        file["scope"] = json!("accounts:write");
        let replace = [&change[..], &["-"]].concat();
        printed(&writ_reading(&world, &replace, &file.to_string()));
        noticed(&world);
        assert_eq!(asked_with(&world, &secret).await, 400, "narrowed");
        let stored = world.client_file("web").await;
        for (member, value, why) in [
            ("client_id", json!("other"), "cannot be changed"),
            (
                "redirect_uris",
                json!(["http://web.example"]),
                "redirect_uris",
            ),
            ("scopes", json!("x"), "is not known"),
            (
                "agent",
                agent_file("web", "alice")["agent"].clone(),
                "agent",
            ),
        ] {
            let mut bad = file.clone();
            bad[member] = value;
            let done = writ_reading(&world, &replace, &bad.to_string());
            let said = complaint(&done);
            assert!(said.contains(why), "{member}: {said}");
        }
        let absent = writ(
            &world,
            &["client", "change", "web", "--remove-redirect", "x:"],
        );
        assert!(complaint(&absent).contains("does not hold"));
        assert_eq!(world.client_file("web").await, stored);
        assert_eq!(count(&world, "client.changed").await, 2);
        let unknown = writ(&world, &["client", "change", "nobody", "--name", "x"]);
        assert!(complaint(&unknown).contains("no client `nobody`"));
        for wrong in [
            &change[..],
            &["client", "change", "web", "-", "--name", "x"],
        ] {
            assert_eq!(writ(&world, wrong).status.code(), Some(2), "{wrong:?}");
        }
    }
);

both!(
    /// A client that gets its first secret by a change is told it; one that needs none any more has none.
    a_change_of_authentication_makes_or_ends_the_secret,
    |world| async {
        cast_now(&world).await;
        let machine = json!({ "grant_types": ["client_credentials"] });
        let web = Web::register(&world, machine).await;
        let first = web.secret.clone().unwrap();
        let mut file = world.client_file("web").await;
        let with_secret = file.to_string();
        file["token_endpoint_auth_method"] = json!("none");
        file["grant_types"] = json!(["authorization_code"]);
        let replace = ["client", "change", "web", "-"];
        printed(&writ_reading(&world, &replace, &file.to_string()));
        let back = printed(&writ_reading(&world, &replace, &with_secret));
        let second = back["client_secret"].as_str().unwrap();
        noticed(&world);
        assert_eq!(asked_with(&world, &first).await, 401);
        assert_eq!(asked_with(&world, second).await, 200);
    }
);

both!(
    an_agent_changes_its_key_with_both_valid_in_between,
    |world| async {
        let cast = cast_now(&world).await;
        let old = cast.planner.clone();
        let new = TestAgent {
            assertion: Forge::new(&world.random),
            ..old.clone()
        };
        let scope = [("scope", "accounts:read".to_owned())];
        let key = new.assertion.jwk().to_string();
        let add = ["agent", "add-key", "agt_planner", "-"];
        printed(&writ_reading(&world, &add, &key));
        noticed(&world);
        for agent in [&old, &new] {
            minted(&agent.own(&world, &scope).await, "both keys");
        }
        let thumbprint = old.assertion.thumbprint();
        let remove = ["agent", "remove-key", "agt_planner", &thumbprint];
        printed(&writ(&world, &remove));
        noticed(&world);
        let refused = old.own(&world, &scope).await;
        assert_eq!(refused.error(), "invalid_client", "the old key");
        minted(&new.own(&world, &scope).await, "the new key");
        assert!(complaint(&writ(&world, &remove)).contains("holds no key"));
        let last = new.assertion.thumbprint();
        let last = writ(&world, &["agent", "remove-key", "agt_planner", &last]);
        assert!(complaint(&last).contains("the last key"));
        assert_eq!(count(&world, "agent.changed").await, 2);
    }
);

both!(
    a_removed_agent_is_dead_at_once_and_its_id_is_never_registered_again,
    |world| async {
        let cast = cast_now(&world).await;
        let reply = cast
            .granted(&world, &cast.planner, &cast.request(), BANK)
            .await;
        let (token, refresh) = (reply.access_token(), reply.member("refresh_token"));
        let unasked = writ(&world, &["agent", "remove", "agt_planner"]);
        let said = complaint(&unasked);
        assert!(said.contains("1 task and 1 refresh token,"), "{said}");
        assert!(said.contains("--yes"), "{said}");
        assert_eq!(cast.introspect(&world, &token).await["active"], json!(true));
        let remove = ["agent", "remove", "agt_planner", "--yes"];
        let removed = printed(&writ(&world, &remove));
        assert_eq!(
            (&removed["tasks"], &removed["refresh_tokens"]),
            (&json!(1), &json!(1))
        );
        // Before the node has read it again.
        assert_eq!(
            cast.introspect(&world, &token).await["active"],
            json!(false)
        );
        let form = cast.planner.refresh_form(&refresh);
        let refreshed = cast.planner.send(&world, "/token", &form).await;
        refused(&refreshed, "invalid_grant", "refresh");
        noticed(&world);
        let own = cast.planner.own(&world, &[]).await;
        assert_eq!(own.error(), "invalid_client", "unknown by now");
        let mut file = agent_file("agt_planner", "alice");
        file["jwks"] = json!({ "keys": [Forge::new(&world.random).jwk()] });
        let again = world.try_add_client(file).await.unwrap_err();
        assert!(again.contains("was removed"), "{again}");
        for command in [
            &remove[..],
            &["agent", "show", "agt_planner"],
            &["agent", "resume", "agt_planner"],
            &["agent", "change", "agt_planner", "--name", "x"],
        ] {
            complaint(&writ(&world, command));
        }
        let listed = printed(&writ(&world, &["agent", "list", "--json"]));
        let ids = listed.as_array().unwrap().iter();
        assert!(ids.clone().any(|row| row["client_id"] == "agt_booker"));
        assert!(!ids.clone().any(|row| row["client_id"] == "agt_planner"));
        assert_eq!(count(&world, "agent.removed").await, 1);
        assert_eq!(count(&world, "task.revoked").await, 1);
    }
);

both!(a_resource_is_changed_and_removed_for_good, |world| async {
    let cast = cast_now(&world).await;
    let reply = cast
        .granted(&world, &cast.planner, &cast.request(), BANK)
        .await;
    let refresh = reply.member("refresh_token");
    let change = ["resource", "change", BANK, "--add-scope", "cards:read"];
    let changed = printed(&writ(&world, &change));
    assert_eq!(changed["scopes"][2], "cards:read");
    let mut file = printed(&writ(&world, &["resource", "show", BANK]));
    file["resource"] = json!("https://other.example");
    let other = ["resource", "change", BANK, "-"];
    let other = writ_reading(&world, &other, &file.to_string());
    assert!(complaint(&other).contains("keeps its URI"));
    let remove = ["resource", "remove", BANK];
    assert!(complaint(&writ(&world, &remove)).contains("--yes"));
    let removed = [&remove[..], &["--yes"]].concat();
    assert_eq!(printed(&writ(&world, &removed))["state"], "removed");
    noticed(&world);
    let form = cast.planner.refresh_form(&refresh);
    let refreshed = cast.planner.send(&world, "/token", &form).await;
    refused(&refreshed, "invalid_target", "no token for it");
    let scope = [("scope", "accounts:read".to_owned())];
    let own = cast.planner.own(&world, &scope).await;
    assert_eq!(own.status, 400, "{}", own.text());
    file["resource"] = json!(BANK);
    let path = temporary(&file);
    let again = ["resource", "add", "--file", path.0.to_str().unwrap()];
    assert!(complaint(&writ(&world, &again)).contains("was removed"));
    let listed = printed(&writ(&world, &["resource", "list", "--json"]));
    assert_eq!(listed, json!([]));
    assert_eq!(count(&world, "resource.removed").await, 1);
});

both!(
    a_removed_person_never_logs_in_again_and_their_name_stays_taken,
    |world| async {
        let cast = cast_now(&world).await;
        let token = cast.token(&world).await;
        let change = ["user", "change", "alice", "--password-stdin"];
        let changed = printed(&writ_reading(&world, &change, "another password\n"));
        assert_eq!(changed["name"], "alice");
        let hash = async || {
            let found = world.begin().await.user_by_name("alice").await;
            found.unwrap().unwrap().password_hash
        };
        assert!(hash().await.contains("$m=19456,"));
        let shown = printed(&writ(&world, &["user", "show", "alice"]));
        assert_eq!((&shown["tasks"], &shown["agents"]), (&json!(1), &json!(3)));
        let removed = ["user", "remove", "alice", "--yes"];
        let removed = printed(&writ(&world, &removed));
        assert_eq!(
            (&removed["tasks"], &removed["agents"]),
            (&json!(1), &json!(3))
        );
        assert_eq!(
            cast.introspect(&world, &token).await["active"],
            json!(false)
        );
        assert_eq!(hash().await, "");
        for command in [
            &["user", "enable", "alice"][..],
            &["user", "show", "alice"],
            &["user", "remove", "alice", "--yes"],
        ] {
            complaint(&writ(&world, command));
        }
        let add = ["user", "add", "alice", "--password-stdin"];
        let again = writ_reading(&world, &add, PASSWORD);
        assert!(complaint(&again).contains("was removed"));
        let sponsored = world
            .try_add_client(agent_file("agt_new", "alice"))
            .await
            .unwrap_err();
        assert!(sponsored.contains("was removed"), "{sponsored}");
        let listed = writ(&world, &["user", "list"]);
        let table = String::from_utf8(listed.stdout).unwrap();
        assert!(
            table.starts_with("NAME ") && table.contains("mallory"),
            "{table}"
        );
        assert!(!table.contains("alice"), "{table}");
        assert_eq!(count(&world, "user.removed").await, 1);
    }
);

/// A file of one test, gone with it.
struct TemporaryFile(PathBuf);

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}

fn temporary(text: &Value) -> TemporaryFile {
    let name = format!("writ-registered-{}.json", Random::System.identifier());
    let path = std::env::temp_dir().join(name);
    std::fs::write(&path, text.to_string()).unwrap();
    TemporaryFile(path)
}
