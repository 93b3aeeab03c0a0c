//! Fresh databases for tests, SQLite and PostgreSQL, dropped when the test ends. Only with the feature `testing`.

mod contended;
pub mod kept_plans;
mod leftover;
pub(crate) mod plans;
mod proxy;
mod rows;
mod statistics;

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection, SqliteConnection,
    query_scalar,
};
use tokio::sync::OnceCell;

use crate::deadline::Deadlines;
use crate::error::StoreError;
use crate::store::Store;

pub use proxy::{DatabaseLine, Line};

/// The URL of an administrator's database, where others may be made.
pub const POSTGRES_URL: &str = "WRIT_TEST_POSTGRES_URL";

/// Deadlines that only a broken test meets.
pub const PATIENT: Deadlines = Deadlines {
    connection: Duration::from_secs(30),
    statement: Duration::from_secs(30),
    request: Duration::from_secs(120),
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatabaseKind {
    Sqlite,
    Postgres,
}

/// A migrated database of one test's own.
pub struct TestDatabase {
    pub store: Store,
    /// What `Store::connect` takes: another node of the same database.
    pub url: String,
    pub kind: DatabaseKind,
    leftover: Leftover,
}

/// Holds SQLite's write lock, or PostgreSQL's lock of a table.
pub struct AnotherWriter<C: Connection = SqliteConnection>(C);

impl<C: Connection> AnotherWriter<C> {
    /// Gives the lock back.
    pub async fn release(self) {
        drop(self.0.close().await);
    }
}

/// What is removed when the test ends.
enum Leftover {
    Folder(PathBuf),
    Database {
        admin: Box<PgConnectOptions>,
        name: String,
    },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tables {
    All,
    None,
}

/// Why a test database could not be made.
#[derive(Debug, thiserror::Error)]
pub enum TestDatabaseError {
    #[error(
        "set `{POSTGRES_URL}` to the url of a PostgreSQL database whose user may create others: tests never skip one; `tests/run test NAME --sqlite` leaves it out"
    )]
    NoPostgres,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Folder(#[from] std::io::Error),
}

/// From now on every text that this process runs must find its rows by an index; the tests of this crate look at whole tables.
pub fn watch_plans() {
    plans::switch_on();
}

/// A database with all tables. Ends the test with a sentence where there cannot be one.
pub async fn fresh(kind: DatabaseKind) -> TestDatabase {
    let made = match kind {
        DatabaseKind::Sqlite => sqlite(Tables::All).await,
        DatabaseKind::Postgres => postgres(Tables::All).await,
    };
    made.unwrap_or_else(|problem| end(&problem))
}

/// A database without any table.
pub async fn empty(kind: DatabaseKind) -> TestDatabase {
    let made = match kind {
        DatabaseKind::Sqlite => sqlite(Tables::None).await,
        DatabaseKind::Postgres => postgres(Tables::None).await,
    };
    made.unwrap_or_else(|problem| end(&problem))
}

#[expect(
    clippy::panic,
    reason = "a storage test without its database fails with a sentence, never skips"
)]
fn end(problem: &TestDatabaseError) -> ! {
    panic!("{problem}")
}

macro_rules! rewrite {
    ($connection:ident, $url:expr, $sql:expr, $($value:expr),* $(,)?) => {
        async {
            let connection = &mut $connection::connect($url).await?;
            sqlx::query($sql)$(.bind($value))*.execute(connection).await?;
            Ok::<_, sqlx::Error>(())
        }
        .await
    };
}

mod crowds;

/// The URL of a new PostgreSQL database of that encoding, which the test drops. Ends the test if there cannot be one.
pub async fn encoded(encoding: &str, test: impl AsyncFnOnce(String)) {
    let made = async {
        let (admin, name) = (admin()?, unique());
        let from = format!("TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C'");
        create(&admin, &name, &from).await?;
        Ok::<_, TestDatabaseError>((url_of(&admin, &name), admin, name))
    };
    let (url, admin, name) = made.await.unwrap_or_else(|problem| end(&problem));
    test(url).await;
    drop_database(&admin, &name)
        .await
        .unwrap_or_else(|problem| end(&problem));
}

impl TestDatabase {
    /// Another record of this client, as an operator's change leaves it. Ends the test if it cannot be written.
    pub async fn rewrite_client(&self, id: &str, metadata: &str) {
        let sql = "UPDATE clients SET metadata = $1 WHERE id = $2";
        let done = match self.kind {
            DatabaseKind::Sqlite => rewrite!(SqliteConnection, &self.url, sql, metadata, id),
            DatabaseKind::Postgres => rewrite!(PgConnection, &self.url, sql, metadata, id),
        };
        done.unwrap_or_else(|error| end(&StoreError::from(error).into()));
    }

