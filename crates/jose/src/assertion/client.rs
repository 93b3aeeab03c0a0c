//! `private_key_jwt` (RFC 7523 section 3, draft-ietf-oauth-rfc7523bis, FAPI 2.0 section 5.3.2.1).

use std::time::Duration;

use writ_wire::claims::CLIENT_ASSERTION_TYPE;
use writ_wire::time::Timestamp;

use super::{AssertionError, UnverifiedAssertion, audiences};
use crate::encoding::quoted;
use crate::hash::digest_text;
use crate::key::{Algorithm, KeySet, Thumbprint};

/// The longest lifetime of a client assertion: its `jti` is remembered that long.
pub const MAX_CLIENT_ASSERTION_LIFE: Duration = Duration::from_secs(300);
/// The same for profiles whose clients come with the usual libraries, some of which sign for an hour.
pub const MAX_LONG_ASSERTION_LIFE: Duration = Duration::from_secs(3600);

/// What a client assertion is verified against.
#[derive(Clone, Copy, Debug)]
pub struct ClientAssertionRules<'a> {
    pub client_id: &'a str,
    pub issuer: &'a str,
    pub audience: AudienceRule<'a>,
    /// The registered `token_endpoint_auth_signing_alg`, if there is one.
    pub algorithm: Option<Algorithm>,
    /// From now, and from `iat`, to `exp`.
    pub max_life: Duration,
    pub now: Timestamp,
}

/// Which `aud` is accepted.
#[derive(Clone, Copy, Debug)]
pub enum AudienceRule<'a> {
    /// FAPI 2.0: the issuer, as a string.
    IssuerString,
    /// 7523bis: the issuer, as a string or the only member of an array.
    Issuer,
    /// For clients that cannot be changed: the issuer or one of these endpoint URLs, and no other audience beside it.
    IssuerOr(&'a [String]),
    /// RFC 7523 section 3: a string or an array that has the issuer or one of these URLs in it.
    Contains(&'a [String]),
}

/// A verified client assertion. It may be used once: see [`Self::replay_digest`].
#[derive(Clone, Debug)]
pub struct ClientAssertion {
    pub client_id: String,
    /// Thumbprint of the key that verified.
    pub thumbprint: Thumbprint,
    pub jti: String,
    /// Until then a replay must be detected; no node accepts the assertion later.
    pub accepted_until: Timestamp,
}

/// The claimed `sub`, unverified: only for looking up the keys. [`UnverifiedAssertion`] avoids parsing twice.
pub fn unverified_subject(text: &str) -> Option<String> {
    let unverified = UnverifiedAssertion::parse_of_client(text).ok()?;
    Some(unverified.claims.sub)
}

impl ClientAssertion {
    pub fn verify(
        text: &str,
        keys: &KeySet,
        rules: &ClientAssertionRules<'_>,
    ) -> Result<Self, AssertionError> {
        UnverifiedAssertion::parse_of_client(text)?.verify_client(keys, rules)
    }

    /// What must be claimed once per assertion; by client.
    pub fn replay_digest(&self) -> String {
        digest_text(&[
            b"client-assertion",
            self.client_id.as_bytes(),
            self.jti.as_bytes(),
        ])
    }
}

impl UnverifiedAssertion<'_> {
    pub fn verify_client(
        self,
        keys: &KeySet,
        rules: &ClientAssertionRules<'_>,
    ) -> Result<ClientAssertion, AssertionError> {
        self.check_client_type()?;
        self.check_algorithm(rules.algorithm)?;
        let key = self.verify_signature(keys)?;
        self.check_not_actor()?;
        self.check_subject(rules.client_id)?;
        self.check_client_audience(rules)?;
        self.check_jti()?;
        let accepted_until = self.check_time(rules.now, rules.max_life)?;
        Ok(ClientAssertion {
            client_id: self.claims.sub,
            thumbprint: key.thumbprint().clone(),
            jti: self.claims.jti,
            accepted_until,
        })
    }

    fn check_client_type(&self) -> Result<(), AssertionError> {
        match &self.jws.header().typ {
            None => Ok(()),
            Some(_) if self.jws.typ_is("JWT") || self.jws.typ_is(CLIENT_ASSERTION_TYPE) => Ok(()),
            Some(found) => Err(AssertionError::Type {
                expected: CLIENT_ASSERTION_TYPE,
                found: quoted(found),
            }),
        }
    }

    fn check_algorithm(&self, registered: Option<Algorithm>) -> Result<(), AssertionError> {
        match registered {
            Some(algorithm) if self.jws.header().alg != algorithm => {
                Err(AssertionError::RegisteredAlgorithm(algorithm.as_str()))
            }
            _ => Ok(()),
        }
    }

    fn check_not_actor(&self) -> Result<(), AssertionError> {
        match (&self.claims.cnf, &self.claims.azp) {
            (Some(_), _) => Err(AssertionError::Forbidden("cnf")),
            (_, Some(_)) => Err(AssertionError::Forbidden("azp")),
            (None, None) => Ok(()),
        }
    }

    fn check_client_audience(
        &self,
        rules: &ClientAssertionRules<'_>,
    ) -> Result<(), AssertionError> {
        let audiences = audiences(&self.claims.aud).unwrap_or_default();
        let ours = |urls: &[String], a: &str| a == rules.issuer || urls.iter().any(|url| url == a);
        let (fits, form) = match rules.audience {
            AudienceRule::IssuerString => (
                self.audience_is_string(rules.issuer),
                "as a string, not a list",
            ),
            AudienceRule::Issuer => (audiences == [rules.issuer], "and nothing else"),
            AudienceRule::IssuerOr(endpoints) => (
                !audiences.is_empty() && audiences.iter().all(|a| ours(endpoints, a)),
                "or the endpoint's URL",
            ),
            AudienceRule::Contains(endpoints) => (
                audiences.iter().any(|a| ours(endpoints, a)),
                "or the endpoint's URL, alone or in a list",
            ),
        };
        fits.then_some(()).ok_or_else(|| AssertionError::Audience {
            expected: rules.issuer.to_owned(),
            form,
        })
    }
}
