//! The keys that this server signs with: public facts alone.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use writ_store::signing::StoredSigningKey;
use writ_store::{DatabaseTransaction, StoreError};

use super::{DirectoryPage, document, rfc3339};

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct KeyEntry {
    pub kid: String,
    /// `access_token`, or `id_token` for the RSA keys.
    pub signs: &'static str,
    pub state: String,
    pub public_jwk: Value,
    pub created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activated_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retired_at: Option<String>,
}

/// There is one for each rotation, so that they are one page.
pub async fn keys(
    reading: &mut DatabaseTransaction,
) -> Result<DirectoryPage<KeyEntry>, StoreError> {
    let tokens = reading.signing_keys().await?;
    let id_tokens = reading.id_token_keys().await?;
    let tokens = tokens.into_iter().map(|key| view(key, "access_token"));
    let id_tokens = id_tokens.into_iter().map(|key| view(key, "id_token"));
    Ok(DirectoryPage {
        items: tokens.chain(id_tokens).collect::<Result<_, _>>()?,
        next: None,
    })
}

fn view(key: StoredSigningKey, signs: &'static str) -> Result<KeyEntry, StoreError> {
    Ok(KeyEntry {
        public_jwk: document(&key.public_jwk, "`signing_keys.public_jwk`")?,
        kid: key.kid,
        signs,
        state: key.state.as_str().to_owned(),
        created_at: key.created_at.rfc3339(),
        activated_at: rfc3339(key.activated_at),
        retired_at: rfc3339(key.retired_at),
    })
}
