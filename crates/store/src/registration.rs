//! Clients that registered themselves (RFC 7591), and initial access tokens; tokens as digests alone.

use std::net::IpAddr;

use writ_core::guest::KeptDocument;
use writ_core::id::ClientId;
use writ_wire::time::Timestamp;

use crate::error::Result;
use crate::json;
use crate::registered::PAGE;
use crate::store::DatabaseTransaction;

/// Documents of one client's grants that one query returns; there are as many queries as it takes.
const DOCUMENTS_PAGE: i64 = 256;

/// A registration beside its client row.
#[derive(Clone, Copy)]
pub struct NewRegistration<'a> {
    pub client: &'a ClientId,
    /// Of its registration access token.
    pub token_digest: &'a str,
    /// What was registered, as JSON.
    pub metadata: &'a str,
    /// Unless somebody agrees before; `None`: it stays.
    pub expires_at: Option<Timestamp>,
    /// From where somebody registered openly, if that is known; kept until somebody agrees.
    pub site: Option<IpAddr>,
}

/// A registration that was not removed. No `Debug`, because of the digest.
pub struct StoredRegistration {
    pub token_digest: String,
    pub metadata: String,
    pub created_at: Timestamp,
    /// As in [`NewRegistration`]; `None` since somebody agreed.
    pub expires_at: Option<Timestamp>,
}

/// An initial access token in a list. No `Debug`, because of the digest.
pub struct ListedInvite {
    pub digest: String,
    pub uses: i64,
    pub used: i64,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

row! { RegistrationRow { token_digest: String, metadata: String, created_at: i64, expires_at: Option<i64> } }

row! { ClientIdRow { client_id: String } }

row! { UnusedRow { unused: i64 } }

row! { GrantDocumentRow { document: String } }

row! { InviteRow { uses: i64 } }

row! { ListedInviteRow { digest: String, uses: i64, used: i64, created_at: i64, expires_at: i64 } }

const INSERT: &str = "
    INSERT INTO registrations
        (tenant, client_id, token_digest, metadata, created_at, expires_at, site)
    VALUES ($1, $2, $3, $4, $5, $6, $7)";

const FIND: &str = "
    SELECT token_digest, metadata, created_at, expires_at FROM registrations
    WHERE tenant = $1 AND client_id = $2 AND removed_at IS NULL";

/// Changes nothing: other changes of the row wait for this transaction.
const HOLD: &str = "
    UPDATE registrations SET token_digest = token_digest
    WHERE tenant = $1 AND client_id = $2 AND token_digest = $3 AND removed_at IS NULL";

const CHANGE: &str = "
    UPDATE registrations SET metadata = $3
    WHERE tenant = $1 AND client_id = $2 AND removed_at IS NULL";

const REMOVE: &str = "
    UPDATE registrations SET removed_at = $3, expires_at = NULL, site = NULL
    WHERE tenant = $1 AND client_id = $2 AND removed_at IS NULL";

/// Also where it is used already: the row is locked, so that no expiry can come between.
const USE: &str = "
    UPDATE registrations SET expires_at = NULL, site = NULL
    WHERE tenant = $1 AND client_id = $2 AND removed_at IS NULL";

const EXPIRED: &str = "
    SELECT client_id FROM registrations WHERE tenant = $1 AND expires_at <= $2
    ORDER BY expires_at LIMIT $3";

const UNUSED: &str = "
    SELECT COUNT(*) AS unused FROM registrations WHERE tenant = $1 AND expires_at IS NOT NULL";

/// Each again the oldest of the site that has most by then, if those before it are gone: the first of a site's has the place of how many
/// it has. Where the site is not known, all are of one.
const UNUSED_OF_CROWDED: &str = "
    SELECT u.client_id FROM (
        SELECT client_id, expires_at, ROW_NUMBER() OVER (
            PARTITION BY site ORDER BY expires_at DESC, client_id DESC) AS place
        FROM registrations WHERE tenant = $1 AND expires_at IS NOT NULL) u
    ORDER BY u.place DESC, u.expires_at, u.client_id LIMIT $2";

const EXPIRE: &str = "
    DELETE FROM registrations WHERE tenant = $1 AND client_id = $2 AND expires_at <= $3";

const DELETE_CLIENT: &str = "DELETE FROM clients WHERE tenant = $1 AND id = $2";

/// Such a client has one secret: one that was replaced, and taken for a while longer, ends.
const REPLACE_CLIENT: &str = "
    UPDATE clients SET metadata = $3, secret_digest = $4, earlier_secret_digest = NULL,
        earlier_secret_until = NULL
    WHERE tenant = $1 AND id = $2";

const END_CODES: &str = "
    UPDATE codes SET expires_at = $3
    WHERE tenant = $1 AND client_id = $2 AND consumed_at IS NULL AND expires_at > $3";

/// Of tasks that can still go on.
const DOCUMENTS: &str = "
    SELECT DISTINCT g.document FROM guest_grants g
    JOIN tasks t ON t.tenant = g.tenant AND t.id = g.task_id
    WHERE g.tenant = $1 AND g.client_id = $2 AND g.document > $3
        AND t.stopped_at IS NULL AND t.expires_at > $4
    ORDER BY g.document LIMIT $5";

const INVITE: &str = "
    INSERT INTO registration_invites (tenant, digest, uses, used, created_at, expires_at)
    VALUES ($1, $2, $3, 0, $4, $5)";

const INVITED: &str = "
    SELECT uses FROM registration_invites
    WHERE tenant = $1 AND digest = $2 AND used < uses AND expires_at > $3";

const USE_INVITE: &str = "
    UPDATE registration_invites SET used = used + 1
    WHERE tenant = $1 AND digest = $2 AND used < uses AND expires_at > $3";

const INVITES: &str = "
    SELECT digest, uses, used, created_at, expires_at FROM registration_invites
    WHERE tenant = $1 AND digest > $2 ORDER BY digest LIMIT $3";

const END_INVITE: &str = "
    UPDATE registration_invites SET expires_at = $3
    WHERE tenant = $1 AND digest = $2 AND used < uses AND expires_at > $3";

impl DatabaseTransaction {
    /// In the transaction of its client row.
    pub async fn insert_registration(
        &mut self,
        new: NewRegistration<'_>,
        now: Timestamp,
    ) -> Result<()> {
        let site = new.site.map(|site| site.to_string());
        execute!(
            self,
            INSERT,
            &self.tenant,
            new.client.as_str(),
            new.token_digest,
            new.metadata,
            now.micros(),
            new.expires_at.map(Timestamp::micros),
            site,
        )?;
        Ok(())
    }

