//! What is swept is found by an index, also where the tables grew and nobody told PostgreSQL; and a plan that it made while they
//! were empty does not stay.

use crate::sweep::rules;
use crate::testing::kept_plans::{grow, whole_tables};
use crate::testing::{self, DatabaseKind};
use crate::tests::world::TENANT;

on_both! {
    every_rule_finds_its_rows_by_an_index,
    a_plan_of_empty_tables_does_not_stay,
}

async fn every_rule_finds_its_rows_by_an_index(kind: DatabaseKind) {
    let database = testing::fresh(kind).await;
    grow(&database, 2000).await;
    let mut seen = 0;
    for rule in rules() {
        let deleting = rule.delete.iter().map(|deletion| match kind {
            DatabaseKind::Sqlite => deletion.sqlite,
            DatabaseKind::Postgres => deletion.postgres,
        });
        for sql in deleting.chain([rule.oldest]) {
            let plan = database.store.plan_of(sql).await.unwrap();
            let whole = whole_tables(&plan);
            assert!(whole.is_empty(), "{whole:?}: {sql}\n{}", plan.join("\n"));
            seen += 1;
        }
    }
    assert!(seen >= 2 * rules().count());
    // The check itself finds what is read whole.
    let all = "SELECT COUNT(*) FROM events WHERE reason = 'x'";
    let plan = database.store.plan_of(all).await.unwrap();
    assert_eq!(whole_tables(&plan), ["events"], "{plan:?}");
}

row! { IdRow { id: String } }

/// Of the indexes that begin with the tenant any does where there are no rows, and only one where there are.
const FIND: &str = "SELECT id FROM pending_requests WHERE tenant = $1 AND id = $2";

async fn a_plan_of_empty_tables_does_not_stay(kind: DatabaseKind) {
    let database = testing::fresh(kind).await;
    let store = &database.store;
    let find = async |times: usize| {
        for _ in 0..times {
            let mut reading = store.read(TENANT).await.unwrap();
            let found = optional!(reading, IdRow, FIND, TENANT, "apr_1").unwrap();
            assert!(found.is_none_or(|row| row.id == "apr_1"));
        }
    };
    find(20).await;
    grow(&database, 2000).await;
    // The plan is remade when as much was done again as before, at the latest.
    find(200).await;
    for (sql, plan) in store.prepared_plans().await.unwrap() {
        assert!(whole_tables(&plan).is_empty(), "{sql}\n{}", plan.join("\n"));
    }
}
