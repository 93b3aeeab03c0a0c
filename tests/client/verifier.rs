//! Verifier and agent kit against the real server: what a resource accepts, and how it refuses.

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};
use writ_agent::{ActorCredential, Agent, Error, Grant, RequestedAccess, ResourceRefusal};
use writ_testkit::{BANK, Bank, Cast, PASSWORD, TestAgent, TestReply, both, payment};

fn post(detail: &Value) -> Request<Bytes> {
    Request::post(format!("{BANK}/payments"))
        .body(detail.to_string().into())
        .unwrap()
}

fn accounts() -> Request<Bytes> {
    Request::get(format!("{BANK}/accounts"))
        .body(Bytes::new())
        .unwrap()
}

/// The kit's call is accepted; what the bank learned.
async fn accepted(agent: &Agent, grant: &Grant, request: Request<Bytes>) -> Value {
    let reply = TestReply::of(agent.call(grant, request).await.unwrap());
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

/// The kit's call is refused with 401 and this error.
async fn refused(
    agent: &Agent,
    grant: &Grant,
    request: Request<Bytes>,
    error: &str,
) -> ResourceRefusal {
    let problem = agent.call(grant, request).await.unwrap_err();
    let Error::Resource(refusal) = problem else {
        panic!("{problem}")
    };
    assert_eq!(
        (refusal.status.as_u16(), refusal.error.as_deref()),
        (401, Some(error)),
        "{refusal}"
    );
    *refusal
}

use crate::client::challenges::{challenged, read};

both!(
    /// Accepted is exactly what was approved, once, and the bank learns who, for whom, in which task.
    the_bank_accepts_what_was_approved,
    |world| async {
        let cast = Cast::of(&world).await;
        Bank::open(&world, &cast, |_| ());
        let planner = cast.planner_kit(&world).await;
        let grant = cast.grant(&world).await;
        let seen = accepted(&planner, &grant, accounts()).await;
        assert_eq!(seen["subject"], json!(cast.alice));
        assert_eq!(seen["actors"], json!(["agt_planner"]));
        assert_eq!(seen["client"], "agt_planner");
        assert_eq!(seen["task"].as_str(), grant.mission_id.as_deref());
        assert!(seen["approval"].as_str().unwrap().starts_with("apr_"));

        let larger = payment("100.01");
        let refusal = refused(
            &planner,
            &grant,
            post(&larger),
            "insufficient_authorization",
        )
        .await;
        assert_eq!(
            refusal.insufficient.len(),
            1,
            "what would be enough, to be asked for"
        );
        let body: Value = serde_json::from_slice(&refusal.body).unwrap();
        assert_eq!(body["excess"][0]["pointer"], "/instructed_amount/amount");
        let mut other = payment("100.00");
        other["creditor"]["name"] = json!("Mallory");
        refused(&planner, &grant, post(&other), "insufficient_authorization").await;
        let calendar = json!({ "type": "calendar", "calendar": "work", "actions": ["read"] });
        refused(
            &planner,
            &grant,
            post(&calendar),
            "insufficient_authorization",
        )
        .await;

        let paid = accepted(&planner, &grant, post(&payment("99.00"))).await;
        assert_eq!(
            paid["ref"],
            grant.authorization_details[0].reference().unwrap()
        );
        // `use: once`: the same payment twice, whatever is left of it, by whichever token of the task.
        for amount in ["99.00", "1.00"] {
            refused(
                &planner,
                &grant,
                post(&payment(amount)),
                "insufficient_authorization",
            )
            .await;
        }
        let fresh = planner.refresh(&grant, &RequestedAccess::resource(BANK)).await.unwrap();
        refused(
            &planner,
            &fresh,
            post(&payment("1.00")),
            "insufficient_authorization",
        )
        .await;
        accepted(&planner, &fresh, accounts()).await;
    }
);

both!(
    /// A handed-over token works for the other agent, is useless to the caller, and shares the one payment.
    a_handed_over_token_at_the_bank,
    |world| async {
        let cast = Cast::of(&world).await;
        Bank::open(&world, &cast, |_| ());
        let (planner, booker) = (
            cast.planner_kit(&world).await,
            cast.booker.kit(&world).await,
        );
        let grant = cast.grant(&world).await;
        let consent = booker
            .actor_assertion("agt_planner", TestAgent::lifetime())
            .unwrap();
        let pay = writ_agent::details(json!([payment("60.00")])).unwrap();
        let ask = RequestedAccess::resource(BANK).details(pay);
        let handed = planner
            .delegate(&grant, &ActorCredential::assertion(consent), &ask)
            .await
            .unwrap();
        let token = handed.access_token.expose();
        let below = booker.accept(token).unwrap();
        assert!(
            planner.accept(token).is_err(),
            "the kit does not take another's token"
        );
        let stolen = read(&world, &cast.planner.dpop, token).await;
        challenged(&stolen, 401, "invalid_token");
        let seen = accepted(&booker, &below, accounts()).await;
        assert_eq!(seen["actors"], json!(["agt_booker", "agt_planner"]));
        assert_eq!(
            (&seen["subject"], &seen["client"]),
            (&json!(cast.alice), &json!("agt_booker"))
        );
        refused(
            &booker,
            &below,
            post(&payment("60.01")),
            "insufficient_authorization",
        )
        .await;
        accepted(&booker, &below, post(&payment("60.00"))).await;
        refused(
            &planner,
            &grant,
            post(&payment("10.00")),
            "insufficient_authorization",
        )
        .await;

        // The other kind of actor token, and narrowing, by the kit.
        let own = cast
            .payer
            .kit(&world)
            .await
            .own(&RequestedAccess::default())
            .await
            .unwrap();
        let credential = ActorCredential::access_token(own.access_token);
        let handed = planner
            .delegate(&grant, &credential, &RequestedAccess::resource(BANK))
            .await
            .unwrap();
        let payer = cast.payer.kit(&world).await;
        let below = payer.accept(handed.access_token.expose()).unwrap();
        accepted(&payer, &below, accounts()).await;
        let scope = RequestedAccess::resource(BANK).scope("accounts:read");
        let narrow = planner.narrow(&grant, &scope).await.unwrap();
        accepted(&planner, &narrow, accounts()).await;
        let wider = planner
            .narrow(&grant, &RequestedAccess::resource(BANK).scope("accounts:write"))
            .await;
        let Err(Error::Refused(refusal)) = wider else {
            panic!("wider")
        };
        assert_eq!(refusal.code.as_str(), "invalid_scope");
    }
);

both!(
    /// After the person stopped the task nothing is accepted, not for a second (live, cache 0).
    after_a_stop_the_bank_refuses_at_once,
    |world| async {
        let cast = Cast::of(&world).await;
        Bank::open(&world, &cast, |_| ());
        let (planner, booker) = (
            cast.planner_kit(&world).await,
            cast.booker.kit(&world).await,
        );
        let grant = cast.grant(&world).await;
        let consent = booker
            .actor_assertion("agt_planner", TestAgent::lifetime())
            .unwrap();
        let credential = ActorCredential::assertion(consent);
        let handed = planner
            .delegate(&grant, &credential, &RequestedAccess::resource(BANK))
            .await
            .unwrap();
        let below = booker.accept(handed.access_token.expose()).unwrap();
        accepted(&planner, &grant, accounts()).await;
        accepted(&booker, &below, accounts()).await;
        let mut browser = world.browser();
        let page = browser.open("/app/agents").await;
        let page = browser.log_in(&page, "alice", PASSWORD).await;
        browser.submit(&page, "task-stop", &[]).await;
        refused(&planner, &grant, accounts(), "invalid_token").await;
        refused(&planner, &grant, post(&payment("1.00")), "invalid_token").await;
        refused(&booker, &below, accounts(), "invalid_token").await;
        for problem in [
            planner
                .refresh(&grant, &RequestedAccess::resource(BANK))
                .await
                .unwrap_err(),
            planner
                .narrow(&grant, &RequestedAccess::resource(BANK))
                .await
                .unwrap_err(),
            booker
                .narrow(&below, &RequestedAccess::resource(BANK))
                .await
                .unwrap_err(),
        ] {
            assert!(matches!(problem, Error::Refused(_)), "{problem}");
            assert!(!problem.advice().is_empty());
        }
    }
);
