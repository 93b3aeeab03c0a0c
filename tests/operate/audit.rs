//! The record: no token without one, and it alone answers who, for whom, what, under which limits.

use std::collections::BTreeMap;

use serde_json::json;
use writ_core::id::TaskId;
use writ_server::operate::stop::stop_task;
use writ_store::event::StoredEvent;
use writ_testkit::{
    BANK, Cast, PASSWORD, START, World, authorize_url, basic, both, claims, minted, plus, refused,
    with,
};

async fn named(world: &World, name: &str) -> Vec<StoredEvent> {
    let mut events = world.events().await;
    events.retain(|event| event.name == name);
    events
}

async fn only(world: &World, name: &str) -> StoredEvent {
    let mut events = named(world, name).await;
    assert_eq!(events.len(), 1, "{name}: {events:?}");
    events.remove(0)
}

both!(
    /// Each step writes exactly its events, each with everything that an auditor asks for.
    a_whole_story_writes_exactly_its_events,
    |world| async {
        let cast = Cast::of(&world).await;
        let intent = json!({ "intent": { "goal": "book the flight" } }).to_string();
        let asked = plus(&cast.request(), "mission_intent", intent);
        let grant = cast.granted(&world, &cast.planner, &asked, BANK).await;
        let token = grant.access_token();
        let form = cast.exchange_form(&token, None);
        minted(&cast.planner.send(&world, "/token", &form).await, "narrow");
        let handed = cast.hand(&world, &cast.planner, &token, &cast.booker).await;
        minted(&handed, "hand over");
        let refresh = cast.planner.refresh_form(&grant.member("refresh_token"));
        minted(
            &cast.planner.send(&world, "/token", &refresh).await,
            "refresh",
        );
        let wide = with(&form, "scope", "accounts:write");
        refused(
            &cast.planner.send(&world, "/token", &wide).await,
            "invalid_scope",
            "wider",
        );
        let mut transaction = world.begin().await;
        let task = TaskId::from_text(claims(&token)["mission"]["id"].as_str().unwrap());
        let change = world.change();
        let stopped = stop_task(&world.app.outbox(), &mut transaction, &task, change).await;
        transaction.commit().await.unwrap();
        stopped.unwrap().unwrap().announce(&world.app);

        let mut counts = BTreeMap::new();
        for name in world.event_names().await {
            *counts.entry(name).or_insert(0) += 1;
        }
        let expected = [
            ("agent.registered", 4),
            ("client.registered", 1),
            ("consent.given", 1),
            ("delegation.made", 1),
            ("key.created", 2),
            ("login.succeeded", 1),
            ("resource.changed", 1),
            ("task.approved", 1),
            ("task.proposed", 1),
            ("task.revoked", 1),
            ("token.exchanged", 2),
            ("token.issued", 1),
            ("token.refreshed", 1),
            ("token.refused", 1),
            ("type.changed", 3),
            ("user.added", 2),
        ];
        let counts: Vec<(&str, i32)> = counts.iter().map(|(n, c)| (n.as_str(), *c)).collect();
        assert_eq!(counts, expected);

        let mission = &claims(&token)["mission"];
        let mut about = vec![
            only(&world, "consent.given").await,
            only(&world, "task.approved").await,
        ];
        about.push(only(&world, "token.issued").await);
        about.push(only(&world, "token.refreshed").await);
        about.extend(named(&world, "token.exchanged").await);
        for event in &about {
            let what = &event.name;
            assert_eq!(
                event.subject.as_deref(),
                Some(cast.alice.as_str()),
                "{what}"
            );
            assert_eq!(event.client.as_deref(), Some("agt_planner"), "{what}");
            assert_eq!(event.owner.as_deref(), Some(cast.alice.as_str()), "{what}");
            assert_eq!(
                event.sponsor.as_deref(),
                Some(cast.alice.as_str()),
                "{what}"
            );
            assert_eq!(event.task.as_deref(), Some(task.as_str()), "{what}");
            assert_eq!(event.purpose.as_deref(), Some("book the flight"), "{what}");
            assert_eq!(event.decision.as_deref(), Some("permit"), "{what}");
            assert_eq!(
                event.details_hash.as_deref(),
                mission["authority_hash"].as_str(),
                "{what}"
            );
            assert!(
                event
                    .actor_path
                    .as_deref()
                    .unwrap()
                    .ends_with("agt_planner"),
                "{what}"
            );
            assert!(
                event.delegation.is_some() && event.transaction.is_some(),
                "{what}"
            );
            assert_eq!(event.at.seconds(), START, "{what}");
        }
        let shown = &about[0].data;
        assert!(
            shown["shown"]
                .as_str()
                .unwrap()
                .contains("Pay up to EUR 100.00 to “KLM”"),
            "{shown}"
        );
        assert!(shown["shown_hash"].is_string() && shown["locale"].is_string());
        assert_eq!(shown["method"], "password");
        assert_eq!(about[1].data["expires_at"], mission["expires_at"]);

        let handed_event = about
            .iter()
            .find(|e| e.reason.as_deref() == Some("hand over"))
            .unwrap();
        assert_eq!(
            handed_event.actor_path.as_deref(),
            Some("agt_booker>agt_planner")
        );
        assert_eq!(
            handed_event.delegation.as_deref(),
            handed.claims()["act"]["dlg"].as_str()
        );
        assert_eq!(handed_event.resource.as_deref(), Some(BANK));
        let data = &handed_event.data;
        assert_eq!(data["jti"], handed.claims()["jti"]);
        assert_eq!(data["exp"], handed.claims()["exp"]);
        assert_eq!(data["cnf"], handed.claims()["cnf"]);
        assert_eq!(
            data["authorization_details"],
            handed.claims()["authorization_details"]
        );
        assert!(data["onward"].is_object() && data["delegation_expires_at"].is_string());
        let refusal = only(&world, "token.refused").await;
        assert_eq!(refusal.decision.as_deref(), Some("deny"));
        assert!(
            refusal
                .reason
                .as_deref()
                .unwrap()
                .starts_with("invalid_scope: "),
            "{refusal:?}"
        );
        assert_eq!(refusal.task.as_deref(), Some(task.as_str()));
        assert_eq!(refusal.actor_path.as_deref(), Some("agt_planner"));
    }
);

