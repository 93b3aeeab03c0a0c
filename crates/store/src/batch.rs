//! Several requests in one transaction of the only writer (DESIGN 8, group commit): each in its savepoint, so that a refusal
//! rolls back alone, and one write to the disk for all. Nobody is answered before it.

use std::sync::Arc;

use tokio::sync::watch;

use crate::error::{Result, StoreError};

/// Requests in one transaction: more would only wait longer.
pub(crate) const MOST_TOGETHER: usize = 64;

/// The requests that wait for one commit. Dropped without [`Batch::committed`], it has failed.
pub(crate) struct Batch {
    outcome: watch::Sender<bool>,
    /// The same for the same batch.
    name: Arc<()>,
    members: usize,
}

/// One request's place in a batch.
#[derive(Clone)]
pub(crate) struct Place(watch::Receiver<bool>);

impl Batch {
    pub(crate) fn new() -> Self {
        Self {
            outcome: watch::Sender::new(false),
            name: Arc::default(),
            members: 0,
        }
    }

    pub(crate) fn join(&mut self) -> Place {
        self.members += 1;
        self.watch()
    }

    /// For whoever saw what others wrote in it.
    pub(crate) fn watch(&self) -> Place {
        Place(self.outcome.subscribe())
    }

    pub(crate) const fn is_full(&self) -> bool {
        self.members >= MOST_TOGETHER
    }

    pub(crate) fn name(&self) -> Arc<()> {
        self.name.clone()
    }

    pub(crate) fn is(&self, name: &Arc<()>) -> bool {
        Arc::ptr_eq(&self.name, name)
    }

    pub(crate) fn committed(self) {
        self.outcome.send_replace(true);
    }
}

impl Place {
    /// Waits for the commit.
    pub(crate) async fn outcome(mut self) -> Result<()> {
        match self.0.wait_for(|committed| *committed).await {
            Ok(_) => Ok(()),
            Err(_) => Err(StoreError::NotCommitted),
        }
    }
}
