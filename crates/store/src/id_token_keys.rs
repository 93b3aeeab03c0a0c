//! The RSA keys that sign ID tokens: the same states and rotation as in `signing.rs`, in a table of their own.

use writ_wire::time::Timestamp;

use crate::error::Result;
use crate::signing::{KeyQueries, RotatedKids, StoredSigningKey, key_queries};
use crate::store::DatabaseTransaction;

const ID_TOKEN_KEYS: KeyQueries = key_queries!("id_token_keys");

impl DatabaseTransaction {
    /// Active, next, retiring, and at the end the removed ones.
    pub async fn id_token_keys(&mut self) -> Result<Vec<StoredSigningKey>> {
        self.keys_of(&ID_TOKEN_KEYS).await
    }

    /// Whether it was written: there is one active and one next key, whoever came first (a unique index each).
    pub async fn insert_id_token_key(&mut self, key: &StoredSigningKey) -> Result<bool> {
        self.insert_key(&ID_TOKEN_KEYS, key).await
    }

    /// As [`DatabaseTransaction::rotate`]: `None` while there is no next key, or if another node rotated just now.
    pub async fn rotate_id_token_key(&mut self, now: Timestamp) -> Result<Option<RotatedKids>> {
        self.rotate_keys(&ID_TOKEN_KEYS, now).await
    }

    /// Takes a retiring key out of use for good; its private part is gone.
    pub async fn remove_retired_id_token_key(&mut self, kid: &str, now: Timestamp) -> Result<bool> {
        self.remove_retired_key(&ID_TOKEN_KEYS, kid, now).await
    }
}
