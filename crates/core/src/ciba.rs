//! A backchannel authentication request (CIBA 7.1, 7.2; FAPI-CIBA): what a client may ask, whom, and how strongly that person
//! must answer.

use std::time::Duration;

use writ_authority::{Authority, Level};
use writ_jose::hash;
use writ_jose::key::Thumbprint;
use writ_wire::ciba::BackchannelRequest;
use writ_wire::claims::AccessTokenClaims;
use writ_wire::error::ErrorCode;
use writ_wire::registration::Profile;
use writ_wire::time::Timestamp;
use writ_wire::token::GrantType;

use crate::client::{Client, User};
use crate::exchange;
use crate::id::{ApprovalId, UserId};
use crate::lineage::Lineage;
use crate::pending::{
    Asked, Delivery, Kind, LONGEST_WAIT, POLL_INTERVAL, PendingRequest, Polling, Role,
    SHORTEST_WAIT, Stage, State, USUAL_WAIT,
};
use crate::realm::Realm;
use crate::refusal::Refusal;
use crate::request::{self, Making, OPENID, Wanted};
use crate::target;
use crate::task::{Subject, level_of};
use crate::words;

/// What is asked, as far as the request alone says.
#[derive(Clone, Debug, PartialEq)]
pub struct Prepared {
    pub authority: Authority,
    pub level: Level,
    pub binding_message: Option<String>,
    pub identity: bool,
    pub wait: Duration,
}

/// Decides what this client may ask anybody. `strongest`: the strongest answer that can be given here.
pub fn prepare(
    request: &BackchannelRequest,
    client: &Client,
    (realm, strongest): (Realm<'_>, Level),
    context: &mut Making<'_>,
) -> Result<Prepared, Refusal> {
    client.may_use(GrantType::Ciba)?;
    let delivery = client.backchannel.delivery;
    if delivery != Delivery::Poll && request.client_notification_token.is_none() {
        return Err(Refusal::invalid_request(
            "parameter `client_notification_token` is missing: this client is told of the answer",
        ));
    }
    check_message(request, client)?;
    let wanted = Wanted {
        scopes: &request.scope,
        resources: &request.resource,
        details: &request.authorization_details,
    };
    let authority = request::resolve(&wanted, client, realm, context)?;
    if authority.is_empty() {
        return Err(Refusal::invalid_scope(
            "the request asks for nothing: name `scope`, `authorization_details` or `resource`",
        ));
    }
    if delivery == Delivery::Push {
        target::audience(&authority, &[], realm)?;
    }
    Ok(Prepared {
        level: level(&authority, &request.acr_values, (realm, strongest))?,
        authority,
        binding_message: request.binding_message.clone(),
        identity: request.scope.iter().any(|scope| scope == OPENID),
        wait: request
            .requested_expiry
            .map_or(USUAL_WAIT, Duration::from_secs)
            .clamp(SHORTEST_WAIT, LONGEST_WAIT),
    })
}

/// LESSONS 30: what is shown is exactly what was sent, so whatever would have to be cleaned is refused.
fn check_message(request: &BackchannelRequest, client: &Client) -> Result<(), Refusal> {
    let invalid = |sentence: &str| Refusal::new(ErrorCode::InvalidBindingMessage, sentence);
    match &request.binding_message {
        Some(text) if words::clean(text, words::LONGEST_WORDS) != *text => Err(invalid(
            "`binding_message` would not be shown as it is: at most 140 plain characters in one line, without links, \
             double quotes, invisible characters, or letters of two alphabets in one word",
        )),
        // FAPI-CIBA 5.2.2: the person must be able to tell this request from another.
        None if client.profile == Profile::Fapi2 && request.authorization_details.is_empty() => {
            Err(invalid(
                "`binding_message` is missing: this client sends it or `authorization_details`",
            ))
        }
        _ => Ok(()),
    }
}

/// The weakest answer that counts: a password, what the types want, and one of the classes asked for (RFC 9470 section 4).
fn level(
    authority: &Authority,
    acr_values: &[String],
    (realm, strongest): (Realm<'_>, Level),
) -> Result<Level, Refusal> {
    let types = authority
        .details()
        .iter()
        .filter_map(|detail| realm.types.of(detail));
    let by_type = types.map(|definition| definition.level()).max();
    let by_class = acr_values.iter().filter_map(|acr| level_of(acr)).min();
    if by_class.is_none() && !acr_values.is_empty() {
        return Err(Refusal::invalid_request(
            "no value of `acr_values` is known: see `acr_values_supported` of the metadata",
        ));
    }
    let level = Level::Password.max(by_type.unwrap_or(Level::None));
    let level = level.max(by_class.unwrap_or(Level::None));
    if level > strongest {
        return Err(Refusal::new(
            ErrorCode::AccessDenied,
            "this needs a stronger answer than anybody can give here: no verifier is configured",
        ));
    }
    Ok(level)
}

/// The chain that asks within its task: the client's own current token, with the proof of its key.
pub fn asking(
    claims: &AccessTokenClaims,
    lineage: &Lineage,
    (client, proof): (&Client, &Thumbprint),
    now: Timestamp,
) -> Result<(), Refusal> {
    let refuse = |sentence: &str| Err(Refusal::invalid_request(sentence));
    if !client.is_agent() {
        return refuse("`subject_token`: only an agent asks within a task");
    }
    if claims.cnf.as_ref().map(|cnf| cnf.jkt.as_str()) != Some(proof.as_str()) {
        return refuse("the proof's key is not the one that the subject token is bound to");
    }
    if exchange::holder(claims) != client.id.as_str() || claims.act.is_none() {
        return refuse("the subject token's holder is another, or it acts for nobody");
    }
    if claims.may_act.is_some() {
        return refuse("`may_act` of the subject token names another actor");
    }
    lineage.require_live(now, Refusal::invalid_request)?;
    exchange::consistent(claims, lineage)?;
    match lineage.task.subject {
        Subject::Person(_) => Ok(()),
        Subject::Agent(_) | Subject::Client(_) => {
            refuse("the subject token is for nobody who could be asked")
        }
    }
}

/// What is known of the person who is to be asked.
pub struct Hinted<'a> {
    pub found: Option<&'a User>,
    /// The chain that asks, if one does.
    pub asking: Option<&'a Lineage>,
    /// Whether a task of this client for that person is live.
    pub has_live_task: bool,
}

/// Whether this client may ask this person. Unknown, disabled and unrelated look the same.
pub fn person<'a>(client: &Client, hinted: &Hinted<'a>) -> Result<&'a User, Refusal> {
    let found = hinted.found.filter(|user| !user.disabled);
    let related = |user: &User| match (&client.agent, hinted.asking) {
        (None, _) => true,
        (Some(_), Some(lineage)) => lineage.task.subject.as_str() == user.id.as_str(),
        (Some(agent), None) => hinted.has_live_task || agent.may_ask.contains(&user.name),
    };
    found.filter(|user| related(user)).ok_or_else(|| {
        Refusal::new(
            ErrorCode::UnknownUserId,
            "this person is not known, or this client may not ask them",
        )
    })
}

