//! Connections of one node to one database, lent to one request at a time (DESIGN 8). Our own, because sqlx's pool sends a
//! message to the database whenever a connection comes back, and that is a third of what a token costs there.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::{Connection, Postgres, Sqlite};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

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

    fn run(
        connection: &mut Self::Connection,
        sql: &'static str,
    ) -> impl Future<Output = sqlx::Result<()>> + Send;
}

impl Driver for Sqlite {
    /// The write lock is taken first: what is read inside the transaction still holds at its commit.
    const BEGIN: &'static str = "BEGIN IMMEDIATE";

    async fn run(connection: &mut Self::Connection, sql: &'static str) -> sqlx::Result<()> {
        sqlx::query(sql).execute(connection).await.map(drop)
    }
}

impl Driver for Postgres {
    const BEGIN: &'static str = "BEGIN";

    async fn run(connection: &mut Self::Connection, sql: &'static str) -> sqlx::Result<()> {
        sqlx::query(sql).execute(connection).await.map(drop)
    }
}

type Options<D> = <<D as sqlx::Database>::Connection as Connection>::Options;

pub(crate) struct Connections<D: Driver>(Arc<Inner<D>>);

struct Inner<D: Driver> {
    options: Options<D>,
    most: u32,
    permits: Arc<Semaphore>,
    resting: Mutex<Vec<Resting<D>>>,
}

struct Resting<D: Driver> {
    connection: D::Connection,
    since: Instant,
}

/// One connection until it is dropped.
pub(crate) struct Held<D: Driver> {
    /// Absent only while it is being given back.
    connection: Option<D::Connection>,
    permit: Option<OwnedSemaphorePermit>,
    state: State,
    home: Connections<D>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing is under way.
    Quiet,
    /// A transaction that is neither committed nor rolled back.
    Open,
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
            resting: Mutex::default(),
        }))
    }

    /// The one that rested last, or a new one. Waits while all are lent.
    pub(crate) async fn acquire(&self) -> Result<Held<D>> {
        let free = self.0.permits.clone().acquire_owned();
        let permit = timeout(ACQUIRE_TIMEOUT, free)
            .await
            .map_err(|_| sqlx::Error::PoolTimedOut)?
            .map_err(|_| sqlx::Error::PoolClosed)?;
        let connection = match self.rested().await {
            Some(connection) => connection,
            None => D::Connection::connect_with(&self.0.options).await?,
        };
        Ok(Held {
            connection: Some(connection),
            permit: Some(permit),
            state: State::Quiet,
            home: self.clone(),
        })
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

    async fn rested(&self) -> Option<D::Connection> {
        while let Some(mut resting) = self.take() {
            let fresh = resting.since.elapsed() < TESTED_AFTER;
            if fresh || resting.connection.ping().await.is_ok() {
                return Some(resting.connection);
            }
        }
        None
    }

    fn take(&self) -> Option<Resting<D>> {
        self.lock().pop()
    }

    fn rest(&self, connection: D::Connection) {
        let since = Instant::now();
        self.lock().push(Resting { connection, since });
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Resting<D>>> {
        self.0
            .resting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D: Driver> Held<D> {
    /// For one statement; tell [`Held::settle`] when it has ended well.
    pub(crate) fn connection(&mut self) -> Result<&mut D::Connection> {
        if self.state == State::Quiet {
            self.state = State::Unsure;
        }
        let gone = StoreError::Unavailable(sqlx::Error::PoolClosed);
        self.connection.as_mut().ok_or(gone)
    }

    pub(crate) fn settle(&mut self) {
        if self.state == State::Unsure {
            self.state = State::Quiet;
        }
    }

    /// Ends the connection too, and whatever the database keeps with it.
    pub(crate) async fn close(mut self) -> Result<()> {
        match self.connection.take() {
            Some(connection) => Ok(connection.close().await?),
            None => Ok(()),
        }
    }

    pub(crate) async fn begin(&mut self) -> Result<()> {
        self.state = State::Open;
        Ok(D::run(self.connection()?, D::BEGIN).await?)
    }

    /// Nothing to do where nothing was begun.
    pub(crate) async fn commit(&mut self, statements: &Statements) -> Result<()> {
        if self.state == State::Open {
            statements.count();
            D::run(self.connection()?, "COMMIT").await?;
            self.state = State::Quiet;
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
        let (home, state) = (self.home.clone(), self.state);
        if state == State::Quiet {
            home.rest(connection);
            return;
        }
        // Without a runtime the connection closes, and the database rolls back.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                let usable = match state {
                    State::Open => D::run(&mut connection, "ROLLBACK").await,
                    State::Quiet | State::Unsure => connection.ping().await,
                };
                if usable.is_ok() {
                    home.rest(connection);
                }
                drop(permit);
            });
        }
    }
}
