//! Migrations run twice change nothing; both databases get the same tables.

use std::collections::BTreeSet;

use writ_authority::Level;
use writ_core::id::DelegationId;

use crate::Store;
use crate::migrate;
use crate::store::Database;
use crate::testing::{self, DatabaseKind};
use crate::tests::world::{ISSUER, NOW, TENANT, populate, root, task};

/// `sha384sum -c` in `migrations` checks the same; the list grows with each release.
#[test]
fn a_landed_migration_is_never_edited() {
    let landed = include_str!("../../../../migrations/landed.sha384");
    for line in landed.lines() {
        let (digest, path) = line.split_once("  ").unwrap();
        let (kind, name) = path.split_once('/').unwrap();
        let texts = if kind == "sqlite" {
            migrate::SQLITE
        } else {
            migrate::POSTGRES
        };
        let text = texts
            .iter()
            .find(|text| format!("{}.sql", text.name) == name);
        let text = text.unwrap_or_else(|| panic!("`{path}` has landed"));
        let found = text.migration().checksum;
        let found: String = found.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(found, digest, "`{path}`");
    }
    assert!(landed.lines().count() >= 36);
}

on_both! {
    migrations_run_twice_change_nothing,
    rows_of_older_versions_read_back,
    sqlite_and_postgres_have_the_same_tables,
}

async fn migrations_run_twice_change_nothing(kind: DatabaseKind) {
    let database = testing::empty(kind).await;
    database.store.migrate().await.unwrap();
    let once = tables(&database.store).await;
    database.store.migrate().await.unwrap();
    assert_eq!(tables(&database.store).await, once);
    assert!(once.contains("delegations.act text null"), "{once:#?}");
}

/// A login of before there were passkeys was one with a password, and a chain of before has no approved delegation.
async fn rows_of_older_versions_read_back(kind: DatabaseKind) {
    let database = testing::empty(kind).await;
    database.store.migrate_to(4).await.unwrap();
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    populate(&mut transaction, ISSUER).await;
    let row = root(&task("t"));
    execute!(transaction, OLD_LOGIN, NOW.micros()).unwrap();
    let (authority, onward) = (json(&row.authority), json(&row.onward));
    let (from, to) = (row.created_at.micros(), row.expires_at.micros());
    execute!(transaction, OLD_DELEGATION, authority, onward, from, to).unwrap();
    transaction.commit().await.unwrap();
    database.store.migrate().await.unwrap();
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    assert!(transaction.insert_task_if_active(&task("t")).await.unwrap());
    let login = transaction.session("s", NOW).await.unwrap().unwrap();
    assert_eq!(login.level, Level::Password);
    let old = DelegationId::from_text("dlg_1");
    let found = transaction.lineage(&old).await.unwrap().unwrap();
    assert_eq!((found.stopped, found.leaf.asked_by), (None, None));
    assert_eq!(found.leaf.approval, None);
}

const OLD_LOGIN: &str = "
    INSERT INTO sessions (tenant, digest, user_id, authenticated_at, expires_at)
    VALUES ('default', 's', 'usr_alice', $1, $1 + 1000000)";

const OLD_DELEGATION: &str = "
    INSERT INTO delegations (tenant, id, task_id, path, holder, requested_by, authority, onward,
        created_at, expires_at)
    VALUES ('default', 'dlg_1', 'tsk_t', 'dlg_1', 'agt_planner', 'agt_planner', $1, $2, $3, $4)";

fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap()
}

