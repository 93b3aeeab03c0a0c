//! What is the same wherever a client sends a question to a person, by CIBA or with a resource server's challenge: what must hold
//! now, the budget, the older copy of the question, and one transaction that writes it with its event and its notices.

mod facts;
mod person;
mod prompts;

pub use facts::{Deciding, deciding_people};
pub use person::{HintedPerson, check_code, verify_own_token};
pub use prompts::{earlier_prompts, guard_prompts, within_budget};

use std::sync::Arc;

use serde_json::{Value, json as object};
use writ_core::OAuthError;
use writ_core::client::Client;
use writ_core::event::{Event, EventName};
use writ_core::id::ApprovalId;
use writ_core::lineage::Lineage;
use writ_core::pending::{
    self, Ending, LONGEST_WAIT, PendingFacts, PendingRequest, PreparedApproval,
};
use writ_core::role::within_roles;
use writ_store::DatabaseTransaction;
use writ_store::pending::NewPendingRequest;
use writ_wire::time::Timestamp;

use self::facts::ApprovalFacts;
use crate::approvals::close::{Endings, end};
use crate::approvals::secret::{self, Secrets};
use crate::node::app::App;
use crate::node::failure::Failure;
use crate::node::registry::Catalogue;
use crate::node::secret::secret_digest;
use crate::notifications::outbox;
use crate::request::client_request::ClientRequest;
use crate::request::replay::ReplayCheck;

/// One request to ask a person.
pub struct ApprovalContext<'a> {
    pub request: &'a ClientRequest,
    pub catalogue: Arc<Catalogue>,
}

impl<'a> ApprovalContext<'a> {
    pub async fn of(request: &'a ClientRequest) -> Result<Self, Failure> {
        Ok(Self {
            request,
            catalogue: request.app.fresh_catalogue().await?,
        })
    }

    pub fn refuse(&self, refusal: impl Into<OAuthError>) -> Failure {
        self.request.refuse(refusal)
    }
}

/// What is to be asked, as far as it was judged without the rows.
pub struct NewApproval<'a> {
    pub prepared: PreparedApproval,
    pub hinted: &'a HintedPerson,
    /// What is used up besides assertion and proof.
    pub checks: Vec<ReplayCheck>,
    /// Of a client that is told of the answer.
    pub notification_token: Option<&'a str>,
}

/// A request that waits for a person, and the handle under which its answer is fetched.
pub struct CreatedApproval {
    pub handle: String,
    pub request: PendingRequest,
}

/// A request that is being written, and the older copies of it that end with it.
#[derive(Clone, Copy)]
struct Copies<'a> {
    request: &'a PendingRequest,
    older: &'a Endings,
}

/// Judges what must hold now, and writes the request; or nothing.
pub async fn create_approval(
    context: &ApprovalContext<'_>,
    new: NewApproval<'_>,
) -> Result<CreatedApproval, Failure> {
    let (app, caller) = (&context.request.app, &context.request.caller);
    let handle = app.random.secret();
    let mut transaction = app.begin().await?;
    let facts = facts::load(context, &mut transaction, new.hinted).await?;
    let request = judge(context, &mut transaction, &facts, new.prepared, &handle).await?;
    let secrets = new.notification_token.map(|token| Secrets {
        auth_req_id: handle.clone(),
        client_notification_token: token.to_owned(),
    });
    let sealed = secret::seal_secrets(app, secrets, &request)?;
    let older = claim(context, &mut transaction, new.checks, &request).await?;
    let now = context.request.now;
    let earlier = earlier_prompts(&mut transaction, &request, now).await?;
    transaction
        .insert_pending(NewPendingRequest {
            request: &request,
            user_code: None,
            sealed: sealed.as_deref(),
        })
        .await?;
    within_budget(app, &mut transaction, &request, earlier, now)
        .await?
        .map_err(|over| {
            let wait = over.retry_after;
            context.refuse(over.refusal).with_retry_after(wait)
        })?;
    let copies = Copies {
        request: &request,
        older: &older,
    };
    let asked = AskedRecord {
        client: context.request.client(),
        asking: facts.asking.as_ref(),
        request: &request,
        takes_the_place_of: older.ids(),
    };
    transaction.insert_event(&asked.event(app, now)).await?;
    announce(context, &mut transaction, copies).await?;
    transaction.commit().await?;
    older.announce(app);
    caller.remember_keys(app);
    app.waiting.announce_request(&request);
    app.notices.wake();
    Ok(CreatedApproval { handle, request })
}