both!(
    /// A consent that is narrowed or denied, and a login that fails, are events of their own.
    a_narrowed_consent_a_denied_one_and_a_failed_login_are_events,
    |world| async {
        let cast = Cast::of(&world).await;
        for (narrow, button) in [(true, "consent-approve"), (false, "consent-deny")] {
            let pushed = cast.push(&world, &cast.request()).await;
            let mut browser = world.browser();
            let url = authorize_url(&cast.planner.id, &pushed.member("request_uri"));
            let page = browser.open(&url).await;
            let again = browser.log_in(&page, "alice", "wrong").await;
            let page = browser.log_in(&again, "alice", PASSWORD).await;
            let mut fields = page.fields(button);
            if narrow {
                fields.retain(|(name, value)| name != "grant" || !value.starts_with("scope "));
            }
            fields.push((button.to_owned(), "1".to_owned()));
            browser.send_form(&page, button, &fields).await;
        }
        assert_eq!(named(&world, "login.failed").await.len(), 2);
        assert_eq!(named(&world, "login.succeeded").await.len(), 2);
        for event in named(&world, "login.failed").await {
            assert_eq!(event.subject.as_deref(), Some(cast.alice.as_str()));
        }
        let narrowed = only(&world, "consent.narrowed").await;
        assert!(
            narrowed.data["asked"].to_string().contains("accounts:read"),
            "what was asked"
        );
        let approved = only(&world, "task.approved").await;
        assert!(
            !approved.data["authority"]
                .to_string()
                .contains("accounts:read"),
            "what was granted"
        );
        let denied = only(&world, "consent.denied").await;
        assert_eq!(denied.decision.as_deref(), Some("deny"));
        assert_eq!(denied.client.as_deref(), Some("agt_planner"));
        assert!(named(&world, "consent.given").await.is_empty());
    }
);

both!(
    /// Refusals before client authentication are counted by the minute, later ones are events.
    counted_before_recorded_after_client_authentication,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let before = world.events().await.len();
        let counted = async || {
            let counts = world
                .begin()
                .await
                .refusal_counts(world.now())
                .await
                .unwrap();
            counts.iter().map(|count| count.refusals).sum::<i64>()
        };
        let good = cast.exchange_form(&token, None);
        let forged = writ_testkit::TestAgent {
            assertion: cast.booker.assertion.clone(),
            ..cast.planner.clone()
        };
        let unknown = writ_testkit::TestAgent {
            id: "agt_none".to_owned(),
            ..cast.planner.clone()
        };
        for (place, who) in [&forged, &unknown, &forged].into_iter().enumerate() {
            let reply = who.send(&world, "/token", &good).await;
            assert_eq!(reply.refusal(), (400, "invalid_client".to_owned()));
            assert_eq!(counted().await, i64::try_from(place).unwrap() + 1);
        }
        let wrong = basic("bank-api", "wrong");
        world
            .post(
                "/introspect",
                &[("token", &token)],
                &[("authorization", &wrong)],
            )
            .await;
        assert_eq!(counted().await, 4);
        assert_eq!(world.events().await.len(), before, "no row for any of them");
        let counts = world
            .begin()
            .await
            .refusal_counts(world.now())
            .await
            .unwrap();
        let of_token = counts
            .iter()
            .find(|c| c.endpoint.contains("token-exchange"))
            .unwrap();
        assert_eq!(
            (of_token.code.as_str(), of_token.refusals),
            ("invalid_client", 3)
        );

        let garbage = cast
            .planner
            .send_with(&world, "/token", &good, &[("dpop", "x")])
            .await;
        let late = [
            garbage,
            cast.planner.send_with(&world, "/token", &good, &[]).await,
            cast.planner
                .send(&world, "/token", &with(&good, "subject_token", "x"))
                .await,
            cast.planner
                .send(&world, "/token", &with(&good, "scope", "accounts:write"))
                .await,
            cast.booker.send(&world, "/token", &good).await,
        ];
        let events = named(&world, "token.refused").await;
        assert_eq!(events.len(), late.len());
        for reply in &late {
            assert_eq!(reply.status, 400);
            let said = |e: &&StoredEvent| e.reason.as_deref().unwrap().starts_with(&reply.error());
            assert!(events.iter().any(|e| said(&e)), "{}", reply.text());
        }
        for event in &events {
            assert_eq!(event.decision.as_deref(), Some("deny"));
            assert!(event.client.is_some() && event.owner.is_some() && event.sponsor.is_some());
        }
        assert_eq!(counted().await, 4, "and no count");
    }
);