async fn sqlite_and_postgres_have_the_same_tables(kind: DatabaseKind) {
    let other = if kind == DatabaseKind::Sqlite {
        DatabaseKind::Postgres
    } else {
        DatabaseKind::Sqlite
    };
    let (one, two) = (testing::fresh(kind).await, testing::fresh(other).await);
    let (one, two) = (tables(&one.store).await, tables(&two.store).await);
    assert_eq!(one, two);
    assert!(
        one.contains("index signing_keys_one_active unique signing_keys(tenant) partial"),
        "{one:#?}"
    );
    assert!(
        one.contains("primary key replays(tenant,digest)"),
        "{one:#?}"
    );
    let waiting = "index pending_requests_waiting pending_requests(tenant,expires_at) partial";
    assert!(one.contains(waiting), "{one:#?}");
    // Every table has a tenant column.
    let named: BTreeSet<&str> = one
        .iter()
        .filter_map(|l| l.split_once('.').map(|(t, _)| t))
        .collect();
    assert_eq!(named.len(), 56, "{named:?}");
    for table in named {
        assert!(
            one.contains(&format!("{table}.tenant text not null")),
            "{table}"
        );
    }
}

row! { LineRow { line: String } }

/// Columns, primary keys and indexes as lines that are the same for the same tables.
pub async fn tables(store: &Store) -> BTreeSet<String> {
    let mut transaction = store.read(TENANT).await.unwrap();
    let sql = match &store.database {
        Database::Sqlite { .. } => SQLITE,
        Database::Postgres(_) => POSTGRES,
    };
    let rows = all!(transaction, LineRow, sql).unwrap();

    rows.into_iter().map(|row| row.line).collect()
}

const SQLITE: &str = "
    WITH tables AS (SELECT name FROM sqlite_schema WHERE type = 'table'
        AND name NOT LIKE 'sqlite%' AND name NOT LIKE '\\_%' ESCAPE '\\')
    SELECT t.name || '.' || c.name || ' ' || lower(c.type)
        || CASE WHEN c.\"notnull\" = 1 THEN ' not null' ELSE ' null' END AS line
    FROM tables t JOIN pragma_table_info(t.name) c
    UNION ALL
    SELECT 'primary key ' || t.name || '(' ||
        (SELECT group_concat(name, ',' ORDER BY pk) FROM pragma_table_info(t.name) WHERE pk > 0) || ')'
    FROM tables t
    UNION ALL
    SELECT CASE WHEN i.origin = 'u' THEN 'unique ' ELSE 'index ' || i.name || ' ' END
        || CASE WHEN i.\"unique\" = 1 AND i.origin <> 'u' THEN 'unique ' ELSE '' END || t.name || '(' ||
        (SELECT group_concat(name, ',' ORDER BY seqno) FROM pragma_index_info(i.name)) || ')'
        || CASE WHEN i.partial = 1 THEN ' partial' ELSE '' END
    FROM tables t JOIN pragma_index_list(t.name) i WHERE i.origin <> 'pk'";

const POSTGRES: &str = "
    WITH tables AS (SELECT c.oid, CAST(c.relname AS TEXT) AS name FROM pg_class c
        WHERE c.relkind = 'r' AND c.relnamespace = CAST('public' AS regnamespace)
            AND c.relname NOT LIKE '\\_%'),
    indexes AS (
        SELECT t.name AS owner, CAST(c.relname AS TEXT) AS name, i.indisunique, i.indisprimary,
            i.indpred IS NOT NULL AS partial,
            EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid) AS constrained,
            (SELECT string_agg(CAST(a.attname AS TEXT), ',' ORDER BY k.place)
                FROM unnest(CAST(i.indkey AS int2[])) WITH ORDINALITY k(number, place)
                JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.number) AS columns
        FROM tables t JOIN pg_index i ON i.indrelid = t.oid JOIN pg_class c ON c.oid = i.indexrelid)
    SELECT t.name || '.' || CAST(a.attname AS TEXT) || ' ' || replace(format_type(a.atttypid, NULL), 'int8', 'bigint')
        || CASE WHEN a.attnotnull THEN ' not null' ELSE ' null' END AS line
    FROM tables t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT CASE WHEN indisprimary THEN 'primary key ' WHEN constrained THEN 'unique '
            ELSE 'index ' || name || ' ' END
        || CASE WHEN indisunique AND NOT constrained THEN 'unique ' ELSE '' END
        || owner || '(' || columns || ')' || CASE WHEN partial THEN ' partial' ELSE '' END
    FROM indexes";
