//! `/app/activity`: a person's part of the audit log in sentences.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::Value;
use writ_core::approval::Denial;
use writ_core::event::EventName;
use writ_core::id::UserId;
use writ_core::pending::{Kind, REPORTED, STOPPED};
use writ_pages::{Activity, ActivityEntry, ActivityKind, Texts};
use writ_store::StoreError;
use writ_store::event::{EventsOf, StoredEvent};
use writ_wire::rar::Detail;
use writ_wire::resource::ResourceUri;

use crate::node::app::App;
use crate::people::error::PageError;
use crate::people::request::{Query, Visitor};

mod account;
mod export;

const PATH: &str = "/app/activity";
/// Entries of one page.
const PAGE: usize = 50;
/// The last things that an agent did, on the page of agents.
const ACTIONS: usize = 5;
/// The newest events of an agent among which they are looked for.
const READ_OF_AGENT: u32 = 20;
/// Events that are read for one page, most of which it tells; and by one query.
const MOST_READ: u32 = 1000;
const READ_AT_ONCE: u32 = 100;

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route(PATH, get(show))
        .route("/app/activity/export", get(export::export))
}

async fn show(Query(query): Query, visitor: Visitor) -> Result<Response, PageError> {
    let person = visitor.signed_in(PATH)?;
    let before = query.optional("before")?;
    let texts = person.texts().await?;
    let told = told_before(person.app, &person.user().id, before).await?;
    let mut teller = Teller::new(person.app, &person.user().id, &texts);
    let mut entries = Vec::new();
    for (event, kind) in &told.events {
        entries.push(teller.entry(event, *kind).await?);
    }
    let page = Activity {
        person: person.frame().await?,
        now: person.app.clock.now(),
        entries,
        older: told.older,
    };
    Ok(page.page(&texts).into_http().into_response())
}

/// Events of one page, newest first.
struct Told {
    events: Vec<(StoredEvent, ActivityKind)>,
    /// The last event that was read, if there may be more.
    older: Option<String>,
}

/// What is told of this person's events before that one. A page ends when it is full, or when it has read [`MOST_READ`].
async fn told_before(app: &App, person: &UserId, before: Option<&str>) -> Result<Told, StoreError> {
    let mut reading = app.read().await?;
    let mut told = Told {
        events: Vec::new(),
        older: before.map(str::to_owned),
    };
    for _ in 0..MOST_READ / READ_AT_ONCE {
        let of = EventsOf::Subject(person.as_str());
        let page = reading.events_before(of, told.older.as_deref(), READ_AT_ONCE);
        let page = page.await?;
        let is_last = !is_full(&page);
        for event in page {
            let Some(kind) = kind(&event) else {
                told.older = Some(event.id);
                continue;
            };
            if told.events.len() == PAGE {
                return Ok(told);
            }
            told.older = Some(event.id.clone());
            told.events.push((event, kind));
        }
        if is_last {
            told.older = None;
            return Ok(told);
        }
    }
    Ok(told)
}

fn is_full(page: &[StoredEvent]) -> bool {
    u32::try_from(page.len()).is_ok_and(|read| read >= READ_AT_ONCE)
}

/// The last things that each of these agents did for this person, newest first. One statement, and the names of those whom it
/// is told of.
pub async fn of_agents(
    app: &App,
    person: &UserId,
    agents: &[&str],
    texts: &Texts,
) -> Result<BTreeMap<String, Vec<ActivityEntry>>, StoreError> {
    let mut reading = app.read().await?;
    let latest = reading.latest_of_clients(person, agents, READ_OF_AGENT);
    let latest = latest.await?;
    drop(reading);
    let mut teller = Teller::new(app, person, texts);
    let mut by_agent: BTreeMap<String, Vec<ActivityEntry>> = BTreeMap::new();
    for event in &latest {
        let (Some(kind), Some(client)) = (kind(event), &event.client) else {
            continue;
        };
        let entries = by_agent.entry(client.clone()).or_default();
        if entries.len() < ACTIONS {
            entries.push(teller.entry(event, kind).await?);
        }
    }
    Ok(by_agent)
}

/// Makes entries of events, in one language.
struct Teller<'a> {
    app: &'a App,
    /// Who reads them.
    person: &'a UserId,
    language: &'a str,
    /// Names of clients and people, each looked up once.
    names: BTreeMap<String, String>,
}

impl<'a> Teller<'a> {
    fn new(app: &'a App, person: &'a UserId, texts: &'a Texts) -> Self {
        Self {
            app,
            person,
            language: texts.locale(),
            names: BTreeMap::new(),
        }
    }

