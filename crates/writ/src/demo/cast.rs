//! The participants: the user alice, the agent planner, the agent booker in its `onward` list, an agent that is not, the bank, and the
//! MCP server as `writ mcp add` describes it.

use serde_json::{Value, json};
use writ_agent::Key;
use writ_core::id::UserId;
use writ_server::node::app::App;
use writ_server::operate::change::Operator;
use writ_server::operate::passkey_code;
use writ_server::operate::register::{Registrar, RegistrationError};
use writ_wire::token::GrantType;

use super::alice::DemoLogin;
use super::notes;
use crate::cli::{ServedResource, mcp_document, mcp_tools, operator};

/// The registered participants.
pub struct DemoCast {
    /// By which alice adds her first passkey.
    pub passkey_code: String,
    pub login: DemoLogin,
    /// By which tokens name alice.
    pub alice: String,
    pub bank_secret: String,
    pub notes_secret: String,
    pub planner: DemoKeys,
    pub booker: DemoKeys,
    pub stranger: DemoKeys,
}

/// Where the resources are.
pub struct DemoPlaces<'a> {
    pub bank: &'a str,
    pub gate: &'a str,
    /// The MCP server behind the gate.
    pub notes: &'a str,
}

/// The client that asks about calls of the MCP server's tools.
pub const NOTES_CLIENT: &str = "notes";
pub const NOTES_SCOPE: &str = "notes";

/// An agent's id and its two keys: for client assertions, and for DPoP.
pub struct DemoKeys {
    pub id: &'static str,
    pub name: &'static str,
    pub assertion: Key,
    pub dpop: Key,
}

impl DemoCast {
    pub const REDIRECT: &str = "http://127.0.0.1/callback";
    pub const HOTEL: Payee = Payee {
        name: "Hotel Opera",
        iban: "FR1420041010050500013M02606",
    };
    pub const AIRLINE: Payee = Payee {
        name: "KLM",
        iban: "NL91ABNA0417164300",
    };

    pub async fn register(app: &App, places: &DemoPlaces<'_>) -> Result<Self, String> {
        let said = |e: RegistrationError| e.to_string();
        let catalogue = app.catalogue().await.map_err(|e| e.to_string())?;
        let operator = operator();
        let registry = Registrar {
            store: &app.store,
            issuer: &app.config.issuer,
            types: &catalogue.types,
            clock: &app.clock,
            random: &app.random,
            by: &operator,
        };
        let login = DemoLogin::make();
        let alice = registry.add_user(login.name, &login.password);
        alice.await.map_err(said)?;
        registry
            .add_user("mallory", &app.random.secret())
            .await
            .map_err(said)?;
        let bank_secret = serving(&registry, "bank-api", "Bank").await?;
        let resource = parse(bank_file(places.bank))?;
        registry.add_resource(&resource).await.map_err(said)?;
        let notes_secret = serving(&registry, NOTES_CLIENT, "Notes").await?;
        let resource = parse(notes_file(places).await?)?;
        registry.add_resource(&resource).await.map_err(said)?;
        let agents = [
            ("agt_planner", "Trip planner", "alice"),
            ("agt_booker", "Booking helper", "alice"),
            ("agt_stranger", "Stranger", "mallory"),
        ];
        let [planner, booker, stranger] =
            agents.map(|(id, name, owner)| (keys(app, id, name), owner));
        for (keys, owner) in [&planner, &booker, &stranger] {
            let file = parse(agent(keys, owner, places.bank))?;
            registry.add_agent(file).await.map_err(said)?;
        }
        // The server is to know them from its first request on.
        app.fresh_catalogue().await.map_err(|e| e.to_string())?;
        let alice = registry.user(login.name).await.map_err(|e| e.to_string())?;
        Ok(Self {
            passkey_code: passkey_code(app, &alice.user.id, &operator).await?,
            login,
            alice: alice.user.id.to_string(),
            bank_secret,
            notes_secret,
            planner: planner.0,
            booker: booker.0,
            stranger: stranger.0,
        })
    }
}

/// What `writ user passkeys alice --enroll` prints.
async fn passkey_code(app: &App, alice: &UserId, by: &Operator) -> Result<String, String> {
    let mut transaction = app.begin().await.map_err(|e| e.to_string())?;
    let issued = passkey_code::issue(&app.outbox(), &mut transaction, alice, by).await;
    let code = issued.map_err(|e| format!("{e:?}"))?.code.to_string();
    transaction.commit().await.map_err(|e| e.to_string())?;
    Ok(code)
}

