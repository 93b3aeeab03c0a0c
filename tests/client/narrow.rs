//! Narrow: the same actor and key, less authority or another audience; the delegation row is the measure.

use serde_json::{Value, json};
use writ_testkit::{
    BANK, Cast, Fields, SHOP, START, TestAgent, TestReply, World, agent_file, both, claims, enrol,
    minted, payment, plus, refused, with, without,
};

/// An agent for bank and shop, and the fields of its request: accounts, orders, a payment of 100 and a calendar.
pub(crate) async fn wide(world: &World, cast: &Cast) -> (TestAgent, Fields) {
    world.add_shop().await;
    let agent = enrol(world, agent_file("agt_wide", "alice")).await;
    let details = json!([payment("100.00"), calendar(&["read", "create"])]);
    let form = with(
        &cast.request(),
        "scope",
        "accounts:read accounts:write orders:read",
    );
    let form = with(&form, "authorization_details", details.to_string());
    let form = plus(&plus(&form, "resource", BANK), "resource", SHOP);
    (agent, form)
}

pub(crate) fn calendar(actions: &[&str]) -> Value {
    json!({ "type": "calendar", "calendar": "work", "actions": actions })
}

pub(crate) fn details(objects: &Value) -> String {
    objects.to_string()
}

pub(crate) async fn ask(world: &World, who: &TestAgent, form: &Fields) -> TestReply {
    who.send(world, "/token", form).await
}

both!(
    /// Same actor, same key, narrower authority; asking for less writes a new row.
    narrow_keeps_actor_and_key_and_writes_a_row_for_less,
    |world| async {
        let cast = Cast::of(&world).await;
        let (agent, form) = wide(&world, &cast).await;
        let token = cast
            .granted(&world, &agent, &form, BANK)
            .await
            .access_token();
        let before = claims(&token);
        let less = with(&cast.exchange_form(&token, None), "scope", "accounts:read");
        let less = with(
            &less,
            "authorization_details",
            details(&json!([payment("40.00")])),
        );
        let reply = ask(&world, &agent, &less).await;
        let after = minted(&reply, "less");
        assert_eq!(after["act"]["sub"], "agt_wide");
        assert_eq!(after["act"].get("act"), None);
        for same in [
            "sub",
            "aud",
            "cnf",
            "client_id",
            "mission",
            "txn",
            "approval",
        ] {
            assert_eq!(after[same], before[same], "{same}");
        }
        assert_ne!(after["act"]["dlg"], before["act"]["dlg"]);
        assert_ne!(after["jti"], before["jti"]);
        assert_eq!(after["scope"], "accounts:read");
        let (was, is) = (
            &before["authorization_details"][0],
            &after["authorization_details"][0],
        );
        assert_eq!(is["instructed_amount"]["amount"], "40.00");
        for kept in ["ref", "type_hash", "locations", "creditor"] {
            assert_eq!(is[kept], was[kept], "{kept}");
        }
        // RFC 8693 section 2.2.1, and no refresh token from an exchange.
        let body = reply.json();
        assert_eq!(
            body["issued_token_type"],
            "urn:ietf:params:oauth:token-type:access_token"
        );
        assert_eq!(body["token_type"], "DPoP");
        assert_eq!(body["scope"], "accounts:read");
        assert_eq!(
            body["authorization_details"],
            after["authorization_details"]
        );
        assert_eq!(body.get("refresh_token"), None);
        assert_eq!(reply.header("cache-control"), Some("no-store"));
    }
);

both!(
    /// Who asked for less can never come back for more.
    who_asked_for_less_never_comes_back_for_more,
    |world| async {
        let cast = Cast::of(&world).await;
        let (agent, form) = wide(&world, &cast).await;
        let token = cast
            .granted(&world, &agent, &form, BANK)
            .await
            .access_token();
        let less = with(&cast.exchange_form(&token, None), "scope", "accounts:read");
        let less = with(
            &less,
            "authorization_details",
            details(&json!([payment("40.00")])),
        );
        let small = ask(&world, &agent, &less).await.access_token();
        let again = cast.exchange_form(&small, None);
        let pay = |amount| details(&json!([payment(amount)]));
        let cases = [
            (with(&again, "scope", "accounts:write"), "invalid_scope"),
            (
                with(&again, "scope", "accounts:read accounts:write"),
                "invalid_scope",
            ),
            (with(&again, "resource", SHOP), "invalid_target"),
            (
                with(&again, "authorization_details", pay("40.01")),
                "invalid_authorization_details",
            ),
            (
                with(&again, "authorization_details", pay("100.00")),
                "invalid_authorization_details",
            ),
        ];
        for (form, error) in cases {
            refused(
                &ask(&world, &agent, &form).await,
                error,
                "more than the narrower row",
            );
        }
        let same = minted(&ask(&world, &agent, &again).await, "as much");
        assert_eq!(
            same["act"]["dlg"],
            claims(&small)["act"]["dlg"],
            "no new row for as much"
        );
        // The wide token is as wide as before.
        let wide_again = cast.exchange_form(&token, None);
        assert_eq!(
            minted(&ask(&world, &agent, &wide_again).await, "wide")["scope"],
            "accounts:read accounts:write"
        );
    }
);

