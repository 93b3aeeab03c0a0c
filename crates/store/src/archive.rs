//! The record as it is archived: read by age, page by page, and deleted piece by piece once it stands in a file.

use serde_json::{Map, Value};
use writ_core::archive::{ArchivedRow, RecordKind};
use writ_core::event::EventName;
use writ_wire::time::Timestamp;

use crate::error::Result;
use crate::event::DATA;
use crate::json;
use crate::store::DatabaseTransaction;

/// Rows of one page.
pub const ARCHIVE_PAGE: i64 = 500;

/// The place of a row among those of its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordPlace {
    pub at: i64,
    pub id: String,
}

row! { EventColumns {
    id: String,
    at: i64,
    name: String,
    subject: Option<String>,
    actor_path: Option<String>,
    client_id: Option<String>,
    owner: Option<String>,
    sponsor: Option<String>,
    task_id: Option<String>,
    delegation_id: Option<String>,
    purpose: Option<String>,
    risk: Option<String>,
    resource: Option<String>,
    details_hash: Option<String>,
    policy_version: Option<String>,
    decision: Option<String>,
    reason: Option<String>,
    transaction_id: Option<String>,
    data: String,
} }

row! { ConsentColumns {
    id: String,
    given_at: i64,
    task_id: String,
    subject: String,
    client_id: String,
    shown: String,
    shown_hash: String,
    locale: String,
    method: String,
    revoked_at: Option<i64>,
} }

row! { ReceiptColumns {
    id: String,
    made_at: i64,
    request_id: String,
    user_id: String,
    document: String,
} }

row! { PlaceRow { digest: Option<String> } }

/// $2, $3 the place after which, $4 before which time.
const EVENTS: &str = "
    SELECT id, at, name, subject, actor_path, client_id, owner, sponsor, task_id, delegation_id, purpose,
        risk, resource, details_hash, policy_version, decision, reason, transaction_id, data
    FROM events WHERE tenant = $1 AND (at, id) > ($2, $3) AND at < $4 ORDER BY at, id LIMIT $5";

const CONSENTS: &str = "
    SELECT id, given_at, task_id, subject, client_id, shown, shown_hash, locale, method, revoked_at
    FROM consents WHERE tenant = $1 AND (given_at, id) > ($2, $3) AND given_at < $4
    ORDER BY given_at, id LIMIT $5";

const RECEIPTS: &str = "
    SELECT id, made_at, request_id, user_id, document
    FROM receipts WHERE tenant = $1 AND (made_at, id) > ($2, $3) AND made_at < $4
    ORDER BY made_at, id LIMIT $5";

/// $2, $3 the place. What tells of the archives stays ($4): it names the file of everything else.
const DELETE_EVENT: &str =
    "DELETE FROM events WHERE tenant = $1 AND at = $2 AND id = $3 AND name <> $4";

const DELETE_CONSENT: &str = "DELETE FROM consents WHERE tenant = $1 AND given_at = $2 AND id = $3";

const DELETE_RECEIPT: &str = "DELETE FROM receipts WHERE tenant = $1 AND made_at = $2 AND id = $3";

/// What tells of an archive says its digest in `reason`.
const LAST: &str = "
    SELECT reason AS digest FROM events WHERE tenant = $1 AND name = $2
    ORDER BY at DESC, id DESC LIMIT 1";

impl RecordPlace {
    /// Before every row.
    pub const START: Self = Self {
        at: i64::MIN,
        id: String::new(),
    };

    pub fn of(row: &ArchivedRow) -> Self {
        Self {
            at: row.at,
            id: row.id.clone(),
        }
    }
}

