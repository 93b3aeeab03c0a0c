//! What a person approved is fetched (CIBA 10.1 and 11, RFC 8628 sections 3.4 and 3.5): a poll, perhaps a long one, and at the end
//! one token. The same for every flow that waits for a person.

use tokio::time::Instant;
use writ_core::Refusal;
use writ_core::client::User;
use writ_core::event::{Event, EventName};
use writ_core::id::{ApprovalId, DelegationId, TaskId, TransactionId};
use writ_core::lineage::Lineage;
use writ_core::mint::{self, Minting};
use writ_core::pending::{
    self, Decision, Facts, Fresh, Hasty, Kind, PendingRequest, Poll, Redeemed, Stage,
};
use writ_core::refresh::{Binding, NewRefreshToken};
use writ_core::target;
use writ_core::task::Task;
use writ_jose::key::Thumbprint;
use writ_jose::{hash, id_token};
use writ_store::Session;
use writ_store::pending::Polled;
use writ_store::write::Writes;
use writ_wire::claims::IdTokenClaims;
use writ_wire::resource::ResourceUri;
use writ_wire::time::Timestamp;
use writ_wire::token::{GrantType, TokenResponse};

use super::Minted;
use crate::answer::Failure;
use crate::caller::secret_digest;
use crate::ciba::stages;
use crate::once::Single;
use crate::token::Granting;
use crate::waiting::Woken;

/// What a client polls with.
pub struct Handle<'a> {
    pub kind: Kind,
    /// `auth_req_id` or `device_code`.
    pub text: &'a str,
    pub resource: &'a [ResourceUri],
}

/// How an approval is fetched.
pub struct Fetch<'a> {
    pub key: Option<&'a Thumbprint>,
    pub resource: &'a [ResourceUri],
    /// What is used up with it.
    pub singles: Vec<Single>,
}

/// A token that is signed and written; it leaves only after the commit.
pub struct Made {
    pub response: TokenResponse,
    pub delegation: DelegationId,
    /// The ID token's claims, where the person agreed to say who they are.
    pub identity: Option<IdTokenClaims>,
}

/// What one look found.
enum Looked {
    Token(Box<TokenResponse>),
    Open(Open),
}

/// Nobody decided yet.
struct Open {
    id: ApprovalId,
    answer: Refusal,
    hasty: Hasty,
    expires_at: Timestamp,
}

/// Whether this request's assertion and proof are used up already.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Singles {
    Fresh,
    Used,
}

pub async fn fetch(
    mut granting: Granting<'_>,
    handle: &Handle<'_>,
) -> Result<TokenResponse, Failure> {
    let open = match look(&granting, handle, Singles::Fresh).await? {
        Looked::Token(response) => return Ok(*response),
        Looked::Open(open) => open,
    };
    let waiting = |refusal| Err(Failure::Waiting(Box::new(refusal)));
    let (Some(most), Hasty::No) = (granting.wait, open.hasty) else {
        return waiting(open.answer);
    };
    let most = most.min(granting.now.until(open.expires_at));
    let end = Instant::now() + most;
    loop {
        let Some(place) = granting.app.waiting.join(&open.id) else {
            return waiting(open.answer);
        };
        // It may have been decided before the place was taken.
        if let Looked::Token(response) = again(&mut granting, handle).await? {
            return Ok(*response);
        }
        match place.wait_until(end).await {
            // Not every change is a decision: somebody opened the request, or was told of it.
            Woken::Changed => {}
            Woken::Replaced => return waiting(open.answer),
            Woken::TimedOut => break,
        }
    }
    match again(&mut granting, handle).await? {
        Looked::Token(response) => Ok(*response),
        Looked::Open(open) => waiting(open.answer),
    }
}

/// As it is now; a second look of the same poll.
async fn again(granting: &mut Granting<'_>, handle: &Handle<'_>) -> Result<Looked, Failure> {
    granting.now = granting.app.clock.now();
    granting.catalogue = granting.app.catalogue().await?;
    granting.keys = granting.app.keys().await?;
    look(granting, handle, Singles::Used).await
}

