//! Connections of one node to one database, lent to one request at a time (DESIGN 8). Our own, because sqlx's pool sends a
//! message to the database whenever a connection comes back, and that is a third of what a token costs there.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::{Connection, Postgres, Sqlite};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

use crate::batch::{Batch, Place};
use crate::error::{Result, StoreError};
use crate::store::Statements;

/// How long a request waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// A connection that rested longer is tested before it is used.
const TESTED_AFTER: Duration = Duration::from_secs(1);

/// SQLite or PostgreSQL.
pub(crate) trait Driver: sqlx::Database {
    /// How a transaction that writes begins.
    const BEGIN: &'static str;
    /// Whether requests that wait for each other may share one commit.
    const COMMITS: Commits;

    fn run(
        connection: &mut Self::Connection,
        sql: &'static str,
    ) -> impl Future<Output = sqlx::Result<()>> + Send;
}

impl Driver for Sqlite {
    /// The write lock is taken first: what is read inside the transaction still holds at its commit.
    const BEGIN: &'static str = "BEGIN IMMEDIATE";
    const COMMITS: Commits = Commits::Together;

    async fn run(connection: &mut Self::Connection, sql: &'static str) -> sqlx::Result<()> {
        sqlx::query(sql).execute(connection).await.map(drop)
    }
}

impl Driver for Postgres {
    const BEGIN: &'static str = "BEGIN";
    const COMMITS: Commits = Commits::Apart;

    async fn run(connection: &mut Self::Connection, sql: &'static str) -> sqlx::Result<()> {
        sqlx::query(sql).execute(connection).await.map(drop)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Commits {
    Apart,
    Together,
}

/// What others wrote between what a transaction read and its commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Committed {
    /// Nothing.
    Alone,
    /// Who knows: read again what must still hold.
    AmongOthers,
}

type Options<D> = <<D as sqlx::Database>::Connection as Connection>::Options;

pub(crate) struct Connections<D: Driver>(Arc<Inner<D>>);

struct Inner<D: Driver> {
    options: Options<D>,
    most: u32,
    permits: Arc<Semaphore>,
    /// Requests that wait for a connection.
    waiting: AtomicUsize,
    /// The last batch of which a part was rolled back.
    left: Mutex<Option<Place>>,
    resting: Mutex<Vec<Resting<D>>>,
}

struct Resting<D: Driver> {
    connection: D::Connection,
    /// The transaction that is open on it, and who waits for its commit.
    batch: Option<Batch>,
    since: Instant,
}

/// Counts a request while it waits.
struct InLine<'a>(&'a AtomicUsize);

/// One connection until it is dropped.
pub(crate) struct Held<D: Driver> {
    /// Absent only while it is being given back.
    connection: Option<D::Connection>,
    permit: Option<OwnedSemaphorePermit>,
    /// What this request takes part in; its own part is then a savepoint.
    batch: Option<Batch>,
    state: State,
    home: Connections<D>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing is under way.
    Quiet,
    /// A transaction that is neither committed nor rolled back.
    Open,
    /// In it, a statement did not end well, or has not ended: nothing of it is committed.
    Doubtful,
    /// A statement outside a transaction did not end well, or has not ended.
    Unsure,
}

impl<D: Driver> Clone for Connections<D> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<D: Driver> Connections<D> {
    /// None is opened yet.
    pub(crate) fn new(options: Options<D>, most: u32) -> Self {
        Self(Arc::new(Inner {
            options,
            most,
            permits: Arc::new(Semaphore::new(most as usize)),
            waiting: AtomicUsize::new(0),
            left: Mutex::default(),
            resting: Mutex::default(),
        }))
    }

