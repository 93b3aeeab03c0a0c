//! What the consent page says of a guest's limits: what will still be asked each time, and for how long, as the resources say.

use serde_json::{Value, json};
use writ_testkit::{
    Change, Fields, Forge, TestGuest, WebPage, World, both_with_guests, front_url, payment,
};

const NOTES: &str = "https://notes.example";
const STILL: &str = "It still has to ask each time for: Payment";

async fn page_of(world: &World, form: &Fields) -> WebPage {
    world.consent_page(&front_url(form)).await.1
}

/// What is chosen as long as the person chooses nothing else.
fn preselected(page: &WebPage) -> Vec<String> {
    let fields = page.fields("consent-approve").into_iter();
    let lifetimes = fields.filter(|(name, _)| name == "lifetime");
    lifetimes.map(|(_, value)| value).collect()
}

async fn notes(world: &World, guests: Value) {
    world
        .add_resource(json!({
            "resource": NOTES, "name": "Notes", "scopes": ["notes.read"], "guests": guests
        }))
        .await;
}

both_with_guests!(
    the_page_says_what_is_still_asked_each_time,
    [],
    |world| async {
        let (_, guest) = TestGuest::visit(&world).await;
        let page = page_of(&world, &guest.request()).await;
        page.does_not_say("still has to ask");
        // Open to guests, and its policy asks: for a request that has one, and for one that has none.
        let open = json!({ "mode": "bearer", "scopes": ["accounts:read"], "types": ["payment"] });
        world.admit_guests(open).await;
        page_of(&world, &guest.request()).await.says(STILL);
        let details = json!([payment("10.00")]).to_string();
        let paying = guest.request().with("authorization_details", details);
        let (mut browser, page) = world.consent_page(&front_url(&paying)).await;
        page.says(STILL);
        browser.submit(&page, "consent-approve", &[]).await;
        let given = world.events_named("consent.given").await;
        let shown = given[0].data["shown"].as_str().unwrap();
        assert!(shown.contains(STILL), "on record: {shown}");
        let german = page_of(&world, &paying.with("ui_locales", "de")).await;
        german.says("Weiterhin jedes Mal gefragt werden Sie bei: Zahlung");
        // A resource that the request has nothing to do with says nothing.
        notes(
            &world,
            json!({ "mode": "bearer", "scopes": ["notes.read"] }),
        )
        .await;
        let elsewhere = guest
            .request()
            .with("resource", NOTES)
            .with("scope", "notes.read");
        page_of(&world, &elsewhere)
            .await
            .does_not_say("still has to ask");
    }
);

both_with_guests!(a_german_page_has_german_times, [], |world| async {
    let (_, guest) = TestGuest::visit(&world).await;
    let page = page_of(&world, &guest.request().with("ui_locales", "de")).await;
    page.says("Für einen Tag, bis morgen 14:13 UTC");
});

both_with_guests!(the_resource_says_what_is_preselected, [], |world| async {
    let (_, guest) = TestGuest::visit(&world).await;
    let scopes = json!(["accounts:read"]);
    let key = Forge::new(&world.random);
    let bound = guest.request().with("dpop_jkt", key.thumbprint());
    for (guests, form, expected) in [
        (
            json!({ "mode": "bearer", "scopes": scopes }),
            guest.request(),
            "day",
        ),
        (
            json!({ "mode": "bearer", "scopes": scopes, "lifetime": "day" }),
            guest.request(),
            "day",
        ),
        (
            json!({ "mode": "bearer", "scopes": scopes, "lifetime": "week" }),
            guest.request(),
            "week",
        ),
        (
            json!({ "mode": "bearer", "scopes": scopes, "lifetime": "week" }),
            bound,
            "week",
        ),
        (
            json!({ "mode": "bound", "scopes": scopes, "lifetime": "month" }),
            guest.request(),
            "month",
        ),
    ] {
        world.admit_guests(guests.clone()).await;
        let page = page_of(&world, &form).await;
        assert_eq!(preselected(&page), [expected], "{guests}");
    }
    world
        .admit_guests(json!({ "mode": "bearer", "scopes": scopes, "lifetime": "week" }))
        .await;
    // Nothing chosen is a week; who wants less chooses less.
    for fill in [&[][..], &[("lifetime", "day")]] {
        let back = guest.agreed(&world, &guest.request(), fill).await;
        assert!(back.query("code").is_some(), "{}", back.url);
    }
    let approved = world.events_named("task.approved").await;
    let ends = approved
        .iter()
        .map(|event| event.data["expires_at"].clone());
    let mut ends: Vec<String> = ends.map(|end| end.as_str().unwrap().to_owned()).collect();
    ends.sort();
    assert_eq!(ends, ["2026-09-22T14:13:20Z", "2026-09-28T14:13:20Z"]);
});

both_with_guests!(
    of_several_resources_the_shortest_is_preselected,
    [],
    |world| async {
        let (_, guest) = TestGuest::visit(&world).await;
        let form = guest
            .request()
            .with("scope", "openid accounts:read notes.read")
            .and("resource", NOTES);
        for (bank, other, expected) in [
            (Some("week"), Some("week"), "week"),
            (Some("week"), Some("day"), "day"),
            (Some("week"), None, "day"),
            (None, Some("week"), "day"),
        ] {
            let rules = |scope: &str, lifetime: Option<&str>| {
                let mut rules = json!({ "mode": "bearer", "scopes": [scope] });
                if let Some(lifetime) = lifetime {
                    rules["lifetime"] = json!(lifetime);
                }
                rules
            };
            world.admit_guests(rules("accounts:read", bank)).await;
            notes(&world, rules("notes.read", other)).await;
            let page = page_of(&world, &form).await;
            assert_eq!(preselected(&page), [expected], "{bank:?} {other:?}");
        }
    }
);
