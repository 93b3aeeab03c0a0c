//! The races of `races.rs` over two server processes on one PostgreSQL database, with real HTTP: nodes share nothing but
//! the database. Both answer for one issuer, as behind a load balancer. And many processes that start at once on one SQLite file.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use writ_platform::{Clock, Https};
use writ_store::Store;
use writ_testkit::{Cast, DatabaseKind, NodeClient, World};

use crate::laws::races;

const READY_WITHIN: Duration = Duration::from_secs(20);
const TICK: Duration = Duration::from_millis(20);

/// One `writ serve`; it ends with the test, also when that fails.
pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) door: NodeClient,
}

impl Server {
    async fn start(world: &World) -> Self {
        let mut command = Command::new(binary());
        command.arg("serve");
        Self::run(command, world).await
    }

    /// By a command that becomes the server.
    pub(crate) async fn run(mut command: Command, world: &World) -> Self {
        let address = free_address();
        let child = command
            .env_clear()
            .envs(world.environment())
            .env("WRIT__SERVER__LISTEN", address.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let https = Arc::new(Https::new().unwrap());
        let door = NodeClient::new(https, &format!("http://{address}"));
        let mut server = Self {
            child,
            address,
            door,
        };
        server.ready().await;
        server
    }

    async fn ready(&mut self) {
        let waiting = tokio::time::timeout(READY_WITHIN, async {
            let mut ticks = tokio::time::interval(TICK);
            loop {
                ticks.tick().await;
                if let Some(status) = self.child.try_wait().unwrap() {
                    panic!("`writ serve` ended before it was ready: {status}");
                }
                if self
                    .door
                    .try_get("/jwks")
                    .await
                    .is_ok_and(|reply| reply.status == 200)
                {
                    return;
                }
            }
        });
        waiting.await.expect("`writ serve` is ready in time");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Next to this test's own executable: `cargo build -p writ` makes it.
pub fn binary() -> PathBuf {
    let this = std::env::current_exe().unwrap();
    let path = this.parent().unwrap().with_file_name("writ");
    assert!(
        path.is_file(),
        "`{}` is not built: run `cargo build -p writ` first",
        path.display()
    );
    path
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

/// A world whose time is the processes' time, and two processes on its database.
async fn two_processes() -> (World, Cast, [Server; 2]) {
    let world = World::new(DatabaseKind::Postgres).await;
    world.clock.set(Clock::System.now());
    let cast = Cast::of(&world).await;
    let servers = [Server::start(&world).await, Server::start(&world).await];
    (world, cast, servers)
}

fn doors(servers: &[Server]) -> Vec<NodeClient> {
    servers.iter().map(|server| server.door.clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_redemption_of_a_code_over_two_processes() {
    let (world, cast, servers) = two_processes().await;
    races::race_a_code(&world, &cast, &doors(&servers)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_use_of_an_assertion_and_of_a_proof_over_two_processes() {
    let (world, cast, servers) = two_processes().await;
    races::race_an_assertion(&world, &cast, &doors(&servers)).await;
    races::race_a_proof(&world, &cast, &doors(&servers)).await;
    races::race_an_actor_assertion(&world, &cast, &doors(&servers)).await;
}

/// Whoever comes first makes the file and its tables; the others wait for it, however long that takes (docs/deployment.md).
#[tokio::test(flavor = "multi_thread")]
async fn eight_processes_bring_one_new_sqlite_file_up_to_date() {
    let database = writ_store::testing::empty(DatabaseKind::Sqlite).await;
    let url = database.url.replace("writ.db", "new.db");
    let world = World::new(DatabaseKind::Sqlite).await;
    let start = |_| {
        Command::new(binary())
            .arg("migrate")
            .env_clear()
            .envs(world.environment())
            .env("WRIT__DATABASE__URL", &url)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    };
    let all: Vec<Child> = (0..8).map(start).collect();
    for mut one in all {
        assert!(one.wait().unwrap().success());
    }
    let store = Store::connect(&url).await.unwrap();
    let mut reading = store.read("default").await.unwrap();
    assert_eq!(
        reading.issuer().await.unwrap().as_deref(),
        Some(writ_testkit::ISSUER)
    );
}
