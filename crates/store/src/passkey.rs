//! Passkeys of people, and WebAuthn ceremonies in progress: each challenge is used once (WebAuthn level 3, section 13.4.3).

use writ_core::id::UserId;
use writ_wire::time::Timestamp;

use crate::error::Result;
use crate::json::time;
use crate::store::DatabaseTransaction;

/// The most passkeys of one person that are listed.
pub const MAX_PASSKEYS: i64 = 50;

/// One row of `passkeys` that is not removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPasskey {
    pub credential_id: String,
    pub user: UserId,
    /// As the person calls it.
    pub name: String,
    /// JSON of the passkey crate.
    pub passkey: String,
    pub created_at: Timestamp,
    pub used_at: Option<Timestamp>,
}

/// One row of `passkey_ceremonies`.
#[derive(Clone, Copy)]
pub struct NewCeremony<'a> {
    pub digest: &'a str,
    pub kind: &'a str,
    /// Absent before the user is identified.
    pub user: Option<&'a UserId>,
    /// JSON of the passkey crate.
    pub state: &'a str,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

row! { PasskeyRow {
    credential_id: String,
    user_id: String,
    name: String,
    passkey: String,
    created_at: i64,
    used_at: Option<i64>,
} }

row! { CeremonyRow { user_id: Option<String>, state: String } }

const INSERT: &str = "
    INSERT INTO passkeys (tenant, credential_id, user_id, name, passkey, created_at, used_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT DO NOTHING";

const OF_USER: &str = "
    SELECT credential_id, user_id, name, passkey, created_at, used_at FROM passkeys
    WHERE tenant = $1 AND user_id = $2 AND removed_at IS NULL
    ORDER BY created_at, credential_id LIMIT $3";

const FIND: &str = "
    SELECT credential_id, user_id, name, passkey, created_at, used_at FROM passkeys
    WHERE tenant = $1 AND credential_id = $2 AND removed_at IS NULL";

const USE: &str = "
    UPDATE passkeys SET passkey = $4, used_at = $5
    WHERE tenant = $1 AND credential_id = $2 AND passkey = $3 AND removed_at IS NULL";

const REMOVE: &str = "
    UPDATE passkeys SET removed_at = $4
    WHERE tenant = $1 AND user_id = $2 AND credential_id = $3 AND removed_at IS NULL";

const INSERT_CEREMONY: &str = "
    INSERT INTO passkey_ceremonies (tenant, digest, kind, user_id, state, created_at, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7)";

const CONSUME_CEREMONY: &str = "
    UPDATE passkey_ceremonies SET consumed_at = $4
    WHERE tenant = $1 AND digest = $2 AND kind = $3 AND consumed_at IS NULL AND expires_at > $4
    RETURNING user_id, state";

impl DatabaseTransaction {
    /// Whether it was written: a credential is one person's, also after it was removed. Every client has to ask them again.
    pub async fn insert_passkey(&mut self, new: &StoredPasskey) -> Result<bool> {
        let written = execute!(
            self,
            INSERT,
            &self.tenant,
            &new.credential_id,
            new.user.as_str(),
            &new.name,
            &new.passkey,
            new.created_at.micros(),
            new.used_at.map(Timestamp::micros),
        )?;
        let added = written == 1;
        if added {
            self.forget_consents_of(&new.user).await?;
        }
        Ok(added)
    }

    /// The first `MAX_PASSKEYS`, the oldest first.
    pub async fn passkeys_of(&mut self, user: &UserId) -> Result<Vec<StoredPasskey>> {
        let user = user.as_str();
        let rows = all!(self, PasskeyRow, OF_USER, &self.tenant, user, MAX_PASSKEYS)?;
        Ok(rows.into_iter().map(PasskeyRow::read).collect())
    }

    pub async fn passkey(&mut self, credential_id: &str) -> Result<Option<StoredPasskey>> {
        let row = optional!(self, PasskeyRow, FIND, &self.tenant, credential_id)?;
        Ok(row.map(PasskeyRow::read))
    }

    /// Updates it after an assertion. Whether it still exists and equals `before`: of two clones with the same counter one wins
    /// (WebAuthn section 7.2, step on `signCount`).
    pub async fn use_passkey(
        &mut self,
        credential_id: &str,
        before: &str,
        after: &str,
        now: Timestamp,
    ) -> Result<bool> {
        let now = now.micros();
        let tenant = &self.tenant;
        Ok(execute!(self, USE, tenant, credential_id, before, after, now)? == 1)
    }

    /// Whether this call did it: only the person's own. Every client has to ask them again.
    pub async fn remove_passkey(
        &mut self,
        user: &UserId,
        credential_id: &str,
        now: Timestamp,
    ) -> Result<bool> {
        let (id, now) = (user.as_str(), now.micros());
        let removed = execute!(self, REMOVE, &self.tenant, id, credential_id, now)? == 1;
        if removed {
            self.forget_consents_of(user).await?;
        }
        Ok(removed)
    }

    pub async fn insert_ceremony(&mut self, new: NewCeremony<'_>) -> Result<()> {
        execute!(
            self,
            INSERT_CEREMONY,
            &self.tenant,
            new.digest,
            new.kind,
            new.user.map(UserId::as_str),
            new.state,
            new.created_at.micros(),
            new.expires_at.micros(),
        )?;
        Ok(())
    }

    /// Whose it is and its state, for the one call that uses it up.
    pub async fn consume_ceremony(
        &mut self,
        digest: &str,
        kind: &str,
        now: Timestamp,
    ) -> Result<Option<(Option<UserId>, String)>> {
        let row = optional!(
            self,
            CeremonyRow,
            CONSUME_CEREMONY,
            &self.tenant,
            digest,
            kind,
            now.micros()
        )?;
        Ok(row.map(|row| (row.user_id.map(UserId::from_text), row.state)))
    }
}

impl PasskeyRow {
    fn read(self) -> StoredPasskey {
        StoredPasskey {
            credential_id: self.credential_id,
            user: UserId::from_text(self.user_id),
            name: self.name,
            passkey: self.passkey,
            created_at: time(self.created_at),
            used_at: self.used_at.map(time),
        }
    }
}
