//! A connection pool: connections of one node to one database, lent to one request at a time. Not sqlx's, because that one sends
//! a message to the database whenever a connection is returned, a third of the database's work for a token.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::Connection;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout};

use crate::deadline::{Deadlines, answered_within, within};
use crate::driver::{Driver, GivenUp, Options};
use crate::error::{Result, StoreError};
use crate::group_commit::{CommitGroup, CommitTicket};
use crate::pooled_connection::PooledConnection;
use crate::request_scope::counted;

/// A connection that is older is closed when it is returned, so that a node follows its database to another address.
const GREATEST_AGE: Duration = Duration::from_secs(30 * 60);
/// A connection that was idle longer is pinged before it is used.
const PINGED_AFTER_IDLE: Duration = Duration::from_secs(1);

pub(crate) struct ConnectionPool<D: Driver>(Arc<Inner<D>>);

struct Inner<D: Driver> {
    options: Options<D>,
    deadlines: Deadlines,
    max_connections: u32,
    permits: Arc<Semaphore>,
    /// Of connections in use, idle, and given up but not known to be gone.
    places: Arc<Semaphore>,
    /// Those that wait until a connection that was given up is gone.
    given_up: Mutex<Vec<AbortHandle>>,
    /// Requests that wait for a connection.
    queued: AtomicUsize,
    /// The last commit group of which a member was rolled back.
    rolled_back_in: Mutex<Option<CommitTicket>>,
    idle: Mutex<Vec<IdleConnection<D>>>,
    /// When a connection last showed that the database is not what it was.
    forgotten_at: Mutex<Option<Instant>>,
}

/// A connection that nobody has.
pub(crate) struct OpenConnection<D: Driver> {
    pub(crate) connection: D::Connection,
    /// The group whose transaction is open on it.
    pub(crate) group: Option<CommitGroup>,
    pub(crate) opened: Instant,
    pub(crate) plans: PlanAge,
    /// Among all that the database may still have.
    pub(crate) place: OwnedSemaphorePermit,
}

/// How old the plans are that the database keeps for the prepared statements of a connection. They are remade each time as many
/// statements were run again as before, and each minute: a plan of PostgreSQL's holds for the tables as they were, which on a fresh
/// database were empty, and nobody else may remake it (autovacuum does after a minute or more, if it is on).
#[derive(Clone, Copy)]
pub(crate) struct PlanAge {
    statements: u64,
    remade_after: u64,
    remade_at: Instant,
}

impl PlanAge {
    const FIRST: u64 = 64;
    const LONGEST: Duration = Duration::from_secs(60);

    pub(crate) fn new() -> Self {
        Self {
            statements: 0,
            remade_after: 0,
            remade_at: Instant::now(),
        }
    }

    pub(crate) fn count(&mut self) {
        self.statements = self.statements.saturating_add(1);
    }

    fn is_over(&self) -> bool {
        self.statements >= self.remade_after.saturating_mul(2).max(Self::FIRST)
            || self.remade_at.elapsed() >= Self::LONGEST
    }

    fn remake(&mut self) {
        self.remade_after = self.statements;
        self.remade_at = Instant::now();
    }
}

struct IdleConnection<D: Driver> {
    open: OpenConnection<D>,
    since: Instant,
}

/// Counts a request while it waits.
struct Queued<'a>(&'a AtomicUsize);

impl<D: Driver> Clone for ConnectionPool<D> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<D: Driver> ConnectionPool<D> {
    /// Opens no connection yet.
    pub(crate) fn new(options: Options<D>, max_connections: u32, deadlines: Deadlines) -> Self {
        Self(Arc::new(Inner {
            options,
            deadlines,
            max_connections,
            permits: Arc::new(Semaphore::new(max_connections as usize)),
            places: Arc::new(Semaphore::new(max_connections as usize * 2)),
            given_up: Mutex::default(),
            queued: AtomicUsize::new(0),
            rolled_back_in: Mutex::default(),
            idle: Mutex::default(),
            forgotten_at: Mutex::default(),
        }))
    }

    /// The connection that was returned last, or a new one. Waits while all are in use.
    pub(crate) async fn acquire(&self) -> Result<PooledConnection<D>> {
        self.acquire_within(self.0.deadlines.for_connection()?)
            .await
    }

    /// The same with a deadline of its own.
    pub(crate) async fn acquire_within(&self, deadline: Duration) -> Result<PooledConnection<D>> {
        let queued = Queued::count(&self.0.queued);
        let lent = timeout(deadline, async {
            let permit = self.permit().await?;
            drop(queued);
            self.lend(permit).await
        });
        counted(lent).await.map_err(|_| sqlx::Error::PoolTimedOut)?
    }

