//! A database in trouble: what cannot be done now is an error in time, and works again when the database does.

use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use tokio::time::Instant;

use crate::connect::require_session;
use crate::store::{Database, DatabaseConnection};
use crate::testing::{DatabaseKind, DatabaseLine, Line, TestDatabase, encoded};
use crate::tests::world::{NOW, TENANT, user, world};
use crate::{Deadlines, Result, Store, StoreError, in_request};

const SHORT: Deadlines = Deadlines {
    connection: Duration::from_millis(800),
    statement: Duration::from_millis(900),
    request: Duration::from_millis(1_800),
};
/// What a request waits at most for one connection and one statement, and some more for a busy machine.
const IN_TIME: Duration = Duration::from_secs(4);

/// A PostgreSQL behind a line, and a node that has a connection already.
struct Scene {
    database: TestDatabase,
    line: DatabaseLine,
    store: Store,
}

async fn postgres() -> Scene {
    let database = world(DatabaseKind::Postgres).await;
    let line = DatabaseLine::to(&database.url).unwrap();
    let store = Store::connect_within(&line.url, SHORT).await.unwrap();
    add(&store, "before").await.unwrap();
    Scene {
        database,
        line,
        store,
    }
}

impl Scene {
    /// As somebody who is not behind the line.
    async fn outside(&self, sql: &str) -> PgConnection {
        let mut connection = PgConnection::connect(&self.database.url).await.unwrap();
        let sql = AssertSqlSafe(sql.to_owned());
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        connection
    }

    async fn database_name(&self) -> String {
        let mut connection = PgConnection::connect(&self.database.url).await.unwrap();
        let name = sqlx::query_scalar("SELECT current_database()::text");
        name.fetch_one(&mut connection).await.unwrap()
    }
}

async fn add(store: &Store, name: &str) -> Result<()> {
    let mut transaction = store.begin(TENANT).await?;
    transaction
        .insert_user(&user(name), "argon2id...", NOW)
        .await?;
    transaction.commit().await
}

async fn is_there(store: &Store, name: &str) -> Result<bool> {
    let mut reading = store.read(TENANT).await?;
    Ok(reading.user_by_name(name).await?.is_some())
}

/// It fails as one that may succeed later, and in time.
async fn is_refused<T: std::fmt::Debug>(answer: impl Future<Output = Result<T>>) {
    let started = Instant::now();
    let error = answer.await.unwrap_err();
    assert!(error.is_unavailable(), "{error:?}");
    assert!(started.elapsed() < IN_TIME, "{:?}", started.elapsed());
}

#[tokio::test]
async fn postgres_that_says_nothing_is_given_up_and_taken_again() {
    let scene = postgres().await;
    let (line, store) = (&scene.line, &scene.store);
    line.set(Line::Silent);
    is_refused(add(store, "anna")).await;
    is_refused(is_there(store, "before")).await;
    line.set(Line::Up);
    add(store, "bert").await.unwrap();
    assert!(is_there(store, "bert").await.unwrap());
}

#[tokio::test]
async fn postgres_that_goes_silent_inside_a_transaction_commits_nothing() {
    let scene = postgres().await;
    let (line, store) = (&scene.line, &scene.store);
    let mut transaction = store.begin(TENANT).await.unwrap();
    let anna = user("anna");
    let added = transaction.insert_user(&anna, "argon2id...", NOW).await;
    assert!(added.unwrap());
    line.set(Line::Silent);
    is_refused(transaction.commit()).await;
    line.set(Line::Up);
    add(store, "bert").await.unwrap();
}

#[tokio::test]
async fn all_connections_may_wait_in_silence_and_all_are_free_again() {
    let scene = postgres().await;
    let (line, store) = (&scene.line, &scene.store);
    line.set(Line::Silent);
    let mut asked = Vec::new();
    for _ in 0..40 {
        let store = store.clone();
        asked.push(tokio::spawn(async move {
            is_refused(is_there(&store, "before")).await;
        }));
    }
    for one in asked {
        one.await.unwrap();
    }
    line.set(Line::Up);
    for _ in 0..40 {
        assert!(is_there(store, "before").await.unwrap());
    }
}

#[tokio::test]
async fn a_cut_line_costs_no_transaction_that_begins_after_it() {
    let scene = postgres().await;
    let (line, store) = (&scene.line, &scene.store);
    line.set(Line::Cut);
    is_refused(add(store, "anna")).await;
    line.set(Line::Up);
    add(store, "bert").await.unwrap();
    line.set(Line::Cut);
    tokio::task::yield_now().await;
    line.set(Line::Up);
    add(store, "cleo").await.unwrap();
}

