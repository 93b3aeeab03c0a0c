//! Push (CIBA 10.3): the client is sent the answer itself, the same one until it arrives.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use writ_authority::{Authority, Level};
use writ_core::pending::{Decision, Ending, PendingRequest, State};
use writ_core::task::{Approval, PersonAuthentication};
use writ_jose::hash::sha256;
use writ_server::background::sending;
use writ_server::notifications::outbox;
use writ_store::notice::Notice;
use writ_testkit::{
    BANK, Cast, HttpReceiver, Plain, ReceivedRequest, World, both_heard, claims, enrol_plain,
};
use writ_wire::claims::{ApprovalBasis, DecidedBy};

use crate::approvals::notices::{NOTIFICATION_TOKEN, WAIT, node, notices_of};

/// A web server that asked alice, and what it was told at once.
pub struct Asked {
    pub cast: Cast,
    pub web: Plain,
    pub auth_req_id: String,
    pub request: PendingRequest,
}

async fn ask(world: &World, receiver: &HttpReceiver) -> Asked {
    ask_to_be_told(world, "push", &receiver.url("/push")).await
}

/// By `/bc-authorize`; the answer is delivered in this mode, to this address.
pub async fn ask_to_be_told(world: &World, mode: &str, endpoint: &str) -> Asked {
    let cast = Cast::of(world).await;
    let web = enrol_plain(
        world,
        json!({
            "client_id": "web", "client_name": "Web", "profile": "oauth21",
            "grant_types": ["urn:openid:params:grant-type:ciba", "refresh_token"],
            "scope": "openid accounts:read", "token_endpoint_auth_method": "client_secret_basic",
            "backchannel_token_delivery_mode": mode, "may_ask": ["alice"],
            "backchannel_client_notification_endpoint": endpoint
        }),
    )
    .await;
    let form = vec![
        ("scope", "openid accounts:read".to_owned()),
        ("login_hint", "alice".to_owned()),
        ("binding_message", "W4SCT".to_owned()),
        ("client_notification_token", NOTIFICATION_TOKEN.to_owned()),
        ("requested_expiry", WAIT.to_string()),
    ];
    let reply = web.send(world, "/bc-authorize", &form).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let is_polled = reply.json().get("interval").is_some();
    assert_eq!(
        is_polled,
        mode != "push",
        "CIBA 7.3: only for those who poll"
    );
    let alice = writ_core::id::UserId::from_text(cast.alice.as_str());
    let mut reading = world.app.read().await.unwrap();
    let inbox = reading.inbox(&alice, world.now(), 10).await.unwrap();
    sending::send_due(&world.app).await.unwrap();
    Asked {
        cast,
        web,
        auth_req_id: reply.member("auth_req_id"),
        request: inbox.into_iter().next().unwrap(),
    }
}

async fn decide(world: &World, request: &PendingRequest, state: State) {
    let yes = state == State::Approved;
    let approval = Approval {
        id: request.id.clone(),
        basis: ApprovalBasis::Password,
        at: world.now(),
        authentication: Some(PersonAuthentication::of(Level::Password, world.now())),
        transaction: None,
        by: Some(DecidedBy::Subject),
        people: 1,
        designation: None,
    };
    let authority = request.asked.authority.clone();
    let decision = Decision {
        authority: if yes { authority } else { Authority::default() },
        narrowed: false,
        ends_at: None,
        approval: yes.then_some(approval),
        by: Vec::new(),
        reason: None,
    };
    let mut transaction = world.app.begin().await.unwrap();
    let decided = transaction.decide_pending(&request.id, &decision, world.now());
    assert!(decided.await.unwrap());
    let hook = outbox::request_decided(&world.app, &mut transaction, request);
    hook.await.unwrap();
    transaction.commit().await.unwrap();
}

/// Ends the test unless it came from us, for this client.
fn pushed(heard: &ReceivedRequest) -> Value {
    assert_eq!(heard.path, "/push");
    assert_eq!(
        heard.header("authorization"),
        format!("Bearer {NOTIFICATION_TOKEN}")
    );
    assert_eq!(heard.header("content-type"), "application/json");
    heard.json()
}

