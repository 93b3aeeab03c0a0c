//! A pause never loses a race: against a redemption, a question, a hand over and a consent on another node.

use writ_testkit::{BANK, Cast, Change, PASSWORD, World, authorize_url, both, poll_form};

use super::paused::{staged, unpause};
use super::undo::is_active;

const ROUNDS: u64 = 8;

/// Whether the token of this answer, if it has one, does anything.
async fn lives(world: &World, cast: &Cast, reply: &writ_testkit::TestReply) -> bool {
    reply.status == 200 && is_active(world, cast, &reply.access_token()).await
}

both!(
    whatever_an_agent_begins_beside_a_pause_does_not_live,
    |world| async {
        let cast = staged(&world).await;
        let node = world.node().await;
        let booker = &cast.booker;
        for round in 0..ROUNDS {
            let token = cast.token(&world).await;
            let mut alice = world.phone_of("alice").await;
            let ask = |words: &str| cast.question().with("binding_message", words);
            let approved = booker.asked(&world, &ask("approved")).await;
            world.approve(&approved, "alice").await;
            let reported = booker.asked(&world, &ask("reported")).await;
            let page = alice.look(&world.request_id(&reported).await).await;
            let form = cast.request().with("client_id", "agt_booker");
            let pushed = booker
                .send(&world, "/par", &form)
                .await
                .member("request_uri");
            let url = authorize_url("agt_booker", &pushed);
            let (mut reading, consent) = world.consent_page(&url).await;
            let poll = booker.ready(&world, "/token", &poll_form(&approved));
            let assertion = booker.actor_assertion(&world, "agt_planner");
            let hand = cast.exchange_form(&token, Some(&assertion));
            let hand = cast.planner.ready(&world, "/token", &hand);
            let question = booker.ready(&world, "/bc-authorize", &ask("beside"));
            let (door, second, third) = (node.door(), node.door(), node.door());
            let (_, polled, handed, asked, back) = tokio::join!(
                alice.refuse(&page, "not_me"),
                door.send(&poll),
                second.send(&hand),
                third.send(&question),
                reading.submit(&consent, "consent-approve", &[]),
            );
            assert!(
                !lives(&world, &cast, &polled).await,
                "{round}: a redemption"
            );
            assert!(!lives(&world, &cast, &handed).await, "{round}: a hand over");
            if let Some(code) = back.query("code") {
                let form = cast.redeem_form(&code).with("resource", BANK);
                let reply = booker.send(&world, "/token", &form).await;
                assert!(!lives(&world, &cast, &reply).await, "{round}: a consent");
            }
            assert!(alice.inbox().await.is_empty(), "{round}: {}", asked.text());
            let page = unpause(&mut alice, "agt_booker", &[("password", PASSWORD)]).await;
            page.says("It may ask you again");
            assert!(!lives(&world, &cast, &polled).await, "{round}: afterwards");
            assert!(!lives(&world, &cast, &handed).await, "{round}: afterwards");
            world.advance(24 * 3600);
        }
    }
);
