//! An upgrade from every earlier schema with rows in every table: none is lost or changed, and what earlier versions wrote is read.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use writ_core::id::{ApprovalId, ClientId, DelegationId, TaskId, UserId};
use writ_core::lineage::Stopped;
use writ_core::signing::KeyState;
use writ_jose::key::Thumbprint;
use writ_wire::registration::ClientFile;
use writ_wire::time::Timestamp;

use crate::DatabaseTransaction;
use crate::event::EventFilter;
use crate::migrate::SQLITE;
use crate::replay::ReplayClaim;
use crate::store::{Database, Store};
use crate::testing::{self, DatabaseKind, TestDatabase};
use crate::tests::migrations::tables;
use crate::tests::world::TENANT;

on_both! {
    rows_of_every_schema_survive,
    what_the_first_version_wrote_is_read,
    what_the_version_of_schema_10_wrote_is_read,
}

/// Rows as earlier versions wrote them, not as this one would.
const FIRST: &str = include_str!("written/0004.sql");
const OF_SCHEMA_10: &str = include_str!("written/0010.sql");

async fn run(database: &TestDatabase, sql: String) {
    let (url, sql) = (&database.url, sqlx::raw_sql(AssertSqlSafe(sql)));
    let done = match database.kind {
        DatabaseKind::Sqlite => {
            let mut connection = SqliteConnection::connect(url).await.unwrap();
            sql.execute(&mut connection).await.map(drop)
        }
        DatabaseKind::Postgres => {
            let mut connection = PgConnection::connect(url).await.unwrap();
            sql.execute(&mut connection).await.map(drop)
        }
    };
    done.unwrap();
}

/// A column, and whether it may be null.
struct Column {
    name: String,
    kind: String,
    nullable: bool,
}

async fn columns(store: &Store) -> BTreeMap<String, Vec<Column>> {
    let mut found = BTreeMap::<_, Vec<_>>::new();
    for line in tables(store).await {
        // As in `sessions.ended_at bigint null`.
        let words: Vec<_> = line.split(' ').collect();
        if let ([place, kind, ..], Some((table, name))) = (words.as_slice(), line.split_once('.'))
            && place.contains('.')
        {
            let name = name.split(' ').next().unwrap().to_owned();
            found.entry(table.to_owned()).or_default().push(Column {
                name,
                kind: (*kind).to_owned(),
                nullable: !line.ends_with("not null"),
            });
        }
    }
    found
}

/// Two rows in each table, of another tenant: one long and whole, one with nothing where that is allowed. Sinks come after events, which
/// would be due to them.
fn two_rows_each(columns: &BTreeMap<String, Vec<Column>>) -> String {
    let mut sql = String::new();
    for (table, columns) in columns.iter().rev() {
        let names: Vec<_> = columns.iter().map(|column| column.name.as_str()).collect();
        let whole = columns.iter().map(|column| match column.kind.as_str() {
            "bigint" => i64::MAX.to_string(),
            _ => format!(
                "'{}'",
                format!("{table}.{} l''été 𝄞 \\n ", column.name).repeat(200)
            ),
        });
        let sparse = columns.iter().map(|column| match column.kind.as_str() {
            _ if column.nullable => "NULL".to_owned(),
            "bigint" => "-1".to_owned(),
            _ => "''".to_owned(),
        });
        for values in [whole.collect::<Vec<_>>(), sparse.collect()] {
            let (names, values) = (names.join(", "), values.join(", "));
            sql += &format!("INSERT INTO {table} ({names}) VALUES ({values});\n");
        }
    }
    sql
}

row! { TextRow { line: String } }

/// Every row, by the columns that are named.
async fn rows(store: &Store, columns: &BTreeMap<String, Vec<Column>>) -> BTreeSet<String> {
    let quote = match &store.database {
        Database::Sqlite { .. } => "quote",
        Database::Postgres(_) => "quote_nullable",
    };
    let mut reading = store.read(TENANT).await.unwrap();
    let mut found = BTreeSet::new();
    for (table, columns) in columns {
        let values = columns
            .iter()
            .map(|column| format!("{quote}({})", column.name));
        let line = values.collect::<Vec<_>>().join(" || ' ' || ");
        // The comment says that no index is looked for.
        let sql = format!("-- every row\nSELECT '{table} ' || {line} AS line FROM {table}");
        let sql: &'static str = sql.leak();
        found.extend(
            all!(reading, TextRow, sql)
                .unwrap()
                .into_iter()
                .map(|row| row.line),
        );
    }
    found
}

async fn rows_of_every_schema_survive(kind: DatabaseKind) {
    for text in &SQLITE[..SQLITE.len() - 1] {
        let database = testing::empty(kind).await;
        database
            .store
            .migrate_to(text.version.min(4))
            .await
            .unwrap();
        if text.version >= 4 {
            run(&database, FIRST.to_owned()).await;
        }
        database.store.migrate_to(text.version).await.unwrap();
        let columns = columns(&database.store).await;
        run(&database, two_rows_each(&columns)).await;
        let before = rows(&database.store, &columns).await;
        assert!(before.len() >= 2 * columns.len(), "{}", text.name);
        database.store.migrate().await.unwrap();
        assert_eq!(
            rows(&database.store, &columns).await,
            before,
            "{}",
            text.name
        );
        if text.version >= 4 {
            first_version_is_read(&database.store).await;
        }
    }
}

