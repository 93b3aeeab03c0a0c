//! The streams of server-sent events (HTML 9.2) that are open on this node, counted by user.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;
use writ_core::id::UserId;

/// The open event streams of this node.
pub struct EventStreams {
    by_user: Mutex<HashMap<UserId, usize>>,
    pub(crate) closed: watch::Sender<bool>,
}

impl EventStreams {
    pub fn new() -> Self {
        Self {
            by_user: Mutex::default(),
            closed: watch::Sender::new(false),
        }
    }

    /// Streams that are open now, for the operator.
    pub fn streams(&self) -> usize {
        self.people(|people| people.values().sum())
    }

    pub(crate) fn people<T>(&self, with: impl FnOnce(&mut HashMap<UserId, usize>) -> T) -> T {
        with(&mut self.by_user.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Default for EventStreams {
    fn default() -> Self {
        Self::new()
    }
}