both!(
    /// A token is its row's view for one audience; a view may be exchanged for another audience that the
    /// delegation names, and filtering to an audience writes no row.
    a_view_may_go_to_another_audience_of_its_delegation,
    |world| async {
        let cast = Cast::of(&world).await;
        let (agent, form) = wide(&world, &cast).await;
        let token = cast
            .granted(&world, &agent, &form, BANK)
            .await
            .access_token();
        let bank = claims(&token);
        assert_eq!(bank["authorization_details"].as_array().unwrap().len(), 1);
        let to_shop = with(&cast.exchange_form(&token, None), "resource", SHOP);
        let reply = ask(&world, &agent, &to_shop).await;
        let shop = minted(&reply, "to the shop");
        assert_eq!(shop["aud"], SHOP);
        assert_eq!(shop["scope"], "orders:read");
        assert_eq!(shop["authorization_details"][0]["type"], "calendar");
        assert_eq!(shop["authorization_details"].as_array().unwrap().len(), 1);
        assert_eq!(shop["act"], bank["act"], "no new row");
        let back = with(
            &cast.exchange_form(&reply.access_token(), None),
            "resource",
            BANK,
        );
        let back = minted(&ask(&world, &agent, &back).await, "and back");
        assert_eq!(back["authorization_details"], bank["authorization_details"]);
        assert_eq!(back["act"], bank["act"]);
        let stays = without(&cast.exchange_form(&reply.access_token(), None), "resource");
        assert_eq!(
            minted(&ask(&world, &agent, &stays).await, "no resource")["aud"],
            SHOP
        );
        // Less at another audience is a row that names that audience alone.
        let less = with(
            &to_shop,
            "authorization_details",
            details(&json!([calendar(&["read"])])),
        );
        let less = ask(&world, &agent, &less).await;
        assert_ne!(minted(&less, "less")["act"]["dlg"], bank["act"]["dlg"]);
        let back = with(
            &cast.exchange_form(&less.access_token(), None),
            "resource",
            BANK,
        );
        refused(
            &ask(&world, &agent, &back).await,
            "invalid_target",
            "the bank was left out",
        );
    }
);

both!(
    /// A `once` object covers one child: two payments are not covered by one.
    two_payments_are_not_covered_by_one,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let form = cast.exchange_form(&token, None);
        for amounts in [["60.00", "40.00"], ["1.00", "1.00"]] {
            let two = json!(amounts.map(payment));
            let asked = with(&form, "authorization_details", details(&two));
            let reply = ask(&world, &cast.planner, &asked).await;
            refused(&reply, "invalid_authorization_details", "two of one");
            assert_eq!(reply.json()["excess"][0]["pointer"], "/1");
        }
    }
);

both!(
    /// Without `ref` exactly one parent must cover the object; several: the refusal names the refs.
    an_ambiguous_object_is_refused_and_the_refs_are_named,
    |world| async {
        let cast = Cast::of(&world).await;
        let asked = json!([payment("100.00"), payment("200.00")]);
        let form = with(&cast.request(), "authorization_details", asked.to_string());
        let reply = cast.granted(&world, &cast.planner, &form, BANK).await;
        let held = reply.claims()["authorization_details"].clone();
        let refs = [0, 1].map(|place| held[place]["ref"].as_str().unwrap().to_owned());
        let form = cast.exchange_form(&reply.access_token(), None);
        let ambiguous = with(
            &form,
            "authorization_details",
            details(&json!([payment("50.00")])),
        );
        let reply = ask(&world, &cast.planner, &ambiguous).await;
        refused(&reply, "invalid_authorization_details", "either would do");
        assert!(
            refs.iter().all(|name| reply.text().contains(name)),
            "{}",
            reply.text()
        );
        // Only one covers it, or the request says which.
        let one = with(
            &form,
            "authorization_details",
            details(&json!([payment("150.00")])),
        );
        minted(&ask(&world, &cast.planner, &one).await, "only one covers");
        for name in &refs {
            let mut payment = payment("50.00");
            payment["ref"] = json!(name);
            let named = with(&form, "authorization_details", details(&json!([payment])));
            let claims = minted(&ask(&world, &cast.planner, &named).await, "named");
            assert_eq!(claims["authorization_details"][0]["ref"], json!(name));
        }
        let mut twice = payment("50.00");
        twice["ref"] = json!(refs[1]);
        let twice = with(
            &form,
            "authorization_details",
            details(&json!([twice, twice])),
        );
        refused(
            &ask(&world, &cast.planner, &twice).await,
            "invalid_authorization_details",
            "one ref twice",
        );
    }
);

