//! A stop never loses a race against a permit, over two nodes, five times at each place. The stop starts when the decision has led to so many statements, so that
//! every place between them is tried.

use writ_testkit::{
    AskingServer, GrantTemplate, World, both, permitted, question, reason, run_key,
};

use crate::client::access::{opened, paying};
use crate::operate::stop_race::{StopRace, race};
use crate::tries::tries;

/// More than the most statements of a decision: the stop comes before, between or after.
const PLACES: usize = 16;

/// Permits of which nobody told what became of them.
async fn silent(world: &World) -> usize {
    world.advance(600);
    let mut all = 0;
    loop {
        let noted = writ_server::request::action_event::note_silence(&world.app).await;
        match noted.unwrap() {
            0 => return all,
            some => all += usize::try_from(some).unwrap(),
        }
    }
}

both!(
    /// No permit is sent after the stop's answer; one that was written before it, and not sent, is taken back.
    a_stop_never_loses_against_a_permit,
    |world| async {
        let (cast, bank) = opened(&world).await;
        let other = world.node().await;
        let seedling =
            GrantTemplate::of(&world, cast.grant(&world).await.access_token.expose()).await;
        let mut permits = 0;
        let rounds = tries(5 * PLACES);
        for round in 0..rounds {
            let planted = seedling.plant(&world).await;
            let form = cast.planner.refresh_form(&planted.refresh_token);
            let token = cast.planner.send(&world, "/token", &form).await;
            let token = token.access_token();
            let asked = |door, key: String| {
                let authorization = bank.authorization.clone();
                let body = question(&world, &cast.planner, &token, paying("1.00"));
                let server = AskingServer {
                    door,
                    authorization,
                };
                async move { server.decide(&body, &key).await }
            };
            let after = (round % PLACES) as u64;
            let starting = StopRace {
                asked: asked(world.door(), run_key(&world)),
                task: planted.task.clone(),
                after,
                late: asked(other.door(), run_key(&world)),
            };
            let raced = race(&world, &other, starting).await;
            let place = format!("round {round}: stopped after {after} statements");
            assert_eq!(reason(&raced.late), "token_invalid", "late, {place}");
            if raced.answer.json()["decision"] == true {
                permitted(&raced.answer);
                assert_eq!(raced.sent.0, raced.sent.1, "sent after the stop's answer, {place}");
                permits += 1;
            } else {
                assert_eq!(reason(&raced.answer), "token_invalid", "{place}");
            }
        }
        // Otherwise it was no race.
        assert!((1..rounds).contains(&permits), "{permits} permits");
        assert_eq!(silent(&world).await, permits, "nobody waits for what was taken back");
        println!("of {rounds} races the permit was sent in {permits}");
    }
);
