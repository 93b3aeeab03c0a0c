//! Changes that widen, as a client proposed them to the operators. Each is applied once, in its time, by the operator who signed its hash.

use serde_json::Value;
use writ_core::id::{ClientId, ProposalId};
use writ_wire::time::Timestamp;

use crate::error::Result;
use crate::json::{self, time};
use crate::store::DatabaseTransaction;

/// One row of `proposals`.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredProposal {
    pub id: ProposalId,
    /// Of the change as JSON: what the operator signs.
    pub hash: String,
    pub change: Value,
    /// The client that proposed it.
    pub proposed_by: ClientId,
    pub proposed_at: Timestamp,
    pub expires_at: Timestamp,
    pub applied_at: Option<Timestamp>,
    /// The operator who signed.
    pub signed_by: Option<String>,
}

row! { ProposalRow {
    id: String,
    client_id: String,
    change: String,
    change_hash: String,
    proposed_at: i64,
    expires_at: i64,
    applied_at: Option<i64>,
    signed_by: Option<String>,
} }

row! { CountRow { n: i64 } }

const INSERT: &str = "
    INSERT INTO proposals (tenant, id, client_id, change, change_hash, proposed_at, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7)";

macro_rules! proposals {
    ($which:literal) => {
        concat!(
            "SELECT id, client_id, change, change_hash, proposed_at, expires_at, applied_at, signed_by
            FROM proposals WHERE tenant = $1 AND ",
            $which
        )
    };
}

const ONE: &str = proposals!("id = $2");
const BEFORE: &str = proposals!("id < $2 ORDER BY id DESC LIMIT $3");

const OPEN: &str = "
    SELECT COUNT(*) AS n FROM (SELECT 1 AS one FROM proposals
        WHERE tenant = $1 AND client_id = $2 AND expires_at > $3 AND applied_at IS NULL
        LIMIT $4) p";

/// Once, and not after its end.
const APPLY: &str = "
    UPDATE proposals SET applied_at = $3, signed_by = $4
    WHERE tenant = $1 AND id = $2 AND applied_at IS NULL AND expires_at > $3";

const CHANGE: &str = "`proposals.change`";
/// Beyond every id.
const NEWEST: &str = "q";

impl DatabaseTransaction {
    pub async fn insert_proposal(&mut self, new: &StoredProposal) -> Result<()> {
        execute!(
            self,
            INSERT,
            &self.tenant,
            new.id.as_str(),
            new.proposed_by.as_str(),
            json::write(&new.change, CHANGE)?,
            &new.hash,
            new.proposed_at.micros(),
            new.expires_at.micros()
        )?;
        Ok(())
    }

    pub async fn proposal(&mut self, id: &ProposalId) -> Result<Option<StoredProposal>> {
        let row = optional!(self, ProposalRow, ONE, &self.tenant, id.as_str())?;
        row.map(ProposalRow::read).transpose()
    }

    /// The newest before this id, or of all, newest first.
    pub async fn proposals_before(
        &mut self,
        before: Option<&str>,
        most: u32,
    ) -> Result<Vec<StoredProposal>> {
        let (before, most) = (before.unwrap_or(NEWEST), i64::from(most));
        let rows = all!(self, ProposalRow, BEFORE, &self.tenant, before, most)?;
        rows.into_iter().map(ProposalRow::read).collect()
    }

    /// How many of this client's wait for an operator; counted up to `most`.
    pub async fn open_proposals(
        &mut self,
        client: &ClientId,
        now: Timestamp,
        most: i64,
    ) -> Result<i64> {
        let (client, now) = (client.as_str(), now.micros());
        let row = optional!(self, CountRow, OPEN, &self.tenant, client, now, most)?;
        Ok(row.map_or(0, |row| row.n))
    }

    /// Whether this call is the one that applies it: it was not applied, and its time is not over.
    pub async fn take_proposal(
        &mut self,
        id: &ProposalId,
        signed_by: &str,
        now: Timestamp,
    ) -> Result<bool> {
        let (id, now) = (id.as_str(), now.micros());
        Ok(execute!(self, APPLY, &self.tenant, id, now, signed_by)? == 1)
    }
}

impl ProposalRow {
    fn read(self) -> Result<StoredProposal> {
        Ok(StoredProposal {
            id: ProposalId::from_text(self.id),
            hash: self.change_hash,
            change: json::read(&self.change, CHANGE)?,
            proposed_by: ClientId::from_text(self.client_id),
            proposed_at: time(self.proposed_at),
            expires_at: time(self.expires_at),
            applied_at: self.applied_at.map(time),
            signed_by: self.signed_by,
        })
    }
}
