//! Migrations on many nodes at once, interrupted anywhere, failing, and in the way of what others do: each ends as if it had run once.

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::time::timeout;

use crate::deadline::Patience;
use crate::migrate::{MigrationText, POSTGRES, SQLITE};
use crate::testing::{self, DatabaseKind, DatabaseLine, Line, PATIENT, TestDatabase};
use crate::tests::migrations::tables;
use crate::tests::world::TENANT;
use crate::{Deadlines, Result, Store, StoreError};

on_both! {
    eight_nodes_start_at_once_where_there_is_nothing,
    eight_nodes_start_at_once_on_old_tables,
    interrupted_anywhere_it_is_completed_by_the_next,
    a_file_that_fails_leaves_nothing_and_is_named,
    newer_tables_are_left_alone_by_an_older_binary,
}

/// A node that waits for nothing long: what it does must not depend on that.
const HASTY: Deadlines = Deadlines {
    connection: Duration::from_millis(300),
    statement: Duration::from_millis(600),
    request: Duration::from_secs(4),
};
/// Longer than any of this takes, and shorter than for ever.
const SOON: Duration = Duration::from_secs(60);
/// Somebody who still waits now is one who waits.
const A_WHILE: Duration = Duration::from_millis(1_500);
const NONE: Patience = Patience(Duration::ZERO);

row! { MigrationRow { version: i64, description: String } }
row! { CountRow { rows: i64 } }

/// Every migration once, and the tables of a database where nothing ever went wrong.
async fn is_whole(database: &TestDatabase) {
    let mut reading = database.store.read(TENANT).await.unwrap();
    let sql = "SELECT version, description FROM _sqlx_migrations ORDER BY version";
    let applied = all!(reading, MigrationRow, sql).unwrap();
    let applied = applied
        .iter()
        .map(|row| (row.version, row.description.as_str()));
    let expected = SQLITE.iter().map(|text| (text.version, text.name));
    assert_eq!(applied.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    let whole = testing::fresh(database.kind).await;
    assert_eq!(tables(&database.store).await, tables(&whole.store).await);
}

async fn start_eight(url: &str, kind: DatabaseKind) {
    let nodes: Vec<_> = (0..8)
        .map(|_| {
            let url = url.to_owned();
            tokio::spawn(async move { start(&url, kind).await.unwrap() })
        })
        .collect();
    for node in nodes {
        node.await.unwrap();
    }
}

async fn start(url: &str, kind: DatabaseKind) -> Result<()> {
    let deadlines = match kind {
        DatabaseKind::Sqlite => HASTY,
        DatabaseKind::Postgres => PATIENT,
    };
    let node = Store::connect_within(url, deadlines).await?;
    node.migrate().await?;
    let mut transaction = node.begin(TENANT).await?;
    transaction.issuer().await?;
    transaction.commit().await?;
    node.close().await;
    Ok(())
}

/// Also no file: they all turn it to WAL.
async fn eight_nodes_start_at_once_where_there_is_nothing(kind: DatabaseKind) {
    let mut database = testing::empty(kind).await;
    if kind == DatabaseKind::Sqlite {
        database.url = database.url.replace("writ.db", "new.db");
    }
    start_eight(&database.url, kind).await;
    database.store = Store::connect_within(&database.url, PATIENT).await.unwrap();
    is_whole(&database).await;
}

async fn eight_nodes_start_at_once_on_old_tables(kind: DatabaseKind) {
    let database = testing::empty(kind).await;
    database.store.migrate_to(4).await.unwrap();
    start_eight(&database.url, kind).await;
    is_whole(&database).await;
}

/// The process ends: whatever it had begun is dropped. Each time a little later, until there is nothing left to interrupt.
async fn interrupted_anywhere_it_is_completed_by_the_next(kind: DatabaseKind) {
    let database = testing::empty(kind).await;
    let mut interrupted = 0;
    // A fast database is seldom waited for.
    for waits in (1..10).chain((10..).step_by(3)) {
        let node = Store::connect_within(&database.url, PATIENT).await.unwrap();
        if after_waits(waits, node.migrate()).await.is_some() {
            break;
        }
        interrupted += 1;
    }
    assert!(interrupted > 5, "{interrupted}");
    is_whole(&database).await;
}

/// What comes of it, or nothing if it is dropped when it waits for the `waits`-th time.
async fn after_waits<T>(waits: usize, work: impl Future<Output = Result<T>>) -> Option<T> {
    let (mut work, mut left) = (pin!(work), waits);
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done.unwrap())),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}

