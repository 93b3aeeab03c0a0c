//! The outbox: what is to be told is told, once, however often something breaks on the way.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use writ_authority::{Authority, Level};
use writ_core::id::{ApprovalId, ClientId, ENTROPY, UserId};
use writ_core::pending::{
    Asked, Decision, Delivery, Kind as Flow, POLL_INTERVAL, PendingRequest, PendingStatus, Polling,
    Role, Safeguards, Stage, State,
};
use writ_core::task::Approval;
use writ_jose::seal::SealedFor;
use writ_server::approvals::secret::Secrets;
use writ_server::background::sending::{self, MAX_AT_ONCE};
use writ_server::config::Config;
use writ_server::node::app::{App, ServerEnvironment};
use writ_server::node::clock::DatabaseClock;
use writ_server::notifications::outbox;
use writ_store::Store;
use writ_store::notice::Notice;
use writ_store::pending::NewPendingRequest;
use writ_testkit::{HttpReceiver, PASSWORD, Silence, SilentHost, World, both, both_heard, payment};
use writ_wire::claims::ApprovalBasis;
use writ_wire::rar::Detail;

pub const NOTIFICATION_TOKEN: &str = "8d67dc78-7faa-4d41-aabd-67707b374255";
pub const WAIT: u64 = 300;

/// Alice, and a client that is told at this address.
pub struct Told {
    pub alice: UserId,
}

impl Told {
    pub async fn of(world: &World, delivery: &str, endpoint: Option<&str>) -> Self {
        let added = world.add_user("alice", PASSWORD).await;
        let mut file = json!({
            "client_id": "traveller", "client_name": "Travel agent", "profile": "oauth21",
            "grant_types": ["urn:openid:params:grant-type:ciba"],
            "token_endpoint_auth_method": "client_secret_basic",
            "backchannel_token_delivery_mode": delivery
        });
        if let Some(endpoint) = endpoint {
            file["backchannel_client_notification_endpoint"] = json!(endpoint);
        }
        world.add_client(file).await;
        Self {
            alice: UserId::from_text(added["id"].as_str().unwrap()),
        }
    }

    /// Asked a moment ago, by the client, of these people one after the other.
    pub async fn ask(
        &self,
        world: &World,
        delivery: Delivery,
        stages: &[&UserId],
    ) -> PendingRequest {
        let request = self.request(world, delivery, stages);
        let sealed = sealed(world, &request);
        let mut transaction = world.app.begin().await.unwrap();
        let new = NewPendingRequest {
            request: &request,
            user_code: None,
            sealed: Some(&sealed),
        };
        transaction.insert_pending(new).await.unwrap();
        outbox::request_created(&world.app, &mut transaction, &request)
            .await
            .unwrap();
        transaction.commit().await.unwrap();
        request
    }

    fn request(&self, world: &World, delivery: Delivery, stages: &[&UserId]) -> PendingRequest {
        let now = world.now();
        let entropy: [u8; ENTROPY] = world.random.bytes();
        let id = ApprovalId::make(now, entropy);
        let stage = |user: &&UserId| Stage {
            role: Role::Subject,
            of: vec![(*user).clone()],
            need: 1,
        };
        PendingRequest {
            kind: Flow::Ciba,
            digest: format!("digest of {id}"),
            client: ClientId::from_text("traveller"),
            subject: Some(self.alice.clone()),
            status: PendingStatus::Pending,
            asked: Asked {
                authority: payments(),
                binding_message: Some("W4SCT".to_owned()),
                reason: None,
                level: Level::Password,
                stages: stages.iter().map(stage).collect(),
                safeguards: Safeguards::default(),
                delivery,
                number: None,
                address: None,
                identity: false,
                transaction: None,
                access: None,
                consent: None,
                onward: writ_core::onward::Onward::nobody(),
            },
            asked_hash: format!("hash of {id}"),
            jkt: None,
            asked_by: None,
            task: None,
            polling: Polling {
                interval: POLL_INTERVAL,
                last: None,
                hasty: 0,
            },
            stage: 0,
            created_at: now,
            expires_at: now.plus(Duration::from_secs(WAIT)),
            id,
        }
    }
}

