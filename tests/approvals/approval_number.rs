//! The number that the agent shows is typed by the person, and judged after the proof: it tells nothing without it. A wrong one denies
//! that request alone.

use serde_json::json;
use writ_core::pending::State;
use writ_testkit::{
    Cast, Change, PASSWORD, Phone, TestAgent, WebPage, World, at_once, both, minted, payment,
    refused, yes,
};

const PASSKEY: &str = "urn:writ:acr:passkey";

/// An agent that shows numbers, and a person whom it may ask.
struct Scene {
    cast: Cast,
    agent: TestAgent,
    alice: Phone,
}

/// What the agent holds, and shows.
struct Asked {
    auth_req_id: String,
    id: String,
    number: u8,
}

impl Asked {
    fn right(&self) -> String {
        self.number.to_string()
    }

    /// Two digits, but others.
    fn wrong(&self) -> String {
        (self.number % 90 + 10).to_string()
    }
}

async fn staged(world: &World) -> Scene {
    let cast = Cast::of(world).await;
    let mut file = writ_testkit::agent_file("agt_numbers", "alice");
    file["number_matching"] = json!(true);
    file["agent"]["may_ask"] = json!(["alice"]);
    Scene {
        cast,
        agent: writ_testkit::enrol(world, file).await,
        alice: world.phone_of("alice").await,
    }
}

