//! One connection while a request has it: begin, commit alone or with a commit group, and the rollback when it is dropped.

use std::sync::Arc;
use std::time::Duration;

use sqlx::Connection;
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout};

use crate::deadline::within;
use crate::driver::{Driver, GroupCommit};
use crate::error::{Result, StoreError};
use crate::group_commit::{CommitGroup, CommitTicket};
use crate::pool::{ConnectionPool, OpenConnection, PlanAge};
use crate::request_scope::counted;
use crate::store::StatementCounter;
use crate::trouble::Trouble;

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
    /// Absent as its connection is.
    place: Option<OwnedSemaphorePermit>,
    /// The group whose transaction is open on it; this request is then a savepoint in that transaction.
    group: Option<CommitGroup>,
    state: State,
    /// Instead of the pool's, for the rest of this transaction.
    statement_limit: Option<Duration>,
    /// Whether no statement was sent since it was lent.
    is_untried: bool,
    opened: Instant,
    plans: PlanAge,
    pool: ConnectionPool<D>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// No transaction of this request, no statement under way.
    Idle,
    /// In a transaction.
    InTransaction,
    /// In a transaction, and a statement of it is under way.
    InStatement,
    /// In a transaction of which a statement failed or was not awaited: it is never committed.
    Aborted,
    /// A statement outside a transaction failed or was not awaited.
    Unknown,
    /// The database is gone for this connection.
    Broken,
}

impl<D: Driver> PooledConnection<D> {
    pub(crate) fn new(
        pool: &ConnectionPool<D>,
        lent: OpenConnection<D>,
        permit: OwnedSemaphorePermit,
    ) -> Self {
        Self {
            connection: Some(lent.connection),
            permit: Some(permit),
            place: Some(lent.place),
            group: lent.group,
            state: State::Idle,
            statement_limit: None,
            is_untried: true,
            opened: lent.opened,
            plans: lent.plans,
            pool: pool.clone(),
        }
    }

    /// For one statement, and how long it may take. Call [`Self::statement_ended`] after it; without that call the transaction
    /// cannot be committed.
    pub(crate) fn for_statement(&mut self) -> Result<(&mut D::Connection, Duration)> {
        let deadline = self.statement_deadline()?;
        self.state = match self.state {
            State::Idle | State::Unknown => State::Unknown,
            State::InTransaction => State::InStatement,
            state @ (State::InStatement | State::Aborted | State::Broken) => state,
        };
        self.plans.count();
        Ok((self.connection()?, deadline))
    }

    fn statement_deadline(&self) -> Result<Duration> {
        match self.statement_limit {
            Some(limit) => Ok(limit),
            None => self.pool.deadlines().for_statement(),
        }
    }

    /// How long each statement of this request may take from now on.
    pub(crate) fn limit_statements(&mut self, limit: Duration) {
        self.statement_limit = Some(limit.max(self.pool.deadlines().statement));
    }

    /// Whether the first statement found that its connection is of no use, because it died or the database changed while nobody used it,
    /// and has another one now: nothing was done on either, so the same may be asked again. Only once.
    pub(crate) async fn has_begun_anew<T>(&mut self, done: &sqlx::Result<T>) -> bool {
        let is_lost = matches!(done, Err(error) if Trouble::of(error) == Trouble::Connection);
        let is_in_transaction = match self.state {
            State::Unknown => false,
            // Of which nothing but the beginning was done, and that ends with its connection.
            State::InStatement if D::GROUP_COMMIT == GroupCommit::Off => true,
            _ => return false,
        };
        if !is_lost || !self.is_untried {
            return false;
        }
        self.is_untried = false;
        self.pool.forget_idle();
        let Ok(deadline) = self.pool.deadlines().for_connection() else {
            return false;
        };
        let fresh = counted(timeout(deadline, self.pool.connect())).await;
        let Ok(Ok(fresh)) = fresh else {
            return false;
        };
        self.connection = Some(fresh.connection);
        self.place = Some(fresh.place);
        self.opened = fresh.opened;
        self.plans = fresh.plans;
        !is_in_transaction || self.begin().await.is_ok()
    }

    pub(crate) fn statement_ended<T>(&mut self, done: sqlx::Result<T>) -> Result<T> {
        let done = done.map_err(StoreError::from);
        self.is_untried = false;
        self.state = match (&done, self.state) {
            (Err(error), _) if error.ends_connection() => State::Broken,
            (Ok(_), State::Idle | State::Unknown) => State::Idle,
            (Ok(_), State::InTransaction | State::InStatement) => State::InTransaction,
            (Err(_), State::InTransaction | State::InStatement) => State::Aborted,
            (_, state) => state,
        };
        done
    }

