//! Every test of a query runs on SQLite and on PostgreSQL.

/// Each named scene once per kind of database.
macro_rules! on_both {
    ($($scene:ident,)*) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $scene() {
                super::$scene(crate::testing::DatabaseKind::Sqlite).await;
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $scene() {
                super::$scene(crate::testing::DatabaseKind::Postgres).await;
            })*
        }
    };
}

mod account_link;
mod again;
mod api_idempotency;
mod approved_delegation;
mod approved_uses;
mod attempts;
mod bounds;
mod clock;
mod ends;
mod events_out;
mod features;
mod fetched_document;
mod grants;
mod group_commit;
mod guard;
mod inbox;
mod isolation;
mod leases;
mod lineage;
mod migrations;
mod migrations_in_trouble;
mod once;
mod operator;
mod outage;
mod pages;
mod pending;
mod pending_people;
mod pending_races;
mod person;
mod plans;
mod races;
mod readiness;
mod record;
mod registration;
mod roles;
mod single_flight;
mod sweep;
mod tenants;
mod upgrade;
mod upstream_groups;
mod waiting;
mod world;
