//! A role that is taken away never loses a race against a mint, over two nodes: as `stop_race.rs`, but the role comes back after each round.

use writ_core::id::UserId;
use writ_core::role::RoleName;
use writ_server::node::app::App;
use writ_testkit::{Cast, GrantTemplate, NodeClient, Ready, both_with};

use super::roles::{ROLES, change};
use super::stop_race::{Mint, PLACES, is_active, race_with, refresh_form};
use crate::tries::tries;

async fn take(app: &App, alice: &UserId) {
    let role = RoleName::parse("payer").unwrap();
    let mut transaction = app.begin().await.unwrap();
    assert!(transaction.take_role(alice, &role).await.unwrap());
    transaction.commit().await.unwrap();
}

both_with!(
    /// No token is sent after the answer of the change, and none is live until the role is back.
    a_role_that_is_taken_away_never_loses_against_a_mint,
    &ROLES,
    |world| async {
        let cast = Cast::of(&world).await;
        change(&world, "alice", &["reader", "payer"], &[]).await;
        let other = world.node().await;
        let seedling = GrantTemplate::of(&world, cast.grant(&world).await.access_token.expose()).await;
        let doors = [world.door(), other.door()];
        let rounds = tries(5 * PLACES * Mint::ALL.len());
        let mut minted_first = 0;
        for round in 0..rounds {
            let mint = Mint::ALL[round % Mint::ALL.len()];
            let planted = seedling.plant(&world).await;
            let form = refresh_form(&planted);
            let first = doors[1].send(&cast.planner.ready(&world, "/token", &form)).await;
            let first = first.access_token();
            let send = |door: &NodeClient, ready: Ready| {
                let door = door.clone();
                async move { door.send(&ready).await }
            };
            let asked = send(&doors[0], mint.ready(&world, &cast, &planted, &first));
            let late = send(&doors[1], mint.ready(&world, &cast, &planted, &first));
            let after = (round / Mint::ALL.len() % PLACES) as u64;
            let (taker, alice) = (other.app.clone(), UserId::from_text(cast.alice.as_str()));
            let taking = async move { take(&taker, &alice).await };
            let raced = race_with(&world, (asked, late), after, taking).await;

            let place = format!("round {round}: {mint:?}, taken after {after} statements");
            let refused = (400, mint.refusal().to_owned());
            assert_eq!(raced.late.refusal(), refused, "late, {place}");
            if raced.answer.status == 200 {
                assert_eq!(raced.sent.0, raced.sent.1, "sent after the change's answer, {place}");
                minted_first += 1;
                let token = raced.answer.access_token();
                // A narrowed payment is within no other role either.
                assert!(!is_active(&doors[round % 2], &cast, &token).await, "a live token, {place}");
            } else {
                assert_eq!(raced.answer.refusal(), refused, "{place}");
            }
            assert!(!is_active(&doors[0], &cast, &first).await, "a live token, {place}");
            change(&world, "alice", &["payer"], &[]).await;
            assert!(is_active(&doors[1], &cast, &first).await, "dead for good, {place}");
        }
        // Otherwise it was no race.
        assert!((1..rounds).contains(&minted_first), "the mint was first {minted_first} times");
    }
);
