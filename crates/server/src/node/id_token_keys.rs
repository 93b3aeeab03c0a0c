//! The RSA keys of RS256 ID tokens. Making one takes a good part of a second, so that the server starts without: they are made
//! beside its work, or by whoever needs one first. Sealed and rotated like the others.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use writ_core::client::Client;
use writ_core::realm::DEFAULT_TENANT;
use writ_core::request::OPENID;
use writ_core::signing::KeyState;
use writ_jose::key::{Algorithm, PublicKey, RsaSignatures, RsaSigningKey};
use writ_jose::seal::SealedFor;
use writ_store::signing::{RotatedKids, StoredSigningKey};
use writ_store::{DatabaseTransaction, Store, StoreError};
use writ_wire::jwk::Jwk;
use writ_wire::time::Timestamp;

use crate::config::Config;
use crate::node::app::{App, StartError};
use crate::node::keyring::{
    Keys, NextKeys, RotationEvents, created, insert_rotation_events, public_part, unseal,
};

impl App {
    /// The keys that tokens of this client may need: also the one of RS256, if it can get such ID tokens.
    pub async fn keys_for(&self, client: &Client) -> Result<Arc<Keys>, StoreError> {
        let wants_rsa = client.openid.id_token_algorithm == Algorithm::Rs256;
        if wants_rsa && client.scope.contains(OPENID) {
            self.id_token_keys().await
        } else {
            self.keys().await
        }
    }

    /// Keys among which there is one for RS256 ID tokens: waits until it is made, or makes it.
    pub async fn id_token_keys(&self) -> Result<Arc<Keys>, StoreError> {
        let keys = self.keys().await?;
        if keys.id_token.is_some() {
            return Ok(keys);
        }
        self.make_id_token_key(KeyState::Active).await
    }

    /// Both keys, as after every rotation; for the work beside the requests.
    pub async fn complete_id_token_keys(&self) -> Result<(), StoreError> {
        self.id_token_keys().await?;
        let rows = self.read().await?.id_token_keys().await?;
        if !rows.iter().any(|row| row.state == KeyState::Next) {
            self.make_id_token_key(KeyState::Next).await?;
        }
        Ok(())
    }

    /// One request of this node at a time makes a key; of several nodes the first one that writes it wins.
    async fn make_id_token_key(&self, state: KeyState) -> Result<Arc<Keys>, StoreError> {
        let making =
            self.keys
                .making
                .share(&self.store, || None, self.make_id_token_key_in_turn(state));
        making.await
    }

    async fn make_id_token_key_in_turn(&self, state: KeyState) -> Result<Arc<Keys>, StoreError> {
        let now = self.clock.now();
        let rows = self.read().await?.id_token_keys().await?;
        if !rows.iter().any(|row| row.state == state) {
            let row = new_row(&self.config, state, now).await;
            let row = row.map_err(StoreError::Corrupt)?;
            let mut transaction = self.begin().await?;
            if transaction.insert_id_token_key(&row).await? {
                let event = created(&row, &self.random, now);
                transaction.insert_event(&event).await?;
            }
            transaction.commit().await?;
        }
        self.reload_keys(now).await
    }
}

/// The key that is next after a rotation, if there is one to rotate to.
pub(super) async fn next(
    store: &Store,
    config: &Config,
    now: Timestamp,
) -> Result<Option<StoredSigningKey>, StartError> {
    let rows = store.read(DEFAULT_TENANT).await?.id_token_keys().await?;
    if !rows.iter().any(|row| row.state == KeyState::Next) {
        return Ok(None);
    }
    let row = new_row(config, KeyState::Next, now).await;
    Ok(Some(row.map_err(StartError::Keys)?))
}

/// Next becomes active, active retires. `None` if there was no next one: nothing is rotated.
pub(super) async fn rotate(
    transaction: &mut DatabaseTransaction,
    next: &NextKeys,
    event: &RotationEvents<'_>,
) -> Result<Option<RotatedKids>, StoreError> {
    let Some(next) = &next.id_token else {
        return Ok(None);
    };
    let Some(kids) = transaction.rotate_id_token_key(next.created_at).await? else {
        return Ok(None);
    };
    transaction.insert_id_token_key(next).await?;
    insert_rotation_events(transaction, &kids, next, event).await?;
    Ok(Some(kids))
}

/// Takes a good part of a second, in which the work of others goes on.
async fn new_row(
    config: &Config,
    state: KeyState,
    now: Timestamp,
) -> Result<StoredSigningKey, String> {
    let key = tokio::task::spawn_blocking(RsaSigningKey::generate).await;
    let key = key.map_err(|e| e.to_string())?;
    row(&key.map_err(|e| e.to_string())?, config, state, now)
}

fn row(
    key: &RsaSigningKey,
    config: &Config,
    state: KeyState,
    now: Timestamp,
) -> Result<StoredSigningKey, String> {
    let plain = key.to_pkcs8().map_err(|e| e.to_string())?;
    let sealed = config
        .master
        .seal(SealedFor::Storage, associated(key.kid()).as_bytes(), &plain)
        .map_err(|e| e.to_string())?;
    Ok(StoredSigningKey {
        kid: key.kid().to_owned(),
        state,
        public_jwk: serde_json::to_string(&key.public_jwk()).map_err(|e| e.to_string())?,
        sealed: Some(URL_SAFE_NO_PAD.encode(sealed)),
        created_at: now,
        activated_at: (state == KeyState::Active).then_some(now),
        retired_at: None,
    })
}

/// The associated data of an encrypted key: it decrypts for this tenant and `kid` alone.
fn associated(kid: &str) -> String {
    format!("id-token-key {DEFAULT_TENANT} {kid}")
}

/// The active key, if it is made; all public ones join the published.
pub(super) fn open(
    rows: &[StoredSigningKey],
    config: &Config,
    published: &mut Vec<(PublicKey, Jwk)>,
) -> Result<Option<RsaSigningKey>, String> {
    let mut active = None;
    for row in rows.iter().filter(|row| row.state.is_published()) {
        published.push(public_part(row, RsaSignatures::PssAndPkcs1)?);
        if row.state == KeyState::Active {
            let plain = unseal(row, associated(&row.kid).as_bytes(), config)?;
            active = Some(RsaSigningKey::from_pkcs8(&plain).map_err(|e| e.to_string())?);
        }
    }
    Ok(active)
}