/// OpenID Connect Core 3.1.3.6: the left half of the hash.
fn half_hash(token: &Value) -> String {
    URL_SAFE_NO_PAD.encode(&sha256(token.as_str().unwrap().as_bytes())[..16])
}

async fn count(world: &World, name: &str) -> usize {
    let names = world.event_names().await;
    names.iter().filter(|found| *found == name).count()
}

both_heard!(
    ciba_10_3_1_a_push_holds_the_tokens_and_ties_them_together,
    |world, receiver| async {
        let asked = ask(&world, &receiver).await;
        assert!(receiver.heard().is_empty(), "nobody answered yet");
        let mut alice = world.phone_of("alice").await;
        let page = alice.look(asked.request.id.as_str()).await;
        alice.approve_by_password(&page).await;
        sending::send_due(&world.app).await.unwrap();
        let body = pushed(&receiver.only());
        assert_eq!(body["auth_req_id"], asked.auth_req_id.as_str());
        assert_eq!(
            body["token_type"], "DPoP",
            "bound to the key that was shown when it was asked"
        );
        let identity = claims(body["id_token"].as_str().unwrap());
        assert_eq!(identity["at_hash"], half_hash(&body["access_token"]));
        let (handle, refresh) = (
            "urn:openid:params:jwt:claim:auth_req_id",
            "urn:openid:params:jwt:claim:rt_hash",
        );
        assert_eq!(identity[handle], asked.auth_req_id.as_str());
        assert_eq!(identity[refresh], half_hash(&body["refresh_token"]));
        assert_eq!(identity["sub"], asked.cast.alice.as_str());
        let token = body["access_token"].as_str().unwrap();
        assert_eq!(claims(token)["aud"], BANK);
        assert_eq!(asked.cast.introspect(&world, token).await["active"], true);
    }
);

both_heard!(
    a_failed_push_sends_the_same_token_again,
    |world, receiver| async {
        let asked = ask(&world, &receiver).await;
        decide(&world, &asked.request, State::Approved).await;
        receiver.answer(500, &[]);
        sending::send_due(&world.app).await.unwrap();
        let first = receiver.only();
        let kept = notices_of(&world, &asked.request).await;
        let row = format!("{kept:?}");
        let token = first.json()["access_token"].as_str().unwrap().to_owned();
        assert!(!row.contains(&token), "a token is kept nowhere: {row}");
        world.advance(2);
        let other = node(&world, &[("OUTBOUND__TRUSTED", &receiver.origin)]).await;
        sending::send_due(&other).await.unwrap();
        assert_eq!(pushed(&receiver.only()), pushed(&first));
        world.advance(WAIT);
        sending::send_due(&world.app).await.unwrap();
        assert!(receiver.heard().is_empty());
        assert_eq!(count(&world, "token.issued").await, 1, "never two tokens");
        assert_eq!(count(&world, "approval.redeemed").await, 1);
    }
);

both_heard!(
    /// A token that was made before the request's end can be sent after it.
    a_push_outlives_its_request,
    |world, receiver| async {
        let asked = ask(&world, &receiver).await;
        world.advance(WAIT - 1);
        decide(&world, &asked.request, State::Approved).await;
        receiver.answer(503, &[]);
        sending::send_due(&world.app).await.unwrap();
        let first = receiver.only();
        world.advance(2);
        sending::send_due(&world.app).await.unwrap();
        assert_eq!(receiver.only().json(), first.json());
    }
);

both_heard!(
    /// What was made and did not arrive is not sent after a stop.
    a_stop_between_attempts_ends_the_token,
    |world, receiver| async {
        let asked = ask(&world, &receiver).await;
        decide(&world, &asked.request, State::Approved).await;
        receiver.answer(500, &[]);
        sending::send_due(&world.app).await.unwrap();
        receiver.only();
        let mut transaction = world.app.begin().await.unwrap();
        let found = transaction.pending_by_id(&asked.request.id).await.unwrap();
        let delegation = found.unwrap().status.delegation().cloned().unwrap();
        assert!(transaction.stop_delegation(&delegation, world.now()).await.unwrap());
        transaction.commit().await.unwrap();
        world.advance(2);
        sending::send_due(&world.app).await.unwrap();
        let body = pushed(&receiver.only());
        assert_eq!(body["error"], "transaction_failed");
        assert!(body.get("access_token").is_none());
    }
);

