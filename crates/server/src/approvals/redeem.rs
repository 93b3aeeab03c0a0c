//! From an approval to its one token: everything is judged again, then signed and written with its events.

use writ_core::OAuthError;
use writ_core::client::{Client, User};
use writ_core::event::{Event, EventName};
use writ_core::history;
use writ_core::id::{DelegationId, TaskId, TransactionId, UserId};
use writ_core::lineage::Lineage;
use writ_core::mint::{self, Minting};
use writ_core::pending::{
    self, Deciders, Decision, PendingRequest, RedeemedApproval, RedemptionFacts, RedemptionIds,
};
use writ_core::target;
use writ_core::task::Task;
use writ_jose::hash;
use writ_jose::key::Thumbprint;
use writ_store::DatabaseTransaction;
use writ_store::approved_uses::NewUses;
use writ_store::client::StoredClient;
use writ_store::write::InsertBatch;
use writ_wire::claims::{IdTokenClaims, PersonClaims};
use writ_wire::resource::ResourceUri;
use writ_wire::token::TokenResponse;

use crate::approvals::create::{Deciding, deciding_people};
use crate::node::failure::Failure;
use crate::node::registry::parse_client;
use crate::request::person_claims::person_claims;
use crate::request::replay::ReplayCheck;
use crate::request::token_request::{MintedToken, RefreshGrant, TokenRequestContext};

/// How an approval is fetched.
pub struct Redemption<'a> {
    pub key: Option<&'a Thumbprint>,
    pub resource: &'a [ResourceUri],
    /// What is used up with it.
    pub checks: Vec<ReplayCheck>,
}

/// A token that is signed and written; it leaves only after the commit.
pub struct IssuedApproval {
    pub response: TokenResponse,
    pub delegation: DelegationId,
    /// The ID token's claims, where the person agreed to say who they are.
    pub identity: Option<IdTokenClaims>,
}

/// What was approved, and what it gives.
#[derive(Clone, Copy)]
struct ApprovedRequest<'a> {
    request: &'a PendingRequest,
    decision: &'a Decision,
    task: &'a Task,
    redeemed: &'a RedeemedApproval,
}

/// Judges everything again, signs the token, and writes it with its events: one approval, one delegation, one token.
pub async fn redeem_approval(
    context: &TokenRequestContext<'_>,
    transaction: &mut DatabaseTransaction,
    request: &PendingRequest,
    redemption: Redemption<'_>,
) -> Result<IssuedApproval, Failure> {
    let refuse = |refusal| context.refuse(refusal);
    let gone = || OAuthError::invalid_grant("this request was not approved");
    let decision = request.decision().ok_or_else(|| refuse(gone()))?;
    let loaded = load(context, transaction, request).await?;
    let key = redemption.key;
    let redeemed = decide(context, &loaded, request, decision, key).map_err(refuse)?;
    let asking = loaded.asking.as_ref().map(|lineage| &lineage.task);
    let task = redeemed.task.as_ref().or(asking);
    let approved = ApprovedRequest {
        request,
        decision,
        task: task.ok_or_else(|| refuse(gone()))?,
        redeemed: &redeemed,
    };
    let person = UserId::from_text(approved.task.subject.as_str());
    let (granted, issuer) = (&redeemed.delegation.authority, &context.catalogue.issuer);
    let person = person_claims(transaction, granted, issuer, &person).await?;
    let (mut minted, identity) = mint(context, approved, &redemption, person)?;
    context.claim_keys(transaction).await?;
    write(context, transaction, approved, &minted, redemption.checks).await?;
    if redeemed.task.is_some() {
        // Never for a delegation that is good for one action.
        let grant = RefreshGrant {
            client: &loaded.client,
            delegation: &redeemed.delegation,
            key,
        };
        minted.response.refresh_token = context.issue_refresh_token(transaction, grant).await?;
    }
    Ok(IssuedApproval {
        response: minted.response,
        delegation: redeemed.delegation.id,
        identity,
    })
}

/// Task, delegation and events; the approval is used up by one guarded statement.
async fn write(
    context: &TokenRequestContext<'_>,
    transaction: &mut DatabaseTransaction,
    approved: ApprovedRequest<'_>,
    minted: &MintedToken,
    checks: Vec<ReplayCheck>,
) -> Result<(), Failure> {
    let (redeemed, request) = (approved.redeemed, approved.request);
    let delegation = &redeemed.delegation;
    let event = context.token_event(EventName::TokenIssued, minted, approved.task, delegation);
    let writes = InsertBatch {
        task: redeemed.task.as_ref(),
        delegation: Some(delegation),
        event: Some(&event),
        ..InsertBatch::default()
    };
    let caller = &context.caller;
    caller
        .write(context.app, transaction, checks, writes)
        .await?;
    if !transaction
        .redeem_pending(&request.id, &delegation.id, context.now)
        .await?
    {
        return Err(context.refuse(OAuthError::invalid_grant(
            "the approval was used or ended just now",
        )));
    }
    remember_uses(context, transaction, approved).await?;
    let event = redeemed_event(context, approved);
    Ok(transaction.insert_event(&event).await?)
}

