//! `client_credentials`: an agent's own work, and a plain client's (OAuth 2.1 4.2).

use serde_json::json;
use writ_core::id::{ClientId, TaskId, UserId};
use writ_testkit::{
    BANK, Cast, Fields, ISSUER, SHOP, agent_file, both, both_with, enrol, enrol_plain, minted,
    payment, plain_file, plus, refused, with,
};
use writ_wire::token::GrantType;

use crate::client::narrow::calendar;
use crate::laws::requirements::unasked_payments;

fn scope(text: &str) -> Fields {
    vec![("scope", text.to_owned())]
}

both!(
    /// An agent's own work is a task too: the agent as `sub`, no `act`, a `mission`; its sponsor answers for it.
    own_work_is_a_task_with_the_agent_as_subject,
    |world| async {
        let cast = Cast::of(&world).await;
        let reply = cast.planner.own(&world, &scope("accounts:read")).await;
        let claims = minted(&reply, "own work");
        assert_eq!(claims["sub"], "agt_planner");
        assert_eq!(claims["sub_profile"], "ai_agent");
        assert_eq!(claims["client_id"], "agt_planner");
        assert_eq!(claims.get("act"), None);
        assert!(claims["dlg"].as_str().unwrap().starts_with("dlg_"));
        assert!(
            claims["mission"]["id"]
                .as_str()
                .unwrap()
                .starts_with("tsk_")
        );
        assert_eq!(claims["mission"]["issuer"], ISSUER);
        assert!(
            claims["mission"]["authority_hash"]
                .as_str()
                .unwrap()
                .starts_with("sha-256:")
        );
        assert_eq!(claims["cnf"]["jkt"], cast.planner.dpop.thumbprint());
        assert_eq!(claims["approval"]["basis"], "policy");
        assert_eq!(
            (claims.get("auth_time"), claims.get("acr")),
            (None, None),
            "no person was asked"
        );
        assert_eq!(
            (&claims["aud"], &claims["scope"]),
            (&json!(BANK), &json!("accounts:read"))
        );
        assert_eq!(reply.json().get("refresh_token"), None);
        let mut transaction = world.begin().await;
        let id = TaskId::from_text(claims["mission"]["id"].as_str().unwrap());
        let task = transaction.task(&id).await.unwrap().unwrap().task;
        assert_eq!(
            (task.subject.kind(), task.subject.as_str()),
            ("agent", "agt_planner")
        );
        let event = world
            .events()
            .await
            .into_iter()
            .find(|e| e.name == "token.issued")
            .unwrap();
        assert_eq!(event.sponsor.as_deref(), Some(cast.alice.as_str()));
    }
);

both!(
    /// Nothing asked is the issuer; one home of the scope is that; several: `invalid_target`.
    a_token_of_own_work_has_one_audience,
    |world| async {
        let _cast = Cast::of(&world).await;
        world.add_shop().await;
        let agent = enrol(&world, agent_file("agt_own", "alice")).await;
        let nothing = minted(&agent.own(&world, &[]).await, "nothing asked");
        assert_eq!(nothing["aud"], ISSUER);
        assert_eq!(
            (nothing.get("scope"), nothing.get("authorization_details")),
            (None, None)
        );
        let home = minted(&agent.own(&world, &scope("orders:read")).await, "one home");
        assert_eq!(home["aud"], SHOP);
        let details = vec![(
            "authorization_details",
            json!([calendar(&["read"])]).to_string(),
        )];
        assert_eq!(
            minted(&agent.own(&world, &details).await, "by type")["aud"],
            SHOP
        );
        let bare = vec![("resource", SHOP.to_owned())];
        let bare = minted(&agent.own(&world, &bare).await, "a bare audience");
        assert_eq!((&bare["aud"], bare.get("scope")), (&json!(SHOP), None));
        let two = [
            scope("accounts:read orders:read"),
            plus(
                &scope("accounts:read"),
                "authorization_details",
                json!([calendar(&["read"])]).to_string(),
            ),
            vec![("resource", BANK.to_owned()), ("resource", SHOP.to_owned())],
        ];
        for form in two {
            refused(
                &agent.own(&world, &form).await,
                "invalid_target",
                "two audiences",
            );
        }
        refused(
            &agent
                .own(
                    &world,
                    &plus(
                        &scope("accounts:read"),
                        "resource",
                        "https://nobody.example",
                    ),
                )
                .await,
            "invalid_target",
            "unknown",
        );
        // A second resource registers the same name: which one is meant?
        world
            .add_resource(json!({ "resource": SHOP, "name": "Shop", "scopes": ["orders:read", "accounts:read"], "authorization_details_types": ["calendar"] }))
            .await;
        refused(
            &agent.own(&world, &scope("accounts:read")).await,
            "invalid_target",
            "two homes",
        );
        let named = plus(&scope("accounts:read"), "resource", BANK);
        assert_eq!(
            minted(&agent.own(&world, &named).await, "named")["aud"],
            BANK
        );
    }
);

