//! Signing keys of this tenant, from the database: made at first start, encrypted under the master key, reread every few seconds.

use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use writ_core::event::{Event, EventName};
use writ_core::id::EventId;
use writ_core::realm::DEFAULT_TENANT;
use writ_core::signing::{KEY_CACHE, KeyState};
use writ_jose::key::{PublicKey, SigningKey};
use writ_platform::Random;
use writ_store::signing::StoredSigningKey;
use writ_store::{DatabaseTransaction, Store, StoreError};
use writ_wire::jwk::{Jwk, JwkSet};
use writ_wire::time::Timestamp;

use crate::config::Config;
use crate::node::app::{App, StartError};

/// The signing keys as they were read last.
pub struct Keys {
    pub active: SigningKey,
    published: Vec<(PublicKey, Jwk)>,
    loaded_at: Timestamp,
}

impl Keys {
    /// The published key with this `kid`.
    pub fn find(&self, kid: &str) -> Option<PublicKey> {
        self.published
            .iter()
            .find(|(_, jwk)| jwk.kid.as_deref() == Some(kid))
            .map(|(key, _)| key.clone())
    }

    pub fn jwks(&self) -> JwkSet {
        JwkSet {
            keys: self.published.iter().map(|(_, jwk)| jwk.clone()).collect(),
        }
    }
}

/// The cached signing keys of this process.
pub struct KeyRing(RwLock<Arc<Keys>>);

impl KeyRing {
    /// Makes the first two keys if there are none. Several nodes that start at once end with the same two.
    pub async fn start(
        store: &Store,
        config: &Config,
        random: &Random,
        now: Timestamp,
    ) -> Result<Self, StartError> {
        let broken = |e: &dyn std::fmt::Display| StartError::Keys(e.to_string());
        let mut transaction = store.begin(DEFAULT_TENANT).await?;
        for state in [KeyState::Active, KeyState::Next] {
            if !transaction
                .signing_keys()
                .await?
                .iter()
                .any(|row| row.state == state)
            {
                let row = new_row(config, state, now).map_err(|e| broken(&e))?;
                if transaction.insert_signing_key(&row).await? {
                    transaction
                        .insert_event(&created(&row, random, now))
                        .await?;
                }
            }
        }
        transaction.commit().await?;
        let rows = store.read(DEFAULT_TENANT).await?.signing_keys().await?;
        Ok(Self(RwLock::new(Arc::new(
            open(&rows, config, now).map_err(|e| broken(&e))?,
        ))))
    }
}

impl App {
    /// Keys that are at most [`KEY_CACHE`] old.
    pub async fn keys(&self) -> Result<Arc<Keys>, StoreError> {
        let now = self.clock.now();
        let current = self
            .keys
            .0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if now < current.loaded_at.plus(KEY_CACHE) {
            return Ok(current);
        }
        let rows = self.read().await?.signing_keys().await?;
        let fresh = Arc::new(open(&rows, &self.config, now).map_err(StoreError::Corrupt)?);
        *self.keys.0.write().unwrap_or_else(PoisonError::into_inner) = fresh.clone();
        Ok(fresh)
    }
}

/// The `kid`s that a rotation moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRotation {
    pub activated: String,
    pub retired: String,
}

/// Next becomes active, active retires, a new next is made. `None` if another rotation won.
pub async fn rotate(
    transaction: &mut DatabaseTransaction,
    config: &Config,
    random: &Random,
    now: Timestamp,
) -> Result<Option<KeyRotation>, StartError> {
    let Some(kids) = transaction.rotate(now).await? else {
        return Ok(None);
    };
    let row = new_row(config, KeyState::Next, now).map_err(StartError::Keys)?;
    transaction.insert_signing_key(&row).await?;
    let event = |name, kid: &str| {
        Event::new(EventId::make(now, random.bytes()), now, name).with(json!({ "kid": kid }))
    };
    transaction
        .insert_event(&event(EventName::KeyActivated, &kids.activated))
        .await?;
    transaction
        .insert_event(&event(EventName::KeyRetired, &kids.retired))
        .await?;
    transaction
        .insert_event(&created(&row, random, now))
        .await?;
    Ok(Some(KeyRotation {
        activated: kids.activated,
        retired: kids.retired,
    }))
}

fn created(row: &StoredSigningKey, random: &Random, now: Timestamp) -> Event {
    Event::new(
        EventId::make(now, random.bytes()),
        now,
        EventName::KeyCreated,
    )
    .with(json!({ "kid": row.kid, "state": row.state.as_str() }))
}

fn new_row(config: &Config, state: KeyState, now: Timestamp) -> Result<StoredSigningKey, String> {
    let key = SigningKey::generate().map_err(|e| e.to_string())?;
    let sealed = config
        .master
        .seal(associated(key.kid()).as_bytes(), &key.to_pkcs8())
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
    format!("signing-key {DEFAULT_TENANT} {kid}")
}

fn open(rows: &[StoredSigningKey], config: &Config, now: Timestamp) -> Result<Keys, String> {
    let mut active = None;
    let mut published = Vec::new();
    for row in rows.iter().filter(|row| row.state.is_published()) {
        let jwk: Jwk =
            serde_json::from_str(&row.public_jwk).map_err(|e| format!("key `{}`: {e}", row.kid))?;
        let key = PublicKey::from_jwk(&jwk).map_err(|e| format!("key `{}`: {e}", row.kid))?;
        published.push((key, jwk));
        if row.state == KeyState::Active {
            active = Some(unseal(row, config)?);
        }
    }
    let active = active.ok_or("there is no active signing key")?;
    Ok(Keys {
        active,
        published,
        loaded_at: now,
    })
}

fn unseal(row: &StoredSigningKey, config: &Config) -> Result<SigningKey, String> {
    let sealed = row
        .sealed
        .as_deref()
        .ok_or("the active signing key has no private part")?;
    let sealed = URL_SAFE_NO_PAD.decode(sealed).map_err(|e| e.to_string())?;
    let plain = config
        .master
        .open(associated(&row.kid).as_bytes(), &sealed)
        .map_err(|_| {
            format!(
                "key `{}` does not open: is this the right master key?",
                row.kid
            )
        })?;
    SigningKey::from_pkcs8(&plain).map_err(|e| e.to_string())
}