/// As the endpoint keeps what a ping or push needs.
fn sealed(world: &World, request: &PendingRequest) -> String {
    let secrets = Secrets {
        auth_req_id: format!("handle-of-{}", request.id),
        client_notification_token: NOTIFICATION_TOKEN.to_owned(),
    };
    let plain = serde_json::to_vec(&secrets).unwrap();
    let place = format!("pending-request default {}", request.id);
    let master = &world.app.config.master;
    let sealed = master.seal(SealedFor::Storage, place.as_bytes(), &plain);
    URL_SAFE_NO_PAD.encode(sealed.unwrap())
}

fn payments() -> Authority {
    let detail: Detail = serde_json::from_value(payment("412.00")).unwrap();
    Authority::new(BTreeSet::new(), vec![detail], BTreeSet::new())
}

/// Decides it, as the approval page does.
pub async fn decide(world: &World, request: &PendingRequest, state: State) {
    let decision = Decision {
        authority: Authority::default(),
        narrowed: false,
        ends_at: None,
        approval: (state == State::Approved).then(|| Approval {
            id: request.id.clone(),
            basis: ApprovalBasis::Password,
            at: world.now(),
            authentication: None,
            transaction: None,
            by: None,
            people: 1,
            designation: None,
        }),
        by: Vec::new(),
        reason: None,
    };
    let mut transaction = world.app.begin().await.unwrap();
    let now = world.now();
    let decided = transaction
        .decide_pending(&request.id, &decision, now)
        .await;
    assert!(decided.unwrap());
    outbox::request_decided(&world.app, &mut transaction, request)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
}

/// What the outbox still holds of a request, or held.
pub async fn notices_of(world: &World, request: &PendingRequest) -> Vec<Notice> {
    let mut reading = world.app.read().await.unwrap();
    reading.notices_of_request(&request.id).await.unwrap()
}

/// The ends of notices, oldest first.
pub async fn told(world: &World) -> Vec<Value> {
    let events = world.events().await.into_iter();
    let ends = events.filter(|event| event.name == "approval.notified");
    ends.map(|event| event.data).collect()
}

/// One more node, configured alike.
pub async fn node(world: &World, settings: &[(&str, &str)]) -> Arc<App> {
    let mut environment = world.environment();
    let more = settings.iter();
    environment.extend(more.map(|(key, value)| (format!("WRIT__{key}"), (*value).to_owned())));
    let config = Config::load(None, &environment).unwrap_or_else(|e| panic!("{e}"));
    let store = Store::connect(&world.database.url).await.unwrap();
    let environment = ServerEnvironment {
        clock: world.app.clock.clone(),
        database_clock: DatabaseClock::Given(world.app.clock.clone()),
        random: world.random.clone(),
    };
    App::start(config, store, environment).await.unwrap()
}

both_heard!(two_nodes_send_a_ping_once, |world, receiver| async {
    let told = Told::of(&world, "ping", Some(&receiver.url("/ping"))).await;
    let other = node(&world, &[("OUTBOUND__TRUSTED", &receiver.origin)]).await;
    let mut expected = 0;
    for _ in 0..8 {
        let request = told.ask(&world, Delivery::Ping, &[&told.alice]).await;
        decide(&world, &request, State::Denied).await;
        expected += 1;
    }
    let (one, two) = tokio::join!(sending::send_due(&world.app), sending::send_due(&other));
    one.unwrap();
    two.unwrap();
    assert_eq!(receiver.heard().len(), expected);
    world.advance(WAIT - 1);
    assert_eq!(sending::send_due(&world.app).await.unwrap(), 0);
    assert!(receiver.heard().is_empty());
});

both_heard!(
    a_node_that_dies_while_sending_loses_nothing,
    |world, receiver| async {
        let told = Told::of(&world, "ping", Some(&receiver.url("/ping"))).await;
        let request = told.ask(&world, Delivery::Ping, &[&told.alice]).await;
        decide(&world, &request, State::Denied).await;
        let mut transaction = world.app.begin().await.unwrap();
        let lease = world.now().plus(Duration::from_secs(30));
        let taken = transaction
            .take_due_notices(world.now(), lease, 64)
            .await
            .unwrap();
        assert_eq!(taken.len(), 2, "to the people, and to the client");
        transaction.commit().await.unwrap();
        assert_eq!(
            sending::send_due(&world.app).await.unwrap(),
            0,
            "they are another's"
        );
        world.advance(30);
        sending::send_due(&world.app).await.unwrap();
        assert_eq!(receiver.only().path, "/ping");
    }
);

