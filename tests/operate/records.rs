//! As many records as tokens, and how they are found.

use serde_json::json;
use writ_store::event::{EventFilter, StoredEvent};
use writ_testkit::{
    BANK, Cast, ISSUER, TestReply, World, both, claims, enrol_plain, minted, payment, plain_file,
    with,
};

async fn filtered(world: &World, filter: EventFilter<'_>) -> Vec<StoredEvent> {
    let mut transaction = world.begin().await;
    transaction
        .events(EventFilter {
            limit: 1000,
            ..filter
        })
        .await
        .unwrap()
}

both!(
    /// The record is filtered by person, by agent (client or anywhere in the chain), by task.
    filters_by_person_agent_and_task,
    |world| async {
        let cast = Cast::of(&world).await;
        let (one, two) = (cast.token(&world).await, cast.token(&world).await);
        minted(
            &cast.hand(&world, &cast.planner, &one, &cast.booker).await,
            "hand over",
        );
        minted(&cast.payer.own(&world, &[]).await, "own work");
        let person = filtered(
            &world,
            EventFilter {
                person: Some(&cast.alice),
                ..EventFilter::default()
            },
        )
        .await;
        assert!(
            person
                .iter()
                .all(|e| e.subject.as_deref() == Some(cast.alice.as_str()))
        );
        assert_eq!(
            person.iter().filter(|e| e.name == "token.issued").count(),
            2
        );
        let agent = async |id: &str, name: &str| {
            let filter = EventFilter {
                agent: Some(id),
                name: Some(name),
                ..EventFilter::default()
            };
            filtered(&world, filter).await.len()
        };
        assert_eq!(
            agent("agt_booker", "token.exchanged").await,
            1,
            "in the chain, not the client"
        );
        assert_eq!(agent("agt_planner", "token.exchanged").await, 1);
        assert_eq!(agent("agt_payer", "token.exchanged").await, 0);
        assert_eq!(agent("agt_payer", "token.issued").await, 1);
        assert_eq!(agent("agt", "token.issued").await, 0, "no part of a name");
        let task = claims(&two)["mission"]["id"].as_str().unwrap().to_owned();
        let events = filtered(
            &world,
            EventFilter {
                task: Some(&task),
                ..EventFilter::default()
            },
        )
        .await;
        assert!(
            events
                .iter()
                .all(|e| e.task.as_deref() == Some(task.as_str()))
        );
        assert_eq!(
            events
                .iter()
                .filter(|e| e.name.starts_with("token."))
                .count(),
            1
        );
    }
);

both!(
    /// No token without a record: as many events as tokens, by `jti`.
    every_token_has_its_event,
    |world| async {
        let cast = Cast::of(&world).await;
        let app = enrol_plain(&world, plain_file("app")).await;
        let mut replies: Vec<TestReply> = Vec::new();
        let first = cast
            .granted(&world, &cast.planner, &cast.request(), BANK)
            .await;
        let token = first.access_token();
        let narrow = cast.exchange_form(&token, None);
        let less = with(
            &narrow,
            "authorization_details",
            json!([payment("1.00")]).to_string(),
        );
        let refresh = cast.planner.refresh_form(&first.member("refresh_token"));
        for form in [&narrow, &less, &refresh] {
            replies.push(cast.planner.send(&world, "/token", form).await);
        }
        replies.push(cast.hand(&world, &cast.planner, &token, &cast.booker).await);
        replies.push(cast.booker.own(&world, &[]).await);
        replies.push(app.granted(&world, &cast, Some(&app.dpop)).await);
        replies.push(first);
        // Refusals of every kind beside them.
        for form in [
            with(&narrow, "scope", "x"),
            with(&narrow, "resource", ISSUER),
            with(&refresh, "refresh_token", "x"),
        ] {
            assert_eq!(cast.planner.send(&world, "/token", &form).await.status, 400);
        }
        let mut minted: Vec<String> = replies
            .iter()
            .map(|r| r.claims()["jti"].as_str().unwrap().to_owned())
            .collect();
        let events = world.events().await;
        let mut recorded: Vec<String> = events
            .iter()
            .filter(|e| {
                ["token.issued", "token.exchanged", "token.refreshed"].contains(&e.name.as_str())
            })
            .map(|e| e.data["jti"].as_str().unwrap().to_owned())
            .collect();
        minted.sort();
        recorded.sort();
        assert_eq!(minted, recorded);
    }
);
