//! How this server proves at a token endpoint who it is, by a key of its own instead of a secret (`private_key_jwt`, OpenID Connect Core section
//! 9, RFC 7523 section 2.2).

use std::time::Duration;

use serde_json::json;

use super::{ReachedProvider, UpstreamError};

/// RFC 7523 section 2.2.
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// Of an assertion, which is used at once.
const LIFETIME: Duration = Duration::from_secs(60);

impl ReachedProvider<'_> {
    /// Parameters of a request to the token endpoint; none where there is no key. The audience is the provider alone
    /// (draft-ietf-oauth-rfc7523bis), so that no other one can make use of it.
    pub(super) fn client_assertion(&self) -> Result<Vec<(&'static str, String)>, UpstreamError> {
        let Some(key) = &self.provider.client_key else {
            return Ok(Vec::new());
        };
        let (provider, now) = (self.provider, self.app.clock.now());
        let claims = json!({
            "iss": provider.client_id, "sub": provider.client_id, "aud": provider.issuer,
            "jti": self.app.random.identifier(),
            "iat": now.seconds(), "exp": now.plus(LIFETIME).seconds(),
        });
        let assertion = key.sign_jwt("JWT", &claims);
        let assertion = assertion.map_err(|error| UpstreamError::Unavailable(error.to_string()))?;
        Ok(vec![
            ("client_assertion_type", ASSERTION_TYPE.to_owned()),
            ("client_assertion", assertion),
        ])
    }
}