    /// Begins, releases or commits. Until it succeeded, nothing else is done on this connection.
    async fn control(&mut self, sql: &'static str) -> Result<()> {
        let deadline = self.statement_deadline()?;
        self.state = State::Aborted;
        let done = within(deadline, D::run(self.connection()?, sql)).await;
        let done = done.map_err(StoreError::from);
        if let Err(error) = &done
            && error.ends_connection()
        {
            self.state = State::Broken;
        }
        done
    }

    fn connection(&mut self) -> Result<&mut D::Connection> {
        let gone = StoreError::Unavailable(sqlx::Error::PoolClosed);
        self.connection.as_mut().ok_or(gone)
    }

    /// Takes it from its pool for ever: dropping it closes it, and releases what the database keeps for it (advisory locks).
    pub(crate) fn into_connection(mut self) -> Result<D::Connection> {
        let gone = StoreError::Unavailable(sqlx::Error::PoolClosed);
        self.connection.take().ok_or(gone)
    }

    /// Begins a transaction, or a savepoint in the group's transaction.
    pub(crate) async fn begin(&mut self) -> Result<()> {
        let begin = if self.group.is_some() {
            "SAVEPOINT request"
        } else {
            D::BEGIN
        };
        self.control(begin).await?;
        self.state = State::InTransaction;
        Ok(())
    }

    /// Does nothing without a transaction.
    pub(crate) async fn commit(mut self, statements: &StatementCounter) -> Result<CommitIsolation> {
        match self.state {
            State::Idle | State::Unknown => return Ok(CommitIsolation::Serial),
            State::InStatement | State::Aborted | State::Broken => {
                return Err(StoreError::NotCommitted);
            }
            State::InTransaction => statements.count(),
        }
        // Not sent, so there is no doubt about it.
        let deadline = self
            .statement_deadline()
            .map_err(|_| StoreError::NotCommitted)?;
        if self.can_share_commit() {
            let ticket = self.join_group().await?;
            // Later than that nobody knows what became of it, as of a commit alone.
            within(deadline, async { Ok(ticket.committed().await) }).await??;
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
            self.control("RELEASE request").await?;
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
        let committed = self.control("COMMIT").await;
        let committed = committed.map_err(StoreError::of_commit);
        match (&committed, group) {
            (Ok(()), Some(group)) => group.succeed(),
            (Err(error), Some(group)) => group.fail(error),
            (_, None) => {}
        }
        committed?;
        self.pool.note_commit();
        self.state = State::Idle;
        Ok(())
    }
}

impl<D: Driver> Drop for PooledConnection<D> {
    /// Returned at once when nothing is under way; otherwise after a rollback or a ping succeeded in time, or closed.
    fn drop(&mut self) {
        let (opened, plans) = (self.opened, self.plans);
        let permit = self.permit.take();
        let (Some(mut connection), Some(place)) = (self.connection.take(), self.place.take())
        else {
            return;
        };
        let (pool, state, group) = (self.pool.clone(), self.state, self.group.take());
        let open = move |connection, group, place| OpenConnection {
            connection,
            group,
            opened,
            plans,
            place,
        };
        match state {
            State::Idle => return pool.put_back(open(connection, group, place)),
            // Those that are idle are of the same database as it was before.
            State::Broken => {
                pool.forget_idle();
                return pool.give_up(connection, place);
            }
            State::InTransaction | State::InStatement | State::Aborted | State::Unknown => {}
        }
        if let Some(group) = &group {
            pool.note_rollback_in(group);
        }
        // Without a runtime the connection closes, and the database rolls back.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                let deadline = pool.deadlines().statement;
                let usable = within(deadline, async {
                    match (state, &group) {
                        (State::InTransaction | State::InStatement | State::Aborted, None) => {
                            D::run(&mut connection, "ROLLBACK").await
                        }
                        // Fails if the database rolled back everything by itself: then the group fails.
                        (State::InTransaction | State::InStatement | State::Aborted, Some(_)) => {
                            D::run(&mut connection, "ROLLBACK TO request; RELEASE request").await
                        }
                        (State::Idle | State::Unknown | State::Broken, _) => {
                            connection.ping().await
                        }
                    }
                });
                match usable.await {
                    Ok(()) => pool.put_back(open(connection, group, place)),
                    Err(_) => pool.give_up(connection, place),
                }
                drop(permit);
            });
        }
    }
}
