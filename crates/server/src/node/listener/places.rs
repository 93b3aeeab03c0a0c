//! Who is connected: bounded by address, by site and in all. A new connection that finds no room takes the place of the one that waits longest
//! for its client; one whose request is being answered is never ended for another. What came of requests that are not whole yet is
//! bounded by address, by site and in all: where it is too much, the request that began first leaves.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::{ClientDeadlines, ListenerBounds};
use crate::node::client_address::Area;
use crate::node::metrics::CutConnection;

pub(super) struct Places {
    bounds: ListenerBounds,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    connections: usize,
    areas: HashMap<Area, Crowd>,
    waiting: BTreeMap<Turn, Waiter>,
    unfinished: Unfinished,
    next: u64,
}

/// The connections of one area.
#[derive(Default)]
struct Crowd {
    connections: usize,
    waiting: BTreeSet<Turn>,
    unfinished: Unfinished,
}

/// Those of which a part of a request is here.
#[derive(Default)]
struct Unfinished {
    /// By when that part began.
    by_begin: BTreeMap<Turn, Turn>,
    /// Of all those parts.
    bytes: usize,
}

impl Unfinished {
    fn add(&mut self, part: Part, turn: Turn) {
        self.by_begin.insert(part.began, turn);
        self.bytes = self.bytes.saturating_add(part.bytes);
    }

    fn remove(&mut self, part: Part) {
        self.by_begin.remove(&part.began);
        self.bytes = self.bytes.saturating_sub(part.bytes);
    }

    fn oldest(&self) -> Option<Turn> {
        self.by_begin.values().next().copied()
    }
}

/// The order in which connections leave when there is no room: those of strangers first, then by how long they wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    is_exempt: bool,
    number: u64,
}

/// In which a connection is counted; `None` for those whose number is not bounded.
type Areas = Option<[Area; 2]>;

/// A connection was told to leave.
#[derive(Clone, Copy)]
struct Ended;

struct Waiter {
    areas: Areas,
    leave: Arc<Notify>,
    /// The part of a request that is here, if any.
    part: Option<Part>,
}

#[derive(Clone, Copy)]
struct Part {
    began: Turn,
    bytes: usize,
}

/// A connection's place; dropped with it.
pub(super) struct Place {
    places: Arc<Places>,
    pub(super) peer: IpAddr,
    areas: Areas,
    leave: Arc<Notify>,
    turn: Mutex<Option<Turn>>,
}

impl Places {
    pub(super) fn new(bounds: ListenerBounds) -> Self {
        Self {
            bounds,
            table: Mutex::default(),
        }
    }

    /// `None` if there is no room, and nobody can leave.
    pub(super) fn take(self: &Arc<Self>, peer: IpAddr) -> Option<Place> {
        let is_exempt = peer.is_loopback() || self.bounds.exempt.contains(peer);
        let areas = (!is_exempt).then(|| Area::around(peer));
        {
            let mut table = self.table();
            for area in areas.into_iter().flatten() {
                let (most, full) = self.bounds.most_of(area);
                if table.of(area) >= most {
                    let ended = table.end_oldest_of(area);
                    self.count(ended, full)?;
                }
            }
            if table.connections >= self.bounds.most {
                let ended = table.end_oldest();
                self.count(ended, CutConnection::NoRoom)?;
            }
            table.enter(areas);
        }
        self.bounds.counters.opened();
        let place = Place {
            places: self.clone(),
            peer,
            areas,
            leave: Arc::default(),
            turn: Mutex::default(),
        };
        place.waits();
        Some(place)
    }

    /// Who went: another, if one could be ended, or this one.
    fn count(&self, ended: Option<Ended>, otherwise: CutConnection) -> Option<Ended> {
        let cut = ended.map_or(otherwise, |Ended| CutConnection::ForAnother);
        self.bounds.counters.cut(cut);
        ended
    }

    /// The system gave no connection: one that waits makes room.
    pub(super) fn refused_by_system(&self) {
        let counters = &self.bounds.counters;
        counters.cut(CutConnection::BySystem);
        if let Some(Ended) = self.table().end_oldest() {
            counters.cut(CutConnection::ForAnother);
        }
    }

