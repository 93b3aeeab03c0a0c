//! Who is hashed next: whoever is signed in first, then browsers that the person knows, then anybody. Each place has room of its own, so
//! that guesses of strangers never keep an approval out, and one network has a part of the strangers' room.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::argon::HashingMemory;
use super::{HashFor, PasswordPoolFull};
use crate::node::client_address::network;
use crate::node::metrics::HashingMetrics;

/// The most that wait in each place; one more is refused, and told to come again.
const ROOM_OF_SIGNED_IN: usize = 32;
const ROOM_OF_KNOWN: usize = 32;
const ROOM_OF_STRANGERS: usize = 128;
/// Strangers from one network. Not on loopback, where a proxy may stand that nobody named.
const ROOM_OF_NETWORK: usize = 16;

/// Where one waits: the order of serving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    First,
    Second,
    Last,
}

pub(super) struct HashingQueue {
    state: Mutex<QueueState>,
    /// Of all slots.
    at_once: usize,
    metrics: HashingMetrics,
}

struct QueueState {
    /// One for each hash at once, while it is free.
    free: Vec<HashingMemory>,
    waiting: [VecDeque<Waiter>; 3],
}

struct Waiter {
    by: HashFor,
    turn: oneshot::Sender<HashingSlot>,
}

/// One hash may be computed now. Dropped, it is the turn of the next.
pub(super) struct HashingSlot {
    /// Absent once it was handed on.
    memory: Option<HashingMemory>,
    queue: Arc<HashingQueue>,
}

impl HashingSlot {
    pub(super) fn memory(&mut self) -> &mut HashingMemory {
        self.memory.get_or_insert_default()
    }
}

impl Drop for HashingSlot {
    fn drop(&mut self) {
        if let Some(memory) = self.memory.take() {
            self.queue.serve_next(memory);
        }
    }
}

impl HashingQueue {
    pub(super) fn new(at_once: usize, metrics: HashingMetrics) -> Self {
        let free = std::iter::repeat_with(HashingMemory::new).take(at_once);
        Self {
            state: Mutex::new(QueueState {
                free: free.collect(),
                waiting: Default::default(),
            }),
            at_once,
            metrics,
        }
    }

    /// Room for one, who leaves the queue by dropping it.
    pub(super) fn reserve(self: &Arc<Self>, by: HashFor) -> Result<ReservedTurn, PasswordPoolFull> {
        let entered = {
            let mut state = self.lock();
            let entered = state.enter(by);
            self.note(&state);
            entered
        };
        match entered {
            Ok(Entered::Served(memory)) => Ok(ReservedTurn::Now(self.slot(memory))),
            Ok(Entered::Waits(turn)) => Ok(ReservedTurn::Waits(turn)),
            Err(full) => {
                self.metrics.refused(by.place().as_str());
                Err(full)
            }
        }
    }

    /// What changed.
    fn note(&self, state: &QueueState) {
        self.metrics.busy(self.at_once - state.free.len());
        for (place, waiting) in Place::ALL.iter().zip(&state.waiting) {
            let there = waiting.iter().filter(|one| !one.turn.is_closed());
            self.metrics.waiting(place.as_str(), there.count());
        }
    }

    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        let state = self.lock();
        let all = state.waiting.iter().flatten();
        all.filter(|one| !one.turn.is_closed()).count()
    }

    fn slot(self: &Arc<Self>, memory: HashingMemory) -> HashingSlot {
        HashingSlot {
            memory: Some(memory),
            queue: self.clone(),
        }
    }

    /// Hands the memory to the first who still waits, or keeps it for whoever comes.
    fn serve_next(self: &Arc<Self>, mut memory: HashingMemory) {
        loop {
            let next = {
                let mut state = self.lock();
                let next = state.next_or_keep(memory);
                self.note(&state);
                next
            };
            let Some((waiter, given)) = next else { return };
            let Err(mut unwanted) = waiter.turn.send(self.slot(given)) else {
                return;
            };
            memory = unwanted.memory.take().unwrap_or_default();
        }
    }

    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the queue, or the turn itself.
pub(super) enum ReservedTurn {
    Now(HashingSlot),
    Waits(oneshot::Receiver<HashingSlot>),
}