/// Who is asked, who decides, and whether this client may ask them that.
async fn judge(
    context: &ApprovalContext<'_>,
    transaction: &mut DatabaseTransaction,
    facts: &ApprovalFacts,
    prepared: PreparedApproval,
    handle: &str,
) -> Result<PendingRequest, Failure> {
    let ClientRequest { app, caller, .. } = context.request;
    let (client, now) = (context.request.client(), context.request.now);
    let subject = facts.person(client).map_err(|r| context.refuse(r))?;
    let realm = context.catalogue.realm();
    within_roles(&prepared.authority, &subject.roles, realm).map_err(|r| context.refuse(r))?;
    let deciding = Deciding {
        authority: &prepared.authority,
        client,
        subject,
        asking: facts.asking.as_ref(),
    };
    let people = deciding_people(transaction, &deciding, realm).await?;
    let asking = PendingFacts {
        id: ApprovalId::make(now, app.entropy()),
        digest: secret_digest(handle),
        client,
        subject: &subject.id,
        deciders: people
            .deciders()
            .map_err(|refusal| context.refuse(refusal))?,
        asking: facts.asking.as_ref(),
        jkt: caller.key().cloned(),
        number: client
            .backchannel
            .number_matching
            .then(|| number_to_match(app)),
        address: context.request.address.map(|address| address.to_string()),
        now,
    };
    let prepared = PreparedApproval {
        authority: people.authority(),
        ..prepared
    };
    pending::create(prepared, asking).map_err(|refusal| context.refuse(refusal))
}

/// What is used once; the rows by which prompts are counted; the older copy of the same question, which ends.
async fn claim(
    context: &ApprovalContext<'_>,
    transaction: &mut DatabaseTransaction,
    more: Vec<ReplayCheck>,
    request: &PendingRequest,
) -> Result<Endings, Failure> {
    let (app, now) = (&context.request.app, context.request.now);
    context.request.claim(transaction, more).await?;
    let guarded = guard_prompts(transaction, request, now).await?;
    guarded.map_err(|refusal| context.refuse(refusal))?;
    end(app, transaction, Ending::Superseded(request), now).await
}

/// One buzz for one question, however often it is asked: what was not told of an older copy is told of this one.
async fn announce(
    context: &ApprovalContext<'_>,
    transaction: &mut DatabaseTransaction,
    copies: Copies<'_>,
) -> Result<(), Failure> {
    // A subject who had agreed is asked again: the new copy waits for them.
    if copies.older.is_empty() || copies.older.was_escalated() {
        return outbox::request_created(&context.request.app, transaction, copies.request).await;
    }
    let since = context.request.now.minus(LONGEST_WAIT);
    Ok(transaction.hand_on_notices(copies.request, since).await?)
}

/// That a person is asked.
pub struct AskedRecord<'a> {
    pub client: &'a Client,
    pub asking: Option<&'a Lineage>,
    pub request: &'a PendingRequest,
    pub takes_the_place_of: Vec<&'a ApprovalId>,
}

impl AskedRecord<'_> {
    pub fn event(&self, app: &App, now: Timestamp) -> Event {
        let request = self.request;
        let id = app.event_id(now);
        let mut event = Event::new(id, now, EventName::ApprovalRequested).by(self.client);
        if let Some(lineage) = self.asking {
            event = event.about(&lineage.task).under(&lineage.leaf);
        } else if let Some(subject) = &request.subject {
            event = event.of_subject(subject.as_str());
        }
        if let Some(question) = &request.asked.access {
            event = event.at_resource(question.resource.as_str());
        }
        let salt = request.id.as_str();
        event.details_hash = Some(request.asked.authority.hash(salt));
        event.with(object!({
            "approval": request.id,
            "kind": request.kind.as_str(),
            "asked": without_number(request),
            "expires_at": request.expires_at.rfc3339(),
            "takes_the_place_of": self.takes_the_place_of,
        }))
    }
}

/// What is asked, for the record: people read their own, and the number to match is for who sees the agent's screen.
fn without_number(request: &PendingRequest) -> Value {
    let mut asked = object!(request.asked);
    if let Some(members) = asked.as_object_mut() {
        members.remove("number");
    }
    asked
}

/// Two digits, none of them a leading zero.
pub fn number_to_match(app: &App) -> u8 {
    let [draw] = app.random.bytes::<1>();
    // 180 is twice the 90 numbers: what is above would make some likelier than others.
    if draw < 180 {
        10 + draw % 90
    } else {
        number_to_match(app)
    }
}
