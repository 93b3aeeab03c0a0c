//! A node as a process of its own, and how it must answer while its database is in trouble, and when that is over.

use std::time::Duration;

use writ_platform::Clock;
use writ_testkit::{Cast, DatabaseKind, NodeClient, Ready, TestReply, World, at_once, minted};

use crate::process::{Process, until};

/// What a caller is promised is five seconds; a loaded machine has more.
const IN_TIME: Duration = Duration::from_secs(20);

/// A client's request at each kind of endpoint that writes, with a client that is looked up.
const PROGRAMS: [&str; 3] = ["/token", "/par", "/introspect"];
const PAGES: [&str; 3] = ["/authorize?client_id=nobody", "/app", "/device"];
const KNOWN: [&str; 3] = [
    "/jwks",
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
];
/// Of a login that must be looked up.
const COOKIE: &str = "writ-loopback-default=c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3I";

/// A process with what it takes to use it.
pub struct Scene {
    pub world: World,
    pub cast: Cast,
    pub process: Process,
}

pub async fn in_time(answer: impl Future<Output = TestReply>, what: &'static str) -> TestReply {
    let answer = tokio::time::timeout(IN_TIME, answer).await;
    answer.unwrap_or_else(|_| panic!("{what}: no answer"))
}

pub fn is_unavailable(reply: &TestReply, kind: &str, what: &str) {
    assert_eq!(reply.status, 503, "{what}: {}", reply.text());
    let wait = reply.header("retry-after");
    assert!(wait.is_some(), "{what}: {}", reply.text());
    assert_eq!(reply.header("content-type"), Some(kind), "{what}");
}

pub fn is_program_told(reply: &TestReply, what: &str) {
    is_unavailable(reply, "application/json", what);
    assert_eq!(reply.error(), "temporarily_unavailable", "{what}");
}

/// Asks for all of them at once; their answers in order.
async fn get(door: &NodeClient, paths: [&'static str; 3]) -> Vec<TestReply> {
    let one = |path| {
        let door = door.clone();
        let answer = async move {
            let page = door.try_get_with(path, &[("cookie", COOKIE)]).await;
            page.unwrap_or_else(|error| panic!("{path}: {error}"))
        };
        in_time(answer, path)
    };
    at_once(paths.map(one).into_iter().collect()).await
}

impl Scene {
    pub async fn on(world: World, process: Process, cast: Cast) -> Self {
        let scene = Self {
            world,
            cast,
            process,
        };
        scene.is_well().await;
        scene
    }

    pub fn unknown_client(path: &str) -> Ready {
        let nobody = |name: &'static str, value: &str| (name, value.to_owned());
        let form = [
            nobody("client_id", "nobody"),
            nobody("client_secret", "hush"),
            nobody("grant_type", "client_credentials"),
        ];
        Ready::new(path, &form)
    }

    async fn programs(&self) -> Vec<TestReply> {
        let one = |path| {
            let (door, request) = (self.process.door.clone(), Self::unknown_client(path));
            async move { in_time(door.send(&request), path).await }
        };
        at_once(PROGRAMS.map(one).into_iter().collect()).await
    }

    /// Whatever needs to write is told to come again.
    pub async fn programs_are_told(&self) {
        for (path, reply) in PROGRAMS.into_iter().zip(self.programs().await) {
            is_program_told(&reply, path);
        }
    }

    /// They hear what they hear on a healthy day, or are told to come again.
    pub async fn programs_are_answered_or_told(&self) {
        for (path, reply) in PROGRAMS.into_iter().zip(self.programs().await) {
            if reply.error() != "invalid_client" {
                is_program_told(&reply, path);
            }
        }
    }

    pub async fn pages_are_told(&self) {
        let replies = get(&self.process.door, PAGES).await;
        for (path, reply) in PAGES.into_iter().zip(replies) {
            is_unavailable(&reply, "text/html; charset=utf-8", path);
        }
    }

    pub async fn what_is_known_goes_on(&self) {
        let replies = get(&self.process.door, KNOWN).await;
        for (path, reply) in KNOWN.into_iter().zip(replies) {
            assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        }
    }

    pub async fn until_readiness_is(&self, status: u16) {
        until(async || {
            let ready = self.process.operators.try_get("/readyz").await;
            ready.is_ok_and(|reply| reply.status == status)
        })
        .await;
    }

    /// Its name, on PostgreSQL.
    pub fn database(&self) -> &str {
        let url = self.world.database.url.split('?').next().unwrap();
        url.rsplit('/').next().unwrap()
    }

    /// A task from its request to its token.
    pub async fn is_well(&self) {
        self.until_readiness_is(200).await;
        self.world.clock.set(Clock::System.now());
        let code = self.cast.code(&self.world).await;
        let form = self.cast.redeem_form(&code);
        let redemption = self.cast.planner.ready(&self.world, "/token", &form);
        let reply = self.process.door.send(&redemption).await;
        minted(&reply, "a code");
    }

    /// No line of the log says that a request failed by our fault.
    pub fn nothing_broke(&self) {
        let text = self.process.text();
        assert!(!text.contains("request failed"), "{text}");
        assert!(!text.contains("panicked"), "{text}");
    }
}

/// A world at the processes' time.
pub async fn made(kind: DatabaseKind) -> (World, Cast) {
    let world = World::new(kind).await;
    world.clock.set(Clock::System.now());
    let cast = Cast::of(&world).await;
    (world, cast)
}
