//! Claims of a token: actor chain (RFC 8693 section 4.1), subject and task. Read strictly: a token with a claim that is not understood
//! is rejected.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use writ_jose::access_token::AccessTokenError;
use writ_jose::jws::UnverifiedJwt;
use writ_wire::claims::{
    AccessTokenClaims, Act, PROFILE_AGENT, PROFILE_NATIVE_APP, PROFILE_USER, PROFILE_WEB_APP,
};
use writ_wire::time::Timestamp;

use crate::caller::{CallerActor, CallerSubject, TaskRef};
use crate::refused::Reason;

/// More `act` objects than the issuer makes are refused.
pub const MAX_ACTORS: usize = 4;

/// Members that are objects or absent, also where the claims' type would forgive `null` or a list.
pub(crate) fn check_shape(token: &str) -> Result<(), Reason> {
    let claims: Map<String, Value> = UnverifiedJwt::parse(token)
        .and_then(|jws| jws.unverified_claims())
        .map_err(|e| Reason::Token(AccessTokenError::Malformed(e)))?;
    for name in ["cnf", "mission", "approval"] {
        if claims.get(name).is_some_and(|value| !value.is_object()) {
            return Err(Reason::Claim(name));
        }
    }
    let mut next = claims.get("act");
    while let Some(act) = next {
        let members = act.as_object();
        let members = members.ok_or(Reason::ActorChain("an `act` is not an object"))?;
        next = members.get("act");
    }
    Ok(())
}

/// Outermost first.
pub(crate) fn actors(claims: &AccessTokenClaims) -> Result<Vec<CallerActor>, Reason> {
    let Some(act) = &claims.act else {
        return Ok(Vec::new());
    };
    if act.depth() > MAX_ACTORS {
        return Err(Reason::ActorChain("it has too many actors"));
    }
    if act.chain().any(|one| one.iss != claims.iss) {
        return Err(Reason::ActorChain("an actor is of another issuer"));
    }
    let known = [PROFILE_AGENT, PROFILE_NATIVE_APP, PROFILE_WEB_APP];
    if act
        .chain()
        .any(|one| !known.contains(&one.sub_profile.as_str()))
    {
        return Err(Reason::ActorChain("an actor is no agent"));
    }
    let mut seen = BTreeSet::new();
    if !act.chain().all(|one| seen.insert(&one.sub)) {
        return Err(Reason::ActorChain("an actor stands in it twice"));
    }
    Ok(act.chain().map(actor).collect())
}

/// Whether a registered agent acts; guests may have bearer tokens, where the resource takes any.
pub(crate) fn has_agent(claims: &AccessTokenClaims) -> bool {
    let mut actors = claims.act.iter().flat_map(Act::chain);
    actors.any(|one| one.sub_profile == PROFILE_AGENT)
}

pub(crate) fn subject(claims: &AccessTokenClaims) -> Result<CallerSubject, Reason> {
    match claims.sub_profile.as_deref() {
        Some(PROFILE_USER) => Ok(CallerSubject::Person(claims.sub.clone())),
        Some(PROFILE_AGENT) => Ok(CallerSubject::Agent(claims.sub.clone())),
        None if claims.act.is_none() && claims.sub == claims.client_id => {
            Ok(CallerSubject::Client(claims.sub.clone()))
        }
        Some(_) | None => Err(Reason::Claim("sub_profile")),
    }
}

/// The task behind the token; an agent always has one.
pub(crate) fn task(
    claims: &AccessTokenClaims,
    is_agents: bool,
    now: Timestamp,
) -> Result<Option<TaskRef>, Reason> {
    let Some(mission) = &claims.mission else {
        return if is_agents {
            Err(Reason::NoTask)
        } else {
            Ok(None)
        };
    };
    let expires_at = Timestamp::from_rfc3339(&mission.expires_at).ok_or(Reason::Task)?;
    if mission.issuer != claims.iss || mission.id.is_empty() || expires_at <= now {
        return Err(Reason::Task);
    }
    Ok(Some(TaskRef {
        id: mission.id.clone(),
        issuer: mission.issuer.clone(),
        purpose: mission.purpose.clone(),
        risk: mission.risk.clone(),
        authority_hash: mission.authority_hash.clone(),
        expires_at,
    }))
}

fn actor(act: &Act) -> CallerActor {
    CallerActor {
        iss: act.iss.clone(),
        sub: act.sub.clone(),
        delegation: act.dlg.clone(),
    }
}
