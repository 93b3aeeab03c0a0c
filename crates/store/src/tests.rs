//! Every storage test runs on SQLite and PostgreSQL, every time (STYLE 42).

/// Each named scene once per kind of database.
macro_rules! on_both {
    ($($scene:ident,)*) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $scene() {
                super::$scene(crate::testing::Kind::Sqlite).await;
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $scene() {
                super::$scene(crate::testing::Kind::Postgres).await;
            })*
        }
    };
}

mod again;
mod approved_edge;
mod attempts;
mod batch;
mod features;
mod grants;
mod guard;
mod inbox;
mod lineage;
mod migrations;
mod once;
mod pending;
mod pending_people;
mod pending_races;
mod person;
mod races;
mod record;
mod sweep;
mod tenants;
mod usual;
mod waiting;
mod world;
