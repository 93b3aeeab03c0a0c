//! One connection while a request has it: begin, commit alone or with a commit group, and the rollback when it is dropped.

use std::sync::Arc;

use sqlx::Connection;
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;

use crate::driver::{Driver, GroupCommit};
use crate::error::{Result, StoreError};
use crate::group_commit::{CommitGroup, CommitTicket};
use crate::pool::ConnectionPool;
use crate::store::StatementCounter;

/// Whether others may have written between what a transaction read and its commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitIsolation {
    /// Nobody wrote: what was read still held at the commit.
    Serial,
    /// Others may have written: read again what must still hold.
    Interleaved,
}

/// Returned to its pool when it is dropped.
pub(crate) struct PooledConnection<D: Driver> {
    /// Absent only while it is being returned.
    connection: Option<D::Connection>,
    permit: Option<OwnedSemaphorePermit>,
    /// The group whose transaction is open on it; this request is then a savepoint in that transaction.
    group: Option<CommitGroup>,
    state: State,
    pool: ConnectionPool<D>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// No transaction of this request, no statement under way.
    Idle,
    /// In a transaction.
    InTransaction,
    /// In a transaction of which a statement failed or was not awaited: it is never committed.
    Aborted,
    /// A statement outside a transaction failed or was not awaited.
    Unknown,
}

impl<D: Driver> PooledConnection<D> {
    pub(crate) fn new(
        pool: &ConnectionPool<D>,
        connection: D::Connection,
        permit: OwnedSemaphorePermit,
        group: Option<CommitGroup>,
    ) -> Self {
        Self {
            connection: Some(connection),
            permit: Some(permit),
            group,
            state: State::Idle,
            pool: pool.clone(),
        }
    }

    /// For one statement. Call [`Self::statement_succeeded`] after it; without that call the transaction cannot be committed.
    pub(crate) fn for_statement(&mut self) -> Result<&mut D::Connection> {
        self.state = match self.state {
            State::Idle | State::Unknown => State::Unknown,
            State::InTransaction | State::Aborted => State::Aborted,
        };
        self.connection()
    }

    pub(crate) fn statement_succeeded(&mut self) {
        self.state = match self.state {
            State::Idle | State::Unknown => State::Idle,
            State::InTransaction | State::Aborted => State::InTransaction,
        };
    }

    fn connection(&mut self) -> Result<&mut D::Connection> {
        let gone = StoreError::Unavailable(sqlx::Error::PoolClosed);
        self.connection.as_mut().ok_or(gone)
    }

    /// Closes the connection instead of returning it, and releases what the database keeps for it (advisory locks).
    pub(crate) async fn close(mut self) -> Result<()> {
        match self.connection.take() {
            Some(connection) => Ok(connection.close().await?),
            None => Ok(()),
        }
    }

    /// Begins a transaction, or a savepoint in the group's transaction.
    pub(crate) async fn begin(&mut self) -> Result<()> {
        self.state = State::Aborted;
        let begin = if self.group.is_some() {
            "SAVEPOINT request"
        } else {
            D::BEGIN
        };
        D::run(self.connection()?, begin).await?;
        self.state = State::InTransaction;
        Ok(())
    }

    /// Does nothing without a transaction.
    pub(crate) async fn commit(mut self, statements: &StatementCounter) -> Result<CommitIsolation> {
        match self.state {
            State::Idle | State::Unknown => return Ok(CommitIsolation::Serial),
            State::Aborted => return Err(StoreError::NotCommitted),
            State::InTransaction => statements.count(),
        }
        if self.can_share_commit() {
            let ticket = self.join_group().await?;
            ticket.committed().await?;
            return Ok(CommitIsolation::Interleaved);
        }
        self.commit_group().await?;
        Ok(match D::GROUP_COMMIT {
            GroupCommit::Off => CommitIsolation::Interleaved,
            GroupCommit::On => CommitIsolation::Serial,
        })
    }

    /// Whether a request is queued that can continue in this transaction.
    fn can_share_commit(&self) -> bool {
        let full = self.group.as_ref().is_some_and(CommitGroup::is_full);
        D::GROUP_COMMIT == GroupCommit::On && self.pool.has_queue() && !full
    }

    /// Leaves the transaction open for the next request in the queue.
    async fn join_group(mut self) -> Result<CommitTicket> {
        if self.group.is_some() {
            self.state = State::Aborted;
            D::run(self.connection()?, "RELEASE request").await?;
        }
        self.state = State::Idle;
        let pool = self.pool.clone();
        let group = self.group.get_or_insert_with(|| {
            let group = CommitGroup::new();
            pool.commit_after_queue(&group);
            group
        });
        Ok(group.join())
    }

    pub(crate) fn is_in_group(&self, id: &Arc<()>) -> bool {
        self.group.as_ref().is_some_and(|group| group.is(id))
    }

    /// Commits for every member of the group.
    pub(crate) async fn commit_group(&mut self) -> Result<()> {
        let group = self.group.take();
        self.state = State::Aborted;
        D::run(self.connection()?, "COMMIT").await?;
        self.state = State::Idle;
        if let Some(group) = group {
            group.succeed();
        }
        Ok(())
    }
}

impl<D: Driver> Drop for PooledConnection<D> {
    /// Returned at once when nothing is under way; otherwise after a rollback or a ping succeeded, or closed.
    fn drop(&mut self) {
        let (Some(mut connection), permit) = (self.connection.take(), self.permit.take()) else {
            return;
        };
        let (pool, state, group) = (self.pool.clone(), self.state, self.group.take());
        if state == State::Idle {
            pool.put_back(connection, group);
            return;
        }
        if let Some(group) = &group {
            pool.note_rollback_in(group);
        }
        // Without a runtime the connection closes, and the database rolls back.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                let usable = match (state, &group) {
                    (State::InTransaction | State::Aborted, None) => {
                        D::run(&mut connection, "ROLLBACK").await
                    }
                    // Fails if the database rolled back everything by itself: then the group fails.
                    (State::InTransaction | State::Aborted, Some(_)) => {
                        D::run(&mut connection, "ROLLBACK TO request; RELEASE request").await
                    }
                    (State::Idle | State::Unknown, _) => connection.ping().await,
                };
                if usable.is_ok() {
                    pool.put_back(connection, group);
                }
                drop(permit);
            });
        }
    }
}
