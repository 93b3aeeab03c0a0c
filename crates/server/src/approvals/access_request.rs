//! A resource server asks about one action of its caller, and uses the answer (docs/access-requests.md): one question for as long as
//! it is open, and one permit for one approval, taken in the transaction of the decision.

mod take;

pub use take::{ApprovalBy, FoundApproval, WantedApproval, find_approval, take_approval};

use std::sync::Arc;

use writ_authority::Authority;
use writ_core::OAuthError;
use writ_core::access_request::{self, APPROVED_FOR, AskedAccess, QuestionAsker};
use writ_core::budget::{OverBudget, Why};
use writ_core::client::{Client, User};
use writ_core::id::{ApprovalId, ClientId, DelegationId, UserId};
use writ_core::lineage::Lineage;
use writ_core::pending::{self, Ending, Kind, PendingFacts, PendingRequest};
use writ_core::role::within_roles;
use writ_store::DatabaseTransaction;
use writ_store::client::StoredClient;
use writ_store::pending::{AnsweredCall, NewPendingRequest, OpenAtResource, SameQuestion};
use writ_store::replay::ReplayClaim;
use writ_wire::time::Timestamp;

use crate::approvals::close::{Endings, end};
use crate::approvals::create::{
    AskedRecord, Deciding, deciding_people, earlier_prompts, guard_prompts, within_budget,
};
use crate::node::app::App;
use crate::node::failure::Failure;
use crate::node::metrics::CountedQuestion;
use crate::node::registry::{Catalogue, parse_client};
use crate::node::secret::secret_digest;
use crate::notifications::outbox;

/// One action of one live token, about which its resource server asks.
pub struct NewQuestion {
    pub question: AskedAccess,
    /// What would be done.
    pub authority: Authority,
    /// The caller's delegation.
    pub delegation: DelegationId,
    /// Digest of the request's `Idempotency-Key`.
    pub key: Option<String>,
    /// Of the call that is asked about: it makes one question.
    pub proof: Option<ReplayClaim>,
}

/// By what a question is judged, and when.
#[derive(Clone, Copy)]
pub struct QuestionContext<'a> {
    pub app: &'a App,
    pub catalogue: &'a Catalogue,
    pub now: Timestamp,
}

/// Why nobody is asked.
pub enum NotAsked {
    /// Too often, or just after a no to something else.
    Over(OverBudget),
    /// A person said no to this very call just before.
    Denied,
    /// The key was used for another question.
    OtherQuestion,
    /// The proof of the call made another question.
    ProofUsed,
    Refused(OAuthError),
}

impl From<OAuthError> for NotAsked {
    fn from(refusal: OAuthError) -> Self {
        Self::Refused(refusal)
    }
}

/// Asks, or finds the same question waiting. In a transaction of its own, after what `claim` uses up.
pub async fn ask(
    app: &App,
    catalogue: &Arc<Catalogue>,
    mut transaction: DatabaseTransaction,
    mut new: NewQuestion,
    now: Timestamp,
) -> Result<Result<PendingRequest, NotAsked>, Failure> {
    let context = QuestionContext {
        app,
        catalogue,
        now,
    };
    let proof = new.proof.take();
    let asker = match load(context, &mut transaction, &new.delegation).await? {
        Ok(asker) => asker,
        Err(refusal) => return Ok(Err(refusal.into())),
    };
    let request = match judge(context, &mut transaction, &asker, new).await? {
        Ok(request) => request,
        Err(refusal) => return Ok(Err(refusal.into())),
    };
    if let Err(refusal) = guard_prompts(&mut transaction, &request, now).await? {
        return Ok(Err(refusal.into()));
    }
    if let Some(known) = asked_before(&mut transaction, &request, now).await? {
        transaction.commit().await?;
        return Ok(match known.asked_hash == request.asked_hash {
            true => Ok(known),
            false => Err(NotAsked::OtherQuestion),
        });
    }
    if let Some(once) = proof
        && transaction.claim_once(&[once]).await?.is_some()
    {
        return Ok(Err(NotAsked::ProofUsed));
    }
    let answer = answered_lately(&mut transaction, &asker, &request, now).await?;
    if answer == LatelyAnswered::NoFound {
        return Ok(Err(NotAsked::Denied));
    }
    let ended = end_older(app, &mut transaction, &request, now).await?;
    let asked = AskedRecord {
        client: &asker.client,
        asking: Some(&asker.lineage),
        request: &request,
        takes_the_place_of: ended.ids(),
    };
    let written = write(app, &mut transaction, asked, now).await?;
    if let Err(over) = written {
        let is_told_no = answer == LatelyAnswered::No && over.why != Why::TooMany;
        return Ok(Err(match is_told_no {
            true => NotAsked::Denied,
            false => NotAsked::Over(over),
        }));
    }
    transaction.commit().await?;
    ended.announce(app);
    app.metrics.access.question(CountedQuestion::Made);
    app.waiting.announce_request(&request);
    app.notices.wake();
    Ok(Ok(request))
}

