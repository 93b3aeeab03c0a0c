//! Server, agents, people, resource servers and time, in one process: the real router on a real database,
//! with a clock that only the test moves and a seed that it prints. Development only.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test world ends the test when it cannot be built"
)]

mod access;
mod approval;
mod bank;
mod browser;
mod cast;
mod device;
mod forge;
mod front;
mod grant_template;
mod guest;
mod liveness;
mod network;
mod node_client;
mod phone;
mod receiver;
mod reply;
mod scene;
mod silent_host;
mod transaction;
mod upstream;
mod world;

pub use access::{
    AskingServer, EVALUATION, EVALUATIONS, OUTCOMES, asking_bank, permitted, question, reason,
    run_key,
};
pub use approval::poll_form;
pub use bank::Bank;
pub use browser::{TestBrowser, WebPage};
pub use cast::{BANK, Cast, PASSWORD, REDIRECT, TestAgent, actor, authorize_url, payment};
pub use device::Phone;
pub use forge::{Forge, thumbprint};
pub use front::{
    CHALLENGE, Change, Fields, SignedParts, VERIFIER, WEB_REDIRECT, Web, basic, front_url, merge,
};
pub use grant_template::{CopiedGrant, GrantTemplate};
pub use guest::{DEVICE_REDIRECT, GUEST, GUEST_REDIRECT, TestGuest};
pub use liveness::{SEER, SEER_PAGE, TestLivenessVerifier};
pub use network::Network;
pub use node_client::{NodeClient, Ready, at_once};
pub use phone::{options, yes};
pub use receiver::{HttpReceiver, ReceivedRequest, ResponseStream, TestMailServer};
pub use reply::{TestReply, claims};
pub use scene::{
    Plain, SHOP, agent_file, enrol, enrol_plain, minted, plain_file, plus, refused, with, without,
};
pub use silent_host::{Silence, SilentHost};
pub use transaction::{TRANSACTIONS, poll_transaction_form, present_form};
pub use upstream::{
    TestProvider, UPSTREAM_CLIENT, UPSTREAM_SECRET, UPSTREAM_SUBJECT, upstream_world,
    upstream_world_of,
};
pub use world::{ISSUER, Node, START, World, operator};
pub use writ_store::testing::DatabaseKind;

/// Runs a scene on SQLite and on PostgreSQL: `both!(name, |world| async { ... })` makes `name::sqlite` and
/// `name::postgres`. The world is empty but for the types; `Cast::of(&world).await` fills it.
#[macro_export]
macro_rules! both {
    ($(#[$doc:meta])* $name:ident, |$world:ident| $scene:expr) => {
        $(#[$doc])*
        mod $name {
            #[expect(unused_imports, reason = "not every scene uses its file's imports")]
            use super::*;

            async fn scene($world: $crate::World) {
                $scene.await
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn sqlite() {
                scene($crate::World::new($crate::DatabaseKind::Sqlite).await).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn postgres() {
                scene($crate::World::new($crate::DatabaseKind::Postgres).await).await;
            }
        }
    };
}
