//! Group commit on SQLite: several requests in one transaction of the only writer, each in its savepoint, so that a refused one
//! is rolled back alone, and one write to the disk for all. No request is answered before that commit.

use std::sync::Arc;

use tokio::sync::watch;

use crate::error::{Result, StoreError};

/// Requests in one transaction: more would only wait longer.
pub(crate) const MAX_GROUP: usize = 64;

/// The requests that wait for one commit. Dropped without [`CommitGroup::succeed`], the commit has failed.
pub(crate) struct CommitGroup {
    state: watch::Sender<GroupState>,
    /// Groups are equal when this is the same allocation.
    id: Arc<()>,
    members: usize,
}

/// With this a member of a group waits for its commit.
#[derive(Clone)]
pub(crate) struct CommitTicket(watch::Receiver<GroupState>);

#[derive(PartialEq, Eq)]
enum GroupState {
    Open,
    Committed,
    Failed(String),
    /// By the database, which kept nothing of it.
    Refused(String),
}

impl CommitGroup {
    pub(crate) fn new() -> Self {
        Self {
            state: watch::Sender::new(GroupState::Open),
            id: Arc::default(),
            members: 0,
        }
    }

    pub(crate) fn join(&mut self) -> CommitTicket {
        self.members += 1;
        self.watch()
    }

    /// For a request that is no member and has read the group's uncommitted rows.
    pub(crate) fn watch(&self) -> CommitTicket {
        CommitTicket(self.state.subscribe())
    }

    pub(crate) const fn is_full(&self) -> bool {
        self.members >= MAX_GROUP
    }

    pub(crate) fn id(&self) -> Arc<()> {
        self.id.clone()
    }

    pub(crate) fn is(&self, id: &Arc<()>) -> bool {
        Arc::ptr_eq(&self.id, id)
    }

    pub(crate) fn succeed(self) {
        self.state.send_replace(GroupState::Committed);
    }

    /// Each member learns why.
    pub(crate) fn fail(self, cause: &StoreError) {
        self.state.send_replace(match cause {
            StoreError::CommitRefused(cause) => GroupState::Refused(cause.clone()),
            other => GroupState::Failed(other.to_string()),
        });
    }
}

impl CommitTicket {
    pub(crate) fn is_open(&self) -> bool {
        *self.0.borrow() == GroupState::Open
    }

    /// Waits for the commit.
    pub(crate) async fn committed(mut self) -> Result<()> {
        let ended = self.0.wait_for(|state| *state != GroupState::Open).await;
        match ended.as_deref() {
            Ok(GroupState::Failed(cause)) => Err(StoreError::SharedCommit(cause.clone())),
            Ok(GroupState::Refused(cause)) => Err(StoreError::CommitRefused(cause.clone())),
            Ok(_) => Ok(()),
            Err(_) => Err(StoreError::NotCommitted),
        }
    }
}
