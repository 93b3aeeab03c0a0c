//! The issuer, which decides as it is told.

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Value, json};
use tokio::sync::watch;
use writ_platform::{BoxFuture, ManualClock, Transport, TransportError};

pub(super) const ISSUER: &str = "https://as.example";

/// What the issuer decides.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Decides {
    Permit,
    Ask,
    Deny,
    /// The arguments are outside the schema.
    RefuseArguments,
    Down,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    Open,
    /// To answers to this path.
    Closed(&'static str),
}

pub(super) struct IssuerState {
    keys: Vec<Value>,
    pub(super) decides: Decides,
    pub(super) is_active: bool,
    /// Whether it says nothing about tokens.
    pub(super) is_silent: bool,
    /// To a question that there is not: by this the credentials are checked.
    pub(super) unknown_question: (u16, Value),
    /// Where it says how decisions are asked for: something else, with this status.
    pub(super) described: Option<(u16, Value)>,
    /// As it calls itself.
    pub(super) name: &'static str,
    /// Those that it lists.
    pub(super) resources: Vec<&'static str>,
    /// Instead of a question: the problem that it is.
    pub(super) problem: Option<(u16, Value)>,
    /// Of the one question.
    pub(super) status: &'static str,
    /// What a person approves instead of it.
    pub(super) instead: Option<Value>,
    is_used: bool,
    /// How often it was asked whether a token is good.
    pub(super) introspected: usize,
    pub(super) evaluated: Vec<Value>,
    pub(super) asked: Vec<Value>,
    pub(super) cancelled: usize,
    /// How often the state of the question was asked for.
    pub(super) polled: usize,
    pub(super) outcomes: Vec<Value>,
}

pub(super) struct FakeIssuer {
    state: Mutex<IssuerState>,
    /// While it is closed, who asks a question or an evaluation waits for the answer, and it is made.
    pub(super) door: watch::Sender<Door>,
    clock: ManualClock,
}

