//! A world in which everything can be changed that a person changes, and the browser that changes it.

use std::collections::BTreeSet;
use std::time::Duration;

use writ_authority::ScopeGrant;
use writ_core::account_link::LinkKind;
use writ_core::id::{ApprovalId, ClientId, UserId};
use writ_core::pause::PausedBecause;
use writ_core::remembered::RememberedScopes;
use writ_jose::hash;
use writ_passkey::software::SoftwareAuthenticator;
use writ_server::node::secret::secret_digest;
use writ_store::account_link::NewAccountLink;
use writ_store::remembered_consent::ConsentHolder;
use writ_store::settings::PersonSettings;
use writ_store::standing::Pair;
use writ_store::stop::StopEvents;
use writ_testkit::{BANK, Cast, HttpReceiver, Phone, WebPage, World};
use writ_wire::resource::ResourceUri;

use crate::people::channels::settings;

/// What counts tries, whoever makes them, what was shown, and what the node writes by itself.
const BESIDE: [&str; 5] = [
    "attempts ",
    "pending_screens ",
    "refusal_counts ",
    "replays ",
    "tenants ",
];
pub const PAUSED: &str = "agt_paused";
pub const REMEMBERED: &str = "web";
const HOUR: Duration = Duration::from_secs(3600);

pub type Fields = Vec<(String, String)>;

/// A world in which everything can be changed, and the browser that changes it.
pub struct Stage<'a> {
    pub world: &'a World,
    pub receiver: &'a HttpReceiver,
    pub cast: Cast,
    pub alice: UserId,
    pub phone: Phone,
    /// How many other authenticators there were.
    others: u8,
}

pub fn pairs(fields: &[(&str, &str)]) -> Fields {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    fields.iter().map(owned).collect()
}

impl<'a> Stage<'a> {
    pub async fn of(world: &'a World, receiver: &'a HttpReceiver) -> Self {
        let cast = Cast::of(world).await;
        let mut phone = world.phone(1);
        // No counter tells an older answer from a newer one.
        phone.device = phone.device.synced();
        phone.sign_in("alice").await;
        world.enrol_first(&mut phone, "alice").await;
        Self {
            alice: UserId::from_text(cast.alice.clone()),
            phone,
            others: 0,
            world,
            receiver,
            cast,
        }
    }

    /// Digest of the session, by which its row is found.
    pub fn session(&self) -> String {
        let mut cookies = self.phone.browser.cookies.iter();
        let cookie = cookies.find(|(name, _)| name.contains("writ-loopback-"));
        hash::digest_text(&[b"session", cookie.unwrap().1.as_bytes()])
    }

    /// What is kept, but for this session.
    pub async fn kept(&self) -> BTreeSet<String> {
        let (dump, session) = (self.world.database.dump().await, self.session());
        let lines = dump.lines().filter(|line| {
            let line = line.trim_start_matches(['(', '"']);
            let is_beside = BESIDE.iter().any(|table| line.starts_with(table));
            let is_this = line.starts_with("sessions ") && line.contains(&session);
            !is_beside && !is_this
        });
        lines.map(str::to_owned).collect()
    }

    pub async fn proof(&mut self, act: &[(&str, &str)]) -> String {
        let act = act.iter().map(|(name, value)| (*name, (*value).to_owned()));
        let mut held = self.phone.device.clone();
        let proof = self.phone.proof(&mut held, &act.collect::<Vec<_>>()).await;
        self.phone.device = held;
        proof.to_string()
    }

    /// These fields with the answer of a passkey for them.
    pub async fn proved(&mut self, fields: &[(&str, &str)]) -> Fields {
        let proof = self.proof(fields).await;
        let mut fields = pairs(fields);
        fields.push(("assertion".to_owned(), proof));
        fields
    }

    pub async fn send(&mut self, path: &str, fields: &Fields) -> WebPage {
        let fields = fields.iter().map(|(name, value)| (&**name, value.clone()));
        self.phone.post(path, &fields.collect::<Vec<_>>()).await
    }
}

/// What there must be before something can be changed.
impl Stage<'_> {
    pub async fn grant(&self) -> String {
        let (world, cast) = (self.world, &self.cast);
        let request = cast.request();
        let granted = cast.granted(world, &cast.planner, &request, BANK);
        granted.await.access_token()
    }

    /// The task of the last event of this name.
    pub async fn last(&self, event: &str) -> String {
        let events = self.world.events_named(event).await;
        events.last().unwrap().task.clone().unwrap()
    }

    pub async fn suspend(&mut self) -> String {
        let (id, now) = (self.world.app.event_id(self.world.now()), self.world.now());
        let mut transaction = self.world.app.begin().await.unwrap();
        let data = "{}";
        let events = StopEvents { id: &id, now, data };
        let paused = transaction.pause_tasks_of(&self.alice, events).await;
        assert!(paused.unwrap() > 0);
        transaction.commit().await.unwrap();
        self.world.advance(1);
        self.phone.sign_in("alice").await;
        self.last("task.suspended").await
    }

    pub async fn pause(&self) {
        let pair = Pair {
            subject: &self.alice,
            client: &ClientId::from_text(PAUSED),
        };
        let (request, because) = (ApprovalId::from_text("apr_1"), PausedBecause::NotMe);
        let mut transaction = self.world.app.begin().await.unwrap();
        let now = self.world.now();
        let paused = transaction.pause_client(pair, &request, because, now);
        paused.await.unwrap();
        transaction.commit().await.unwrap();
    }

    pub async fn remember(&self) {
        let holder = ConsentHolder {
            user: &self.alice,
            client: &ClientId::from_text(REMEMBERED),
            redirect_uri: "https://web.example/back",
        };
        let grant = ScopeGrant {
            resource: ResourceUri::parse(BANK).unwrap(),
            scope: "accounts:read".to_owned(),
        };
        let scopes = RememberedScopes([(grant, "words".to_owned())].into());
        let now = self.world.now();
        let mut transaction = self.world.app.begin().await.unwrap();
        let remembered = transaction.remember_consent(holder, &scopes, now, now.plus(HOUR));
        remembered.await.unwrap();
        transaction.commit().await.unwrap();
    }

    pub async fn write_to(&self, address: &str) {
        let email = PersonSettings {
            email: Some(address.to_owned()),
            ..PersonSettings::default()
        };
        settings(self.world, &self.alice, email).await;
    }

    /// The form that adds one, and its id.
    pub async fn another_passkey(&mut self) -> (Fields, String) {
        let proof = self.proof(&[]).await;
        self.others += 1;
        let other = SoftwareAuthenticator::new([100 + self.others; 32]);
        let held = std::mem::replace(&mut self.phone.device, other);
        let credential = self
            .phone
            .created(&[("assertion", proof)])
            .await
            .to_string();
        let other = std::mem::replace(&mut self.phone.device, held);
        let id = other.credential_ids()[0].clone();
        (pairs(&[("credential", &credential), ("name", "Other")]), id)
    }

    /// The secret of a link to another address.
    pub async fn address_link(&self) -> String {
        let (secret, now) = (self.world.random.secret(), self.world.now());
        let mut transaction = self.world.app.begin().await.unwrap();
        let new = NewAccountLink {
            user: &self.alice,
            kind: LinkKind::Address,
            link: &secret_digest(&secret),
            code: None,
            address: Some("alice@new.example"),
            created_at: now,
            expires_at: now.plus(HOUR),
        };
        assert!(transaction.put_account_link(new).await.unwrap());
        transaction.commit().await.unwrap();
        secret
    }
}
