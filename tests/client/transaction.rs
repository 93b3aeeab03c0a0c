//! The transaction authorization challenge (draft-rosomakho-oauth-txn-challenge-00) at the server: a resource's
//! challenge is brought, a person decides, one token comes back.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use serde_json::json;
use writ_agent::{
    Agent, Confirm, Error, ErrorCode, Grant, RequestedAccess, ResourceKeys, ResourceRefusal,
};
use writ_testkit::{
    BANK, Bank, Cast, Forge, ISSUER, TRANSACTIONS, World, both, both_with, minted, payment, refused,
};
use writ_verifier::{TransactionSigner, Transactions};

/// The bank challenges, and the planner has a token of alice's.
pub(crate) struct Scene {
    pub cast: Cast,
    pub bank: Forge,
    pub token: String,
}

pub(crate) async fn opened(world: &World) -> Scene {
    let cast = Cast::of(world).await;
    let bank = Forge::new(&world.random);
    cast.bank_challenges_with(world, &bank).await;
    let token = cast.token(world).await;
    Scene { cast, bank, token }
}

both_with!(
    draft_an_approved_challenge_is_one_token_for_just_that_transaction,
    TRANSACTIONS,
    |world| async {
        let scene = opened(&world).await;
        let planner = &scene.cast.planner;
        let before = writ_testkit::claims(&scene.token);
        let claims = scene.bank.challenge_claims(&world);
        let challenge = scene.bank.challenge(&claims);
        let reply = planner.present(&world, &challenge, &scene.token).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        let id = reply.member("transaction_authorization_id");
        let request = world.waiting(&id).await;
        assert_eq!(
            reply.json(),
            json!({
                "transaction_authorization_id": id, "expires_in": 300, "interval": 5,
                "authorization_uri": format!("{ISSUER}/app/requests/{}", request.id)
            })
        );
        let waiting = planner.poll_transaction(&world, &id).await;
        refused(&waiting, "authorization_pending", "nobody decided");
        world.approve(&id, "alice").await;
        world.advance(5);
        let reply = planner.poll_transaction(&world, &id).await;
        let token = minted(&reply, "approved");
        assert_eq!(token["txn"], claims["txn"]);
        assert_eq!(token["aud"], json!(BANK));
        assert_eq!(token["sub"], json!(scene.cast.alice));
        assert_eq!(
            token["act"]["sub"], before["act"]["sub"],
            "the same requester"
        );
        assert_eq!(token["act"]["iss"], before["act"]["iss"]);
        assert_eq!(
            token["mission"]["id"], before["mission"]["id"],
            "the same task"
        );
        assert_eq!(token["cnf"], before["cnf"], "the same key");
        assert_eq!(token.get("scope"), None, "nothing besides");
        let granted = &token["authorization_details"];
        assert_eq!(granted.as_array().unwrap().len(), 1);
        assert_eq!(granted[0]["instructed_amount"]["amount"], json!("300.00"));
        assert_eq!(reply.json()["authorization_details"], *granted);
        assert_eq!(reply.json()["token_type"], json!("DPoP"));
        assert_eq!(reply.json().get("refresh_token"), None);
        assert!(reply.json()["expires_in"].as_u64().unwrap() <= 300);
        let heard = scene.cast.introspect(&world, &reply.access_token()).await;
        assert_eq!(heard["active"], json!(true));
        assert_eq!(heard["txn"], claims["txn"]);
        for name in ["approval.requested", "approval.redeemed"] {
            let events = world.events_named(name).await;
            assert_eq!(events.len(), 1, "{name}");
            assert_eq!(events[0].task.as_deref(), before["mission"]["id"].as_str());
        }
        let again = planner.poll_transaction(&world, &id).await;
        refused(&again, "invalid_grant", "fetched once");
    }
);

/// The bank signs by this, and the planner's kit verifies it.
fn signer() -> TransactionSigner {
    TransactionSigner::generate()
        .unwrap()
        .with_reason("More than the daily limit: see https://bank.example")
}

