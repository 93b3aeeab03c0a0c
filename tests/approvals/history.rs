//! What is unusual is said before a person answers: a payee for the first time, more than usual;
//! and what was approved is told afterwards.

use std::time::Duration;

use serde_json::{Value, json};
use writ_core::pending::State;
use writ_testkit::{
    Cast, Change, PASSWORD, Phone, TestAgent, WebPage, World, at_once, both, minted, payment,
    poll_form, yes,
};

use crate::approvals::approval::on_receipt;

const KLM: &str = "NL91ABNA0417164300";
const SAS: &str = "NO9386011117947";

struct Scene {
    cast: Cast,
    alice: Phone,
}

async fn staged(world: &World) -> Scene {
    let cast = Cast::of(world).await;
    cast.token(world).await;
    let alice = world.phone_of("alice").await;
    Scene { cast, alice }
}

fn to(amount: &str, iban: &str) -> Value {
    let mut asked = payment(amount);
    asked["creditor"]["account"]["iban"] = json!(iban);
    asked
}

/// `auth_req_id` and id of a new request.
async fn asked(world: &World, cast: &Cast, details: Value) -> (String, String) {
    let details = json!([details]).to_string();
    let question = cast.question().with("authorization_details", details);
    let auth_req_id = cast.planner.asked(world, &question).await;
    let id = world.request_id(&auth_req_id).await;
    (auth_req_id, id)
}

const FIRST: &str = "You haven't paid this account before.";

fn is_receipt(page: &WebPage) -> bool {
    page.url.path().starts_with("/app/receipts/")
}

impl Scene {
    /// Asked, approved by password and fetched.
    async fn paid(&mut self, world: &World, amount: &str, iban: &str) {
        let (auth_req_id, id) = asked(world, &self.cast, to(amount, iban)).await;
        let page = self.alice.look(&id).await;
        let receipt = self.alice.approve_by_password(&page).await;
        assert!(is_receipt(&receipt), "{}", receipt.reply.text());
        let reply = self.cast.planner.poll(world, &auth_req_id).await;
        minted(&reply, "approved");
        world.advance(1);
    }
}

both!(
    the_first_time_to_a_payee_is_said_on_the_page,
    |world| async {
        let mut scene = staged(&world).await;
        let (first_asked, id) = asked(&world, &scene.cast, to("10.00", KLM)).await;
        let page = scene.alice.look(&id).await;
        page.says(FIRST);
        let receipt = scene.alice.approve_by_password(&page).await;
        // What the device would sign says so too.
        receipt.says(FIRST);
        // Approved, but not fetched: nothing was used yet.
        let (second_asked, second) = asked(&world, &scene.cast, to("11.00", KLM)).await;
        scene.alice.look(&second).await.says(FIRST);
        minted(
            &scene.cast.planner.poll(&world, &first_asked).await,
            "approved",
        );
        let page = scene.alice.look(&second).await;
        page.does_not_say(FIRST);
        page.says("“KLM” unverified NL91 ABNA 0417 1643 00 paid before");
        assert!(is_receipt(&scene.alice.approve_by_password(&page).await));
        minted(
            &scene.cast.planner.poll(&world, &second_asked).await,
            "approved",
        );
        // Another account, though it has the same name.
        let (_, third) = asked(&world, &scene.cast, to("11.00", SAS)).await;
        let page = scene.alice.look(&third).await;
        page.says(FIRST);
        page.does_not_say("paid before");
        // What was denied is not known afterwards.
        scene.alice.refuse(&page, "deny").await;
        world.advance(24 * 3600);
        scene.cast.token(&world).await;
        scene.alice.sign_in("alice").await;
        let (_, fourth) = asked(&world, &scene.cast, to("11.00", SAS)).await;
        scene.alice.look(&fourth).await.says(FIRST);
    }
);

both!(more_than_usual_is_said_on_the_page, |world| async {
    let mut scene = staged(&world).await;
    let said = "Your largest: EUR 300.00.";
    for amount in ["100.00", "300.00"] {
        scene.paid(&world, amount, KLM).await;
    }
    let (_, id) = asked(&world, &scene.cast, to("400.00", KLM)).await;
    scene.alice.look(&id).await.does_not_say(said);
    scene.paid(&world, "200.00", SAS).await;
    let page = scene.alice.look(&id).await;
    page.says(said);
    // The smaller request is judged by what it asks.
    let less = scene
        .alice
        .less(&id, &[("part", "d0"), ("amount-d0", "300.00")]);
    let less = less.await;
    less.says("You made this smaller than what was asked.");
    less.does_not_say(said);
    let more = scene
        .alice
        .less(&id, &[("part", "d0"), ("amount-d0", "300.01")]);
    more.await.says(said);
});

