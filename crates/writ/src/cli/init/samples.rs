//! What `writ init` registers: the first person, a resource, the client that serves it, and an agent with its key.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use writ_core::operator::OperatorRole;
use writ_jose::key::SigningKey;
use writ_server::config::Config;
use writ_server::operate::add_user::AddedUser;
use writ_server::operate::register::Registrar;

use super::super::by_clock::ByClock;
use super::super::desk::Desk;
use super::staging::Staging;
use super::{FirstUser, files};

pub(super) const RESOURCE_FILE: &str = "bank.json";
pub(super) const RESOURCE: &str = "https://bank.example";
pub(super) const SCOPE: &str = "accounts:read";
pub(super) const CLIENT_FILE: &str = "bank-api.json";
pub(super) const CLIENT_ID: &str = "bank-api";
pub(super) const CLIENT_SECRET: &str = "bank-api.secret";
pub(super) const AGENT_FILE: &str = "planner.json";
pub(super) const AGENT_ID: &str = "agt_planner";
pub(super) const AGENT_KEY: &str = "planner.pem";
/// Characters in a line of PEM (RFC 7468 section 2).
const PEM_LINE: usize = 64;

/// Makes the database and fills it.
pub(super) async fn register(staging: &Staging, user: &FirstUser) -> Result<(), String> {
    let desk = Desk::with(config(staging)?, ByClock::Grants).await?;
    let done = add_all(&desk.registry(), staging, user).await;
    // Nothing of it stays in the write-ahead log, which would be left behind.
    desk.store.close().await;
    done
}

/// The written configuration, with paths into the staging folder.
fn config(staging: &Staging) -> Result<Config, String> {
    let path = |name: &str| files::text(&staging.path(name)).map(str::to_owned);
    let overrides = BTreeMap::from([
        (
            "WRIT__DATABASE__URL".to_owned(),
            files::database_url(&staging.path(files::DATABASE))?,
        ),
        ("WRIT__TYPES__PATH".to_owned(), path(files::TYPES)?),
        (
            "WRIT__KEYS__MASTER_FILE".to_owned(),
            path(files::MASTER_KEY)?,
        ),
    ]);
    Config::load(Some(&staging.path(files::CONFIG)), &overrides).map_err(|e| e.to_string())
}

async fn add_all(
    registrar: &Registrar<'_>,
    staging: &Staging,
    user: &FirstUser,
) -> Result<(), String> {
    let first = AddedUser {
        role: Some(OperatorRole::Admin),
        ..AddedUser::named(&user.name)
    };
    let added = registrar.add_user_as(first, &user.password).await;
    added.map_err(|e| e.to_string())?;
    let client = registrar.add_client(read(client_file())?).await;
    let client = client.map_err(|e| e.to_string())?;
    let secret = client.get("client_secret").and_then(Value::as_str);
    let secret = secret.ok_or("the sample client got no secret")?;
    let added = registrar.add_resource(&read(resource_file())?).await;
    added.map_err(|e| e.to_string())?;
    let key = SigningKey::generate().map_err(|e| e.to_string())?;
    let agent = agent_file(&user.name, &key);
    let added = registrar.add_agent(read(agent.clone())?).await;
    added.map_err(|e| e.to_string())?;
    staging.file(CLIENT_SECRET, 0o400, &format!("{secret}\n"))?;
    staging.file(AGENT_KEY, 0o400, &pem(&key))?;
    for (name, file) in [
        (CLIENT_FILE, client_file()),
        (RESOURCE_FILE, resource_file()),
        (AGENT_FILE, agent),
    ] {
        staging.file(name, 0o644, &format!("{file:#}\n"))?;
    }
    Ok(())
}

fn read<T: serde::de::DeserializeOwned>(file: Value) -> Result<T, String> {
    serde_json::from_value(file).map_err(|e| e.to_string())
}

/// `bearer`, so that `curl` can show a first token.
fn client_file() -> Value {
    json!({
        "client_id": CLIENT_ID,
        "client_name": "Bank API",
        "profile": "oauth21",
        "grant_types": ["client_credentials"],
        "response_types": [],
        "token_endpoint_auth_method": "client_secret_basic",
        "scope": SCOPE,
        "bearer": true,
    })
}

fn resource_file() -> Value {
    json!({
        "resource": RESOURCE,
        "name": "Bank",
        "scopes": [SCOPE],
        "authorization_details_types": ["payment"],
        "client_id": CLIENT_ID,
        "task_claims": ["purpose"],
    })
}

fn agent_file(user: &str, key: &SigningKey) -> Value {
    json!({
        "client_id": AGENT_ID,
        "client_name": "Travel planner",
        "profile": "agent",
        "redirect_uris": ["http://127.0.0.1/cb"],
        "jwks": { "keys": [key.public_jwk()] },
        "scope": SCOPE,
        "authorization_details_types": ["payment"],
        "agent": {
            "owner": user,
            "sponsor": user,
            "publisher": "Acme",
            "ceiling": {
                "scopes": [{ "resource": RESOURCE, "scope": SCOPE }],
                "authorization_details": [{ "type": "payment" }],
                "lifetime": 3600,
            },
        },
    })
}

/// PKCS #8 in PEM (RFC 7468 section 10).
fn pem(key: &SigningKey) -> String {
    let body = STANDARD.encode(key.to_pkcs8().as_slice());
    let mut pem = String::from("-----BEGIN PRIVATE KEY-----\n");
    for (place, character) in body.chars().enumerate() {
        if place > 0 && place % PEM_LINE == 0 {
            pem.push('\n');
        }
        pem.push(character);
    }
    pem.push_str("\n-----END PRIVATE KEY-----\n");
    pem
}
