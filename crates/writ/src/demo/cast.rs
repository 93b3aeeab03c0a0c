//! The participants: the user alice, the agent planner, the agent booker in its `onward` list, an agent that is not, and the bank.

use serde_json::{Value, json};
use writ_agent::Key;
use writ_server::node::app::App;
use writ_server::operate::passkey_code;
use writ_server::operate::register::{Registrar, RegistrationError};
use writ_wire::token::GrantType;

/// The registered participants.
pub struct DemoCast {
    /// By which alice adds her first passkey.
    pub passkey_code: String,
    pub bank_secret: String,
    pub planner: DemoKeys,
    pub booker: DemoKeys,
    pub stranger: DemoKeys,
}

/// An agent's id and its two keys: for client assertions, and for DPoP.
pub struct DemoKeys {
    pub id: &'static str,
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
    pub const LOGIN: DemoLogin = DemoLogin {
        name: "alice",
        password: "correct horse battery staple",
    };

    pub async fn register(app: &App, bank: &str) -> Result<Self, String> {
        let said = |e: RegistrationError| e.to_string();
        let catalogue = app.catalogue().await.map_err(|e| e.to_string())?;
        let registry = Registrar {
            store: &app.store,
            issuer: &app.config.issuer,
            types: &catalogue.types,
            clock: &app.clock,
            random: &app.random,
        };
        let alice = registry.add_user(Self::LOGIN.name, Self::LOGIN.password);
        alice.await.map_err(said)?;
        registry
            .add_user("mallory", &app.random.secret())
            .await
            .map_err(said)?;
        let client = parse(json!({
            "client_id": "bank-api", "client_name": "Bank", "profile": "oauth21", "grant_types": [],
            "token_endpoint_auth_method": "client_secret_basic"
        }))?;
        let printed = registry.add_client(client).await.map_err(said)?;
        let secret = printed
            .get("client_secret")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let resource = parse(json!({
            "resource": bank, "name": "Bank", "scopes": [
                { "name": "accounts:read", "says": { "en": "See your accounts and their balances", "de": "Ihre Konten und deren Stand sehen" } },
                { "name": "statements:read", "says": { "en": "Read your statements", "de": "Ihre Auszüge lesen" } }
            ],
            "authorization_details_types": ["payment"], "client_id": "bank-api",
            "agents_only": true, "task_claims": ["purpose"]
        }))?;
        registry.add_resource(&resource).await.map_err(said)?;
        let agents = [
            ("agt_planner", "Trip planner", "alice"),
            ("agt_booker", "Booking helper", "alice"),
            ("agt_stranger", "Stranger", "mallory"),
        ];
        let [planner, booker, stranger] =
            agents.map(|(id, name, owner)| (keys(app, id), name, owner));
        for (keys, name, owner) in [&planner, &booker, &stranger] {
            let file = parse(agent(keys, name, owner, bank))?;
            registry.add_agent(file).await.map_err(said)?;
        }
        Ok(Self {
            passkey_code: passkey_code(app, &registry).await?,
            bank_secret: secret.to_owned(),
            planner: planner.0,
            booker: booker.0,
            stranger: stranger.0,
        })
    }
}

/// What `writ user passkeys alice --enroll` prints.
async fn passkey_code(app: &App, registry: &Registrar<'_>) -> Result<String, String> {
    let alice = registry.user(DemoCast::LOGIN.name).await;
    let alice = alice.map_err(|e| e.to_string())?;
    let mut transaction = app.begin().await.map_err(|e| e.to_string())?;
    let issued = passkey_code::issue(&app.outbox(), &mut transaction, &alice.user.id).await;
    let code = issued.map_err(|e| format!("{e:?}"))?.code.to_string();
    transaction.commit().await.map_err(|e| e.to_string())?;
    Ok(code)
}

/// A user name and its password.
#[derive(Clone, Copy)]
pub struct DemoLogin {
    pub name: &'static str,
    pub password: &'static str,
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

fn keys(app: &App, id: &'static str) -> DemoKeys {
    DemoKeys {
        id,
        assertion: Key::generate(&app.random),
        dpop: Key::generate(&app.random),
    }
}

fn agent(keys: &DemoKeys, name: &str, owner: &str, bank: &str) -> Value {
    json!({
        "client_id": keys.id, "client_name": name, "profile": "agent",
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
