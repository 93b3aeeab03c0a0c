//! Pushed authorization requests (RFC 9126): read as often as the person opens the page, consumed once by the decision.

use writ_core::authorize::FoundRequest;
use writ_core::consent::ConsentScreen;
use writ_core::id::ClientId;
use writ_core::request::PreparedRequest;
use writ_wire::time::Timestamp;

use crate::error::Result;
use crate::json::{self, time};
use crate::store::DatabaseTransaction;

/// One row of `authorization_requests`; of the `request_uri` only a digest is stored.
#[derive(Clone, Copy)]
pub struct NewAuthorizationRequest<'a> {
    pub digest: &'a str,
    pub client: &'a ClientId,
    pub prepared: &'a PreparedRequest,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

const PREPARED: &str = "`authorization_requests.prepared`";
const SCREEN_COLUMN: &str = "`authorization_requests.screen`";

row! { ScreenRow { screen: Option<String> } }

row! { RequestRow {
    digest: String,
    client_id: String,
    prepared: String,
    created_at: i64,
    expires_at: i64,
    consumed_at: Option<i64>,
} }

const INSERT: &str = "
    INSERT INTO authorization_requests (tenant, digest, client_id, prepared, created_at, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6)";

const FIND: &str = "
    SELECT digest, client_id, prepared, created_at, expires_at, consumed_at
    FROM authorization_requests WHERE tenant = $1 AND digest = $2";

const SAVE_SCREEN: &str = "
    UPDATE authorization_requests SET screen = $3
    WHERE tenant = $1 AND digest = $2 AND consumed_at IS NULL";

const SCREEN: &str = "
    SELECT screen FROM authorization_requests WHERE tenant = $1 AND digest = $2";

const CONSUME: &str = "
    UPDATE authorization_requests SET consumed_at = $3
    WHERE tenant = $1 AND digest = $2 AND consumed_at IS NULL AND expires_at > $3";

impl DatabaseTransaction {
    pub async fn insert_request(&mut self, new: NewAuthorizationRequest<'_>) -> Result<()> {
        execute!(
            self,
            INSERT,
            &self.tenant,
            new.digest,
            new.client.as_str(),
            json::write(new.prepared, PREPARED)?,
            new.created_at.micros(),
            new.expires_at.micros(),
        )?;
        Ok(())
    }

    /// Also one that is expired or consumed: the rules in `core` tell them apart.
    pub async fn request(&mut self, digest: &str) -> Result<Option<FoundRequest>> {
        let row = optional!(self, RequestRow, FIND, &self.tenant, digest)?;
        row.map(RequestRow::read).transpose()
    }

    /// The consent page that a person is about to see, in place of the one before it.
    pub async fn save_consent_screen(
        &mut self,
        digest: &str,
        screen: &ConsentScreen,
    ) -> Result<()> {
        let screen = json::write(screen, SCREEN_COLUMN)?;
        execute!(self, SAVE_SCREEN, &self.tenant, digest, screen)?;
        Ok(())
    }

    /// The consent page that was shown last; `None` before the first one.
    pub async fn consent_screen(&mut self, digest: &str) -> Result<Option<ConsentScreen>> {
        let row = optional!(self, ScreenRow, SCREEN, &self.tenant, digest)?;
        let text = row.and_then(|row| row.screen);
        text.map(|text| json::read(&text, SCREEN_COLUMN))
            .transpose()
    }

    /// Whether this call used it up.
    pub async fn consume_request(&mut self, digest: &str, now: Timestamp) -> Result<bool> {
        Ok(execute!(self, CONSUME, &self.tenant, digest, now.micros())? == 1)
    }
}

impl RequestRow {
    fn read(self) -> Result<FoundRequest> {
        Ok(FoundRequest {
            digest: self.digest,
            client: self.client_id,
            prepared: json::read(&self.prepared, PREPARED)?,
            created_at: time(self.created_at),
            expires_at: time(self.expires_at),
            consumed_at: self.consumed_at.map(time),
        })
    }
}
