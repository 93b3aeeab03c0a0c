//! Finds what other nodes changed: one query a second while this node has waiters, none otherwise.

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

/// The changes that waiters were woken for already.
struct Seen {
    since: Timestamp,
    changes: HashMap<ApprovalId, Timestamp>,
}

/// Runs while there are waiters and the node lives.
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
        if waiting.stop_if_unused() {
            return;
        }
        if let Err(error) = wake_changed(&waiting, &mut seen).await {
            tracing::error!(%error, "changes of other nodes cannot be read");
        }
    }
}

impl Waiting {
    /// Whether there are no waiters any more; the next one starts a new watcher.
    fn stop_if_unused(&self) -> bool {
        let mut waiters = self.waiters();
        waiters.forget_absent();
        waiters.is_watched = !(waiters.polls.is_empty() && waiters.people.is_empty());
        !waiters.is_watched
    }

    fn has_people(&self) -> bool {
        !self.waiters().people.is_empty()
    }
}

async fn wake_changed(waiting: &Waiting, seen: &mut Seen) -> Result<(), StoreError> {
    let before = seen.since;
    let fresh = changes(waiting, seen).await?;
    // A long poll is answered when the request is decided or over: that it was viewed or escalated is no answer.
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

/// Requests that changed since the last query.
async fn changes(waiting: &Waiting, seen: &mut Seen) -> Result<Vec<StateChange>, StoreError> {
    let mut reading = waiting.0.store.read(DEFAULT_TENANT).await?;
    let (mut fresh, mut from) = (Vec::new(), seen.since);
    let mut after: Option<ApprovalId> = None;
    loop {
        // A stop changes many at one time.
        let page = reading.changed_pending(from, after.as_ref(), BATCH).await?;
        let is_last = !is_full(&page);
        if let Some(last) = page.last() {
            (from, after) = (last.at, Some(last.id.clone()));
        }
        for change in page {
            if seen.changes.insert(change.id.clone(), change.at) != Some(change.at) {
                fresh.push(change);
            }
        }
        if is_last {
            break;
        }
    }
    // A later time than this node's own comes from a clock that is ahead: it must not hide later changes of other nodes.
    let now = waiting.0.clock.now();
    let until = from.min(now);
    // A clock that went back goes on from where it is.
    let earliest = if seen.since > now {
        now.minus(OVERLAP)
    } else {
        seen.since
    };
    seen.since = until.minus(OVERLAP).max(earliest);
    let since = seen.since;
    seen.changes.retain(|_, at| *at >= since);
    Ok(fresh)
}

/// The approvers and subjects of what changed since then.
async fn concerned(waiting: &Waiting, since: Timestamp) -> Result<Vec<UserId>, StoreError> {
    let mut reading = waiting.0.store.read(DEFAULT_TENANT).await?;
    let mut people: Vec<UserId> = Vec::new();
    loop {
        let page = reading.people_of_changed(since, people.last(), BATCH);
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