both!(
    what_was_fetched_meanwhile_is_shown_before_a_yes,
    |world| async {
        let mut scene = staged(&world).await;
        let (one, id) = asked(&world, &scene.cast, to("10.00", KLM)).await;
        let page = scene.alice.look(&id).await;
        let (other, second) = asked(&world, &scene.cast, to("20.00", KLM)).await;
        let before = scene.alice.look(&second).await;
        before.says(FIRST);
        assert!(is_receipt(&scene.alice.approve_by_password(&page).await));
        minted(&scene.cast.planner.poll(&world, &one).await, "approved");
        let changed = scene.alice.approve_by_password(&before).await;
        assert_eq!(changed.reply.status, 409);
        changed.says("This request changed while you looked.");
        changed.does_not_say(FIRST);
        assert_eq!(world.waiting(&other).await.state(), State::Viewed);
        let receipt = scene.alice.approve_by_password(&changed).await;
        assert!(is_receipt(&receipt));
        receipt.does_not_say(FIRST);
        minted(&scene.cast.planner.poll(&world, &other).await, "approved");
    }
);

both!(
    a_yes_while_another_is_fetched_is_to_one_screen,
    |world| async {
        let mut scene = staged(&world).await;
        for round in 0..6 {
            let iban = format!("NL91ABNA041716430{round}");
            let (one, id) = asked(&world, &scene.cast, to("10.00", &iban)).await;
            let page = scene.alice.look(&id).await;
            assert!(is_receipt(&scene.alice.approve_by_password(&page).await));
            let (other, id) = asked(&world, &scene.cast, to("20.00", &iban)).await;
            let page = scene.alice.look(&id).await;
            page.says(FIRST);
            let fetch = fetching(&world, &scene.cast.planner, &one);
            let fetched_at = world.now().plus(MOMENT);
            let answer = answering(&world, &scene.alice, &page).await;
            let ended = at_once(vec![fetch, answer]).await;
            let shown = ended.into_iter().flatten().next().unwrap();
            let request = world.waiting(&other).await;
            match request.decision() {
                Some(decision) => {
                    // What was signed says that it is the first time: so it came before the other was fetched.
                    on_receipt(&shown);
                    shown.says(FIRST);
                    assert!(
                        decision.by[0].at < fetched_at,
                        "a yes to what was no longer so"
                    );
                }
                None => {
                    assert_eq!(shown.reply.status, 409);
                    shown.does_not_say(FIRST);
                    assert_eq!(request.state(), State::Viewed);
                }
            }
            world.advance(60);
        }
    }
);

both!(my_agents_say_what_was_approved, |world| async {
    let mut scene = staged(&world).await;
    let page = scene.alice.browser.open("/app/agents").await;
    page.does_not_say("Approved one by one");
    page.says("Last token");
    page.does_not_say("None yet");
    scene.paid(&world, "412.00", KLM).await;
    let page = scene.alice.browser.open("/app/agents").await;
    page.says("Approved one by one in the last 13 months");
    page.says("EUR 412.00 in 1 decision");
    page.does_not_say("decisions");
    scene.paid(&world, "0.5", SAS).await;
    // Approved and not fetched: told apart, until its time is over.
    let (auth_req_id, id) = asked(&world, &scene.cast, to("99.00", KLM)).await;
    let look = scene.alice.look(&id).await;
    scene.alice.approve_by_password(&look).await;
    let page = scene.alice.browser.open("/app/agents").await;
    page.says("EUR 412.50 in 2 decisions");
    page.says("Approved, not fetched yet");
    let unfetched =
        "Pay up to EUR 99.00 to “KLM” (NL91 ABNA 0417 1643 00), once (until 21 September";
    page.says(unfetched);
    minted(
        &scene.cast.planner.poll(&world, &auth_req_id).await,
        "approved",
    );
    let page = scene.alice.browser.open("/app/agents").await;
    page.says("EUR 511.50 in 3 decisions");
    page.does_not_say("not fetched yet");
    // Nobody else's page tells of it.
    let code = scene
        .cast
        .approved(
            &world,
            &scene.cast.planner,
            &scene.cast.request(),
            "mallory",
        )
        .await;
    let mut mallory = world.phone_of("mallory").await;
    let page = mallory.browser.open("/app/agents").await;
    page.says("agt_planner");
    page.does_not_say("Approved one by one");
    page.says("None yet");
    scene.cast.redeem(&world, &code).await.access_token();
    let page = mallory.browser.open("/app/agents").await;
    page.does_not_say("None yet");
});

/// The clock goes on when the other was fetched.
const MOMENT: Duration = Duration::from_secs(1);

type Racer = std::pin::Pin<Box<dyn Future<Output = Option<WebPage>> + Send>>;

fn fetching(world: &World, agent: &TestAgent, auth_req_id: &str) -> Racer {
    let ready = agent.ready(world, "/token", &poll_form(auth_req_id));
    let (door, clock) = (world.door(), world.clock.clone());
    Box::pin(async move {
        let reply = door.send(&ready).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        clock.advance(MOMENT);
        None
    })
}

/// The same phone once more, through another node.
async fn answering(world: &World, phone: &Phone, page: &WebPage) -> Racer {
    let mut browser = world.node().await.browser();
    browser.cookies.clone_from(&phone.browser.cookies);
    let page = WebPage {
        url: page.url.clone(),
        reply: page.reply.clone(),
    };
    let fields = yes(&page, &[("password", PASSWORD)]);
    Box::pin(async move { Some(browser.send_form(&page, "decision", &fields).await) })
}
