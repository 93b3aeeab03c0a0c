//! Signing keys of this tenant, from the database: made at first start, encrypted under the master key, reread every few seconds.

use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use writ_core::event::{Event, EventName};
use writ_core::id::EventId;
use writ_core::realm::DEFAULT_TENANT;
use writ_core::signing::{KEY_CACHE, KeyState};
use writ_jose::key::{PublicKey, RsaSignatures, RsaSigningKey, SigningKey};
use writ_jose::seal::SealedFor;
use writ_platform::Random;
use writ_store::signing::{RotatedKids, StoredSigningKey};
use writ_store::{DatabaseTransaction, SingleFlight, Store, StoreError};
use writ_wire::jwk::{Jwk, JwkSet};
use writ_wire::time::Timestamp;
use zeroize::Zeroizing;

use crate::config::Config;
use crate::node::app::{App, StartError};
use crate::node::id_token_keys;

/// The signing keys as they were read last.
pub struct Keys {
    pub active: SigningKey,
    /// Of RS256 ID tokens; made after the start, see [`App::id_token_keys`].
    pub id_token: Option<RsaSigningKey>,
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
pub struct KeyRing {
    cached: RwLock<Arc<Keys>>,
    /// One request reads the keys again; others wait, and take what was read.
    reading: SingleFlight,
    /// One request makes the RSA keys; others wait.
    pub(super) making: SingleFlight,
}

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
        let rows = KeyRows::read(&mut store.read(DEFAULT_TENANT).await?).await?;
        let keys = open(&rows, config, now).map_err(|e| broken(&e))?;
        Ok(Self {
            cached: RwLock::new(Arc::new(keys)),
            reading: SingleFlight::default(),
            making: SingleFlight::default(),
        })
    }
}

impl App {
    /// Keys that are at most [`KEY_CACHE`] old.
    pub async fn keys(&self) -> Result<Arc<Keys>, StoreError> {
        if let Some(current) = self.current_keys() {
            return Ok(current);
        }
        let (current, reload) = (|| self.current_keys(), self.reload_keys(self.clock.now()));
        let fresh = self.keys.reading.share(&self.store, current, reload).await;
        // What is signed or decided with an older key needs the database anyway.
        self.or_known(fresh, || self.keys.known())
    }

    /// As they were read last, if that will do.
    fn current_keys(&self) -> Option<Arc<Keys>> {
        let (now, known) = (self.clock.now(), self.keys.known());
        let is_current = known.loaded_at.is_within(KEY_CACHE, now) || self.outage.lasts(now);
        is_current.then_some(known)
    }

    /// The keys as they are in the database now.
    pub(super) async fn reload_keys(&self, now: Timestamp) -> Result<Arc<Keys>, StoreError> {
        let rows = KeyRows::read(&mut self.read().await?).await?;
        let fresh = Arc::new(open(&rows, &self.config, now).map_err(StoreError::Corrupt)?);
        let cached = self.keys.cached.write();
        *cached.unwrap_or_else(PoisonError::into_inner) = fresh.clone();
        Ok(fresh)
    }
}

