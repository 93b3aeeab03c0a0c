//! By how much a request is more than its task allows: the screen compares it with what the task allows for the same payee, not with
//! the largest of another.

use serde_json::{Value, json};
use writ_testkit::{Cast, Change, World, both, payment};

/// Payments to two payees: 100.00 to KLM, 200.00 to a hotel.
fn trip() -> Value {
    json!([payment("100.00"), to_hotel("200.00")])
}

fn to_hotel(amount: &str) -> Value {
    let mut payment = payment(amount);
    payment["creditor"] = json!({ "name": "Hotel", "account": { "iban": "NO9386011117947" } });
    payment
}

fn to_casino(amount: &str) -> Value {
    let mut payment = payment(amount);
    payment["creditor"] =
        json!({ "name": "Casino", "account": { "iban": "DE89370400440532013000" } });
    payment
}

/// The access token of a task of that trip.
async fn trip_of(world: &World, cast: &Cast) -> String {
    let details = trip().to_string();
    let question = cast.question().with("authorization_details", details);
    let auth_req_id = cast.planner.asked(world, &question).await;
    let id = world.request_id(&auth_req_id).await;
    let mut alice = world.phone_of("alice").await;
    let page = alice.look(&id).await;
    alice.approve_by_password(&page).await;
    cast.planner
        .poll(world, &auth_req_id)
        .await
        .member("access_token")
}

both!(
    /// Another resource is said by its name, and not by its URL.
    another_resource_than_the_task_allows,
    |world| async {
        let cast = Cast::of(&world).await;
        cast.token(&world).await;
        let token = trip_of(&world, &cast).await;
        let exchange = "https://exchange.example";
        world
            .add_resource(json!({
                "resource": exchange, "name": "Coin Exchange", "scopes": [],
                "authorization_details_types": ["payment"]
            }))
            .await;
        world.app.fresh_catalogue().await.unwrap();
        let mut elsewhere = payment("100.00");
        elsewhere["locations"] = json!([exchange]);
        let question = cast.question_within(&token);
        let question = question.with("authorization_details", json!([elsewhere]).to_string());
        let auth_req_id = cast.planner.asked(&world, &question).await;
        let id = world.request_id(&auth_req_id).await;
        let mut alice = world.phone_of("alice").await;
        let page = alice.look(&id).await;
        page.says("Outside what you allowed: Coin Exchange.");
    }
);

both!(
    more_than_the_task_allows_for_the_same_payee,
    |world| async {
        let cast = Cast::of(&world).await;
        cast.token(&world).await;
        let token = trip_of(&world, &cast).await;
        let outside = "Outside what you allowed";
        for (asked, more, is_outside) in [
            (
                payment("150.00"),
                Some("EUR 50.00 more than the EUR 100.00 you allowed."),
                false,
            ),
            (
                payment("300.00"),
                Some("EUR 200.00 more than the EUR 100.00 you allowed."),
                false,
            ),
            (
                to_hotel("200.01"),
                Some("EUR 0.01 more than the EUR 200.00 you allowed."),
                false,
            ),
            (to_casino("150.00"), None, true),
            (
                to_casino("300.00"),
                Some("EUR 100.00 more than the EUR 200.00 you allowed."),
                true,
            ),
            (to_hotel("200.00"), None, false),
        ] {
            let question = cast.question_within(&token);
            let question = question.with("authorization_details", json!([asked]).to_string());
            let auth_req_id = cast.planner.asked(&world, &question).await;
            let id = world.request_id(&auth_req_id).await;
            let mut alice = world.phone_of("alice").await;
            let page = alice.look(&id).await;
            match more {
                Some(words) => page.says(words),
                None => page.does_not_say("more than the EUR"),
            }
            match is_outside {
                true => page.says(outside),
                false => page.does_not_say(outside),
            }
            alice.approve_by_password(&page).await;
        }
    }
);