    async fn entry(
        &mut self,
        event: &StoredEvent,
        kind: ActivityKind,
    ) -> Result<ActivityEntry, StoreError> {
        let agent = match &event.client {
            Some(client) => Some(self.name(client).await?),
            None => None,
        };
        let receipt = event.data.get("receipt").and_then(Value::as_str);
        Ok(ActivityEntry {
            at: event.at,
            kind,
            agent,
            through: self.through(event).await?,
            by: self.by_another(event).await?,
            did: self.did(event, kind).await?,
            what: self.what(event, kind).await?,
            receipt: receipt.map(str::to_owned),
        })
    }

    /// Who did it, where that was not the person who reads it: an approver, or the agent's sponsor.
    async fn by_another(&mut self, event: &StoredEvent) -> Result<Option<String>, StoreError> {
        let members = ["by", "approver", "reported_by"].into_iter();
        let mut people = members.filter_map(|member| event.data.get(member)?.as_str());
        let user = people.find(|id| id.starts_with(UserId::PREFIX) && *id != self.person.as_str());
        let Some(user) = user else {
            return Ok(None);
        };
        if let Some(name) = self.names.get(user) {
            return Ok(Some(name.clone()));
        }
        let mut reading = self.app.read().await?;
        let found = reading.user_by_id(&UserId::from_text(user)).await?;
        drop(reading);
        let name = found.map_or_else(|| user.to_owned(), |stored| stored.user.name);
        self.names.insert(user.to_owned(), name.clone());
        Ok(Some(name))
    }

    /// The resource server that asked, of a question about one action.
    async fn through(&self, event: &StoredEvent) -> Result<Option<String>, StoreError> {
        let asked = is_access(event) || event.name.starts_with(ACTION);
        let resource = event.resource.as_deref().filter(|_| asked);
        let Some(uri) = resource.and_then(|text| ResourceUri::parse(text).ok()) else {
            return Ok(None);
        };
        Ok(Some(self.app.catalogue().await?.name_of(&uri)))
    }

    /// What was done, where its type says that in words of its own.
    async fn did(
        &self,
        event: &StoredEvent,
        kind: ActivityKind,
    ) -> Result<Option<String>, StoreError> {
        let Some(object) = object(event).filter(|_| kind == ActivityKind::Done) else {
            return Ok(None);
        };
        let catalogue = self.app.catalogue().await?;
        let definition = catalogue.types.of(&object);
        Ok(definition.and_then(|definition| definition.did(&object, self.language)))
    }

    async fn name(&mut self, client: &str) -> Result<String, StoreError> {
        if let Some(name) = self.names.get(client) {
            return Ok(name.clone());
        }
        let found = self.app.client(client).await?;
        let name = found.map_or_else(|| client.to_owned(), |client| client.name.clone());
        self.names.insert(client.to_owned(), name.clone());
        Ok(name)
    }

    async fn what(
        &mut self,
        event: &StoredEvent,
        kind: ActivityKind,
    ) -> Result<Option<String>, StoreError> {
        let catalogue = self.app.catalogue().await?;
        match kind {
            ActivityKind::Used => {
                let name = |resource: &String| match ResourceUri::parse(resource) {
                    Ok(uri) => catalogue.name_of(&uri),
                    Err(_) => resource.clone(),
                };
                Ok(event.resource.as_ref().map(name))
            }
            ActivityKind::HandedOver => match actor(event) {
                Some(actor) => Ok(Some(self.name(&actor).await?)),
                None => Ok(None),
            },
            ActivityKind::Done
            | ActivityKind::DoneInVain
            | ActivityKind::NotBegun
            | ActivityKind::Unreported => {
                let object = object(event);
                let words = object
                    .as_ref()
                    .and_then(|one| Some(catalogue.types.of(one)?.sentence(one, self.language)));
                let action = event.data.get("action").and_then(Value::as_str);
                Ok(words.or_else(|| action.map(str::to_owned)))
            }
            _ => {
                // What was granted; a no granted nothing, so what was asked.
                let places = ["/authority", "/asked", "/asked/authority"];
                let authority = places.into_iter().find_map(|place| {
                    let value = event.data.pointer(place)?.clone();
                    let found = serde_json::from_value::<writ_authority::Authority>(value);
                    found.ok().filter(|authority| !authority.is_empty())
                });
                let details = authority.as_ref().map(writ_authority::Authority::details);
                let sentences = details.into_iter().flatten().filter_map(|detail| {
                    Some(catalogue.types.of(detail)?.sentence(detail, self.language))
                });
                let words = sentences.collect::<Vec<_>>().join(" · ");
                Ok((!words.is_empty()).then_some(words))
            }
        }
    }
}

/// What an action was about.
fn object(event: &StoredEvent) -> Option<Detail> {
    let object = event.data.pointer("/authorization_details/0")?.clone();
    serde_json::from_value(object).ok()
}

