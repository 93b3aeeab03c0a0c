//! The facts of one request for one person: read first, then judged without the database.

use std::sync::Arc;

use writ_authority::{Authority, Types};
use writ_core::access_request::{APPROVED_FOR, UnconfirmedDefinition};
use writ_core::approval::{self, VoteError, VotingRight};
use writ_core::client::{Client, User};
use writ_core::history::{self, Newest};
use writ_core::id::{ApprovalId, UserId};
use writ_core::lineage::Lineage;
use writ_core::narrowing::{self, Narrowing, NarrowingError};
use writ_core::pending::{Kind, PendingRequest, SINGLE_USE_LIFETIME, Vote};
use writ_core::receipt::{self, Verdict};
use writ_core::request::longest_task;
use writ_core::requirements::is_within;
use writ_core::screen::Shown;
use writ_core::task::{Subject, Task};
use writ_pages::{AgentName, OnwardView};
use writ_store::receipt::StoredReceipt;
use writ_store::standing::Pair;
use writ_store::{DatabaseTransaction, StoreError};
use writ_wire::time::Timestamp;

use crate::approvals::access_request::end_if_described_anew;
use crate::node::app::App;
use crate::node::registry::Catalogue;
use crate::notifications::seal::of_user_code;
use crate::people::elsewhere::weakest_yes;
use crate::people::error::PageError;
use crate::people::request::SignedIn;
use crate::people::views::onward;

/// An open request before a person who may decide it.
pub struct Question {
    /// At the level that this person's yes needs here.
    pub request: PendingRequest,
    pub client: Arc<Client>,
    pub catalogue: Arc<Catalogue>,
    pub standing: VotingRight,
    /// On whose behalf.
    pub subject: User,
    pub votes: Vec<Vote>,
    /// What was asked, or what is left of it after others agreed to less.
    pub base: Authority,
    /// When what is approved ends, unless less is chosen.
    pub default_end: Timestamp,
    /// What the terminal shows, of a device request.
    pub user_code: Option<String>,
    /// The chain that asked.
    pub asking: Option<Lineage>,
    /// The agents before the one that asks, the first one first.
    pub chain: Vec<AgentName>,
    /// To whom what is approved may go on.
    pub onward: OnwardView,
    /// What the subject approved before.
    pub newest: Newest,
    /// When the subject, or whoever decided for them, first allowed this client anything.
    pub first_allowed: Option<Timestamp>,
    /// What this person was shown last.
    pub kept: Option<Shown>,
    pub nonce: String,
}

/// Why there is no question.
pub enum NoQuestion {
    /// No such request, or none of this person's: the same answer.
    Unknown,
    Closed(Box<ClosedRequest>),
    Page(PageError),
}

/// A request that this person may not decide any more.
pub struct ClosedRequest {
    pub request: PendingRequest,
    pub client: Option<Arc<Client>>,
    pub votes: Vec<Vote>,
}

impl From<PageError> for NoQuestion {
    fn from(error: PageError) -> Self {
        Self::Page(error)
    }
}

impl From<StoreError> for NoQuestion {
    fn from(error: StoreError) -> Self {
        Self::Page(error.into())
    }
}

/// Rows about one request.
struct Found {
    request: PendingRequest,
    votes: Vec<Vote>,
    receipts: Vec<StoredReceipt>,
    kept: Option<String>,
    subject: Option<User>,
    asking: Option<Lineage>,
    newest: Newest,
    first_allowed: Option<Timestamp>,
    /// Sealed; of a device request.
    user_code: Option<String>,
}

pub async fn load(person: SignedIn<'_>, id: &ApprovalId) -> Result<Question, NoQuestion> {
    let app = person.app;
    let catalogue = app.catalogue().await?;
    let found = find(person, id, &catalogue.types).await?;
    let mut found = found.ok_or(NoQuestion::Unknown)?;
    let is_over = end_if_described_anew(app, &found.request, app.mended_time()).await;
    if is_over.map_err(PageError::from)? {
        let again = find(person, id, &catalogue.types).await?;
        found = again.ok_or(NoQuestion::Unknown)?;
    }
    let client = app.client(found.request.client.as_str()).await?;
    let standing = approval::voting_right(&found.request, person.user(), app.mended_time());
    match (standing, client, &found.subject) {
        (Err(VoteError::Ended(_)), client, _) => Err(NoQuestion::Closed(Box::new(ClosedRequest {
            request: found.request,
            client,
            votes: found.votes,
        }))),
        (Ok(standing), Some(client), Some(_)) => {
            found.request.asked.level = weakest_yes(person, &found.request, &client).await?;
            let question = question(app, found, client, catalogue, standing).await?;
            Ok(question.of_session(person))
        }
        _ => Err(NoQuestion::Unknown),
    }
}