both!(
    /// Never past the subject token; with 30 s left the new one has 30 s.
    lifetime_never_past_the_subject_token,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let end = claims(&token)["exp"].as_i64().unwrap();
        assert_eq!(end, START + 300);
        world.advance(270);
        let form = cast.exchange_form(&token, None);
        let narrowed = ask(&world, &cast.planner, &form).await;
        let less = with(
            &form,
            "authorization_details",
            details(&json!([payment("1.00")])),
        );
        let row = ask(&world, &cast.planner, &less).await;
        let handed = cast.hand(&world, &cast.planner, &token, &cast.booker).await;
        for reply in [&narrowed, &row, &handed] {
            assert_eq!(minted(reply, "30 s left")["exp"], json!(end));
            assert_eq!(reply.json()["expires_in"], 30);
        }
        world.advance(30);
        let late = cast.exchange_form(&narrowed.access_token(), None);
        refused(
            &ask(&world, &cast.planner, &late).await,
            "invalid_request",
            "at its end",
        );
    }
);

both!(
    /// Never past the task that the person approved.
    lifetime_never_past_the_task,
    |world| async {
        let cast = Cast::of(&world).await;
        let ends = writ_wire::time::Timestamp::from_seconds(START + 100).rfc3339();
        let intent = json!({ "intent": { "goal": "book a flight", "expires_at": ends } });
        let form = plus(&cast.request(), "mission_intent", intent.to_string());
        let first = cast.granted(&world, &cast.planner, &form, BANK).await;
        assert_eq!(first.claims()["exp"], START + 100);
        assert_eq!(first.claims()["mission"]["purpose"], "book a flight");
        let form = cast.exchange_form(&first.access_token(), None);
        let narrowed = ask(&world, &cast.planner, &form).await;
        assert_eq!(minted(&narrowed, "narrow")["exp"], START + 100);
        world.advance(100);
        refused(
            &ask(&world, &cast.planner, &form).await,
            "invalid_request",
            "after the task",
        );
        let refresh = cast.planner.refresh_form(&first.member("refresh_token"));
        refused(
            &ask(&world, &cast.planner, &refresh).await,
            "invalid_grant",
            "after the task",
        );
    }
);

both!(
    /// An agent's own work may be narrowed too: no `act`, the row stands in `dlg`.
    own_work_narrows_without_act,
    |world| async {
        let cast = Cast::of(&world).await;
        let scope = [("scope", "accounts:read accounts:write".to_owned())];
        let own = cast.planner.own(&world, &scope).await;
        let before = minted(&own, "own work");
        let form = cast.exchange_form(&own.access_token(), None);
        let same = minted(&ask(&world, &cast.planner, &form).await, "as much");
        assert_eq!(same["dlg"], before["dlg"]);
        let less = with(&form, "scope", "accounts:read");
        let less = minted(&ask(&world, &cast.planner, &less).await, "less");
        assert_ne!(less["dlg"], before["dlg"]);
        assert_eq!(
            (less.get("act"), &less["sub"]),
            (None, &json!("agt_planner"))
        );
    }
);

both!(
    /// Inside delegation, client and policy; and an exchange as documented does work.
    inside_the_delegation_and_the_documented_flow_works,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let form = cast.exchange_form(&token, None);
        let reply = cast.planner.send(&world, "/token", &form).await;
        let claims_ = minted(&reply, "documented");
        assert_eq!(claims_["scope"], "accounts:read");
        assert_eq!(
            claims_["authorization_details"],
            claims(&token)["authorization_details"]
        );
        let wider = with(&form, "scope", "accounts:read accounts:write");
        let reply = cast.planner.send(&world, "/token", &wider).await;
        refused(
            &reply,
            "invalid_scope",
            "in the ceiling, not in the delegation",
        );
    }
);
