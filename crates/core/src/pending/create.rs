//! Creates a pending request from a CIBA request, from a resource server's challenge, or from its question about one action: each is
//! checked before, and they are treated alike from here on.

use std::time::Duration;

use serde_json::Value;
use writ_authority::{Authority, Level};
use writ_jose::hash;
use writ_jose::key::Thumbprint;
use writ_wire::claims::AccessTokenClaims;
use writ_wire::time::Timestamp;

use super::{
    Asked, Deciders, Delivery, Kind, POLL_INTERVAL, PendingRequest, PendingStatus, Polling, Role,
    Transaction,
};
use crate::access_request::{self, AskedAccess, QuestionAsker};
use crate::client::Client;
use crate::exchange;
use crate::id::{ApprovalId, UserId};
use crate::lineage::Lineage;
use crate::oauth_error::OAuthError;
use crate::onward::Onward;
use crate::realm::DecisionContext;
use crate::task::Subject;

/// What is asked, as far as the request alone says.
#[derive(Clone, Debug, PartialEq)]
pub struct PreparedApproval {
    pub kind: Kind,
    pub delivery: Delivery,
    pub authority: Authority,
    pub level: Level,
    pub binding_message: Option<String>,
    pub identity: bool,
    /// What a resource server challenged for.
    pub transaction: Option<Transaction>,
    /// The action that a resource server asks about.
    pub access: Option<AskedAccess>,
    pub wait: Duration,
}

/// The chain that asks within its task: the client's own current token, with the proof of its key.
pub fn check_chain(
    claims: &AccessTokenClaims,
    lineage: &Lineage,
    client: &Client,
    proof: &Thumbprint,
    context: DecisionContext<'_>,
) -> Result<(), OAuthError> {
    let refuse = |sentence: &str| Err(OAuthError::invalid_request(sentence));
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
    lineage.require_live(context, OAuthError::invalid_request)?;
    exchange::consistent(claims, lineage)?;
    match lineage.task.subject {
        Subject::Person(_) => Ok(()),
        Subject::Agent(_) | Subject::Client(_) => {
            refuse("the subject token is for nobody who could be asked")
        }
    }
}

/// Everything that a new request is made of.
pub struct PendingFacts<'a> {
    pub id: ApprovalId,
    /// Of the `auth_req_id` or `transaction_authorization_id`, or the id of an access request.
    pub digest: String,
    pub client: &'a Client,
    pub subject: &'a UserId,
    pub deciders: Deciders,
    pub asking: Option<&'a Lineage>,
    pub jkt: Option<Thumbprint>,
    /// Two digits, drawn for clients that show them.
    pub number: Option<u8>,
    pub address: Option<String>,
    pub now: Timestamp,
}

/// The request as it waits from now on.
pub fn create(
    prepared: PreparedApproval,
    asking: PendingFacts<'_>,
) -> Result<PendingRequest, OAuthError> {
    // An ID token says that the subject was there.
    if prepared.identity
        && asking
            .deciders
            .stages
            .iter()
            .any(|s| s.role != Role::Subject)
    {
        return Err(OAuthError::invalid_scope(
            "`openid`: others than the person decide about this, and cannot say who they are",
        ));
    }
    let client = asking.client;
    // Nobody shows a key when an answer is pushed: it is the one shown now.
    let pushed = prepared.delivery == Delivery::Push;
    if pushed && client.dpop_bound && asking.jkt.is_none() {
        return Err(OAuthError::invalid_request(
            "a DPoP proof is required: the answer is pushed, bound to its key",
        ));
    }
    let task = asking.asking.map(|lineage| lineage.task.id.clone());
    let asked_hash = asked_hash(&prepared, &asking);
    Ok(PendingRequest {
        id: asking.id,
        kind: prepared.kind,
        digest: asking.digest,
        client: client.id.clone(),
        subject: Some(asking.subject.clone()),
        status: PendingStatus::Pending,
        asked: Asked {
            authority: prepared.authority,
            binding_message: prepared.binding_message,
            reason: None,
            level: prepared.level,
            stages: asking.deciders.stages,
            safeguards: asking.deciders.safeguards,
            delivery: prepared.delivery,
            number: asking.number,
            address: asking.address,
            identity: prepared.identity,
            transaction: prepared.transaction,
            access: prepared.access,
            consent: None,
            onward: match asking.asking {
                Some(_) => Onward::nobody(),
                None => Onward::of(client),
            },
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
        created_at: asking.now,
        expires_at: asking.now.plus(prepared.wait),
    })
}

/// The same for what a person would grant by a yes, whatever names its objects were given, and in whatever words it is asked.
pub fn content_hash(authority: &Authority) -> String {
    let nameless = Authority::new(
        authority.scopes().clone(),
        authority
            .details()
            .iter()
            .map(|detail| detail.clone().without("ref"))
            .collect(),
        authority.resources().clone(),
    );
    nameless.hash("")
}

/// Whether a person who says no to one of them means the other too: the same would be granted, in whatever order, however an amount is
/// spelled, and also where its type was written anew between the two. It permits nothing.
pub fn is_same_content(one: &Authority, other: &Authority) -> bool {
    let objects = |authority: &Authority| -> Vec<String> {
        let details = authority.details().iter().cloned();
        let nameless = details.map(|detail| detail.without("ref").without("type_hash"));
        let mut objects: Vec<_> = nameless
            .map(|detail| by_value(&Value::Object(detail.into())).to_string())
            .collect();
        objects.sort();
        objects
    };
    one.scopes() == other.scopes()
        && one.resources() == other.resources()
        && objects(one) == objects(other)
}

/// With decimal numbers in their shortest form: `10.00` is `10`.
fn by_value(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(shortest(text).to_owned()),
        Value::Array(all) => all.iter().map(by_value).collect(),
        Value::Object(members) => {
            let members = members.iter();
            members
                .map(|(name, value)| (name.clone(), by_value(value)))
                .collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

fn shortest(text: &str) -> &str {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    match text.split_once('.') {
        Some((whole, fraction)) if is_number(whole) && is_number(fraction) => {
            text.trim_end_matches('0').trim_end_matches('.')
        }
        _ => text,
    }
}

/// The same for the same question, whatever names its objects were given. Two transactions are two questions.
fn asked_hash(prepared: &PreparedApproval, asking: &PendingFacts<'_>) -> String {
    if let (Some(question), Some(lineage)) = (&prepared.access, asking.asking) {
        return access_request::asked_hash(QuestionAsker::of(lineage), question);
    }
    let task = asking.asking.map_or("", |lineage| lineage.task.id.as_str());
    let transaction = prepared.transaction.as_ref().map_or("", |t| t.txn.as_str());
    hash::digest_text(&[
        b"asked",
        asking.client.id.as_str().as_bytes(),
        asking.subject.as_str().as_bytes(),
        content_hash(&prepared.authority).as_bytes(),
        prepared
            .binding_message
            .as_deref()
            .unwrap_or_default()
            .as_bytes(),
        task.as_bytes(),
        transaction.as_bytes(),
    ])
}