    /// Nothing is known of the time that was, so that a test may begin before it. Ends the test if that cannot be written.
    pub async fn forget_time(&self) {
        let sql = "UPDATE tenants SET clock_at = $1";
        let done = match self.kind {
            DatabaseKind::Sqlite => rewrite!(SqliteConnection, &self.url, sql, 0_i64),
            DatabaseKind::Postgres => rewrite!(PgConnection, &self.url, sql, 0_i64),
        };
        done.unwrap_or_else(|error| end(&StoreError::from(error).into()));
    }

    /// What an operator does to this database. Ends the test if it cannot be done.
    pub async fn administer(&self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        let done = async {
            match self.kind {
                DatabaseKind::Sqlite => {
                    let mut connection = SqliteConnection::connect(&self.url).await?;
                    sqlx::raw_sql(sql).execute(&mut connection).await.map(drop)
                }
                DatabaseKind::Postgres => {
                    let mut connection = PgConnection::connect(&self.url).await?;
                    sqlx::raw_sql(sql).execute(&mut connection).await.map(drop)
                }
            }
        };
        let done: Result<(), sqlx::Error> = done.await;
        done.unwrap_or_else(|error| end(&StoreError::from(error).into()));
    }

    /// SQLite, with its write lock in the hands of somebody else until that is dropped. Ends the test if it cannot be had.
    pub async fn locked_by_another(&self) -> AnotherWriter {
        let locked = async {
            let mut connection = SqliteConnection::connect(&self.url).await?;
            sqlx::query("BEGIN IMMEDIATE")
                .execute(&mut connection)
                .await?;
            Ok::<_, sqlx::Error>(connection)
        };
        let locked = locked.await;
        AnotherWriter(locked.unwrap_or_else(|error| end(&StoreError::from(error).into())))
    }

    /// PostgreSQL, with this table in the hands of somebody else until that is dropped. Ends the test if it cannot be had.
    pub async fn table_locked_by_another(&self, table: &str) -> AnotherWriter<PgConnection> {
        let locked = async {
            let mut connection = PgConnection::connect(&self.url).await?;
            let sql = AssertSqlSafe(format!("BEGIN; LOCK TABLE {table}"));
            sqlx::raw_sql(sql).execute(&mut connection).await?;
            Ok::<_, sqlx::Error>(AnotherWriter(connection))
        };
        let locked = locked.await;
        locked.unwrap_or_else(|error| end(&StoreError::from(error).into()))
    }

    /// Every row of every table as text, to search for what must not be there. Ends the test if it cannot be read.
    pub async fn dump(&self) -> String {
        let rows = match self.kind {
            DatabaseKind::Sqlite => sqlite_rows(&self.url).await,
            DatabaseKind::Postgres => postgres_rows(&self.url).await,
        };
        rows.unwrap_or_else(|error| end(&StoreError::from(error).into()))
            .join("\n")
    }
}

async fn sqlite_rows(url: &str) -> Result<Vec<String>, sqlx::Error> {
    let connection = &mut SqliteConnection::connect(url).await?;
    let mut rows = Vec::new();
    let tables = "SELECT name FROM sqlite_master WHERE type = 'table'";
    for table in query_scalar::<_, String>(tables)
        .fetch_all(&mut *connection)
        .await?
    {
        let columns = format!("SELECT name FROM pragma_table_info('{table}')");
        let columns: Vec<String> = query_scalar(AssertSqlSafe(columns))
            .fetch_all(&mut *connection)
            .await?;
        let text: Vec<String> = columns.iter().map(|c| format!("quote(\"{c}\")")).collect();
        let text = text.join(" || ' ' || ");
        let all = format!("SELECT '{table} ' || {text} FROM {table}");
        let found: Vec<String> = query_scalar(AssertSqlSafe(all))
            .fetch_all(&mut *connection)
            .await?;
        rows.extend(found);
    }
    Ok(rows)
}

async fn postgres_rows(url: &str) -> Result<Vec<String>, sqlx::Error> {
    let connection = &mut PgConnection::connect(url).await?;
    let mut rows = Vec::new();
    let tables = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'";
    for table in query_scalar::<_, String>(tables)
        .fetch_all(&mut *connection)
        .await?
    {
        let all = format!("SELECT '{table} ' || r::text FROM {table} r");
        let found: Vec<String> = query_scalar(AssertSqlSafe(all))
            .fetch_all(&mut *connection)
            .await?;
        rows.extend(found);
    }
    Ok(rows)
}