impl FakeIssuer {
    pub(super) fn new(key: Value, clock: ManualClock) -> Self {
        let state = IssuerState {
            keys: vec![key],
            decides: Decides::Permit,
            is_active: true,
            is_silent: false,
            unknown_question: (404, json!({ "title": "no task" })),
            described: None,
            name: ISSUER,
            resources: Vec::new(),
            problem: None,
            status: "pending",
            instead: None,
            is_used: false,
            introspected: 0,
            evaluated: Vec::new(),
            asked: Vec::new(),
            cancelled: 0,
            polled: 0,
            outcomes: Vec::new(),
        };
        Self {
            state: Mutex::new(state),
            door: watch::Sender::new(Door::Open),
            clock,
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, IssuerState> {
        self.state.lock().unwrap()
    }

    fn later(&self, seconds: u64) -> String {
        self.clock
            .now()
            .plus(Duration::from_secs(seconds))
            .rfc3339()
    }

    fn answer(&self, request: &Request<Bytes>) -> (u16, Value) {
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let path = request.uri().path();
        let mut state = self.state();
        match path {
            "/.well-known/oauth-authorization-server" => (
                200,
                json!({
                    "issuer": ISSUER, "jwks_uri": format!("{ISSUER}/jwks"),
                    "introspection_endpoint": format!("{ISSUER}/introspect"),
                    "protected_resources": state.resources,
                }),
            ),
            "/jwks" => (200, json!({ "keys": state.keys })),
            "/introspect" if state.is_silent => (503, json!({})),
            "/introspect" => {
                state.introspected += 1;
                (200, introspected(request.body(), state.is_active))
            }
            "/.well-known/authzen-configuration" => {
                let described = || {
                    let endpoint = |name: &str| format!("{ISSUER}/access/v1/{name}");
                    let document = json!({
                        "policy_decision_point": state.name,
                        "access_evaluation_endpoint": endpoint("evaluation"),
                        "access_request_endpoint": endpoint("requests"),
                    });
                    (200, document)
                };
                state.described.clone().unwrap_or_else(described)
            }
            "/access/v1/evaluation" => {
                assert!(request.headers().contains_key("idempotency-key"));
                state.evaluated.push(body.clone());
                self.evaluated(&mut state, &body)
            }
            "/access/v1/requests" => {
                state.asked.push(body);
                let question = || (202, self.question(&state));
                state.problem.clone().unwrap_or_else(question)
            }
            "/access/v1/requests/none" => {
                assert!(request.headers().contains_key("authorization"));
                state.unknown_question.clone()
            }
            "/access/v1/requests/apr_1" => {
                state.polled += 1;
                (200, self.question(&state))
            }
            "/access/v1/requests/apr_1/cancel" => {
                state.cancelled += 1;
                (200, json!({}))
            }
            "/access/v1/outcomes" => {
                state.outcomes.push(body);
                (204, Value::Null)
            }
            _ => (404, json!({})),
        }
    }

    fn evaluated(&self, state: &mut IssuerState, body: &Value) -> (u16, Value) {
        let approved = body["context"]["approval"]["id"] == "apr_1";
        let permitted = match state.decides {
            Decides::Permit => true,
            Decides::Ask => {
                approved
                    && state.status == "approved"
                    && !std::mem::replace(&mut state.is_used, true)
            }
            Decides::Deny | Decides::RefuseArguments => false,
            Decides::Down => return (503, json!({ "error": "temporarily_unavailable" })),
        };
        if permitted {
            let id = format!("dec_{}", state.evaluated.len());
            return (
                200,
                json!({ "decision": true, "context": {
                "decision_id": id, "evaluated_at": self.later(0), "valid_until": self.later(5)
            } }),
            );
        }
        let mut context = json!({
            "evaluation_id": "evl_1", "evaluated_at": self.later(0), "reason": "not_covered",
            "reason_user": { "en": "This was not granted." }
        });
        if state.decides == Decides::RefuseArguments {
            context["reason"] = json!("arguments_invalid");
            context["reason_user"]["en"] =
                json!("The arguments are not those of this action: `/path` is no number");
        }
        if state.decides == Decides::Ask {
            context["reason"] = json!("approval_required");
            context["access_request"] = json!({
                "endpoint": format!("{ISSUER}/access/v1/requests"), "expires_at": self.later(600)
            });
        }
        (200, json!({ "decision": false, "context": context }))
    }

    fn question(&self, state: &IssuerState) -> Value {
        let base = format!("{ISSUER}/access/v1/requests/apr_1");
        let mut answer = json!({ "task": {
            "id": "apr_1", "status": state.status, "status_endpoint": base, "expires_at": self.later(600),
            "links": { "review": format!("{ISSUER}/app/requests/apr_1"), "cancel": format!("{base}/cancel") }
        } });
        if state.status == "cancelled" {
            answer["task"]["reason"] = json!("stopped");
        }
        if state.status == "approved" {
            answer["result"] = json!({ "mode": "reevaluate", "approval": {
                "id": "apr_1", "approved_at": self.later(0), "approved_until": self.later(120)
            } });
            if let Some(object) = &state.instead {
                answer["result"]["approval"]["authorization_details"] = json!([object]);
            }
        }
        answer
    }
}

fn introspected(form: &Bytes, is_active: bool) -> Value {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    if !is_active {
        return json!({ "active": false });
    }
    let form = String::from_utf8(form.to_vec()).unwrap();
    let token = form
        .split('&')
        .find_map(|pair| pair.strip_prefix("token="))
        .unwrap();
    let claims = URL_SAFE_NO_PAD
        .decode(token.split('.').nth(1).unwrap())
        .unwrap();
    let mut claims: Value = serde_json::from_slice(&claims).unwrap();
    claims["active"] = json!(true);
    claims["token_type"] = json!("Bearer");
    claims
}

impl Transport for FakeIssuer {
    fn send(
        &self,
        request: Request<Bytes>,
    ) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        let (status, body) = self.answer(&request);
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let answer = Response::builder()
            .status(status)
            .header("retry-after", "1");
        let path = request.uri().path().to_owned();
        Box::pin(async move {
            let mut door = self.door.subscribe();
            let is_open = |door: &Door| !matches!(door, Door::Closed(closed) if path == *closed);
            door.wait_for(is_open).await.unwrap();
            Ok(answer.body(body.into()).unwrap())
        })
    }
}
