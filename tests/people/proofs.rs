//! Less takes a tap, more takes a fresh proof: every form of the pages says in one table what it asks for, and without that it changes
//! nothing, although it comes from a page that its person was given.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::json;
use writ_core::authorize::FRESH_LOGIN;
use writ_core::id::{ApprovalId, ClientId, UserId};
use writ_core::pause::PausedBecause;
use writ_server::people::proofs::{AskedProof, FORMS};
use writ_store::standing::Pair;
use writ_store::stop::StopEvents;
use writ_testkit::{BANK, Cast, HttpReceiver, Phone, World, both_heard};

use super::account::{reset, text};
use super::webpush;

/// Rows of these do not change by what asks for a proof: they count tries, record them, and keep challenges.
const BESIDE: [&str; 7] = [
    "attempts ",
    "events ",
    "sessions ",
    "passkey_ceremonies ",
    "replays ",
    "refusal_counts ",
    "tenants ",
];

/// The paths below which files of the pages answer a POST: `.route(PATH, ... post(...))`, each as a text or a constant of its file.
fn routes_that_take_forms() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/server/src/people");
    let (mut folders, mut found) = (vec![root], BTreeSet::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            for call in text.replace(".route( ", ".route(").split(".route(").skip(1) {
                let (path, rest) = call.split_once(',').unwrap();
                let handlers = rest
                    .split(".route(")
                    .next()
                    .unwrap()
                    .split(" }")
                    .next()
                    .unwrap();
                if handlers.contains("post(") {
                    found.insert(path_of(path.trim(), &text));
                }
            }
        }
    }
    found
}

fn path_of(written: &str, file: &str) -> String {
    if let Some(path) = written.strip_prefix('"') {
        return path.trim_end_matches('"').to_owned();
    }
    if written == "Endpoint::Authorize.path()" {
        return "/authorize".to_owned();
    }
    if file.contains("use crate::client::device::{PATH,") {
        return "/device".to_owned();
    }
    let name = written.rsplit("::").next().unwrap();
    let defined = |text: &str| {
        let (_, rest) = text.split_once(&format!("const {name}: &str = \""))?;
        rest.split('"').next().map(str::to_owned)
    };
    let module = written.split_once("::").map(|(module, _)| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/server/src/people");
        let file = folder.join(format!("settings/{module}.rs"));
        std::fs::read_to_string(file).unwrap_or_default()
    });
    let found = module
        .as_deref()
        .and_then(defined)
        .or_else(|| defined(file));
    found.unwrap_or_else(|| panic!("where is `{written}`?"))
}

#[test]
fn every_form_says_what_it_asks_for() {
    let routed = routes_that_take_forms();
    for known in [
        "/login",
        "/consent",
        "/app/settings",
        "/app/requests/{id}",
        "/account",
    ] {
        assert!(
            routed.contains(known),
            "{known} is not read from the sources: {routed:?}"
        );
    }
    let told: BTreeSet<String> = FORMS.iter().map(|(path, ..)| (*path).to_owned()).collect();
    assert_eq!(told, routed, "`crates/server/src/people/proofs.rs`");
    let rows: BTreeSet<_> = FORMS.iter().map(|(path, form, _)| (path, form)).collect();
    assert_eq!(rows.len(), FORMS.len(), "each once");
}

/// What is in the tables that a proof guards.
async fn guarded(world: &World) -> BTreeSet<String> {
    let dump = world.database.dump().await;
    let lines = dump.lines().filter(|line| {
        let line = line.trim_start_matches(['(', '"']);
        !BESIDE.iter().any(|table| line.starts_with(table))
    });
    lines.map(str::to_owned).collect()
}

/// Whom she paused.
const PAUSED: &str = "agt_paused";

/// What a form names, without what it asks for.
struct Named {
    task: String,
    passkey: String,
    subscription: String,
    link: String,
    request: String,
    screen: (String, String),
}