impl ReservedTurn {
    pub(super) async fn come(self) -> Result<HashingSlot, PasswordPoolFull> {
        match self {
            Self::Now(slot) => Ok(slot),
            Self::Waits(turn) => turn.await.map_err(|_| PasswordPoolFull),
        }
    }
}

/// What comes of entering.
enum Entered {
    Served(HashingMemory),
    Waits(oneshot::Receiver<HashingSlot>),
}

impl QueueState {
    /// A memory is free only while nobody waits.
    fn enter(&mut self, by: HashFor) -> Result<Entered, PasswordPoolFull> {
        if let Some(memory) = self.free.pop() {
            return Ok(Entered::Served(memory));
        }
        let place = by.place();
        let waiting = self.place(place);
        waiting.retain(|one| !one.turn.is_closed());
        let same = waiting
            .iter()
            .filter(|one| same_network(one.by, by))
            .count();
        if waiting.len() >= place.room() || same >= ROOM_OF_NETWORK {
            return Err(PasswordPoolFull);
        }
        let (turn, waits) = oneshot::channel();
        waiting.push_back(Waiter { by, turn });
        Ok(Entered::Waits(waits))
    }

    fn next_or_keep(&mut self, memory: HashingMemory) -> Option<(Waiter, HashingMemory)> {
        let next = self.waiting.iter_mut().find_map(VecDeque::pop_front);
        let Some(waiter) = next else {
            self.free.push(memory);
            return None;
        };
        Some((waiter, memory))
    }

    const fn place(&mut self, place: Place) -> &mut VecDeque<Waiter> {
        let [first, second, last] = &mut self.waiting;
        match place {
            Place::First => first,
            Place::Second => second,
            Place::Last => last,
        }
    }
}

impl Place {
    /// In the order of serving.
    const ALL: [Self; 3] = [Self::First, Self::Second, Self::Last];

    const fn as_str(self) -> &'static str {
        match self {
            Self::First => "signed_in",
            Self::Second => "known_browser",
            Self::Last => "stranger",
        }
    }

    const fn room(self) -> usize {
        match self {
            Self::First => ROOM_OF_SIGNED_IN,
            Self::Second => ROOM_OF_KNOWN,
            Self::Last => ROOM_OF_STRANGERS,
        }
    }
}

