//! Authentication levels: the login that a resource requires (RFC 9470), and the level that a type of `authorization_details` requires
//! of the approval of an object.

use std::time::Duration;

pub use writ_authority::ACR_VALUES;
use writ_authority::{Level, Permit, TokenAgreement, Types, level_of};
use writ_jose::access_token::MAX_FUTURE_SECONDS;
use writ_wire::rar::Detail;
use writ_wire::time::Timestamp;

use crate::caller::{Caller, UserAuthentication};
use crate::refused::Reason;
use crate::remediation::Remediation;

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

/// Those of the objects for which people agreed as their type wants for this request: strongly enough, and those whom it designates.
pub(crate) fn agreed(
    caller: &Caller,
    permits: Vec<Permit>,
    granted: &[Detail],
    request: &Detail,
    types: &Types,
) -> Result<Vec<Permit>, Reason> {
    let agreement = agreement(caller);
    let enough = agreement.enough_for(permits, granted, request, types);
    enough.map_err(|level| Reason::NeedsPerson {
        level,
        asked: Remediation::new(request, granted, types),
    })
}

/// What people agreed to behind the caller's token.
pub(crate) fn agreement(caller: &Caller) -> TokenAgreement {
    let acr = caller.authentication.acr.as_deref();
    TokenAgreement::of(caller.approval.as_ref(), acr)
}