    /// `None` for a client that did not register itself, or whose registration was removed.
    pub async fn registration(&mut self, client: &ClientId) -> Result<Option<StoredRegistration>> {
        let row = optional!(self, RegistrationRow, FIND, &self.tenant, client.as_str())?;
        Ok(row.map(|row| StoredRegistration {
            token_digest: row.token_digest,
            metadata: row.metadata,
            created_at: Timestamp::from_micros(row.created_at),
            expires_at: row.expires_at.map(Timestamp::from_micros),
        }))
    }

    /// Whether it is there, with this token. From here on other changes of it wait for this transaction.
    pub async fn hold_registration(
        &mut self,
        client: &ClientId,
        token_digest: &str,
    ) -> Result<bool> {
        let (client, tenant) = (client.as_str(), &self.tenant);
        Ok(execute!(self, HOLD, tenant, client, token_digest)? == 1)
    }

    /// In a transaction that holds it.
    pub async fn change_registration(&mut self, client: &ClientId, metadata: &str) -> Result<()> {
        execute!(self, CHANGE, &self.tenant, client.as_str(), metadata)?;
        Ok(())
    }

    /// Whether this call removed it; `false` for a client that did not register itself. Its client row stays as long as its tasks,
    /// removed by [`Self::remove_client`].
    pub async fn remove_registration(&mut self, client: &ClientId, now: Timestamp) -> Result<bool> {
        Ok(execute!(self, REMOVE, &self.tenant, client.as_str(), now.micros())? == 1)
    }

    /// A person agrees: from this commit on it does not expire. `false` if it is gone.
    pub async fn use_registration(&mut self, client: &ClientId) -> Result<bool> {
        Ok(execute!(self, USE, &self.tenant, client.as_str())? == 1)
    }

