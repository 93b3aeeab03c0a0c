//! A resource server that asks for decisions.

use http::Method;
use serde_json::{Value, json};

use crate::cast::{BANK, Cast, TestAgent};
use crate::node_client::NodeClient;
use crate::reply::{TestReply, claims};
use crate::world::World;

pub const EVALUATION: &str = "/access/v1/evaluation";
pub const EVALUATIONS: &str = "/access/v1/evaluations";
pub const OUTCOMES: &str = "/access/v1/outcomes";

/// A resource server, at one node.
pub struct AskingServer {
    pub door: NodeClient,
    /// Its credentials.
    pub authorization: String,
}

impl AskingServer {
    /// The bank, at the first node.
    pub fn bank(world: &World, cast: &Cast) -> Self {
        Self {
            door: world.door(),
            authorization: cast.bank_basic(),
        }
    }

    pub async fn post(&self, path: &str, body: &Value, headers: &[(&str, &str)]) -> TestReply {
        let mut all = vec![("authorization", self.authorization.as_str())];
        all.extend_from_slice(headers);
        let body = body.to_string();
        self.door.send_json(Method::POST, path, &all, body).await
    }

    /// What would be decided.
    pub async fn look(&self, question: &Value) -> TestReply {
        self.post(EVALUATION, question, &[]).await
    }

    /// Decided, by this key.
    pub async fn decide(&self, question: &Value, key: &str) -> TestReply {
        let headers = [("idempotency-key", key)];
        self.post(EVALUATION, question, &headers).await
    }

    pub async fn report(&self, decision: &str, result: &str) -> TestReply {
        let body = json!({ "decision_id": decision, "result": result });
        self.post(OUTCOMES, &body, &[]).await
    }
}

/// The bank as it asks: beside payments, tool calls, and actions that a scope covers.
pub fn asking_bank() -> Value {
    json!({
        "resource": BANK, "name": "Bank", "scopes": ["accounts:read", "accounts:write"],
        "authorization_details_types": ["payment", "mcp_tool_call"], "client_id": "bank-api",
        "actions": {
            "show_account": { "scope": "accounts:read", "says": { "en": "show the account {/name}" } },
            "close_account": {
                "scope": "accounts:read", "ask": true,
                "says": { "en": "close the account {/name}", "de": "das Konto {/name} schließen" },
                "resolved": ["/name"]
            },
            "rename_account": { "scope": "accounts:write", "says": { "en": "rename the account {/name}" } }
        }
    })
}

/// A question about an action of the token's holder, with a fresh proof of its key.
pub fn question(
    world: &World,
    holder: &TestAgent,
    token: &str,
    (action, properties): (&str, Value),
) -> Value {
    let url = format!("{BANK}/rpc");
    let now = world.now().seconds();
    let proof = holder.dpop.proof_with("POST", &url, now, token);
    json!({
        "subject": { "type": "user", "id": claims(token)["sub"] },
        "action": { "name": action, "properties": properties },
        "resource": { "type": "resource", "id": BANK },
        "context": {
            "access_token": token,
            "dpop": { "proof": proof, "htm": "POST", "htu": url }
        }
    })
}

/// A key as a kit draws it.
pub fn run_key(world: &World) -> String {
    world.random.identifier()
}

/// Why it was denied; panics on a permit.
pub fn reason(reply: &TestReply) -> String {
    let body = reply.json();
    assert_eq!(
        (reply.status, &body["decision"]),
        (200, &json!(false)),
        "{body}"
    );
    body["context"]["reason"].as_str().unwrap().to_owned()
}

/// The context of a permit; panics on anything else.
pub fn permitted(reply: &TestReply) -> Value {
    let body = reply.json();
    assert_eq!(
        (reply.status, &body["decision"]),
        (200, &json!(true)),
        "{body}"
    );
    body["context"].clone()
}
