//! The VAPID key, by which push services recognise this server (RFC 8292): made at first start, encrypted under the master key.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use writ_core::realm::DEFAULT_TENANT;
use writ_jose::key::{KeyError, SigningKey};
use writ_jose::seal::SealedFor;
use writ_platform::guard::Origin;
use writ_store::Store;
use writ_wire::time::Timestamp;

use crate::config::Config;
use crate::node::app::StartError;

/// Lifetime of a VAPID token; RFC 8292 section 2 permits a day.
pub const TOKEN_LIFETIME: Duration = Duration::from_secs(12 * 3600);

const PURPOSE: &str = "vapid";

/// A P-256 signing key.
pub struct PushKey {
    key: SigningKey,
    /// What browsers subscribe with: the uncompressed point in base64url (RFC 8292 section 3.2).
    pub public: String,
    /// The operator's contact, `sub` of the token (RFC 8292 section 2.1).
    contact: Option<String>,
}

#[derive(Serialize)]
struct VapidClaims<'a> {
    aud: &'a str,
    exp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<&'a str>,
}

impl PushKey {
    /// Makes the key if there is none. Several nodes that start at once end with the same one.
    pub async fn start(store: &Store, config: &Config, now: Timestamp) -> Result<Self, StartError> {
        let broken = |e: &dyn std::fmt::Display| StartError::Keys(format!("Web Push: {e}"));
        let mut transaction = store.begin(DEFAULT_TENANT).await?;
        if transaction.server_key(PURPOSE).await?.is_none() {
            let key = SigningKey::generate().map_err(|e| broken(&e))?;
            let sealed = config.master.seal(
                SealedFor::Storage,
                ASSOCIATED_DATA.as_bytes(),
                &key.to_pkcs8(),
            );
            let sealed = URL_SAFE_NO_PAD.encode(sealed.map_err(|e| broken(&e))?);
            let public = point(&key).map_err(|e| broken(&e))?;
            transaction
                .insert_server_key(PURPOSE, &public, &sealed, now)
                .await?;
        }
        transaction.commit().await?;
        let found = store
            .read(DEFAULT_TENANT)
            .await?
            .server_key(PURPOSE)
            .await?;
        let (public, sealed) = found.ok_or_else(|| broken(&"the key is gone"))?;
        let sealed = URL_SAFE_NO_PAD.decode(sealed).map_err(|e| broken(&e))?;
        let place = ASSOCIATED_DATA.as_bytes();
        let plain = config.master.open(SealedFor::Storage, place, &sealed);
        let plain = plain.map_err(|_| broken(&"does not open: is this the right master key?"))?;
        Ok(Self {
            key: SigningKey::from_pkcs8(&plain).map_err(|e| broken(&e))?,
            public,
            contact: contact(config),
        })
    }

    /// The value of `Authorization` for one push service (RFC 8292 section 3).
    pub fn authorization(&self, audience: &Origin, now: Timestamp) -> Result<String, KeyError> {
        let claims = VapidClaims {
            aud: audience.as_str(),
            exp: now.plus(TOKEN_LIFETIME).seconds(),
            sub: self.contact.as_deref(),
        };
        let token = self.key.sign_jwt("JWT", &claims)?;
        Ok(format!("vapid t={token}, k={}", self.public))
    }
}

/// What the operator configured, else an https issuer, which is a contact URL too (RFC 8292 section 2.1).
fn contact(config: &Config) -> Option<String> {
    let issuer = config.is_https().then(|| config.issuer.to_string());
    config.channels.push_contact.clone().or(issuer)
}

fn point(key: &SigningKey) -> Result<String, &'static str> {
    let jwk = key.public_jwk();
    let coordinate = |text: &Option<String>| URL_SAFE_NO_PAD.decode(text.as_deref()?).ok();
    let (x, y) = coordinate(&jwk.x)
        .zip(coordinate(&jwk.y))
        .ok_or("the key has no coordinates")?;
    Ok(URL_SAFE_NO_PAD.encode([&[4], x.as_slice(), &y].concat()))
}

/// The associated data that the key is encrypted with.
const ASSOCIATED_DATA: &str = "server-key default vapid";
