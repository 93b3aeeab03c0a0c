//! Notes, whose server asks a person before it deletes one, and an agent that calls it.

use std::sync::atomic::{AtomicU64, Ordering};

use http::Method;
use serde_json::{Value, json};
use writ_core::id::ApprovalId;
use writ_core::pending::PendingRequest;
use writ_testkit::{
    Cast, Change, Node, Phone, TestAgent, TestReply, World, agent_file, basic, enrol, payment,
};

pub const NOTES: &str = "https://notes.example";
pub const WIKI: &str = "https://wiki.example";

pub struct Scene {
    pub cast: Cast,
    pub claude: TestAgent,
    pub token: String,
    pub notes: ResourceServer,
    pub alice: Phone,
}

/// A resource server, with the credentials of the client that serves it.
#[derive(Clone)]
pub struct ResourceServer {
    pub uri: &'static str,
    pub basic: String,
}

pub async fn staged(world: &World) -> Scene {
    let cast = Cast::of(world).await;
    let notes = ResourceServer::add(world, NOTES, "Notes").await;
    let claude = agent(world, "agt_claude").await;
    Scene {
        token: token(world, &cast, &claude, NOTES).await,
        alice: world.phone_of("alice").await,
        cast,
        claude,
        notes,
    }
}

/// An agent that may do everything at the notes and the wiki.
pub async fn agent(world: &World, id: &str) -> TestAgent {
    let mut file = agent_file(id, "mallory");
    file["client_name"] = json!("Claude");
    file["scope"] = json!("openid notes:read notes:write");
    let mut scopes = Vec::new();
    for uri in [NOTES, WIKI] {
        for scope in ["notes:read", "notes:write"] {
            scopes.push(json!({ "resource": uri, "scope": scope }));
        }
    }
    file["agent"]["ceiling"]["scopes"] = json!(scopes);
    enrol(world, file).await
}

/// Alice lets this agent write and read notes there, and pay up to 100.
pub async fn token(world: &World, cast: &Cast, agent: &TestAgent, at: &str) -> String {
    let mut paid = payment("100.00");
    paid["locations"] = json!([at]);
    let asked = cast
        .request()
        .with("scope", "notes:read notes:write")
        .with("resource", at)
        .with("authorization_details", json!([paid]).to_string());
    cast.granted(world, agent, &asked, at).await.access_token()
}

impl ResourceServer {
    /// Registered with its client `{name}-api`, in small letters.
    pub async fn add(world: &World, uri: &'static str, name: &str) -> Self {
        let id = format!("{}-api", name.to_lowercase());
        let client = json!({
            "client_id": id, "client_name": name, "profile": "oauth21", "grant_types": [],
            "token_endpoint_auth_method": "client_secret_basic"
        });
        let secret = world.add_client(client).await["client_secret"].clone();
        world.add_resource(Self::file(uri, name, &id)).await;
        Self {
            uri,
            basic: basic(&id, secret.as_str().unwrap()),
        }
    }

    pub fn file(uri: &str, name: &str, served_by: &str) -> Value {
        json!({
            "resource": uri, "name": name, "scopes": ["notes:read", "notes:write"],
            "authorization_details_types": ["payment"], "client_id": served_by,
            "verifies_proofs": true,
            "actions": {
                "delete_note": {
                    "scope": "notes:write", "ask": true,
                    "says": { "en": "delete the note {/title}", "de": "die Notiz {/title} löschen" },
                    "resolved": ["/title"]
                },
                "rename_note": {
                    "scope": "notes:write", "ask": true, "says": { "en": "rename a note to {/title}" }
                },
                "read_note": { "scope": "notes:read", "says": { "en": "read the note {/title}" } }
            }
        })
    }

    /// The members of an evaluation of this token.
    pub fn evaluation(&self, token: &str, action: &str, properties: Value) -> Value {
        let subject = writ_testkit::claims(token)["sub"].clone();
        json!({
            "subject": { "type": "user", "id": subject },
            "action": { "name": action, "properties": properties },
            "resource": { "type": "resource", "id": self.uri },
            "context": { "access_token": token }
        })
    }

    pub async fn send(&self, world: &World, path: &str, body: &Value) -> TestReply {
        self.send_with(world, (Method::POST, path), body, &[]).await
    }

    pub async fn send_with(
        &self,
        world: &World,
        (method, path): (Method, &str),
        body: &Value,
        more: &[(&str, &str)],
    ) -> TestReply {
        let mut headers = vec![("authorization", self.basic.as_str())];
        let bytes = match body {
            Value::Null => Vec::new(),
            body => {
                headers.push(("content-type", "application/json"));
                body.to_string().into_bytes()
            }
        };
        headers.extend_from_slice(more);
        world.send(method, path, &headers, bytes).await
    }

    /// What would be decided, and changes nothing.
    pub async fn look(&self, world: &World, evaluation: &Value) -> Value {
        let reply = self.send(world, "/access/v1/evaluation", evaluation).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }

