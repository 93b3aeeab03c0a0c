//! What is the same wherever a client sends a question to a person, by CIBA or with a resource server's challenge: what must hold
//! now, the budget, the older copy of the question, and one transaction that writes it with its event and its notices.

mod facts;
mod person;

pub use facts::{Deciding, deciders};
pub use person::{Hinted, check_code, own_token};

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json as object;
use writ_core::OAuthError;
use writ_core::budget;
use writ_core::event::{Event, EventName};
use writ_core::id::{ApprovalId, UserId};
use writ_core::pending::{
    self, Ending, LONGEST_WAIT, PendingFacts, PendingRequest, PreparedApproval,
};
use writ_store::DatabaseTransaction;
use writ_store::pending::NewPendingRequest;
use writ_wire::time::Timestamp;

use self::facts::Loaded;
use crate::approvals::close::{Endings, end};
use crate::approvals::secret;
use crate::node::app::App;
use crate::node::failure::Failure;
use crate::node::registry::Catalogue;
use crate::node::secret::secret_digest;
use crate::notifications::outbox;
use crate::request::caller::Caller;
use crate::request::replay::Single;

/// A request that is not taken, and when another one may be.
pub struct Denied {
    pub failure: Failure,
    pub retry_after: Option<Duration>,
}

impl<F: Into<Failure>> From<F> for Denied {
    fn from(failure: F) -> Self {
        Self {
            failure: failure.into(),
            retry_after: None,
        }
    }
}

/// One request on its way.
pub struct Ask<'a> {
    pub app: &'a App,
    pub caller: Caller,
    pub catalogue: Arc<Catalogue>,
    pub address: Option<IpAddr>,
    pub now: Timestamp,
}

impl Ask<'_> {
    pub fn refuse(&self, refusal: impl Into<OAuthError>) -> Failure {
        self.app
            .refused(refusal.into(), |event| event.by(&self.caller.client))
    }
}

/// A question that may be asked, as far as it was judged without the rows.
pub struct Question<'a> {
    pub prepared: PreparedApproval,
    pub hinted: &'a Hinted,
    /// What is used up besides assertion and proof.
    pub singles: Vec<Single>,
    /// Of a client that is told of the answer.
    pub notification_token: Option<&'a str>,
}

/// A question that waits, and the handle under which its answer is fetched.
pub struct Asked {
    pub handle: String,
    pub request: PendingRequest,
}

/// Judges what must hold now, and writes the question; or nothing.
pub async fn commit(ask: &Ask<'_>, question: Question<'_>) -> Result<Asked, Denied> {
    let (app, client, now) = (ask.app, &ask.caller.client, ask.now);
    let handle = app.random.secret();
    let mut session = app.begin().await?;
    let loaded = facts::load(ask, &mut session, question.hinted).await?;
    let subject = loaded.person(client).map_err(|r| ask.refuse(r))?.clone();
    let deciding = Deciding {
        authority: &question.prepared.authority,
        client,
        subject: &subject,
        task: loaded.asking.as_ref().map(|lineage| &lineage.task),
    };
    let deciders = deciders(&mut session, &deciding, ask.catalogue.realm()).await?;
    let asking = PendingFacts {
        id: ApprovalId::make(now, app.entropy()),
        digest: secret_digest(&handle),
        client,
        subject: &subject.id,
        deciders: deciders.map_err(|refusal| ask.refuse(refusal))?,
        asking: loaded.asking.as_ref(),
        jkt: ask.caller.key().cloned(),
        number: client.backchannel.number_matching.then(|| number(app)),
        address: ask.address.map(|address| address.to_string()),
        now,
    };
    let request = pending::create(question.prepared, asking).map_err(|r| ask.refuse(r))?;
    let sealed = secret::sealed(app, (question.notification_token, &handle), &request)?;
    let asked = Asked { handle, request };
    let older = claim(ask, &mut session, (question.singles, &asked.request)).await?;
    let prompts = prompts(ask, &mut session, &asked.request).await?;
    session
        .insert_pending(NewPendingRequest {
            request: &asked.request,
            user_code: None,
            sealed: sealed.as_deref(),
        })
        .await?;
    within_budget(ask, &mut session, (&asked.request, prompts)).await?;
    session
        .insert_event(&requested(ask, &loaded, (&asked.request, &older)))
        .await?;
    announce(ask, &mut session, (&asked.request, &older)).await?;
    session.commit().await?;
    older.announce(app);
    app.remember_keys(&ask.caller);
    app.waiting.announce_request(&asked.request);
    app.notices.wake();
    Ok(asked)
}