impl Scene {
    async fn asks(&self, world: &World, amount: &str, more: &[(&'static str, &str)]) -> Asked {
        let details = json!([payment(amount)]).to_string();
        let form = self.cast.question().with("authorization_details", details);
        let form = more.iter().fold(form, |form, (name, value)| {
            form.with(name, value.to_string())
        });
        let asked = self.agent.ask(world, &form).await;
        let auth_req_id = asked.member("auth_req_id");
        let number = asked.json()["number_to_match"].as_u64().unwrap();
        Asked {
            id: world.request_id(&auth_req_id).await,
            number: number.try_into().unwrap(),
            auth_req_id,
        }
    }

    async fn types(&mut self, page: &WebPage, number: &str, password: &str) -> WebPage {
        let fill = [("number", number), ("password", password)];
        self.alice.answer(page, &fill).await
    }

    async fn is_denied(&self, world: &World, asked: &Asked) {
        let polled = self.agent.poll(world, &asked.auth_req_id).await;
        refused(&polled, "access_denied", "wrong number");
    }
}

async fn state(world: &World, asked: &Asked) -> State {
    world.waiting(&asked.auth_req_id).await.state()
}

fn on_receipt(shown: &WebPage) {
    let path = shown.url.path();
    assert!(path.starts_with("/app/receipts/"), "{path}");
}

both!(the_right_number_is_typed_by_the_person, |world| async {
    let mut scene = staged(&world).await;
    let asked = scene.asks(&world, "300.00", &[]).await;
    let page = scene.alice.look(&asked.id).await;
    page.says("Which number does the agent show you?");
    let html = page.reply.text();
    let field = html.split('<').find(|tag| tag.contains("name=\"number\""));
    let field = field.expect("a field for the number");
    for attribute in [
        "type=\"text\"",
        "inputmode=\"numeric\"",
        "autocomplete=\"off\"",
    ] {
        assert!(field.contains(attribute), "{field}");
    }
    assert!(!field.contains("value="), "nothing to choose from: {field}");
    for unfinished in ["", " ", "4", "142", "+42", "forty-two"] {
        let shown = scene.types(&page, unfinished, PASSWORD).await;
        assert_eq!(shown.reply.status, 422, "{unfinished:?}");
        shown.says("Type the two digits that the agent shows you.");
    }
    let none = scene.alice.approve_by_password(&page).await;
    assert_eq!(none.reply.status, 422);
    assert_eq!(state(&world, &asked).await, State::Viewed);
    on_receipt(&scene.types(&page, &asked.right(), PASSWORD).await);
    minted(
        &scene.agent.poll(&world, &asked.auth_req_id).await,
        "approved",
    );
});

both!(a_number_is_typed_as_ones_keyboard_has_it, |world| async {
    let mut scene = staged(&world).await;
    for (zero, before) in [('\u{660}', "\u{200f} "), ('\u{6f0}', ""), ('\u{ff10}', "")] {
        let asked = scene.asks(&world, "300.00", &[]).await;
        let in_script = |ascii: char| {
            let digit = ascii.to_digit(10).unwrap();
            char::from_u32(u32::from(zero) + digit).unwrap()
        };
        let digits: String = asked.right().chars().map(in_script).collect();
        let page = scene.alice.look(&asked.id).await;
        on_receipt(
            &scene
                .types(&page, &format!("{before}{digits}"), PASSWORD)
                .await,
        );
        minted(
            &scene.agent.poll(&world, &asked.auth_req_id).await,
            "approved",
        );
    }
});

both!(a_number_tells_nothing_without_the_proof, |world| async {
    let mut scene = staged(&world).await;
    let asked = scene.asks(&world, "300.00", &[]).await;
    let page = scene.alice.look(&asked.id).await;
    let mut heard = Vec::new();
    for number in [asked.right(), asked.wrong()] {
        let shown = scene.types(&page, &number, "another password").await;
        assert_eq!(shown.reply.status, 422);
        shown.says("The password is not right. Nothing was approved.");
        heard.push(shown.words());
    }
    assert_eq!(heard[0], heard[1], "right and wrong look alike");
    // Nor by the person's own record, which a session alone may read.
    let [record] = &world.events_named("approval.requested").await[..] else {
        panic!("not one request");
    };
    assert!(record.data["asked"].is_object());
    assert_eq!(record.data["asked"].get("number"), None);
    let export = scene.alice.browser.open("/app/activity/export").await;
    assert_eq!(export.reply.status, 200);
    assert!(!export.reply.text().contains("\"number\""));
    assert_eq!(state(&world, &asked).await, State::Viewed);
    assert_eq!(world.events_named("approval.denied").await.len(), 0);
    // Nor by a screen that nobody was shown.
    for number in [asked.right(), asked.wrong()] {
        let (number, password) = (("number", &*number), ("password", PASSWORD));
        let shown = scene
            .alice
            .answer(&page, &[number, password, ("screen", "AAAA")])
            .await;
        assert_eq!(shown.reply.status, 409);
    }
    assert_eq!(state(&world, &asked).await, State::Viewed);
});

both!(a_wrong_number_denies_that_request_alone, |world| async {
    let mut scene = staged(&world).await;
    let asked = scene.asks(&world, "300.00", &[]).await;
    let other = scene.asks(&world, "20.00", &[]).await;
    let page = scene.alice.look(&asked.id).await;
    let shown = scene.types(&page, &asked.wrong(), PASSWORD).await;
    shown.says("That was not the number");
    shown.says("Nothing was approved.");
    scene.is_denied(&world, &asked).await;
    let events = world.events_named("approval.denied").await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].data["approval"], json!(asked.id));
    assert_eq!(events[0].data["level"], json!("password"));
    assert_eq!(events[0].reason.as_deref(), Some("wrong number"));
    let metrics = world.app.metrics.render();
    assert!(metrics.contains("writ_consents_total{result=\"wrong_number\"} 1"));
    // The number of one request is not that of another, and nothing else ended.
    let page = scene.alice.look(&other.id).await;
    on_receipt(&scene.types(&page, &other.right(), PASSWORD).await);
    minted(
        &scene.agent.poll(&world, &other.auth_req_id).await,
        "approved",
    );
    // What was denied stays denied.
    let page = scene.alice.look(&asked.id).await;
    page.says("That was not the number");
    let told = scene.alice.browser.open("/app/activity").await;
    told.says("A wrong number was typed for a request of agt_numbers");
    told.does_not_say("You denied a request");
});