async fn sqlite(tables: Tables) -> Result<TestDatabase, TestDatabaseError> {
    let folder = std::env::temp_dir().join(unique());
    std::fs::create_dir_all(&folder)?;
    let file = folder.join("writ.db");
    if tables == Tables::All {
        std::fs::copy(
            SQLITE_TEMPLATE.get_or_try_init(sqlite_template).await?,
            &file,
        )?;
    }
    let url = format!("sqlite:{}", file.display());
    let store = connect(&url).await?;
    Ok(TestDatabase {
        store,
        url,
        kind: DatabaseKind::Sqlite,
        leftover: Leftover::Folder(folder),
    })
}

async fn postgres(tables: Tables) -> Result<TestDatabase, TestDatabaseError> {
    let admin = admin()?;
    let name = unique();
    match tables {
        Tables::All => {
            let template = TEMPLATE.get_or_try_init(template).await?;
            create(&admin, &name, template).await?;
        }
        Tables::None => create(&admin, &name, "").await?,
    }
    let url = url_of(&admin, &name);
    let store = connect(&url).await?;
    let leftover = Leftover::Database {
        admin: Box::new(admin),
        name,
    };
    Ok(TestDatabase {
        store,
        url,
        kind: DatabaseKind::Postgres,
        leftover,
    })
}

/// How a copy is made of a database that is migrated once per process; every test has its own.
async fn template() -> Result<String, TestDatabaseError> {
    let admin = admin()?;
    let name = format!("writ_template_{}", std::process::id());
    drop_database(&admin, &name).await?;
    create(&admin, &name, "").await?;
    let store = connect(&url_of(&admin, &name)).await?;
    store.migrate().await?;
    // A template that somebody is connected to cannot be copied.
    store.close().await;
    Ok(format!("TEMPLATE {name}{}", file_copy(&admin).await?))
}

/// As files, and not row by row through the log: half the time. PostgreSQL 14 knows no other way, and no word for it.
async fn file_copy(admin: &PgConnectOptions) -> Result<&'static str, StoreError> {
    let mut connection = admin.connect().await?;
    let known = "SELECT current_setting('server_version_num')::int >= 150000";
    let known: bool = query_scalar(known).fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok(if known { " STRATEGY file_copy" } else { "" })
}

/// A database file with all tables, of this process: made once, copied for each test.
async fn sqlite_template() -> Result<PathBuf, TestDatabaseError> {
    let folder = std::env::temp_dir().join(format!("{}-template", unique()));
    std::fs::create_dir_all(&folder)?;
    let file = folder.join("writ.db");
    let store = connect(&format!("sqlite:{}", file.display())).await?;
    store.migrate().await?;
    // The last connection to close moves the write-ahead log into the file.
    store.close().await;
    Ok(file)
}

/// A machine that runs many tests at once answers late.
async fn connect(url: &str) -> Result<Store, StoreError> {
    Store::connect_within(url, PATIENT).await
}

fn admin() -> Result<PgConnectOptions, TestDatabaseError> {
    let url = std::env::var(POSTGRES_URL).map_err(|_| TestDatabaseError::NoPostgres)?;
    Ok(PgConnectOptions::from_str(&url).map_err(StoreError::from)?)
}

fn url_of(admin: &PgConnectOptions, name: &str) -> String {
    admin.clone().database(name).to_url_lossy().to_string()
}

async fn create(admin: &PgConnectOptions, name: &str, from: &str) -> Result<(), TestDatabaseError> {
    run(admin, format!("CREATE DATABASE {name} {from}")).await
}

async fn drop_database(admin: &PgConnectOptions, name: &str) -> Result<(), TestDatabaseError> {
    run(
        admin,
        format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
    )
    .await
}

/// Names of databases cannot be parameters; ours are made of letters and numbers.
async fn run(admin: &PgConnectOptions, sql: String) -> Result<(), TestDatabaseError> {
    let mut connection = admin.connect().await.map_err(StoreError::from)?;
    connection
        .execute(AssertSqlSafe(sql))
        .await
        .map_err(StoreError::from)?;
    connection.close().await.map_err(StoreError::from)?;
    Ok(())
}

fn unique() -> String {
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("writ_test_{}_{count}", std::process::id())
}

static SQLITE_TEMPLATE: OnceCell<PathBuf> = OnceCell::const_new();
static TEMPLATE: OnceCell<String> = OnceCell::const_new();
static COUNT: AtomicU64 = AtomicU64::new(0);
