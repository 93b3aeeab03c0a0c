//! How long this node waits for its database. What is not answered in time is given up, so that a request is answered within
//! five seconds where the database says nothing.

use std::io;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use crate::error::{Result, StoreError};
use crate::request_scope::{counted, left_of};

/// How long a request waits.
#[derive(Clone, Copy, Debug)]
pub struct Deadlines {
    /// For a connection: until one is free, made if need be, and known to answer.
    pub connection: Duration,
    /// For a statement, with its locks. PostgreSQL is told the same limit, so that nothing given up goes on there but a commit.
    pub statement: Duration,
    /// For everything that one request asks of the database, one after the other: many slow answers are as bad as none.
    pub request: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            connection: Duration::from_secs(2),
            statement: Duration::from_millis(2_500),
            request: Duration::from_secs(4),
        }
    }
}

impl Deadlines {
    /// For a command: who typed it would rather wait for a busy database than type it again.
    pub const OF_A_COMMAND: Self = Self {
        connection: Duration::from_secs(10),
        statement: Duration::from_secs(10),
        request: Duration::from_secs(60),
    };

    /// For a connection, within what is left to this request.
    pub(crate) fn for_connection(&self) -> Result<Duration> {
        self.within_request(self.connection)
    }

    /// For a statement, likewise.
    pub(crate) fn for_statement(&self) -> Result<Duration> {
        self.within_request(self.statement)
    }

    /// For what another request is doing, likewise.
    pub(crate) fn for_request(&self) -> Result<Duration> {
        self.within_request(self.request)
    }

    /// Nothing is sent whose answer would not be waited for.
    fn within_request(&self, deadline: Duration) -> Result<Duration> {
        match left_of(self.request) {
            Duration::ZERO => Err(StoreError::Unavailable(no_answer())),
            left => Ok(deadline.min(left)),
        }
    }
}

/// For a statement that stops everything of an agent, a client or a person at once: it takes as long as there are rows.
pub const STOP_DEADLINE: Duration = Duration::from_secs(60);

/// What the database says, or that it said nothing for so long.
pub(crate) async fn within<T>(
    deadline: Duration,
    answer: impl Future<Output = sqlx::Result<T>>,
) -> sqlx::Result<T> {
    // A stop has a deadline of its own: what is left to the rest of its request is as before.
    if deadline >= STOP_DEADLINE {
        return answered_within(deadline, answer).await;
    }
    counted(answered_within(deadline, answer)).await
}

/// The same, inside of what is counted already.
pub(crate) async fn answered_within<T>(
    deadline: Duration,
    answer: impl Future<Output = sqlx::Result<T>>,
) -> sqlx::Result<T> {
    let answer = timeout(deadline, answer).await;
    answer.unwrap_or_else(|_| Err(no_answer()))
}

pub(crate) fn no_answer() -> sqlx::Error {
    sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, "no answer in time"))
}

/// How long a start waits for what another process or transaction has locked.
#[derive(Clone, Copy)]
pub(crate) struct Patience(pub(crate) Duration);

/// A [`Patience`] that is under way.
pub(crate) struct Waiting {
    until: Instant,
}

impl Patience {
    pub(crate) const OF_A_START: Self = Self(Duration::from_secs(60));
    /// Between two tries: the turn of whoever waits for the same.
    const PAUSE: Duration = Duration::from_millis(500);

    pub(crate) fn begin(self) -> Waiting {
        Waiting {
            until: Instant::now() + self.0,
        }
    }
}

impl Waiting {
    /// Returns when it is time to try again, or the error where that does not help.
    pub(crate) async fn again_after(&self, error: StoreError) -> Result<()> {
        if !error.is_locked() || Instant::now() >= self.until {
            return Err(error);
        }
        sleep(Patience::PAUSE).await;
        Ok(())
    }
}