both_with!(
    /// Inside what is registered and inside the ceiling; `openid` needs a person.
    own_work_stays_inside_the_ceiling,
    &[("TYPES__PATH", unasked_payments().as_str())],
    |world| async {
        let cast = Cast::of(&world).await;
        world.add_shop().await;
        let agent = enrol(&world, agent_file("agt_own", "alice")).await;
        let pay = |amount| {
            vec![(
                "authorization_details",
                json!([payment(amount)]).to_string(),
            )]
        };
        minted(&agent.own(&world, &pay("500.00")).await, "at the ceiling");
        let above = agent.own(&world, &pay("500.01")).await;
        refused(&above, "invalid_authorization_details", "above it");
        assert_eq!(
            above.json()["excess"][0]["pointer"],
            "/0/instructed_amount/amount"
        );
        assert_eq!(
            above.json()["excess"][0].get("granted"),
            None,
            "the ceiling stays out"
        );
        refused(
            &agent.own(&world, &scope("openid")).await,
            "invalid_scope",
            "openid",
        );
        refused(
            &agent.own(&world, &scope("openid accounts:read")).await,
            "invalid_scope",
            "openid beside",
        );
        refused(
            &agent.own(&world, &scope("no:such")).await,
            "invalid_scope",
            "unknown",
        );
        refused(
            &cast.planner.own(&world, &scope("orders:read")).await,
            "invalid_scope",
            "not registered",
        );
        let shop = vec![("resource", SHOP.to_owned())];
        refused(
            &cast.planner.own(&world, &shop).await,
            "invalid_target",
            "a resource outside its ceiling",
        );
        let unknown = vec![(
            "authorization_details",
            json!([{ "type": "transfer" }]).to_string(),
        )];
        refused(
            &agent.own(&world, &unknown).await,
            "invalid_authorization_details",
            "an unknown type",
        );
        let mut own_ref = payment("1.00");
        own_ref["ref"] = json!("ref_mine");
        let own_ref = vec![("authorization_details", json!([own_ref]).to_string())];
        refused(
            &agent.own(&world, &own_ref).await,
            "invalid_authorization_details",
            "a `ref` of its own",
        );
    }
);

both!(
    /// An agent's token is always bound; the proof is required, and used once.
    own_work_needs_a_proof,
    |world| async {
        let cast = Cast::of(&world).await;
        let form = plus(
            &scope("accounts:read"),
            "grant_type",
            GrantType::ClientCredentials.as_str(),
        );
        let reply = cast.planner.send_with(&world, "/token", &form, &[]).await;
        refused(&reply, "invalid_request", "no proof");
        let proof = cast.planner.proof(&world, "/token");
        let reply = cast
            .planner
            .send_with(&world, "/token", &form, &[("dpop", &proof)])
            .await;
        minted(&reply, "a proof");
        let reply = cast
            .planner
            .send_with(&world, "/token", &form, &[("dpop", &proof)])
            .await;
        refused(&reply, "invalid_dpop_proof", "the same proof");
    }
);

