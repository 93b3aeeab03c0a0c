//! A call that waits for a person, and whose token ends: one answer, whatever of both is heard of first.

use std::sync::Arc;

use http::StatusCode;
use tokio::task::JoinSet;

use super::gated::{eventually, text};
use super::issuer::{Decides, Door};
use super::waits::{ALL, By, Client, LONG, code};

/// How a question ends at the moment at which its caller's token ends.
const ENDS: [(&str, Decides); 4] = [
    ("cancelled", Decides::Ask),
    ("denied", Decides::Ask),
    ("expired", Decides::Ask),
    // A yes that permits nothing any more.
    ("approved", Decides::Deny),
];

/// Of a stop the wait hears first, and the watch over the token later: the answer is the same one.
#[tokio::test]
async fn a_stop_has_one_answer_whatever_hears_of_it_first() {
    let mut cases = JoinSet::new();
    for by in ALL {
        for (status, decides) in ENDS {
            cases.spawn(async move {
                let client = Client::new(by, LONG).await;
                let issuer = Arc::clone(&client.world.issuer);
                let answer = client.waiting().await;
                // The watch asks, hears that the token is good, and has to wait for that.
                issuer.door.send_replace(Door::Closed("/introspect"));
                let asked = issuer.state().introspected;
                eventually(|| issuer.state().introspected > asked).await;
                {
                    let mut state = issuer.state();
                    (state.is_active, state.status, state.decides) = (false, status, decides);
                }
                eventually(|| issuer.state().introspected > asked + 1).await;
                issuer.door.send_replace(Door::Open);
                let (http, answer) = answer.await.unwrap();
                let place = format!("{by:?}, {status}: {answer}");
                assert_eq!(answer["error"]["code"], -32010, "{place}");
                let expected = match by {
                    // Its stream had begun.
                    By::Progress => StatusCode::OK,
                    _ => StatusCode::UNAUTHORIZED,
                };
                assert_eq!(http, expected, "{place}");
                assert!(client.world.calls().is_empty(), "{place}");
            });
        }
    }
    while let Some(case) = cases.join_next().await {
        case.unwrap();
    }
}

/// The person wants no questions of the resource any more: the token is as good as before.
#[tokio::test]
async fn a_question_that_is_stopped_alone_is_told_as_that() {
    for by in ALL {
        let client = Client::new(by, LONG).await;
        let answer = client.waiting().await;
        client.world.issuer.state().status = "cancelled";
        let (_, answer) = answer.await.unwrap();
        assert_eq!(code(&answer), "cancelled", "{by:?}: {answer}");
        assert!(text(&answer).contains("stopped"), "{by:?}: {answer}");
    }
}
