//! Who is hashed next: whoever is signed in first, then browsers that the person knows, then anybody. Each place has room of its own and some of
//! the turns, so that guesses of strangers never keep an approval out, nor one person's proofs the logins of others. Of a room one person,
//! client, network or site has a part.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::argon::HashingMemory;
use super::{HashFor, PasswordPoolFull};
use crate::node::client_address::{network, site};
use crate::node::metrics::HashingMetrics;

/// The most that wait in each place; one more is refused, and told to come again.
const ROOM_OF_SIGNED_IN: usize = 32;
const ROOM_OF_KNOWN: usize = 32;
const ROOM_OF_STRANGERS: usize = 128;
/// Of one person: a proof, and another window.
const ROOM_OF_PERSON: usize = 2;
/// Of one client, which asks for many people.
const ROOM_OF_CLIENT: usize = 16;
/// Strangers from one network, and from one site. Not on loopback, where a proxy may stand that nobody named.
const ROOM_OF_NETWORK: usize = 16;
const ROOM_OF_SITE: usize = 64;
/// Whose turn it is, again and again, where somebody waits there; otherwise it is the turn of the first who waits.
const TURNS: [Place; 4] = [Place::First, Place::First, Place::Second, Place::Last];

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
    /// Hashes that could begin now.
    free: usize,
    /// Who has room, and does not ask for a turn yet.
    reserved: Vec<Reserved>,
    /// Of the last one who got room.
    last_room: u64,
    waiting: [VecDeque<Waiter>; 3],
    /// The next of [`TURNS`].
    turn: usize,
}

struct Reserved {
    room: u64,
    by: HashFor,
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
        Self {
            state: Mutex::new(QueueState {
                free: at_once,
                reserved: Vec::new(),
                last_room: 0,
                waiting: Default::default(),
                turn: 0,
            }),
            at_once,
            metrics,
        }
    }

    /// Room for one, who leaves the queue by dropping it. It keeps nobody else from a turn.
    pub(super) fn reserve(self: &Arc<Self>, by: HashFor) -> Result<ReservedTurn, PasswordPoolFull> {
        let room = self.lock().reserve(by);
        let Ok(room) = room else {
            self.metrics.refused(by.place().as_str());
            return Err(PasswordPoolFull);
        };
        Ok(ReservedTurn {
            room,
            by,
            queue: self.clone(),
        })
    }

    /// What changed.
    fn note(&self, state: &QueueState) {
        self.metrics.busy(self.at_once - state.free);
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

    /// Hands the memory to the first who still waits. Where nobody does it goes back to the system.
    fn serve_next(self: &Arc<Self>, mut memory: HashingMemory) {
        loop {
            let next = {
                let mut state = self.lock();
                let next = state.next();
                self.note(&state);
                next
            };
            let Some(waiter) = next else { return };
            let Err(mut unwanted) = waiter.turn.send(self.slot(memory)) else {
                return;
            };
            memory = unwanted.memory.take().unwrap_or_default();
        }
    }

    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Room in the queue.
pub(super) struct ReservedTurn {
    room: u64,
    by: HashFor,
    queue: Arc<HashingQueue>,
}

impl ReservedTurn {
    pub(super) async fn come(self) -> Result<HashingSlot, PasswordPoolFull> {
        let turn = {
            let mut state = self.queue.lock();
            let turn = state.enter(self.room, self.by);
            self.queue.note(&state);
            turn
        };
        match turn {
            None => Ok(self.queue.slot(HashingMemory::new())),
            Some(turn) => turn.await.map_err(|_| PasswordPoolFull),
        }
    }
}

impl Drop for ReservedTurn {
    fn drop(&mut self) {
        self.queue.lock().leave(self.room);
    }
}

impl QueueState {
    fn reserve(&mut self, by: HashFor) -> Result<u64, PasswordPoolFull> {
        let place = by.place();
        self.place(place).retain(|one| !one.turn.is_closed());
        let mut there: Vec<HashFor> = self.place(place).iter().map(|one| one.by).collect();
        let reserved = self.reserved.iter().map(|one| one.by);
        there.extend(reserved.filter(|one| one.place() == place));
        if there.len() >= place.room() || !by.has_part_among(&there) {
            return Err(PasswordPoolFull);
        }
        self.last_room += 1;
        let room = self.last_room;
        self.reserved.push(Reserved { room, by });
        Ok(room)
    }

    fn leave(&mut self, room: u64) {
        self.reserved.retain(|one| one.room != room);
    }

    /// What to wait for, unless it is the turn now: one is free only while nobody waits.
    fn enter(&mut self, room: u64, by: HashFor) -> Option<oneshot::Receiver<HashingSlot>> {
        self.leave(room);
        if let Some(left) = self.free.checked_sub(1) {
            self.free = left;
            return None;
        }
        let (turn, waits) = oneshot::channel();
        self.place(by.place()).push_back(Waiter { by, turn });
        Some(waits)
    }

    /// Whose turn it is. Where nobody waits one more is free.
    fn next(&mut self) -> Option<Waiter> {
        for waiting in &mut self.waiting {
            waiting.retain(|one| !one.turn.is_closed());
        }
        let due = TURNS.get(self.turn).copied().unwrap_or(Place::First);
        self.turn = (self.turn + 1) % TURNS.len();
        let in_turn = self.place(due).pop_front();
        let next = in_turn.or_else(|| self.waiting.iter_mut().find_map(VecDeque::pop_front));
        if next.is_none() {
            self.free += 1;
        }
        next
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

impl HashFor {
    /// Whether one more of the same holder may have room beside these.
    fn has_part_among(self, there: &[Self]) -> bool {
        let count = |same: &dyn Fn(Self) -> bool| there.iter().filter(|one| same(**one)).count();
        match self {
            Self::SignedIn(_) | Self::KnownBrowser(_) => {
                count(&|other| other == self) < ROOM_OF_PERSON
            }
            Self::Client(_) => count(&|other| other == self) < ROOM_OF_CLIENT,
            Self::Stranger(Some(address)) if !address.is_loopback() => {
                let of = |area: fn(IpAddr) -> IpAddr| {
                    let here = area(address);
                    count(&|other| other.address().map(area) == Some(here))
                };
                of(network) < ROOM_OF_NETWORK && of(site) < ROOM_OF_SITE
            }
            Self::Stranger(_) => true,
        }
    }

    const fn address(self) -> Option<IpAddr> {
        match self {
            Self::Stranger(address) => address,
            Self::SignedIn(_) | Self::Client(_) | Self::KnownBrowser(_) => None,
        }
    }
}

#[cfg(test)]
mod tests;
