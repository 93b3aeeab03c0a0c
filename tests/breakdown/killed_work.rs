//! What may happen once: how it is asked for, and what must be true of it after the node that was asked was killed.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::{Value, json};
use writ_core::code::CODE_LIFETIME;
use writ_jose::dpop;
use writ_platform::Clock;
use writ_store::event::{EventFilter, StoredEvent};
use writ_testkit::{
    Cast, ISSUER, NodeClient, PASSWORD, Phone, Plain, Ready, TestReply, WebPage, World,
    enrol_plain, minted, plain_file, poll_form, yes,
};
use writ_wire::time::Timestamp;

/// How often a request is sent again that the database kept from being answered.
const TRIES: u32 = 20;
/// More than any scene has.
const EVENTS: u32 = 1_000_000;

/// The people and programs of one scene.
pub struct Players {
    pub world: World,
    pub cast: Cast,
    app: Plain,
    alice: Phone,
    /// Tasks that were approved so far.
    tasks: HashSet<String>,
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
    /// The token of what a person said yes to.
    Poll {
        auth_req_id: String,
    },
}

/// One request, and the task by which its record is found.
pub struct Work {
    asked: Asked,
    pub request: Ready,
    task: String,
    made_at: Timestamp,
}

impl Players {
    pub async fn of(world: World) -> Self {
        world.clock.set(Clock::System.now());
        let cast = Cast::of(&world).await;
        let app = enrol_plain(&world, plain_file("app")).await;
        let alice = world.phone_of("alice").await;
        let mut players = Self {
            world,
            cast,
            app,
            alice,
            tasks: HashSet::new(),
        };
        players.pay_once().await;
        players
    }

    /// A page says that it is the first payment to its account. Were another one made meanwhile, that page would have changed, and no yes
    /// to it would be taken.
    async fn pay_once(&mut self) {
        let first = self.poll().await;
        minted(&self.world.door().send(&first.request).await, "once");
    }

    /// The processes' time.
    fn now(&self) {
        self.world.clock.set(Clock::System.now());
    }

    async fn events(&self, filter: EventFilter<'_>) -> Vec<StoredEvent> {
        let limit = EVENTS;
        let mut transaction = self.world.store().read("default").await.unwrap();
        let events = transaction.events(EventFilter { limit, ..filter }).await;
        events.unwrap()
    }

    /// This request, for the task that was approved for it. That one is not the last of them: events of one moment have no order.
    async fn work(&mut self, asked: Asked, request: Ready) -> Work {
        let name = Some("task.approved");
        let filter = EventFilter {
            name,
            ..EventFilter::default()
        };
        let approved = self.events(filter).await.into_iter();
        let tasks = approved.filter_map(|event| event.task);
        let new: Vec<String> = tasks.filter(|task| !self.tasks.contains(task)).collect();
        assert_eq!(new.len(), 1, "{new:?}");
        self.tasks.extend(new.iter().cloned());
        Work {
            asked,
            request,
            task: new.concat(),
            made_at: self.world.now(),
        }
    }

    pub async fn code(&mut self) -> Work {
        self.now();
        let code = self.cast.code(&self.world).await;
        let request = self.redemption(&code);
        self.work(Asked::Code { code }, request).await
    }

    fn redemption(&self, code: &str) -> Ready {
        let form = self.cast.redeem_form(code);
        self.cast.planner.ready(&self.world, "/token", &form)
    }

