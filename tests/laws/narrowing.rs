//! Through the HTTP door: nothing widens through any sequence of narrow, hand over and refresh.
//! Each token is compared with its row, its parent's row and the task twice: by `covers`, and by hand.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use writ_authority::{Authority, ScopeGrant, Types};
use writ_core::delegation::Delegation;
use writ_core::task::Task;
use writ_testkit::{
    BANK, Cast, CopiedGrant, DatabaseKind, GrantTemplate, TestAgent, TestReply, World, payment,
};
use writ_wire::rar::Detail;
use writ_wire::resource::ResourceUri;
use writ_wire::token::GrantType;

mod grant;

use grant::{agent, consented};

const BOOKS: &str = "https://books.example";
const AUDIENCES: [&str; 2] = [BANK, BOOKS];
const SCOPES: [&str; 3] = ["accounts:read", "accounts:write", "books:read"];
/// What the person grants, in cents.
const GRANTED: [u32; 2] = [10_000, 2_500];
const CASES: u32 = 64;
const MOST_STEPS: usize = 12;

/// What one request asks for; absent is everything.
#[derive(Clone, Debug)]
struct Ask {
    audience: Option<usize>,
    scopes: Option<BTreeSet<usize>>,
    /// Which object of the presented token, and how many cents.
    objects: Option<Vec<(usize, u32)>>,
}

#[derive(Clone, Debug)]
enum Step {
    Narrow(usize, Ask),
    HandOver(usize, usize, Ask),
    Refresh(Ask),
}

fn ask() -> impl Strategy<Value = Ask> {
    let cents = prop_oneof![
        1..GRANTED[1],
        GRANTED[1]..GRANTED[0] + 1,
        GRANTED[0]..20_000u32
    ];
    let objects = proptest::collection::vec((0..GRANTED.len(), cents), 0..3);
    let scopes = proptest::collection::btree_set(0..SCOPES.len(), 1..3);
    (
        proptest::option::weighted(0.3, 0..AUDIENCES.len()),
        proptest::option::weighted(0.3, scopes),
        proptest::option::weighted(0.5, objects),
    )
        .prop_map(|(audience, scopes, objects)| Ask {
            audience,
            scopes,
            objects,
        })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (any::<usize>(), ask()).prop_map(|(token, ask)| Step::Narrow(token, ask)),
        4 => (any::<usize>(), 0..3usize, ask())
            .prop_map(|(token, to, ask)| Step::HandOver(token, to, ask)),
        2 => ask().prop_map(Step::Refresh),
    ]
}

/// The world, its agents, and a grant to plant again.
struct Scene {
    world: World,
    cast: Cast,
    actors: [TestAgent; 3],
    seedling: GrantTemplate,
    types: Types,
    /// Narrowed, handed over, refreshed, refused.
    counts: [Cell<u32>; 4],
}

/// A token that somebody holds.
struct Held {
    actor: usize,
    token: String,
    claims: Value,
    row: String,
}