/// What this person approved is what is usual for them from now on.
async fn remember_uses(
    context: &TokenRequestContext<'_>,
    transaction: &mut DatabaseTransaction,
    ApprovedRequest {
        request, redeemed, ..
    }: ApprovedRequest<'_>,
) -> Result<(), Failure> {
    let Some(subject) = &request.subject else {
        return Ok(());
    };
    let authority = &redeemed.delegation.authority;
    let uses = history::uses(authority, subject, context.catalogue.realm().types);
    let new = NewUses {
        approval: &request.id,
        client: &request.client,
        subject,
        uses: &uses,
    };
    Ok(transaction.insert_uses(new, context.now).await?)
}

/// Rows as they are in this transaction.
struct Loaded {
    client: Client,
    subject: Option<User>,
    asking: Option<Lineage>,
    /// `None` where nobody could decide now.
    deciders: Option<Deciders>,
}

async fn load(
    context: &TokenRequestContext<'_>,
    transaction: &mut DatabaseTransaction,
    request: &PendingRequest,
) -> Result<Loaded, Failure> {
    let client = client(context, transaction).await?;
    let subject = match &request.subject {
        Some(id) => transaction.user_by_id(id).await?.map(|stored| stored.user),
        None => None,
    };
    let asking = match &request.asked_by {
        Some(id) => transaction.lineage(id).await?,
        None => None,
    };
    let deciders = match &subject {
        Some(subject) => {
            let deciding = Deciding {
                authority: &request.asked.authority,
                client: &client,
                subject,
                asking: asking.as_ref(),
            };
            let people = deciding_people(transaction, &deciding, context.catalogue.realm()).await?;
            people.deciders().ok()
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
    context: &TokenRequestContext<'_>,
    transaction: &mut DatabaseTransaction,
) -> Result<Client, Failure> {
    let id = &context.caller.client.id;
    match transaction
        .client(id)
        .await?
        .filter(StoredClient::is_active)
    {
        Some(stored) => Ok(parse_client(id.as_str(), &stored)?),
        None => Err(context.refuse(OAuthError::invalid_grant("this client is stopped"))),
    }
}

fn decide(
    context: &TokenRequestContext<'_>,
    loaded: &Loaded,
    request: &PendingRequest,
    decision: &Decision,
    key: Option<&Thumbprint>,
) -> Result<RedeemedApproval, OAuthError> {
    let (app, now) = (context.app, context.now);
    let facts = RedemptionFacts {
        request,
        decision,
        client: &loaded.client,
        subject: loaded.subject.as_ref(),
        deciders: loaded.deciders.as_ref(),
        asking: loaded.asking.as_ref(),
        key,
    };
    let ids = RedemptionIds {
        task: TaskId::make(now, app.entropy()),
        delegation: DelegationId::make(now, app.entropy()),
        transaction: TransactionId::make(now, app.entropy()),
        salt: app.random.identifier(),
    };
    pending::redeem(&facts, context.decision_context(), ids)
}

fn mint(
    context: &TokenRequestContext<'_>,
    approved: ApprovedRequest<'_>,
    redemption: &Redemption<'_>,
    person: PersonClaims,
) -> Result<(MintedToken, Option<IdTokenClaims>), Failure> {
    let realm = context.catalogue.realm();
    let delegation = &approved.redeemed.delegation;
    let audience = target::audience(&delegation.authority, redemption.resource, realm)
        .map_err(|refusal| context.refuse(refusal))?;
    let minting = Minting {
        task: approved.task,
        delegation,
        audience: &audience,
        view: &delegation.authority.view(&audience),
        jkt: redemption.key,
        not_after: delegation.expires_at,
    };
    let mut minted = context.mint(&minting)?;
    let agreed =
        approved.request.asked.identity && target::has_openid(&delegation.authority, realm);
    let identity = agreed
        .then(|| identity(context, approved, &minted))
        .flatten()
        .map(|claims| IdTokenClaims { person, ..claims });
    if let Some(claims) = &identity {
        minted.response.id_token = Some(context.sign_id_token(claims)?);
    }
    Ok((minted, identity))
}

/// The person was authenticated for this very decision, also within an older task.
fn identity(
    context: &TokenRequestContext<'_>,
    ApprovedRequest { task, redeemed, .. }: ApprovedRequest<'_>,
    minted: &MintedToken,
) -> Option<IdTokenClaims> {
    let approval = redeemed.delegation.approval.as_ref();
    let decided = Task {
        approval: approval.unwrap_or(&task.approval).clone(),
        ..task.clone()
    };
    let client = context.caller.client.id.as_str();
    let at_hash = hash::at_hash(&minted.response.access_token);
    mint::id_token(&decided, client, None, at_hash, context.decision_context())
}

fn redeemed_event(context: &TokenRequestContext<'_>, approved: ApprovedRequest<'_>) -> Event {
    let (decision, redeemed) = (approved.decision, approved.redeemed);
    let id = context.app.event_id(context.now);
    Event::new(id, context.now, EventName::ApprovalRedeemed)
        .by(&context.caller.client)
        .about(approved.task)
        .under(&redeemed.delegation)
        .permitted()
        .with(serde_json::json!({
            "approval": approved.request.id,
            "kind": approved.request.kind.as_str(),
            "by": decision.by,
            "narrowed": decision.narrowed,
            "asked_by": redeemed.delegation.asked_by,
        }))
}