    pub async fn refresh(&mut self) -> Work {
        self.now();
        let key = Some(&self.app.dpop);
        let first = self.app.granted(&self.world, &self.cast, key).await;
        let token = first.member("refresh_token");
        let request = self.refreshing(&token);
        self.work(Asked::Refresh { token }, request).await
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

    pub async fn exchange(&mut self) -> Work {
        self.now();
        let token = self.cast.token(&self.world).await;
        let (planner, booker) = (&self.cast.planner, &self.cast.booker);
        let assertion = booker.actor_assertion(&self.world, &planner.id);
        let form = self.cast.exchange_form(&token, Some(&assertion));
        let request = planner.ready(&self.world, "/token", &form);
        self.work(Asked::Exchange, request).await
    }

    /// What waits for alice, and its page before her.
    async fn question(&mut self) -> (String, WebPage) {
        self.now();
        let token = self.cast.token(&self.world).await;
        let question = self.cast.question_within(&token);
        let auth_req_id = self.cast.planner.asked(&self.world, &question).await;
        let id = self.world.request_id(&auth_req_id).await;
        (auth_req_id, self.alice.look(&id).await)
    }

    pub async fn approval(&mut self) -> Work {
        let (auth_req_id, page) = self.question().await;
        let fields = yes(&page, &[("password", PASSWORD)]);
        let fields = fields.iter().map(|(n, v)| (n.as_str(), v.clone()));
        let form: Vec<(&str, String)> = fields.collect();
        let cookies = self.alice.browser.cookies.iter();
        let cookies: Vec<String> = cookies.map(|(n, v)| format!("{n}={v}")).collect();
        let request = Ready::new(page.url.path(), &form).header("cookie", &cookies.join("; "));
        self.work(Asked::Approval { auth_req_id }, request).await
    }

    pub async fn poll(&mut self) -> Work {
        let (auth_req_id, page) = self.question().await;
        self.alice.approve_by_password(&page).await;
        let request = self.polling(&auth_req_id);
        self.work(Asked::Poll { auth_req_id }, request).await
    }

    fn polling(&self, auth_req_id: &str) -> Ready {
        let form = poll_form(auth_req_id);
        self.cast.planner.ready(&self.world, "/token", &form)
    }

    /// Whether a client that heard this may believe that it was done.
    pub fn is_done(work: &Work, reply: &TestReply) -> bool {
        match work.asked {
            Asked::Approval { .. } => reply.status == 303,
            _ => reply.status == 200,
        }
    }

    async fn records(&self, work: &Work, name: &str) -> Vec<StoredEvent> {
        let task = Some(work.task.as_str());
        let filter = EventFilter {
            task,
            name: Some(name),
            ..EventFilter::default()
        };
        self.events(filter).await
    }

    async fn is_active(&self, answer: &TestReply) {
        let token = answer.access_token();
        let heard = self.cast.introspect(&self.world, &token).await;
        assert_eq!(heard["active"], json!(true), "what was answered is lost");
    }

    /// After the restart: what was acknowledged holds, what was not can be had, and nothing happened twice. `answer`: what the client
    /// heard before the node was killed.
    pub async fn settle(&self, work: &Work, answer: Option<&TestReply>, door: &NodeClient) {
        self.now();
        let done = answer.filter(|answer| Self::is_done(work, answer));
        match &work.asked {
            Asked::Code { code } => {
                let again = patiently(door, || self.redemption(code)).await;
                self.once(work, done, &again, "token.issued").await;
            }
            // The very same: a new proof and a new assertion would ask for another token.
            Asked::Exchange => {
                let again = patiently(door, || work.request.clone()).await;
                self.once(work, done, &again, "token.exchanged").await;
            }
            Asked::Refresh { token } => self.settle_refresh(work, token, done, door).await,
            Asked::Approval { auth_req_id } => {
                // As a person does who saw no answer, or presses twice.
                if done.is_some() {
                    let id = self.world.request_id(auth_req_id).await;
                    let kept = self.of_request("approval.approved", &id).await;
                    assert_eq!(kept.len(), 1, "a yes is lost");
                }
                patiently(door, || work.request.clone()).await;
                self.settle_approval(None, auth_req_id, door).await;
            }
            Asked::Poll { auth_req_id } => self.settle_approval(done, auth_req_id, door).await,
        }
    }

    /// The same request again succeeds only if it was not done before, and there is one record of it.
    async fn once(&self, work: &Work, done: Option<&TestReply>, again: &TestReply, event: &str) {
        let records = self.records(work, event).await;
        let recorded: Vec<&Value> = records.iter().map(|record| &record.data["jti"]).collect();
        let what = format!("{event} of {}: {recorded:?}: {}", work.task, again.text());
        if let Some(done) = done {
            assert_eq!(again.status, 400, "done twice: {what}");
            assert_eq!(recorded, [&done.claims()["jti"]], "{what}");
        } else if again.status == 200 {
            assert_eq!(recorded, [&again.claims()["jti"]], "{what}");
            self.is_active(again).await;
        } else {
            assert_eq!(again.status, 400, "{what}");
            // It was done, and its answer lost; or the machine was so slow that it came too late.
            let until = work.made_at.plus(CODE_LIFETIME.min(dpop::MAX_AGE));
            let is_late = records.is_empty() && Clock::System.now() > until;
            assert!(records.len() == 1 || is_late, "{what}");
        }
    }

    /// Whoever lost the answer comes again with the token that was rotated away (docs/refresh.md), until its successor was used.
    async fn settle_refresh(
        &self,
        work: &Work,
        token: &str,
        done: Option<&TestReply>,
        door: &NodeClient,
    ) {
        let first = match done {
            Some(done) => done.clone(),
            None => patiently(door, || self.refreshing(token)).await,
        };
        assert_eq!(first.status, 200, "the grant is lost: {}", first.text());
        self.is_active(&first).await;
        let successor = first.member("refresh_token");
        let next = patiently(door, || self.refreshing(&successor)).await;
        assert_eq!(next.status, 200, "the grant goes on: {}", next.text());
        self.is_active(&next).await;
        let over = self.records(work, "task.revoked").await;
        assert!(over.is_empty(), "nobody stole it: {over:?}");

        let twice = patiently(door, || self.refreshing(token)).await;
        assert_eq!(twice.status, 400, "rotated twice: {}", twice.text());
        assert_eq!(self.records(work, "task.revoked").await.len(), 1);
        let records = self.records(work, "token.refreshed").await;
        let mut found: HashSet<&Value> = records.iter().map(|record| &record.data["jti"]).collect();
        for told in [&first, &next] {
            assert!(found.remove(&told.claims()["jti"]), "not on record");
        }
        // One more at most: the answer that the kill kept from the client.
        let lost = usize::from(done.is_none());
        assert!(found.len() <= lost, "nobody asked for {found:?}");
    }

    /// Something was approved: `done` with it, or the client polls now. It is given once.
    async fn settle_approval(
        &self,
        done: Option<&TestReply>,
        auth_req_id: &str,
        door: &NodeClient,
    ) {
        let id = self.world.request_id(auth_req_id).await;
        let again = patiently(door, || self.polling(auth_req_id)).await;
        let redeemed = self.of_request("approval.redeemed", &id).await;
        let given = match done {
            Some(done) => {
                assert_eq!(again.status, 400, "given twice: {}", again.text());
                Some(done)
            }
            None => Some(&again).filter(|again| again.status == 200),
        };
        if let Some(given) = given {
            let delegation = given.claims()["act"]["dlg"].clone();
            assert_eq!(json!(redeemed[0].delegation), delegation);
            self.is_active(given).await;
        }
        let twice = patiently(door, || self.polling(auth_req_id)).await;
        assert_eq!(twice.status, 400, "given twice: {}", twice.text());
        for name in ["approval.approved", "approval.redeemed"] {
            let found = self.of_request(name, &id).await;
            assert_eq!(found.len(), 1, "{name}: {}", again.text());
        }
    }

    async fn of_request(&self, name: &str, id: &str) -> Vec<StoredEvent> {
        let filter = EventFilter {
            name: Some(name),
            ..EventFilter::default()
        };
        let mut found = self.events(filter).await;
        found.retain(|event| event.data["approval"] == *id);
        found
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