const NOT_ME: &str = Denial::NotMe.as_str();
const WRONG_NUMBER: &str = Denial::WrongNumber.as_str();

/// What the names of events about an outcome begin with.
const ACTION: &str = "action.";

/// Whether it is about a question that a resource server asked about one action.
fn is_access(event: &StoredEvent) -> bool {
    let kind = event.data.get("kind").and_then(Value::as_str);
    kind == Some(Kind::Access.as_str())
}

/// The agent that acts now.
fn actor(event: &StoredEvent) -> Option<String> {
    let path = event.actor_path.as_deref()?;
    path.split('>').next().map(str::to_owned)
}

/// By whom something ended: a person, unless the event names another.
fn stop(event: &StoredEvent) -> ActivityKind {
    match event.data.get("by").and_then(Value::as_str) {
        Some("client") => ActivityKind::GivenBack,
        Some("server") => ActivityKind::UsedTwice,
        Some("operator") => ActivityKind::StoppedByOperator,
        _ => ActivityKind::Stopped,
    }
}

/// What became of a question.
fn approval(event: &StoredEvent) -> Option<ActivityKind> {
    let is = |name: EventName| event.name == name.as_str();
    let said = |member: &str| event.data.get(member).and_then(Value::as_bool);
    if is(EventName::ApprovalExpired) {
        return Some(match said("undecided") {
            Some(false) => ActivityKind::NotDone,
            _ => ActivityKind::Expired,
        });
    }
    if is(EventName::ApprovalRedeemed) {
        return Some(match is_access(event) {
            true => ActivityKind::Permitted,
            false => ActivityKind::Used,
        });
    }
    if is(EventName::ApprovalApproved) {
        return Some(match (said("complete"), said("narrowed")) {
            (Some(false), _) => ActivityKind::Agreed,
            (_, Some(true)) => ActivityKind::ApprovedLess,
            _ => ActivityKind::Approved,
        });
    }
    if is(EventName::ApprovalDenied) {
        return Some(match event.reason.as_deref() {
            Some(NOT_ME) => ActivityKind::NotMe,
            Some(STOPPED) => ActivityKind::Stopped,
            Some(REPORTED) => ActivityKind::EndedByReport,
            Some(WRONG_NUMBER) => ActivityKind::WrongNumber,
            _ => ActivityKind::Denied,
        });
    }
    None
}

/// What is told to people; the rest is for auditors.
fn kind(event: &StoredEvent) -> Option<ActivityKind> {
    let is = |name: EventName| event.name == name.as_str();
    // Asked once more: the person was asked once.
    if event.data.get("superseded_by").is_some() {
        return None;
    }
    let kinds = [
        (EventName::LoginFailed, ActivityKind::SignInFailed),
        (EventName::ConsentGiven, ActivityKind::Consented),
        (EventName::ConsentNarrowed, ActivityKind::Consented),
        (EventName::ConsentDenied, ActivityKind::ConsentDenied),
        (EventName::ApprovalRequested, ActivityKind::Asked),
        (EventName::ApprovalCancelled, ActivityKind::Cancelled),
        (EventName::TokenIssued, ActivityKind::Used),
        (EventName::TaskResumed, ActivityKind::Resumed),
        (EventName::TaskSuspended, ActivityKind::Suspended),
        (EventName::AgentPaused, ActivityKind::Paused),
        (EventName::AgentUnpaused, ActivityKind::AllowedAgain),
        (EventName::SessionEnded, ActivityKind::SessionEnded),
        (EventName::ActionCompleted, ActivityKind::Done),
        (EventName::ActionFailed, ActivityKind::DoneInVain),
        (EventName::ActionNotStarted, ActivityKind::NotBegun),
        (EventName::ActionUnreported, ActivityKind::Unreported),
    ];
    if let Some(kind) = approval(event) {
        return Some(kind);
    }
    if is(EventName::TaskRevoked) || is(EventName::DelegationStopped) {
        return Some(stop(event));
    }
    if is(EventName::TokenExchanged) {
        return Some(match event.reason.as_deref() {
            Some("hand over") => ActivityKind::HandedOver,
            _ => ActivityKind::Used,
        });
    }
    if is(EventName::LoginSucceeded) {
        return Some(match event.data.get("method").and_then(Value::as_str) {
            Some("passkey") => ActivityKind::SignedInWithPasskey,
            Some("code") => ActivityKind::SignedInWithCode,
            _ => ActivityKind::SignedIn,
        });
    }
    if let Some(told) = account::of(event) {
        return told.map(ActivityKind::Account);
    }
    kinds
        .into_iter()
        .find_map(|(name, kind)| is(name).then_some(kind))
}