both_heard!(
    ciba_12_a_denial_is_pushed_as_an_error,
    |world, receiver| async {
        let asked = ask(&world, &receiver).await;
        decide(&world, &asked.request, State::Denied).await;
        sending::send_due(&world.app).await.unwrap();
        let body = pushed(&receiver.only());
        assert_eq!(body["error"], "access_denied");
        assert_eq!(body["auth_req_id"], asked.auth_req_id.as_str());
        assert!(body["error_description"].is_string());
        assert_eq!(count(&world, "token.issued").await, 0);
    }
);

both_heard!(
    /// The last word is a no.
    a_yes_that_a_no_took_back_is_pushed_as_a_no,
    |world, receiver| async {
        let asked = ask(&world, &receiver).await;
        decide(&world, &asked.request, State::Approved).await;
        let mut transaction = world.app.begin().await.unwrap();
        let approved = transaction.pending_by_id(&asked.request.id).await;
        let approved = approved.unwrap().unwrap();
        let ending = Ending::TakenBack {
            approved: &approved,
            by: &approved.id,
        };
        let ended = transaction.end_pending(ending, world.now()).await;
        assert_eq!(ended.unwrap().len(), 1);
        transaction.commit().await.unwrap();
        sending::send_due(&world.app).await.unwrap();
        let body = pushed(&receiver.only());
        assert_eq!(body["error"], "access_denied");
        assert_eq!(count(&world, "token.issued").await, 0);
    }
);

both_heard!(
    ciba_12_silence_is_pushed_as_an_error_once,
    |world, receiver| async {
        let asked = ask(&world, &receiver).await;
        world.advance(WAIT);
        sending::send_due(&world.app).await.unwrap();
        let body = pushed(&receiver.only());
        assert_eq!(body["error"], "expired_token");
        assert_eq!(body["auth_req_id"], asked.auth_req_id.as_str());
        sending::send_due(&world.app).await.unwrap();
        assert!(receiver.heard().is_empty());
    }
);

both_heard!(
    /// What holds at the decision must hold at the redemption.
    a_person_who_is_disabled_meanwhile_gives_nothing,
    |world, receiver| async {
        let asked = ask(&world, &receiver).await;
        decide(&world, &asked.request, State::Approved).await;
        let mut transaction = world.app.begin().await.unwrap();
        let alice = asked.request.subject.clone().unwrap();
        assert!(transaction.disable_user(&alice, world.now()).await.unwrap());
        transaction.commit().await.unwrap();
        sending::send_due(&world.app).await.unwrap();
        let body = pushed(&receiver.only());
        assert_eq!(body["error"], "transaction_failed");
        assert_eq!(count(&world, "token.issued").await, 0);
        assert_eq!(count(&world, "token.refused").await, 1, "it is on record");
    }
);

both_heard!(
    /// A node that was slower than its lease still holds the letter as it was before another one made the token.
    a_node_that_comes_late_does_not_say_that_a_push_failed,
    |world, receiver| async {
        let asked = ask(&world, &receiver).await;
        decide(&world, &asked.request, State::Approved).await;
        let notices = notices_of(&world, &asked.request).await;
        let old = notices.into_iter().find(|notice| notice.kind == "push").unwrap();
        receiver.answer(503, &[]);
        sending::send_due(&world.app).await.unwrap();
        let first = pushed(&receiver.only());
        assert!(first["access_token"].is_string(), "{first}");
        let made = notices_of(&world, &asked.request).await;
        let made = made.into_iter().find(|notice| notice.id == old.id).unwrap();
        reseal(&world, &old).await;
        world.advance(2);
        sending::send_due(&world.app).await.unwrap();
        assert_eq!(receiver.heard().len(), 0, "it knows no answer");
        reseal(&world, &made).await;
        world.advance(60);
        sending::send_due(&world.app).await.unwrap();
        assert_eq!(pushed(&receiver.only()), first);
        assert_eq!(count(&world, "token.issued").await, 1);
    }
);

/// As a node read it that is slow.
async fn reseal(world: &World, letter: &Notice) {
    let mut transaction = world.begin().await;
    transaction
        .reseal_notice(&letter.id, &letter.sealed)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
}
