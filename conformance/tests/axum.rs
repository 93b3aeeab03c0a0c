//! The program of docs/axum.md, as its readers have it: built with axum's own server and started by its environment. Whoever has no token
//! learns where to get one, and a deletion waits for alice's yes.

mod world;

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::StatusCode;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;
use url::Url;
use world::{Browser, Database, World, answered, send};
use writ_person::{DECISION, WebBrowser};
use writ_platform::Https;

const RESOURCE: &str = "http://localhost:8000";
const REDIRECT: &str = "http://127.0.0.1:8000/cb";
const PASSWORD: &str = "correct horse battery staple";
/// Generous: a loaded machine must not fail a test.
const IN_TIME: Duration = Duration::from_secs(60);

/// The files that the page shows.
fn shown(name: &str) -> Value {
    let page = include_str!("../../docs/axum.md");
    let (_, rest) = page.split_once(&format!("`{name}`")).unwrap();
    let (_, rest) = rest.split_once("```json\n").unwrap();
    serde_json::from_str(rest.split_once("```").unwrap().0).unwrap()
}

#[test]
fn the_page_shows_the_program() {
    let program = include_str!("../examples/notes_axum.rs");
    let (_, program) = program.split_once("\n\n").unwrap();
    let page = include_str!("../../docs/axum.md");
    assert!(page.contains(&format!("```rust\n{program}```")));
}

/// The program, ended with the test; the line that it says first.
async fn started(issuer: &str, secret: &str) -> (Child, Option<String>) {
    let this = std::env::current_exe().unwrap();
    let program: PathBuf = this.parent().unwrap().with_file_name("examples");
    let mut command = Command::new(program.join("notes_axum"));
    let environment = [
        ("ISSUER", issuer),
        ("RESOURCE", RESOURCE),
        ("CLIENT_SECRET", secret),
        ("PORT", "0"),
    ];
    command.env_clear().envs(environment).kill_on_drop(true);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let said = timeout(IN_TIME, lines.next_line())
        .await
        .expect("it starts, or ends");
    (child, said.unwrap())
}

/// An access token of alice for the notes.
async fn token(world: &World) -> String {
    let verifier = "a-verifier-that-only-this-test-knows-0123456789";
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
    let mut url = Url::parse(&format!("{}/authorize", world.issuer)).unwrap();
    url.query_pairs_mut().extend_pairs([
        ("response_type", "code"),
        ("client_id", "script"),
        ("scope", "notes:write"),
        ("resource", RESOURCE),
        ("redirect_uri", REDIRECT),
        ("code_challenge_method", "S256"),
        ("code_challenge", &challenge),
    ]);
    let callback = Browser::of("alice", PASSWORD).approve(url).await;
    let code = answered(&callback, "code");
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "script"),
        ("code", &code),
        ("code_verifier", verifier),
        ("redirect_uri", REDIRECT),
    ];
    let body = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form)
        .finish();
    let request = oauth2::http::Request::post(format!("{}/token", world.issuer))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body.into_bytes());
    let answer = send(request.unwrap()).await.unwrap();
    let answer: Value = serde_json::from_slice(answer.body()).unwrap();
    answer["access_token"].as_str().expect("a token").to_owned()
}

async fn says_yes(issuer: &str) {
    let mut browser = WebBrowser::new(Arc::new(Https::new().unwrap()), issuer).unwrap();
    let mut inbox = browser.open("/app").await.unwrap();
    if inbox.url.path() == "/login" {
        inbox = browser.log_in(&inbox, "alice", PASSWORD).await.unwrap();
    }
    let html = inbox.html();
    let (_, link) = html
        .split_once("href=\"/app/requests/")
        .expect("a question waits");
    let page = format!("/app/requests/{}", link.split('"').next().unwrap());
    let question = browser.open(&page).await.unwrap();
    assert!(
        question.html().contains("elete the note"),
        "{}",
        question.html()
    );
    let fields = question
        .filled(DECISION, &[("password", PASSWORD)])
        .unwrap();
    browser
        .send_form(&question, DECISION, &fields)
        .await
        .unwrap();
}

#[tokio::test]
async fn on_sqlite() {
    a_deletion_waits_for_a_yes(World::new(Database::Sqlite).await).await;
}

#[tokio::test]
async fn on_postgres() {
    a_deletion_waits_for_a_yes(World::new(Database::Postgres).await).await;
}

async fn a_deletion_waits_for_a_yes(mut world: World) {
    world
        .writ(&["user", "add", "alice", "--password-stdin"], PASSWORD)
        .await;
    let client = world.add("client", &shown("client.json")).await;
    world.add("client", &shown("script.json")).await;
    world.add("resource", &shown("RESOURCE.json")).await;
    world.serve().await;
    let secret = client["client_secret"].as_str().unwrap();

    let (wrong, said) = started(&world.issuer, "another").await;
    assert_eq!(said, None, "it does not start");
    let ended = wrong.wait_with_output().await.unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(
        !ended.status.success() && said.contains("refuses these credentials"),
        "{said}"
    );

    let (_program, said) = started(&world.issuer, secret).await;
    let said = said.unwrap();
    let address = said.strip_prefix("listening at ").unwrap();
    let http = reqwest::Client::builder().timeout(IN_TIME).build().unwrap();
    let document = http
        .get(format!(
            "http://{address}/.well-known/oauth-protected-resource"
        ))
        .send()
        .await
        .unwrap();
    let document: Value = serde_json::from_slice(&document.bytes().await.unwrap()).unwrap();
    assert_eq!(
        (&document["resource"], &document["authorization_servers"]),
        (&json!(RESOURCE), &json!([world.issuer]))
    );

    let note = format!("http://{address}/notes/Shopping%20list");
    let stranger = http.delete(&note).send().await.unwrap();
    assert_eq!(stranger.status(), StatusCode::UNAUTHORIZED);
    let challenge = stranger.headers()["www-authenticate"].to_str().unwrap();
    assert!(challenge.contains("resource_metadata="), "{challenge}");

    let bearer = format!("Bearer {}", token(&world).await);
    let delete = || async {
        let answer = http
            .delete(&note)
            .header("authorization", &bearer)
            .send()
            .await
            .unwrap();
        let status = answer.status();
        (
            status,
            String::from_utf8(answer.bytes().await.unwrap().to_vec()).unwrap(),
        )
    };
    let (status, said) = delete().await;
    assert_eq!(status, StatusCode::CONFLICT, "{said}");
    assert!(
        said.contains("a person was asked and has not decided yet"),
        "{said}"
    );
    says_yes(&world.issuer).await;
    let (status, said) = delete().await;
    assert_eq!(status, StatusCode::OK, "{said}");
    assert!(said.contains("\"deleted\":true"), "{said}");
    let (status, said) = delete().await;
    assert_eq!(status, StatusCode::CONFLICT, "one yes is one call: {said}");
}
