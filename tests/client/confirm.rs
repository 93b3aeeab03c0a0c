//! `confirm` of the agent kit against the real server and the real bank: refused, confirmed by a person, done once.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};
use writ_agent::{Agent, Confirm, Error, ErrorCode, Grant, ResourceRefusal};
use writ_testkit::{BANK, Bank, Cast, TestReply, World, both, payment};

fn post(detail: &Value) -> Request<Bytes> {
    Request::post(format!("{BANK}/payments"))
        .body(detail.to_string().into())
        .unwrap()
}

async fn pays(agent: &Agent, grant: &Grant, amount: &str) -> Value {
    let answer = agent.call(grant, post(&payment(amount))).await;
    let reply = TestReply::of(answer.unwrap());
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

async fn refusal(agent: &Agent, grant: &Grant, amount: &str) -> ResourceRefusal {
    match agent.call(grant, post(&payment(amount))).await {
        Err(Error::Resource(refused)) => *refused,
        other => panic!("no refusal: {other:?}"),
    }
}

/// Time passes while the kit sleeps.
fn sleep(world: &World) -> impl Fn(Duration) -> std::future::Ready<()> + '_ {
    |pause| {
        world.clock.advance(pause);
        std::future::ready(())
    }
}

struct Scene {
    cast: Cast,
    kit: Agent,
    grant: Grant,
}

/// The planner may pay 100.00, and its bank takes no more than that.
async fn opened(world: &World) -> Scene {
    let cast = Cast::of(world).await;
    Bank::open(world, &cast, |_| ());
    Scene {
        kit: cast.planner_kit(world).await,
        grant: cast.grant(world).await,
        cast,
    }
}

both!(
    /// The bank refuses, the person approves on the phone, the payment passes once and never again.
    refused_confirmed_paid_once,
    |world| async {
        let scene = opened(&world).await;
        let (kit, grant) = (&scene.kit, &scene.grant);
        let refused = refusal(kit, grant, "300.00").await;
        assert_eq!(refused.code(), Some(ErrorCode::InsufficientAuthorization));
        assert_eq!(refused.authorization_reference, None, "single use");
        let ask = Confirm::refused(&refused).binding_message("W4SCT");
        let mut question = kit.confirm(grant, &ask).await.unwrap();

        let mut alice = world.phone_of("alice").await;
        let waiting = alice.inbox().await;
        let page = alice.look(&waiting[0]).await;
        page.says("Pay up to EUR 300.00 to “KLM” (NL91ABNA0417164300), once");
        page.says("W4SCT");
        alice.approve_by_password(&page).await;

        let once = question.wait(kit, sleep(&world)).await.unwrap();
        assert!(once.refresh_token.is_none(), "for one action");
        assert_eq!(once.authorization_details.len(), 1);
        let paid = pays(kit, &once, "300.00").await;
        let reference = once.authorization_details[0].reference().unwrap();
        assert_eq!(paid["ref"], reference);
        assert_eq!(paid["subject"], scene.cast.alice.as_str());
        assert_eq!(paid["task"].as_str(), grant.mission_id.as_deref());
        assert_eq!(paid["approval"], waiting[0].as_str());

        // The same again, less, or by the token of before: never.
        for amount in ["300.00", "1.00"] {
            let again = refusal(kit, &once, amount).await;
            assert_eq!(again.code(), Some(ErrorCode::InsufficientAuthorization));
        }
        refusal(kit, grant, "300.00").await;
        // What the task had before is untouched.
        pays(kit, grant, "99.00").await;
        // A second fetch of the answer gets nothing.
        world.advance(10);
        let error = question.poll(kit).await.unwrap_err();
        assert_eq!(error.code(), Some(ErrorCode::InvalidGrant));
        // And the single-use token asks for nothing more.
        let further = kit.confirm(&once, &ask).await;
        assert!(matches!(further, Err(Error::Refused(_))), "{further:?}");
    }
);

both!(
    /// Denial and expiry are typed, with advice.
    denied_and_expired_are_typed,
    |world| async {
        let scene = opened(&world).await;
        let (kit, grant) = (&scene.kit, &scene.grant);
        let refused = refusal(kit, grant, "300.00").await;
        let ask = Confirm::refused(&refused);
        let mut question = kit.confirm(grant, &ask).await.unwrap();
        assert!(question.poll(kit).await.unwrap().is_none());
        let hasty = question.poll(kit).await.unwrap_err();
        assert_eq!(hasty.code(), Some(ErrorCode::SlowDown));
        assert_eq!(question.interval(), Duration::from_secs(10));
        let mut alice = world.phone_of("alice").await;
        let waiting = alice.inbox().await;
        let page = alice.look(&waiting[0]).await;
        alice.refuse(&page, "deny").await;
        world.advance(10);
        let denied = question.wait(kit, sleep(&world)).await.unwrap_err();
        assert!(matches!(denied, Error::Denied { .. }), "{denied}");
        assert!(denied.advice().contains("do not repeat"));

        // After a no there is a pause before the next question.
        world.advance(120);
        let fresh = kit
            .refresh(grant, &writ_agent::RequestedAccess::resource(BANK))
            .await
            .unwrap();
        let mut question = kit.confirm(&fresh, &ask).await.unwrap();
        // Nobody decides: the wait ends by itself. Each poll is held by the server, so the clock is moved first.
        world.advance(300);
        let expired = question.wait(kit, sleep(&world)).await.unwrap_err();
        assert_eq!(expired.code(), Some(ErrorCode::ExpiredToken), "{expired}");
        assert!(expired.advice().contains("means no"));
    }
);

both!(
    /// CIBA 7.1: the question belongs to the token's task and key; nobody else's token asks.
    only_the_holder_of_the_token_asks_within_its_task,
    |world| async {
        let scene = opened(&world).await;
        let refused = refusal(&scene.kit, &scene.grant, "300.00").await;
        let ask = Confirm::refused(&refused);
        let thief = scene.cast.booker.kit(&world).await;
        let stolen = thief.confirm(&scene.grant, &ask).await;
        assert!(matches!(stolen, Err(Error::Refused(_))), "{stolen:?}");
        // Beyond the agent's ceiling of 500.00 no person can lift it.
        let beyond = refusal(&scene.kit, &scene.grant, "500.01").await;
        let beyond = scene
            .kit
            .confirm(&scene.grant, &Confirm::refused(&beyond))
            .await
            .unwrap_err();
        assert_eq!(beyond.code(), Some(ErrorCode::InvalidAuthorizationDetails));
        // Without a token an agent asks only whom it may.
        let nobody = scene.kit.confirm_in_new_task("mallory", &ask).await;
        let nobody = nobody.unwrap_err();
        assert_eq!(nobody.code(), Some(ErrorCode::UnknownUserId), "{nobody}");
        let details = writ_agent::details(json!([payment("5.00")])).unwrap();
        let asked = scene
            .kit
            .confirm_in_new_task("alice", &Confirm::details(&details).resource(BANK))
            .await;
        assert!(asked.is_ok(), "{asked:?}");
    }
);
