//! Migrations run twice, halfway, and on two nodes at once end the same (LESSONS 42); both databases get the same tables.

use std::collections::BTreeSet;

use crate::Store;
use crate::store::Database;
use crate::testing::{self, Kind};
use crate::tests::world::TENANT;

on_both! {
    lessons_42_twice,
    lessons_42_halfway,
    lessons_42_two_nodes_at_once,
    sqlite_and_postgres_have_the_same_tables,
}

async fn lessons_42_twice(kind: Kind) {
    let database = testing::empty(kind).await;
    database.store.migrate().await.unwrap();
    let once = tables(&database.store).await;
    database.store.migrate().await.unwrap();
    assert_eq!(tables(&database.store).await, once);
    assert!(once.contains("delegations.act text null"), "{once:#?}");
}

async fn lessons_42_halfway(kind: Kind) {
    let database = testing::empty(kind).await;
    database.store.migrate_to(Some(2)).await.unwrap();
    let half = tables(&database.store).await;
    assert!(half.iter().any(|line| line.starts_with("delegations.")));
    assert!(!half.iter().any(|line| line.starts_with("events.")));
    database.store.migrate().await.unwrap();
    let whole = testing::fresh(kind).await;
    assert_eq!(tables(&database.store).await, tables(&whole.store).await);
}

async fn lessons_42_two_nodes_at_once(kind: Kind) {
    let database = testing::empty(kind).await;
    let nodes: Vec<_> = (0..8)
        .map(|_| {
            let url = database.url.clone();
            tokio::spawn(async move {
                let node = Store::connect(&url).await.unwrap();
                node.migrate().await.unwrap();
                node.close().await;
            })
        })
        .collect();
    for node in nodes {
        node.await.unwrap();
    }
    let whole = testing::fresh(kind).await;
    assert_eq!(tables(&database.store).await, tables(&whole.store).await);
}

async fn sqlite_and_postgres_have_the_same_tables(kind: Kind) {
    let other = if kind == Kind::Sqlite {
        Kind::Postgres
    } else {
        Kind::Sqlite
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
    // Every table has its tenant (DESIGN 8).
    let named: BTreeSet<&str> = one
        .iter()
        .filter_map(|l| l.split_once('.').map(|(t, _)| t))
        .collect();
    assert!(named.len() > 15);
    for table in named {
        assert!(
            one.contains(&format!("{table}.tenant text not null")),
            "{table}"
        );
    }
}

row! { LineRow { line: String } }

/// Columns, primary keys and indexes as lines that are the same for the same tables.
async fn tables(store: &Store) -> BTreeSet<String> {
    let mut session = store.read(TENANT).await.unwrap();
    let sql = match &store.database {
        Database::Sqlite { .. } => SQLITE,
        Database::Postgres(_) => POSTGRES,
    };
    let rows = all!(session, LineRow, sql).unwrap();

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
