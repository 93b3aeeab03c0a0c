//! One fetch of a document at a time: whoever comes later waits for the turn, and finds the result.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Rows that are kept before those whose fetch ended are dropped.
const MAX_FLIGHTS: usize = 1024;

/// Held while a document is fetched.
pub(super) type Flight = tokio::sync::Mutex<()>;

/// By document.
pub(super) struct Flights<Key>(Mutex<HashMap<Key, Weak<Flight>>>);

impl<Key> Default for Flights<Key> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<Key: Clone + Eq + Hash> Flights<Key> {
    /// The one that is under way, or a new one.
    pub(super) fn of(&self, key: &Key) -> Arc<Flight> {
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = flights.get(key).and_then(Weak::upgrade) {
            return flight;
        }
        if flights.len() >= MAX_FLIGHTS {
            flights.retain(|_, flight| flight.strong_count() > 0);
        }
        let flight = Arc::new(Flight::new(()));
        flights.insert(key.clone(), Arc::downgrade(&flight));
        flight
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fetches_that_ended_are_forgotten_and_those_under_way_are_not() {
        let flights = Flights::default();
        let rows = || flights.0.lock().unwrap().len();
        let under_way = flights.of(&0);
        for ended in 1..MAX_FLIGHTS {
            drop(flights.of(&ended));
        }
        assert_eq!(rows(), MAX_FLIGHTS);
        drop(flights.of(&MAX_FLIGHTS));
        assert_eq!(rows(), 2, "the one under way, and the newest");
        assert!(Arc::ptr_eq(&under_way, &flights.of(&0)));
    }
}