fn same_network(one: HashFor, other: HashFor) -> bool {
    let network_of = |by| match by {
        HashFor::Stranger(Some(address)) => Some(network(address)),
        HashFor::SignedIn | HashFor::KnownBrowser | HashFor::Stranger(None) => None,
    };
    let (one, other) = (network_of(one), network_of(other));
    one.is_some_and(|network| !network.is_loopback()) && one == other
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    impl HashingQueue {
        /// Waits for a turn.
        async fn enter(self: &Arc<Self>, by: HashFor) -> Result<HashingSlot, PasswordPoolFull> {
            self.reserve(by)?.come().await
        }
    }

    type Entering = Pin<Box<dyn Future<Output = Result<HashingSlot, PasswordPoolFull>>>>;

    fn entering(queue: &Arc<HashingQueue>, by: HashFor) -> Entering {
        let queue = queue.clone();
        let mut entering: Entering = Box::pin(async move { queue.enter(by).await });
        assert!(look(&mut entering).is_none(), "nothing is free");
        entering
    }

    fn look(entering: &mut Entering) -> Option<Result<HashingSlot, PasswordPoolFull>> {
        match entering
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
        {
            Poll::Ready(entered) => Some(entered),
            Poll::Pending => None,
        }
    }

    async fn busy() -> (Arc<HashingQueue>, HashingSlot) {
        let queue = Arc::new(HashingQueue::new(1, HashingMetrics::default()));
        let slot = queue.enter(HashFor::Stranger(None)).await.ok().unwrap();
        (queue, slot)
    }

    fn from(address: &str) -> HashFor {
        HashFor::Stranger(Some(address.parse().unwrap()))
    }

    #[tokio::test]
    async fn whoever_is_signed_in_is_served_before_strangers_who_waited_longer() {
        let (queue, slot) = busy().await;
        let mut stranger = entering(&queue, HashFor::Stranger(None));
        let mut known = entering(&queue, HashFor::KnownBrowser);
        let mut signed_in = entering(&queue, HashFor::SignedIn);
        assert_eq!(queue.waiting(), 3);
        drop(slot);
        let served = look(&mut signed_in).unwrap().ok().unwrap();
        assert!(look(&mut known).is_none());
        drop(served);
        let served = look(&mut known).unwrap().ok().unwrap();
        assert!(look(&mut stranger).is_none());
        drop(served);
        assert!(look(&mut stranger).is_some());
        assert_eq!(queue.waiting(), 0);
    }

    #[tokio::test]
    async fn strangers_fill_their_own_room_alone() {
        let (queue, _slot) = busy().await;
        let room = (0..ROOM_OF_STRANGERS).map(|_| entering(&queue, HashFor::Stranger(None)));
        let waiting: Vec<_> = room.collect();
        assert!(queue.enter(HashFor::Stranger(None)).await.is_err());
        drop(entering(&queue, HashFor::KnownBrowser));
        drop(entering(&queue, HashFor::SignedIn));
        drop(waiting);
        drop(entering(&queue, HashFor::Stranger(None)));
    }

    #[tokio::test]
    async fn who_waits_and_who_is_refused_is_counted() {
        let metrics = HashingMetrics::default();
        let queue = Arc::new(HashingQueue::new(1, metrics.clone()));
        assert_eq!(metrics.seen("stranger"), (0, 0, 0));
        let slot = queue.enter(HashFor::SignedIn).await.ok().unwrap();
        let room = (0..ROOM_OF_STRANGERS).map(|_| entering(&queue, HashFor::Stranger(None)));
        let waiting: Vec<_> = room.collect();
        assert!(queue.enter(HashFor::Stranger(None)).await.is_err());
        let known = entering(&queue, HashFor::KnownBrowser);
        let room = i64::try_from(ROOM_OF_STRANGERS).unwrap();
        assert_eq!(metrics.seen("stranger"), (1, room, 1));
        assert_eq!(metrics.seen("known_browser"), (1, 1, 0));
        assert_eq!(metrics.seen("signed_in"), (1, 0, 0));
        drop((waiting, known, slot));
        for who in ["stranger", "known_browser", "signed_in"] {
            let (busy, waiting, _) = metrics.seen(who);
            assert_eq!((busy, waiting), (0, 0), "{who}");
        }
    }

    #[tokio::test]
    async fn one_network_has_a_part_of_the_room() {
        let (queue, _slot) = busy().await;
        let room =
            (0..ROOM_OF_NETWORK).map(|at| entering(&queue, from(&format!("2001:db8::{at}"))));
        let _waiting: Vec<_> = room.collect();
        assert!(queue.enter(from("2001:db8::ffff:1")).await.is_err());
        drop(entering(&queue, from("2001:db8:0:1::1")));
        drop(entering(&queue, from("203.0.113.7")));
        let local = (0..=ROOM_OF_NETWORK).map(|_| entering(&queue, from("127.0.0.1")));
        let _local: Vec<_> = local.collect();
    }

    #[tokio::test]
    async fn whoever_goes_away_takes_no_turn() {
        let (queue, slot) = busy().await;
        let gone = entering(&queue, HashFor::SignedIn);
        let mut stays = entering(&queue, HashFor::Stranger(None));
        let mut served_and_gone = entering(&queue, HashFor::SignedIn);
        drop(gone);
        drop(slot);
        assert!(look(&mut stays).is_none());
        assert!(
            served_and_gone
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
                .is_ready()
        );
        drop(served_and_gone);
        assert!(look(&mut stays).is_some());
        // Nothing of the pool was lost on the way.
        drop(stays);
        assert!(queue.enter(HashFor::Stranger(None)).await.is_ok());
    }

    #[tokio::test]
    async fn a_turn_that_nobody_takes_up_is_the_next_ones() {
        let (queue, slot) = busy().await;
        let gone = entering(&queue, HashFor::SignedIn);
        let mut next = entering(&queue, HashFor::Stranger(None));
        drop(slot);
        // It has its turn by now, and goes away without having looked.
        drop(gone);
        assert!(look(&mut next).is_some());
    }
}
