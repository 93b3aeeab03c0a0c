//! How a call that waits for a person ends, and what becomes of its question: cancelled, or open for the call that comes again.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::gated::{STATELESS_FIELDS, eventually, stateless_call, text};
use super::issuer::{Decides, Door};
use super::world::{World, read};
use crate::Allowed;

pub(super) const LONG: Duration = Duration::from_secs(600);
const EVALUATION: &str = "/access/v1/evaluation";
const QUESTION: &str = "/access/v1/requests";

/// By what its client is made to wait.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum By {
    CallAgain,
    Progress,
    PageInError,
    PageInResult,
    StateInResult,
}

pub(super) const ALL: [By; 5] = [
    By::CallAgain,
    By::Progress,
    By::PageInError,
    By::PageInResult,
    By::StateInResult,
];
/// Those of revision 2025-11-25, which have a session.
pub(super) const IN_SESSION: [By; 3] = [By::CallAgain, By::Progress, By::PageInError];

pub(super) type Answer = JoinHandle<(StatusCode, Value)>;

/// One client, whose calls ask a person.
pub(super) struct Client {
    pub(super) world: Arc<World>,
    by: By,
    pub(super) session: String,
}

impl Client {
    pub(super) async fn new(by: By, patience: Duration) -> Self {
        let world = Arc::new(World::holding(Allowed::default(), patience).await);
        world.issuer.state().decides = Decides::Ask;
        Self::of(world, by).await
    }

    pub(super) async fn of(world: Arc<World>, by: By) -> Self {
        let capabilities = match by {
            By::PageInError => json!({ "elicitation": { "url": {} } }),
            _ => json!({}),
        };
        let session = world.session(&world.alice(), capabilities).await;
        Self { world, by, session }
    }

    pub(super) fn sends(&self, id: u32, arguments: &Value, state: Option<&Value>) -> Answer {
        let mut more = json!({ "arguments": arguments });
        if let Some(state) = state {
            more["requestState"] = state.clone();
        }
        let mut message: Value = serde_json::from_str(&stateless_call(more)).unwrap();
        message["id"] = json!(id);
        let meta = &mut message["params"]["_meta"];
        let mut fields = STATELESS_FIELDS.to_vec();
        match self.by {
            By::PageInResult => {}
            By::StateInResult => meta["io.modelcontextprotocol/clientCapabilities"] = json!({}),
            By::Progress => *meta = json!({ "progressToken": id }),
            By::CallAgain | By::PageInError => *meta = json!({}),
        }
        if IN_SESSION.contains(&self.by) {
            fields = vec![("mcp-session-id", self.session.as_str())];
        }
        let request = self.world.request("POST", &fields, &message.to_string());
        let sent = self.world.sent(request);
        tokio::spawn(async move { read(sent.await).await })
    }

    /// A call with this `_meta`, in the session.
    pub(super) fn sends_as(&self, id: u32, meta: &Value) -> Answer {
        let params = json!({ "name": "rm", "arguments": { "path": "/b" }, "_meta": meta });
        let message =
            json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params });
        let fields = [("mcp-session-id", self.session.as_str())];
        let request = self.world.request("POST", &fields, &message.to_string());
        let sent = self.world.sent(request);
        tokio::spawn(async move { read(sent.await).await })
    }

    /// A call that waits now: of who opens pages, the one after the page.
    pub(super) async fn waiting(&self) -> Answer {
        let arguments = json!({ "path": "/a" });
        let mut state = None;
        if matches!(self.by, By::PageInError | By::PageInResult) {
            let (_, first) = self.sends(1, &arguments, None).await.unwrap();
            state = first["result"].get("requestState").cloned();
            let is_page = state.is_some() || first["error"]["code"] == -32042;
            assert!(is_page, "{first}");
        }
        self.world.issuer.state().polled = 0;
        let answer = self.sends(2, &arguments, state.as_ref());
        eventually(|| self.world.issuer.state().polled > 0).await;
        answer
    }

    pub(super) async fn cancels(&self, id: u32) {
        let params = json!({ "requestId": id });
        let message =
            json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": params });
        let fields = [("mcp-session-id", self.session.as_str())];
        let (status, _) = self.world.post(&fields, &message.to_string()).await;
        assert_eq!(status, StatusCode::ACCEPTED);
    }

    pub(super) async fn ends_session(&self) {
        let fields = [("mcp-session-id", self.session.as_str())];
        let request = self.world.request("DELETE", &fields, "");
        let ended = self.world.send(request).await;
        assert_eq!(ended.status(), StatusCode::NO_CONTENT);
    }

    /// Everything is over at the issuer, as at the end of the process.
    pub(super) async fn cancelled(&self) -> usize {
        self.world.gate.ended().await;
        self.world.issuer.state().cancelled
    }
}