/// As at a restart, or when an operator ends what is connected.
#[tokio::test]
async fn ended_connections_are_replaced() {
    let scene = postgres().await;
    let name = scene.database_name().await;
    scene
        .outside(&format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = '{name}' AND pid <> pg_backend_pid()"
        ))
        .await;
    add(&scene.store, "anna").await.unwrap();
}

#[tokio::test]
async fn a_read_on_a_connection_that_died_unseen_is_asked_again() {
    let scene = postgres().await;
    let name = scene.database_name().await;
    let end = format!(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
        WHERE datname = '{name}' AND pid <> pg_backend_pid()"
    );
    for _ in 0..3 {
        assert!(is_there(&scene.store, "before").await.unwrap());
        scene.outside(&end).await;
    }
    assert!(is_there(&scene.store, "before").await.unwrap());
    // Not while nobody can be reached, and not for ever.
    scene.line.set(Line::Cut);
    is_refused(is_there(&scene.store, "before")).await;
}

/// Of a database each of whose answers comes within its deadline.
#[tokio::test]
async fn a_request_waits_for_slow_answers_only_so_long_in_all() {
    const ANSWER: Duration = Duration::from_millis(200);
    let scene = postgres().await;
    let store = Store::connect_within(&scene.line.url, SHORT).await.unwrap();
    add(&store, "anna").await.unwrap();
    scene.line.set(Line::Slow(ANSWER));
    // Each of them three answers, more in all than one request may wait for.
    let many = || async {
        for number in 0..8 {
            add(&store, &format!("bert-{number}")).await?;
        }
        Ok::<(), StoreError>(())
    };
    is_refused(in_request("req_1", many())).await;
    scene.line.set(Line::Up);
    let mut nothing_left = 0;
    for number in 0..8 {
        let name = format!("bert-{number}");
        nothing_left += u32::from(!is_there(&store, &name).await.unwrap());
    }
    assert!(nothing_left > 0, "the last ones were not written");
    in_request("req_2", add(&store, "cleo")).await.unwrap();
}

/// As after a failover, when the node still talks to the database that is a standby now.
#[tokio::test]
async fn a_database_that_became_read_only_is_left() {
    let scene = postgres().await;
    let name = scene.database_name().await;
    let read_only = format!("ALTER DATABASE {name} SET default_transaction_read_only = on");
    scene.outside(&read_only).await;
    let mut inside = scene.store.begin(TENANT).await.unwrap();
    let DatabaseConnection::Postgres(connection) = &mut inside.connection else {
        panic!("PostgreSQL only");
    };
    let (connection, _) = connection.for_statement().unwrap();
    let session = "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY";
    sqlx::query(session).execute(connection).await.unwrap();
    drop(inside);
    is_refused(add(&scene.store, "anna")).await;
    assert_eq!(scene.store.idle_connections(), 0, "thrown away");
    is_refused(add(&scene.store, "anna")).await;
    let reset = format!("ALTER DATABASE {name} RESET default_transaction_read_only");
    let mut outside = PgConnection::connect(&scene.database.url).await.unwrap();
    let writing = "SET default_transaction_read_only = off";
    sqlx::query(writing).execute(&mut outside).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(reset))
        .execute(&mut outside)
        .await
        .unwrap();
    add(&scene.store, "bert").await.unwrap();
}

