//! Refresh of an agent's grant: bound to its client, with a proof each time, not rotated (RFC 9449 section 5).

use serde_json::json;
use writ_core::id::TaskId;
use writ_core::realm::DecisionContext;
use writ_core::refresh::{RefreshOutcome, refresh as decide};
use writ_server::node::secret::secret_digest;
use writ_testkit::{
    BANK, Cast, Forge, SHOP, TestAgent, TestReply, World, agent_file, both, claims, enrol, minted,
    payment, refused, with,
};
use writ_wire::form::Form;
use writ_wire::token::TokenRequest;

async fn ask(world: &World, who: &TestAgent, form: &[(&'static str, String)]) -> TestReply {
    who.send(world, "/token", form).await
}

/// The planner's first answer.
async fn grant(world: &World, cast: &Cast) -> TestReply {
    cast.granted(world, &cast.planner, &cast.request(), BANK)
        .await
}

both!(
    /// An agent's refresh token is not rotated, and gives what was granted, bound to the proof's key.
    an_agents_refresh_token_is_not_rotated,
    |world| async {
        let cast = Cast::of(&world).await;
        let first = grant(&world, &cast).await;
        let form = cast.planner.refresh_form(&first.member("refresh_token"));
        world.advance(400);
        for _ in 0..2 {
            let reply = ask(&world, &cast.planner, &form).await;
            let fresh = minted(&reply, "refresh");
            assert_eq!(
                reply.json().get("refresh_token"),
                None,
                "the old one goes on"
            );
            let before = first.claims();
            for same in [
                "sub",
                "aud",
                "act",
                "mission",
                "scope",
                "authorization_details",
                "cnf",
                "txn",
                "acr",
                "auth_time",
            ] {
                assert_eq!(fresh[same], before[same], "{same}");
            }
            assert_eq!(
                fresh["exp"].as_i64().unwrap() - fresh["iat"].as_i64().unwrap(),
                300
            );
            assert_eq!(before["acr"], "urn:writ:acr:password", "RFC 9470 6.1");
            assert_ne!(fresh["jti"], before["jti"]);
            assert_eq!(
                cast.introspect(&world, &reply.access_token()).await["active"],
                true
            );
        }
    }
);

both!(
    /// A grant that was bound once never yields bearer: no proof is `invalid_request`, each time.
    each_refresh_needs_a_proof,
    |world| async {
        let cast = Cast::of(&world).await;
        let first = grant(&world, &cast).await;
        let form = cast.planner.refresh_form(&first.member("refresh_token"));
        for _ in 0..2 {
            let reply = cast.planner.send_with(&world, "/token", &form, &[]).await;
            refused(&reply, "invalid_request", "no proof");
            assert_eq!(
                minted(&ask(&world, &cast.planner, &form).await, "proof")["cnf"]["jkt"],
                cast.planner.dpop.thumbprint()
            );
        }
    }
);

both!(
    /// RFC 9449 section 5: a confidential client's is bound to the client: another key of the same agent is fine, and the new
    /// token is bound to it; another agent's key is not.
    rfc_9449_5_another_key_of_the_same_agent_is_fine,
    |world| async {
        let cast = Cast::of(&world).await;
        let first = grant(&world, &cast).await;
        let form = cast.planner.refresh_form(&first.member("refresh_token"));
        let fresh = cast.planner.with_key(Forge::new(&world.random));
        let reply = ask(&world, &fresh, &form).await;
        assert_eq!(
            minted(&reply, "a new key")["cnf"]["jkt"],
            fresh.dpop.thumbprint()
        );
        // It can be exchanged by that key, and by that key alone.
        let narrow = cast.exchange_form(&reply.access_token(), None);
        minted(&ask(&world, &fresh, &narrow).await, "the new key");
        refused(
            &ask(&world, &cast.planner, &narrow).await,
            "invalid_request",
            "the old key",
        );
        minted(
            &cast.booker.own(&world, &[]).await,
            "the booker's key is used",
        );
        let thief = cast.planner.with_key(cast.booker.dpop.clone());
        refused(
            &ask(&world, &thief, &form).await,
            "invalid_dpop_proof",
            "the booker's key",
        );
    }
);

both!(
    /// RFC 6749 section 6: narrower yes, wider no; the refresh token keeps its measure; less is a row of its own.
    rfc_6749_6_narrower_and_never_wider,
    |world| async {
        let cast = Cast::of(&world).await;
        world.add_shop().await;
        let agent = enrol(&world, agent_file("agt_wide", "alice")).await;
        let asked = with(&cast.request(), "scope", "accounts:read accounts:write");
        let first = cast.granted(&world, &agent, &asked, BANK).await;
        let form = agent.refresh_form(&first.member("refresh_token"));
        let pay = |amount| json!([payment(amount)]).to_string();
        let less = with(&form, "scope", "accounts:read");
        let less = with(&less, "authorization_details", pay("40.00"));
        let reply = ask(&world, &agent, &less).await;
        let narrow = minted(&reply, "less");
        assert_eq!(narrow["scope"], "accounts:read");
        assert_eq!(
            narrow["authorization_details"][0]["instructed_amount"]["amount"],
            "40.00"
        );
        assert_ne!(narrow["act"]["dlg"], first.claims()["act"]["dlg"]);
        let back = with(
            &cast.exchange_form(&reply.access_token(), None),
            "scope",
            "accounts:write",
        );
        refused(
            &ask(&world, &agent, &back).await,
            "invalid_scope",
            "the narrow token is narrow",
        );
        let whole = minted(&ask(&world, &agent, &form).await, "all of it again");
        assert_eq!(whole["scope"], "accounts:read accounts:write");
        assert_eq!(whole["act"]["dlg"], first.claims()["act"]["dlg"]);
        let cases = [
            (
                with(&form, "scope", "accounts:read orders:read"),
                "invalid_scope",
            ),
            (with(&form, "scope", "openid"), "invalid_scope"),
            (with(&form, "resource", SHOP), "invalid_target"),
            (
                with(&form, "resource", "https://nobody.example"),
                "invalid_target",
            ),
            (
                with(&form, "authorization_details", pay("100.01")),
                "invalid_authorization_details",
            ),
            (
                with(
                    &form,
                    "authorization_details",
                    json!([payment("1.00"), payment("1.00")]).to_string(),
                ),
                "invalid_authorization_details",
            ),
        ];
        for (form, error) in cases {
            refused(&ask(&world, &agent, &form).await, error, "wider");
        }
    }
);

both!(
    /// RFC 6749 section 6: bound to its client; another client's try changes nothing for its owner.
    rfc_6749_6_another_client_gets_nothing_and_breaks_nothing,
    |world| async {
        let cast = Cast::of(&world).await;
        let first = grant(&world, &cast).await;
        let form = cast.planner.refresh_form(&first.member("refresh_token"));
        for other in [
            &cast.booker,
            &cast.stranger,
            &cast.booker.with_key(cast.planner.dpop.clone()),
        ] {
            refused(&ask(&world, other, &form).await, "invalid_grant", &other.id);
        }
        minted(&ask(&world, &cast.planner, &form).await, "its owner");
        let unknown = [
            first.access_token(),
            "x".repeat(43),
            cast.planner.id.clone(),
        ];
        for token in unknown {
            let form = cast.planner.refresh_form(&token);
            refused(
                &ask(&world, &cast.planner, &form).await,
                "invalid_grant",
                "unknown",
            );
        }
        let empty = cast.planner.refresh_form("");
        refused(
            &ask(&world, &cast.planner, &empty).await,
            "invalid_request",
            "empty is missing",
        );
    }
);

both!(
    /// Refresh after a stop gives nothing; another task of the same agent goes on.
    refresh_checks_what_is_above,
    |world| async {
        let cast = Cast::of(&world).await;
        let (stopped, lives) = (grant(&world, &cast).await, grant(&world, &cast).await);
        let task = stopped.claims()["mission"]["id"]
            .as_str()
            .unwrap()
            .to_owned();
        let mut transaction = world.begin().await;
        assert!(
            transaction
                .stop_task(&TaskId::from_text(task), world.now())
                .await
                .unwrap()
        );
        transaction.commit().await.unwrap();
        let form = cast.planner.refresh_form(&stopped.member("refresh_token"));
        refused(
            &ask(&world, &cast.planner, &form).await,
            "invalid_grant",
            "stopped",
        );
        let form = cast.planner.refresh_form(&lives.member("refresh_token"));
        minted(&ask(&world, &cast.planner, &form).await, "the other task");
    }
);

both!(
    /// A refresh token ends with its task, and its tokens never live longer.
    a_refresh_token_ends_with_its_task,
    |world| async {
        let cast = Cast::of(&world).await;
        let first = grant(&world, &cast).await;
        let form = cast.planner.refresh_form(&first.member("refresh_token"));
        world.advance(3500);
        let late = ask(&world, &cast.planner, &form).await;
        minted(&late, "100 s before the end");
        assert_eq!(late.json()["expires_in"], 100);
        world.advance(100);
        refused(
            &ask(&world, &cast.planner, &form).await,
            "invalid_grant",
            "at the end",
        );
    }
);

both!(
    /// A scope that was removed from the client stops refresh. No command changes a client yet, so the rule
    /// is asked with the stored grant and a client without the scope.
    a_removed_scope_stops_refresh,
    |world| async {
        let cast = Cast::of(&world).await;
        let first = grant(&world, &cast).await;
        let token = first.member("refresh_token");
        let mut transaction = world.begin().await;
        let found = transaction
            .refresh_token(&secret_digest(&token))
            .await
            .unwrap()
            .unwrap();
        let form = Form::from_pairs(cast.planner.refresh_form(&token));
        let TokenRequest::Refresh(request) = TokenRequest::parse(&form).unwrap() else {
            unreachable!()
        };
        let catalogue = world.app.catalogue().await.unwrap();
        let client = world.app.client("agt_planner").await.unwrap().unwrap();
        let key = writ_jose::key::Thumbprint::parse(&cast.planner.dpop.thumbprint());
        let context = DecisionContext {
            realm: catalogue.realm(),
            now: world.now(),
        };
        let now = decide(&found, &request, &client, key.as_ref(), context);
        assert!(matches!(now, RefreshOutcome::Refresh(_)));
        let mut less = (*client).clone();
        less.scope.remove("accounts:read");
        let RefreshOutcome::Refuse(refusal) = decide(&found, &request, &less, key.as_ref(), context)
        else {
            panic!("a removed scope was refreshed");
        };
        assert_eq!(refusal.code.as_str(), "invalid_grant");
        assert!(claims(&first.access_token())["scope"] == "accounts:read");
    }
);
