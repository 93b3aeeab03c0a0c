//! A PostgreSQL that answers, and does not let this server do what it does: rights that were taken away, tables that are elsewhere, a role
//! that may not log in. That is an outage as any other, and over when it is over.

use writ_testkit::{DatabaseKind, TestReply, World, minted};

use super::cluster;
use super::scene::{Scene, is_program_told, made};
use crate::process::Process;

/// The role of a server that owns nothing; it has the name of its database.
struct Role(String);

impl Role {
    async fn of(world: &World) -> Self {
        let url = world.database.url.split('?').next().unwrap();
        let name = url.rsplit('/').next().unwrap().to_owned();
        let sql = format!(
            "CREATE ROLE {name} LOGIN; GRANT ALL ON SCHEMA public TO {name};
             GRANT ALL ON ALL TABLES IN SCHEMA public TO {name}"
        );
        world.database.administer(&sql).await;
        Self(name)
    }

    fn url(&self, world: &World) -> String {
        let (scheme, rest) = world.database.url.split_once("://").unwrap();
        let host = rest.split_once('@').map_or(rest, |(_, host)| host);
        format!("{scheme}://{}@{host}", self.0)
    }

    /// From now on the connections of the server are as this says; those that are open end.
    async fn set(&self, world: &World, setting: &str) {
        self.set_later(world, setting).await;
        let end = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{}'",
            self.0
        );
        world.database.administer(&end).await;
    }

    /// The connections that are open stay.
    async fn set_later(&self, world: &World, setting: &str) {
        let sql = format!("ALTER ROLE {} {setting}", self.0);
        world.database.administer(&sql).await;
    }

    async fn remove(self, world: &World) {
        let name = self.0;
        let sql = format!("DROP OWNED BY {name}; DROP ROLE {name}");
        world.database.administer(&sql).await;
    }
}

/// A code, redeemed at the process.
async fn redeemed(scene: &Scene) -> TestReply {
    let code = scene.cast.code(&scene.world).await;
    let form = scene.cast.redeem_form(&code);
    let redemption = scene.cast.planner.ready(&scene.world, "/token", &form);
    scene.process.door.send(&redemption).await
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_that_takes_rights_tables_and_the_login_away() {
    let _turn = cluster::turn().await;
    let (world, cast) = made(DatabaseKind::Postgres).await;
    let role = Role::of(&world).await;
    let process = Process::start(&world, &[("DATABASE__URL", &role.url(&world))]).await;
    let scene = Scene::on(world, process, cast).await;
    let (world, name) = (&scene.world, role.0.clone());

    // One table each: of those that every token needs, and of those that one kind does.
    for table in [
        "events",
        "replays",
        "delegations",
        "codes",
        "agents",
        "users",
    ] {
        let taken = format!("REVOKE ALL ON {table} FROM {name}");
        world.database.administer(&taken).await;
        let reply = redeemed(&scene).await;
        is_program_told(&reply, table);
        scene.until_readiness_is(503).await;
        scene.what_is_known_goes_on().await;
        let given = format!("GRANT ALL ON {table} TO {name}");
        world.database.administer(&given).await;
        minted(&redeemed(&scene).await, table);
        scene.until_readiness_is(200).await;
    }

    role.set(world, "SET search_path = 'nowhere'").await;
    scene.until_readiness_is(503).await;
    scene.programs_are_told().await;
    scene.pages_are_told().await;
    scene.what_is_known_goes_on().await;
    // At once: no connection from before is used again.
    role.set_later(world, "RESET search_path").await;
    minted(&redeemed(&scene).await, "the names are found again");

    role.set(world, "NOLOGIN").await;
    scene.until_readiness_is(503).await;
    scene.programs_are_told().await;
    scene.what_is_known_goes_on().await;
    role.set_later(world, "LOGIN").await;
    scene.is_well().await;
    scene.nothing_broke();
    role.remove(&scene.world).await;
}