#[test]
fn nothing_widens_through_any_sequence() {
    let runtime = Runtime::new().unwrap();
    let scene = runtime.block_on(Scene::new());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &scene.world.random.bytes::<32>());
    let config = Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    };
    let steps = proptest::collection::vec(step(), 1..MOST_STEPS);
    let result = TestRunner::new_with_rng(config, rng).run(&steps, |steps| {
        runtime.block_on(scene.play(&steps));
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    let counts = scene.counts.each_ref().map(Cell::get);
    println!("narrowed, handed over, refreshed, refused: {counts:?}");
    assert!(
        counts.iter().all(|count| *count > 0),
        "nothing was tried: {counts:?}"
    );
}

impl Scene {
    async fn new() -> Self {
        let world = World::new(DatabaseKind::Sqlite).await;
        let cast = Cast::of(&world).await;
        world
            .add_resource(json!({
                "resource": BOOKS, "name": "Books", "scopes": ["books:read"],
                "authorization_details_types": ["payment"], "client_id": "bank-api"
            }))
            .await;
        let names = ["agt_one", "agt_two", "agt_three"];
        let actors = [
            agent(&world, names[0], &names).await,
            agent(&world, names[1], &names).await,
            agent(&world, names[2], &names).await,
        ];
        let token = consented(&world, &cast, &actors[0]).await;
        Self {
            seedling: GrantTemplate::of(&world, &token).await,
            types: world.app.catalogue().await.unwrap().types.as_ref().clone(),
            counts: Default::default(),
            world,
            cast,
            actors,
        }
    }

    async fn play(&self, steps: &[Step]) {
        let planted = self.seedling.plant(&self.world).await;
        let mut held: Vec<Held> = Vec::new();
        let all = Ask {
            audience: Some(0),
            scopes: None,
            objects: None,
        };
        self.take(&mut held, &planted, &Step::Refresh(all)).await;
        assert_eq!(held.len(), 1, "the whole grant");
        for step in steps {
            self.take(&mut held, &planted, step).await;
        }
    }

    /// One request; what it gives is checked and held from then on.
    async fn take(&self, held: &mut Vec<Held>, planted: &CopiedGrant, step: &Step) {
        let before = self.rows(planted).await;
        let (presented, actor, reply) = self.send(held, planted, step).await;
        let rows = self.rows(planted).await;
        if reply.status != 200 {
            let known = [
                "invalid_request",
                "invalid_scope",
                "invalid_target",
                "invalid_authorization_details",
            ];
            assert!(
                known.contains(&reply.error().as_str()),
                "{step:?}: {}",
                reply.text()
            );
            assert_eq!(rows, before, "a refusal writes no row: {step:?}");
            self.count(3);
            return;
        }
        let claims = reply.claims();
        let row = row_of(&claims);
        let new = Held {
            actor,
            token: reply.access_token(),
            claims,
            row,
        };
        self.check(planted, &rows, (presented, &new), step).await;
        self.count(match step {
            Step::Narrow(..) => 0,
            Step::HandOver(..) => 1,
            Step::Refresh(..) => 2,
        });
        held.push(new);
    }

    /// Which token was shown (none at a refresh), who holds the new one, and the answer.
    async fn send<'a>(
        &self,
        held: &'a [Held],
        planted: &CopiedGrant,
        step: &Step,
    ) -> (Option<&'a Held>, usize, TestReply) {
        let (from, to, ask) = match step {
            Step::Refresh(ask) => {
                let mut form = vec![
                    ("grant_type", GrantType::RefreshToken.as_str().to_owned()),
                    ("refresh_token", planted.refresh_token.clone()),
                ];
                form.extend(parameters(ask, held.first()));
                return (
                    None,
                    0,
                    self.actors[0].send(&self.world, "/token", &form).await,
                );
            }
            Step::Narrow(place, ask) => (&held[place % held.len()], None, ask),
            Step::HandOver(place, to, ask) => (&held[place % held.len()], Some(*to), ask),
        };
        let presenter = &self.actors[from.actor];
        let assertion = to.map(|to| self.actors[to].actor_assertion(&self.world, &presenter.id));
        let mut form = self.cast.exchange_form(&from.token, assertion.as_deref());
        form.retain(|(name, _)| *name != "resource");
        form.extend(parameters(ask, Some(from)));
        let reply = presenter.send(&self.world, "/token", &form).await;
        (Some(from), to.unwrap_or(from.actor), reply)
    }

    async fn rows(&self, planted: &CopiedGrant) -> Vec<Delegation> {
        let mut transaction = self.world.begin().await;
        transaction.delegations_of(&planted.task).await.unwrap()
    }

    async fn check(
        &self,
        planted: &CopiedGrant,
        rows: &[Delegation],
        (presented, new): (Option<&Held>, &Held),
        step: &Step,
    ) {
        let found = |id: &str| rows.iter().find(|row| row.id.as_str() == id).unwrap();
        let stored = self.world.begin().await.task(&planted.task).await.unwrap();
        let task: Task = stored.unwrap().task;
        let row = found(&new.row);
        let token = authority(&new.claims);
        let below = |wide: &Authority, narrow: &Authority| {
            let covered = wide.covers(narrow, &self.types);
            assert_eq!(
                covered,
                Ok(()),
                "{step:?}: {narrow:?} is wider than {wide:?}"
            );
            assert!(
                by_hand(wide, narrow),
                "{step:?}: {narrow:?} is wider than {wide:?}"
            );
        };
        below(&row.authority, &token);
        below(&task.authority, &token);
        assert!(new.claims["exp"].as_i64() <= Some(row.expires_at.seconds()));
        for row in rows {
            below(&task.authority, &row.authority);
            assert!(row.expires_at <= task.expires_at);
            let Some(parent) = &row.parent else { continue };
            let parent = found(parent.as_str());
            below(&parent.authority, &row.authority);
            assert!(row.expires_at <= parent.expires_at);
            assert!(row.onward.depth <= parent.onward.depth);
            assert_eq!(row.onward.meet(&parent.onward), row.onward);
        }
        // Who asked for less never comes back for more: the measure is the row of what was shown.
        let root = rows.iter().find(|row| row.parent.is_none()).unwrap();
        let shown = presented.map_or(root.id.as_str(), |held| held.row.as_str());
        below(&found(shown).authority, &token);
        let hangs = row.parent.as_ref().map(|parent| parent.as_str());
        assert!(
            new.row == shown || hangs == Some(shown),
            "{step:?}: another row's token"
        );
        if let Some(held) = presented {
            assert!(new.claims["exp"].as_i64() <= held.claims["exp"].as_i64());
        }
        let key = self.actors[new.actor].dpop.thumbprint();
        assert_eq!(
            new.claims["cnf"]["jkt"],
            json!(key),
            "bound to its holder's key"
        );
    }

    fn count(&self, place: usize) {
        let count = &self.counts[place];
        count.set(count.get() + 1);
    }
}

