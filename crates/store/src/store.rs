//! The database and one request's hold on it: read, decide, commit; one transaction, one visible commit (STYLE 18).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::{Postgres, Sqlite};

use crate::connect;
use crate::connections::{Committed, Connections, Held};
use crate::error::Result;

/// A node's door to the database; cheap to clone.
#[derive(Clone)]
pub struct Store {
    pub(crate) database: Database,
    statements: Statements,
}

/// Counts what is sent to the database; clones count together.
#[derive(Clone, Default)]
pub(crate) struct Statements(Arc<AtomicU64>);

impl Statements {
    pub(crate) fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[derive(Clone)]
pub(crate) enum Database {
    Sqlite {
        /// One connection: whoever writes waits here, not in the database.
        writer: Connections<Sqlite>,
        readers: Connections<Sqlite>,
    },
    Postgres(Connections<Postgres>),
}

/// One tenant's transaction or read. Dropping it rolls back.
pub struct Session {
    pub(crate) tenant: String,
    pub(crate) link: Link,
    pub(crate) statements: Statements,
}

pub(crate) enum Link {
    Sqlite(Held<Sqlite>),
    Postgres(Held<Postgres>),
}

impl Store {
    /// `sqlite:FILE` (made if missing, in an existing folder) or `postgres:...` (`?host=/folder` for a socket).
    pub async fn connect(url: &str) -> Result<Self> {
        Ok(Self {
            database: connect::open(url).await?,
            statements: Statements::default(),
        })
    }

    /// A write transaction.
    pub async fn begin(&self, tenant: &str) -> Result<Session> {
        self.statements.count();
        let mut session = match &self.database {
            Database::Sqlite { writer, .. } => {
                self.over(Link::Sqlite(writer.acquire().await?), tenant)
            }
            Database::Postgres(all) => self.over(Link::Postgres(all.acquire().await?), tenant),
        };
        match &mut session.link {
            Link::Sqlite(held) => held.begin().await?,
            Link::Postgres(held) => held.begin().await?,
        }
        Ok(session)
    }

    /// Reads outside a transaction, uncached, from the primary: each statement sees every commit before it.
    /// Nothing may be written by it.
    pub async fn read(&self, tenant: &str) -> Result<Session> {
        Ok(match &self.database {
            Database::Sqlite { writer, readers } => {
                writer.settle().await;
                self.over(Link::Sqlite(readers.acquire().await?), tenant)
            }
            Database::Postgres(all) => self.over(Link::Postgres(all.acquire().await?), tenant),
        })
    }

    fn over(&self, link: Link, tenant: &str) -> Session {
        Session {
            tenant: tenant.to_owned(),
            link,
            statements: self.statements.clone(),
        }
    }

    /// Statements of this node so far, with the beginning and the commit of each transaction.
    pub fn statements(&self) -> u64 {
        self.statements.0.load(Ordering::Relaxed)
    }

    /// Waits until every connection is given back and closed.
    pub async fn close(&self) {
        match &self.database {
            Database::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Database::Postgres(all) => all.close().await,
        }
    }
}

impl Session {
    pub fn tenant(&self) -> &str {
        &self.tenant
    }

    /// Makes everything visible at once; after a read there is nothing to do.
    pub async fn commit(self) -> Result<()> {
        self.commit_telling().await.map(drop)
    }

    /// [`Self::commit`], and whether what was read in this transaction still held then.
    pub async fn commit_telling(self) -> Result<Committed> {
        match self.link {
            Link::Sqlite(held) => held.commit(&self.statements).await,
            Link::Postgres(held) => held.commit(&self.statements).await,
        }
    }
}