async fn what_the_first_version_wrote_is_read(kind: DatabaseKind) {
    let database = testing::empty(kind).await;
    database.store.migrate_to(4).await.unwrap();
    run(&database, FIRST.to_owned()).await;
    database.store.migrate().await.unwrap();
    first_version_is_read(&database.store).await;
}

/// When those rows were new.
const THEN: Timestamp = Timestamp::from_micros(1_795_979_273_000_000);
const STOPPED: &str = "tsk_01m8mb9p9y0150y2x5f91nm9w0";
const OF_WEB: &str = "dlg_01m8mb9q8723wx5ehn7vq9248e";
const REFRESH_TOKEN: &str = "5SgCJaHXQL3BNNiegWUdqonWVNy82KNJsykYS2mfLNs";

async fn first_version_is_read(store: &Store) {
    let mut transaction = store.begin(TENANT).await.unwrap();
    registered_is_read(&mut transaction).await;
    tasks_are_read(&mut transaction).await;
    what_happens_once_is_read(&mut transaction).await;
    record_is_read(&mut transaction).await;
    transaction.commit().await.unwrap();
}

async fn registered_is_read(transaction: &mut DatabaseTransaction) {
    let alice = transaction.user_by_name("alice").await.unwrap().unwrap();
    assert!(!alice.user.disabled && !alice.removed);
    for (id, is_agent) in [
        ("agt_planner", true),
        ("agt_booker", true),
        ("web", false),
        ("bank-api", false),
    ] {
        let found = transaction
            .client(&ClientId::from_text(id))
            .await
            .unwrap()
            .unwrap();
        assert!(
            !found.stopped && !found.removed && found.earlier_secret.is_none(),
            "{id}"
        );
        assert_eq!(
            found.owner.map(|owner| owner.id),
            is_agent.then(|| alice.user.id.clone())
        );
        let file: ClientFile = serde_json::from_str(&found.metadata).unwrap();
        assert_eq!(file.agent.is_some(), is_agent, "{id}");
    }
    let key = Thumbprint::parse("t8Jf_X34Eh0cT5SIaN7a6ekyAbECgzbn8k3M9wd_4N0").unwrap();
    let owner = transaction.key_owner(&key).await.unwrap();
    assert_eq!(owner, Some(ClientId::from_text("agt_planner")));
    let keys = transaction.signing_keys().await.unwrap();
    let states: Vec<_> = keys.iter().map(|key| key.state).collect();
    assert!(states.contains(&KeyState::Active) && states.contains(&KeyState::Next));
    assert_eq!(transaction.resources().await.unwrap().len(), 1);
    assert_eq!(transaction.types().await.unwrap().len(), 1);
    let issuer = transaction.issuer().await.unwrap();
    assert_eq!(issuer.as_deref(), Some("http://127.0.0.1:36193"));
}

async fn tasks_are_read(transaction: &mut DatabaseTransaction) {
    let task = transaction
        .task(&TaskId::from_text(STOPPED))
        .await
        .unwrap()
        .unwrap();
    assert!(task.stopped_at.is_some() && task.suspended_at.is_none());
    assert_eq!(
        task.task.purpose.as_deref(),
        Some("Pay the invoice of March")
    );
    let rows = transaction.delegations_of(&task.task.id).await.unwrap();
    assert_eq!(rows.len(), 5);
    let depths = rows
        .iter()
        .filter_map(|row| row.act.as_ref())
        .map(|act| act.depth());
    assert_eq!(depths.max(), Some(2));
    let below = rows.iter().find(|row| row.parent.is_some()).unwrap();
    let lineage = transaction.lineage(&below.id).await.unwrap().unwrap();
    assert_eq!(lineage.stopped, Some(Stopped::Task));
    let of_web = transaction
        .lineage(&DelegationId::from_text(OF_WEB))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(of_web.stopped, None);
    assert!(
        transaction
            .is_live(&DelegationId::from_text(OF_WEB), THEN)
            .await
            .unwrap()
    );
    let alice = UserId::from_text(task.task.subject.as_str());
    assert_eq!(
        transaction
            .consents_before(&alice, None, 10)
            .await
            .unwrap()
            .len(),
        3
    );
}