/// The client that serves a resource; answers its secret.
async fn serving(registry: &Registrar<'_>, id: &str, name: &str) -> Result<String, String> {
    let file = parse(json!({
        "client_id": id, "client_name": name, "profile": "oauth21", "grant_types": [],
        "token_endpoint_auth_method": "client_secret_basic"
    }))?;
    let printed = registry.add_client(file).await.map_err(|e| e.to_string())?;
    let secret = printed.get("client_secret").and_then(Value::as_str);
    Ok(secret.unwrap_or_default().to_owned())
}

fn bank_file(bank: &str) -> Value {
    json!({
        "resource": bank, "name": "Bank", "scopes": [
            { "name": "accounts:read", "says": { "en": "See your accounts and their balances", "de": "Ihre Konten und deren Stand sehen" } },
            { "name": "statements:read", "says": { "en": "Read your statements", "de": "Ihre Auszüge lesen" } }
        ],
        "authorization_details_types": ["payment"], "client_id": "bank-api",
        "agents_only": true, "task_claims": ["purpose"]
    })
}

/// What `writ mcp add --confirm read_note` prints, with the sentences that an operator writes, and open to clients that register themselves.
async fn notes_file(places: &DemoPlaces<'_>) -> Result<Value, String> {
    let served = ServedResource {
        resource: places.gate,
        name: Some("Notes"),
        client_id: NOTES_CLIENT,
        scope: NOTES_SCOPE,
    };
    let tools = mcp_tools(places.notes, None).await?;
    let mut file = mcp_document(&tools, &served, &[notes::READ].into())?;
    let written = [
        (
            "/scopes",
            json!([{ "name": NOTES_SCOPE, "says": { "en": "Use your notes", "de": "Ihre Notizen benutzen" } }]),
        ),
        (
            "/actions/read_note/says",
            json!({ "en": "read the note {/title}", "de": "die Notiz {/title} lesen" }),
        ),
        (
            "/actions/delete_note/says",
            json!({ "en": "delete the note {/title}", "de": "die Notiz {/title} löschen" }),
        ),
    ];
    for (place, value) in written {
        let found = file.pointer_mut(place);
        *found.ok_or_else(|| format!("the file of the tools has no `{place}`"))? = value;
    }
    if let Some(members) = file.as_object_mut() {
        let guests =
            json!({ "mode": "bearer", "scopes": [NOTES_SCOPE], "types": [], "lifetime": "day" });
        members.insert("guests".to_owned(), guests);
    }
    Ok(file)
}

/// The receiver of a payment.
#[derive(Clone, Copy)]
pub struct Payee {
    pub name: &'static str,
    pub iban: &'static str,
}

/// A payment of the shipped type.
pub fn payment(to: Payee, amount: &str) -> Value {
    json!({
        "type": "payment",
        "instructed_amount": { "amount": amount, "currency": "EUR" },
        "creditor": { "name": to.name, "account": { "iban": to.iban } }
    })
}

fn keys(app: &App, id: &'static str, name: &'static str) -> DemoKeys {
    DemoKeys {
        id,
        name,
        assertion: Key::generate(&app.random),
        dpop: Key::generate(&app.random),
    }
}

fn agent(keys: &DemoKeys, owner: &str, bank: &str) -> Value {
    json!({
        "client_id": keys.id, "client_name": keys.name, "profile": "agent",
        "redirect_uris": [DemoCast::REDIRECT],
        "number_matching": true,
        "grant_types": GrantType::ALL.map(GrantType::as_str),
        "jwks": { "keys": [keys.assertion.public_jwk()] },
        "agent": {
            "owner": owner, "sponsor": owner, "publisher": "Acme",
            "ceiling": {
                "scopes": [
                    { "resource": bank, "scope": "accounts:read" },
                    { "resource": bank, "scope": "statements:read" }
                ],
                "authorization_details": [
                    { "type": "payment", "instructed_amount": { "amount": "1000.00", "currency": "EUR" } }
                ],
                "lifetime": 3600
            },
            "onward": { "agents": ["agt_booker"], "depth": 2 }
        }
    })
}

fn parse<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, String> {
    serde_json::from_value(value).map_err(|e| e.to_string())
}
