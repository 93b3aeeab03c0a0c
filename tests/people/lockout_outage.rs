//! A database in trouble locks nobody out: a right password that was counted, and whose request then failed by this server, is taken back.

use std::time::Duration;

use writ_server::background::sweep_once;
use writ_server::node::password_limits::{PasswordLimits, PasswordTrier};
use writ_server::node::passwords::HashFor;
use writ_store::testing::{AnotherWriter, DatabaseKind, DatabaseLine, Line};
use writ_store::{Deadlines, Store};
use writ_testkit::{Cast, Node, PASSWORD, TestBrowser, World, at_once, both};

const SHORT: Deadlines = Deadlines {
    connection: Duration::from_millis(800),
    statement: Duration::from_millis(900),
    request: Duration::from_millis(1_800),
};
/// Strangers whose hashes come first: longer than it takes to see that an attempt is counted.
const IN_FRONT: usize = 120;
const IN_TIME: Duration = Duration::from_secs(60);

/// What happens to the database of a node.
enum Trouble {
    Locked(Option<AnotherWriter>),
    Silent(DatabaseLine),
}

impl Trouble {
    async fn on(world: &World) -> (Self, Node) {
        let (trouble, url) = match world.database.kind {
            DatabaseKind::Sqlite => (Self::Locked(None), world.database.url.clone()),
            DatabaseKind::Postgres => {
                let line = DatabaseLine::to(&world.database.url).unwrap();
                let url = line.url.clone();
                (Self::Silent(line), url)
            }
        };
        let store = Store::connect_within(&url, SHORT).await.unwrap();
        (trouble, world.node_on(store, &[]).await)
    }

    async fn begin(&mut self, world: &World) {
        match self {
            Self::Locked(lock) => *lock = Some(world.database.locked_by_another().await),
            Self::Silent(line) => line.set(Line::Silent),
        }
    }

    async fn end(&mut self) {
        match self {
            Self::Locked(lock) => lock.take().unwrap().release().await,
            Self::Silent(line) => {
                line.set(Line::Cut);
                line.set(Line::Up);
            }
        }
    }
}

async fn status(mut browser: TestBrowser, password: &str) -> u16 {
    let page = browser.open("/login").await;
    let page = browser.log_in(&page, "alice", password).await;
    match page.url.path() {
        "/app" => 303,
        _ => page.reply.status,
    }
}

/// Whether the next try of a stranger would be refused, as another node sees it.
async fn is_paused(world: &World) -> bool {
    for address in [None, Some("127.0.0.1".parse().unwrap())] {
        let name = "alice";
        let stranger = PasswordTrier::Stranger { name, address };
        let limits = PasswordLimits::of(stranger, world.now());
        let paused = world.app.password_paused_until(&limits).await;
        if paused.unwrap().is_some() {
            return true;
        }
    }
    false
}

/// Four wrong passwords, and a right one that is counted before the trouble and compared after it began.
async fn a_fifth_that_meets_trouble(world: &World) -> (Node, Trouble) {
    Cast::of(world).await;
    let (mut trouble, node) = Trouble::on(world).await;
    for _ in 0..4 {
        assert_eq!(status(node.browser(), "wrong").await, 422);
    }
    assert!(!is_paused(world).await);
    let rooms = (0..IN_FRONT).map(|_| node.app.passwords.room(HashFor::Stranger(None)));
    let rooms: Vec<_> = rooms.map(Result::unwrap).collect();
    let crowd = rooms
        .into_iter()
        .map(|room| room.verify("crowd".to_owned(), None));
    let counted = async {
        while !is_paused(world).await {
            tokio::task::yield_now().await;
        }
        trouble.begin(world).await;
    };
    let counted = tokio::time::timeout(IN_TIME, counted);
    let (_, right, counted) = tokio::join!(
        at_once(crowd.collect()),
        status(node.browser(), PASSWORD),
        counted
    );
    counted.expect("it is counted before it is compared");
    assert_eq!(right, 503);
    assert!(is_paused(world).await, "the fifth of five is counted");
    trouble.end().await;
    (node, trouble)
}

both!(
    a_right_password_that_met_a_database_in_trouble_is_no_failure,
    |world| async {
        let (node, _line) = a_fifth_that_meets_trouble(&world).await;
        assert_eq!(status(node.browser(), PASSWORD).await, 303);
        assert!(!is_paused(&world).await);
    }
);

both!(
    what_a_node_owes_is_taken_back_for_the_other_nodes,
    |world| async {
        let (node, _line) = a_fifth_that_meets_trouble(&world).await;
        assert_eq!(status(world.browser(), PASSWORD).await, 429);
        sweep_once(&node.app).await.unwrap();
        assert!(!is_paused(&world).await);
        // One alone: the four before it were wrong.
        assert_eq!(status(world.browser(), "wrong").await, 422);
        assert_eq!(status(world.browser(), PASSWORD).await, 429);
    }
);
