//! Pushed authorization requests (RFC 9126): read as often as the person opens the page, consumed once by the decision.

use writ_core::authorize::FoundRequest;
use writ_core::consent::ConsentScreen;
use writ_core::id::{ApprovalId, ClientId};
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
    /// Absent for a pushed one, which nobody has opened yet.
    pub opened_at: Option<Timestamp>,
}

const PREPARED: &str = "`authorization_requests.prepared`";
const SCREEN_COLUMN: &str = "`authorization_requests.screen`";

row! { ScreenRow { screen: Option<String> } }

row! { ApprovalIdRow { approval_id: Option<String> } }

row! { RequestRow {
    digest: String,
    client_id: String,
    prepared: String,
    created_at: i64,
    expires_at: i64,
    opened_at: Option<i64>,
    consumed_at: Option<i64>,
} }

const INSERT: &str = "
    INSERT INTO authorization_requests
        (tenant, digest, client_id, prepared, created_at, expires_at, opened_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7)";

const FIND: &str = "
    SELECT digest, client_id, prepared, created_at, expires_at, opened_at, consumed_at
    FROM authorization_requests WHERE tenant = $1 AND digest = $2";

const OPEN: &str = "
    UPDATE authorization_requests SET opened_at = $3, expires_at = $4
    WHERE tenant = $1 AND digest = $2 AND opened_at IS NULL AND consumed_at IS NULL
        AND expires_at > $3";

const SAVE_SCREEN: &str = "
    UPDATE authorization_requests SET screen = $3
    WHERE tenant = $1 AND digest = $2 AND consumed_at IS NULL";

const SCREEN: &str = "
    SELECT screen FROM authorization_requests WHERE tenant = $1 AND digest = $2";

const ASK_ELSEWHERE: &str = "
    UPDATE authorization_requests SET approval_id = $3
    WHERE tenant = $1 AND digest = $2 AND consumed_at IS NULL AND expires_at > $4";

const ASKED_ELSEWHERE: &str = "
    SELECT approval_id FROM authorization_requests WHERE tenant = $1 AND digest = $2";

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
            new.opened_at.map(Timestamp::micros),
        )?;
        Ok(())
    }

    /// Also one that is expired or consumed: the rules in `core` tell them apart.
    pub async fn request(&mut self, digest: &str) -> Result<Option<FoundRequest>> {
        let row = optional!(self, RequestRow, FIND, &self.tenant, digest)?;
        row.map(RequestRow::read).transpose()
    }

    /// The first visit within `expires_in` gives the person until `expires_at`; every later one changes nothing.
    pub async fn open_request(
        &mut self,
        digest: &str,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<()> {
        let (now, expires_at) = (now.micros(), expires_at.micros());
        execute!(self, OPEN, &self.tenant, digest, now, expires_at)?;
        Ok(())
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

    /// The person is asked on their own device from now on, by this request. Whether it still waits for them.
    pub async fn ask_elsewhere(
        &mut self,
        digest: &str,
        approval: &ApprovalId,
        now: Timestamp,
    ) -> Result<bool> {
        let (approval, now) = (approval.as_str(), now.micros());
        Ok(execute!(self, ASK_ELSEWHERE, &self.tenant, digest, approval, now)? == 1)
    }

    /// By which request the person was asked on their own device last.
    pub async fn asked_elsewhere(&mut self, digest: &str) -> Result<Option<ApprovalId>> {
        let row = optional!(self, ApprovalIdRow, ASKED_ELSEWHERE, &self.tenant, digest)?;
        let id = row.and_then(|row| row.approval_id);
        Ok(id.map(ApprovalId::from_text))
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
            opened_at: self.opened_at.map(time),
            consumed_at: self.consumed_at.map(time),
        })
    }
}