impl KeyRing {
    /// As they were read last.
    pub fn known(&self) -> Arc<Keys> {
        let cached = self.cached.read();
        cached.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Fails where a key does not open by the master key of this configuration; before the first start there are none.
pub async fn check_master(store: &Store, config: &Config) -> Result<(), StartError> {
    let rows = store.read(DEFAULT_TENANT).await?.signing_keys().await?;
    for row in rows.iter().filter(|row| row.sealed.is_some()) {
        unseal(row, associated(&row.kid).as_bytes(), config).map_err(StartError::Keys)?;
    }
    Ok(())
}

/// The rows of all signing keys.
struct KeyRows {
    tokens: Vec<StoredSigningKey>,
    id_tokens: Vec<StoredSigningKey>,
}

impl KeyRows {
    async fn read(reading: &mut DatabaseTransaction) -> Result<Self, StoreError> {
        Ok(Self {
            tokens: reading.signing_keys().await?,
            id_tokens: reading.id_token_keys().await?,
        })
    }
}

/// The `kid`s that a rotation moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRotation {
    pub activated: String,
    pub retired: String,
    /// Of the keys of RS256 ID tokens, if there was a next one.
    pub id_token: Option<RotatedKids>,
}

/// The keys that are next after a rotation. They are made before its transaction, in which nobody else can write on SQLite.
pub struct NextKeys {
    token: StoredSigningKey,
    /// Only where there is an earlier one to rotate to.
    pub(super) id_token: Option<StoredSigningKey>,
}

impl NextKeys {
    pub async fn make(store: &Store, config: &Config, now: Timestamp) -> Result<Self, StartError> {
        Ok(Self {
            token: new_row(config, KeyState::Next, now).map_err(StartError::Keys)?,
            id_token: id_token_keys::next(store, config, now).await?,
        })
    }
}

/// Makes the event of this name with these facts.
pub type RotationEvents<'a> = dyn Fn(EventName, Value) -> Event + Sync + 'a;

/// Next becomes active, active retires, these are next. `None` if another rotation won. Each event is made by `event`, which says who rotates.
pub async fn rotate(
    transaction: &mut DatabaseTransaction,
    next: &NextKeys,
    event: &RotationEvents<'_>,
) -> Result<Option<KeyRotation>, StoreError> {
    let row = &next.token;
    let Some(kids) = transaction.rotate(row.created_at).await? else {
        return Ok(None);
    };
    transaction.insert_signing_key(row).await?;
    insert_rotation_events(transaction, &kids, row, event).await?;
    let id_token = id_token_keys::rotate(transaction, next, event).await?;
    Ok(Some(KeyRotation {
        activated: kids.activated,
        retired: kids.retired,
        id_token,
    }))
}

/// The events of a rotation after which `next` is the new next key.
pub(super) async fn insert_rotation_events(
    transaction: &mut DatabaseTransaction,
    kids: &RotatedKids,
    next: &StoredSigningKey,
    event: &RotationEvents<'_>,
) -> Result<(), StoreError> {
    for event in [
        event(EventName::KeyActivated, json!({ "kid": kids.activated })),
        event(EventName::KeyRetired, json!({ "kid": kids.retired })),
        event(EventName::KeyCreated, facts_of(next)),
    ] {
        transaction.insert_event(&event).await?;
    }
    Ok(())
}

pub(super) fn created(row: &StoredSigningKey, random: &Random, now: Timestamp) -> Event {
    Event::new(
        EventId::make(now, random.bytes()),
        now,
        EventName::KeyCreated,
    )
    .with(facts_of(row))
}

fn facts_of(row: &StoredSigningKey) -> Value {
    json!({ "kid": row.kid, "state": row.state.as_str() })
}

fn new_row(config: &Config, state: KeyState, now: Timestamp) -> Result<StoredSigningKey, String> {
    let key = SigningKey::generate().map_err(|e| e.to_string())?;
    let sealed = config
        .master
        .seal(
            SealedFor::Storage,
            associated(key.kid()).as_bytes(),
            &key.to_pkcs8(),
        )
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

fn open(rows: &KeyRows, config: &Config, now: Timestamp) -> Result<Keys, String> {
    let mut active = None;
    let mut published = Vec::new();
    for row in rows.tokens.iter().filter(|row| row.state.is_published()) {
        let (key, jwk) = public_part(row, RsaSignatures::Pss)?;
        published.push((key, jwk));
        if row.state == KeyState::Active {
            let plain = unseal(row, associated(&row.kid).as_bytes(), config)?;
            active = Some(SigningKey::from_pkcs8(&plain).map_err(|e| e.to_string())?);
        }
    }
    let active = active.ok_or("there is no active signing key")?;
    let id_token = id_token_keys::open(&rows.id_tokens, config, &mut published)?;
    Ok(Keys {
        active,
        id_token,
        published,
        loaded_at: now,
    })
}

/// The public key of a row, also where it was parsed from, as it is published.
pub(super) fn public_part(
    row: &StoredSigningKey,
    signatures: RsaSignatures,
) -> Result<(PublicKey, Jwk), String> {
    let broken = |e: &dyn std::fmt::Display| format!("key `{}`: {e}", row.kid);
    let jwk: Jwk = serde_json::from_str(&row.public_jwk).map_err(|e| broken(&e))?;
    let key = PublicKey::from_jwk_with(&jwk, signatures).map_err(|e| broken(&e))?;
    Ok((key, jwk))
}

/// The private part of a row, decrypted under its associated data.
pub(super) fn unseal(
    row: &StoredSigningKey,
    associated: &[u8],
    config: &Config,
) -> Result<Zeroizing<Vec<u8>>, String> {
    let sealed = row
        .sealed
        .as_deref()
        .ok_or("the active signing key has no private part")?;
    let sealed = URL_SAFE_NO_PAD.decode(sealed).map_err(|e| e.to_string())?;
    let opened = config.master.open(SealedFor::Storage, associated, &sealed);
    opened.map_err(|_| {
        format!(
            "key `{}` does not open: is this the right master key?",
            row.kid
        )
    })
}