impl DatabaseTransaction {
    /// The next rows of one kind, the oldest first, at most [`ARCHIVE_PAGE`].
    pub async fn record_after(
        &mut self,
        kind: RecordKind,
        after: &RecordPlace,
        before: Timestamp,
    ) -> Result<Vec<ArchivedRow>> {
        let (at, id, before) = (after.at, after.id.as_str(), before.micros());
        let tenant = &self.tenant;
        match kind {
            RecordKind::Event => {
                let rows = all!(
                    self,
                    EventColumns,
                    EVENTS,
                    tenant,
                    at,
                    id,
                    before,
                    ARCHIVE_PAGE
                )?;
                rows.into_iter().map(EventColumns::archived).collect()
            }
            RecordKind::Consent => {
                let rows = all!(
                    self,
                    ConsentColumns,
                    CONSENTS,
                    tenant,
                    at,
                    id,
                    before,
                    ARCHIVE_PAGE
                )?;
                Ok(rows.into_iter().map(ConsentColumns::archived).collect())
            }
            RecordKind::Receipt => {
                let rows = all!(
                    self,
                    ReceiptColumns,
                    RECEIPTS,
                    tenant,
                    at,
                    id,
                    before,
                    ARCHIVE_PAGE
                )?;
                Ok(rows.into_iter().map(ReceiptColumns::archived).collect())
            }
        }
    }

    /// Whether there was a row at that place, which this call deleted.
    pub async fn delete_recorded(&mut self, kind: RecordKind, place: &RecordPlace) -> Result<bool> {
        let (tenant, at, id) = (&self.tenant, place.at, place.id.as_str());
        let stays = EventName::AuditArchived.as_str();
        let deleted = match kind {
            RecordKind::Event => execute!(self, DELETE_EVENT, tenant, at, id, stays),
            RecordKind::Consent => execute!(self, DELETE_CONSENT, tenant, at, id),
            RecordKind::Receipt => execute!(self, DELETE_RECEIPT, tenant, at, id),
        };
        Ok(deleted? == 1)
    }

    /// The digest of the archive that was made last.
    pub async fn last_archive(&mut self) -> Result<Option<String>> {
        let name = EventName::AuditArchived.as_str();
        let row = optional!(self, PlaceRow, LAST, &self.tenant, name)?;
        Ok(row.and_then(|row| row.digest))
    }
}

/// The columns that are not null.
fn columns<const N: usize>(named: [(&str, Option<Value>); N]) -> Value {
    let present = named.into_iter();
    let present = present.filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(present.collect::<Map<_, _>>())
}

fn text(text: String) -> Option<Value> {
    Some(Value::String(text))
}

impl EventColumns {
    fn archived(self) -> Result<ArchivedRow> {
        Ok(ArchivedRow {
            kind: RecordKind::Event,
            at: self.at,
            columns: columns([
                ("name", text(self.name)),
                ("subject", self.subject.map(Value::String)),
                ("actor_path", self.actor_path.map(Value::String)),
                ("client", self.client_id.map(Value::String)),
                ("owner", self.owner.map(Value::String)),
                ("sponsor", self.sponsor.map(Value::String)),
                ("task", self.task_id.map(Value::String)),
                ("delegation", self.delegation_id.map(Value::String)),
                ("purpose", self.purpose.map(Value::String)),
                ("risk", self.risk.map(Value::String)),
                ("resource", self.resource.map(Value::String)),
                ("details_hash", self.details_hash.map(Value::String)),
                ("policy_version", self.policy_version.map(Value::String)),
                ("decision", self.decision.map(Value::String)),
                ("reason", self.reason.map(Value::String)),
                ("transaction", self.transaction_id.map(Value::String)),
                ("data", Some(json::read(&self.data, DATA)?)),
            ]),
            id: self.id,
        })
    }
}

impl ConsentColumns {
    fn archived(self) -> ArchivedRow {
        ArchivedRow {
            kind: RecordKind::Consent,
            at: self.given_at,
            columns: columns([
                ("task", text(self.task_id)),
                ("subject", text(self.subject)),
                ("client", text(self.client_id)),
                ("shown", text(self.shown)),
                ("shown_hash", text(self.shown_hash)),
                ("locale", text(self.locale)),
                ("method", text(self.method)),
                ("revoked_at", self.revoked_at.map(Value::from)),
            ]),
            id: self.id,
        }
    }
}

impl ReceiptColumns {
    fn archived(self) -> ArchivedRow {
        ArchivedRow {
            kind: RecordKind::Receipt,
            at: self.made_at,
            columns: columns([
                ("request", text(self.request_id)),
                ("user", text(self.user_id)),
                ("document", text(self.document)),
            ]),
            id: self.id,
        }
    }
}
