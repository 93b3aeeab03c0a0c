//! The relying party: the RP ID is the issuer's host, the only accepted origin is the issuer's (WebAuthn 5.1.2 and 13.4.9).

use std::fmt;

use sha2::{Digest, Sha256};
use url::{Host, Url};
use webauthn_rs::prelude::{Uuid, Webauthn, WebauthnBuilder};

use crate::UserEntity;

/// The relying party of one issuer; made once, when the server starts.
pub struct RelyingParty {
    pub(crate) library: Webauthn,
    id: String,
    origin: String,
}

/// Why passkeys cannot be used under an issuer. Passwords still can.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RelyingPartyError {
    #[error("passkeys need a host name, and `{host}` has none: use `{instead}`")]
    NoHostName { host: String, instead: String },
    #[error("passkeys need https, or `http://localhost` with its port")]
    NotSecure,
    #[error("passkeys cannot be had under the issuer `{0}`")]
    Unusable(String),
}

impl RelyingParty {
    pub fn new(issuer: &Url) -> Result<Self, RelyingPartyError> {
        let id = host_name(issuer)?;
        let origin = issuer.origin().ascii_serialization();
        let unusable = || RelyingPartyError::Unusable(origin.clone());
        let url = Url::parse(&origin).map_err(|_| unusable())?;
        let library = WebauthnBuilder::new(&id, &url)
            .and_then(WebauthnBuilder::build)
            .map_err(|_| unusable())?;
        Ok(Self {
            library,
            id,
            origin,
        })
    }

    /// The RP ID: a host name.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Scheme, host and port as a browser writes them.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The user handle in base64url: opaque, stable, without personal data (WebAuthn 5.4.3 and 14.6.1).
    pub fn user_handle(&self, person: &UserEntity) -> String {
        use base64::Engine;
        crate::BASE64URL.encode(self.user_uuid(person).as_bytes())
    }

    pub(crate) fn user_uuid(&self, person: &UserEntity) -> Uuid {
        let digest: [u8; 32] = Sha256::new()
            .chain_update("writ user handle\0")
            .chain_update(&self.id)
            .chain_update([0])
            .chain_update(&person.id)
            .finalize()
            .into();
        let (half, _) = digest.split_at(16);
        let mut bytes = [0; 16];
        bytes.copy_from_slice(half);
        Uuid::from_bytes(bytes)
    }
}

impl fmt::Debug for RelyingParty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RelyingParty")
            .field("id", &self.id)
            .field("origin", &self.origin)
            .finish()
    }
}

fn host_name(issuer: &Url) -> Result<String, RelyingPartyError> {
    match issuer.host() {
        Some(Host::Domain("localhost")) => Ok("localhost".to_owned()),
        Some(Host::Domain(name)) if issuer.scheme() == "https" => Ok(name.to_owned()),
        Some(Host::Domain(_)) => Err(RelyingPartyError::NotSecure),
        Some(address) => Err(RelyingPartyError::NoHostName {
            host: address.to_string(),
            instead: localhost(issuer),
        }),
        None => Err(RelyingPartyError::Unusable(issuer.to_string())),
    }
}

fn localhost(issuer: &Url) -> String {
    match issuer.port() {
        Some(port) => format!("{}://localhost:{port}", issuer.scheme()),
        None => format!("{}://localhost", issuer.scheme()),
    }
}