/// What is used once; the rows by which prompts are counted; the older copy of the same question, which ends.
async fn claim(
    ask: &Ask<'_>,
    session: &mut DatabaseTransaction,
    (more, request): (Vec<Single>, &PendingRequest),
) -> Result<Endings, Denied> {
    let app = ask.app;
    let mut singles = ask.caller.singles();
    singles.extend(more);
    if let Some(foreign) = app.claim_keys(session, &ask.caller, ask.now).await? {
        return Err(ask.refuse(foreign).into());
    }
    if let Some(used) = app.claim(session, singles).await? {
        return Err(ask.refuse(used).into());
    }
    session
        .guard_prompts_to(&people(request), &request.client, ask.now)
        .await?;
    Ok(end(app, session, Ending::Superseded(request), ask.now).await?)
}

/// Everybody whose budget it costs: who may decide, and whom it is about.
fn people(request: &PendingRequest) -> BTreeSet<&UserId> {
    let approvers = request.asked.stages.iter().flat_map(|stage| &stage.of);
    approvers.chain(&request.subject).collect()
}

/// One buzz for one question, however often it is asked: what was not told of an older copy is told of this one.
async fn announce(
    ask: &Ask<'_>,
    session: &mut DatabaseTransaction,
    (request, older): (&PendingRequest, &Endings),
) -> Result<(), Failure> {
    if older.is_empty() {
        return outbox::requested(ask.app, session, request).await;
    }
    let since = ask.now.minus(LONGEST_WAIT);
    Ok(session.hand_on_notices(request, since).await?)
}

/// What was asked before this one; how often its people were asked is counted when it is written.
async fn prompts(
    ask: &Ask<'_>,
    session: &mut DatabaseTransaction,
    request: &PendingRequest,
) -> Result<budget::Prompts, Failure> {
    let Some(subject) = &request.subject else {
        return Ok(budget::Prompts::default());
    };
    let (client, now) = (&request.client, ask.now);
    let since = |age| now.minus(age);
    let lately = session
        .prompts(subject, client, since(budget::WINDOW), now)
        .await?;
    let denied = session
        .prompts(subject, client, since(budget::LONGEST_PAUSE), now)
        .await?;
    Ok(budget::Prompts {
        person: 0,
        agent: lately.agent,
        pair: lately.pair,
        open: lately.open,
        denials: denied.denials,
        last_denied_at: denied.last_denied_at,
    })
}

async fn within_budget(
    ask: &Ask<'_>,
    session: &mut DatabaseTransaction,
    (request, prompts): (&PendingRequest, budget::Prompts),
) -> Result<(), Denied> {
    let (since, now) = (ask.now.minus(budget::WINDOW), ask.now);
    let person = session.prompts_of_people(&request.id, since, now).await?;
    let prompts = budget::Prompts { person, ..prompts };
    budget::check(&prompts, &ask.app.config.prompts, now).map_err(|over| Denied {
        failure: ask.refuse(over.refusal),
        retry_after: Some(over.retry_after),
    })
}

fn requested(
    ask: &Ask<'_>,
    loaded: &Loaded,
    (request, older): (&PendingRequest, &Endings),
) -> Event {
    let id = ask.app.event_id(ask.now);
    let mut event = Event::new(id, ask.now, EventName::ApprovalRequested).by(&ask.caller.client);
    if let Some(lineage) = &loaded.asking {
        event = event.about(&lineage.task).under(&lineage.leaf);
    } else if let Some(subject) = &request.subject {
        event = event.of_subject(subject.as_str());
    }
    let salt = request.id.as_str();
    event.details_hash = Some(request.asked.authority.hash(salt));
    event.with(object!({
        "approval": request.id,
        "kind": request.kind.as_str(),
        "asked": request.asked,
        "expires_at": request.expires_at.rfc3339(),
        "takes_the_place_of": older.ids(),
    }))
}

/// Two digits, none of them a leading zero.
fn number(app: &App) -> u8 {
    let [draw] = app.random.bytes::<1>();
    // 180 is twice the 90 numbers: what is above would make some likelier than others.
    if draw < 180 {
        10 + draw % 90
    } else {
        number(app)
    }
}