async fn look(
    granting: &Granting<'_>,
    handle: &Handle<'_>,
    singles: Singles,
) -> Result<Looked, Failure> {
    let mut session = granting.app.begin().await?;
    let digest = secret_digest(handle.text);
    let found = session.pending(handle.kind, &digest).await?;
    let client = &granting.caller.client.id;
    match pending::poll(found.as_ref(), handle.kind, (client, granting.now)) {
        Poll::Refuse(refusal) => Err(granting.refuse(refusal)),
        Poll::Wait(request) => poll(granting, session, request, singles)
            .await
            .map(Looked::Open),
        Poll::Redeem(request, _) => {
            let fetch = Fetch {
                key: granting.caller.key(),
                resource: handle.resource,
                singles: match singles {
                    Singles::Fresh => granting.caller.singles(),
                    Singles::Used => Vec::new(),
                },
            };
            let made = make(granting, &mut session, request, fetch).await?;
            granting
                .commit(session, &made.delegation, Refusal::invalid_grant)
                .await?;
            granting.app.waiting.announce_request(request);
            granting.app.metrics.issued(match handle.kind {
                Kind::Ciba => "ciba",
                Kind::Device => "device_code",
            });
            Ok(Looked::Token(Box::new(made.response)))
        }
    }
}

/// Counts the poll; a second look of the same poll counts nothing.
async fn poll(
    granting: &Granting<'_>,
    mut session: Session,
    request: &PendingRequest,
    singles: Singles,
) -> Result<Open, Failure> {
    let (mut polling, mut hasty) = (request.polling, Hasty::No);
    if singles == Singles::Fresh {
        granting.claim(&mut session).await?;
        if let Polled::Hasty(slower) = session.poll_pending(&request.id, granting.now).await? {
            (polling, hasty) = (slower, Hasty::Yes);
        }
        session.commit().await?;
        granting.app.remember_keys(&granting.caller);
    }
    Ok(Open {
        id: request.id.clone(),
        answer: polling.answer(hasty),
        hasty,
        expires_at: request.expires_at,
    })
}

/// Judges everything again, signs the token, and writes it with its events: one approval, one edge, one token.
pub async fn make(
    granting: &Granting<'_>,
    session: &mut Session,
    request: &PendingRequest,
    fetch: Fetch<'_>,
) -> Result<Made, Failure> {
    let refuse = |refusal| granting.refuse(refusal);
    let gone = || Refusal::invalid_grant("this request was not approved");
    let decision = request.decision.as_ref().ok_or_else(|| refuse(gone()))?;
    let loaded = load(granting, session, request).await?;
    let redeemed = decide(granting, &loaded, (request, decision), &fetch).map_err(refuse)?;
    let asking = loaded.asking.as_ref().map(|lineage| &lineage.task);
    let task = redeemed.task.as_ref().or(asking);
    let task = task.ok_or_else(|| refuse(gone()))?;
    let (mut minted, identity) = mint(granting, (request, task), &redeemed, &fetch)?;
    granting.claim_keys(session).await?;
    let event = granting.token_event(
        EventName::TokenIssued,
        &minted,
        (task, &redeemed.delegation),
    );
    let writes = Writes {
        task: redeemed.task.as_ref(),
        delegation: Some(&redeemed.delegation),
        event: Some(&event),
        ..Writes::default()
    };
    granting.write(session, fetch.singles, writes).await?;
    let edge = &redeemed.delegation.id;
    if !session
        .redeem_pending(&request.id, edge, granting.now)
        .await?
    {
        return Err(refuse(Refusal::invalid_grant(
            "the approval was used or ended just now",
        )));
    }
    let event = redeemed_event(granting, (request, decision), (task, &redeemed));
    session.insert_event(&event).await?;
    let context = (&redeemed, fetch.key);
    minted.response.refresh_token = refresh_token(granting, session, context).await?;
    Ok(Made {
        response: minted.response,
        delegation: redeemed.delegation.id,
        identity,
    })
}

/// LESSONS 27: all of it as it is now.
struct Loaded {
    subject: Option<User>,
    asking: Option<Lineage>,
    stages: Vec<Stage>,
}

async fn load(
    granting: &Granting<'_>,
    session: &mut Session,
    request: &PendingRequest,
) -> Result<Loaded, Failure> {
    let subject = match &request.subject {
        Some(id) => session.user_by_id(id).await?.map(|stored| stored.user),
        None => None,
    };
    let asking = match &request.asked_by {
        Some(id) => session.lineage(id).await?,
        None => None,
    };
    let stages = match &subject {
        Some(user) => {
            let decides = (&request.asked.authority, user, &*granting.caller.client);
            stages(session, decides, granting.catalogue.realm()).await?
        }
        None => Ok(Vec::new()),
    };
    Ok(Loaded {
        subject,
        asking,
        // Who cannot be found decides nothing: another list than the one that was asked.
        stages: stages.unwrap_or_default(),
    })
}

