//! What may happen once: how it is asked for, and what must be true of it after the node that was asked was killed.

use std::time::Duration;

use serde_json::{Value, json};
use writ_platform::Clock;
use writ_store::event::StoredEvent;
use writ_testkit::{
    Cast, ISSUER, NodeClient, Phone, Plain, Ready, TestReply, World, enrol_plain, plain_file,
    poll_form, yes,
};

/// How often a request is sent again that the database kept from being answered.
const TRIES: u32 = 20;

/// The people and programs of one scene.
pub struct Players {
    pub world: World,
    pub cast: Cast,
    app: Plain,
    alice: Phone,
}

/// What was asked for.
pub enum Asked {
    /// A code, to be redeemed.
    Code {
        code: String,
    },
    /// The refresh token of a public client, which is rotated.
    Refresh {
        token: String,
    },
    Exchange,
    /// A person's yes to what waits under this `auth_req_id`.
    Approval {
        auth_req_id: String,
    },
}

/// One request, and the task by which its record is found.
pub struct Work {
    pub asked: Asked,
    pub request: Ready,
    task: String,
}

impl Players {
    pub async fn of(world: World) -> Self {
        world.clock.set(Clock::System.now());
        let cast = Cast::of(&world).await;
        let app = enrol_plain(&world, plain_file("app")).await;
        let alice = world.phone_of("alice").await;
        Self {
            world,
            cast,
            app,
            alice,
        }
    }

    /// Events of one moment have no order: each is prepared at its own.
    fn now(&self) {
        self.world.clock.set(Clock::System.now());
    }

    async fn last_task(&self) -> String {
        let approved = self.world.events_named("task.approved").await;
        approved.last().unwrap().task.clone().unwrap()
    }

    pub async fn code(&self) -> Work {
        self.now();
        let code = self.cast.code(&self.world).await;
        Work {
            task: self.last_task().await,
            request: self.redemption(&code),
            asked: Asked::Code { code },
        }
    }

    fn redemption(&self, code: &str) -> Ready {
        let form = self.cast.redeem_form(code);
        self.cast.planner.ready(&self.world, "/token", &form)
    }

    pub async fn refresh(&self) -> Work {
        self.now();
        let first = self
            .app
            .granted(&self.world, &self.cast, Some(&self.app.dpop))
            .await;
        let token = first.member("refresh_token");
        Work {
            task: self.last_task().await,
            request: self.refreshing(&token),
            asked: Asked::Refresh { token },
        }
    }

    fn refreshing(&self, token: &str) -> Ready {
        let form = [
            ("grant_type", "refresh_token".to_owned()),
            ("refresh_token", token.to_owned()),
            ("client_id", self.app.id.clone()),
        ];
        let url = format!("{ISSUER}/token");
        let proof = self
            .app
            .dpop
            .proof("POST", &url, self.world.now().seconds());
        Ready::new("/token", &form).header("dpop", &proof)
    }

    pub async fn exchange(&self) -> Work {
        self.now();
        let token = self.cast.token(&self.world).await;
        let assertion = self
            .cast
            .booker
            .actor_assertion(&self.world, &self.cast.planner.id);
        let form = self.cast.exchange_form(&token, Some(&assertion));
        Work {
            task: self.last_task().await,
            request: self.cast.planner.ready(&self.world, "/token", &form),
            asked: Asked::Exchange,
        }
    }

    pub async fn approval(&mut self) -> Work {
        self.now();
        let token = self.cast.token(&self.world).await;
        let task = self.last_task().await;
        let question = self.cast.question_within(&token);
        let auth_req_id = self.cast.planner.asked(&self.world, &question).await;
        let id = self.world.request_id(&auth_req_id).await;
        let page = self.alice.look(&id).await;
        let fields = yes(&page, &[("password", writ_testkit::PASSWORD)]);
        let form: Vec<(&str, String)> = fields
            .iter()
            .map(|(n, v)| (n.as_str(), v.clone()))
            .collect();
        let cookies = self.alice.browser.cookies.iter();
        let cookies: Vec<String> = cookies.map(|(n, v)| format!("{n}={v}")).collect();
        let request = Ready::new(page.url.path(), &form);
        Work {
            task,
            request: request.header("cookie", &cookies.join("; ")),
            asked: Asked::Approval { auth_req_id },
        }
    }

    /// Whether a client that heard this may believe that it was done.
    pub fn is_done(work: &Work, reply: &TestReply) -> bool {
        match work.asked {
            Asked::Approval { .. } => reply.status == 303,
            _ => reply.status == 200,
        }
    }

