//! CIBA requests in tests, and decisions about them.

use serde_json::json;
use writ_authority::{Authority, Level};
use writ_core::id::{ReceiptId, UserId};
use writ_core::pending::{Decision, Kind, PendingRequest, Vote};
use writ_core::task::{Approval, PersonAuthentication};
use writ_server::node::secret::secret_digest;
use writ_wire::claims::{ApprovalBasis, DecidedBy};
use writ_wire::exchange::TOKEN_TYPE_ACCESS_TOKEN;
use writ_wire::token::GrantType;

use crate::cast::{Cast, TestAgent, payment};
use crate::front::{Change, Fields};
use crate::reply::TestReply;
use crate::world::World;

impl Cast {
    /// A good question to alice: may 300.00 be paid? More than the planner's task allows.
    pub fn question(&self) -> Fields {
        vec![
            ("login_hint", "alice".to_owned()),
            (
                "authorization_details",
                json!([payment("300.00")]).to_string(),
            ),
            ("binding_message", "W4SCT".to_owned()),
        ]
    }

    /// The same, asked within the task of this token.
    pub fn question_within(&self, token: &str) -> Fields {
        self.question()
            .with("subject_token", token)
            .with("subject_token_type", TOKEN_TYPE_ACCESS_TOKEN)
    }
}

/// The form of a poll.
pub fn poll_form(auth_req_id: &str) -> Fields {
    vec![
        ("grant_type", GrantType::Ciba.as_str().to_owned()),
        ("auth_req_id", auth_req_id.to_owned()),
    ]
}

impl TestAgent {
    /// Asks, with assertion and proof.
    pub async fn ask(&self, world: &World, form: &[(&'static str, String)]) -> TestReply {
        self.send(world, "/bc-authorize", form).await
    }

    /// Asks what must be taken; answers the `auth_req_id`.
    #[track_caller]
    pub fn asked<'a>(
        &'a self,
        world: &'a World,
        form: &'a [(&'static str, String)],
    ) -> impl Future<Output = String> + 'a {
        let caller = std::panic::Location::caller();
        async move {
            let reply = self.ask(world, form).await;
            assert_eq!(reply.status, 200, "{caller}: {}", reply.text());
            reply.member("auth_req_id")
        }
    }

    /// Polls once.
    pub async fn poll(&self, world: &World, auth_req_id: &str) -> TestReply {
        self.send(world, "/token", &poll_form(auth_req_id)).await
    }
}

impl World {
    /// What waits under this `auth_req_id` or `transaction_authorization_id`.
    pub async fn waiting(&self, auth_req_id: &str) -> PendingRequest {
        let digest = secret_digest(auth_req_id);
        let mut transaction = self.app.read().await.unwrap();
        for kind in [Kind::Ciba, Kind::Transaction] {
            if let Some(found) = transaction.pending(kind, &digest).await.unwrap() {
                return found;
            }
        }
        panic!("nothing waits")
    }

    /// The person by that name says yes to all of it.
    pub async fn approve(&self, auth_req_id: &str, name: &str) {
        let asked = self.waiting(auth_req_id).await.asked.authority;
        let yes = self.yes(auth_req_id, name, asked).await;
        assert!(self.decide(auth_req_id, &yes).await, "decided already");
    }

    pub async fn deny(&self, auth_req_id: &str, name: &str) {
        let no = self.no(auth_req_id, name).await;
        assert!(self.decide(auth_req_id, &no).await, "decided already");
    }

    /// Whether this decision was the one.
    pub async fn decide(&self, auth_req_id: &str, decision: &Decision) -> bool {
        let request = self.waiting(auth_req_id).await;
        let mut transaction = self.begin().await;
        let decided = transaction
            .decide_pending(&request.id, decision, self.now())
            .await
            .unwrap();
        transaction.commit().await.unwrap();
        self.app.waiting.announce_request(&request);
        decided
    }

    /// A yes to this much of it, with a password.
    pub async fn yes(&self, auth_req_id: &str, name: &str, authority: Authority) -> Decision {
        let request = self.waiting(auth_req_id).await;
        let approval = Approval {
            id: request.id.clone(),
            basis: ApprovalBasis::Password,
            at: self.now(),
            authentication: Some(PersonAuthentication::of(Level::Password, self.now())),
            transaction: None,
            by: Some(DecidedBy::Subject),
            people: 1,
            designation: None,
        };
        Decision {
            narrowed: authority != request.asked.authority,
            authority,
            ends_at: None,
            approval: Some(approval),
            by: vec![self.vote(&request, name).await],
            reason: None,
        }
    }

    pub async fn no(&self, auth_req_id: &str, name: &str) -> Decision {
        let request = self.waiting(auth_req_id).await;
        Decision {
            authority: Authority::default(),
            narrowed: false,
            ends_at: None,
            approval: None,
            by: vec![self.vote(&request, name).await],
            reason: None,
        }
    }

    async fn vote(&self, request: &PendingRequest, name: &str) -> Vote {
        let user = self.user_id(name).await;
        let role = request.role_of(&user, self.now());
        let (role, stage) = role.expect("this person may not decide");
        Vote {
            user,
            name: name.to_owned(),
            role,
            stage,
            at: self.now(),
            level: Level::Password,
            receipt: ReceiptId::make(self.now(), self.random.bytes()),
        }
    }

    pub async fn user_id(&self, name: &str) -> UserId {
        let mut transaction = self.app.read().await.unwrap();
        let found = transaction.user_by_name(name).await;
        found.unwrap().expect("nobody of that name").user.id
    }

    /// Disables this person.
    pub async fn disable(&self, name: &str) {
        let id = self.user_id(name).await;
        let mut transaction = self.begin().await;
        assert!(transaction.disable_user(&id, self.now()).await.unwrap());
        transaction.commit().await.unwrap();
    }
}
