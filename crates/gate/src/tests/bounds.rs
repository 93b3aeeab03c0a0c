//! What the gate takes at once of one caller and of its server, and what is answered beyond it.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Map, json};
use writ_verifier::{Asking, Decided, GatedAction, MAX_SAYS};

use super::gated::{eventually, text};
use super::issuer::Decides;
use super::world::World;
use crate::gate::StreamPlace;
use crate::owner::Owner;
use crate::watch::{MAX_UNANSWERED, look};
use crate::{MAX_ANSWER, MAX_PAGES, MAX_STREAMS, MAX_STREAMS_OF_ONE, MAX_TOOLS};

#[tokio::test]
async fn a_server_has_so_many_tools() {
    for (count, is_read) in [(MAX_TOOLS, true), (MAX_TOOLS + 1, false)] {
        let world = World::new().await;
        let tool = |place: usize| match place {
            0 => json!({ "name": "rm", "inputSchema": { "type": "object" } }),
            _ => json!({ "name": format!("tool{place}"), "inputSchema": { "type": "object" } }),
        };
        world.server.lock().unwrap().tools = (0..count).map(tool).collect();
        let (status, answer) = world.call(&[]).await;
        if is_read {
            assert_eq!((status, text(&answer)), (StatusCode::OK, "done"));
            continue;
        }
        assert_eq!(status, StatusCode::BAD_GATEWAY);
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.contains("more than 1000 tools"), "{answer}");
        assert!(world.calls().is_empty());
    }
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_told_so() {
    let world = World::new().await;
    let result = json!({ "content": [{ "type": "text", "text": "x".repeat(MAX_ANSWER) }] });
    world.server.lock().unwrap().result = Some(result);
    let (status, answer) = world.call(&[]).await;
    assert_eq!(status, StatusCode::BAD_GATEWAY);
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(message.contains("larger than 4 MiB"), "{answer}");
}

#[tokio::test]
async fn one_caller_has_so_many_requests_at_once_and_leaves_places_to_others() {
    let world = World::new().await;
    world.server.lock().unwrap().stalls = Some("initialize");
    let message = json!({ "jsonrpc": "2.0", "id": 3, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {}
    } });
    let message = message.to_string();
    let sent = |_| tokio::spawn(world.sent(world.request("POST", &[], &message)));
    let mut waiting: Vec<_> = (0..MAX_STREAMS_OF_ONE).map(sent).collect();
    eventually(|| world.reached().len() == MAX_STREAMS_OF_ONE).await;
    let ping = json!({ "jsonrpc": "2.0", "id": 4, "method": "ping" }).to_string();
    let (status, _) = world.post(&[], &ping).await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    let bob = format!("Bearer {}", world.token("usr_bob", "guest", "dlg_2"));
    let (status, _) = world.post(&[("authorization", &bob)], &ping).await;
    assert_eq!(status, StatusCode::OK);
    // Whoever goes away leaves the place.
    let gone = waiting.pop().unwrap();
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    let mut status = StatusCode::TOO_MANY_REQUESTS;
    for _ in 0..1000 {
        status = world.post(&[], &ping).await.0;
        if status == StatusCode::OK {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn a_caller_stays_good_while_an_issuer_is_silent_for_a_few_seconds() {
    let world = World::new().await;
    let (parts, _) = world.request("POST", &[], "").into_parts();
    let verifier = &world.gate.parts().verifier;
    let caller = verifier.verify(&parts).await.unwrap();
    let mut unanswered = 0;
    for is_silent in [true, false, true] {
        world.issuer.state().is_silent = is_silent;
        for question in 0..MAX_UNANSWERED {
            world.clock.advance(Duration::from_secs(1));
            let ended = look(verifier, &caller, &mut unanswered).await;
            assert!(ended.is_none(), "{is_silent} {question}");
        }
    }
    world.clock.advance(Duration::from_secs(1));
    let ended = look(verifier, &caller, &mut unanswered).await.unwrap();
    assert_eq!(ended.why, "the issuer cannot be asked about this token");
    let answer = ended.answer(&json!(1));
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_gate_has_so_many_places() {
    let world = World::new().await;
    let take = |place: usize| {
        let owner = Owner::named(&place.to_string());
        StreamPlace::take(world.gate.parts(), &owner)
    };
    let mut taken: Vec<_> = (0..MAX_STREAMS).map(take).collect();
    assert!(taken.iter().all(Option::is_some));
    assert!(take(MAX_STREAMS).is_none());
    drop(taken.pop());
    assert!(take(MAX_STREAMS).is_some());
}

#[tokio::test]
async fn a_list_of_tools_has_so_many_pages() {
    for (pages, is_read) in [(MAX_PAGES, true), (MAX_PAGES + 1, false)] {
        let world = World::new().await;
        world.server.lock().unwrap().pages_of_tools = pages;
        let (status, answer) = world.call(&[]).await;
        let expected = match is_read {
            true => StatusCode::OK,
            false => StatusCode::BAD_GATEWAY,
        };
        assert_eq!(status, expected, "{answer}");
        if let Some(message) = answer["error"]["message"].as_str() {
            assert!(
                message.contains("or more than 32 pages of them"),
                "{answer}"
            );
        }
    }
}

/// What a resource server says beside a question is words for one line.
#[tokio::test]
async fn what_is_said_beside_a_question_has_a_longest_text() {
    for (length, is_asked) in [(MAX_SAYS, true), (MAX_SAYS + 1, false)] {
        let world = World::new().await;
        world.issuer.state().decides = Decides::Ask;
        let (parts, _) = world.request("POST", &[], "").into_parts();
        let gate = world.gate.parts();
        let caller = gate.verifier.verify(&parts).await.unwrap();
        let action = GatedAction::tool("rm", Map::new()).unwrap();
        let Ok(Decided::MustAsk(unasked)) = gate.decisions.decide(&caller, action).await else {
            panic!("a question");
        };
        let asking = Asking {
            says: Some("\u{e9}".repeat(length)),
            ..Asking::default()
        };
        match unasked.ask(asking).await {
            Ok(_) => assert!(is_asked),
            Err(refused) => {
                assert!(!is_asked, "{refused}");
                let words = "`says` has more than 140 characters";
                assert!(refused.to_string().contains(words), "{refused}");
            }
        }
        assert_eq!(world.issuer.state().asked.len(), usize::from(is_asked));
    }
}