    /// Decided, under a key of its own.
    pub async fn decide(&self, world: &World, evaluation: &Value) -> Value {
        let key = fresh_key();
        let key = [("idempotency-key", key.as_str())];
        let to = (Method::POST, "/access/v1/evaluation");
        let reply = self.send_with(world, to, evaluation, &key).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }

    /// The same on another node.
    pub async fn decide_at(&self, node: &Node, evaluation: &Value) -> Value {
        let key = fresh_key();
        let headers = [
            ("authorization", self.basic.as_str()),
            ("content-type", "application/json"),
            ("idempotency-key", key.as_str()),
        ];
        let body = evaluation.to_string().into_bytes();
        let to = "/access/v1/evaluation";
        let reply = node.send(Method::POST, to, &headers, body).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }

    /// The submission about a denial of this evaluation.
    pub async fn submission(&self, world: &World, evaluation: &Value) -> Value {
        let denied = self.look(world, evaluation).await;
        assert_eq!(denied["decision"], json!(false), "{denied}");
        let asked = &denied["context"]["access_request"];
        assert!(asked.is_object(), "{denied}");
        let mut body = evaluation.clone();
        body["denial"] = json!({
            "evaluation_id": denied["context"]["evaluation_id"], "expires_at": asked["expires_at"]
        });
        body
    }

    /// Asks about it; the task as it was answered.
    pub async fn ask(&self, world: &World, evaluation: &Value) -> TestReply {
        let body = self.submission(world, evaluation).await;
        self.send(world, REQUESTS, &body).await
    }

    /// Asks what must be taken; answers the id.
    #[track_caller]
    pub fn asked<'a>(
        &'a self,
        world: &'a World,
        evaluation: &'a Value,
    ) -> impl Future<Output = String> + 'a {
        let caller = std::panic::Location::caller();
        async move {
            let reply = self.ask(world, evaluation).await;
            assert_eq!(reply.status, 202, "{caller}: {}", reply.text());
            reply.json()["task"]["id"].as_str().unwrap().to_owned()
        }
    }

    pub async fn status(&self, world: &World, id: &str) -> Value {
        let path = format!("{REQUESTS}/{id}");
        let reply = self
            .send_with(world, (Method::GET, &path), &Value::Null, &[])
            .await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }

    pub async fn cancel(&self, world: &World, id: &str) -> TestReply {
        let path = format!("{REQUESTS}/{id}/cancel");
        self.send_with(world, (Method::POST, &path), &Value::Null, &[])
            .await
    }
}

impl Scene {
    /// The deletion of the note of this title.
    pub fn deletion(&self, title: &str) -> Value {
        let arguments = json!({ "title": title });
        self.notes.evaluation(&self.token, "delete_note", arguments)
    }

    /// Asked about, and approved by alice with her password; the evaluation with the approval.
    pub async fn approved(&mut self, world: &World, evaluation: &Value) -> Value {
        let id = self.notes.asked(world, evaluation).await;
        self.yes(&id).await;
        presenting(evaluation, &self.notes.status(world, &id).await)
    }

    pub async fn yes(&mut self, id: &str) {
        let page = self.alice.look(id).await;
        let receipt = self.alice.approve_by_password(&page).await;
        let path = receipt.url.path();
        assert!(
            path.starts_with("/app/receipts/"),
            "{}",
            receipt.reply.text()
        );
    }
}

/// The evaluation with the approval of this task, unchanged.
pub fn presenting(evaluation: &Value, task: &Value) -> Value {
    let approval = &task["result"]["approval"];
    assert!(approval.is_object(), "{task}");
    let mut again = evaluation.clone();
    again["context"]["approval"] = approval.clone();
    again
}

/// The reason of a denial.
#[track_caller]
pub fn denied(answer: &Value) -> String {
    assert_eq!(answer["decision"], json!(false), "{answer}");
    answer["context"]["reason"].as_str().unwrap().to_owned()
}

#[track_caller]
pub fn permitted(answer: &Value) {
    assert_eq!(answer["decision"], json!(true), "{answer}");
}

/// Type and status of a problem.
#[track_caller]
pub fn problem(reply: &TestReply) -> (u16, String) {
    let kind = reply.header("content-type");
    assert_eq!(kind, Some("application/problem+json"), "{}", reply.text());
    let body = reply.json();
    assert_eq!(body["status"], json!(reply.status));
    assert!(!body["detail"].as_str().unwrap().is_empty(), "{body}");
    let kind = body["type"].as_str().unwrap();
    (reply.status, kind.rsplit(':').next().unwrap().to_owned())
}

pub async fn row(world: &World, id: &str) -> PendingRequest {
    let id = ApprovalId::from_text(id);
    let found = world.begin().await.pending_by_id(&id).await;
    found.unwrap().unwrap()
}

/// 16 characters and more, never the same.
pub fn fresh_key() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("run-of-a-handler-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

pub const REQUESTS: &str = "/access/v1/requests";
