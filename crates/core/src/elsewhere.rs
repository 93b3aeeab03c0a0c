//! Away from the browser that asks: an agent may drive that browser and may have seen the password, so where a person has a device of their own,
//! what an agent asks at the authorization endpoint (OAuth 2.1 section 4.1) is decided there. It waits as a request of the approval engine; a yes
//! is good for the one browser that asked, for one code.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use writ_authority::Level;
use writ_jose::hash;
use writ_wire::error::ErrorCode;
use writ_wire::time::Timestamp;

use crate::authorize::FoundRequest;
use crate::client::Client;
use crate::consent::{self, Consent, ConsentFacts, ConsentIds, GrantedConsent};
use crate::delegation::Delegation;
use crate::id::{ApprovalId, UserId};
use crate::oauth_error::OAuthError;
use crate::onward::Onward;
use crate::pending::{
    Asked, Deciders, Delivery, Kind, POLL_INTERVAL, PendingRequest, PendingStatus, Polling,
    RedemptionFacts, Role, Safeguards, Stage, USUAL_WAIT, judge_again,
};
use crate::realm::DecisionContext;
use crate::request::OPENID;
use crate::task::{Approval, Task};

/// How long a person has to answer on their device.
pub const ANSWER_WITHIN: Duration = USUAL_WAIT;
/// A device that is not told any more counts for as long: the person has heard of it by then, so whoever drives their browser cannot get
/// the question back into it.
pub const COUNTS_AFTER_REMOVAL: Duration = Duration::from_secs(24 * 3600);

/// Whose consents are decided elsewhere, of people who have a device of their own, and whose other questions by the passkey, of people who
/// have one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Elsewhere {
    /// Consents to registered agents; questions of guests too, which act for a person as well.
    #[default]
    Agents,
    Never,
}

/// Of a consent that is asked elsewhere. Kept as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedConsent {
    /// What the browser that asks calls itself, and its system: nobody vouches for it.
    pub browser: Option<String>,
    pub system: Option<String>,
    /// When the task ends, unless the person chooses an earlier end.
    pub ends_at: Timestamp,
}

/// What a question to a person's own device is made of.
pub struct ElsewhereFacts<'a> {
    pub id: ApprovalId,
    /// Of the browser that asks, for this request alone: [`asking_browser`].
    pub digest: String,
    pub found: &'a FoundRequest,
    pub client: &'a Client,
    pub subject: &'a UserId,
    /// As the types of its objects want it.
    pub level: Level,
    /// Two digits that the browser shows.
    pub number: u8,
    pub address: Option<String>,
    pub consent: AskedConsent,
    pub now: Timestamp,
}

impl Elsewhere {
    pub fn wants(self, client: &Client) -> bool {
        match self {
            Self::Agents => client.is_agent(),
            Self::Never => false,
        }
    }

    /// Whether a yes to a question of this client needs the passkey of whoever has one.
    pub fn wants_passkey(self, client: &Client) -> bool {
        match self {
            Self::Agents => client.is_agent() || client.is_guest(),
            Self::Never => false,
        }
    }
}

/// Stands in a request for the one browser that may go on with it, by the digest of its session.
pub fn asking_browser(session: &str, id: &ApprovalId) -> String {
    hash::digest_text(&[b"elsewhere", session.as_bytes(), id.as_str().as_bytes()])
}

/// The person alone, as on the consent page: whoever is designated decides about what is asked within the task.
pub fn deciders(subject: &UserId) -> Deciders {
    Deciders {
        stages: vec![Stage {
            role: Role::Subject,
            of: vec![subject.clone()],
            need: 1,
        }],
        safeguards: Safeguards::default(),
    }
}

/// The request as it waits from now on; decided by the person's own passkey, whatever less their browser signed in with.
pub fn pending(facts: ElsewhereFacts<'_>) -> PendingRequest {
    let prepared = &facts.found.prepared;
    let deciders = deciders(facts.subject);
    PendingRequest {
        id: facts.id,
        kind: Kind::Consent,
        digest: facts.digest,
        client: facts.client.id.clone(),
        subject: Some(facts.subject.clone()),
        status: PendingStatus::Pending,
        asked: Asked {
            authority: prepared.authority.clone(),
            binding_message: None,
            reason: prepared.purpose.clone(),
            level: facts.level.max(Level::Passkey),
            stages: deciders.stages,
            safeguards: deciders.safeguards,
            delivery: Delivery::Poll,
            number: Some(facts.number),
            address: facts.address,
            identity: prepared.request.scope.iter().any(|name| name == OPENID),
            onward: Onward::of(facts.client),
            transaction: None,
            access: None,
            consent: Some(facts.consent),
        },
        // Of one authorization request: asked again, the older question ends.
        asked_hash: hash::digest_text(&[b"consent", facts.found.digest.as_bytes()]),
        jkt: prepared.jkt.clone(),
        asked_by: None,
        task: None,
        polling: Polling {
            interval: POLL_INTERVAL,
            last: None,
            hasty: 0,
        },
        stage: 0,
        created_at: facts.now,
        expires_at: facts.now.plus(ANSWER_WITHIN),
    }
}

/// What was agreed to elsewhere, judged again, becomes what a consent on the page would have become.
pub fn grant(
    redemption: &RedemptionFacts<'_>,
    facts: ConsentFacts<'_>,
    context: DecisionContext<'_>,
    ids: ConsentIds,
) -> Result<GrantedConsent, OAuthError> {
    let judged = judge_again(redemption, context.realm)
        .map_err(|refusal| not_any_more().because(refusal.sentence))?;
    let (request, decision) = (redemption.request, redemption.decision);
    let asked = request.asked.consent.as_ref().ok_or_else(not_any_more)?;
    let onward = &request.asked.onward;
    if !onward.is_within(&Onward::of(redemption.client)) {
        return Err(not_any_more().because("it may not go on to all that the person saw"));
    }
    let ends_at = decision
        .ends_at
        .map_or(asked.ends_at, |chosen| chosen.min(asked.ends_at));
    if ends_at <= context.now {
        return Err(consent::denied().because("the task would be over before it begins"));
    }
    let authority = judged.authority.clone();
    let granted = consent::granted(facts, authority, ends_at, context, ids);
    let level = judged.approval.authentication.as_ref();
    Ok(GrantedConsent {
        consent: Consent {
            method: level.map_or("none", consent::method),
            ..granted.consent
        },
        delegation: Delegation {
            onward: onward.clone(),
            ..granted.delegation
        },
        task: Task {
            // As of a consent: nobody was designated.
            approval: Approval {
                designation: None,
                ..judged.approval
            },
            ..granted.task
        },
        ..granted
    })
}

fn not_any_more() -> OAuthError {
    let sentence = "what the person agreed to is not possible any more: send a new request";
    OAuthError::new(ErrorCode::AccessDenied, sentence)
}

#[cfg(test)]
#[path = "elsewhere/tests.rs"]
mod tests;
