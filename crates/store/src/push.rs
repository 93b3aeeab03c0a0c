//! Web Push: where a person's browsers are reached (RFC 8030), and the server's own key pairs for it (RFC 8292).

use writ_core::id::UserId;
use writ_wire::time::Timestamp;

use crate::error::Result;
use crate::json::time;
use crate::store::DatabaseTransaction;

/// The most browsers of one person; all of them are told.
pub const MAX_SUBSCRIPTIONS: i64 = 16;

/// One row of `push_subscriptions` that is not gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushSubscription {
    /// Of the endpoint.
    pub digest: String,
    pub user: UserId,
    /// Endpoint and keys.
    pub sealed: String,
    /// Which browser.
    pub name: String,
    /// Digest of that browser's own cookie; absent for one of before it had one.
    pub browser: Option<String>,
    pub created_at: Timestamp,
}

row! { SubscriptionRow {
    endpoint_digest: String,
    user_id: String,
    sealed: String,
    name: String,
    browser: Option<String>,
    created_at: i64,
} }

row! { OwnDeviceRow { browser: Option<String> } }

row! { ServerKeyRow { public_key: String, sealed: String } }

/// Inserts at most $7 of a person; an existing one is updated and does not count as new.
const UPSERT: &str = "
    INSERT INTO push_subscriptions (tenant, endpoint_digest, user_id, sealed, name, created_at, browser)
    SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS TEXT), CAST($4 AS TEXT), CAST($5 AS TEXT),
        CAST($6 AS BIGINT), CAST($8 AS TEXT)
    WHERE $7 > (SELECT COUNT(*) FROM push_subscriptions
        WHERE tenant = $1 AND user_id = $3 AND gone_at IS NULL AND endpoint_digest <> $2)
    ON CONFLICT (tenant, endpoint_digest) DO UPDATE SET user_id = excluded.user_id,
        sealed = excluded.sealed, name = excluded.name, created_at = excluded.created_at,
        browser = excluded.browser, gone_at = NULL";

/// The oldest first: should two nodes have inserted one too many, it is the newest that is left out.
const OF_USER: &str = "
    SELECT endpoint_digest, user_id, sealed, name, browser, created_at FROM push_subscriptions
    WHERE tenant = $1 AND user_id = $2 AND gone_at IS NULL
    ORDER BY created_at, endpoint_digest LIMIT $3";

/// Told now, or until $3: of those that are gone the row stays for a day.
const OWN_DEVICES: &str = "
    SELECT DISTINCT browser FROM push_subscriptions
    WHERE tenant = $1 AND user_id = $2 AND browser IS NOT NULL
        AND (gone_at IS NULL OR gone_at > $3)
    ORDER BY browser LIMIT $4";
/// Those of now and of a day.
pub(crate) const MAX_OWN_DEVICES: i64 = 4 * MAX_SUBSCRIPTIONS;

const GONE: &str = "
    UPDATE push_subscriptions SET gone_at = $3, sealed = ''
    WHERE tenant = $1 AND endpoint_digest = $2 AND gone_at IS NULL";

const SERVER_KEY: &str = "
    SELECT public_key, sealed FROM server_keys WHERE tenant = $1 AND purpose = $2";

const INSERT_SERVER_KEY: &str = "
    INSERT INTO server_keys (tenant, purpose, public_key, sealed, created_at)
    VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT DO NOTHING";

impl DatabaseTransaction {
    /// A browser belongs to the person who subscribed with it last. Whether the limit allowed it.
    pub async fn upsert_subscription(&mut self, new: &PushSubscription) -> Result<bool> {
        let written = execute!(
            self,
            UPSERT,
            &self.tenant,
            &new.digest,
            new.user.as_str(),
            &new.sealed,
            &new.name,
            new.created_at.micros(),
            MAX_SUBSCRIPTIONS,
            new.browser.as_deref(),
        )?;
        Ok(written == 1)
    }

    /// The oldest first, at most `MAX_SUBSCRIPTIONS`.
    pub async fn subscriptions_of(&mut self, user: &UserId) -> Result<Vec<PushSubscription>> {
        let user = user.as_str();
        let most = MAX_SUBSCRIPTIONS;
        let rows = all!(self, SubscriptionRow, OF_USER, &self.tenant, user, most)?;
        Ok(rows.into_iter().map(SubscriptionRow::read).collect())
    }

    /// Browsers of this person that are told of what they are asked, or were after `since`.
    pub async fn own_devices(&mut self, user: &UserId, since: Timestamp) -> Result<Vec<String>> {
        let (user, since) = (user.as_str(), since.micros());
        let most = MAX_OWN_DEVICES;
        let rows = all!(
            self,
            OwnDeviceRow,
            OWN_DEVICES,
            &self.tenant,
            user,
            since,
            most
        )?;
        Ok(rows.into_iter().filter_map(|row| row.browser).collect())
    }

    /// The push service does not know it any more, or the person took it away. Whether this call did it.
    pub async fn subscription_gone(&mut self, digest: &str, now: Timestamp) -> Result<bool> {
        Ok(execute!(self, GONE, &self.tenant, digest, now.micros())? == 1)
    }

    /// The public key and the sealed private one.
    pub async fn server_key(&mut self, purpose: &str) -> Result<Option<(String, String)>> {
        let row = optional!(self, ServerKeyRow, SERVER_KEY, &self.tenant, purpose)?;
        Ok(row.map(|row| (row.public_key, row.sealed)))
    }

    /// Whether it was written: there is one of each purpose, whichever node came first.
    pub async fn insert_server_key(
        &mut self,
        purpose: &str,
        public: &str,
        sealed: &str,
        now: Timestamp,
    ) -> Result<bool> {
        let now = now.micros();
        let written = execute!(
            self,
            INSERT_SERVER_KEY,
            &self.tenant,
            purpose,
            public,
            sealed,
            now
        )?;
        Ok(written == 1)
    }
}

impl SubscriptionRow {
    fn read(self) -> PushSubscription {
        PushSubscription {
            digest: self.endpoint_digest,
            user: UserId::from_text(self.user_id),
            sealed: self.sealed,
            name: self.name,
            browser: self.browser,
            created_at: time(self.created_at),
        }
    }
}