/// What this key made, or the same question where it waits already.
async fn asked_before(
    transaction: &mut DatabaseTransaction,
    request: &PendingRequest,
    now: Timestamp,
) -> Result<Option<PendingRequest>, Failure> {
    let by_key = transaction.pending(Kind::Access, &request.digest).await?;
    let Some(subject) = request.subject.as_ref().filter(|_| by_key.is_none()) else {
        return Ok(by_key);
    };
    let same = SameQuestion {
        subject,
        client: &request.client,
        asked_hash: &request.asked_hash,
    };
    Ok(transaction.open_question(same, now).await?)
}

/// What a person last said to the same call, as long ago as a call that comes again finds its answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum LatelyAnswered {
    Otherwise,
    /// Said to whoever asked then; it stands for as long as the pause.
    No,
    /// The call came again to find it.
    NoFound,
}

async fn answered_lately(
    transaction: &mut DatabaseTransaction,
    asker: &LiveAsker,
    request: &PendingRequest,
    now: Timestamp,
) -> Result<LatelyAnswered, Failure> {
    let question = request.asked.access.as_ref().zip(request.subject.as_ref());
    let Some((question, subject)) = question else {
        return Ok(LatelyAnswered::Otherwise);
    };
    let [asked, again] =
        access_request::hashes_of_call(QuestionAsker::of(&asker.lineage), question);
    let call = AnsweredCall {
        subject,
        client: &request.client,
        asked_hashes: [&asked, &again],
        since: now.minus(APPROVED_FOR),
    };
    let last = transaction.last_answer(call).await?;
    Ok(match last.is_some_and(|last| last.is_persons_no()) {
        true if question.call_again => LatelyAnswered::NoFound,
        true => LatelyAnswered::No,
        false => LatelyAnswered::Otherwise,
    })
}

/// Open questions about the same call, which was described or defined otherwise then.
async fn end_older(
    app: &App,
    transaction: &mut DatabaseTransaction,
    request: &PendingRequest,
    now: Timestamp,
) -> Result<Endings, Failure> {
    let mut ended = Endings::default();
    let question = request.asked.access.as_ref().zip(request.subject.as_ref());
    let Some((question, subject)) = question else {
        return Ok(ended);
    };
    let of = OpenAtResource {
        subject,
        client: &request.client,
        resource: &question.resource,
    };
    for older in transaction.open_at_resource(of, now).await? {
        if access_request::takes_the_place_of(request, &older) {
            let ending = Ending::DescribedAnew {
                request: &older.id,
                by: Some(&request.id),
            };
            ended.add(end(app, transaction, ending, now).await?);
        }
    }
    Ok(ended)
}

/// Ends an open question if the record, or the type, says otherwise by now what is done: whoever looked at it would see something else
/// than was asked, or agree to what is good for nothing. `false`: it stands.
pub async fn end_if_described_anew(
    app: &App,
    request: &PendingRequest,
    now: Timestamp,
) -> Result<bool, Failure> {
    if request.asked.access.is_none() || !request.is_open(now) {
        return Ok(false);
    }
    let is_anew = |catalogue: &Catalogue| request.asked.is_described_anew(catalogue.realm());
    // What another node registered a moment ago counts.
    if !is_anew(&*app.catalogue().await?) || !is_anew(&*app.fresh_catalogue().await?) {
        return Ok(false);
    }
    let ending = Ending::DescribedAnew {
        request: &request.id,
        by: None,
    };
    let mut transaction = app.begin().await?;
    let endings = end(app, &mut transaction, ending, now).await?;
    transaction.commit().await?;
    endings.announce(app);
    Ok(true)
}

