//! From an approval to its one token: everything is judged again (LESSONS 27), then signed and written with its events.

use writ_core::OAuthError;
use writ_core::client::{Client, User};
use writ_core::event::{Event, EventName};
use writ_core::history;
use writ_core::id::{DelegationId, TaskId, TransactionId};
use writ_core::lineage::Lineage;
use writ_core::mint::{self, Minting};
use writ_core::pending::{
    self, Deciders, Decision, PendingRequest, RedeemedApproval, RedemptionFacts, RedemptionIds,
};
use writ_core::realm::DecisionContext;
use writ_core::refresh::{Binding, NewRefreshToken};
use writ_core::target;
use writ_core::task::Task;
use writ_jose::key::Thumbprint;
use writ_jose::{hash, id_token};
use writ_store::DatabaseTransaction;
use writ_store::approved_uses::NewUses;
use writ_store::write::InsertBatch;
use writ_wire::claims::IdTokenClaims;
use writ_wire::resource::ResourceUri;
use writ_wire::token::{GrantType, TokenResponse};

use crate::approvals::create::{Deciding, deciders};
use crate::node::failure::Failure;
use crate::node::registry::parse_client;
use crate::node::secret::secret_digest;
use crate::request::granting::Granting;
use crate::request::granting::Minted;
use crate::request::replay::Single;

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

/// Judges everything again, signs the token, and writes it with its events: one approval, one edge, one token.
pub async fn make(
    granting: &Granting<'_>,
    session: &mut DatabaseTransaction,
    request: &PendingRequest,
    fetch: Fetch<'_>,
) -> Result<Made, Failure> {
    let refuse = |refusal| granting.refuse(refusal);
    let gone = || OAuthError::invalid_grant("this request was not approved");
    let decision = request.decision().ok_or_else(|| refuse(gone()))?;
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
    let writes = InsertBatch {
        task: redeemed.task.as_ref(),
        delegation: Some(&redeemed.delegation),
        event: Some(&event),
        ..InsertBatch::default()
    };
    granting.write(session, fetch.singles, writes).await?;
    let edge = &redeemed.delegation.id;
    if !session
        .redeem_pending(&request.id, edge, granting.now)
        .await?
    {
        return Err(refuse(OAuthError::invalid_grant(
            "the approval was used or ended just now",
        )));
    }
    remember(granting, session, (request, &redeemed)).await?;
    let event = redeemed_event(granting, (request, decision), (task, &redeemed));
    session.insert_event(&event).await?;
    let context = (&loaded.client, &redeemed, fetch.key);
    minted.response.refresh_token = refresh_token(granting, session, context).await?;
    Ok(Made {
        response: minted.response,
        delegation: redeemed.delegation.id,
        identity,
    })
}

/// What this person approved is what is usual for them from now on.
async fn remember(
    granting: &Granting<'_>,
    session: &mut DatabaseTransaction,
    (request, redeemed): (&PendingRequest, &RedeemedApproval),
) -> Result<(), Failure> {
    let Some(subject) = &request.subject else {
        return Ok(());
    };
    let authority = &redeemed.delegation.authority;
    let uses = history::uses(authority, subject, granting.catalogue.realm().types);
    let new = NewUses {
        approval: &request.id,
        client: &request.client,
        subject,
        uses: &uses,
    };
    Ok(session.insert_uses(new, granting.now).await?)
}

/// LESSONS 27: all of it as it is now.
struct Loaded {
    client: Client,
    subject: Option<User>,
    asking: Option<Lineage>,
    /// `None` where nobody could decide now.
    deciders: Option<Deciders>,
}

async fn load(
    granting: &Granting<'_>,
    session: &mut DatabaseTransaction,
    request: &PendingRequest,
) -> Result<Loaded, Failure> {
    let client = client(granting, session).await?;
    let subject = match &request.subject {
        Some(id) => session.user_by_id(id).await?.map(|stored| stored.user),
        None => None,
    };
    let asking = match &request.asked_by {
        Some(id) => session.lineage(id).await?,
        None => None,
    };
    let deciders = match &subject {
        Some(subject) => {
            let deciding = Deciding {
                authority: &request.asked.authority,
                client: &client,
                subject,
                task: asking.as_ref().map(|lineage| &lineage.task),
            };
            let now = deciders(session, &deciding, granting.catalogue.realm()).await?;
            now.ok()
        }
        None => None,
    };
    Ok(Loaded {
        client,
        subject,
        asking,
        deciders,
    })
}

/// As it is in this transaction: the record at hand may be older than a poll that was held.
async fn client(
    granting: &Granting<'_>,
    session: &mut DatabaseTransaction,
) -> Result<Client, Failure> {
    let id = &granting.caller.client.id;
    match session.client(id).await?.filter(|stored| !stored.stopped) {
        Some(stored) => Ok(parse_client(id.as_str(), &stored)?),
        None => Err(granting.refuse(OAuthError::invalid_grant("this client is stopped"))),
    }
}

fn decide(
    granting: &Granting<'_>,
    loaded: &Loaded,
    (request, decision): (&PendingRequest, &Decision),
    fetch: &Fetch<'_>,
) -> Result<RedeemedApproval, OAuthError> {
    let (app, now) = (granting.app, granting.now);
    let facts = RedemptionFacts {
        request,
        decision,
        client: &loaded.client,
        subject: loaded.subject.as_ref(),
        deciders: loaded.deciders.as_ref(),
        asking: loaded.asking.as_ref(),
        key: fetch.key,
    };
    let ids = RedemptionIds {
        task: TaskId::make(now, app.entropy()),
        delegation: DelegationId::make(now, app.entropy()),
        transaction: TransactionId::make(now, app.entropy()),
        salt: app.random.identifier(),
    };
    let context = DecisionContext {
        realm: granting.catalogue.realm(),
        now,
    };
    pending::redeem(&facts, context, ids)
}

fn mint(
    granting: &Granting<'_>,
    (request, task): (&PendingRequest, &Task),
    redeemed: &RedeemedApproval,
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
    (task, redeemed): (&Task, &RedeemedApproval),
    minted: &Minted,
) -> Option<IdTokenClaims> {
    let approval = redeemed.delegation.approval.as_ref();
    let decided = Task {
        approval: approval.unwrap_or(&task.approval).clone(),
        ..task.clone()
    };
    let client = granting.caller.client.id.as_str();
    let at_hash = hash::at_hash(&minted.response.access_token);
    let context = DecisionContext {
        realm: granting.catalogue.realm(),
        now: granting.now,
    };
    mint::id_token(&decided, client, None, at_hash, context)
}

fn redeemed_event(
    granting: &Granting<'_>,
    (request, decision): (&PendingRequest, &Decision),
    (task, redeemed): (&Task, &RedeemedApproval),
) -> Event {
    let id = granting.app.event_id(granting.now);
    Event::new(id, granting.now, EventName::ApprovalRedeemed)
        .by(&granting.caller.client)
        .about(task)
        .under(&redeemed.delegation)
        .permitted()
        .with(serde_json::json!({
            "approval": request.id,
            "kind": request.kind.as_str(),
            "by": decision.by,
            "narrowed": decision.narrowed,
            "asked_by": redeemed.delegation.asked_by,
        }))
}

/// For a task of its own, if the client may use one; never for an edge that is good for one action.
async fn refresh_token(
    granting: &Granting<'_>,
    session: &mut DatabaseTransaction,
    (client, redeemed, key): (&Client, &RedeemedApproval, Option<&Thumbprint>),
) -> Result<Option<String>, Failure> {
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