both!(
    with_a_passkey_it_is_judged_after_the_signature,
    |world| async {
        let mut scene = staged(&world).await;
        world.enrol_first(&mut scene.alice, "alice").await;
        let strong = [("acr_values", PASSKEY)];
        let asked = scene.asks(&world, "300.00", &strong).await;
        let page = scene.alice.look(&asked.id).await;
        for number in [asked.right(), asked.wrong()] {
            for assertion in ["", "{}"] {
                let fill = [("number", &*number), ("assertion", assertion)];
                let shown = scene.alice.answer(&page, &fill).await;
                assert_eq!(shown.reply.status, 422);
                shown.says("Your device's answer did not count.");
            }
        }
        assert_eq!(state(&world, &asked).await, State::Viewed);
        let assertion = scene.alice.sign(&page).to_string();
        let wrong = asked.wrong();
        let fill = [("number", &*wrong), ("assertion", &assertion)];
        let shown = scene.alice.answer(&page, &fill).await;
        shown.says("That was not the number");
        scene.is_denied(&world, &asked).await;
        let events = world.events_named("approval.denied").await;
        assert_eq!(
            events[0].data["level"],
            json!("passkey"),
            "who typed it is proved"
        );
        let asked = scene.asks(&world, "20.00", &strong).await;
        let page = scene.alice.look(&asked.id).await;
        let assertion = scene.alice.sign(&page).to_string();
        let right = asked.right();
        let fill = [("number", &*right), ("assertion", &assertion)];
        on_receipt(&scene.alice.answer(&page, &fill).await);
        minted(
            &scene.agent.poll(&world, &asked.auth_req_id).await,
            "approved",
        );
    }
);

both!(a_smaller_request_has_the_same_number, |world| async {
    let mut scene = staged(&world).await;
    let smaller = [("part", "d0"), ("amount-d0", "50.00")];
    for is_right in [false, true] {
        let asked = scene.asks(&world, "300.00", &[]).await;
        let page = scene.alice.less(&asked.id, &smaller).await;
        page.says("Which number does the agent show you?");
        let number = if is_right {
            asked.right()
        } else {
            asked.wrong()
        };
        let shown = scene.types(&page, &number, PASSWORD).await;
        if is_right {
            on_receipt(&shown);
            let token = minted(&scene.agent.poll(&world, &asked.auth_req_id).await, "less");
            let paid = &token["authorization_details"][0]["instructed_amount"]["amount"];
            assert_eq!(paid, &json!("50.00"));
        } else {
            shown.says("That was not the number");
            scene.is_denied(&world, &asked).await;
        }
        // A no makes the next question wait.
        world.advance(24 * 3600);
        scene.alice.sign_in("alice").await;
    }
});

both!(of_two_numbers_at_once_one_counts, |world| async {
    let mut scene = staged(&world).await;
    for _ in 0..3 {
        let asked = scene.asks(&world, "300.00", &[]).await;
        let page = scene.alice.look(&asked.id).await;
        let mut racers = Vec::new();
        for number in [asked.right(), asked.wrong(), asked.wrong()] {
            let mut browser = world.node().await.browser();
            browser.cookies.clone_from(&scene.alice.browser.cookies);
            let fields = yes(&page, &[("number", &number), ("password", PASSWORD)]);
            let page = WebPage {
                url: page.url.clone(),
                reply: page.reply.clone(),
            };
            racers.push(async move { browser.send_form(&page, "decision", &fields).await });
        }
        at_once(racers).await;
        let request = world.waiting(&asked.auth_req_id).await;
        let receipts = world.begin().await.receipts_of_request(&request.id).await;
        assert_eq!(receipts.unwrap().len(), 1);
        let polled = scene.agent.poll(&world, &asked.auth_req_id).await;
        match request.state() {
            State::Approved => drop(minted(&polled, "the right one was first")),
            State::Denied => refused(&polled, "access_denied", "wrong number"),
            state => panic!("{state:?}"),
        }
        world.advance(24 * 3600);
        scene.alice.sign_in("alice").await;
    }
});