    /// Clients that nobody used in time.
    pub async fn expired_registrations(
        &mut self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<ClientId>> {
        let (now, limit) = (now.micros(), i64::from(limit));
        let rows = all!(self, ClientIdRow, EXPIRED, &self.tenant, now, limit)?;
        let ids = rows.into_iter();
        Ok(ids.map(|row| ClientId::from_text(row.client_id)).collect())
    }

    /// How many clients nobody used yet.
    pub async fn count_unused_registrations(&mut self) -> Result<u64> {
        let row = optional!(self, UnusedRow, UNUSED, &self.tenant)?;
        Ok(row.map_or(0, |row| u64::try_from(row.unused).unwrap_or(0)))
    }

    /// Clients that nobody used yet, in the order in which they make room: again and again the oldest of the site that has most.
    pub async fn unused_of_crowded_sites(&mut self, limit: u32) -> Result<Vec<ClientId>> {
        let limit = i64::from(limit);
        let rows = all!(self, ClientIdRow, UNUSED_OF_CROWDED, &self.tenant, limit)?;
        let ids = rows.into_iter();
        Ok(ids.map(|row| ClientId::from_text(row.client_id)).collect())
    }

    /// Deletes a client that nobody used until `now`; `false` if somebody did meanwhile.
    pub async fn delete_unused_client(
        &mut self,
        client: &ClientId,
        now: Timestamp,
    ) -> Result<bool> {
        let (id, tenant) = (client.as_str(), &self.tenant);
        if execute!(self, EXPIRE, tenant, id, now.micros())? == 0 {
            return Ok(false);
        }
        execute!(self, DELETE_CLIENT, &self.tenant, id)?;
        Ok(true)
    }

    /// In the transaction of [`Self::change_registration`].
    pub async fn replace_registered_client(
        &mut self,
        client: &ClientId,
        metadata: &str,
        secret_digest: Option<&str>,
    ) -> Result<()> {
        let (id, tenant) = (client.as_str(), &self.tenant);
        execute!(self, REPLACE_CLIENT, tenant, id, metadata, secret_digest)?;
        Ok(())
    }

    /// Ends the codes of this client that were not redeemed; says how many.
    pub async fn end_codes(&mut self, client: &ClientId, now: Timestamp) -> Result<u64> {
        execute!(self, END_CODES, &self.tenant, client.as_str(), now.micros())
    }

    /// What the live grants of this guest keep of it, each once.
    pub async fn guest_documents(
        &mut self,
        guest: &ClientId,
        now: Timestamp,
    ) -> Result<Vec<KeptDocument>> {
        let mut documents = Vec::new();
        let mut after = String::new();
        loop {
            let rows = all!(
                self,
                GrantDocumentRow,
                DOCUMENTS,
                &self.tenant,
                guest.as_str(),
                after.as_str(),
                now.micros(),
                DOCUMENTS_PAGE
            )?;
            let Some(last) = rows.last() else {
                return Ok(documents);
            };
            last.document.clone_into(&mut after);
            for row in rows {
                documents.push(json::read(&row.document, "`guest_grants.document`")?);
            }
        }
    }

    /// An initial access token (RFC 7591 section 1.2), good for so many registrations.
    pub async fn insert_invite(
        &mut self,
        digest: &str,
        uses: u32,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<()> {
        let (uses, now, end) = (i64::from(uses), now.micros(), expires_at.micros());
        execute!(self, INVITE, &self.tenant, digest, uses, now, end)?;
        Ok(())
    }

    /// Those after this digest that were not swept yet, in the order of their digests, at most [`PAGE`].
    pub async fn invites_after(&mut self, digest: &str) -> Result<Vec<ListedInvite>> {
        let most = i64::from(PAGE);
        let rows = all!(self, ListedInviteRow, INVITES, &self.tenant, digest, most)?;
        let invites = rows.into_iter().map(|row| ListedInvite {
            digest: row.digest,
            uses: row.uses,
            used: row.used,
            created_at: Timestamp::from_micros(row.created_at),
            expires_at: Timestamp::from_micros(row.expires_at),
        });
        Ok(invites.collect())
    }

    /// From this commit on it is good for nothing. `false` if it was not good for anything before.
    pub async fn end_invite(&mut self, digest: &str, now: Timestamp) -> Result<bool> {
        Ok(execute!(self, END_INVITE, &self.tenant, digest, now.micros())? == 1)
    }

    /// Whether it is good for one more registration.
    pub async fn is_invited(&mut self, digest: &str, now: Timestamp) -> Result<bool> {
        let row = optional!(self, InviteRow, INVITED, &self.tenant, digest, now.micros())?;
        Ok(row.is_some_and(|row| row.uses > 0))
    }

    /// Counts one registration, in its transaction; `false` if the token is not good for it any more.
    pub async fn use_invite(&mut self, digest: &str, now: Timestamp) -> Result<bool> {
        Ok(execute!(self, USE_INVITE, &self.tenant, digest, now.micros())? == 1)
    }
}
