//! Long polls (CIBA section 10.1.1, `Prefer: wait` of RFC 7240 section 4.3) and live inboxes of this node. A waiter is an entry in
//! a table. Changes made on this node wake it at once; changes of other nodes are found by one query a second, made only while
//! there are waiters.

mod watcher;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{oneshot, watch};
use tokio::time::Instant;
use writ_core::id::{ApprovalId, ClientId, UserId};
use writ_core::pending::PendingRequest;
use writ_platform::Clock;
use writ_store::Store;

/// Long polls of one node at once; one more is answered at once.
pub const MAX_POLLS: usize = 32_768;

/// The waiters of this node; cheap to clone.
#[derive(Clone)]
pub struct Waiting(Arc<Shared>);

struct Shared {
    store: Store,
    clock: Clock,
    waiters: Mutex<Waiters>,
}

#[derive(Default)]
struct Waiters {
    polls: HashMap<ApprovalId, Poll>,
    people: HashMap<UserId, watch::Sender<u64>>,
    /// Tells the polls of one request apart.
    next: u64,
    /// Whether the watcher of other nodes' changes runs.
    is_watched: bool,
    /// Whether the node stops: nobody may wait any more.
    is_ended: bool,
}

struct Poll {
    number: u64,
    asked: AskedBy,
    wake: oneshot::Sender<()>,
}

/// Who asked whom, as it was when the poll began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedBy {
    pub client: ClientId,
    pub subject: Option<UserId>,
}

/// A registered long poll; dropping it unregisters it.
pub struct RegisteredPoll {
    waiting: Waiting,
    id: ApprovalId,
    number: u64,
    woken: oneshot::Receiver<()>,
}

/// Why a long poll was woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WakeReason {
    /// The request changed: read it again.
    Changed,
    /// A newer poll for the same request took its place.
    Replaced,
    TimedOut,
}

impl Waiting {
    pub fn new(store: Store, clock: Clock) -> Self {
        Self(Arc::new(Shared {
            store,
            clock,
            waiters: Mutex::default(),
        }))
    }

    /// Wakes the long poll of a request that changed. Call it after the commit.
    pub fn announce(&self, id: &ApprovalId) {
        if let Some(poll) = self.waiters().polls.remove(id) {
            // A client that disconnected in the meantime needs no waking.
            let _ = poll.wake.send(());
        }
    }

    /// Wakes the inbox of a user for whom something changed. Call it after the commit.
    pub fn announce_person(&self, user: &UserId) {
        if let Some(person) = self.waiters().people.get(user) {
            person.send_modify(|count| *count = count.wrapping_add(1));
        }
    }

    /// Wakes the request's long poll, and the inboxes of its approvers and its subject.
    pub fn announce_request(&self, request: &PendingRequest) {
        self.announce(&request.id);
        let deciders = request.asked.stages.iter().flat_map(|stage| &stage.of);
        for user in deciders.chain(&request.subject) {
            self.announce_person(user);
        }
    }

    /// Wakes every long poll over what this client asked this person, and the person's inbox. The inboxes of others who may
    /// decide hear of it by the look for changes.
    pub fn announce_stop(&self, subject: &UserId, client: &ClientId) {
        let stopped = |poll: &Poll| {
            poll.asked.client == *client && poll.asked.subject.as_ref() == Some(subject)
        };
        let woken: Vec<_> = self
            .waiters()
            .polls
            .extract_if(|_, poll| stopped(poll))
            .collect();
        for (_, poll) in woken {
            // A client that disconnected in the meantime needs no waking.
            let _ = poll.wake.send(());
        }
        self.announce_person(subject);
    }

    /// Registers the request's one long poll; read the request again before waiting. `None` if there is no room, or the node stops.
    pub fn join(&self, id: &ApprovalId, asked: AskedBy) -> Option<RegisteredPoll> {
        let (wake, woken) = oneshot::channel();
        let mut waiters = self.waiters();
        let is_full = waiters.polls.len() >= MAX_POLLS && !waiters.polls.contains_key(id);
        if is_full || waiters.is_ended {
            return None;
        }
        waiters.next = waiters.next.wrapping_add(1);
        let number = waiters.next;
        // Dropping the earlier sender ends the earlier wait.
        let poll = Poll {
            number,
            asked,
            wake,
        };
        waiters.polls.insert(id.clone(), poll);
        self.watch_others(&mut waiters);
        Some(RegisteredPoll {
            waiting: self.clone(),
            id: id.clone(),
            number,
            woken,
        })
    }

    /// Counts the changes of a user's inbox. How many there are is bounded by the live inboxes; whoever went away is forgotten by the
    /// watcher.
    pub fn watch_inbox(&self, user: &UserId) -> watch::Receiver<u64> {
        let mut waiters = self.waiters();
        let person = waiters.people.entry(user.clone());
        let receiver = person.or_insert_with(|| watch::channel(0).0).subscribe();
        self.watch_others(&mut waiters);
        receiver
    }

    /// At shutdown: every long poll is answered, and its client polls again.
    pub fn end(&self) {
        let mut waiters = self.waiters();
        waiters.is_ended = true;
        waiters.polls.clear();
    }

    /// How many long polls wait, for the operator.
    pub fn polls(&self) -> usize {
        self.waiters().polls.len()
    }

    fn watch_others(&self, waiters: &mut Waiters) {
        if !waiters.is_watched {
            waiters.is_watched = true;
            tokio::spawn(watcher::run(Arc::downgrade(&self.0)));
        }
    }

    fn waiters(&self) -> MutexGuard<'_, Waiters> {
        self.0.waiters()
    }
}

impl Shared {
    fn waiters(&self) -> MutexGuard<'_, Waiters> {
        self.waiters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiters {
    /// Removes users whose last inbox was closed.
    fn forget_absent(&mut self) {
        self.people.retain(|_, person| person.receiver_count() > 0);
    }
}

impl RegisteredPoll {
    /// Waits until the request changes, at most until `end`.
    pub async fn wait_until(mut self, end: Instant) -> WakeReason {
        match tokio::time::timeout_at(end, &mut self.woken).await {
            Ok(Ok(())) => WakeReason::Changed,
            Ok(Err(_)) => WakeReason::Replaced,
            Err(_) => WakeReason::TimedOut,
        }
    }
}

impl Drop for RegisteredPoll {
    fn drop(&mut self) {
        let mut waiters = self.waiting.waiters();
        let registered = waiters.polls.get(&self.id);
        if registered.is_some_and(|poll| poll.number == self.number) {
            waiters.polls.remove(&self.id);
        }
    }
}
