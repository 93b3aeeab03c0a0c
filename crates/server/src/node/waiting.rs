//! Long polls (CIBA section 10.1.1, `Prefer: wait` of RFC 7240 section 4.3) and live inboxes of this node. A waiter is an entry in
//! a table. Changes made on this node wake it at once; changes of other nodes are found by one query a second, made only while
//! there are waiters.

mod polls;
mod watcher;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{oneshot, watch};
use tokio::time::Instant;
use writ_core::id::{ApprovalId, ClientId, TaskId, UserId};
use writ_core::pending::PendingRequest;
use writ_platform::Clock;
use writ_store::Store;
use writ_wire::resource::ResourceUri;

use polls::Polls;
pub use polls::{MAX_POLLS, MAX_POLLS_OF_QUESTION};

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
    polls: Polls,
    people: HashMap<UserId, watch::Sender<u64>>,
    /// Whether the watcher of other nodes' changes runs.
    is_watched: bool,
    /// Whether the node stops: nobody may wait any more.
    is_ended: bool,
}

/// Who asked whom, as it was when the poll began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedBy {
    pub client: ClientId,
    pub subject: Option<UserId>,
    /// The resource server that asked about an action of that client.
    pub resource: Option<ResourceUri>,
    /// Within which it was asked.
    pub task: Option<TaskId>,
}

/// Everything that one of them asked one person has ended, or that was asked within a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoppedQuestions {
    pub subject: UserId,
    pub asker: StoppedAsker,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoppedAsker {
    Client(ClientId),
    Resource(ResourceUri),
    /// Whoever asked within it; also where only a part of it ended, because the others may ask again.
    Task(TaskId),
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
    /// A newer poll for the same request took its place, or the node stops.
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

    /// Wakes the long polls of a request that changed. Call it after the commit.
    pub fn announce(&self, id: &ApprovalId) {
        self.waiters().polls.wake(id);
    }

    /// Wakes the inbox of a user for whom something changed. Call it after the commit.
    pub fn announce_person(&self, user: &UserId) {
        if let Some(person) = self.waiters().people.get(user) {
            person.send_modify(|count| *count = count.wrapping_add(1));
        }
    }

    /// Wakes the request's long polls, and the inboxes of its approvers and its subject.
    pub fn announce_request(&self, request: &PendingRequest) {
        self.announce(&request.id);
        let deciders = request.asked.stages.iter().flat_map(|stage| &stage.of);
        for user in deciders.chain(&request.subject) {
            self.announce_person(user);
        }
    }

    /// Wakes every long poll over what was stopped, and the person's inbox. The inboxes of others who may decide hear of it by the
    /// look for changes.
    pub fn announce_stop(&self, stopped: &StoppedQuestions) {
        self.waiters().polls.wake_stopped(stopped);
        self.announce_person(&stopped.subject);
    }

    /// Registers a long poll; read the request again before waiting. `None` if there is no room, or the node stops.
    pub fn join(&self, id: &ApprovalId, asked: AskedBy) -> Option<RegisteredPoll> {
        let mut waiters = self.waiters();
        if waiters.is_ended {
            return None;
        }
        let (number, woken) = waiters.polls.add(id, asked)?;
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

impl AskedBy {
    pub fn of(request: &PendingRequest) -> Self {
        let access = request.asked.access.as_ref();
        Self {
            client: request.client.clone(),
            subject: request.subject.clone(),
            resource: access.map(|asked| asked.resource.clone()),
            task: request.task.clone(),
        }
    }

    fn is_among(&self, stopped: &StoppedQuestions) -> bool {
        let asked = match &stopped.asker {
            StoppedAsker::Client(client) => self.client == *client,
            StoppedAsker::Resource(resource) => self.resource.as_ref() == Some(resource),
            StoppedAsker::Task(task) => self.task.as_ref() == Some(task),
        };
        asked && self.subject.as_ref() == Some(&stopped.subject)
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
        self.waiting.waiters().polls.remove(&self.id, self.number);
    }
}