both_heard!(
    /// Neither the token nor the handle can be read in the database, before or after.
    secrets_are_sealed_while_they_wait_and_gone_afterwards,
    |world, receiver| async {
        let told = Told::of(&world, "ping", Some(&receiver.url("/ping"))).await;
        let request = told.ask(&world, Delivery::Ping, &[&told.alice]).await;
        decide(&world, &request, State::Denied).await;
        for notice in notices_of(&world, &request).await {
            assert!(!notice.sealed.is_empty());
            let row = format!("{notice:?}");
            assert!(!row.contains(NOTIFICATION_TOKEN) && !row.contains("handle-of"), "{row}");
        }
        sending::send_due(&world.app).await.unwrap();
        assert!(receiver.only().header("authorization").ends_with(NOTIFICATION_TOKEN));
        for notice in notices_of(&world, &request).await {
            assert_eq!(notice.sealed, "");
        }
    }
);

both!(
    /// A client's address inside the house is never connected, and that ends it.
    a_notification_endpoint_inside_the_house_is_not_called,
    |world| async {
        let receiver = HttpReceiver::start().await;
        let told = Told::of(&world, "ping", Some(&receiver.url("/ping"))).await;
        let request = told.ask(&world, Delivery::Ping, &[&told.alice]).await;
        decide(&world, &request, State::Denied).await;
        sending::send_due(&world.app).await.unwrap();
        assert!(receiver.heard().is_empty());
        let ends = self::told(&world).await;
        let end = ends.iter().find(|end| end["channel"] == "ping").unwrap();
        assert_eq!((&end["reached"], &end["attempts"]), (&json!(false), &json!(1)));
        assert_eq!(end["outcome"], "the address is not https");
    }
);

both!(
    /// Silence leads to the next people, and after the last of them to no.
    silence_escalates_and_then_is_no,
    |world| async {
        let told = Told::of(&world, "poll", None).await;
        let bob = world.add_user("bob", PASSWORD).await;
        let bob = UserId::from_text(bob["id"].as_str().unwrap());
        let request = told.ask(&world, Delivery::Poll, &[&told.alice, &bob]).await;
        sending::send_due(&world.app).await.unwrap();
        world.advance(WAIT / 2 - 1);
        sending::send_due(&world.app).await.unwrap();
        assert_eq!(names(&world, "approval.escalated").await, 0);
        world.advance(1);
        let other = node(&world, &[]).await;
        let (one, two) = tokio::join!(sending::send_due(&world.app), sending::send_due(&other));
        one.unwrap();
        two.unwrap();
        assert_eq!(names(&world, "approval.escalated").await, 1, "once, whoever sees it");
        world.advance(WAIT / 2);
        sending::send_due(&world.app).await.unwrap();
        sending::send_due(&other).await.unwrap();
        assert_eq!(names(&world, "approval.expired").await, 1);
        let mut reading = world.app.read().await.unwrap();
        let found = reading.pending_by_id(&request.id).await.unwrap().unwrap();
        assert_eq!(found.state(), State::Expired);
    }
);

both!(
    /// Receivers that never answer keep so many calls of a node, and the rest is left to the others.
    a_node_sends_sixty_four_notices_at_once,
    |world| async {
        let slow = SilentHost::start(Silence::LetsWait).await;
        let told = Told::of(&world, "ping", Some(&slow.url("/ping"))).await;
        let mut requests = Vec::new();
        for _ in 0..MAX_AT_ONCE + 1 {
            requests.push(told.ask(&world, Delivery::Ping, &[&told.alice]).await);
        }
        let app = node(&world, &[("OUTBOUND__TRUSTED", &slow.origin)]).await;
        sending::send_due(&app).await.unwrap();
        for request in &requests {
            decide(&world, request, State::Denied).await;
        }
        let sends = tokio::spawn(async move { sending::send_due(&app).await.unwrap() });
        slow.called(MAX_AT_ONCE).await;
        // What is due for another node is what this one has no room for.
        let mut transaction = world.begin().await;
        let (now, lease) = (world.now(), world.now().plus(sending::LEASE));
        let left = transaction.take_due_notices(now, lease, 100).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(left.len(), 1);
        assert_eq!(slow.calls(), MAX_AT_ONCE);
        drop(slow);
        assert_eq!(sends.await.unwrap(), MAX_AT_ONCE);
    }
);

async fn names(world: &World, name: &str) -> usize {
    let names = world.event_names().await;
    names.iter().filter(|found| *found == name).count()
}