    /// So many bytes of a request are here that is not whole.
    fn hold(&self, turn: Turn, bytes: usize) {
        let mut table = self.table();
        let areas = table.hold(turn, bytes);
        for area in areas.into_iter().flatten() {
            while table.unfinished_of(area) > self.bounds.most_unfinished_of(area)
                && let Some(Ended) = table.end_oldest_unfinished_of(area)
            {
                self.bounds.counters.cut(CutConnection::Unfinished);
            }
        }
        while table.unfinished.bytes > self.bounds.most_unfinished
            && let Some(Ended) = table.end_oldest_unfinished()
        {
            self.bounds.counters.cut(CutConnection::Unfinished);
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn of(&self, area: Area) -> usize {
        self.areas.get(&area).map_or(0, |crowd| crowd.connections)
    }

    fn enter(&mut self, areas: Areas) {
        self.connections += 1;
        for area in areas.into_iter().flatten() {
            self.areas.entry(area).or_default().connections += 1;
        }
    }

    /// The connection is gone, or on its way out.
    fn leave(&mut self, areas: Areas) {
        self.connections = self.connections.saturating_sub(1);
        for area in areas.into_iter().flatten() {
            if let Some(crowd) = self.areas.get_mut(&area) {
                crowd.connections = crowd.connections.saturating_sub(1);
                if crowd.connections == 0 {
                    self.areas.remove(&area);
                }
            }
        }
    }

    fn turn(&mut self, is_exempt: bool) -> Turn {
        self.next = self.next.wrapping_add(1);
        Turn {
            is_exempt,
            number: self.next,
        }
    }

    fn wait(&mut self, waiter: Waiter) -> Turn {
        let turn = self.turn(waiter.areas.is_none());
        for area in waiter.areas.into_iter().flatten() {
            if let Some(crowd) = self.areas.get_mut(&area) {
                crowd.waiting.insert(turn);
            }
        }
        self.waiting.insert(turn, waiter);
        turn
    }

    /// Nothing for one that was told to leave. In which areas the bytes are counted.
    fn hold(&mut self, turn: Turn, bytes: usize) -> Areas {
        let before = self.release(turn);
        let began = before.map_or_else(|| self.turn(turn.is_exempt), |part| part.began);
        let part = Part { began, bytes };
        let waiter = self.waiting.get_mut(&turn)?;
        waiter.part = Some(part);
        let areas = waiter.areas;
        self.unfinished.add(part, turn);
        for area in areas.into_iter().flatten() {
            if let Some(crowd) = self.areas.get_mut(&area) {
                crowd.unfinished.add(part, turn);
            }
        }
        areas
    }

    /// The part of a request that this one has no longer, if it had one.
    fn release(&mut self, turn: Turn) -> Option<Part> {
        let waiter = self.waiting.get_mut(&turn)?;
        let part = waiter.part.take()?;
        self.unfinished.remove(part);
        for area in waiter.areas.into_iter().flatten() {
            if let Some(crowd) = self.areas.get_mut(&area) {
                crowd.unfinished.remove(part);
            }
        }
        Some(part)
    }

    fn unfinished_of(&self, area: Area) -> usize {
        self.areas
            .get(&area)
            .map_or(0, |crowd| crowd.unfinished.bytes)
    }

    /// `None` if it was told to leave before.
    fn stop_waiting(&mut self, turn: Turn) -> Option<Waiter> {
        self.release(turn);
        let waiter = self.waiting.remove(&turn)?;
        for area in waiter.areas.into_iter().flatten() {
            if let Some(crowd) = self.areas.get_mut(&area) {
                crowd.waiting.remove(&turn);
            }
        }
        Some(waiter)
    }

    /// `None` if none waits.
    fn end_oldest(&mut self) -> Option<Ended> {
        let oldest = self.waiting.keys().next().copied()?;
        self.end(oldest)
    }

    fn end_oldest_unfinished(&mut self) -> Option<Ended> {
        let oldest = self.unfinished.oldest()?;
        self.end(oldest)
    }

    fn end_oldest_unfinished_of(&mut self, area: Area) -> Option<Ended> {
        let oldest = self.areas.get(&area)?.unfinished.oldest()?;
        self.end(oldest)
    }

    fn end_oldest_of(&mut self, area: Area) -> Option<Ended> {
        let oldest = self.areas.get(&area)?.waiting.first().copied()?;
        self.end(oldest)
    }

    fn end(&mut self, turn: Turn) -> Option<Ended> {
        let waiter = self.stop_waiting(turn)?;
        self.leave(waiter.areas);
        waiter.leave.notify_one();
        Some(Ended)
    }
}

impl Place {
    /// From now on for its client.
    pub(super) fn waits(&self) {
        let mut turn = self.turn();
        if turn.is_none() {
            let waiter = Waiter {
                areas: self.areas,
                leave: self.leave.clone(),
                part: None,
            };
            *turn = Some(self.places.table().wait(waiter));
        }
    }

    /// So many bytes of a request of its client are here; it waits for the rest.
    pub(super) fn holds(&self, bytes: usize) {
        let turn = *self.turn();
        if let Some(turn) = turn {
            self.places.hold(turn, bytes);
        }
    }

    /// Of its client nothing is here any more that is not whole; it goes on waiting.
    pub(super) fn holds_nothing(&self) {
        let turn = *self.turn();
        if let Some(turn) = turn {
            self.places.table().release(turn);
        }
    }

    /// For this server: it is not ended for another.
    pub(super) fn works(&self) {
        let mut turn = self.turn();
        let Some(waiting) = *turn else { return };
        // One that was told to leave keeps its turn, so that it is not counted twice.
        if self.places.table().stop_waiting(waiting).is_some() {
            *turn = None;
        }
    }

    /// When another takes its place.
    pub(super) async fn must_leave(&self) {
        self.leave.notified().await;
    }

    pub(super) fn deadlines(&self) -> ClientDeadlines {
        self.places.bounds.deadlines
    }

    pub(super) fn cut(&self, why: CutConnection) {
        self.places.bounds.counters.cut(why);
    }

    fn turn(&self) -> MutexGuard<'_, Option<Turn>> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let turn = *self.turn();
        let mut table = self.places.table();
        let told_to_leave = turn.is_some_and(|turn| table.stop_waiting(turn).is_none());
        if !told_to_leave {
            table.leave(self.areas);
        }
        drop(table);
        self.places.bounds.counters.closed();
    }
}