async fn opened_bank(world: &World) -> (Cast, Agent, Grant) {
    let cast = Cast::of(world).await;
    let signer = signer();
    let keys = serde_json::to_value(signer.jwks()).unwrap();
    world.add_resource(cast.bank_file(keys)).await;
    let known = ResourceKeys::default().with(BANK, &signer.jwks()).unwrap();
    Bank::open(world, &cast, |config| {
        config.transactions = Transactions::Challenge(signer);
    });
    let kit = cast.planner_kit(world).await;
    let kit = kit.accept_challenges(known).unwrap();
    let grant = cast.grant(world).await;
    (cast, kit, grant)
}

fn post(amount: &str) -> Request<Bytes> {
    Request::post(format!("{BANK}/payments"))
        .body(payment(amount).to_string().into())
        .unwrap()
}

async fn refusal(kit: &Agent, grant: &Grant, amount: &str) -> ResourceRefusal {
    match kit.call(grant, post(amount)).await {
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

both_with!(
    draft_a_bank_challenges_the_phone_decides_and_the_kit_pays_once,
    TRANSACTIONS,
    |world| async {
        let (cast, kit, grant) = opened_bank(&world).await;
        let refused = refusal(&kit, &grant, "300.00").await;
        assert_eq!(refused.status, 401);
        assert_eq!(
            refused.code(),
            Some(ErrorCode::TransactionAuthorizationRequired)
        );
        let challenge = refused.transaction_challenge.clone().unwrap();
        let said = writ_testkit::claims(&challenge);
        assert_eq!(said["sub"], json!(cast.alice));
        assert_eq!(said["act"], json!({ "iss": ISSUER, "sub": "agt_planner" }));
        let ask = Confirm::refused(&refused).binding_message("not shown");
        let mut question = kit.confirm(&grant, &ask).await.unwrap();

        let mut alice = world.phone_of("alice").await;
        let waiting = alice.inbox().await;
        let path = format!("{ISSUER}/app/requests/{}", waiting[0]);
        assert_eq!(question.authorization_uri.as_deref(), Some(path.as_str()));
        let page = alice.look(&waiting[0]).await;
        page.says("Pay up to EUR 300.00 to “KLM” (NL91ABNA0417164300), once");
        page.says("Bank wants a person to decide, in its own words");
        page.says("“More than the daily limit: see bank.example”");
        page.does_not_say("In the agent's own words");
        page.does_not_say("not shown");
        let done = alice.approve_by_password(&page).await;
        let receipt = alice.receipt(&done).await;
        assert!(receipt.contains("More than the daily limit: see bank.example"));

        let once = question.wait(&kit, sleep(&world)).await.unwrap();
        let token = writ_testkit::claims(once.access_token.expose());
        assert_eq!(token["txn"], said["txn"]);
        assert_eq!(token["act"]["sub"], json!("agt_planner"));
        let paid = kit.call(&once, post("300.00")).await.unwrap();
        assert_eq!(paid.status(), 200);
        // Once, and for nothing else.
        for amount in ["300.00", "1.00"] {
            let again = refusal(&kit, &once, amount).await;
            assert!(again.transaction_challenge.is_some());
        }
        assert_eq!(kit.call(&grant, post("99.00")).await.unwrap().status(), 200);
    }
);

both_with!(
    draft_who_does_not_say_that_it_takes_challenges_gets_none,
    TRANSACTIONS,
    |world| async {
        let (cast, _, grant) = opened_bank(&world).await;
        let silent = cast.planner_kit(&world).await;
        let refused = refusal(&silent, &grant, "300.00").await;
        assert_eq!(refused.code(), Some(ErrorCode::InsufficientAuthorization));
        assert_eq!(refused.transaction_challenge, None);
        assert_eq!(refused.insufficient.len(), 1, "as before");
    }
);

both_with!(
    draft_pending_and_polling_denied_and_expired,
    TRANSACTIONS,
    |world| async {
        let (_, kit, grant) = opened_bank(&world).await;
        let refused = refusal(&kit, &grant, "300.00").await;
        let mut question = kit
            .confirm(&grant, &Confirm::refused(&refused))
            .await
            .unwrap();
        assert!(question.poll(&kit).await.unwrap().is_none());
        let hasty = question.poll(&kit).await.unwrap_err();
        assert_eq!(hasty.code(), Some(ErrorCode::SlowDown));
        assert_eq!(question.interval(), Duration::from_secs(10));
        let mut alice = world.phone_of("alice").await;
        let waiting = alice.inbox().await;
        let page = alice.look(&waiting[0]).await;
        alice.refuse(&page, "deny").await;
        world.advance(10);
        let denied = question.wait(&kit, sleep(&world)).await.unwrap_err();
        assert!(matches!(denied, Error::Denied { .. }), "{denied}");

        // After a no there is a pause before the next question.
        let refused = refusal(&kit, &grant, "300.00").await;
        let early = kit.confirm(&grant, &Confirm::refused(&refused)).await;
        let Err(Error::Refused(early)) = early else {
            panic!("{early:?}");
        };
        assert_eq!(early.code, ErrorCode::AccessDenied);
        assert_eq!(
            early.retry_after,
            Some(Duration::from_secs(50)),
            "10 seconds on"
        );
        world.advance(120);
        let grant = kit
            .refresh(&grant, &RequestedAccess::resource(BANK))
            .await
            .unwrap();
        // What was refused used nothing up: the same challenge may come again.
        let mut question = kit
            .confirm(&grant, &Confirm::refused(&refused))
            .await
            .unwrap();
        world.advance(300);
        let expired = question.wait(&kit, sleep(&world)).await.unwrap_err();
        assert_eq!(expired.code(), Some(ErrorCode::ExpiredToken), "{expired}");
    }
);

both_with!(
    draft_less_than_the_challenge_asks_may_be_approved_and_never_more,
    TRANSACTIONS,
    |world| async {
        let (_, kit, grant) = opened_bank(&world).await;
        let refused = refusal(&kit, &grant, "300.00").await;
        let mut question = kit
            .confirm(&grant, &Confirm::refused(&refused))
            .await
            .unwrap();
        let mut alice = world.phone_of("alice").await;
        let waiting = alice.inbox().await;
        let choice = [("part", "d0"), ("amount-d0", "200.00")];
        let page = alice.less(&waiting[0], &choice).await;
        page.says("Pay up to EUR 200.00");
        alice.approve_by_password(&page).await;
        let once = question.wait(&kit, sleep(&world)).await.unwrap();
        let granted = &once.authorization_details[0];
        assert_eq!(
            granted.members()["instructed_amount"]["amount"],
            json!("200.00")
        );
        refusal(&kit, &once, "300.00").await;
        let paid = kit.call(&once, post("200.00")).await.unwrap();
        assert_eq!(paid.status(), 200);
    }
);

both_with!(
    draft_the_endpoint_is_named_and_takes_post_alone,
    TRANSACTIONS,
    |world| async {
        let path = "/transaction_authorization";
        let metadata = world
            .get("/.well-known/oauth-authorization-server", &[])
            .await;
        let named = &metadata.json()["transaction_authorization_endpoint"];
        assert_eq!(*named, json!(format!("{ISSUER}{path}")));
        assert_eq!(world.get(path, &[]).await.status, 405);
    }
);

both!(
    draft_without_the_feature_there_is_no_endpoint,
    |world| async {
        let scene = opened(&world).await;
        let challenge = scene.bank.challenge(&scene.bank.challenge_claims(&world));
        let planner = &scene.cast.planner;
        let reply = planner.present(&world, &challenge, &scene.token).await;
        assert_eq!(reply.status, 404);
        let metadata = world
            .get("/.well-known/oauth-authorization-server", &[])
            .await;
        let metadata = metadata.json();
        assert_eq!(metadata.get("transaction_authorization_endpoint"), None);
        let kit = scene.cast.planner_kit(&world).await;
        let known = ResourceKeys::default();
        assert!(matches!(kit.accept_challenges(known), Err(Error::Usage(_))));
    }
);
