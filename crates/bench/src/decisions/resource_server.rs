//! The requests of the resource server: JSON with its credentials, about one token.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use writ_platform::Random;

use super::MeasuredDecision;
use crate::Outcome;
use crate::load;
use crate::scene::BANK;
use crate::server::Server;

const EVALUATION: &str = "/access/v1/evaluation";
pub const REQUESTS: &str = "/access/v1/requests";

pub struct ResourceServer<'a> {
    server: &'a Server,
    basic: String,
    token: String,
    subject: Value,
}

impl<'a> ResourceServer<'a> {
    pub fn new(server: &'a Server, secret: &str, token: &str) -> Outcome<Self> {
        let claims = load::claims(token)?;
        Ok(Self {
            server,
            basic: STANDARD.encode(format!("bank-api:{secret}")),
            token: token.to_owned(),
            subject: claims.get("sub").cloned().ok_or("no subject")?,
        })
    }

    /// One evaluation, ready to be sent.
    pub fn evaluation(
        &self,
        (action, arguments): (&str, Value),
        asked: MeasuredDecision,
    ) -> Vec<u8> {
        let body = self.question(action, &arguments);
        match asked {
            MeasuredDecision::Look => self.post(EVALUATION, "", &body),
            MeasuredDecision::Keyed | MeasuredDecision::Spent => self.decision(&body),
        }
    }

    /// By a key of its own.
    pub fn decision(&self, body: &Value) -> Vec<u8> {
        let key = format!("idempotency-key: {}\r\n", Random::System.identifier());
        self.post(EVALUATION, &key, body)
    }

    pub fn look(&self, body: &Value) -> Vec<u8> {
        self.post(EVALUATION, "", body)
    }

    pub fn question(&self, action: &str, arguments: &Value) -> Value {
        json!({
            "subject": { "type": "user", "id": self.subject },
            "action": { "name": action, "properties": arguments },
            "resource": { "type": "resource", "id": BANK },
            "context": { "access_token": self.token }
        })
    }

    /// `headers` end their lines.
    pub fn post(&self, path: &str, headers: &str, body: &Value) -> Vec<u8> {
        let (host, basic, body) = (self.server.address, &self.basic, body.to_string());
        let length = body.len();
        format!(
            "POST {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Basic {basic}\r\n\
             content-type: application/json\r\n{headers}content-length: {length}\r\n\r\n{body}"
        )
        .into_bytes()
    }
}
