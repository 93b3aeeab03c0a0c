//! A tool that waits for a person's yes: by each way, and never without one.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};

use super::issuer::Decides;
use super::world::{World, call};

const STATELESS: &str = "2026-07-28";
pub(super) const STATELESS_FIELDS: [(&str, &str); 3] = [
    ("mcp-protocol-version", STATELESS),
    ("mcp-method", "tools/call"),
    ("mcp-name", "rm"),
];

pub(super) fn text(answer: &Value) -> &str {
    answer["result"]["content"][0]["text"]
        .as_str()
        .unwrap_or_default()
}

/// Until it is so; there is no more to it than that another task has to run.
pub(super) async fn eventually(is_so: impl Fn() -> bool) {
    for _ in 0..2_000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it did not come to be so");
}

#[tokio::test]
async fn a_client_that_can_carry_nothing_is_told_to_call_again() {
    let world = World::new().await;
    world.issuer.state().decides = Decides::Ask;
    let (status, first) = world.call(&[]).await;
    assert_eq!(
        (status, &first["result"]["isError"]),
        (StatusCode::OK, &json!(true)),
        "{first}"
    );
    assert!(text(&first).contains("Call this tool again"), "{first}");
    let asked = world.issuer.state().asked.clone();
    assert_eq!(
        asked[0]["requested_access"],
        json!({ "urn:writ:call_again": true })
    );
    assert_eq!(asked[0]["denial"]["evaluation_id"], "evl_1");
    assert!(world.calls().is_empty());
    // The issuer matches the same call after the yes.
    world.issuer.state().decides = Decides::Permit;
    let (_, second) = world.call(&[]).await;
    assert_eq!(text(&second), "done");
    eventually(|| world.issuer.state().outcomes.len() == 1).await;
    assert_eq!(world.issuer.state().outcomes[0]["result"], "completed");
    assert_eq!(world.calls().len(), 1);
}

#[tokio::test]
async fn a_client_that_opens_pages_gets_the_page() {
    let world = World::new().await;
    world.issuer.state().decides = Decides::Ask;
    let token = world.alice();
    let session = world
        .session(&token, json!({ "elicitation": { "url": {} } }))
        .await;
    let (_, answer) = world.call(&[("mcp-session-id", &session)]).await;
    assert_eq!(answer["error"]["code"], -32042, "{answer}");
    let page = &answer["error"]["data"]["elicitations"][0];
    assert_eq!(page["url"], "https://as.example/app/requests/apr_1");
    assert_eq!(
        (&page["mode"], &page["elicitationId"]),
        (&json!("url"), &json!("apr_1"))
    );
    assert!(world.calls().is_empty());
    // Only that mode counts: `{}` is for forms.
    let forms = world.session(&token, json!({ "elicitation": {} })).await;
    let (_, answer) = world.call(&[("mcp-session-id", &forms)]).await;
    assert!(text(&answer).contains("Call this tool again"), "{answer}");
}

pub(super) fn stateless_call(more: Value) -> String {
    let mut params = json!({ "name": "rm", "arguments": { "path": "/a" }, "_meta": {
        "io.modelcontextprotocol/protocolVersion": STATELESS,
        "io.modelcontextprotocol/clientCapabilities": { "elicitation": { "url": {} }, "sampling": {} }
    } });
    for (name, value) in more.as_object().unwrap() {
        params[name] = value.clone();
    }
    json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }).to_string()
}

#[tokio::test]
async fn a_stateless_client_carries_the_question_and_one_yes_is_one_call() {
    let world = World::new().await;
    world.issuer.state().decides = Decides::Ask;
    let fields = STATELESS_FIELDS;
    let (_, first) = world.post(&fields, &stateless_call(json!({}))).await;
    assert_eq!(first["result"]["resultType"], "input_required", "{first}");
    assert_eq!(
        first["result"]["inputRequests"]["writ"]["params"]["mode"],
        "url"
    );
    let state = first["result"]["requestState"].clone();
    let again = stateless_call(
        json!({ "requestState": state, "inputResponses": { "writ": { "action": "accept" } } }),
    );
    // Accepting the page is no yes.
    let (_, waiting) = world.post(&fields, &again).await;
    assert_eq!(
        waiting["result"]["resultType"], "input_required",
        "{waiting}"
    );
    assert!(world.calls().is_empty());
    world.issuer.state().status = "approved";
    let (_, done) = world.post(&fields, &again).await;
    assert_eq!(text(&done), "done", "{done}");
    let [reached] = &world.calls()[..] else {
        panic!("not one call");
    };
    let params = &reached.body["params"];
    assert!(params.get("requestState").is_none() && params.get("inputResponses").is_none());
    // What is off the server does not hear of.
    assert_eq!(
        params["_meta"]["io.modelcontextprotocol/clientCapabilities"],
        json!({})
    );
    let (_, more) = world.post(&fields, &again).await;
    assert_eq!(more["result"]["isError"], true, "{more}");
    assert_eq!(world.calls().len(), 1);
    // Nor is it one of another call, which would be told the answer to this one.
    let other = stateless_call(
        json!({ "arguments": { "path": "/b" }, "requestState": state,
        "inputResponses": { "writ": { "action": "accept" } } }),
    );
    let (_, refused) = world.post(&fields, &other).await;
    assert_eq!(refused["error"]["code"], -32602, "{refused}");
    // Somebody else's state is none.
    let bob = format!("Bearer {}", world.token("usr_bob", "guest", "dlg_1"));
    let bob = [&fields[..], &[("authorization", bob.as_str())]].concat();
    let (_, refused) = world.post(&bob, &again).await;
    assert_eq!(refused["error"]["code"], -32602, "{refused}");
}

