//! Authentication levels: the login that a resource requires (RFC 9470), and the level that a type of `authorization_details` requires
//! of the approval of an object.

use std::time::Duration;

use writ_authority::{DecidedPeople, Level, Permit, TypeDefinition, Types};
use writ_jose::access_token::MAX_FUTURE_SECONDS;
use writ_wire::claims::{ApprovalBasis, ApprovalClaim};
use writ_wire::rar::Detail;
use writ_wire::time::Timestamp;

use crate::caller::{Caller, UserAuthentication};
use crate::refused::Reason;
use crate::remediation::Remediation;

/// `acr` values of our issuer, weakest first.
pub const ACR_VALUES: [(&str, Level); 3] = [
    ("urn:writ:acr:password", Level::Password),
    ("urn:writ:acr:passkey", Level::Passkey),
    ("urn:writ:acr:liveness", Level::Liveness),
];

/// The login that a resource requires (RFC 9470). Tokens without a user login never meet it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StepUp {
    pub(crate) acr_values: Vec<String>,
    pub(crate) max_age: Option<Duration>,
}

impl StepUp {
    /// Any one of these is enough, best first; so is a stronger one of [`ACR_VALUES`].
    pub fn acr_values<V: Into<String>>(values: impl IntoIterator<Item = V>) -> Self {
        Self {
            acr_values: values.into_iter().map(Into::into).collect(),
            max_age: None,
        }
    }

    /// At least this.
    pub fn level(level: Level) -> Self {
        Self::acr_values(names_from(level))
    }

    /// The login is not older than this.
    pub const fn max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }

    pub(crate) fn is_met(&self, by: &UserAuthentication, now: Timestamp) -> bool {
        let strong = self.acr_values.is_empty()
            || by
                .acr
                .as_deref()
                .is_some_and(|acr| self.acr_values.iter().any(|wanted| reaches(acr, wanted)));
        // As for `iat`: the issuer's clock may be a little ahead, and a new login would be no younger.
        let latest = Timestamp::from_seconds(now.seconds().saturating_add(MAX_FUTURE_SECONDS));
        let young = self.max_age.is_none_or(|age| {
            by.auth_time
                .is_some_and(|at| at <= latest && now <= at.plus(age))
        });
        strong && young
    }
}

/// The names of this level and of the stronger ones.
pub(crate) fn names_from(level: Level) -> impl Iterator<Item = &'static str> {
    ACR_VALUES
        .into_iter()
        .filter(move |(_, own)| *own >= level)
        .map(|(name, _)| name)
}

fn reaches(acr: &str, wanted: &str) -> bool {
    acr == wanted
        || matches!((level_of(acr), level_of(wanted)), (Some(own), Some(least)) if own >= least)
}

fn level_of(acr: &str) -> Option<Level> {
    let found = ACR_VALUES.into_iter().find(|(name, _)| *name == acr);
    found.map(|(_, level)| level)
}

/// The level of an approval. For a consent it is the level of the login before it.
pub(crate) fn reached(approval: Option<&ApprovalClaim>, login: &UserAuthentication) -> Level {
    match approval.map(|approval| approval.basis) {
        None | Some(ApprovalBasis::Policy) => Level::None,
        Some(ApprovalBasis::Consent) => login
            .acr
            .as_deref()
            .and_then(level_of)
            .unwrap_or(Level::None),
        Some(ApprovalBasis::Password) => Level::Password,
        Some(ApprovalBasis::Passkey) => Level::Passkey,
        Some(ApprovalBasis::Liveness) => Level::Liveness,
    }
}

/// Those of the objects for which people agreed as their type wants for this request: strongly enough, and those whom it designates.
pub(crate) fn agreed(
    caller: &Caller,
    permits: Vec<Permit>,
    granted: &[Detail],
    request: &Detail,
    types: &Types,
) -> Result<Vec<Permit>, Reason> {
    let mut missing = None;
    let enough = permits.into_iter().filter(|permit| {
        let object = granted
            .iter()
            .find(|object| object.reference() == Some(permit.reference.as_str()));
        let definition = object.and_then(|object| types.of(object));
        let (level, by_those) = match definition {
            Some(known) => (
                wanted_level(known, request),
                is_decided_by_those_of(known, caller.approval.as_ref()),
            ),
            None => (Level::Liveness, false),
        };
        let agreed = caller.level() >= level && by_those;
        if !agreed {
            let level = definition.map_or(level, |known| known.level().max(level));
            missing = Some(missing.unwrap_or(level).min(level));
        }
        agreed
    });
    let enough: Vec<Permit> = enough.collect();
    match missing {
        Some(level) if enough.is_empty() => Err(Reason::NeedsPerson {
            level,
            asked: Remediation::new(request, granted, types),
        }),
        _ => Ok(enough),
    }
}

/// What the object's type wants behind this request.
fn wanted_level(definition: &TypeDefinition, request: &Detail) -> Level {
    match definition.ask().needs_person(request) {
        true => definition.level(),
        false => Level::None,
    }
}

/// Whether the people behind the token are those whom the type designates, by their role and number.
fn is_decided_by_those_of(definition: &TypeDefinition, approval: Option<&ApprovalClaim>) -> bool {
    let people = approval.and_then(|approval| {
        Some(DecidedPeople {
            by: approval.by?,
            people: approval.people?,
        })
    });
    let stages = definition.approvers();
    stages.is_empty() || people.is_some_and(|people| people.fulfil(stages))
}
