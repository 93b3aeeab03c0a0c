//! How a person stands with a client: whether they ever let it do something, and whether they paused it, because they said of one of its
//! requests "This was not me". A pause is one row, which everything that the client could begin for them reads.

use writ_core::id::{ApprovalId, ClientId, UserId};
use writ_core::pause::PausedBecause;
use writ_wire::time::Timestamp;

use crate::error::Result;
use crate::json::time;
use crate::store::DatabaseTransaction;

/// One person and one client.
#[derive(Clone, Copy, Debug)]
pub struct Pair<'a> {
    pub subject: &'a UserId,
    pub client: &'a ClientId,
}

/// One row of `paused_clients`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PausedClient {
    pub client: ClientId,
    pub at: Timestamp,
    /// If that is known.
    pub because: Option<PausedBecause>,
}

/// The most that one list has of them.
pub(crate) const MOST_PAUSED: i64 = 1000;

row! { FirstRow { first_at: i64 } }

row! { PausedRow { client_id: String, paused_at: i64, because: Option<String> } }

const ALLOW: &str = "
    INSERT INTO allowed_clients (tenant, subject, client_id, first_at, allowed_at)
    VALUES ($1, $2, $3, $4, $4)
    ON CONFLICT (tenant, subject, client_id) DO UPDATE SET allowed_at = excluded.allowed_at
        WHERE allowed_clients.allowed_at < excluded.allowed_at";

const ALLOW_ASKED: &str = "
    INSERT INTO allowed_clients (tenant, subject, client_id, first_at, allowed_at)
    SELECT tenant, subject, client_id, CAST($3 AS BIGINT), CAST($3 AS BIGINT) FROM pending_requests
    WHERE tenant = $1 AND id = $2 AND subject IS NOT NULL
    ON CONFLICT (tenant, subject, client_id) DO UPDATE SET allowed_at = excluded.allowed_at
        WHERE allowed_clients.allowed_at < excluded.allowed_at";

const FIRST_ALLOWED: &str = "
    SELECT first_at FROM allowed_clients
    WHERE tenant = $1 AND subject = $2 AND client_id = $3";

const PAUSE: &str = "
    INSERT INTO paused_clients (tenant, subject, client_id, request_id, paused_at, because)
    VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (tenant, subject, client_id) DO NOTHING";

const PAUSED_ONE: &str = "
    SELECT client_id, paused_at, because FROM paused_clients
    WHERE tenant = $1 AND subject = $2 AND client_id = $3";

const PAUSED: &str = "
    SELECT client_id, paused_at, because FROM paused_clients
    WHERE tenant = $1 AND subject = $2 ORDER BY client_id LIMIT $3";

const LIFT: &str = "
    DELETE FROM paused_clients
    WHERE tenant = $1 AND subject = $2 AND client_id = $3 AND paused_at = $4";

impl DatabaseTransaction {
    /// In the transaction of a consent.
    pub(crate) async fn allow_client(
        &mut self,
        subject: &str,
        client: &ClientId,
        at: Timestamp,
    ) -> Result<()> {
        let (client, at) = (client.as_str(), at.micros());
        execute!(self, ALLOW, &self.tenant, subject, client, at)?;
        Ok(())
    }

    /// In the transaction of a yes to this request.
    pub(crate) async fn allow_client_of(&mut self, id: &ApprovalId, at: Timestamp) -> Result<()> {
        execute!(self, ALLOW_ASKED, &self.tenant, id.as_str(), at.micros())?;
        Ok(())
    }

    /// When this person, or whoever decided for them, first let this client do something, if the last time is not longer ago than rows are
    /// kept.
    pub async fn first_allowed(&mut self, pair: Pair<'_>) -> Result<Option<Timestamp>> {
        let (subject, client) = (pair.subject.as_str(), pair.client.as_str());
        let row = optional!(self, FirstRow, FIRST_ALLOWED, &self.tenant, subject, client)?;
        Ok(row.map(|row| time(row.first_at)))
    }

    /// From this commit on the client can begin nothing for this person. `false`: it was paused before.
    pub async fn pause_client(
        &mut self,
        pair: Pair<'_>,
        request: &ApprovalId,
        because: PausedBecause,
        now: Timestamp,
    ) -> Result<bool> {
        let (subject, client) = (pair.subject.as_str(), pair.client.as_str());
        let (request, because, now) = (request.as_str(), because.as_str(), now.micros());
        let written = execute!(
            self,
            PAUSE,
            &self.tenant,
            subject,
            client,
            request,
            now,
            because
        )?;
        Ok(written == 1)
    }

    pub async fn is_paused(&mut self, pair: Pair<'_>) -> Result<bool> {
        Ok(self.paused_client(pair).await?.is_some())
    }

    /// The pause of this client by this person.
    pub async fn paused_client(&mut self, pair: Pair<'_>) -> Result<Option<PausedClient>> {
        let (subject, client) = (pair.subject.as_str(), pair.client.as_str());
        let row = optional!(self, PausedRow, PAUSED_ONE, &self.tenant, subject, client)?;
        Ok(row.map(PausedRow::read))
    }

    /// What this person paused, in the order of the clients' ids.
    pub async fn paused_clients(&mut self, subject: &UserId) -> Result<Vec<PausedClient>> {
        let subject = subject.as_str();
        let rows = all!(self, PausedRow, PAUSED, &self.tenant, subject, MOST_PAUSED)?;
        Ok(rows.into_iter().map(PausedRow::read).collect())
    }

    /// `false`: it is not paused any more, or was paused anew since.
    pub async fn lift_pause(&mut self, subject: &UserId, paused: &PausedClient) -> Result<bool> {
        let (subject, client) = (subject.as_str(), paused.client.as_str());
        let at = paused.at.micros();
        Ok(execute!(self, LIFT, &self.tenant, subject, client, at)? == 1)
    }
}

impl PausedRow {
    fn read(self) -> PausedClient {
        PausedClient {
            client: ClientId::from_text(self.client_id),
            at: time(self.paused_at),
            because: self.because.as_deref().and_then(PausedBecause::from_row),
        }
    }
}
