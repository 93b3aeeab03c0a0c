//! What an issuance costs the database: a constant number of statements, whatever the depth.
//! Counted by the node itself, `BEGIN` and `COMMIT` included, when keys, clients and resources are at hand.

use serde_json::json;
use tokio::task::JoinSet;
use writ_core::id::TaskId;
use writ_core::signing::KEY_CACHE;
use writ_server::operate::stop::stop_task;
use writ_testkit::{
    Cast, Change, CopiedGrant, DatabaseKind, GrantTemplate, Ready, TestAgent, TestReply, World,
    both, claims, payment, permitted, question, run_key,
};

use crate::client::access::{opened, paying};
use crate::client::access_spenders::Spenders;
use crate::laws::races::own_work;

/// Begin, claims, task, delegation, event, commit.
const CREDENTIALS: u64 = 6;
/// Begin, code, lineage, claims, code used, refresh token, event, commit.
const CODE: u64 = 8;
/// Begin, refresh token, lineage, claims, event, commit.
const REFRESH: u64 = 6;
/// Begin, lineage, actor, claims, delegation, two events, commit.
const HAND_OVER: u64 = 8;
/// Begin, lineage, claims, delegation, event, commit.
const NARROW: u64 = 6;
/// Begin, lineage, decision with its event, commit.
const DECISION: u64 = 4;
/// Claims, and each budget held and spent.
const DECISION_PROOF: u64 = 1;
const DECISION_BUDGET: u64 = 2;
/// That it was used.
const DECISION_ONCE: u64 = 1;
/// It is taken for a new one first, and then the key is looked up: begin, lineage, claims, decision; begin, key.
const DECISION_REPLAYED: u64 = 6;
/// Begin, task, its person, what was asked, offers to undo, stop, event, commit.
const STOP: u64 = 8;
/// Clients are told of what was asked.
const STOP_ASKED: u64 = 1;

/// After the commit everything above is read once more where others write too.
const fn second_look(world: &World) -> u64 {
    match world.database.kind {
        DatabaseKind::Sqlite => 0,
        DatabaseKind::Postgres => 1,
    }
}

/// A request and what it cost.
async fn cost(world: &World, ready: Ready) -> (TestReply, u64) {
    let before = world.app.store.statements();
    let reply = world.door().send(&ready).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    (reply, world.app.store.statements() - before)
}

/// The node has seen every agent's keys; the first use of a key writes its row.
async fn warm(world: &World) -> Cast {
    let cast = Cast::of(world).await;
    for actor in [&cast.planner, &cast.booker, &cast.payer] {
        cost(world, actor.ready(world, "/token", &own_work())).await;
    }
    cast
}

fn hand_over(
    world: &World,
    cast: &Cast,
    token: &str,
    (from, to): (&TestAgent, &TestAgent),
) -> Ready {
    let actor = to.actor_assertion(world, &from.id);
    from.ready(world, "/token", &cast.exchange_form(token, Some(&actor)))
}

fn narrow(world: &World, cast: &Cast, token: &str, amount: &str) -> Ready {
    let mut form = cast.exchange_form(token, None);
    let less = json!([payment(amount)]).to_string();
    form.push(("authorization_details", less));
    cast.planner.ready(world, "/token", &form)
}

fn refresh(world: &World, cast: &Cast, planted: &CopiedGrant) -> Ready {
    let form = [
        ("grant_type", "refresh_token".to_owned()),
        ("refresh_token", planted.refresh_token.clone()),
    ];
    cast.planner.ready(world, "/token", &form)
}

