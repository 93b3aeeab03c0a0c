//! Approve less: the smaller request is shown before anybody approves it, and the token has exactly that.

use serde_json::{Value, json};
use writ_core::pending::State;
use writ_testkit::{Cast, Change, PASSWORD, Phone, WebPage, World, both, minted, payment, refused};

/// A payment of 300.00 and reading accounts, in a task of its own.
struct Scene {
    cast: Cast,
    auth_req_id: String,
    id: String,
    alice: Phone,
}

async fn staged(world: &World) -> Scene {
    let cast = Cast::of(world).await;
    cast.token(world).await;
    let question = cast.question().with("scope", "accounts:read");
    let auth_req_id = cast.planner.asked(world, &question).await;
    Scene {
        id: world.request_id(&auth_req_id).await,
        alice: world.phone_of("alice").await,
        cast,
        auth_req_id,
    }
}

const ALL: [(&str, &str); 2] = [("part", "d0"), ("part", "s0")];

fn choosing(amount: &'static str) -> Vec<(&'static str, &'static str)> {
    let mut choice = ALL.to_vec();
    choice.push(("amount-d0", amount));
    choice
}

async fn approved(world: &World, scene: &mut Scene, page: &WebPage) -> Value {
    let shown = scene.alice.approve_by_password(page).await;
    assert!(
        shown.url.path().starts_with("/app/receipts/"),
        "{}",
        shown.reply.text()
    );
    let reply = scene.cast.planner.poll(world, &scene.auth_req_id).await;
    minted(&reply, "approved")
}

both!(a_smaller_amount_is_shown_and_granted, |world| async {
    let mut scene = staged(&world).await;
    let page = scene.alice.less(&scene.id, &choosing("50.00")).await;
    page.says("You made this smaller than what was asked.");
    page.says("Pay up to EUR 50.00 to “KLM” (NL91ABNA0417164300), once");
    let token = approved(&world, &mut scene, &page).await;
    let amount = &token["authorization_details"][0]["instructed_amount"]["amount"];
    assert_eq!(amount, &json!("50.00"));
    assert_eq!(token["scope"], json!("accounts:read"));
    let events = world.events_named("approval.approved").await;
    assert_eq!(events[0].data["narrowed"], json!(true));
    let request = world.waiting(&scene.auth_req_id).await;
    assert!(request.decision().unwrap().narrowed);
});

both!(only_the_parts_that_stay_are_granted, |world| async {
    let mut scene = staged(&world).await;
    let page = scene.alice.less(&scene.id, &[("part", "s0")]).await;
    page.says("Use “accounts:read” at Bank");
    let act = page.words();
    let shown = act.split("Limits").next().unwrap();
    assert!(!shown.contains("KLM"), "{shown}");
    let token = approved(&world, &mut scene, &page).await;
    assert_eq!(token["scope"], json!("accounts:read"));
    assert_eq!(token.get("authorization_details"), None);
});

both!(an_earlier_end_is_granted, |world| async {
    let mut scene = staged(&world).await;
    let mut choice = ALL.to_vec();
    choice.push(("minutes", "15"));
    let page = scene.alice.less(&scene.id, &choice).await;
    page.says("It ends by itself on 21 September 2026, 14:28 UTC.");
    world.advance(60);
    let token = approved(&world, &mut scene, &page).await;
    assert_eq!(
        token["mission"]["expires_at"],
        json!("2026-09-21T14:28:20Z")
    );
    let events = world.events_named("approval.approved").await;
    assert_eq!(events[0].data["ends_at"], json!("2026-09-21T14:28:20Z"));
});

both!(more_is_never_less, |world| async {
    let mut scene = staged(&world).await;
    for amount in ["300.01", "0", "-1", "1e1", "many", "0.00001"] {
        let page = scene.alice.less(&scene.id, &choosing(amount)).await;
        assert_eq!(page.reply.status, 422, "{amount}");
        page.says("An amount must be a number, and not more than what was asked.");
        page.says("Pay up to EUR 300.00");
    }
    for choice in [&[][..], &[("part", "d7")], &[("amount-d0", "5")]] {
        let page = scene.alice.less(&scene.id, choice).await;
        assert_eq!(page.reply.status, 422, "{choice:?}");
        page.says("Nothing was left to approve.");
    }
    let mut later = ALL.to_vec();
    later.push(("minutes", "100000"));
    let page = scene.alice.less(&scene.id, &later).await;
    assert_eq!(page.reply.status, 409);
    let state = world.waiting(&scene.auth_req_id).await.state();
    assert_eq!(state, State::Viewed);
});

both!(
    the_form_cannot_say_another_amount_than_the_screen,
    |world| async {
        let mut scene = staged(&world).await;
        let page = scene.alice.less(&scene.id, &choosing("50.00")).await;
        for fill in [
            &[("amount-d0", "300.00")][..],
            &[("amount-d0", "60.00")],
            &[("amount-d0", "40.00")],
            &[("narrow", "")],
            &[("part", "s0")],
            &[("minutes", "15")],
        ] {
            let mut fill = fill.to_vec();
            fill.push(("password", PASSWORD));
            let shown = scene.alice.answer(&page, &fill).await;
            assert_eq!(shown.reply.status, 409, "{fill:?}");
            let state = world.waiting(&scene.auth_req_id).await.state();
            assert_eq!(state, State::Viewed, "{fill:?}");
        }
        refused(
            &scene.cast.planner.poll(&world, &scene.auth_req_id).await,
            "authorization_pending",
            "nothing was decided",
        );
        let token = approved(&world, &mut scene, &page).await;
        let amount = &token["authorization_details"][0]["instructed_amount"]["amount"];
        assert_eq!(amount, &json!("50.00"));
    }
);

both!(an_amount_in_the_reader_s_own_way, |world| async {
    let mut scene = staged(&world).await;
    let page = scene.alice.less(&scene.id, &choosing("50,00")).await;
    page.says("Pay up to EUR 50.00");
    let all = scene.alice.less(&scene.id, &choosing("300.00")).await;
    all.does_not_say("You made this smaller than what was asked.");
    let whole = scene.alice.look(&scene.id).await;
    let screen = |page: &WebPage| {
        let fields = page.fields("decision");
        let mut screen = fields.into_iter().filter(|(name, _)| name == "screen");
        screen.next().unwrap().1
    };
    assert_eq!(screen(&all), screen(&whole), "all of it is one screen");
    assert_ne!(screen(&page), screen(&whole));
});

both!(
    one_payment_within_a_task_has_an_amount_and_no_time,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let question = cast.question_within(&token);
        let details = json!([payment("200.00")]).to_string();
        let question = question.with("authorization_details", details);
        let auth_req_id = cast.planner.asked(&world, &question).await;
        let id = world.request_id(&auth_req_id).await;
        let mut alice = world.phone_of("alice").await;
        let page = alice.look(&id).await;
        assert!(!page.reply.text().contains("name=\"minutes\""));
        let choice = [("part", "d0"), ("amount-d0", "20")];
        let page = alice.less(&id, &choice).await;
        alice.approve_by_password(&page).await;
        let token = minted(&cast.planner.poll(&world, &auth_req_id).await, "less");
        let amount = &token["authorization_details"][0]["instructed_amount"]["amount"];
        assert_eq!(amount, &json!("20"));
    }
);