#[tokio::test]
async fn a_client_that_hears_of_progress_is_held_until_the_yes() {
    let world = World::new().await;
    world.issuer.state().decides = Decides::Ask;
    let params = json!({ "name": "rm", "arguments": {}, "_meta": { "progressToken": "p" } });
    let message =
        json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }).to_string();
    let response = world.send(world.request("POST", &[], &message)).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert!(world.calls().is_empty());
    let mut stream = response.into_body();
    let (_, heard) = super::sessions::next(&mut stream).await.unwrap();
    assert_eq!(heard["method"], "notifications/progress");
    // Clients show it, so it names the page.
    let expected =
        "waiting for a person's yes to rm: decide here: https://as.example/app/requests/apr_1";
    assert_eq!(heard["params"]["message"], expected);
    assert_eq!(heard["params"]["progress"], 1);
    let said = |number: u64| json!({ "progressToken": "p", "progress": number, "total": 2 });
    world.server.lock().unwrap().progress = vec![said(0), said(1), said(1)];
    world.issuer.state().status = "approved";
    let mut numbers = vec![1];
    let mut of_server = Vec::new();
    let answer = loop {
        let (_, heard) = super::sessions::next(&mut stream).await.unwrap();
        if heard.get("id").is_some() {
            break heard;
        }
        let [number, total] = ["progress", "total"].map(|name| heard["params"][name].as_u64());
        numbers.push(number.unwrap());
        of_server.extend(number.zip(total));
    };
    assert_eq!(text(&answer), "done", "{answer}");
    // MCP, progress: each is above the one before, whoever says it. The server's begin at 0, and one of them did not rise.
    assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
    let told = numbers.len() as u64 - 2;
    assert_eq!(of_server, [(told + 1, told + 3), (told + 2, told + 3)]);
}

/// docs/gate.md: a call that comes again goes by the list that was last read, at most 10 seconds before, and by the definition that
/// it has there; what was held is read anew.
#[tokio::test]
async fn a_call_that_comes_again_after_the_yes_goes_by_a_list_of_ten_seconds_ago() {
    for (later, is_old) in [(9, true), (11, false)] {
        let world = World::new().await;
        world.issuer.state().decides = Decides::Ask;
        let (_, waiting) = world.call(&[]).await;
        assert_eq!(waiting["result"]["_meta"]["writ/code"], "still_waiting");
        world.server.lock().unwrap().tools[0]["description"] = json!("Removes everything.");
        world.clock.advance(Duration::from_secs(later));
        // As the server finds the yes of who calls again.
        world.issuer.state().decides = Decides::Permit;
        world.call(&[]).await;
        let evaluated = world.issuer.state().evaluated.clone();
        let hash = |place: usize| &evaluated[place]["context"]["definition_hash"];
        assert_eq!(hash(0) == hash(1), is_old, "{later} s later");
    }
}

#[tokio::test]
async fn a_yes_is_to_the_tool_as_it_was_when_the_person_was_asked() {
    for (changed, is_removed) in [("Removes everything.", false), ("", true)] {
        let world = World::new().await;
        world.issuer.state().decides = Decides::Ask;
        let params = json!({ "name": "rm", "arguments": {}, "_meta": { "progressToken": "p" } });
        let message =
            json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
        let response = world
            .send(world.request("POST", &[], &message.to_string()))
            .await;
        {
            let mut server = world.server.lock().unwrap();
            match is_removed {
                true => server.tools.clear(),
                false => server.tools[0]["description"] = changed.into(),
            }
        }
        world.issuer.state().status = "approved";
        let (_, answer) = super::world::read(response).await;
        assert!(
            answer.to_string().contains("described in another way"),
            "{answer}"
        );
        assert!(world.calls().is_empty());
    }
}

#[tokio::test]
async fn a_call_that_died_takes_its_question_along() {
    let world = World::new().await;
    world.issuer.state().decides = Decides::Ask;
    let params = json!({ "name": "rm", "arguments": {}, "_meta": { "progressToken": "p" } });
    let message =
        json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }).to_string();
    let response = world.send(world.request("POST", &[], &message)).await;
    drop(response);
    eventually(|| world.issuer.state().cancelled == 1).await;
    assert!(world.calls().is_empty());
}