/// The question with its event and its notices, within budget.
async fn write(
    app: &App,
    transaction: &mut DatabaseTransaction,
    asked: AskedRecord<'_>,
    now: Timestamp,
) -> Result<Result<(), OverBudget>, Failure> {
    let request = asked.request;
    let earlier = earlier_prompts(transaction, request, now).await?;
    let new = NewPendingRequest {
        request,
        user_code: None,
        sealed: None,
    };
    transaction.insert_pending(new).await?;
    if let Err(over) = within_budget(app, transaction, request, earlier, now).await? {
        return Ok(Err(over));
    }
    transaction.insert_event(&asked.event(app, now)).await?;
    outbox::request_created(app, transaction, request).await?;
    Ok(Ok(()))
}

/// Whose question it would be, as the rows are in this transaction.
struct LiveAsker {
    lineage: Lineage,
    client: Client,
    subject: User,
}

async fn load(
    context: QuestionContext<'_>,
    transaction: &mut DatabaseTransaction,
    delegation: &DelegationId,
) -> Result<Result<LiveAsker, OAuthError>, Failure> {
    let gone = |sentence: &str| Ok(Err(OAuthError::invalid_request(sentence)));
    let Some(lineage) = transaction.lineage(delegation).await? else {
        return gone("the token cannot be traced to its delegation");
    };
    let deciding = context.catalogue.context(context.now);
    let subject = match access_request::person(&lineage, deciding) {
        Ok(subject) => UserId::from_text(subject),
        Err(refusal) => return Ok(Err(refusal)),
    };
    let Some(client) = active_client(transaction, &lineage.leaf.holder).await? else {
        return gone("the caller's client is stopped");
    };
    let found = transaction.user_by_id(&subject).await?;
    match found
        .map(|stored| stored.user)
        .filter(|user| !user.disabled)
    {
        Some(subject) => Ok(Ok(LiveAsker {
            lineage,
            client,
            subject,
        })),
        None => gone("the token is for nobody who could be asked"),
    }
}

async fn active_client(
    transaction: &mut DatabaseTransaction,
    id: &ClientId,
) -> Result<Option<Client>, Failure> {
    let stored = transaction.client(id).await?;
    match stored.filter(StoredClient::is_active) {
        Some(stored) => Ok(Some(parse_client(id.as_str(), &stored)?)),
        None => Ok(None),
    }
}

/// Who decides, and how strongly.
async fn judge(
    context: QuestionContext<'_>,
    transaction: &mut DatabaseTransaction,
    asker: &LiveAsker,
    new: NewQuestion,
) -> Result<Result<PendingRequest, OAuthError>, Failure> {
    let QuestionContext {
        app,
        catalogue,
        now,
    } = context;
    let realm = catalogue.realm();
    let (client, subject) = (&asker.client, &asker.subject);
    let measured = new.question.measured(&new.authority);
    if let Err(refusal) = within_roles(&measured, &subject.roles, realm) {
        return Ok(Err(refusal));
    }
    let deciding = Deciding {
        authority: &new.authority,
        client,
        subject,
        asking: Some(&asker.lineage),
    };
    let people = deciding_people(transaction, &deciding, realm).await?;
    let asked = people.authority();
    let strongest = app.strongest();
    let (question, key) = (new.question, new.key);
    let prepared = access_request::prepare(question, asked, client, strongest, realm);
    let id = ApprovalId::make(now, app.entropy());
    Ok(prepared.and_then(|prepared| {
        let facts = PendingFacts {
            // Its handle is its id; a key finds what it made.
            digest: key.unwrap_or_else(|| secret_digest(id.as_str())),
            id,
            client,
            subject: &subject.id,
            deciders: people.deciders()?,
            asking: Some(&asker.lineage),
            jkt: None,
            number: None,
            address: None,
            now,
        };
        pending::create(prepared, facts)
    }))
}

/// The question of this id, if this client asked it; anybody else's looks like none.
pub async fn find(
    transaction: &mut DatabaseTransaction,
    id: &ApprovalId,
    served_by: &ClientId,
) -> Result<Option<PendingRequest>, Failure> {
    let found = transaction.pending_by_id(id).await?;
    Ok(found.filter(|request| {
        let question = request.asked.access.as_ref();
        question.is_some_and(|question| question.served_by == *served_by)
    }))
}

/// Takes an open question back; `false`: it is over already. `because` is what the resource server says of it.
pub async fn cancel(
    app: &App,
    request: &PendingRequest,
    because: Option<&str>,
    now: Timestamp,
) -> Result<bool, Failure> {
    let mut transaction = app.begin().await?;
    let ending = Ending::Cancelled {
        request: &request.id,
        because,
    };
    let endings: Endings = end(app, &mut transaction, ending, now).await?;
    transaction.commit().await?;
    endings.announce(app);
    Ok(!endings.is_empty())
}