pub(super) fn code(answer: &Value) -> &str {
    answer["result"]["_meta"]["writ/code"]
        .as_str()
        .unwrap_or_default()
}

#[tokio::test]
async fn a_client_that_goes_away_takes_its_question_along() {
    for by in ALL {
        let client = Client::new(by, LONG).await;
        let answer = client.waiting().await;
        answer.abort();
        eventually(|| client.world.issuer.state().cancelled == 1).await;
        assert!(client.world.calls().is_empty(), "{by:?}");
        // Its id is free for another call.
        client.world.issuer.state().decides = Decides::Permit;
        let (_, done) = client.sends(2, &json!({}), None).await.unwrap();
        assert_eq!(text(&done), "done", "{by:?}: {done}");
    }
}

#[tokio::test]
async fn a_cancelled_call_and_an_ended_session_take_their_question_along() {
    for by in IN_SESSION {
        for (is_cancelled, reason) in [(true, "call_ended"), (false, "session_ended")] {
            let client = Client::new(by, LONG).await;
            let answer = client.waiting().await;
            match is_cancelled {
                true => client.cancels(2).await,
                false => client.ends_session().await,
            }
            let (_, answer) = answer.await.unwrap();
            assert_eq!(code(&answer), "cancelled", "{by:?}: {answer}");
            assert!(text(&answer).contains(reason), "{by:?}: {answer}");
            // At the issuer before it is answered: the same call would find it open.
            assert_eq!(client.world.issuer.state().cancelled, 1, "{by:?} {reason}");
            assert!(client.world.calls().is_empty());
        }
    }
}

#[tokio::test]
async fn a_token_that_ends_takes_the_question_along() {
    for by in ALL {
        let client = Client::new(by, LONG).await;
        let answer = client.waiting().await;
        client.world.issuer.state().is_active = false;
        answer.await.unwrap();
        eventually(|| client.world.issuer.state().cancelled == 1).await;
    }
}

/// Whoever comes again finds the answer; what comes back in nobody's hands is cancelled.
#[tokio::test]
async fn a_gate_that_ends_leaves_open_what_a_call_finds_again() {
    for by in ALL {
        let client = Client::new(by, LONG).await;
        let answer = client.waiting().await;
        client.world.gate.end();
        let (_, answer) = answer.await.unwrap();
        let expected = match by {
            By::CallAgain | By::StateInResult => ("still_waiting", 0),
            // The page, and the same call then.
            By::PageInError => ("", 0),
            By::Progress | By::PageInResult => ("cancelled", 1),
        };
        let found = (code(&answer), client.cancelled().await);
        assert_eq!(found, expected, "{by:?}: {answer}");
        assert_eq!(by == By::PageInError, answer["error"]["code"] == -32042);
    }
}

#[tokio::test]
async fn what_is_cancelled_last_is_so_before_the_gate_has_ended() {
    let client = Client::new(By::Progress, LONG).await;
    let answer = client.waiting().await;
    client.world.gate.end();
    answer.abort();
    assert_eq!(client.cancelled().await, 1);
}

#[tokio::test]
async fn a_wait_that_is_over_leaves_the_question_open() {
    for by in [
        By::CallAgain,
        By::PageInError,
        By::PageInResult,
        By::StateInResult,
    ] {
        let client = Client::new(by, Duration::ZERO).await;
        let (_, answer) = client
            .sends(1, &json!({ "path": "/a" }), None)
            .await
            .unwrap();
        let comes_again = match by {
            By::CallAgain => code(&answer) == "still_waiting",
            By::PageInError => answer["error"]["code"] == -32042,
            _ => answer["result"]["requestState"].is_string(),
        };
        assert!(comes_again, "{by:?}: {answer}");
        assert_eq!(client.cancelled().await, 0, "{by:?}");
    }
}