/// The first five migrations, and one more.
fn five_and(kind: DatabaseKind, sql: &'static str) -> Vec<MigrationText> {
    let texts = match kind {
        DatabaseKind::Sqlite => SQLITE,
        DatabaseKind::Postgres => POSTGRES,
    };
    let name = "0006_broken";
    let broken = MigrationText {
        version: 6,
        name,
        sql,
    };
    texts[..5].iter().copied().chain([broken]).collect()
}

fn has(tables: &BTreeSet<String>, table: &str) -> bool {
    let start = format!("{table}.");
    tables.iter().any(|line| line.starts_with(&start))
}

async fn a_file_that_fails_leaves_nothing_and_is_named(kind: DatabaseKind) {
    let database = testing::empty(kind).await;
    database.store.migrate_to(4).await.unwrap();
    let broken = five_and(
        kind,
        "
        CREATE TABLE half (tenant TEXT NOT NULL);
        INSERT INTO half (tenant) VALUES ('default');
        INSERT INTO nowhere (tenant) VALUES ('default');",
    );
    for _ in 0..2 {
        let refused = database.store.migrate_by(&broken, NONE).await.unwrap_err();
        assert!(refused.to_string().contains("`0006_broken`"), "{refused}");
        assert!(!refused.is_unavailable());
        assert!(!has(&tables(&database.store).await, "half"));
    }
    database.store.migrate().await.unwrap();
    is_whole(&database).await;
}

/// A binary of before: it starts, and writes nothing.
async fn newer_tables_are_left_alone_by_an_older_binary(kind: DatabaseKind) {
    let database = testing::fresh(kind).await;
    let before = tables(&database.store).await;
    for older in [1, 4, 17] {
        database.store.migrate_to(older).await.unwrap();
        assert_eq!(tables(&database.store).await, before);
    }
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let contract =
        "UPDATE _sqlx_migrations SET description = '0018_contract_0012_x' WHERE version = 18";
    execute!(transaction, contract).unwrap();
    transaction.commit().await.unwrap();
    for (older, starts) in [(11, false), (12, true), (17, true), (18, true)] {
        let started = database.store.migrate_to(older).await;
        assert_eq!(started.is_ok(), starts, "{older}");
        let too_new = |error| matches!(error, StoreError::TablesTooNew(_));
        assert!(started.map_or_else(too_new, |()| true), "{older}");
    }
}