impl Question {
    /// A screen of before all their sessions were ended counts for no more: another one is shown, which nobody signed yet.
    fn of_session(mut self, person: SignedIn<'_>) -> Self {
        let kept = self.kept.as_ref();
        if kept.is_some_and(|kept| person.session.is_past(kept.since)) {
            (self.kept, self.nonce) = (None, person.app.random.secret());
        }
        self
    }
}

async fn find(
    person: SignedIn<'_>,
    id: &ApprovalId,
    types: &Types,
) -> Result<Option<Found>, StoreError> {
    let mut reading = person.app.read().await?;
    let Some(request) = reading.pending_by_id(id).await? else {
        return Ok(None);
    };
    let votes = reading.votes(id).await?;
    let receipts = match votes.is_empty() {
        true => Vec::new(),
        false => reading.receipts_of_request(id).await?,
    };
    let subject = match &request.subject {
        Some(subject) => reading.user_by_id(subject).await?,
        None => None,
    };
    let asking = match &request.asked_by {
        Some(delegation) => reading.lineage(delegation).await?,
        None => None,
    };
    let newest = match &request.subject {
        Some(subject) => newest(&mut reading, subject, &request.asked.authority, types).await?,
        None => Newest::new(),
    };
    let first_allowed = match &request.subject {
        Some(subject) => {
            let client = &request.client;
            reading.first_allowed(Pair { subject, client }).await?
        }
        None => None,
    };
    let user_code = match request.kind {
        Kind::Device => reading.pending_sealed(id).await?,
        Kind::Ciba | Kind::Transaction | Kind::Access | Kind::Consent => None,
    };
    Ok(Some(Found {
        kept: reading.screen(id, &person.user().id).await?,
        subject: subject.map(|stored| stored.user),
        request,
        votes,
        receipts,
        asking,
        newest,
        first_allowed,
        user_code,
    }))
}

/// The subject's newest uses of each type in `authority` that compares with them.
pub async fn newest(
    transaction: &mut DatabaseTransaction,
    subject: &UserId,
    authority: &Authority,
    types: &Types,
) -> Result<Newest, StoreError> {
    let mut newest = Newest::new();
    for name in history::types_of(authority, types) {
        let uses = transaction.newest_uses(subject, &name).await?;
        newest.insert(name, uses);
    }
    Ok(newest)
}

async fn question(
    app: &App,
    found: Found,
    client: Arc<Client>,
    catalogue: Arc<Catalogue>,
    standing: VotingRight,
) -> Result<Question, PageError> {
    let kept: Option<Shown> = match &found.kept {
        Some(text) => Some(serde_json::from_str(text).map_err(PageError::broken)?),
        None => None,
    };
    let user_code = match &found.user_code {
        Some(sealed) => Some(app.unseal(&of_user_code(&found.request.id), sealed)?),
        None => None,
    };
    let default_end = default_end(&found, &client);
    let (base, default_end) = left_by_others(&found, default_end, &catalogue)?;
    let nonce = kept.as_ref().map(|shown| shown.nonce.clone());
    Ok(Question {
        chain: chain(app, found.asking.as_ref()).await?,
        onward: onward(app, &found.request.asked.onward).await?,
        catalogue,
        newest: found.newest,
        first_allowed: found.first_allowed,
        user_code,
        subject: found
            .subject
            .ok_or_else(|| PageError::broken("the request has no subject"))?,
        nonce: nonce.unwrap_or_else(|| app.random.secret()),
        request: found.request,
        votes: found.votes,
        asking: found.asking,
        client,
        standing,
        base,
        default_end,
        kept,
    })
}

