//! What other nodes did: one query a second while somebody waits here, none otherwise.

use std::collections::HashMap;
use std::sync::Weak;
use std::time::Duration;

use writ_core::id::{ApprovalId, UserId};
use writ_core::pending::State;
use writ_core::realm::DEFAULT_TENANT;
use writ_store::StoreError;
use writ_store::pending::StateChange;
use writ_wire::time::Timestamp;

use super::{Shared, Waiting};

const PERIOD: Duration = Duration::from_secs(1);
/// A commit may come later than the time in its rows, and the clocks of nodes differ.
const OVERLAP: Duration = Duration::from_secs(10);
/// Changes, or people, of one query.
const BATCH: u32 = 1000;

/// What was woken for already, by its last change.
struct Seen {
    since: Timestamp,
    changes: HashMap<ApprovalId, Timestamp>,
}

/// Runs while somebody waits, and as long as the node is there.
pub(super) async fn run(shared: Weak<Shared>) {
    let Some(start) = shared.upgrade().map(|shared| shared.clock.now()) else {
        return;
    };
    let mut seen = Seen {
        since: start.minus(OVERLAP),
        changes: HashMap::new(),
    };
    loop {
        tokio::time::sleep(PERIOD).await;
        let Some(waiting) = shared.upgrade().map(Waiting) else {
            return;
        };
        if waiting.is_left() {
            return;
        }
        if let Err(error) = look(&waiting, &mut seen).await {
            tracing::error!(%error, "changes of other nodes cannot be read");
        }
    }
}

impl Waiting {
    /// Nobody waits any more; the next one starts a new watcher.
    fn is_left(&self) -> bool {
        let mut registry = self.registry();
        registry.forget_absent();
        registry.is_watched = !(registry.polls.is_empty() && registry.people.is_empty());
        !registry.is_watched
    }

    fn has_people(&self) -> bool {
        !self.registry().people.is_empty()
    }
}

async fn look(waiting: &Waiting, seen: &mut Seen) -> Result<(), StoreError> {
    let before = seen.since;
    let fresh = changes(waiting, seen).await?;
    // A poll that waits is answered when there is an answer: that somebody looked, or that others may decide now, is none.
    let open = |change: &&StateChange| matches!(change.state, State::Pending | State::Viewed);
    for change in fresh.iter().filter(|change| !open(change)) {
        waiting.announce(&change.id);
    }
    if !fresh.is_empty() && waiting.has_people() {
        for user in concerned(waiting, before).await? {
            waiting.announce_person(&user);
        }
    }
    Ok(())
}

/// Requests that changed and were not seen to have changed so.
async fn changes(waiting: &Waiting, seen: &mut Seen) -> Result<Vec<StateChange>, StoreError> {
    let mut session = waiting.0.store.read(DEFAULT_TENANT).await?;
    let (mut fresh, mut from) = (Vec::new(), seen.since);
    loop {
        let page = session.changed_pending(from, BATCH).await?;
        let newest = page.last().map_or(from, |change| change.at);
        let is_full = is_full(&page);
        for change in page {
            if seen.changes.insert(change.id.clone(), change.at) != Some(change.at) {
                fresh.push(change);
            }
        }
        let moved = newest > from;
        from = newest;
        if !(is_full && moved) {
            break;
        }
    }
    // Beyond this node's own time is only what a clock that is ahead wrote: it must not hide what the others do.
    let until = from.min(waiting.0.clock.now());
    seen.since = until.minus(OVERLAP).max(seen.since);
    let since = seen.since;
    seen.changes.retain(|_, at| *at >= since);
    Ok(fresh)
}

/// Everybody who may decide about what changed since then, or is its subject.
async fn concerned(waiting: &Waiting, since: Timestamp) -> Result<Vec<UserId>, StoreError> {
    let mut session = waiting.0.store.read(DEFAULT_TENANT).await?;
    let mut people: Vec<UserId> = Vec::new();
    loop {
        let page = session.people_of_changed(since, people.last(), BATCH);
        let page = page.await?;
        let is_last = !is_full(&page);
        people.extend(page);
        if is_last {
            return Ok(people);
        }
    }
}

fn is_full<T>(page: &[T]) -> bool {
    u32::try_from(page.len()).is_ok_and(|length| length >= BATCH)
}
