//! A stop never loses a race against a mint, over two nodes: each way of minting five times at each place.
//! The stop starts when the mint has sent so many statements, so that every place between them is tried.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use writ_core::id::TaskId;
use writ_server::node::app::App;
use writ_server::operate::change::ChangedBy;
use writ_server::operate::stop::stop_task;
use writ_testkit::{
    Cast, CopiedGrant, GrantTemplate, Node, NodeClient, Ready, TestReply, World, both, operator,
};

use crate::tries::tries;

/// One more than the most statements of a mint: the stop comes before, between or after.
pub(crate) const PLACES: usize = 12;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Mint {
    HandOver,
    Refresh,
    Narrow,
}

impl Mint {
    pub(crate) const ALL: [Self; 3] = [Self::HandOver, Self::Refresh, Self::Narrow];

    /// The refusal of one that builds on something stopped (RFC 6749 section 5.2).
    pub(crate) const fn refusal(self) -> &'static str {
        match self {
            Self::HandOver | Self::Narrow => "invalid_request",
            Self::Refresh => "invalid_grant",
        }
    }

    pub(crate) fn ready(
        self,
        world: &World,
        cast: &Cast,
        planted: &CopiedGrant,
        token: &str,
    ) -> Ready {
        let form = match self {
            Self::HandOver => {
                let actor = cast.booker.actor_assertion(world, "agt_planner");
                cast.exchange_form(token, Some(&actor))
            }
            Self::Narrow => {
                let mut form = cast.exchange_form(token, None);
                let less = serde_json::json!([writ_testkit::payment("1.00")]);
                form.push(("authorization_details", less.to_string()));
                form
            }
            Self::Refresh => refresh_form(planted),
        };
        cast.planner.ready(world, "/token", &form)
    }
}

pub(crate) fn refresh_form(planted: &CopiedGrant) -> Vec<(&'static str, String)> {
    vec![
        ("grant_type", "refresh_token".to_owned()),
        ("refresh_token", planted.refresh_token.clone()),
    ]
}

both!(
    /// No live token after the stop's answer.
    a_stop_never_loses_against_a_mint,
    |world| async {
        let cast = Cast::of(&world).await;
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
            let ready = |mint: Mint| mint.ready(&world, &cast, &planted, &first);

            let after = (round / Mint::ALL.len() % PLACES) as u64;
            let send = |door: &NodeClient, ready: Ready| {
                let door = door.clone();
                async move { door.send(&ready).await }
            };
            let starting = StopRace {
                asked: send(&doors[0], ready(mint)),
                task: planted.task.clone(),
                after,
                late: send(&doors[1], ready(mint)),
            };
            let raced = race(&world, &other, starting).await;

            let place = format!("round {round}: {mint:?}, stopped after {after} statements");
            let refused = (400, mint.refusal().to_owned());
            assert_eq!(raced.late.refusal(), refused, "late, {place}");
            let mut tokens = vec![first];
            if raced.answer.status == 200 {
                // Also a verifier that asks nobody sees no token that is younger than the stop: nothing was left to do.
                assert_eq!(raced.sent.0, raced.sent.1, "sent after the stop's answer, {place}");
                minted_first += 1;
                tokens.push(raced.answer.access_token());
            } else {
                assert_eq!(raced.answer.refusal(), refused, "{place}");
            }
            for (token, door) in tokens.iter().zip(doors.iter().cycle().skip(round)) {
                assert!(!is_active(door, &cast, token).await, "a live token, {place}");
            }
        }
        // Otherwise it was no race.
        assert!((1..rounds).contains(&minted_first), "the mint was first {minted_first} times");
        println!("of {rounds} races the mint was answered in {minted_first}");
    }
);

/// A request against the stop of its task.
pub(crate) struct StopRace<A, L> {
    pub(crate) asked: A,
    pub(crate) task: TaskId,
    /// The stop starts when the request has led to so many statements.
    pub(crate) after: u64,
    /// A request that starts at the stop's answer.
    pub(crate) late: L,
}

/// What one race gave.
pub(crate) struct Raced {
    pub(crate) answer: TestReply,
    /// Statements that the request had led to at the stop's answer, and at its own.
    pub(crate) sent: (u64, u64),
    /// The request that started at the stop's answer.
    pub(crate) late: TestReply,
}

/// The request at the first node against the stop at the second.
pub(crate) async fn race<A, L>(world: &World, other: &Node, race: StopRace<A, L>) -> Raced
where
    A: Future<Output = TestReply> + Send + 'static,
    L: Future<Output = TestReply>,
{
    let StopRace {
        asked,
        task,
        after,
        late,
    } = race;
    let stopper = other.app.clone();
    let stopping = async move { stop(&stopper, &task).await };
    race_with(world, (asked, late), after, stopping).await
}

/// The request against any other change, and a request that starts at the change's answer.
pub(crate) async fn race_with<A, L, C>(
    world: &World,
    (asked, late): (A, L),
    after: u64,
    change: C,
) -> Raced
where
    A: Future<Output = TestReply> + Send + 'static,
    L: Future<Output = TestReply>,
    C: Future<Output = ()> + Send + 'static,
{
    let start = world.app.store.statements();
    let answered = Arc::new(AtomicBool::new(false));
    let (asker, done) = (world.app.clone(), answered.clone());
    let asking = tokio::spawn(async move {
        let answer = asked.await;
        done.store(true, Ordering::SeqCst);
        (answer, asker.store.statements() - start)
    });
    let asker = world.app.clone();
    let stopping = tokio::spawn(async move {
        let sent = || asker.store.statements() - start;
        while sent() < after && !answered.load(Ordering::SeqCst) {
            tokio::task::yield_now().await;
        }
        change.await;
        sent()
    });
    let at_stop = stopping.await.unwrap();
    let late = late.await;
    let (answer, at_answer) = asking.await.unwrap();
    Raced {
        answer,
        sent: (at_stop, at_answer),
        late,
    }
}

async fn stop(app: &App, task: &TaskId) {
    let now = app.clock.now();
    let mut transaction = app.begin().await.unwrap();
    let operator = operator();
    let change = app.change(ChangedBy::Operator(&operator), now);
    let stopped = stop_task(&app.outbox(), &mut transaction, task, change).await;
    transaction.commit().await.unwrap();
    stopped.unwrap().unwrap().announce(app);
}

pub(crate) async fn is_active(door: &NodeClient, cast: &Cast, token: &str) -> bool {
    let ask = Ready::new("/introspect", &[("token", token.to_owned())]);
    let reply = door
        .send(&ask.header("authorization", &cast.bank_basic()))
        .await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()["active"].as_bool().unwrap()
}