/// As a client writes it; objects are named by the `ref` of the presented token.
fn parameters(ask: &Ask, presented: Option<&Held>) -> Vec<(&'static str, String)> {
    let mut form = Vec::new();
    form.extend(
        ask.audience
            .map(|place| ("resource", AUDIENCES[place].to_owned())),
    );
    form.extend(ask.scopes.as_ref().map(|scopes| {
        let names: Vec<&str> = scopes.iter().map(|place| SCOPES[*place]).collect();
        ("scope", names.join(" "))
    }));
    let details = presented.map(|held| held.claims["authorization_details"].clone());
    let details = details.unwrap_or_default();
    form.extend(ask.objects.as_ref().map(|objects| {
        let objects = objects.iter().map(|(place, cents)| {
            let mut object = payment(&money(*cents));
            if let Some(reference) = details.pointer(&format!("/{place}/ref")) {
                object["ref"] = reference.clone();
            }
            object
        });
        (
            "authorization_details",
            Value::from_iter(objects).to_string(),
        )
    }));
    form
}

fn money(cents: u32) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

/// The row behind a token.
fn row_of(claims: &Value) -> String {
    claims["act"]["dlg"].as_str().unwrap().to_owned()
}

fn authority(claims: &Value) -> Authority {
    let audience = ResourceUri::parse(claims["aud"].as_str().unwrap()).unwrap();
    let names = claims["scope"]
        .as_str()
        .unwrap_or_default()
        .split_ascii_whitespace();
    let scopes = names.map(|name| ScopeGrant {
        resource: audience.clone(),
        scope: name.to_owned(),
    });
    let details = claims
        .get("authorization_details")
        .cloned()
        .unwrap_or_else(|| json!([]));
    let details: Vec<Detail> = serde_json::from_value(details).unwrap();
    Authority::new(scopes.collect(), details, [audience].into())
}

/// The law of this test's own type, without the code under test: scopes and audiences are a subset, and each payment
/// is one of the parent's, at its places, for at most its amount.
fn by_hand(wide: &Authority, narrow: &Authority) -> bool {
    let payments = |authority: &Authority| -> BTreeMap<String, (u64, BTreeSet<String>)> {
        let all = authority.details().iter().map(|detail| {
            let amount = detail.members()["instructed_amount"]["amount"]
                .as_str()
                .unwrap();
            let places = detail.locations().into_iter().map(str::to_owned).collect();
            (
                detail.reference().unwrap().to_owned(),
                (cents(amount), places),
            )
        });
        all.collect()
    };
    let (most, asked) = (payments(wide), payments(narrow));
    asked.len() == narrow.details().len()
        && narrow.scopes().is_subset(wide.scopes())
        && narrow.resources().is_subset(wide.resources())
        && asked.iter().all(|(reference, (amount, places))| {
            most.get(reference)
                .is_some_and(|(limit, granted)| amount <= limit && places.is_subset(granted))
        })
}

fn cents(amount: &str) -> u64 {
    let (whole, part) = amount.split_once('.').unwrap_or((amount, "00"));
    format!("{whole}{part:0<2}").parse().unwrap()
}
