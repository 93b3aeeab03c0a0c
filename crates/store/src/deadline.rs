//! How long this node waits for its database. What is not answered in time is given up, so that a request is answered within
//! five seconds where the database says nothing.

use std::io;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use crate::error::{Result, StoreError};

/// How long a request waits.
#[derive(Clone, Copy, Debug)]
pub struct Deadlines {
    /// For a connection: until one is free, made if need be, and known to answer.
    pub connection: Duration,
    /// For a statement, with its locks. PostgreSQL is told the same limit, so that nothing given up goes on there.
    pub statement: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            connection: Duration::from_secs(2),
            statement: Duration::from_millis(2_500),
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
    match timeout(deadline, answer).await {
        Ok(answer) => answer,
        Err(_) => Err(sqlx::Error::Io(io::Error::new(
            io::ErrorKind::TimedOut,
            "no answer in time",
        ))),
    }
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
