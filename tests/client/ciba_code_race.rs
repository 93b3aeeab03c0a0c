//! A person's code against unwanted questions (CIBA 7.1, `user_code`) may have four digits: guesses are counted before they are
//! looked at, for all nodes together.

use serde_json::json;
use writ_server::node::passwords;
use writ_testkit::{Cast, Change, Plain, Ready, TestReply, World, basic, both, enrol_plain, with};

use crate::client::ciba::{question_of_web, web_file};
use crate::laws::races::{doors_of, send_at_once};

const GUESSES: usize = 20;

/// A client that sends codes, and alice, who has one.
async fn guarded(world: &World) -> Plain {
    Cast::of(world).await;
    let file = web_file(json!({ "backchannel_user_code_parameter": true }));
    let web = enrol_plain(world, file).await;
    let hash = passwords::hash("4711", &[7; 16]).unwrap();
    let alice = world.user_id("alice").await;
    let mut transaction = world.begin().await;
    let set = transaction.set_user_code(&alice, Some(&hash), world.now());
    set.await.unwrap();
    transaction.commit().await.unwrap();
    web
}

fn ready(web: &Plain, code: &str) -> Ready {
    let form = question_of_web().with("user_code", code);
    let form = with(&form, "client_id", web.id.as_str());
    let secret = web.secret.as_deref().unwrap();
    Ready::new("/bc-authorize", &form).header("authorization", &basic(&web.id, secret))
}

#[track_caller]
fn all_wrong(replies: &[TestReply]) {
    for reply in replies {
        assert_eq!(reply.error(), "invalid_user_code", "{}", reply.text());
    }
}

/// How many were compared with the code, and not only counted.
async fn looked_at(world: &World) -> usize {
    let refused = world.events_named("request.refused").await;
    let reasons = refused.iter().filter_map(|event| event.reason.as_deref());
    let wrong = reasons.filter(|reason| reason.contains("the user code is wrong"));
    wrong.filter(|reason| !reason.contains("paused")).count()
}

both!(
    ciba_7_1_twenty_codes_at_once_are_five_guesses,
    |world| async {
        let web = guarded(&world).await;
        let doors = doors_of(&world).await;
        let all = (0..GUESSES).map(|_| ready(&web, "0815"));
        all_wrong(&send_at_once(&doors, all.collect()).await);
        assert_eq!(looked_at(&world).await, 5);
        // The right one has to wait too, on every node.
        let both = doors.iter().map(|_| ready(&web, "4711"));
        all_wrong(&send_at_once(&doors, both.collect()).await);
        world.advance(900);
        let reply = doors[1].send(&ready(&web, "4711")).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
);

both!(
    ciba_7_1_a_right_code_and_a_new_one_forget_the_wrong_ones,
    |world| async {
        let web = guarded(&world).await;
        let door = world.door();
        let guess = async || door.send(&ready(&web, "0815")).await;
        for round in 0..3 {
            for _ in 0..4 {
                all_wrong(&[guess().await]);
            }
            let right = door.send(&ready(&web, "4711")).await;
            assert_eq!(right.status, 200, "{round}: {}", right.text());
        }
        assert_eq!(looked_at(&world).await, 12);
    }
);
