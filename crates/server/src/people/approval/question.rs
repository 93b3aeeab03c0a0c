//! The facts of one request for one person: read in one go, then judged without the database.

use std::sync::Arc;

use writ_authority::{Authority, Types};
use writ_core::approval::{self, VoteError, VotingRight};
use writ_core::authorize::UserSession;
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
use writ_pages::{AgentName, OnwardView};
use writ_store::receipt::StoredReceipt;
use writ_store::{DatabaseTransaction as Reading, StoreError};
use writ_wire::time::Timestamp;

use super::broken;
use crate::node::app::App;
use crate::node::registry::Catalogue;
use crate::notifications::seal::of_user_code;
use crate::people::authorize::Ended;
use crate::people::consent::onward;

/// An open request before a person who may decide it.
pub struct Question {
    pub request: PendingRequest,
    pub client: Arc<Client>,
    pub catalogue: Arc<Catalogue>,
    pub standing: VotingRight,
    /// On whose behalf.
    pub subject: User,
    pub votes: Vec<Vote>,
    /// What was asked, or what is left of it after others agreed to less.
    pub base: Authority,
    /// When what is approved ends, unless somebody chooses less.
    pub usual_end: Timestamp,
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
    /// What this person was shown last.
    pub kept: Option<Shown>,
    pub nonce: String,
}

/// Why there is no question.
pub enum Refused {
    /// No such request, or none of this person's: the same answer.
    Unknown,
    Ended(Box<Ending>),
}

/// A request that this person may not decide any more.
pub struct Ending {
    pub request: PendingRequest,
    pub client: Option<Arc<Client>>,
    pub votes: Vec<Vote>,
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
    /// Sealed; of a device request.
    user_code: Option<String>,
}

pub async fn load(
    app: &App,
    person: &UserSession,
    id: &ApprovalId,
) -> Result<Result<Question, Refused>, Ended> {
    let catalogue = app.catalogue().await?;
    let Some(found) = find(app, person, (id, &catalogue.types)).await? else {
        return Ok(Err(Refused::Unknown));
    };
    let client = app.client(found.request.client.as_str()).await?;
    let standing = approval::voting_right(&found.request, &person.user, app.clock.now());
    match (standing, client, &found.subject) {
        (Err(VoteError::Ended(_)), client, _) => Ok(Err(Refused::Ended(Box::new(Ending {
            request: found.request,
            client,
            votes: found.votes,
        })))),
        (Ok(standing), Some(client), Some(_)) => {
            Ok(Ok(
                question(app, found, (client, catalogue, standing)).await?
            ))
        }
        _ => Ok(Err(Refused::Unknown)),
    }
}

async fn find(
    app: &App,
    person: &UserSession,
    (id, types): (&ApprovalId, &Types),
) -> Result<Option<Found>, Ended> {
    let mut reading = app.read().await?;
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
        Some(subject) => newest(&mut reading, subject, (&request.asked.authority, types)).await?,
        None => Newest::new(),
    };
    let user_code = match request.kind {
        Kind::Device => reading.pending_sealed(id).await?,
        Kind::Ciba | Kind::Transaction => None,
    };
    Ok(Some(Found {
        kept: reading.screen(id, &person.user.id).await?,
        subject: subject.map(|stored| stored.user),
        request,
        votes,
        receipts,
        asking,
        newest,
        user_code,
    }))
}

/// Of each type in `authority` that says what is usual.
pub async fn newest(
    session: &mut Reading,
    subject: &UserId,
    (authority, types): (&Authority, &Types),
) -> Result<Newest, StoreError> {
    let mut newest = Newest::new();
    for name in history::types_of(authority, types) {
        let uses = session.newest_uses(subject, &name).await?;
        newest.insert(name, uses);
    }
    Ok(newest)
}

async fn question(
    app: &App,
    found: Found,
    (client, catalogue, standing): (Arc<Client>, Arc<Catalogue>, VotingRight),
) -> Result<Question, Ended> {
    let kept: Option<Shown> = match &found.kept {
        Some(text) => Some(serde_json::from_str(text).map_err(broken)?),
        None => None,
    };
    let user_code = match &found.user_code {
        Some(sealed) => Some(app.unseal(&of_user_code(&found.request.id), sealed)?),
        None => None,
    };
    let usual_end = usual_end(&found, &client);
    let (base, usual_end) = left_by_others(&found, usual_end, &catalogue)?;
    let nonce = kept.as_ref().map(|shown| shown.nonce.clone());
    Ok(Question {
        chain: chain(app, found.asking.as_ref()).await?,
        onward: onward(app, &found.request.asked.onward).await?,
        catalogue,
        newest: found.newest,
        user_code,
        subject: found.subject.ok_or_else(|| broken("nobody is asked"))?,
        nonce: nonce.unwrap_or_else(|| app.random.secret()),
        request: found.request,
        votes: found.votes,
        asking: found.asking,
        client,
        standing,
        base,
        usual_end,
        kept,
    })
}

/// The latest that it may be, whenever it is fetched: fixed from the moment it was asked, so that a screen says the same
/// whenever it is looked at. A redemption gives no more than the usual life from then on.
fn usual_end(found: &Found, client: &Client) -> Timestamp {
    match &found.asking {
        Some(asking) => asking
            .ends_at
            .min(found.request.expires_at.plus(SINGLE_USE_LIFETIME)),
        None => {
            let lifetime = client.task_lifetime.min(longest_task(client));
            found.request.expires_at.plus(lifetime)
        }
    }
}

/// The least that anybody agreed to: clocks of several nodes say nothing about who was the last.
fn left_by_others(
    found: &Found,
    usual: Timestamp,
    catalogue: &Catalogue,
) -> Result<(Authority, Timestamp), Ended> {
    let mut seen = Vec::new();
    let mut ends_at = usual;
    for stored in &found.receipts {
        let receipt = receipt::read(&stored.document).map_err(broken)?;
        if receipt.outcome == Verdict::Agreed {
            let screen = receipt.screen.screen().map_err(broken)?;
            let end = screen.more.get("ends_at").and_then(|end| end.as_str());
            let end = end.and_then(Timestamp::from_rfc3339);
            ends_at = end.map_or(ends_at, |end| end.min(ends_at));
            seen.push(screen.authority);
        }
    }
    let asked = &found.request.asked.authority;
    Ok((approval::least(asked, &seen, &catalogue.types), ends_at))
}

async fn chain(app: &App, asking: Option<&Lineage>) -> Result<Vec<AgentName>, Ended> {
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
        Ok((left, narrowing::ends_at(less, self.usual_end, now)?))
    }

    /// Whether the task of the chain that asked does not cover it.
    pub fn is_beyond_task(&self) -> bool {
        let realm = self.catalogue.realm();
        self.asking
            .as_ref()
            .is_some_and(|asking| !is_within(&asking.task, &self.base, realm))
    }
}