fn decide(
    granting: &Granting<'_>,
    loaded: &Loaded,
    (request, decision): (&PendingRequest, &Decision),
    fetch: &Fetch<'_>,
) -> Result<Redeemed, Refusal> {
    let (app, now) = (granting.app, granting.now);
    let facts = Facts {
        request,
        decision,
        client: &granting.caller.client,
        subject: loaded.subject.as_ref(),
        stages: &loaded.stages,
        asking: loaded.asking.as_ref(),
        key: fetch.key,
    };
    let fresh = Fresh {
        task: TaskId::make(now, app.entropy()),
        delegation: DelegationId::make(now, app.entropy()),
        transaction: TransactionId::make(now, app.entropy()),
        salt: app.random.identifier(),
    };
    pending::redeem(&facts, (granting.catalogue.realm(), now, fresh))
}

fn mint(
    granting: &Granting<'_>,
    (request, task): (&PendingRequest, &Task),
    redeemed: &Redeemed,
    fetch: &Fetch<'_>,
) -> Result<(Minted, Option<IdTokenClaims>), Failure> {
    let realm = granting.catalogue.realm();
    let delegation = &redeemed.delegation;
    let audience = target::audience(&delegation.authority, fetch.resource, realm)
        .map_err(|refusal| granting.refuse(refusal))?;
    let minting = Minting {
        task,
        delegation,
        audience: &audience,
        view: &delegation.authority.view(&audience),
        jkt: fetch.key,
        not_after: delegation.expires_at,
    };
    let mut minted = granting.mint(&minting)?;
    let agreed = request.asked.identity && target::has_openid(&delegation.authority, realm);
    let identity = agreed
        .then(|| identity(granting, (task, redeemed), &minted))
        .flatten();
    if let Some(claims) = &identity {
        minted.response.id_token = Some(id_token::sign(&granting.keys.active, claims)?);
    }
    Ok((minted, identity))
}

/// The person was authenticated for this very decision, also within an older task.
fn identity(
    granting: &Granting<'_>,
    (task, redeemed): (&Task, &Redeemed),
    minted: &Minted,
) -> Option<IdTokenClaims> {
    let approval = redeemed.delegation.approval.as_ref();
    let decided = Task {
        approval: approval.unwrap_or(&task.approval).clone(),
        ..task.clone()
    };
    let client = granting.caller.client.id.as_str();
    let at_hash = hash::at_hash(&minted.response.access_token);
    let context = (granting.catalogue.realm(), granting.now);
    mint::id_token(&decided, client, None, at_hash, context)
}

fn redeemed_event(
    granting: &Granting<'_>,
    (request, decision): (&PendingRequest, &Decision),
    (task, redeemed): (&Task, &Redeemed),
) -> Event {
    let id = granting.app.event_id(granting.now);
    Event::new(id, granting.now, EventName::ApprovalRedeemed)
        .by(&granting.caller.client)
        .about(task)
        .under(&redeemed.delegation)
        .permitted()
        .with(serde_json::json!({
            "approval": request.id,
            "by": decision.by,
            "narrowed": decision.narrowed,
            "asked_by": redeemed.delegation.asked_by,
        }))
}

/// For a task of its own, if the client may use one; never for an edge that is good for one action.
async fn refresh_token(
    granting: &Granting<'_>,
    session: &mut Session,
    (redeemed, key): (&Redeemed, Option<&Thumbprint>),
) -> Result<Option<String>, Failure> {
    let client = &granting.caller.client;
    if redeemed.task.is_none() || client.may_use(GrantType::RefreshToken).is_err() {
        return Ok(None);
    }
    let secret = granting.app.random.secret();
    let row = NewRefreshToken {
        digest: secret_digest(&secret),
        client: client.id.clone(),
        delegation: redeemed.delegation.id.clone(),
        binding: Binding::of(client, key),
        created_at: granting.now,
        expires_at: redeemed.delegation.expires_at,
    };
    session.insert_refresh_token(&row).await?;
    Ok(Some(secret))
}