    async fn records(&self, work: &Work, name: &str) -> Vec<StoredEvent> {
        let mut events = self.world.events_named(name).await;
        events.retain(|event| event.task.as_deref() == Some(&work.task));
        events
    }

    async fn is_active(&self, answer: &TestReply) -> bool {
        let heard = self
            .cast
            .introspect(&self.world, &answer.access_token())
            .await;
        heard["active"] == json!(true)
    }

    /// After the restart: what was acknowledged holds, what was not can be had, and nothing happened twice. `answer`: what the client
    /// heard before the node was killed.
    pub async fn settle(&self, work: &Work, answer: Option<&TestReply>, door: &NodeClient) {
        self.now();
        let done = answer.filter(|answer| Self::is_done(work, answer));
        match &work.asked {
            Asked::Code { code } => {
                if let Some(done) = done {
                    assert!(self.is_active(done).await, "what was answered is lost");
                }
                let again = patiently(door, || self.redemption(code)).await;
                self.once(work, done, &again, "token.issued").await;
            }
            Asked::Exchange => {
                if let Some(done) = done {
                    assert!(self.is_active(done).await, "what was answered is lost");
                }
                let again = patiently(door, || work.request.clone()).await;
                self.once(work, done, &again, "token.exchanged").await;
            }
            Asked::Refresh { token } => self.settle_refresh(work, token, done, door).await,
            Asked::Approval { auth_req_id } => {
                self.settle_approval(work, done, auth_req_id, door).await;
            }
        }
    }

    /// The same request again succeeds only if it was not done before, and there is one record of it.
    async fn once(&self, work: &Work, done: Option<&TestReply>, again: &TestReply, event: &str) {
        assert!([200, 400].contains(&again.status), "{}", again.text());
        let records = self.records(work, event).await;
        assert_eq!(
            records.len(),
            1,
            "{event} for {}: {}",
            work.task,
            again.text()
        );
        let recorded = &records[0].data["jti"];
        if let Some(done) = done {
            assert_eq!(again.status, 400, "done twice: {}", again.text());
            assert_eq!(*recorded, done.claims()["jti"], "another one is on record");
        }
        if again.status == 200 {
            assert_eq!(*recorded, again.claims()["jti"], "another one is on record");
        }
    }

    /// Whoever lost the answer comes again with the token that was rotated away (docs/refresh.md).
    async fn settle_refresh(
        &self,
        work: &Work,
        token: &str,
        done: Option<&TestReply>,
        door: &NodeClient,
    ) {
        let next = match done {
            Some(done) => {
                assert!(self.is_active(done).await, "what was answered is lost");
                let token = done.member("refresh_token");
                patiently(door, || self.refreshing(&token)).await
            }
            None => patiently(door, || self.refreshing(token)).await,
        };
        assert_eq!(next.status, 200, "the grant goes on: {}", next.text());
        let records = self.records(work, "token.refreshed").await;
        match done {
            Some(done) => {
                let told: Vec<Value> = [done, &next]
                    .map(|reply| reply.claims()["jti"].clone())
                    .to_vec();
                let found: Vec<Value> = records.iter().map(|r| r.data["jti"].clone()).collect();
                assert_eq!(found, told, "each answer is on record, and nothing else");
            }
            None => assert!([1, 2].contains(&records.len()), "{records:?}"),
        }
        let over = self.records(work, "task.revoked").await;
        assert!(over.is_empty(), "nobody stole it: {over:?}");
    }

    async fn settle_approval(
        &self,
        work: &Work,
        done: Option<&TestReply>,
        auth_req_id: &str,
        door: &NodeClient,
    ) {
        if done.is_none() {
            patiently(door, || work.request.clone()).await;
        }
        let poll = || {
            self.cast
                .planner
                .ready(&self.world, "/token", &poll_form(auth_req_id))
        };
        let given = patiently(door, poll).await;
        assert_eq!(given.status, 200, "a yes is lost: {}", given.text());
        let twice = patiently(door, poll).await;
        assert_eq!(twice.status, 400, "given twice: {}", twice.text());
        let names = ["approval.approved", "approval.redeemed"];
        for name in names {
            let found = self.world.events_named(name).await;
            let id = self.world.request_id(auth_req_id).await;
            let found = found.iter().filter(|event| event.data["approval"] == *id);
            assert_eq!(found.count(), 1, "{name}");
        }
    }
}

/// On a busy machine a database may be slow: who is told to come again does so.
async fn patiently(door: &NodeClient, request: impl Fn() -> Ready) -> TestReply {
    for _ in 0..TRIES {
        let reply = door.send(&request()).await;
        if reply.status != 503 || reply.header("retry-after").is_none() {
            return reply;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    panic!("the database is never there")
}
