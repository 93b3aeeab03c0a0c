//! ID tokens of this issuer that come back as hints (OpenID Connect Core 3.1.2.1, CIBA section 7.1): only whom they name counts.

use writ_core::OAuthError;
use writ_jose::assertion::{HintedIdentity, unverified_kid};
use writ_jose::key::{PublicKey, RsaSignatures};
use writ_store::StoreError;
use writ_wire::jwk::Jwk;

use crate::node::app::App;

/// Why a hint does not count.
#[derive(Debug)]
pub enum HintError {
    Refused(OAuthError),
    Store(StoreError),
}

impl From<StoreError> for HintError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl App {
    /// Verified by a key of ours, however old it is; not yet that it was issued to the client that sends it.
    pub async fn hinted_identity(&self, text: &str) -> Result<HintedIdentity, HintError> {
        let refuse = |why: &dyn std::fmt::Display| {
            HintError::Refused(OAuthError::invalid_request(format!(
                "`id_token_hint` is not usable: {why}"
            )))
        };
        let key = match unverified_kid(text) {
            Some(kid) => self.ever_published(&kid).await?,
            None => None,
        };
        let key = key.ok_or_else(|| refuse(&"it is signed by no key of this server"))?;
        HintedIdentity::verify(text, &key, self.config.issuer.as_str()).map_err(|e| refuse(&e))
    }

    /// The same, of a token that was issued to this client.
    pub async fn hinted_by(&self, client: &str, text: &str) -> Result<HintedIdentity, HintError> {
        let hinted = self.hinted_identity(text).await?;
        match hinted.check_audience(client) {
            Ok(()) => Ok(hinted),
            Err(error) => Err(HintError::Refused(OAuthError::invalid_request(format!(
                "`id_token_hint` is not usable: {error}"
            )))),
        }
    }

    /// Old keys sign nothing, but what they signed still says who was meant.
    pub async fn ever_published(&self, kid: &str) -> Result<Option<PublicKey>, StoreError> {
        if let Some(key) = self.keys().await?.find(kid) {
            return Ok(Some(key));
        }
        let mut reading = self.read().await?;
        let mut rows = reading.signing_keys().await?;
        rows.extend(reading.id_token_keys().await?);
        let row = rows.into_iter().find(|row| row.kid == kid);
        let jwk: Option<Jwk> = row.and_then(|row| serde_json::from_str(&row.public_jwk).ok());
        Ok(jwk.and_then(|jwk| PublicKey::from_jwk_with(&jwk, RsaSignatures::PssAndPkcs1).ok()))
    }
}
