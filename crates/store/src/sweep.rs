//! Deletes expired rows in bounded batches. Events, consents and receipts are the audit log, and are never deleted.

use std::time::Duration;

use writ_core::history;
use writ_wire::time::Timestamp;

use crate::attempts::{AttemptKind, MOST_ROWS};
use crate::error::Result;
use crate::fetched_document::MOST_DOCUMENTS;
use crate::store::Store;

/// How long codes, requests, refresh tokens, delegations and tasks are kept after they expire, so that a late second use is still
/// recognised as a replay.
pub const KEPT_AFTER_EXPIRY: Duration = Duration::from_secs(24 * 3600);

/// $1 the latest expiry of a deleted row, $2 the most rows.
const REPLAYS: &str = "
    DELETE FROM replays WHERE (tenant, digest) IN
        (SELECT tenant, digest FROM replays WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";

const SESSIONS: &str = "
    DELETE FROM sessions WHERE (tenant, digest) IN
        (SELECT tenant, digest FROM sessions WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";

const REMEMBERED_CONSENTS: &str = "
    DELETE FROM remembered_consents WHERE expires_at <= $1
        AND (tenant, user_id, client_id, redirect_uri, resource, scope) IN
        (SELECT tenant, user_id, client_id, redirect_uri, resource, scope FROM remembered_consents
        WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";

const CODES: &str = "
    DELETE FROM codes WHERE (tenant, digest) IN
        (SELECT tenant, digest FROM codes WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";

const REQUESTS: &str = "
    DELETE FROM authorization_requests WHERE (tenant, digest) IN
        (SELECT tenant, digest FROM authorization_requests
        WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";

const REFRESH_TOKENS: &str = "
    DELETE FROM refresh_tokens WHERE (tenant, digest) IN
        (SELECT tenant, digest FROM refresh_tokens
        WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";

// INVARIANT: a delegation never expires later than its parent or its task (`core::exchange`, `core::consent`), so a deleted row has
// no valid descendant. One without its parent would be refused.
const DELEGATIONS: &str = "
    DELETE FROM delegations WHERE (tenant, id) IN
        (SELECT tenant, id FROM delegations WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";

const TASKS: &str = "
    DELETE FROM tasks WHERE (tenant, id) IN
        (SELECT t.tenant, t.id FROM tasks t WHERE t.expires_at <= $1 AND NOT EXISTS
            (SELECT 1 FROM delegations d WHERE d.tenant = t.tenant AND d.task_id = t.id)
        ORDER BY t.expires_at LIMIT $2)";

const CEREMONIES: &str = "
    DELETE FROM passkey_ceremonies WHERE (tenant, digest) IN
        (SELECT tenant, digest FROM passkey_ceremonies
        WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";

const PASSKEY_CODES: &str = "
    DELETE FROM passkey_codes WHERE (tenant, user_id) IN
        (SELECT tenant, user_id FROM passkey_codes
        WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";

const NOTICES: &str = "
    DELETE FROM notices WHERE (tenant, id) IN
        (SELECT tenant, id FROM notices WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";

/// Locks that no transaction needs any more.
const GUARDS: &str = "
    DELETE FROM prompt_guards WHERE asked_at <= $1 AND (tenant, holder) IN
        (SELECT tenant, holder FROM prompt_guards WHERE asked_at <= $1 ORDER BY asked_at LIMIT $2)";

const ATTEMPTS: &str = "
    DELETE FROM attempts WHERE kept_until <= $1 AND (tenant, kind, holder) IN
        (SELECT tenant, kind, holder FROM attempts WHERE kept_until <= $1 ORDER BY kept_until LIMIT $2)";

/// $1 the kind, $2 the most rows to delete, $3 how many to keep: those that expire last.
const CROWD: &str = "
    DELETE FROM attempts WHERE (tenant, kind, holder) IN
        (SELECT tenant, kind, holder FROM attempts WHERE kind = $1
        ORDER BY kept_until DESC LIMIT $2 OFFSET $3)";

/// What a guest's document said stays long enough to be compared at the next consent.
const GUEST_GRANTS: &str = "
    DELETE FROM guest_grants WHERE (tenant, task_id) IN
        (SELECT tenant, task_id FROM guest_grants WHERE expires_at <= $1
        ORDER BY expires_at LIMIT $2)";

const INVITES: &str = "
    DELETE FROM registration_invites WHERE (tenant, digest) IN
        (SELECT tenant, digest FROM registration_invites
        WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";

/// Clients that removed themselves, once nothing tells of their tasks any more. Their registrations follow.
const REMOVED_CLIENTS: &str = "
    DELETE FROM clients WHERE (tenant, id) IN
        (SELECT r.tenant, r.client_id FROM registrations r
        WHERE r.removed_at <= $1 AND NOT EXISTS
            (SELECT 1 FROM guest_grants g WHERE g.tenant = r.tenant AND g.client_id = r.client_id)
        ORDER BY r.removed_at LIMIT $2)";

const REMOVED_REGISTRATIONS: &str = "
    DELETE FROM registrations WHERE (tenant, client_id) IN
        (SELECT r.tenant, r.client_id FROM registrations r
        WHERE r.removed_at <= $1 AND NOT EXISTS
            (SELECT 1 FROM clients c WHERE c.tenant = r.tenant AND c.id = r.client_id)
        ORDER BY r.removed_at LIMIT $2)";

const DOCUMENTS: &str = "
    DELETE FROM fetched_documents WHERE (tenant, purpose, url) IN
        (SELECT tenant, purpose, url FROM fetched_documents
        WHERE fresh_until <= $1 ORDER BY fresh_until LIMIT $2)";

/// $1 the most rows to delete, $2 how many to keep: those that were fetched last.
const TOO_MANY_DOCUMENTS: &str = "
    DELETE FROM fetched_documents WHERE (tenant, purpose, url) IN
        (SELECT tenant, purpose, url FROM fetched_documents
        ORDER BY fetched_at DESC LIMIT $1 OFFSET $2)";

/// $1 before which they were made.
const USES: &str = "
    DELETE FROM approved_uses WHERE (tenant, approval, place) IN
        (SELECT tenant, approval, place FROM approved_uses
        WHERE made_at <= $1 ORDER BY made_at LIMIT $2)";

/// Rows that belong to a pending request are deleted before it.
macro_rules! of_pending {
    ($table:literal) => {
        concat!(
            "DELETE FROM ",
            $table,
            " WHERE (tenant, request_id, user_id) IN
                (SELECT c.tenant, c.request_id, c.user_id FROM pending_requests p JOIN ",
            $table,
            " c ON c.tenant = p.tenant AND c.request_id = p.id
                WHERE p.expires_at <= $1 ORDER BY p.expires_at LIMIT $2)"
        )
    };
}

const PENDING: &str = "
    DELETE FROM pending_requests WHERE (tenant, id) IN
        (SELECT p.tenant, p.id FROM pending_requests p WHERE p.expires_at <= $1
            AND NOT EXISTS (SELECT 1 FROM pending_approvers c
                WHERE c.tenant = p.tenant AND c.request_id = p.id)
            AND NOT EXISTS (SELECT 1 FROM pending_screens c
                WHERE c.tenant = p.tenant AND c.request_id = p.id)
            AND NOT EXISTS (SELECT 1 FROM pending_votes c
                WHERE c.tenant = p.tenant AND c.request_id = p.id)
        ORDER BY p.expires_at LIMIT $2)";

const AT_EXPIRY: &[&str] = &[
    REPLAYS,
    SESSIONS,
    REMEMBERED_CONSENTS,
    CEREMONIES,
    PASSKEY_CODES,
    NOTICES,
    ATTEMPTS,
];
const LATER: &[&str] = &[
    CODES,
    REQUESTS,
    REFRESH_TOKENS,
    of_pending!("pending_approvers"),
    of_pending!("pending_screens"),
    of_pending!("pending_votes"),
    PENDING,
    GUARDS,
    DOCUMENTS,
    DELEGATIONS,
    TASKS,
    INVITES,
    REMOVED_CLIENTS,
    REMOVED_REGISTRATIONS,
];

impl Store {
    /// Deletes at most `limit` expired rows of each table, of all tenants, a short transaction per table. Returns how many:
    /// while it is not zero there may be more.
    pub async fn sweep(&self, now: Timestamp, limit: u32) -> Result<u64> {
        let mut swept = 0;
        for sql in AT_EXPIRY {
            swept += self.sweep_one(sql, now, limit).await?;
        }
        for sql in LATER {
            swept += self
                .sweep_one(sql, now.minus(KEPT_AFTER_EXPIRY), limit)
                .await?;
        }
        swept += self
            .sweep_one(USES, now.minus(history::KEPT), limit)
            .await?;
        swept += self
            .sweep_one(GUEST_GRANTS, now.minus(history::KEPT), limit)
            .await?;
        for kind in AttemptKind::ALL {
            swept += self.sweep_crowd(kind, limit).await?;
        }
        swept += self.sweep_documents(limit).await?;
        Ok(swept)
    }

    /// Of the documents of others only `MOST_DOCUMENTS` are kept, fresh or not.
    async fn sweep_documents(&self, limit: u32) -> Result<u64> {
        let (limit, most) = (i64::from(limit), i64::from(MOST_DOCUMENTS));
        let mut transaction = self.begin(EVERY_TENANT).await?;
        let swept = execute!(transaction, TOO_MANY_DOCUMENTS, limit, most)?;
        transaction.commit().await?;
        Ok(swept)
    }

    /// Any typed name makes a row: of each kind only `MOST_ROWS` are kept, expired or not.
    async fn sweep_crowd(&self, kind: AttemptKind, limit: u32) -> Result<u64> {
        let (limit, most) = (i64::from(limit), i64::from(MOST_ROWS));
        let mut transaction = self.begin(EVERY_TENANT).await?;
        let swept = execute!(transaction, CROWD, kind.as_str(), limit, most)?;
        transaction.commit().await?;
        Ok(swept)
    }

    async fn sweep_one(&self, sql: &'static str, ended: Timestamp, limit: u32) -> Result<u64> {
        let mut transaction = self.begin(EVERY_TENANT).await?;
        let swept = execute!(transaction, sql, ended.micros(), i64::from(limit))?;
        transaction.commit().await?;
        Ok(swept)
    }
}

/// No tenant: these statements do not name one.
const EVERY_TENANT: &str = "";
