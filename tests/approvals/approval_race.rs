//! Two answers at once: approve against deny, the same answer twice, two approvers together, approve against expiry:
//! one outcome, one receipt of a yes, one token.

use serde_json::{Value, json};
use writ_core::pending::State;
use writ_testkit::{
    Cast, Change, PASSWORD, Phone, WebPage, World, agent_file, at_once, both, enrol, minted,
    refused, yes,
};

const ROUNDS: usize = 5;

async fn asked(world: &World, cast: &Cast) -> (String, String) {
    let auth_req_id = cast.planner.asked(world, &cast.question()).await;
    let id = world.request_id(&auth_req_id).await;
    (auth_req_id, id)
}

/// The same phone once more, through another node.
async fn twin(world: &World, phone: &Phone) -> Phone {
    let mut browser = world.node().await.browser();
    browser.cookies.clone_from(&phone.browser.cookies);
    Phone::new(browser, phone.device.clone())
}

/// Both answers at the same moment; where each of them ends.
async fn race(
    world: &World,
    phones: [Phone; 2],
    page: &WebPage,
    fills: [&[(&'static str, &str)]; 2],
) -> Vec<WebPage> {
    let _ = world;
    let racers = phones.into_iter().zip(fills).map(|(mut phone, fill)| {
        let page = WebPage {
            url: page.url.clone(),
            reply: page.reply.clone(),
        };
        let fields = yes(&page, fill);
        async move { phone.browser.send_form(&page, "decision", &fields).await }
    });
    at_once(racers.collect()).await
}

async fn receipts(world: &World, auth_req_id: &str) -> Vec<Value> {
    let id = world.waiting(auth_req_id).await.id;
    let stored = world.begin().await.receipts_of_request(&id).await;
    let stored = stored.unwrap().into_iter();
    stored
        .map(|one| serde_json::from_str(&one.document).unwrap())
        .collect()
}

both!(approve_against_deny_over_two_nodes, |world| async {
    let cast = Cast::of(&world).await;
    cast.token(&world).await;
    for _ in 0..ROUNDS {
        let (auth_req_id, id) = asked(&world, &cast).await;
        let mut alice = world.phone_of("alice").await;
        let page = alice.look(&id).await;
        let other = twin(&world, &alice).await;
        let approve: &[_] = &[("password", PASSWORD)];
        let deny: &[_] = &[("decision", "deny")];
        race(&world, [alice, other], &page, [approve, deny]).await;
        let receipts = receipts(&world, &auth_req_id).await;
        assert_eq!(receipts.len(), 1, "{receipts:?}");
        let outcome = receipts[0]["receipt"]["outcome"].clone();
        let request = world.waiting(&auth_req_id).await;
        let polled = cast.planner.poll(&world, &auth_req_id).await;
        match request.state() {
            State::Approved => {
                assert_eq!(outcome, json!("approved"));
                minted(&polled, "approved");
            }
            State::Denied => {
                assert_eq!(outcome, json!("denied"));
                refused(&polled, "access_denied", "denied");
            }
            state => panic!("{state:?}"),
        }
        // Denials make the next question wait.
        world.advance(24 * 3600);
        cast.token(&world).await;
    }
});

both!(
    /// Each ends several requests, and some of them are the same: neither waits for the other without end.
    a_no_that_takes_a_yes_back_beside_a_stop_of_its_agent,
    |world| async {
        let cast = Cast::of(&world).await;
        for _ in 0..ROUNDS {
            cast.token(&world).await;
            let mut alice = world.phone_of("alice").await;
            let mut handles = Vec::new();
            for words in ["approved", "the same again", "stopped"] {
                let question = cast.question().with("binding_message", words);
                handles.push(cast.planner.asked(&world, &question).await);
            }
            world.approve(&handles[0], "alice").await;
            let mut racers = Vec::new();
            for (handle, decision) in handles[1..].iter().zip(["deny", "stop"]) {
                let page = alice.look(&world.request_id(handle).await).await;
                let mut phone = twin(&world, &alice).await;
                let fields = yes(&page, &[("decision", decision)]);
                racers.push(async move {
                    phone.browser.send_form(&page, "decision", &fields).await.reply.status
                });
            }
            let statuses = at_once(racers).await;
            assert!(statuses.iter().all(|status| *status < 500), "{statuses:?}");
            for handle in &handles {
                let state = world.waiting(handle).await.state();
                assert!(matches!(state, State::Denied | State::Expired), "{state:?}");
            }
            world.advance(24 * 3600);
        }
    }
);

both!(the_same_answer_twice_is_one, |world| async {
    let cast = Cast::of(&world).await;
    cast.token(&world).await;
    let mut alice = world.enrolled_phone("alice", 9).await;
    for _ in 0..ROUNDS {
        let form = cast.question();
        let mut form = form;
        form.push(("acr_values", "urn:writ:acr:passkey".to_owned()));
        let auth_req_id = cast.planner.asked(&world, &form).await;
        let id = world.request_id(&auth_req_id).await;
        let page = alice.look(&id).await;
        let assertion = alice.sign(&page).to_string();
        let twins = [twin(&world, &alice).await, twin(&world, &alice).await];
        let fill: &[_] = &[("assertion", assertion.as_str())];
        race(&world, twins, &page, [fill, fill]).await;
        let receipts = receipts(&world, &auth_req_id).await;
        assert_eq!(receipts.len(), 1);
        let request = world.waiting(&auth_req_id).await;
        assert_eq!(request.decision().cloned().unwrap().by.len(), 1);
        minted(&cast.planner.poll(&world, &auth_req_id).await, "approved");
        world.advance(3600);
        cast.token(&world).await;
        alice.sign_in("alice").await;
    }
});

both!(two_approvers_at_once_are_never_lost, |world| async {
    let cast = Cast::of(&world).await;
    for name in ["bob", "carol"] {
        world.add_user(name, PASSWORD).await;
    }
    let mut file = agent_file("agt_guarded", "alice");
    file["agent"]["approvers"] = json!([{ "of": ["bob", "carol"], "need": 2 }]);
    file["agent"]["may_ask"] = json!(["alice"]);
    let agent = enrol(&world, file).await;
    for _ in 0..ROUNDS {
        let auth_req_id = agent.asked(&world, &cast.question()).await;
        let id = world.request_id(&auth_req_id).await;
        let mut alice = world.phone_of("alice").await;
        let page = alice.look(&id).await;
        alice.approve_by_password(&page).await;
        let (mut bob, mut carol) = (world.phone_of("bob").await, world.phone_of("carol").await);
        let pages = [bob.look(&id).await, carol.look(&id).await];
        let racers = [(bob, &pages[0]), (carol, &pages[1])].map(|(mut phone, page)| {
            let page = WebPage {
                url: page.url.clone(),
                reply: page.reply.clone(),
            };
            async move {
                let shown = phone.approve_by_password(&page).await;
                (phone, shown)
            }
        });
        let ended = at_once(racers.into_iter().collect()).await;
        // Whoever was second saw a page on which nobody had agreed yet.
        let second = ended
            .into_iter()
            .find(|(_, shown)| shown.reply.status == 409);
        let (mut phone, shown) = second.expect("one of them reads it again");
        assert_eq!(world.waiting(&auth_req_id).await.state(), State::Viewed);
        phone.approve_by_password(&shown).await;
        assert_eq!(world.waiting(&auth_req_id).await.state(), State::Approved);
        assert_eq!(receipts(&world, &auth_req_id).await.len(), 3);
        world.advance(3600);
    }
});