    /// The one that rested last, or a new one. Waits while all are lent.
    pub(crate) async fn acquire(&self) -> Result<Held<D>> {
        let line = InLine::join(&self.0.waiting);
        let permit = timeout(ACQUIRE_TIMEOUT, self.permit())
            .await
            .map_err(|_| sqlx::Error::PoolTimedOut)??;
        drop(line);
        self.lend(permit).await
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit> {
        let free = self.0.permits.clone().acquire_owned();
        Ok(free.await.map_err(|_| sqlx::Error::PoolClosed)?)
    }

    async fn lend(&self, permit: OwnedSemaphorePermit) -> Result<Held<D>> {
        let (connection, batch) = match self.rested().await {
            Some(resting) => (resting.connection, resting.batch),
            None => (D::Connection::connect_with(&self.0.options).await?, None),
        };
        Ok(Held {
            connection: Some(connection),
            permit: Some(permit),
            batch,
            state: State::Quiet,
            home: self.clone(),
        })
    }

    /// Waits for the commit of what somebody may have seen who then rolled back: whoever reads next sees at least that.
    pub(crate) async fn settle(&self) {
        let left = lock(&self.0.left).clone();
        if let Some(place) = left {
            // If it failed, there is nothing to see.
            let _ = place.outcome().await;
        }
    }

    #[cfg(test)]
    pub(crate) fn in_line(&self) -> usize {
        self.0.waiting.load(Ordering::Relaxed)
    }

    /// Commits this batch when whoever waits in line now has had their turn, unless one of them does.
    fn close_in_turn(&self, batch: &Batch) {
        let (home, name) = (self.clone(), batch.name());
        tokio::spawn(async move {
            let Ok(permit) = home.permit().await else {
                return;
            };
            if let Ok(mut held) = home.lend(permit).await
                && held.batch.as_ref().is_some_and(|batch| batch.is(&name))
            {
                // Whoever waits for it learns of a failure too.
                let _ = held.end_batch().await;
            }
        });
    }

    /// Waits until every connection is given back, and closes them.
    pub(crate) async fn close(&self) {
        let all = self.0.permits.acquire_many(self.0.most).await;
        self.0.permits.close();
        drop(all);
        while let Some(resting) = self.take() {
            let _ = resting.connection.close().await;
        }
    }

    async fn rested(&self) -> Option<Resting<D>> {
        while let Some(mut resting) = self.take() {
            let fresh = resting.since.elapsed() < TESTED_AFTER;
            if fresh || resting.connection.ping().await.is_ok() {
                return Some(resting);
            }
        }
        None
    }

    fn take(&self) -> Option<Resting<D>> {
        lock(&self.0.resting).pop()
    }

    fn rest(&self, connection: D::Connection, batch: Option<Batch>) {
        lock(&self.0.resting).push(Resting {
            connection,
            batch,
            since: Instant::now(),
        });
    }
}

impl<'a> InLine<'a> {
    fn join(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for InLine<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<D: Driver> Held<D> {
    /// For one statement; tell [`Held::settle`] when it has ended well.
    pub(crate) fn connection(&mut self) -> Result<&mut D::Connection> {
        self.state = match self.state {
            State::Quiet | State::Unsure => State::Unsure,
            State::Open | State::Doubtful => State::Doubtful,
        };
        self.lent()
    }

    pub(crate) fn settle(&mut self) {
        self.state = match self.state {
            State::Quiet | State::Unsure => State::Quiet,
            State::Open | State::Doubtful => State::Open,
        };
    }

    fn lent(&mut self) -> Result<&mut D::Connection> {
        let gone = StoreError::Unavailable(sqlx::Error::PoolClosed);
        self.connection.as_mut().ok_or(gone)
    }

    /// Ends the connection too, and whatever the database keeps with it.
    pub(crate) async fn close(mut self) -> Result<()> {
        match self.connection.take() {
            Some(connection) => Ok(connection.close().await?),
            None => Ok(()),
        }
    }

    /// A transaction, or a part of the one that is open.
    pub(crate) async fn begin(&mut self) -> Result<()> {
        self.state = State::Doubtful;
        let begin = if self.batch.is_some() {
            "SAVEPOINT request"
        } else {
            D::BEGIN
        };
        D::run(self.lent()?, begin).await?;
        self.state = State::Open;
        Ok(())
    }

    /// Nothing to do where nothing was begun.
    pub(crate) async fn commit(mut self, statements: &Statements) -> Result<Committed> {
        match self.state {
            State::Quiet | State::Unsure => return Ok(Committed::Alone),
            State::Doubtful => return Err(StoreError::NotCommitted),
            State::Open => statements.count(),
        }
        if self.shares() {
            let place = self.leave_open().await?;
            place.outcome().await?;
            return Ok(Committed::AmongOthers);
        }
        self.end_batch().await?;
        Ok(match D::COMMITS {
            Commits::Apart => Committed::AmongOthers,
            Commits::Together => Committed::Alone,
        })
    }

    /// Whether somebody waits who can write in the same transaction.
    fn shares(&self) -> bool {
        let others = self.home.0.waiting.load(Ordering::Relaxed) > 0;
        let room = !self.batch.as_ref().is_some_and(Batch::is_full);
        D::COMMITS == Commits::Together && others && room
    }

    /// The next in line goes on in this transaction.
    async fn leave_open(mut self) -> Result<Place> {
        if self.batch.is_some() {
            self.state = State::Doubtful;
            D::run(self.lent()?, "RELEASE request").await?;
        }
        self.state = State::Quiet;
        let home = self.home.clone();
        let batch = self.batch.get_or_insert_with(|| {
            let batch = Batch::new();
            home.close_in_turn(&batch);
            batch
        });
        Ok(batch.join())
    }

    /// Commits for everybody in it.
    async fn end_batch(&mut self) -> Result<()> {
        let batch = self.batch.take();
        self.state = State::Doubtful;
        D::run(self.lent()?, "COMMIT").await?;
        self.state = State::Quiet;
        if let Some(batch) = batch {
            batch.committed();
        }
        Ok(())
    }
}

impl<D: Driver> Drop for Held<D> {
    /// Back at once when nothing is under way; otherwise after a rollback or a test, or never.
    fn drop(&mut self) {
        let (Some(mut connection), permit) = (self.connection.take(), self.permit.take()) else {
            return;
        };
        let (home, state, batch) = (self.home.clone(), self.state, self.batch.take());
        if state == State::Quiet {
            home.rest(connection, batch);
            return;
        }
        if let Some(batch) = &batch {
            *lock(&home.0.left) = Some(batch.watch());
        }
        // Without a runtime the connection closes, and the database rolls back.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                let usable = match (state, &batch) {
                    (State::Open | State::Doubtful, None) => {
                        D::run(&mut connection, "ROLLBACK").await
                    }
                    // Fails if the database rolled back everything by itself: then the batch fails.
                    (State::Open | State::Doubtful, Some(_)) => {
                        D::run(&mut connection, "ROLLBACK TO request; RELEASE request").await
                    }
                    (State::Quiet | State::Unsure, _) => connection.ping().await,
                };
                if usable.is_ok() {
                    home.rest(connection, batch);
                }
                drop(permit);
            });
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