both!(
    /// One transaction and a small constant number of statements.
    each_grant_has_its_price,
    |world| async {
        let cast = warm(&world).await;
        let second = second_look(&world);
        let own = cast.planner.ready(&world, "/token", &own_work());
        assert!(cost(&world, own).await.1 <= CREDENTIALS + second);

        let code = cast.code(&world).await;
        let redeem = cast.planner.ready(&world, "/token", &cast.redeem_form(&code));
        let (reply, spent) = cost(&world, redeem).await;
        assert!(spent <= CODE + second, "{spent}");

        let seedling = GrantTemplate::of(&world, &reply.access_token()).await;
        let planted = seedling.plant(&world).await;
        let spent = cost(&world, refresh(&world, &cast, &planted)).await.1;
        assert!(spent <= REFRESH + second, "{spent}");
    }
);

both!(
    /// Whatever the depth of the chain.
    a_hand_over_costs_the_same_at_every_depth,
    |world| async {
        let cast = warm(&world).await;
        let (planner, booker, payer) = (&cast.planner, &cast.booker, &cast.payer);
        let mut spent = Vec::new();
        let mut hand = async |token: &str, (from, to), depth: usize| {
            let actor: &TestAgent = to;
            let (reply, price) = cost(&world, hand_over(&world, &cast, token, (from, actor))).await;
            assert_eq!(actors(&reply), depth);
            spent.push(price);
            reply.access_token()
        };
        let own = cost(&world, planner.ready(&world, "/token", &own_work())).await.0;
        hand(&own.access_token(), (planner, booker), 1).await;
        let grant = cast.grant(&world).await;
        let two = hand(grant.access_token.expose(), (planner, booker), 2).await;
        hand(&two, (booker, payer), 3).await;

        let mut narrowed = grant.access_token.expose().to_owned();
        let mut narrowings = Vec::new();
        for step in 1..=10 {
            let less = narrow(&world, &cast, &narrowed, &format!("{}.00", 100 - step));
            let (reply, price) = cost(&world, less).await;
            narrowings.push(price);
            narrowed = reply.access_token();
        }
        hand(&narrowed, (planner, booker), 2).await;
        constant(&spent, HAND_OVER + second_look(&world));
        constant(&narrowings, NARROW + second_look(&world));
    }
);

/// Each time the same, and no more than that.
fn constant(spent: &[u64], most: u64) {
    assert!(
        spent.iter().all(|price| *price == spent[0]),
        "not always the same: {spent:?}"
    );
    assert!(spent[0] <= most, "{} statements, at most {most}", spent[0]);
}

fn actors(reply: &TestReply) -> usize {
    let claims = reply.claims();
    let chain = std::iter::successors(claims.get("act"), |act| act.get("act"));
    chain.count()
}

both!(
    /// Everything below a stop dies in a constant number of statements.
    a_stop_costs_the_same_with_fifty_descendants,
    |world| async {
        let cast = warm(&world).await;
        let grant = cast.grant(&world).await;
        let seedling = GrantTemplate::of(&world, grant.access_token.expose()).await;
        let mut spent = Vec::new();
        for descendants in [0, 1, 50] {
            let planted = seedling.plant(&world).await;
            let root = cost(&world, refresh(&world, &cast, &planted)).await.0.access_token();
            let mut tokens = Vec::new();
            for place in 0..descendants {
                let less = narrow(&world, &cast, &root, &format!("{}.00", place + 1));
                tokens.push(cost(&world, less).await.0.access_token());
            }
            let rows = world.begin().await.delegations_of(&planted.task).await.unwrap();
            assert_eq!(rows.len(), descendants + 1);
            spent.push(stop(&world, &planted.task).await);
            tokens.push(root);
            for token in &tokens {
                assert_eq!(cast.introspect(&world, token).await, json!({ "active": false }));
            }
        }
        constant(&spent, STOP);
    }
);

