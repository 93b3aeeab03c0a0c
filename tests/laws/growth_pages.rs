//! A person with a thousand tasks and ten thousand events: each of their pages costs what it costs a person whose pages are just full.

use writ_store::event::EventsOf;
use writ_testkit::{Cast, Phone, World, both};

use super::growth::Seed;

/// More than any page shows of them.
const FEW: usize = 120;
const TASKS: usize = 1000;
const EVENTS: usize = 10_000;
/// Of one page. A statement for each list and for each name on it: 50 entries name an agent and another person at most.
const MOST_STATEMENTS: u64 = 60;
/// The longest list that a page reads, the events of activity, and half as much around it.
const MOST_ROWS: u64 = 1500;
const MOST_BYTES: usize = 256 * 1024;
/// What a list is read by at once: events that are not told leave it to the next piece.
const PIECE: u64 = 100;

/// What a page cost.
#[derive(Debug)]
struct PageCost {
    path: String,
    statements: u64,
    rows: u64,
    bytes: usize,
}

/// The pages of a person, the second ones of lists too, and one request.
async fn costs(world: &World, alice: &mut Phone, request: &str) -> Vec<PageCost> {
    let request = format!("/app/requests/{request}");
    let mut paths = [
        "/app",
        "/app/agents",
        "/app/activity",
        "/app/settings",
        "/app/devices",
        request.as_str(),
    ]
    .map(str::to_owned)
    .to_vec();
    let mut costs = Vec::new();
    let mut at = 0;
    while let Some(path) = paths.get(at).cloned() {
        let store = &world.app.store;
        let (statements, rows) = (store.statements(), store.rows());
        let page = alice.browser.open(&path).await;
        assert_eq!(page.reply.status, 200, "{path}");
        let text = page.reply.text();
        costs.push(PageCost {
            statements: store.statements() - statements,
            rows: store.rows() - rows,
            bytes: text.len(),
            path: path.clone(),
        });
        // The next page of a list, once.
        for list in ["/app/agents?after=", "/app/activity?before="] {
            let rest = text.split(&format!("href=\"{list}")).nth(1);
            if let Some(cursor) = rest.filter(|_| !path.contains('?')) {
                paths.push(format!("{list}{}", cursor.split('"').next().unwrap()));
            }
        }
        at += 1;
    }
    assert_eq!(costs.len(), 8, "two lists have a second page: {costs:?}");
    costs
}

/// Copies of what the server wrote about alice, until there are so many.
async fn crowd(world: &World, cast: &Cast, wanted: usize, copied: i64) -> i64 {
    let mut reading = world.begin().await;
    let of = EventsOf::Subject(&cast.alice);
    let there = reading.events_before(of, None, 1000).await.unwrap();
    drop(reading);
    let own = there
        .iter()
        .filter(|event| event.id.as_str() > "evt_01")
        .count();
    let copies = i64::try_from(wanted.div_ceil(own)).unwrap();
    world
        .database
        .copy_events(&cast.alice, copies - copied, copied)
        .await;
    copies
}

both!(
    each_page_of_a_person_with_much_costs_what_it_costs_with_little,
    |world| async {
        let cast = Cast::of(&world).await;
        let seed = Seed::of(&world, &cast).await;
        let mut alice = world.phone_of("alice").await;
        seed.plant(&world, "few", FEW).await;
        let copied = crowd(&world, &cast, 10 * FEW, 0).await;
        let request = "apr_few_7";
        // The first visit may write, and reads what is kept afterwards.
        costs(&world, &mut alice, request).await;
        let little = costs(&world, &mut alice, request).await;
        seed.plant(&world, "many", TASKS - FEW).await;
        crowd(&world, &cast, EVENTS, copied).await;
        let much = costs(&world, &mut alice, request).await;
        for (little, much) in little.iter().zip(&much) {
            let of = |cost: &PageCost| cost.path.split_once('?').map(|(list, _)| list.to_owned());
            assert_eq!(of(little), of(much));
            let both = format!("{little:?}\n{much:?}");
            assert!(much.statements <= little.statements + 1, "{both}");
            assert!(much.rows <= little.rows + PIECE, "{both}");
            assert!(much.bytes <= little.bytes + little.bytes / 10, "{both}");
            assert!(much.statements <= MOST_STATEMENTS, "{both}");
            assert!(much.rows <= MOST_ROWS, "{both}");
            assert!(much.bytes <= MOST_BYTES, "{both}");
        }
    }
);