/// The id is given away before anybody is asked: who has none asks nobody, and the first one hears its own answer.
#[tokio::test]
async fn a_second_call_under_an_id_asks_nobody() {
    for by in IN_SESSION {
        for second in ["/a", "/b"] {
            let client = Client::new(by, LONG).await;
            let first = client.waiting().await;
            let asked = client.world.issuer.state().asked.len();
            let evaluated = client.world.issuer.state().evaluated.len();
            let again = client.sends(2, &json!({ "path": second }), None);
            let (status, answer) = again.await.unwrap();
            assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
            let error = &answer["error"];
            assert_eq!((&answer["id"], &error["code"]), (&json!(2), &json!(-32600)));
            let words = error["message"].as_str().unwrap();
            assert!(words.contains("an `id` of its own"), "{words}");
            {
                let mut state = client.world.issuer.state();
                let now = (state.asked.len(), state.evaluated.len(), state.cancelled);
                assert_eq!(now, (asked, evaluated, 0), "{by:?}");
                state.status = "approved";
            }
            let (_, done) = first.await.unwrap();
            assert_eq!(text(&done), "done", "{by:?}: {done}");
        }
    }
}

/// At once, while the first is still judged; in another session the id is another's.
#[tokio::test]
async fn an_id_is_one_calls_from_when_it_comes() {
    let client = Client::new(By::Progress, LONG).await;
    client
        .world
        .issuer
        .door
        .send_replace(Door::Closed(EVALUATION));
    let first = client.sends(2, &json!({ "path": "/a" }), None);
    eventually(|| client.world.issuer.state().evaluated.len() == 1).await;
    let (status, _) = client.sends(2, &json!({}), None).await.unwrap();
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let other = Client::of(Arc::clone(&client.world), By::Progress).await;
    let elsewhere = other.sends(2, &json!({ "path": "/b" }), None);
    eventually(|| client.world.issuer.state().evaluated.len() == 2).await;
    client.world.issuer.door.send_replace(Door::Open);
    client.world.issuer.state().status = "approved";
    for answer in [first, elsewhere] {
        let (status, answer) = answer.await.unwrap();
        assert_eq!(status, StatusCode::OK, "{answer}");
    }
}

#[tokio::test]
async fn a_call_that_is_cancelled_while_it_is_judged_asks_nobody() {
    let client = Client::new(By::CallAgain, LONG).await;
    for decides in [Decides::Ask, Decides::Permit] {
        client.world.issuer.state().decides = decides;
        client
            .world
            .issuer
            .door
            .send_replace(Door::Closed(EVALUATION));
        let evaluated = client.world.issuer.state().evaluated.len();
        let answer = client.sends(2, &json!({ "path": "/a" }), None);
        eventually(|| client.world.issuer.state().evaluated.len() > evaluated).await;
        client.cancels(2).await;
        client.world.issuer.door.send_replace(Door::Open);
        let (_, answer) = answer.await.unwrap();
        assert_eq!(code(&answer), "cancelled", "{answer}");
        assert!(client.world.issuer.state().asked.is_empty());
        assert!(client.world.calls().is_empty());
    }
    // What was permitted for it did not begin.
    eventually(|| client.world.issuer.state().outcomes.len() == 1).await;
    assert_eq!(
        client.world.issuer.state().outcomes[0]["result"],
        "not_started"
    );
}

/// The question is made, and nobody has heard its id yet.
#[tokio::test]
async fn a_call_that_goes_while_a_person_is_asked_takes_the_question_along() {
    for by in ALL {
        let client = Client::new(by, LONG).await;
        client
            .world
            .issuer
            .door
            .send_replace(Door::Closed(QUESTION));
        let answer = client.sends(2, &json!({ "path": "/a" }), None);
        eventually(|| client.world.issuer.state().asked.len() == 1).await;
        answer.abort();
        let _ = answer.await;
        client.world.issuer.door.send_replace(Door::Open);
        eventually(|| client.world.issuer.state().cancelled == 1).await;
    }
}

/// The same question of two calls is one: it stays as long as one of them waits.
#[tokio::test]
async fn a_question_of_two_calls_ends_with_the_last() {
    let client = Client::new(By::Progress, LONG).await;
    let first = client.waiting().await;
    client
        .world
        .issuer
        .door
        .send_replace(Door::Closed("/access/v1/requests/apr_1"));
    client.world.issuer.state().polled = 0;
    let second = client.sends(3, &json!({ "path": "/a" }), None);
    // Once by each.
    eventually(|| client.world.issuer.state().polled == 2).await;
    client.world.issuer.door.send_replace(Door::Open);
    client.cancels(2).await;
    let (_, answer) = first.await.unwrap();
    assert_eq!(code(&answer), "cancelled");
    assert_eq!(client.world.issuer.state().cancelled, 0);
    client.cancels(3).await;
    second.await.unwrap();
    assert_eq!(client.world.issuer.state().cancelled, 1);
}