/// The latest that it may be, whenever it is fetched: fixed from the moment it was asked, so that a screen says the same
/// whenever it is looked at. A redemption gives no more than the usual life from then on.
fn default_end(found: &Found, client: &Client) -> Timestamp {
    match (&found.asking, &found.request.asked.consent) {
        (Some(asking), _) => {
            let use_within = match found.request.kind {
                Kind::Access => APPROVED_FOR,
                Kind::Ciba | Kind::Device | Kind::Transaction | Kind::Consent => {
                    SINGLE_USE_LIFETIME
                }
            };
            asking
                .ends_at
                .min(found.request.expires_at.plus(use_within))
        }
        (None, Some(consent)) => consent.ends_at,
        (None, None) => {
            let lifetime = client.task_lifetime.min(longest_task(client));
            found.request.expires_at.plus(lifetime)
        }
    }
}

/// The least that one of them agreed to: clocks of several nodes say nothing about who was the last.
fn left_by_others(
    found: &Found,
    default_end: Timestamp,
    catalogue: &Catalogue,
) -> Result<(Authority, Timestamp), PageError> {
    let mut seen = Vec::new();
    let mut ends_at = default_end;
    for stored in &found.receipts {
        let receipt = receipt::read(&stored.document).map_err(PageError::broken)?;
        if receipt.outcome == Verdict::Agreed {
            let screen = receipt.screen.screen().map_err(PageError::broken)?;
            let end = screen.more.get("ends_at").and_then(|end| end.as_str());
            let end = end.and_then(Timestamp::from_rfc3339);
            ends_at = end.map_or(ends_at, |end| end.min(ends_at));
            seen.push(screen.authority);
        }
    }
    let asked = &found.request.asked.authority;
    Ok((approval::least(asked, &seen, &catalogue.types), ends_at))
}

async fn chain(app: &App, asking: Option<&Lineage>) -> Result<Vec<AgentName>, StoreError> {
    let act = asking.and_then(|asking| asking.leaf.act.as_ref());
    let mut chain = Vec::new();
    for actor in act.iter().flat_map(|act| act.chain()).skip(1) {
        let name = app.client(&actor.sub).await?.map(|c| c.name.clone());
        let id = actor.sub.clone();
        chain.insert(0, AgentName { id, name });
    }
    Ok(chain)
}

impl Question {
    /// When this person was first shown the request.
    pub fn since(&self, now: Timestamp) -> Timestamp {
        self.kept.as_ref().map_or(now, |shown| shown.since)
    }

    /// Whether nothing was allowed to this client when this person was first shown the request: a yes to another one since leaves the screen
    /// as it was read.
    pub fn is_first(&self, now: Timestamp) -> bool {
        let since = self.since(now);
        self.first_allowed.is_none_or(|at| at >= since)
    }

    pub fn has_agreed(&self, user: &User) -> bool {
        self.votes.iter().any(|vote| vote.user == user.id)
    }

    /// What a choice leaves, and until when.
    pub fn left(
        &self,
        less: &Narrowing,
        now: Timestamp,
    ) -> Result<(Authority, Timestamp), NarrowingError> {
        let left = narrowing::narrow(&self.base, less, self.catalogue.realm())?;
        Ok((left, narrowing::ends_at(less, self.default_end, now)?))
    }

    /// Whether the task of the chain that asked does not cover it: of an action of a resource's record its scope, as for the token.
    pub fn is_beyond_task(&self) -> bool {
        let realm = self.catalogue.realm();
        let asked = self.request.asked.measured(&self.base);
        self.asking
            .as_ref()
            .is_some_and(|asking| !is_within(&asking.task, &asked, realm))
    }

    /// The task of a chain that works for the person whom this is about: they approved it.
    pub fn task(&self) -> Option<&Task> {
        let task = &self.asking.as_ref()?.task;
        let by_subject = Subject::Person(self.subject.id.to_string());
        (task.subject == by_subject).then_some(task)
    }

    /// Whether what the record says of the action is what somebody confirmed.
    pub fn unconfirmed(&self) -> Option<UnconfirmedDefinition> {
        let access = self.request.asked.access.as_ref()?;
        access.unconfirmed(self.catalogue.resources.get(&access.resource)?)
    }
}
