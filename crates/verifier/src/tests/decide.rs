//! Decisions of the issuer: the table of vectors that every kit reads (conformance/vectors), what is sent, and that the token stays
//! out of sight.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Map, Value, json};
use writ_platform::{BoxFuture, Clock, ManualClock, Random, Transport, TransportError};
use writ_wire::resource::ResourceUri;

use super::world::{ISSUER, START, World};
use crate::{
    Asking, Caller, ClientSecret, Decisions, DecisionsConfig, GatedAction, NotPermitted,
    ProofsJudged, VerifierEnvironment, Waiting,
};

const VECTORS: &str = include_str!("../../../../conformance/vectors/decisions.json");
const NOTES: &str = "https://notes.example";

/// Answers as one vector says.
struct Scripted {
    case: Value,
    clock: ManualClock,
    state: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    evaluated: Vec<Value>,
    keys: Vec<String>,
    asked: usize,
    polled: usize,
    outcomes: Vec<Value>,
}

impl Scripted {
    fn answer(&self, request: &Request<Bytes>) -> Value {
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let mut seen = self.state.lock().unwrap();
        let turn = |of: &str, place: usize| {
            let answers = self.case[of].as_array().unwrap();
            answers[place.min(answers.len() - 1)].clone()
        };
        match request.uri().path() {
            "/.well-known/authzen-configuration" => json!({ "status": 200, "body": {
                "policy_decision_point": ISSUER,
                "access_evaluation_endpoint": format!("{ISSUER}/access/v1/evaluation"),
                "access_request_endpoint": format!("{ISSUER}/access/v1/requests"),
            } }),
            "/access/v1/evaluation" => {
                let key = request.headers()["idempotency-key"].to_str().unwrap();
                seen.keys.push(key.to_owned());
                seen.evaluated.push(body);
                turn("evaluation", seen.evaluated.len() - 1)
            }
            "/access/v1/requests" => {
                seen.asked += 1;
                self.case["request"].clone()
            }
            "/access/v1/outcomes" => {
                seen.outcomes.push(body["result"].clone());
                let usual = json!({ "status": 204 });
                self.case.get("outcome").cloned().unwrap_or(usual)
            }
            _ => {
                self.clock.advance(Duration::from_secs(10));
                seen.polled += 1;
                turn("status", seen.polled - 1)
            }
        }
    }
}

impl Transport for Scripted {
    fn send(
        &self,
        request: Request<Bytes>,
    ) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        let scripted = self.answer(&request);
        let answer = match scripted.is_null() {
            true => Err(TransportError::Unreachable("gone".to_owned())),
            false => {
                let body = match &scripted["body"] {
                    Value::Null => String::new(),
                    Value::String(text) => text.clone(),
                    body => body.to_string(),
                };
                let status = u16::try_from(scripted["status"].as_u64().unwrap()).unwrap();
                let mut answer = Response::builder().status(status);
                for (name, value) in scripted["headers"].as_object().unwrap_or(&Map::new()) {
                    answer = answer.header(name, value.as_str().unwrap());
                }
                Ok(answer.body(body.into()).unwrap())
            }
        };
        Box::pin(std::future::ready(answer))
    }
}

fn decisions(case: Value) -> (Arc<Scripted>, Decisions) {
    let clock = ManualClock::starting_at(writ_wire::time::Timestamp::from_seconds(START));
    let server = Arc::new(Scripted {
        case,
        clock: clock.clone(),
        state: Mutex::default(),
    });
    let config = DecisionsConfig {
        issuer: ISSUER.to_owned(),
        resource: ResourceUri::parse(NOTES).unwrap(),
        client_id: "notes-api".to_owned(),
        client_secret: ClientSecret::new("secret".to_owned()),
        proofs: ProofsJudged::Here,
    };
    let environment = VerifierEnvironment {
        transport: server.clone(),
        clock: Clock::Manual(clock),
        random: Random::System,
    };
    (server, Decisions::new(config, environment).unwrap())
}

async fn caller() -> Caller {
    let world = World::new();
    world.present(&world.token()).await.unwrap()
}

fn action() -> GatedAction {
    let arguments = json!({ "title": "Shopping list" });
    GatedAction::named("delete_note", arguments.as_object().unwrap().clone()).unwrap()
}

fn waiting(case: &Value) -> Waiting {
    let patience = case["hold_for"].as_u64().unwrap_or(3600);
    Waiting {
        asking: Asking::default(),
        patience: Duration::from_secs(patience),
    }
}

type Done = Result<Result<(), &'static str>, NotPermitted>;

