//! Registered participants: people, a bank, a client for each delivery mode.

use serde_json::{Value, json};
use writ_platform::Random;

use super::receiver::NotificationReceiver;
use crate::Outcome;
use crate::agent::BenchAgent;
use crate::scene::{BANK, OWNER, SCOPE};
use crate::server::ServerSettings;

/// People who are asked and never answer.
pub const SILENT: [&str; 10] = ["p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9"];
/// The person who answers.
pub const ALICE: &str = OWNER;
pub const CIBA: &str = "urn:openid:params:grant-type:ciba";

pub struct Participants {
    pub polling: BenchAgent,
    pub pinged: BenchAgent,
    /// A plain client: agents have no push mode.
    pub pushed: BenchAgent,
    pub password: String,
}

impl Participants {
    pub fn register(
        settings: &ServerSettings<'_>,
        receiver: &NotificationReceiver,
    ) -> Outcome<Self> {
        let cast = Self {
            polling: BenchAgent::make("agt_polling")?,
            pinged: BenchAgent::make("agt_pinged")?,
            pushed: BenchAgent::make("pushed")?,
            password: Random::System.secret(),
        };
        settings.add_person(ALICE, &cast.password)?;
        for name in SILENT {
            settings.add_person(name, &Random::System.secret())?;
        }
        settings.add("client", &json!({
            "client_id": "bank-api", "client_name": "Bank", "profile": "oauth21", "grant_types": [],
            "token_endpoint_auth_method": "client_secret_basic"
        }))?;
        settings.add(
            "resource",
            &json!({
                "resource": BANK, "name": "Bank", "scopes": [SCOPE], "client_id": "bank-api"
            }),
        )?;
        settings.add("agent", &agent(&cast.polling, &json!({})))?;
        let told = |mode: &str| {
            json!({
                "backchannel_token_delivery_mode": mode,
                "backchannel_client_notification_endpoint": format!("{}/{mode}", receiver.origin)
            })
        };
        settings.add("agent", &agent(&cast.pinged, &told("ping")))?;
        settings.add("client", &plain(&cast.pushed, &told("push")))?;
        Ok(cast)
    }
}

fn agent(agent: &BenchAgent, more: &Value) -> Value {
    let asks: Vec<&str> = SILENT.into_iter().chain([ALICE]).collect();
    let file = json!({
        "client_id": agent.id, "client_name": agent.id, "profile": "agent",
        "jwks": { "keys": [agent.registered.jwk] }, "grant_types": [CIBA],
        "agent": { "owner": OWNER, "sponsor": OWNER, "publisher": "Acme", "may_ask": asks, "ceiling": {
            "scopes": [{ "resource": BANK, "scope": SCOPE }], "lifetime": 7200
        } }
    });
    with(file, more)
}

fn plain(client: &BenchAgent, more: &Value) -> Value {
    let file = json!({
        "client_id": client.id, "client_name": client.id, "profile": "oauth21",
        "jwks": { "keys": [client.registered.jwk] }, "grant_types": [CIBA], "scope": SCOPE,
        "token_endpoint_auth_method": "private_key_jwt", "dpop_bound_access_tokens": true,
        "may_ask": [ALICE]
    });
    with(file, more)
}

fn with(mut file: Value, more: &Value) -> Value {
    if let (Value::Object(members), Value::Object(more)) = (&mut file, more) {
        members.extend(more.clone());
    }
    file
}
