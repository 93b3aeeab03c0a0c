//! What a verifier of liveness says counts once: repeated, and at the same moment over two nodes.

use serde_json::json;
use writ_core::pending::State;
use writ_passkey::software::SoftwareAuthenticator;
use writ_testkit::{Phone, WebPage, World, at_once, both_seen, yes};

use crate::approvals::liveness::{asked, first_the_verifier, staged, undecided};

both_seen!(
    a_verifier_that_repeats_itself_is_heard_once,
    |world, seer| async {
        let mut scene = staged(&world).await;
        let (other_req, other) = asked(&world, &scene.cast, (&scene.token, "5.00")).await;
        for (place, id) in [&scene.id, &other].into_iter().enumerate() {
            let page = scene.alice.look(id).await;
            let asked = scene.alice.go_to(&seer, &world, &page).await;
            let mut finding = seer.finding(&world, &asked);
            finding["jti"] = json!("always the same");
            let back = scene.alice.come_back(&asked, &seer.sign(&finding)).await;
            let shown = scene.alice.approve_by_passkey(&back).await;
            match place {
                0 => assert!(shown.url.path().starts_with("/app/receipts/")),
                _ => first_the_verifier(&shown, "was used before", "the second"),
            }
        }
        undecided(&world, &other_req, "the second").await;
        assert_eq!(world.events_named("approval.approved").await.len(), 1);
    }
);

/// The same phone once more, through another node.
async fn twin(world: &World, phone: &Phone) -> Phone {
    let mut browser = world.node().await.browser();
    browser.cookies.clone_from(&phone.browser.cookies);
    Phone::new(browser, phone.device.clone())
}

/// A phone, the page before it, and what it will answer.
type Racer = (Phone, WebPage, Vec<(String, String)>);

/// Sends both answers at the same moment; how many ended at a receipt.
async fn race(racers: Vec<Racer>) -> usize {
    let racers = racers
        .into_iter()
        .map(|(mut phone, page, fields)| async move {
            phone.browser.send_form(&page, "decision", &fields).await
        });
    let ended = at_once(racers.collect()).await;
    let receipts = ended
        .iter()
        .filter(|shown| shown.url.path().starts_with("/app/receipts/"));
    receipts.count()
}

fn copy(page: &WebPage) -> WebPage {
    WebPage {
        url: page.url.clone(),
        reply: page.reply.clone(),
    }
}

both_seen!(
    what_a_verifier_says_counts_once_over_two_nodes,
    |world, seer| async {
        let mut scene = staged(&world).await;
        for round in 0..5 {
            let (auth_req_id, id) = asked(&world, &scene.cast, (&scene.token, "5.00")).await;
            let page = scene.alice.look(&id).await;
            let back = scene.alice.show(&seer, &world, &page).await;
            let signed = scene.alice.sign(&back).to_string();
            let fields = yes(&back, &[("assertion", &signed)]);
            let mut racers = Vec::new();
            for _ in 0..2 {
                let phone = twin(&world, &scene.alice).await;
                racers.push((phone, copy(&back), fields.clone()));
            }
            assert_eq!(race(racers).await, 1, "round {round}");
            let stored = world.begin().await;
            let request = world.waiting(&auth_req_id).await;
            let receipts = { stored }.receipts_of_request(&request.id).await.unwrap();
            assert_eq!(receipts.len(), 1, "round {round}");
        }
    }
);

both_seen!(
    one_jti_for_two_requests_at_once_over_two_nodes,
    |world, seer| async {
        let mut scene = staged(&world).await;
        // Its counter never moves, so nothing but the word itself tells the two answers apart.
        let synced = SoftwareAuthenticator::new([6; 32]).synced();
        let mut phone = std::mem::replace(&mut scene.alice.device, synced);
        scene.alice.enrol_with(&mut phone, "Synchronised").await;
        for round in 0..5 {
            let mut racers = Vec::new();
            let mut requests = Vec::new();
            for amount in ["5.00", "6.00"] {
                let (auth_req_id, id) = asked(&world, &scene.cast, (&scene.token, amount)).await;
                let page = scene.alice.look(&id).await;
                let asked = scene.alice.go_to(&seer, &world, &page).await;
                let mut finding = seer.finding(&world, &asked);
                finding["jti"] = json!(format!("round {round}"));
                let back = scene.alice.come_back(&asked, &seer.sign(&finding)).await;
                let signed = scene.alice.sign(&back).to_string();
                let fields = yes(&back, &[("assertion", &signed)]);
                racers.push((twin(&world, &scene.alice).await, back, fields));
                requests.push(auth_req_id);
            }
            assert_eq!(race(racers).await, 1, "round {round}");
            let mut approved = 0;
            for request in &requests {
                approved += usize::from(world.waiting(request).await.state() == State::Approved);
            }
            assert_eq!(approved, 1, "round {round}");
        }
    }
);