impl Named {
    async fn of(world: &World, receiver: &HttpReceiver, phone: &mut Phone) -> Self {
        let cast = Cast::of(world).await;
        let granted = async || {
            cast.granted(world, &cast.planner, &cast.request(), BANK)
                .await
        };
        granted().await;
        let alice = UserId::from_text(cast.alice.clone());
        let mut transaction = world.app.begin().await.unwrap();
        let id = world.app.event_id(world.now());
        let events = StopEvents {
            id: &id,
            now: world.now(),
            data: "{}",
        };
        let paused = transaction.pause_tasks_of(&alice, events).await;
        assert_eq!(paused.unwrap(), 1);
        let pair = Pair {
            subject: &alice,
            client: &ClientId::from_text(PAUSED),
        };
        let request = ApprovalId::from_text("apr_1");
        let because = PausedBecause::NotMe;
        let paused = transaction.pause_client(pair, &request, because, world.now());
        assert!(paused.await.unwrap());
        transaction.commit().await.unwrap();
        world.advance(1);
        *phone = world.enrolled_phone("alice", 1).await;
        let mut reading = world.app.read().await.unwrap();
        let passkeys = reading.passkeys_of(&alice).await.unwrap();
        drop(reading);
        // The login is no fresh proof any more.
        world.advance(FRESH_LOGIN.as_secs());
        let question = cast.question_within(&granted().await.access_token());
        let asked = cast.planner.asked(world, &question).await;
        let request = world.request_id(&asked).await;
        let looked = phone.look(&request).await.fields("decision");
        let mut looked = looked.into_iter();
        let printed = reset(world, "alice").await.unwrap();
        let keys = json!({ "p256dh": webpush::PUBLIC, "auth": webpush::AUTH });
        Self {
            task: world.events_named("task.suspended").await[0]
                .task
                .clone()
                .unwrap(),
            passkey: passkeys[0].credential_id.clone(),
            subscription: json!({ "endpoint": receiver.url("/push/1"), "keys": keys }).to_string(),
            link: text(&printed, "link").split('=').nth(1).unwrap().to_owned(),
            screen: looked.find(|(name, _)| name == "screen").unwrap(),
            request,
        }
    }

    fn fields(&self, path: &str, form: &str) -> Vec<(&'static str, String)> {
        let setting =
            |name, value: &str| vec![("setting", form.to_owned()), (name, value.to_owned())];
        let passwords = |first: (&'static str, String)| {
            let new = |name| (name, "nine purple kettles sing".to_owned());
            vec![first, new("new_password"), new("new_password_again")]
        };
        match (path, form) {
            ("/app/settings", "email") => setting("email", "m@evil.example"),
            ("/app/settings", "password") => passwords(("setting", form.to_owned())),
            ("/app/settings", _) => setting("user_code", "1234"),
            ("/account", _) => passwords(("link", self.link.clone())),
            ("/app/settings/address", _) => vec![("link", "x".repeat(43))],
            ("/app/devices/passkeys/remove", _) => vec![("passkey", self.passkey.clone())],
            ("/app/devices/passkeys", _) => vec![("name", "Another".to_owned())],
            ("/app/devices/push", _) => vec![("subscription", self.subscription.clone())],
            ("/app/resume", _) => vec![("task", self.task.clone())],
            ("/app/agents/undo", _) => vec![("stop", "evt_x".to_owned())],
            ("/app/agents/unpause", _) => vec![("agent", PAUSED.to_owned())],
            ("/app/requests/{id}", _) => vec![
                ("screen", self.screen.1.clone()),
                ("decision", "approve".to_owned()),
            ],
            ("/consent", _) => vec![
                ("request", "x".repeat(43)),
                ("consent-approve", "1".to_owned()),
            ],
            ("/login", _) => vec![("username", "alice".to_owned())],
            _ => Vec::new(),
        }
    }
}

both_heard!(
    without_its_proof_no_form_changes_anything,
    |world, receiver| async {
        let mut phone = world.phone(1);
        let named = Named::of(&world, &receiver, &mut phone).await;
        for (path, form, proof) in FORMS {
            match proof {
                AskedProof::Begins | AskedProof::Session | AskedProof::LinkName => continue,
                AskedProof::Login
                | AskedProof::Strongest
                | AskedProof::Passkey
                | AskedProof::AsStrong
                | AskedProof::FreshLogin
                | AskedProof::LinkAndSecond
                | AskedProof::Link => {}
            }
            let before = guarded(&world).await;
            let fields = named.fields(path, form);
            let answer = phone
                .post(&path.replace("{id}", &named.request), &fields)
                .await;
            let after = guarded(&world).await;
            let changed: Vec<_> = after.symmetric_difference(&before).collect();
            assert!(changed.is_empty(), "{path} {form}: {changed:?}");
            let refused = answer.reply.status >= 400 || answer.url.path() == "/login";
            // These pages say it in words.
            let says_so = ["/app/resume", "/app/agents/undo", "/app/agents/unpause"].contains(path);
            assert!(refused || says_so, "{path} {form}: {}", answer.words());
            if *path == "/app/resume" {
                answer.says("Sign out and in again first");
            }
        }
    }
);
