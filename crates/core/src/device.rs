//! The device flow (RFC 8628): what a device may ask, and whose request it becomes when a person types its code. Until then
//! it is nobody's, and nothing of it can be approved.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use writ_authority::{Authority, Level};
use writ_jose::hash;
use writ_jose::key::Thumbprint;
use writ_wire::device::DeviceRequest;
use writ_wire::registration::{ApproversFile, SUBJECT};
use writ_wire::time::Timestamp;
use writ_wire::token::GrantType;

use crate::authorize::{UnknownClasses, unmet, wanted_level};
use crate::client::Client;
use crate::id::{ApprovalId, UserId};
use crate::oauth_error::OAuthError;
use crate::onward::Onward;
use crate::pending::{
    Asked, Deciders, Delivery, Kind, POLL_INTERVAL, PendingRequest, PendingStatus, Polling, Role,
    Safeguards,
};
use crate::request::{self, OPENID, RequestContext, Wanted};
use crate::requirements::requirements;

/// How long a code is good: time to find a browser, log in and decide (RFC 8628 section 3.2).
pub const DEVICE_LIFETIME: Duration = Duration::from_secs(600);
/// Codes of one client that wait at once, before anybody took them; one more ends some of whoever has most. Of 20^8 codes no guess in ten million
/// meets one of them.
pub const MAX_WAITING_DEVICES: u32 = 1024;
/// So many are ended at once: who waits is read once for all of them.
pub const DEVICES_ENDED_AT_ONCE: u32 = 32;
/// Of a public client, that one address asks for in as long as one of them waits; of IPv6 one network is one address.
pub const MAX_DEVICES_OF_ADDRESS: i64 = 32;
/// The same of one site: a quarter of those that wait.
pub const MAX_DEVICES_OF_SITE: i64 = 256;
/// Wrong codes of one person before a pause (RFC 8628 section 5.1).
pub const MAX_CODE_FAILURES: i64 = 5;
/// The pause after too many wrong codes.
pub const CODE_PAUSE: Duration = Duration::from_secs(60);

/// What a device asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct PreparedDevice {
    pub authority: Authority,
    pub level: Level,
    /// `mission_intent`: what the client says it is for.
    pub reason: Option<String>,
    pub identity: bool,
}

/// Whose codes end to make room, of those that wait, oldest first: again and again the oldest of who has most, so that nobody who has
/// few waits for less because others ask for many.
pub fn ending<Id, Holder: Ord>(waiting: Vec<(Id, Holder)>, count: u32) -> Vec<Id> {
    let mut held: BTreeMap<Holder, VecDeque<(usize, Id)>> = BTreeMap::new();
    for (age, (id, holder)) in waiting.into_iter().enumerate() {
        held.entry(holder).or_default().push_back((age, id));
    }
    let mut ending = Vec::new();
    for _ in 0..count {
        let oldest_of = |codes: &VecDeque<(usize, Id)>| codes.front().map(|(age, _)| Reverse(*age));
        let most = held
            .values_mut()
            .max_by_key(|codes| (codes.len(), oldest_of(codes)));
        let Some((_, id)) = most.and_then(VecDeque::pop_front) else {
            break;
        };
        ending.push(id);
    }
    ending
}

/// Everything else that a new request is made of.
pub struct DeviceFacts<'a> {
    pub id: ApprovalId,
    /// Of the `device_code`.
    pub digest: String,
    pub client: &'a Client,
    pub jkt: Option<Thumbprint>,
    pub address: Option<String>,
    pub now: Timestamp,
}