/// Longer than SQLite itself waits for it.
#[tokio::test(flavor = "multi_thread")]
async fn sqlite_that_another_process_has_locked_is_waited_for() {
    let database = testing::empty(DatabaseKind::Sqlite).await;
    let node = Store::connect_within(&database.url, HASTY).await.unwrap();
    let other = database.locked_by_another().await;
    let refused = node.migrate_by(SQLITE, NONE).await.unwrap_err();
    assert!(refused.is_locked(), "{refused}");
    let mut migrating = tokio::spawn(async move { node.migrate().await });
    assert!(timeout(A_WHILE, &mut migrating).await.is_err());
    other.release().await;
    let done = timeout(SOON, migrating).await.unwrap();
    done.unwrap().unwrap();
    is_whole(&database).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_that_is_full_keeps_what_it_had_and_is_migrated_once_there_is_room() {
    let database = testing::empty(DatabaseKind::Sqlite).await;
    database.store.migrate_to(4).await.unwrap();
    let before = tables(&database.store).await;
    pages(&database.store, "PRAGMA max_page_count = 1").await; // as many as there are
    let refused = database.store.migrate().await.unwrap_err();
    assert!(refused.to_string().contains("full"), "{refused}");
    assert_eq!(tables(&database.store).await, before);
    pages(&database.store, "PRAGMA max_page_count = 1000000").await;
    database.store.migrate().await.unwrap();
    is_whole(&database).await;
}

async fn pages(store: &Store, sql: &'static str) {
    let mut transaction = store.begin(TENANT).await.unwrap();
    execute!(transaction, sql).unwrap();
    transaction.commit().await.unwrap();
}

/// As `pg_dump` does, for as long as it takes. The migration neither waits in the way of others nor gives up.
#[tokio::test(flavor = "multi_thread")]
async fn postgres_tables_that_others_hold_are_waited_for_in_nobodys_way() {
    let database = testing::empty(DatabaseKind::Postgres).await;
    database.store.migrate_to(15).await.unwrap();
    let mut dump = PgConnection::connect(&database.url).await.unwrap();
    let lock = "BEGIN; LOCK TABLE users IN ACCESS SHARE MODE";
    sqlx::raw_sql(lock).execute(&mut dump).await.unwrap();
    let refused = database.store.migrate_by(POSTGRES, NONE).await.unwrap_err();
    assert!(refused.is_locked(), "{refused}");
    assert!(
        refused.to_string().contains("`0016_credentials`"),
        "{refused}"
    );
    assert!(!has(&tables(&database.store).await, "registrations"));
    let node = database.store.clone();
    let mut migrating = tokio::spawn(async move { node.migrate().await });
    for _ in 0..5 {
        assert!(timeout(A_WHILE / 3, &mut migrating).await.is_err());
        // A node that runs; without the turns of others it would wait for the dump.
        let mut transaction = database.store.begin(TENANT).await.unwrap();
        let write = "UPDATE users SET failures = failures WHERE tenant = $1";
        execute!(transaction, write, TENANT).unwrap();
        transaction.commit().await.unwrap();
    }
    dump.close().await.unwrap();
    timeout(SOON, migrating).await.unwrap().unwrap().unwrap();
    is_whole(&database).await;
}

/// The node is gone while PostgreSQL still works for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_cut_line_to_postgres_releases_the_migration_to_the_next_node() {
    let kind = DatabaseKind::Postgres;
    let database = testing::empty(kind).await;
    let line = DatabaseLine::to(&database.url).unwrap();
    let node = Store::connect_within(&line.url, PATIENT).await.unwrap();
    let endless = five_and(
        kind,
        "CREATE TABLE half (tenant TEXT NOT NULL); SELECT pg_sleep(3600)",
    );
    let migrating = tokio::spawn(async move { node.migrate_by(&endless, NONE).await });
    until(
        &database,
        "SELECT count(*) AS rows FROM pg_stat_activity
        WHERE datname = current_database() AND state = 'active' AND wait_event = 'PgSleep'",
    )
    .await;
    line.set(Line::Cut);
    let refused = migrating.await.unwrap().unwrap_err();
    assert!(refused.to_string().contains("`0006_broken`"), "{refused}");
    let next = timeout(SOON, database.store.migrate()).await;
    next.unwrap().unwrap();
    assert!(!has(&tables(&database.store).await, "half"));
    is_whole(&database).await;
}

/// Until there is such a row.
async fn until(database: &TestDatabase, sql: &str) {
    let found = timeout(SOON, async {
        let mut outside = PgConnection::connect(&database.url).await.unwrap();
        loop {
            let count = sqlx::query_as::<_, CountRow>(AssertSqlSafe(sql.to_owned()));
            if count.fetch_one(&mut outside).await.unwrap().rows > 0 {
                return;
            }
            tokio::task::yield_now().await;
        }
    });
    found.await.expect("it begins in time");
}