    pub(crate) fn deadlines(&self) -> Deadlines {
        self.0.deadlines
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit> {
        let free = self.0.permits.clone().acquire_owned();
        Ok(free.await.map_err(|_| sqlx::Error::PoolClosed)?)
    }

    async fn lend(&self, permit: OwnedSemaphorePermit) -> Result<PooledConnection<D>> {
        let lent = match self.usable_idle().await {
            Some(idle) => idle,
            None => self.connect().await?,
        };
        Ok(PooledConnection::new(self, lent, permit))
    }

    /// A new connection. Waits while the database may have twice as many as there are permits.
    pub(crate) async fn connect(&self) -> Result<OpenConnection<D>> {
        let place = self.0.places.clone().acquire_owned().await;
        let place = place.map_err(|_| sqlx::Error::PoolClosed)?;
        let connected = D::Connection::connect_with(&self.0.options).await;
        Ok(OpenConnection {
            connection: connected.map_err(StoreError::of_connection)?,
            group: None,
            opened: Instant::now(),
            plans: PlanAge::new(),
            place,
        })
    }

    /// What was sent on it may go on (a commit that waits for a standby is not ended by `statement_timeout`), so it keeps its place until
    /// the database answers, or the connection ends.
    pub(crate) fn give_up(&self, mut connection: D::Connection, place: OwnedSemaphorePermit) {
        if D::GIVEN_UP == GivenUp::Ends {
            return;
        }
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let waits = runtime.spawn(async move {
            // Whatever it says: then nothing is under way any more.
            let _ = connection.ping().await;
            drop((connection, place));
        });
        let mut given_up = lock(&self.0.given_up);
        given_up.retain(|one| !one.is_finished());
        given_up.push(waits.abort_handle());
    }

    /// A commit was answered: those that were given up before are of a time that is over, perhaps of a database that is gone.
    pub(crate) fn note_commit(&self) {
        for waits in lock(&self.0.given_up).drain(..) {
            waits.abort();
        }
    }

    /// After a connection showed that the database is not what it was: the others are of that time too, also those that are in use.
    pub(crate) fn forget_idle(&self) {
        *lock(&self.0.forgotten_at) = Some(Instant::now());
        lock(&self.0.idle).clear();
    }

    fn is_forgotten(&self, opened: Instant) -> bool {
        lock(&self.0.forgotten_at).is_some_and(|at| opened < at)
    }

    /// Whether a request waits for a connection.
    pub(crate) fn has_queue(&self) -> bool {
        self.0.queued.load(Ordering::Relaxed) > 0
    }

    #[cfg(test)]
    pub(crate) fn idle(&self) -> usize {
        lock(&self.0.idle).len()
    }

    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn queued(&self) -> usize {
        self.0.queued.load(Ordering::Relaxed)
    }

    /// Waits for the commit of the group in which a request was rolled back: it may have seen the group's uncommitted rows, and
    /// the next reader must see at least those.
    pub(crate) async fn wait_for_group_commit(&self) -> Result<()> {
        let ticket = lock(&self.0.rolled_back_in).clone();
        let Some(ticket) = ticket.filter(CommitTicket::is_open) else {
            return Ok(());
        };
        // If the commit failed, there is nothing to see.
        let ended = async {
            let _ = ticket.committed().await;
            Ok(())
        };
        Ok(within(self.0.deadlines.for_statement()?, ended).await?)
    }

    pub(crate) fn note_rollback_in(&self, group: &CommitGroup) {
        *lock(&self.0.rolled_back_in) = Some(group.watch());
    }

    /// Commits this group once the requests that are queued now had their turn, unless one of them commits it before.
    pub(crate) fn commit_after_queue(&self, group: &CommitGroup) {
        let (pool, id) = (self.clone(), group.id());
        tokio::spawn(async move {
            let Ok(permit) = pool.permit().await else {
                return;
            };
            if let Ok(mut connection) = pool.lend(permit).await
                && connection.is_in_group(&id)
            {
                // Its members learn of a failure by their tickets.
                let _ = connection.commit_group().await;
            }
        });
    }

    /// Waits until every connection is returned, and closes them.
    pub(crate) async fn close(&self) {
        let all = self.0.permits.acquire_many(self.0.max_connections).await;
        self.0.permits.close();
        drop(all);
        while let Some(idle) = self.take_idle() {
            let _ = idle.open.connection.close().await;
        }
        self.note_commit();
    }

    async fn usable_idle(&self) -> Option<OpenConnection<D>> {
        while let Some(mut idle) = self.take_idle() {
            let (fresh, open) = (idle.since.elapsed() < PINGED_AFTER_IDLE, &mut idle.open);
            let answers = match D::FORGET_PLANS.filter(|_| open.plans.is_over()) {
                Some(sql) => {
                    open.plans.remake();
                    self.answers(D::run(&mut open.connection, sql)).await
                }
                None => fresh || self.answers(open.connection.ping()).await,
            };
            if answers {
                return Some(idle.open);
            }
            self.forget_idle();
        }
        None
    }

    /// In half of the time, so that there is some left to make another connection.
    async fn answers(&self, asked: impl Future<Output = sqlx::Result<()>>) -> bool {
        let deadline = self.0.deadlines.connection / 2;
        answered_within(deadline, asked).await.is_ok()
    }

    fn take_idle(&self) -> Option<IdleConnection<D>> {
        lock(&self.0.idle).pop()
    }

    pub(crate) fn put_back(&self, open: OpenConnection<D>) {
        let since = Instant::now();
        let is_old = since.duration_since(open.opened) > GREATEST_AGE;
        if open.group.is_none() && (is_old || self.is_forgotten(open.opened)) {
            return;
        }
        lock(&self.0.idle).push(IdleConnection { open, since });
    }
}

impl<'a> Queued<'a> {
    fn count(queued: &'a AtomicUsize) -> Self {
        queued.fetch_add(1, Ordering::Relaxed);
        Self(queued)
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