/// Decides what this client may ask whoever types its code. `strongest`: the strongest answer that can be given here.
pub fn prepare(
    request: &DeviceRequest,
    client: &Client,
    strongest: Level,
    context: &mut RequestContext<'_>,
) -> Result<PreparedDevice, OAuthError> {
    let realm = context.realm;
    client.may_use(GrantType::DeviceCode)?;
    let (reason, ends_at) = request::intent(request.mission_intent.as_ref(), client, context)?;
    if ends_at.is_some() {
        return Err(OAuthError::invalid_request(
            "`mission_intent` of a device has no `expires_at`: the task begins when the person decides",
        ));
    }
    let wanted = Wanted {
        scopes: &request.scope,
        resources: &request.resource,
        details: &request.authorization_details,
    };
    let authority = request::resolve(&wanted, client, context)?;
    if authority.is_empty() {
        return Err(OAuthError::invalid_scope(
            "the request asks for nothing: name `scope`, `authorization_details` or `resource`",
        ));
    }
    let needs = requirements(&authority, client, None, None, realm);
    let level = wanted_level(needs.level, &[], UnknownClasses::Refused)?;
    if level > strongest {
        return Err(unmet(
            "this needs a stronger answer than anybody can give here: no verifier is configured",
        ));
    }
    let identity = request.scope.iter().any(|scope| scope == OPENID);
    let others = |stage: &ApproversFile| stage.of != [SUBJECT];
    let designated = needs.designated()?;
    if identity && designated.iter().any(others) {
        return Err(OAuthError::invalid_scope(
            "`openid`: others than the person decide about this, and cannot say who they are",
        ));
    }
    Ok(PreparedDevice {
        level,
        identity,
        authority,
        reason,
    })
}

/// The request as it waits for its code to be typed.
pub fn pending(prepared: PreparedDevice, facts: DeviceFacts<'_>) -> PendingRequest {
    // Each code is its own question: nothing collapses.
    let asked_hash = hash::digest_text(&[b"device", facts.digest.as_bytes()]);
    PendingRequest {
        id: facts.id,
        kind: Kind::Device,
        digest: facts.digest,
        client: facts.client.id.clone(),
        subject: None,
        status: PendingStatus::Pending,
        asked: Asked {
            authority: prepared.authority,
            binding_message: None,
            reason: prepared.reason,
            level: prepared.level,
            stages: Vec::new(),
            safeguards: Safeguards::default(),
            delivery: Delivery::Poll,
            number: None,
            address: facts.address,
            identity: prepared.identity,
            transaction: None,
            access: None,
            consent: None,
            onward: Onward::of(facts.client),
        },
        asked_hash,
        jkt: facts.jkt,
        asked_by: None,
        task: None,
        polling: Polling {
            interval: POLL_INTERVAL,
            last: None,
            hasty: 0,
        },
        stage: 0,
        created_at: facts.now,
        expires_at: facts.now.plus(DEVICE_LIFETIME),
    }
}

/// What typing a right code does.
#[derive(Clone, Debug, PartialEq)]
pub enum Typed {
    /// It becomes this person's.
    Take,
    /// It is this person's already.
    Theirs,
    /// Unknown, over, or somebody else's: which, nobody is told.
    Wrong,
}

/// Decides whose request it is now.
pub fn typed(found: Option<&PendingRequest>, person: &UserId, now: Timestamp) -> Typed {
    let Some(request) = found.filter(|r| r.kind == Kind::Device && r.is_open(now)) else {
        return Typed::Wrong;
    };
    match &request.subject {
        None => Typed::Take,
        Some(subject) if subject == person => Typed::Theirs,
        Some(_) => Typed::Wrong,
    }
}

/// The same question, to those who decide about it for this person; none if they changed since, and cannot say who the person
/// is whose ID token is asked for.
pub fn taken(request: &PendingRequest, deciders: Deciders) -> Option<Asked> {
    let mut stages = deciders.stages.iter();
    let others = stages.any(|stage| stage.role != Role::Subject);
    (!others || !request.asked.identity).then(|| Asked {
        stages: deciders.stages,
        safeguards: deciders.safeguards,
        ..request.asked.clone()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_of_whoever_has_most_ends() {
        let waiting = ["a1", "b1", "b2", "c1", "b3", "c2"];
        let held = || waiting.map(|code| (code, &code[..1])).to_vec();
        assert_eq!(ending(held(), 0), Vec::<&str>::new());
        assert_eq!(ending(held(), 1), ["b1"]);
        // Of those who have equally many, the oldest.
        assert_eq!(ending(held(), 3), ["b1", "b2", "c1"]);
        assert_eq!(ending(held(), 4), ["b1", "b2", "c1", "a1"]);
        assert_eq!(ending(held(), 9).len(), waiting.len());
    }
}
