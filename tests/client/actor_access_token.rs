//! The agent's own access token as actor token: for the issuer, without `act`, bound to a key.

use serde_json::json;
use writ_testkit::{Cast, Forge, ISSUER, both, claims, minted, refused};
use writ_wire::exchange::{TOKEN_TYPE_ACCESS_TOKEN, TOKEN_TYPE_JWT};

use crate::client::actor_token::{present, remove};

both!(
    /// The agent's own access token, only if `aud` is the issuer, `sub` that agent, no `act`, with `cnf.jkt`.
    an_agents_own_access_token_as_actor_token,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let own = cast.booker.own(&world, &[]).await.access_token();
        let reply = present(&world, &cast, &token, (&own, TOKEN_TYPE_ACCESS_TOKEN)).await;
        let handed = minted(&reply, "its own, for the issuer");
        assert_eq!(handed["act"]["sub"], "agt_booker");
        assert_eq!(handed["cnf"]["jkt"], cast.booker.dpop.thumbprint());
        minted(
            &cast
                .booker
                .send(
                    &world,
                    "/token",
                    &cast.exchange_form(&reply.access_token(), None),
                )
                .await,
            "it can use it",
        );

        let scope = [("scope", "accounts:read".to_owned())];
        let resource_token = cast.booker.own(&world, &scope).await.access_token();
        let acting = claims(&token)["act"].clone();
        let key = world.app.keys().await.unwrap();
        let foreign = Forge::new(&world.random);
        let header = json!({ "typ": "at+jwt", "alg": "ES256", "kid": key.active.kid() });
        let cases = [
            ("for a resource", resource_token),
            (
                "for a list",
                world.resigned(&own, |c| c["aud"] = json!([ISSUER])).await,
            ),
            (
                "with `act`",
                world.resigned(&own, |c| c["act"] = acting.clone()).await,
            ),
            ("unbound", world.resigned(&own, |c| remove(c, "cnf")).await),
            (
                "bound to no thumbprint",
                world.resigned(&own, |c| c["cnf"]["jkt"] = json!("x")).await,
            ),
            (
                "without delegation",
                world.resigned(&own, |c| remove(c, "dlg")).await,
            ),
            (
                "of an unknown delegation",
                world.resigned(&own, |c| c["dlg"] = json!("dlg_x")).await,
            ),
            (
                "of a person",
                world.resigned(&own, |c| c["sub"] = json!(cast.alice)).await,
            ),
            (
                "of a plain client",
                world.resigned(&own, |c| c["sub"] = json!("bank-api")).await,
            ),
            (
                "of another issuer",
                world
                    .resigned(&own, |c| c["iss"] = json!("https://x.example"))
                    .await,
            ),
            ("signed by a stranger", foreign.sign(&header, &claims(&own))),
        ];
        for (what, bad) in &cases {
            let reply = present(&world, &cast, &token, (bad, TOKEN_TYPE_ACCESS_TOKEN)).await;
            refused(&reply, "invalid_request", what);
        }
        let reply = present(&world, &cast, &token, (&own, TOKEN_TYPE_JWT)).await;
        refused(&reply, "invalid_request", "typed as an assertion");
        world.advance(299);
        let fresh = cast.token(&world).await;
        minted(
            &present(&world, &cast, &fresh, (&own, TOKEN_TYPE_ACCESS_TOKEN)).await,
            "in its last second",
        );
        world.advance(1);
        let reply = present(&world, &cast, &fresh, (&own, TOKEN_TYPE_ACCESS_TOKEN)).await;
        refused(&reply, "invalid_request", "expired");
    }
);

both!(
    /// By a key of ours alone: an agent's token under another agent's delegation names nobody.
    an_actor_token_under_anothers_delegation_is_refused,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let payers = cast.payer.own(&world, &[]).await.access_token();
        let spliced = world.resigned(&payers, |c| {
            c["sub"] = json!("agt_booker");
            c["client_id"] = json!("agt_booker");
            c["cnf"]["jkt"] = json!(cast.booker.dpop.thumbprint());
        });
        let reply = present(
            &world,
            &cast,
            &token,
            (&spliced.await, TOKEN_TYPE_ACCESS_TOKEN),
        )
        .await;
        refused(&reply, "invalid_request", "spliced");
    }
);

both!(
    /// An actor token whose task was stopped is refused.
    a_stopped_actor_token_is_refused,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let own = cast.booker.own(&world, &[]).await.access_token();
        let task = claims(&own)["mission"]["id"].as_str().unwrap().to_owned();
        let mut transaction = world.begin().await;
        let task = writ_core::id::TaskId::from_text(task);
        assert!(transaction.stop_task(&task, world.now()).await.unwrap());
        transaction.commit().await.unwrap();
        let reply = present(&world, &cast, &token, (&own, TOKEN_TYPE_ACCESS_TOKEN)).await;
        refused(&reply, "invalid_request", "stopped");
    }
);
