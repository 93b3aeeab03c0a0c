//! Consents that a person need not give again: one row for each scope, of one client and redirect URI. Whatever stops a task, a client
//! or a person, and whatever changes how a person logs in, forgets them in its own function, so that no way to it leaves them.

use std::collections::BTreeMap;

use writ_authority::ScopeGrant;
use writ_core::id::{ClientId, UserId};
use writ_core::remembered::{MAX_REMEMBERED, RememberedScopes};
use writ_wire::resource::ResourceUri;
use writ_wire::time::Timestamp;

use crate::error::{Result, StoreError};
use crate::json::time;
use crate::store::DatabaseTransaction;

/// Who agreed, for whom.
#[derive(Clone, Copy, Debug)]
pub struct ConsentHolder<'a> {
    pub user: &'a UserId,
    pub client: &'a ClientId,
    pub redirect_uri: &'a str,
}

row! { RememberedRow { resource: String, scope: String, words: String } }

row! { LiveRow { live: i64 } }

const REMEMBER: &str = "
    INSERT INTO remembered_consents
        (tenant, user_id, client_id, redirect_uri, resource, scope, words, given_at, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    ON CONFLICT (tenant, user_id, client_id, redirect_uri, resource, scope)
    DO UPDATE SET words = excluded.words, given_at = excluded.given_at, expires_at = excluded.expires_at";

const LIVE: &str = "
    SELECT resource, scope, words FROM remembered_consents
    WHERE tenant = $1 AND user_id = $2 AND client_id = $3 AND redirect_uri = $4 AND expires_at > $5
    ORDER BY resource, scope LIMIT $6";

row! { RememberedClientRow { client_id: String, until: i64 } }

const CLIENTS: &str = "
    SELECT client_id, MAX(expires_at) AS until FROM remembered_consents
    WHERE tenant = $1 AND user_id = $2 AND expires_at > $3
    GROUP BY client_id ORDER BY client_id LIMIT $4";

const LIVE_BETWEEN: &str = "
    SELECT CAST(1 AS BIGINT) AS live FROM remembered_consents
    WHERE tenant = $1 AND user_id = $2 AND client_id = $3 AND expires_at > $4 LIMIT 1";

/// A row lock, only on what is still remembered: whoever forgets it waits for this transaction, or was first.
const HOLD: &str = "
    UPDATE remembered_consents SET words = words
    WHERE tenant = $1 AND user_id = $2 AND client_id = $3 AND redirect_uri = $4
        AND resource = $5 AND scope = $6 AND words = $7 AND expires_at > $8";

const FORGET_SCOPE: &str = "
    DELETE FROM remembered_consents
    WHERE tenant = $1 AND user_id = $2 AND client_id = $3 AND redirect_uri = $4
        AND resource = $5 AND scope = $6";

const FORGET_BETWEEN: &str = "
    DELETE FROM remembered_consents WHERE tenant = $1 AND user_id = $2 AND client_id = $3";

const FORGET_CLIENT: &str = "DELETE FROM remembered_consents WHERE tenant = $1 AND client_id = $2";

const FORGET_USER: &str = "DELETE FROM remembered_consents WHERE tenant = $1 AND user_id = $2";

pub(crate) const FORGET_ALL: &str = "DELETE FROM remembered_consents WHERE tenant = $1";

impl DatabaseTransaction {
    /// From now on these scopes need not be asked again, until `expires_at`.
    pub async fn remember_consent(
        &mut self,
        holder: ConsentHolder<'_>,
        scopes: &RememberedScopes,
        given_at: Timestamp,
        expires_at: Timestamp,
    ) -> Result<()> {
        for (grant, words) in scopes.iter() {
            execute!(
                self,
                REMEMBER,
                &self.tenant,
                holder.user.as_str(),
                holder.client.as_str(),
                holder.redirect_uri,
                grant.resource.as_str(),
                &grant.scope,
                words,
                given_at.micros(),
                expires_at.micros(),
            )?;
        }
        Ok(())
    }

    /// What need not be asked again now.
    pub async fn remembered_scopes(
        &mut self,
        holder: ConsentHolder<'_>,
        now: Timestamp,
    ) -> Result<RememberedScopes> {
        let rows = all!(
            self,
            RememberedRow,
            LIVE,
            &self.tenant,
            holder.user.as_str(),
            holder.client.as_str(),
            holder.redirect_uri,
            now.micros(),
            MAX_REMEMBERED,
        )?;
        let mut scopes = BTreeMap::new();
        for row in rows {
            let resource = ResourceUri::parse(&row.resource)
                .map_err(|_| StoreError::corrupt("`remembered_consents.resource`"))?;
            let scope = row.scope;
            scopes.insert(ScopeGrant { resource, scope }, row.words);
        }
        Ok(RememberedScopes(scopes))
    }

    /// The same, and it stays so until the end of this transaction: the first of these scopes is locked, so that whoever ends what a
    /// client need not ask waits for it. One row, because two would be locked in another order by a deletion.
    pub async fn hold_remembered_scopes(
        &mut self,
        holder: ConsentHolder<'_>,
        scopes: &RememberedScopes,
        now: Timestamp,
    ) -> Result<RememberedScopes> {
        let Some((grant, words)) = scopes.iter().next() else {
            return Ok(RememberedScopes::default());
        };
        execute!(
            self,
            HOLD,
            &self.tenant,
            holder.user.as_str(),
            holder.client.as_str(),
            holder.redirect_uri,
            grant.resource.as_str(),
            &grant.scope,
            words,
            now.micros(),
        )?;
        self.remembered_scopes(holder, now).await
    }

    /// The person took these back.
    pub async fn forget_scopes(
        &mut self,
        holder: ConsentHolder<'_>,
        scopes: impl Iterator<Item = &ScopeGrant>,
    ) -> Result<()> {
        for grant in scopes {
            execute!(
                self,
                FORGET_SCOPE,
                &self.tenant,
                holder.user.as_str(),
                holder.client.as_str(),
                holder.redirect_uri,
                grant.resource.as_str(),
                &grant.scope,
            )?;
        }
        Ok(())
    }

    /// The clients that need not ask this person again, and until when.
    pub async fn remembered_clients(
        &mut self,
        user: &UserId,
        now: Timestamp,
    ) -> Result<Vec<(ClientId, Timestamp)>> {
        let rows = all!(
            self,
            RememberedClientRow,
            CLIENTS,
            &self.tenant,
            user.as_str(),
            now.micros(),
            MAX_REMEMBERED
        )?;
        let clients = rows.into_iter();
        let clients = clients.map(|row| (ClientId::from_text(row.client_id), time(row.until)));
        Ok(clients.collect())
    }

    /// Whether this person need not be asked again by this client for something.
    pub async fn has_live_consent(
        &mut self,
        user: &UserId,
        client: &ClientId,
        now: Timestamp,
    ) -> Result<bool> {
        let (user, client, now) = (user.as_str(), client.as_str(), now.micros());
        let found = optional!(self, LiveRow, LIVE_BETWEEN, &self.tenant, user, client, now)?;
        Ok(found.is_some_and(|row| row.live == 1))
    }

    /// This client has to ask this person again. Whether anything was remembered.
    pub async fn forget_consents(&mut self, user: &UserId, client: &ClientId) -> Result<bool> {
        let (user, client) = (user.as_str(), client.as_str());
        Ok(execute!(self, FORGET_BETWEEN, &self.tenant, user, client)? > 0)
    }

    /// This client has to ask everybody again.
    pub async fn forget_consents_to(&mut self, client: &ClientId) -> Result<()> {
        execute!(self, FORGET_CLIENT, &self.tenant, client.as_str())?;
        Ok(())
    }

    /// Every client has to ask this person again.
    pub(crate) async fn forget_consents_of(&mut self, user: &UserId) -> Result<()> {
        execute!(self, FORGET_USER, &self.tenant, user.as_str())?;
        Ok(())
    }

    /// Every client has to ask everybody again.
    pub(crate) async fn forget_all_consents(&mut self) -> Result<()> {
        execute!(self, FORGET_ALL, &self.tenant)?;
        Ok(())
    }
}
