//! What a client assertion must be like, by profile (RFC 7523 section 3, draft-ietf-oauth-rfc7523bis, FAPI 2.0 section 5.3.2.1).

use std::time::Duration;

use writ_jose::assertion::{AudienceRule, MAX_CLIENT_ASSERTION_LIFE, MAX_LONG_ASSERTION_LIFE};
use writ_jose::key::RsaSignatures;
use writ_wire::registration::{AssertionAudience, Profile};

use crate::client::Client;

/// FAPI 2.0 section 5.4 leaves RS256 out; plain clients come with it.
pub const fn rsa_signatures(profile: Profile) -> RsaSignatures {
    match profile {
        Profile::Oauth21 | Profile::Guest => RsaSignatures::PssAndPkcs1,
        Profile::Fapi2 | Profile::Agent => RsaSignatures::Pss,
    }
}

/// How long an assertion of such a client may live.
pub const fn max_assertion_life(profile: Profile) -> Duration {
    match profile {
        Profile::Oauth21 => MAX_LONG_ASSERTION_LIFE,
        Profile::Fapi2 | Profile::Agent | Profile::Guest => MAX_CLIENT_ASSERTION_LIFE,
    }
}

impl Client {
    /// `urls`: the endpoint that is called, and the token endpoint. FAPI 2.0 leaves no choice.
    pub fn assertion_audience<'a>(&self, urls: &'a [String]) -> AudienceRule<'a> {
        match (self.profile, self.assertion_audience) {
            (Profile::Fapi2, _) | (Profile::Agent, None) => AudienceRule::IssuerString,
            (Profile::Oauth21 | Profile::Guest, None) => AudienceRule::Contains(urls),
            (_, Some(AssertionAudience::Issuer)) => AudienceRule::Issuer,
            (_, Some(AssertionAudience::Endpoint)) => AudienceRule::IssuerOr(urls),
        }
    }
}
