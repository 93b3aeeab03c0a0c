//! A service of operators: a client whose record has `operator`, its tokens, and its calls with fresh proofs.

use http::Method;
use serde_json::{Value, json};
use writ_testkit::{Fields, ISSUER, Plain, TestReply, World, enrol_plain};

pub const API: &str = "/api/v1";
pub const ALL_SCOPES: &str = "api:read api:stop api:change api:propose";

/// The service, and the token that it calls by.
pub struct Operations {
    pub client: Plain,
    pub token: String,
}

/// CLIENT.json of a service with these scopes.
pub fn service_file(id: &str, scopes: &str) -> Value {
    json!({
        "client_id": id, "client_name": id, "profile": "oauth21",
        "grant_types": ["client_credentials"],
        "token_endpoint_auth_method": "client_secret_basic",
        "operator": scopes.split(' ').collect::<Vec<_>>()
    })
}

pub fn token_form(scope: &str) -> Fields {
    vec![
        ("grant_type", "client_credentials".to_owned()),
        ("resource", format!("{ISSUER}{API}")),
        ("scope", scope.to_owned()),
    ]
}

impl Operations {
    /// With a token of every scope.
    pub async fn of(world: &World) -> Self {
        Self::with(world, "ops", ALL_SCOPES).await
    }

    pub async fn with(world: &World, id: &str, scopes: &str) -> Self {
        let client = enrol_plain(world, service_file(id, scopes)).await;
        let token = client.send(world, "/token", &token_form(scopes)).await;
        assert_eq!(token.status, 200, "{}", token.text());
        Self {
            token: token.access_token(),
            client,
        }
    }

    pub async fn get(&self, world: &World, below: &str) -> TestReply {
        self.call(world, (Method::GET, below), &Value::Null, &[])
            .await
    }

    /// The members of a list's first page.
    pub async fn items(&self, world: &World, below: &str) -> Vec<Value> {
        let reply = self.get(world, below).await;
        assert_eq!(reply.status, 200, "{below}: {}", reply.text());
        reply.json()["items"].as_array().unwrap().clone()
    }

    pub async fn post(&self, world: &World, below: &str, body: &Value) -> TestReply {
        self.call(world, (Method::POST, below), body, &[]).await
    }

    /// With a fresh proof; `below` may have a query, which a proof leaves out (RFC 9449 section 4.2).
    pub async fn call(
        &self,
        world: &World,
        (method, below): (Method, &str),
        body: &Value,
        more: &[(&str, &str)],
    ) -> TestReply {
        let path = format!("{API}{below}");
        let proof = self.proof(world, &method, &path);
        let authorization = format!("DPoP {}", self.token);
        let mut headers = vec![("authorization", authorization.as_str()), ("dpop", &proof)];
        headers.extend_from_slice(more);
        let body = match body {
            Value::Null => Vec::new(),
            body => {
                headers.push(("content-type", "application/json"));
                body.to_string().into_bytes()
            }
        };
        world.send(method, &path, &headers, body).await
    }

    pub fn proof(&self, world: &World, method: &Method, path: &str) -> String {
        let url = format!("{ISSUER}{}", path.split('?').next().unwrap());
        let now = world.now().seconds();
        let key = &self.client.dpop;
        key.proof_with(method.as_str(), &url, now, &self.token)
    }
}

/// Status and code of a refusal, which is a problem as RFC 9457 has it.
#[track_caller]
pub fn problem(reply: &TestReply) -> (u16, String) {
    let text = reply.text();
    let kind = reply.header("content-type").unwrap_or_default();
    assert_eq!(kind, "application/problem+json", "{}: {text}", reply.status);
    let body = reply.json();
    assert_eq!(body["status"], reply.status, "{text}");
    let code = body["code"].as_str().unwrap().to_owned();
    assert_eq!(body["type"], format!("urn:writ:problem:{code}"), "{text}");
    (reply.status, code)
}

/// An id in a path.
pub fn in_path(id: &str) -> String {
    id.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}
