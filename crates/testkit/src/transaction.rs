//! Transaction challenges in tests: a resource server that signs valid and invalid ones, and an agent that presents them.

use serde_json::{Value, json};
use writ_wire::exchange::TOKEN_TYPE_ACCESS_TOKEN;
use writ_wire::transaction::CHALLENGE_TYPE;

use crate::cast::{BANK, Cast, TestAgent, payment};
use crate::forge::Forge;
use crate::front::Fields;
use crate::reply::TestReply;
use crate::world::{ISSUER, World};

/// Settings of a world in which the draft is on.
pub const TRANSACTIONS: &[(&str, &str)] = &[("FEATURES__TRANSACTION_CHALLENGE", "true")];

impl Cast {
    /// The bank as it stands in the cast, and with this key for its challenges.
    pub async fn bank_challenges_with(&self, world: &World, key: &Forge) {
        world
            .add_resource(self.bank_file(json!({ "keys": [key.jwk()] })))
            .await;
    }

    /// RESOURCE.json of the bank; null: without keys.
    pub fn bank_file(&self, keys: Value) -> Value {
        let mut file = json!({
            "resource": BANK, "name": "Bank", "scopes": ["accounts:read", "accounts:write"],
            "authorization_details_types": ["payment"], "client_id": "bank-api", "agents_only": true,
            "task_claims": ["purpose"]
        });
        if !keys.is_null() {
            file["txn_challenge_jwks"] = keys;
        }
        file
    }
}

impl Forge {
    /// Claims of a good challenge of the bank: may 300.00 be paid? Change what you want to break.
    pub fn challenge_claims(&self, world: &World) -> Value {
        let now = world.now().seconds();
        json!({
            "iss": BANK, "aud": ISSUER, "iat": now, "exp": now + 300, "jti": self.jti(),
            "txn": format!("order-{}", self.jti()), "authorization_details": [payment("300.00")],
            "reason": "More than the daily limit.",
            "act": { "iss": ISSUER, "sub": "agt_planner" }
        })
    }

    pub fn challenge(&self, claims: &Value) -> String {
        self.sign_typed(CHALLENGE_TYPE, claims)
    }
}

/// The form that presents a challenge within the task of this token.
pub fn present_form(challenge: &str, token: &str) -> Fields {
    vec![
        ("transaction_challenge", challenge.to_owned()),
        ("subject_token", token.to_owned()),
        ("subject_token_type", TOKEN_TYPE_ACCESS_TOKEN.to_owned()),
    ]
}

/// The form of a poll.
pub fn poll_transaction_form(id: &str) -> Fields {
    vec![("transaction_authorization_id", id.to_owned())]
}

impl TestAgent {
    /// Brings a challenge, with assertion and proof.
    pub async fn present(&self, world: &World, challenge: &str, token: &str) -> TestReply {
        let form = present_form(challenge, token);
        self.send(world, "/transaction_authorization", &form).await
    }

    /// Brings one that must be taken; answers the `transaction_authorization_id`.
    pub async fn presented(&self, world: &World, challenge: &str, token: &str) -> String {
        let reply = self.present(world, challenge, token).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.member("transaction_authorization_id")
    }

    pub async fn poll_transaction(&self, world: &World, id: &str) -> TestReply {
        let form = poll_transaction_form(id);
        self.send(world, "/transaction_authorization", &form).await
    }
}