/// In the words of the vectors.
fn ended(done: &Done) -> (&'static str, Option<&str>, Option<u64>) {
    match done {
        Ok(Ok(())) => ("completed", None, None),
        Ok(Err(_)) => ("thrown", None, None),
        Err(NotPermitted::Denied { reason, .. }) => ("denied", Some(reason), None),
        Err(NotPermitted::Cancelled { reason }) => ("cancelled", Some(reason), None),
        Err(NotPermitted::AskLater { retry_after, .. }) => {
            ("ask_later", None, Some(retry_after.as_secs()))
        }
        Err(why) => (why.code(), None, None),
    }
}

#[tokio::test(start_paused = true)]
async fn every_kit_does_what_the_vectors_say() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let caller = caller().await;
    let mut tried = 0;
    for case in vectors["cases"].as_array().unwrap() {
        // Whoever is dropped here hears of nothing: `OpenQuestion::cancel` is for the caller.
        if case.get("gone_after").is_some() || case.get("cancel").is_some() {
            continue;
        }
        tried += 1;
        let (server, decisions) = decisions(case.clone());
        let ran = AtomicUsize::new(0);
        let given = Mutex::new(Map::new());
        let fails = case.get("handler").is_some();
        let waiting = waiting(case);
        let done = decisions.gated(&caller, action(), &waiting, |arguments| async {
            ran.fetch_add(1, Ordering::SeqCst);
            *given.lock().unwrap() = arguments;
            if fails { Err("no") } else { Ok(()) }
        });
        let done = done.await;
        let mut found = BTreeMap::from([
            ("ran", json!(ran.into_inner())),
            ("outcomes", json!(server.state.lock().unwrap().outcomes)),
        ]);
        let (ends, reason, retry_after) = ended(&done);
        found.insert("ends", json!(ends));
        let seen = server.state.lock().unwrap();
        for (name, value) in [
            ("reason", json!(reason)),
            ("retry_after", json!(retry_after)),
            ("asked", json!(seen.asked)),
            ("arguments", json!(*given.lock().unwrap())),
            (
                "sentence",
                json!(done.as_ref().err().map(NotPermitted::sentence)),
            ),
        ] {
            if case["expect"].get(name).is_some() {
                found.insert(name, value);
            }
        }
        // What is dropped or not reported is told to the caller of other kits alone.
        let expected = case["expect"].as_object().unwrap();
        for (name, value) in expected
            .iter()
            .filter(|(name, _)| !["cancelled", "unreported"].contains(&name.as_str()))
        {
            assert_eq!(
                found.get(name.as_str()),
                Some(value),
                "{}: {done:?}",
                case["name"]
            );
        }
        let keys: std::collections::BTreeSet<_> = seen.keys.iter().collect();
        assert_eq!(
            keys.len(),
            seen.keys.len(),
            "each decision has a key of its own"
        );
    }
    assert!(tried > 80, "{tried}");
}

#[tokio::test]
async fn what_is_asked_names_the_caller_and_the_action_and_prints_no_token() {
    let case =
        json!({ "evaluation": [{ "status": 200, "body": { "decision": false, "context": {} } }] });
    let (server, decisions) = decisions(case);
    let caller = caller().await;
    let tool = GatedAction::tool("rm", Map::new())
        .unwrap()
        .defined_as("hash");
    assert!(decisions.permit(&caller, tool).await.is_err());
    let asked = server.state.lock().unwrap().evaluated[0].clone();
    let token = asked["context"]["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        asked,
        json!({
            "subject": { "type": "user", "id": "usr_alice" },
            "action": { "name": "tools/call", "properties": { "arguments": {} } },
            "resource": { "type": "tool", "id": "rm" },
            "context": { "access_token": token, "definition_hash": "hash" },
        })
    );
    assert!(!format!("{caller:?}").contains(&token));
}

#[test]
fn each_end_says_what_to_do_next_and_no_inner_cause() {
    let unavailable = NotPermitted::unavailable("the decision could not be had", "host-7 refused");
    for (why, status, retry) in [
        (NotPermitted::denied("used", ""), 403, None),
        (NotPermitted::arguments_invalid("tool", ""), 400, None),
        (
            NotPermitted::AskLater {
                retry_after: Duration::from_secs(9),
                why: String::new(),
            },
            429,
            Some("9"),
        ),
        (unavailable, 503, Some("1")),
        (NotPermitted::Expired("it is over"), 403, None),
    ] {
        let answer = why.clone().into_response();
        assert_eq!(answer.status(), status);
        let after = answer
            .headers()
            .get("retry-after")
            .map(|value| value.to_str().unwrap());
        assert_eq!(after, retry);
        let body = String::from_utf8(answer.into_body().to_vec()).unwrap();
        assert!(
            body.contains(&why.advice()) && !body.contains("host-7"),
            "{body}"
        );
    }
}
