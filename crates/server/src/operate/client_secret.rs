//! Rotation of a client's secret: the new one is taken at once, the earlier one for a while longer, so that the program that uses it
//! can be changed in between.

use std::time::Duration;

use serde_json::{Value, json};
use writ_core::event::EventName;
use writ_core::id::ClientId;
use writ_core::realm::DEFAULT_TENANT;
use writ_store::registered::RotatedSecret;

use super::change_client::{ClientKind, changeable};
use super::register::{Registrar, RegistrationError, fault};
use crate::node::secret::secret_digest;

/// The longest time for which an earlier secret is taken.
pub const MAX_OVERLAP: Duration = Duration::from_secs(30 * 24 * 3600);

impl Registrar<'_> {
    /// The new secret, shown this once. Without an overlap the earlier one ends now; one before that ends in any case.
    pub async fn rotate_client_secret(
        &self,
        id: &ClientId,
        overlap: Duration,
    ) -> Result<Value, RegistrationError> {
        if overlap > MAX_OVERLAP {
            let days = MAX_OVERLAP.as_secs() / (24 * 3600);
            return Err(fault(&format!("the overlap is at most {days} days")));
        }
        let now = self.clock.now();
        let secret = self.random.secret();
        let earlier_until = (!overlap.is_zero()).then(|| now.plus(overlap));
        let mut transaction = self.store.begin(DEFAULT_TENANT).await?;
        // Of an agent the keys are what is exchanged.
        changeable(&mut transaction, ClientKind::Plain, id, "add-key").await?;
        let digest = &secret_digest(&secret);
        let rotated = RotatedSecret {
            digest,
            earlier_until,
        };
        if !transaction.rotate_secret(id, rotated).await? {
            return Err(fault(&format!(
                "client `{id}` has no secret: its `token_endpoint_auth_method` needs none"
            )));
        }
        let until = earlier_until.map(|at| at.rfc3339());
        let facts = json!({ "earlier_secret_until": until });
        let mut event = self.event(now, EventName::ClientSecretRotated, facts);
        event.client = Some(id.to_string());
        transaction.insert_event(&event).await?;
        transaction.commit().await?;
        Ok(json!({
            "client_id": id,
            "client_secret": secret,
            "client_secret_expires_at": 0,
            "earlier_secret_until": until,
        }))
    }
}