both!(
    /// With what was asked in the task, however much that is.
    a_stop_of_a_task_costs_the_same_whatever_was_asked,
    |world| async {
        let cast = warm(&world).await;
        let mut spent = Vec::new();
        for questions in [1, 4] {
            let token = cast.token(&world).await;
            for number in 0..questions {
                let words = format!("question {number}");
                let question = cast.question_within(&token).with("binding_message", words);
                cast.planner.asked(&world, &question).await;
            }
            let task = claims(&token)["mission"]["id"].as_str().unwrap().to_owned();
            spent.push(stop(&world, &TaskId::from_text(task)).await);
        }
        constant(&spent, STOP + STOP_ASKED);
    }
);

both!(
    /// When what a node keeps is to be read again, one request reads it, and the others take that.
    what_a_crowd_asks_for_is_read_once,
    |world| async {
        Cast::of(&world).await;
        let spent = async |path: &str, crowd: usize| {
            let before = world.app.store.statements();
            let mut asking = JoinSet::new();
            for _ in 0..crowd {
                let (door, path) = (world.door(), path.to_owned());
                asking.spawn(async move { door.try_get(&path).await.unwrap().status });
            }
            let statuses = asking.join_all().await;
            assert!(statuses.iter().all(|status| *status == 200), "{path}");
            world.app.store.statements() - before
        };
        // The keys of ID tokens are made by the first.
        spent("/jwks", 1).await;
        world.advance(KEY_CACHE.as_secs());
        let alone = spent("/jwks", 1).await;
        assert_ne!(alone, 0);
        world.advance(KEY_CACHE.as_secs());
        assert_eq!(spent("/jwks", 20).await, alone);

        let metadata = "/.well-known/oauth-authorization-server";
        let unchanged = spent(metadata, 1).await;
        // Resources and types are read again after a minute, whether or not a change was counted.
        world.advance(61);
        let again = spent(metadata, 1).await;
        assert!(again > unchanged);
        world.advance(61);
        assert_eq!(spent(metadata, 20).await, again + 19 * unchanged);
    }
);

both!(
    /// Of a resource server, by a key: what is only looked at costs the lineage.
    each_decision_has_its_price,
    |world| async {
        let (cast, bank) = opened(&world).await;
        let second = second_look(&world);
        let token = cast.token(&world).await;
        let show = || ("show_account", json!({ "name": "Savings" }));
        permitted(&bank.look(&question(&world, &cast.planner, &token, show())).await);
        let spent = async |action, key: &str| {
            let body = question(&world, &cast.planner, &token, action);
            let before = world.app.store.statements();
            let reply = bank.decide(&body, key).await;
            assert_eq!(reply.status, 200, "{}", reply.text());
            (reply, world.app.store.statements() - before)
        };
        let key = run_key(&world);
        let (reply, price) = spent(show(), &key).await;
        permitted(&reply);
        assert!(price <= DECISION + DECISION_PROOF + second, "{price}");
        let (reply, price) = spent(show(), &key).await;
        assert_eq!(permitted(&reply)["replayed"], true);
        assert!(price <= DECISION_REPLAYED, "{price}");
        let (reply, price) = spent(paying("99.00"), &run_key(&world)).await;
        permitted(&reply);
        assert!(price <= DECISION + DECISION_PROOF + DECISION_ONCE + second, "{price}");

        let spenders = Spenders::of(&world, &cast, 10).await;
        let (server, body) = (spenders.server(0, world.door()), spenders.call(&world, 0, 1));
        permitted(&server.decide(&body, &run_key(&world)).await);
        let before = world.app.store.statements();
        permitted(&server.decide(&body, &run_key(&world)).await);
        let price = world.app.store.statements() - before;
        assert!(price <= DECISION + DECISION_BUDGET + second, "{price}");
    }
);

async fn stop(world: &World, task: &TaskId) -> u64 {
    let (app, change) = (&world.app, world.change());
    let before = app.store.statements();
    let mut transaction = app.begin().await.unwrap();
    let stopped = stop_task(&app.outbox(), &mut transaction, task, change).await;
    transaction.commit().await.unwrap();
    stopped.unwrap().unwrap().announce(app);
    app.store.statements() - before
}
