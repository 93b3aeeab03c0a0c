//! Long polls (CIBA 10.1.1, RFC 7240 `Prefer: wait`) and live inboxes: who waits on this node, and what wakes them. A waiter is an
//! entry in a table, not a task. What happens on this node wakes at once; for other nodes one query a second asks what changed,
//! and only while somebody waits.

mod watcher;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{oneshot, watch};
use tokio::time::Instant;
use writ_core::id::{ApprovalId, UserId};
use writ_core::pending::PendingRequest;
use writ_outside::Clock;
use writ_store::Store;

/// Long polls of one node at once; one more is answered like any poll.
pub const MAX_POLLS: usize = 32_768;
/// People of one node who watch their inbox at once.
pub const MAX_PEOPLE: usize = 16_384;

/// Who waits on this node; cheap to clone.
#[derive(Clone)]
pub struct Waiting(Arc<Shared>);

struct Shared {
    store: Store,
    clock: Clock,
    registry: Mutex<Registry>,
}

#[derive(Default)]
struct Registry {
    polls: HashMap<ApprovalId, Poll>,
    people: HashMap<UserId, watch::Sender<u64>>,
    /// Tells the polls of one request apart.
    next: u64,
    /// Whether somebody asks for the other nodes' changes.
    is_watched: bool,
}

struct Poll {
    number: u64,
    wake: oneshot::Sender<()>,
}

/// A place of one long poll; dropping it gives it back.
pub struct Place {
    waiting: Waiting,
    id: ApprovalId,
    number: u64,
    woken: oneshot::Receiver<()>,
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// Something happened to the request: look again.
    Changed,
    /// A newer poll took the place.
    Replaced,
    TimedOut,
}

impl Waiting {
    pub fn new(store: Store, clock: Clock) -> Self {
        Self(Arc::new(Shared {
            store,
            clock,
            registry: Mutex::default(),
        }))
    }

    /// Something happened to this request. Call it after the commit.
    pub fn announce(&self, id: &ApprovalId) {
        if let Some(poll) = self.registry().polls.remove(id) {
            // Whoever went away in the meantime needs no waking.
            let _ = poll.wake.send(());
        }
    }

    /// Something happened in this person's inbox. Call it after the commit.
    pub fn announce_person(&self, user: &UserId) {
        if let Some(person) = self.registry().people.get(user) {
            person.send_modify(|count| *count = count.wrapping_add(1));
        }
    }

    /// Both, for the request and everybody who may decide or is concerned.
    pub fn announce_request(&self, request: &PendingRequest) {
        self.announce(&request.id);
        let deciders = request.asked.stages.iter().flat_map(|stage| &stage.of);
        for user in deciders.chain(&request.subject) {
            self.announce_person(user);
        }
    }

    /// Takes the place of the request's long poll; look at the request again before waiting. `None`: there is no room.
    pub fn join(&self, id: &ApprovalId) -> Option<Place> {
        let (wake, woken) = oneshot::channel();
        let mut registry = self.registry();
        if registry.polls.len() >= MAX_POLLS && !registry.polls.contains_key(id) {
            return None;
        }
        registry.next = registry.next.wrapping_add(1);
        let number = registry.next;
        // Dropping the earlier sender ends the earlier wait.
        registry.polls.insert(id.clone(), Poll { number, wake });
        self.watch_others(&mut registry);
        Some(Place {
            waiting: self.clone(),
            id: id.clone(),
            number,
            woken,
        })
    }

    /// Counts what happens in a person's inbox. A receiver without a sender: there is no room.
    pub fn people(&self, user: &UserId) -> watch::Receiver<u64> {
        let mut registry = self.registry();
        if registry.people.len() >= MAX_PEOPLE {
            registry.forget_absent();
        }
        if registry.people.len() >= MAX_PEOPLE && !registry.people.contains_key(user) {
            return watch::channel(0).1;
        }
        let person = registry.people.entry(user.clone());
        let receiver = person.or_insert_with(|| watch::channel(0).0).subscribe();
        self.watch_others(&mut registry);
        receiver
    }

    /// The server ends: whoever waits is told to come again.
    pub fn end(&self) {
        self.registry().polls.clear();
    }

    /// How many long polls wait, for the operator.
    pub fn polls(&self) -> usize {
        self.registry().polls.len()
    }

    fn watch_others(&self, registry: &mut Registry) {
        if !registry.is_watched {
            registry.is_watched = true;
            tokio::spawn(watcher::run(Arc::downgrade(&self.0)));
        }
    }

    fn registry(&self) -> MutexGuard<'_, Registry> {
        self.0.registry()
    }
}

impl Shared {
    fn registry(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Registry {
    /// People who went away.
    fn forget_absent(&mut self) {
        self.people.retain(|_, person| person.receiver_count() > 0);
    }
}

impl Place {
    /// Until something happens to the request, at most until then.
    pub async fn wait_until(mut self, end: Instant) -> Woken {
        match tokio::time::timeout_at(end, &mut self.woken).await {
            Ok(Ok(())) => Woken::Changed,
            Ok(Err(_)) => Woken::Replaced,
            Err(_) => Woken::TimedOut,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut registry = self.waiting.registry();
        let mine = registry.polls.get(&self.id);
        if mine.is_some_and(|poll| poll.number == self.number) {
            registry.polls.remove(&self.id);
        }
    }
}