#[tokio::test]
async fn what_is_no_permit_runs_nothing() {
    let world = World::new().await;
    for (decides, status, words) in [
        (Decides::Deny, "pending", "do not repeat this call"),
        (Decides::Down, "pending", "try again later"),
        (
            Decides::Ask,
            "denied",
            "The person said no; do not repeat this call.",
        ),
        (
            Decides::Ask,
            "expired",
            "Nobody decided in time; nothing was done",
        ),
        (Decides::Ask, "cancelled", "cancelled"),
        (Decides::Ask, "failed", "no approval"),
        (Decides::Ask, "approved, or so", "no approval"),
    ] {
        {
            let mut state = world.issuer.state();
            (state.decides, state.status) = (decides, status);
        }
        let (_, answer) = world.call(&[]).await;
        assert_eq!(answer["result"]["isError"], true, "{status}: {answer}");
        assert!(text(&answer).contains(words), "{status}: {answer}");
    }
    assert!(world.calls().is_empty());
}

/// A no to the same call just before is the no to this one; whatever else is in the way passes by itself, and says what it is.
#[tokio::test]
async fn a_call_that_comes_again_after_a_no_is_told_the_no() {
    let world = World::new().await;
    world.issuer.state().decides = Decides::Ask;
    for (status, kind, title, words, meta) in [
        (
            403,
            "urn:writ:access-request:denied",
            "The person said no",
            "The person said no; do not repeat this call.",
            json!({ "writ/code": "denied" }),
        ),
        (
            429,
            "urn:writ:access-request:too-many",
            "Too many questions",
            "Too many questions; the same may be asked again after 1 s.",
            json!({ "writ/code": "ask_later", "writ/retry_after": 1 }),
        ),
    ] {
        let problem = json!({ "type": kind, "title": title, "status": status, "detail": "-" });
        world.issuer.state().problem = Some((status, problem));
        let (_, answer) = world.call(&[]).await;
        assert_eq!(text(&answer), words);
        assert_eq!(answer["result"]["_meta"], meta, "{answer}");
        assert_eq!(answer["result"]["isError"], true);
    }
    assert!(world.calls().is_empty());
}

#[tokio::test]
async fn the_definition_of_the_tool_goes_along_and_an_unknown_tool_is_refused() {
    let world = World::new().await;
    world.call(&[]).await;
    world.server.lock().unwrap().tools[0]["description"] = json!("Now it does more");
    world.clock.advance(Duration::from_secs(11));
    world.call(&[]).await;
    let hash =
        |place: usize| world.issuer.state().evaluated[place]["context"]["definition_hash"].clone();
    assert!(hash(0).is_string());
    assert_ne!(hash(0), hash(1));
    let (_, answer) = world.post(&[], &call("rmdir", &json!({}))).await;
    assert_eq!(answer["error"]["code"], -32602, "{answer}");
    assert_eq!(world.issuer.state().evaluated.len(), 2);
}

/// What was read in one revision says nothing of another, in which the server may describe the tool otherwise.
#[tokio::test]
async fn a_definition_is_read_in_the_revision_of_the_call() {
    let world = World::new().await;
    world.call(&[("mcp-protocol-version", "2025-11-25")]).await;
    world.server.lock().unwrap().tools[0]["description"] = json!("In the newer one it does more");
    world
        .post(&STATELESS_FIELDS, &stateless_call(json!({})))
        .await;
    world.call(&[("mcp-protocol-version", "2025-11-25")]).await;
    let read: Vec<_> = world
        .reached()
        .into_iter()
        .filter(|one| one.body["method"] == "tools/list")
        .map(|one| {
            one.headers["mcp-protocol-version"]
                .to_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(read, ["2025-11-25", STATELESS]);
    let evaluated = world.issuer.state().evaluated.clone();
    let hash = |place: usize| &evaluated[place]["context"]["definition_hash"];
    assert!(hash(1).is_string() && hash(0) != hash(1), "{evaluated:?}");
    assert_eq!(hash(0), hash(2));
}

#[tokio::test]
async fn an_outcome_says_how_it_ended() {
    let world = World::new().await;
    world.server.lock().unwrap().result = Some(json!({ "isError": true, "content": [] }));
    world.call(&[]).await;
    eventually(|| world.issuer.state().outcomes.len() == 1).await;
    assert_eq!(
        world.issuer.state().outcomes[0],
        json!({ "decision_id": "dec_1", "result": "failed" })
    );
}

/// What is no tool is answered by an error, which names the page too.
#[tokio::test]
async fn who_waits_for_what_is_no_tool_is_told_the_page() {
    let world = World::new().await;
    world.issuer.state().decides = Decides::Ask;
    let params = json!({ "name": "p" });
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "prompts/get", "params": params });
    let (_, answer) = world.post(&[], &message.to_string()).await;
    let error = &answer["error"];
    let page = "https://as.example/app/requests/apr_1";
    assert_eq!(error["code"], -32010);
    assert_eq!(
        (&error["data"]["code"], &error["data"]["page"]),
        (&json!("still_waiting"), &json!(page))
    );
    assert!(
        error["message"].as_str().unwrap().ends_with(page),
        "{error}"
    );
    world.issuer.state().decides = Decides::Deny;
    let (_, answer) = world.post(&[], &message.to_string()).await;
    assert_eq!(answer["error"]["data"].get("page"), None, "{answer}");
}