async fn what_happens_once_is_read(transaction: &mut DatabaseTransaction) {
    let login = transaction
        .session("mtFnIH21MYZf9vZrMwiun7bkb7CuDe42FNaCh-i_VGQ", THEN)
        .await;
    assert!(login.unwrap().is_some());
    for digest in [
        "O-vrh6BT9pNM5ygeKwsUacrKobTT3YqT-aTpPgsLHKk",
        "7iggXxrSuYDpMyRNjW0PgxXP6wMmnezd0MAcET_Nvbk",
    ] {
        assert!(transaction.request(digest).await.unwrap().is_some());
    }
    let code = transaction
        .code("wNaKpYb_4PIWO0L6mGHG00AREnHiZo3wk9U4HpsliwI")
        .await
        .unwrap();
    assert!(code.unwrap().consumed.is_some());
    let token = transaction
        .refresh_token(REFRESH_TOKEN)
        .await
        .unwrap()
        .unwrap();
    assert!(token.consumed.is_none() && token.lineage.stopped.is_none());
    for won in [true, false] {
        let rotated = transaction
            .consume_refresh_token(REFRESH_TOKEN, None, "next", THEN)
            .await;
        assert_eq!(rotated.unwrap(), won);
    }
    let claim = ReplayClaim {
        digest: "8yo9yYmy3v5r7ltomS3saaoCcS_hmfaKs9o_ttg0x3I".to_owned(),
        expires_at: THEN,
    };
    assert_eq!(transaction.claim_once(&[claim]).await.unwrap(), Some(0));
}

async fn record_is_read(transaction: &mut DatabaseTransaction) {
    let filter = EventFilter {
        person: None,
        agent: None,
        task: None,
        name: None,
        limit: 100,
    };
    let events = transaction.events(filter).await.unwrap();
    assert_eq!(events.len(), 16, "one of each name");
    let counts = transaction
        .refusal_counts(Timestamp::from_seconds(0))
        .await
        .unwrap();
    assert_eq!(counts.len(), 4);
}

async fn what_the_version_of_schema_10_wrote_is_read(kind: DatabaseKind) {
    let database = testing::empty(kind).await;
    database.store.migrate_to(10).await.unwrap();
    run(&database, OF_SCHEMA_10.to_owned()).await;
    database.store.migrate().await.unwrap();
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let mut redeemed = 0;
    for (id, state) in REQUESTS {
        let id = ApprovalId::from_text(id);
        let found = transaction.pending_by_id(&id).await.unwrap().unwrap();
        assert_eq!(found.status.state().as_str(), state, "{id}");
        for receipt in transaction.receipts_of_request(&id).await.unwrap() {
            assert!(!receipt.document.is_empty());
        }
        transaction.notices_of_request(&id).await.unwrap();
        if let Some(subject) = &found.subject {
            let seen = transaction.activity(subject, 10).await.unwrap();
            assert!(seen.iter().any(|one| one.id == id));
        }
        if let Some(delegation) = found.status.delegation() {
            let lineage = transaction.lineage(delegation).await.unwrap().unwrap();
            assert_eq!(lineage.stopped, None);
            redeemed += 1;
        }
    }
    assert_eq!(redeemed, 2);
    people_are_read(&mut transaction).await;
    transaction.commit().await.unwrap();
}

const REQUESTS: [(&str, &str); 8] = [
    ("apr_01m8mbvqv25m30ehchq2eat81r", "pending"),
    ("apr_01m8mbvqv6x2x1bvc0rjwzgnrx", "expired"),
    ("apr_01m8mbvqv5xrh2x3fnswhw73rp", "denied"),
    ("apr_01m8mbvvbrgc4s6v63rj285afy", "pending"),
    ("apr_01m8mbvv9d0gq890659m04yegx", "approved"),
    ("apr_01m8mbvqtpw720rj4e0vwsp0t9", "redeemed"),
    ("apr_01m8mbvz4sde0emy37rv9e9bzs", "redeemed"),
    ("apr_01m8mbw75het0awb32sx7d29m8", "denied"),
];

async fn people_are_read(transaction: &mut DatabaseTransaction) {
    let asked = UserId::from_text("usr_01m8mbtymrcg8bbpxf4y7kjyqq");
    let now = Timestamp::from_micros(1_795_979_866_000_000);
    assert_eq!(transaction.inbox(&asked, now, 10).await.unwrap().len(), 1);
    assert_eq!(
        transaction.subscriptions_of(&asked).await.unwrap().len(),
        0,
        "gone"
    );
    let shown = ApprovalId::from_text("apr_01m8mbvv9d0gq890659m04yegx");
    assert!(transaction.screen(&shown, &asked).await.unwrap().is_some());
    assert!(transaction.settings(&asked).await.unwrap().is_some());
    assert!(transaction.server_key("vapid").await.unwrap().is_some());
    let buyer = UserId::from_text("usr_01m8mbtw7rzrqnkvs8q9xvqg7s");
    assert_eq!(
        transaction
            .newest_uses(&buyer, "payment")
            .await
            .unwrap()
            .len(),
        1
    );
    let client = transaction
        .client(&ClientId::from_text("agt_asker"))
        .await
        .unwrap();
    let file: ClientFile = serde_json::from_str(&client.unwrap().metadata).unwrap();
    assert!(file.agent.is_some());
}