both!(
    /// The task of own work ends, and its token never outlives it.
    own_work_lives_under_the_ceilings_lifetime,
    |world| async {
        let _cast = Cast::of(&world).await;
        world.add_shop().await;
        let mut file = agent_file("agt_brief", "alice");
        file["agent"]["ceiling"]["lifetime"] = json!(60);
        let brief = enrol(&world, file).await;
        let reply = brief.own(&world, &scope("accounts:read")).await;
        minted(&reply, "brief");
        assert_eq!(reply.json()["expires_in"], 60);
    }
);

both!(
    /// A stopped agent, and one whose owner is disabled, gets nothing, at once; a public client never.
    a_stopped_client_gets_nothing,
    |world| async {
        let cast = Cast::of(&world).await;
        minted(&cast.booker.own(&world, &[]).await, "before");
        minted(&cast.stranger.own(&world, &[]).await, "before");
        let mut transaction = world.begin().await;
        let booker = ClientId::from_text("agt_booker");
        assert!(transaction.stop_client(&booker, world.now()).await.unwrap());
        let owner = transaction
            .client(&ClientId::from_text("agt_stranger"))
            .await
            .unwrap()
            .unwrap()
            .owner;
        let owner: UserId = owner.unwrap().id;
        assert!(transaction.disable_user(&owner, world.now()).await.unwrap());
        transaction.commit().await.unwrap();
        for who in [&cast.booker, &cast.stranger] {
            refused(&who.own(&world, &[]).await, "unauthorized_client", &who.id);
        }
        minted(&cast.payer.own(&world, &[]).await, "others go on");
    }
);

both!(
    /// OAuth 2.1 4.2: only confidential clients; a plain one gets a token without `act`, `mission` and task for others.
    oauth21_4_2_plain_clients,
    |world| async {
        let _cast = Cast::of(&world).await;
        let mut file = plain_file("reports");
        file["grant_types"] = json!(["client_credentials"]);
        let refusal = world.try_add_client(file.clone()).await.unwrap_err();
        assert!(
            refusal.contains("a public client has no grant of its own"),
            "{refusal}"
        );
        file["token_endpoint_auth_method"] = json!("client_secret_basic");
        let reports = enrol_plain(&world, file).await;
        let grant = GrantType::ClientCredentials.as_str();
        let own = |form: &Fields| with(form, "grant_type", grant);
        let reply = reports
            .send(&world, "/token", &own(&scope("accounts:read")))
            .await;
        let claims = minted(&reply, "own work");
        assert_eq!(
            (&claims["sub"], &claims["client_id"]),
            (&json!("reports"), &json!("reports"))
        );
        for absent in ["act", "mission", "sub_profile", "auth_time"] {
            assert_eq!(claims.get(absent), None, "{absent}");
        }
        assert_eq!(claims["cnf"]["jkt"], reports.dpop.thumbprint());
        let nothing = reports.send(&world, "/token", &own(&Vec::new())).await;
        refused(&nothing, "invalid_scope", "nothing asked");
        let unbound = reports
            .send_by(&world, "/token", &own(&scope("accounts:read")), None)
            .await;
        refused(&unbound, "invalid_request", "no permission for bearer");
        let openid = reports.send(&world, "/token", &own(&scope("openid"))).await;
        refused(&openid, "invalid_scope", "openid");

        let app = enrol_plain(&world, plain_file("app")).await;
        let reply = app
            .send(&world, "/token", &own(&scope("accounts:read")))
            .await;
        assert_eq!(
            reply.refusal(),
            (400, "invalid_client".to_owned()),
            "a public client"
        );
        let mut web = plain_file("web");
        web["token_endpoint_auth_method"] = json!("client_secret_basic");
        let web = enrol_plain(&world, web).await;
        let reply = web
            .send(&world, "/token", &own(&scope("accounts:read")))
            .await;
        refused(
            &reply,
            "unauthorized_client",
            "not registered for the grant",
        );
    }
);