/// Everything that a new request is made of.
pub struct Asking<'a> {
    pub id: ApprovalId,
    /// Of the `auth_req_id`.
    pub digest: String,
    pub client: &'a Client,
    pub subject: &'a UserId,
    pub stages: Vec<Stage>,
    pub asking: Option<&'a Lineage>,
    pub jkt: Option<Thumbprint>,
    /// Two digits, drawn for clients that show them.
    pub number: Option<u8>,
    pub address: Option<String>,
    pub now: Timestamp,
}

/// The request as it waits from now on.
pub fn pending(prepared: Prepared, asking: Asking<'_>) -> Result<PendingRequest, Refusal> {
    // An ID token says that the subject was there.
    if prepared.identity && asking.stages.iter().any(|s| s.role != Role::Subject) {
        return Err(Refusal::invalid_scope(
            "`openid`: others than the person decide about this, and cannot say who they are",
        ));
    }
    let client = asking.client;
    // Nobody shows a key when an answer is pushed: it is the one shown now (promise 2).
    let pushed = client.backchannel.delivery == Delivery::Push;
    if pushed && client.dpop_bound && asking.jkt.is_none() {
        return Err(Refusal::invalid_request(
            "a DPoP proof is required: the answer is pushed, bound to its key",
        ));
    }
    let task = asking.asking.map(|lineage| lineage.task.id.clone());
    let asked_hash = asked_hash(&prepared, &asking);
    Ok(PendingRequest {
        id: asking.id,
        kind: Kind::Ciba,
        digest: asking.digest,
        client: client.id.clone(),
        subject: Some(asking.subject.clone()),
        state: State::Pending,
        asked: Asked {
            authority: prepared.authority,
            binding_message: prepared.binding_message,
            reason: None,
            level: prepared.level,
            stages: asking.stages,
            delivery: client.backchannel.delivery,
            number: asking.number,
            address: asking.address,
            identity: prepared.identity,
        },
        asked_hash,
        jkt: asking.jkt,
        asked_by: asking.asking.map(|lineage| lineage.leaf.id.clone()),
        task,
        polling: Polling {
            interval: POLL_INTERVAL,
            last: None,
            hasty: 0,
        },
        stage: 0,
        decision: None,
        delegation: None,
        created_at: asking.now,
        expires_at: asking.now.plus(prepared.wait),
    })
}

/// The same for the same question, whatever names its objects were given.
fn asked_hash(prepared: &Prepared, asking: &Asking<'_>) -> String {
    let authority = &prepared.authority;
    let nameless = Authority::new(
        authority.scopes().clone(),
        authority
            .details()
            .iter()
            .map(|detail| detail.clone().without("ref"))
            .collect(),
        authority.resources().clone(),
    );
    let task = asking.asking.map_or("", |lineage| lineage.task.id.as_str());
    hash::digest_text(&[
        b"asked",
        asking.client.id.as_str().as_bytes(),
        asking.subject.as_str().as_bytes(),
        nameless.hash("").as_bytes(),
        prepared
            .binding_message
            .as_deref()
            .unwrap_or_default()
            .as_bytes(),
        task.as_bytes(),
    ])
}
