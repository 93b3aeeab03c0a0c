//! The streams of server-sent events that are open on this node.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;
use writ_core::id::UserId;

/// The streams of this node.
pub struct Live {
    of_people: Mutex<HashMap<UserId, usize>>,
    pub(crate) closed: watch::Sender<bool>,
}

impl Live {
    pub fn new() -> Self {
        Self {
            of_people: Mutex::default(),
            closed: watch::Sender::new(false),
        }
    }

    /// Streams that are open now, for the operator.
    pub fn streams(&self) -> usize {
        self.people(|people| people.values().sum())
    }

    pub(crate) fn people<T>(&self, with: impl FnOnce(&mut HashMap<UserId, usize>) -> T) -> T {
        with(
            &mut self
                .of_people
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }
}

impl Default for Live {
    fn default() -> Self {
        Self::new()
    }
}