#[tokio::test]
async fn a_lock_that_somebody_keeps_is_not_waited_for_long() {
    let scene = postgres().await;
    let keeper = scene
        .outside("BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
        .await;
    is_refused(add(&scene.store, "anna")).await;
    is_refused(is_there(&scene.store, "before")).await;
    keeper.close().await.unwrap();
    add(&scene.store, "anna").await.unwrap();
}

#[tokio::test]
async fn sqlite_that_another_process_keeps_locked_still_reads() {
    let database = world(DatabaseKind::Sqlite).await;
    let store = Store::connect_within(&database.url, SHORT).await.unwrap();
    let mut keeper = SqliteConnection::connect(&database.url).await.unwrap();
    let locked = sqlx::query("BEGIN IMMEDIATE").execute(&mut keeper).await;
    locked.unwrap();
    is_refused(add(&store, "anna")).await;
    assert!(!is_there(&store, "anna").await.unwrap());
    let ended = sqlx::query("ROLLBACK").execute(&mut keeper).await;
    ended.unwrap();
    add(&store, "anna").await.unwrap();
}

#[tokio::test]
async fn sqlite_that_is_full_loses_nothing_and_goes_on_once_there_is_room() {
    let database = world(DatabaseKind::Sqlite).await;
    let store = Store::connect_within(&database.url, SHORT).await.unwrap();
    add(&store, "before").await.unwrap();
    let mut pages = "PRAGMA max_page_count = 1"; // as many as there are
    for expected_room in [false, true] {
        let Database::Sqlite { writer, .. } = &store.database else {
            panic!("SQLite only");
        };
        let mut connection = writer.acquire().await.unwrap();
        let (sqlite, _) = connection.for_statement().unwrap();
        let set = sqlx::query(pages).execute(sqlite).await;
        connection.statement_ended(set).unwrap();
        drop(connection);
        let mut refused = None;
        for number in 0..2_000 {
            if let Err(error) = add(&store, &format!("user-{number}-{expected_room}")).await {
                refused = Some(error);
                break;
            }
        }
        assert_eq!(refused.is_none(), expected_room, "{refused:?}");
        assert!(refused.is_none_or(|error| error.is_unavailable()));
        assert!(is_there(&store, "before").await.unwrap());
        pages = "PRAGMA max_page_count = 1000000";
    }
}

/// Such as PgBouncer in transaction mode, which forgets what a connection was told.
#[tokio::test]
async fn settings_that_do_not_hold_name_the_pooler() {
    let scene = postgres().await;
    let mut connection = match scene.store.begin(TENANT).await.unwrap().connection {
        DatabaseConnection::Postgres(connection) => connection,
        DatabaseConnection::Sqlite(_) => panic!("PostgreSQL only"),
    };
    require_session(&mut connection).await.unwrap();
    let (postgres, _) = connection.for_statement().unwrap();
    let forget = sqlx::query("SET idle_in_transaction_session_timeout = 0");
    let forgotten = forget.execute(postgres).await;
    connection.statement_ended(forgotten).unwrap();
    let refused = require_session(&mut connection).await.unwrap_err();
    assert!(matches!(refused, StoreError::Pooler), "{refused}");
    assert!(refused.to_string().contains("session mode"));
}

#[tokio::test]
async fn an_encoding_that_does_not_hold_every_text_is_refused_at_the_start() {
    for encoding in ["LATIN1", "SQL_ASCII"] {
        let test = async |url: String| {
            let refused = Store::connect(&url).await.err().unwrap();
            let named = matches!(&refused, StoreError::Encoding(found) if found == encoding);
            assert!(named, "{refused}");
        };
        encoded(encoding, test).await;
    }
}

/// Whoever starts a server reads where it looked, and nothing of the password.
#[tokio::test]
async fn postgres_that_is_away_at_the_start_is_named_by_its_place() {
    let nowhere = std::env::temp_dir().join("writ-no-postgres-here");
    let by_socket = format!(
        "postgres://writ:secret@localhost/writ?host={}&port=6543",
        nowhere.display()
    );
    for (url, place) in [
        (
            "postgres://writ:secret@127.0.0.1:1/writ",
            "`127.0.0.1`, port 1",
        ),
        (by_socket.as_str(), "the socket of port 6543 in `"),
    ] {
        let refused = Store::connect(url).await.err().unwrap();
        assert!(refused.is_unavailable(), "{refused}");
        let said = refused.to_string();
        assert!(said.contains(place) && !said.contains("secret"), "{said}");
    }
}

/// How many connections PostgreSQL has to this database.
async fn connections(scene: &Scene) -> i64 {
    let name = scene.database_name().await;
    let mut connection = PgConnection::connect(&scene.database.url).await.unwrap();
    let count =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()";
    let count = sqlx::query_scalar(count).bind(name);
    count.fetch_one(&mut connection).await.unwrap()
}

/// As one that waits for a standby that is not there, which `statement_timeout` does not end either.
const COMMITS_HANG: &str = "
    CREATE FUNCTION hang() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN PERFORM pg_sleep(3600); RETURN NULL; END';
    CREATE CONSTRAINT TRIGGER hang AFTER INSERT ON users DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION hang()";

#[tokio::test]
async fn commits_that_hang_take_no_more_connections_than_twice_those_of_a_node() {
    let scene = postgres().await;
    drop(scene.outside(COMMITS_HANG).await);
    for round in 0..4 {
        let mut asked = Vec::new();
        for number in 0..24 {
            let store = scene.store.clone();
            asked.push(tokio::spawn(async move {
                is_refused(add(&store, &format!("p{round}-{number}"))).await;
            }));
        }
        for one in asked {
            one.await.unwrap();
        }
        let count = connections(&scene).await;
        // And those of this test that are about to end.
        assert!(count <= 32 + 4, "{count} in round {round}");
    }
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid();
        DROP TRIGGER hang ON users";
    drop(scene.outside(end).await);
    // Nobody has to restart the node.
    let mut done = add(&scene.store, "after").await;
    for _ in 0..20 {
        if done.is_ok() {
            break;
        }
        done = add(&scene.store, "after").await;
    }
    done.unwrap();
    assert!(is_there(&scene.store, "after").await.unwrap());
}
