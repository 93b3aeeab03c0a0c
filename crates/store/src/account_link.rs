//! Links by which a person finishes an invitation, a reset of their password, or a change of the address to which they are written.
//! Only digests of link and code are stored. Each try is counted before it is compared, so that many at once are no more than those
//! one after the other, and a link is used up by one guarded statement.

use writ_core::account_link::{LinkKind, MAX_LINK_FAILURES};
use writ_core::id::UserId;
use writ_wire::time::Timestamp;

use crate::error::{Result, StoreError};
use crate::store::DatabaseTransaction;

/// A person has one link of each place.
const fn place(kind: LinkKind) -> &'static str {
    match kind.sets_password() {
        true => "account",
        false => "address",
    }
}

/// One row of `account_links`.
#[derive(Clone, Copy)]
pub struct NewAccountLink<'a> {
    pub user: &'a UserId,
    pub kind: LinkKind,
    /// Digest of the link's secret.
    pub link: &'a str,
    /// Keyed digest of the code that is given another way.
    pub code: Option<&'a str>,
    /// What the link confirms.
    pub address: Option<&'a str>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

/// A link that is still good. No `Debug`, because of the digest of its code.
#[derive(Clone, PartialEq, Eq)]
pub struct AccountLink {
    pub user: UserId,
    pub kind: LinkKind,
    pub code: Option<String>,
    pub address: Option<String>,
}

row! { LinkRow {
    user_id: String,
    kind: String,
    code_digest: Option<String>,
    address: Option<String>,
} }

macro_rules! put {
    ($unless:literal) => {
        concat!(
            "INSERT INTO account_links (tenant, user_id, place, kind, link_digest, code_digest, address,
                failures, created_at, expires_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $9)
            ON CONFLICT (tenant, user_id, place) DO UPDATE SET kind = excluded.kind,
                link_digest = excluded.link_digest, code_digest = excluded.code_digest,
                address = excluded.address, failures = 0, created_at = excluded.created_at,
                expires_at = excluded.expires_at",
            $unless
        )
    };
}

const PUT: &str = put!("");

/// Anybody can ask for one: it takes the place of none that an operator made and that is still good.
const PUT_FORGOTTEN: &str = put!(
    " WHERE account_links.kind = excluded.kind OR account_links.expires_at <= excluded.created_at"
);

const FIND: &str = "
    SELECT user_id, kind, code_digest, address FROM account_links
    WHERE tenant = $1 AND link_digest = $2 AND failures < $3 AND expires_at > $4";

const TRY: &str = "
    UPDATE account_links SET failures = failures + 1
    WHERE tenant = $1 AND link_digest = $2 AND failures < $3 AND expires_at > $4
    RETURNING user_id, kind, code_digest, address";

const FORGIVE: &str = "
    UPDATE account_links SET failures = failures - 1
    WHERE tenant = $1 AND link_digest = $2 AND failures > 0";

const CONSUME: &str = "
    DELETE FROM account_links
    WHERE tenant = $1 AND link_digest = $2 AND failures < $3 AND expires_at > $4";

const GIVE_CODE: &str = "
    UPDATE account_links SET code_digest = $3, failures = 0
    WHERE tenant = $1 AND user_id = $2 AND place = $4 AND kind = $5 AND expires_at > $6
        AND failures < $7";

const END: &str = "DELETE FROM account_links WHERE tenant = $1 AND link_digest = $2 RETURNING user_id, kind, code_digest, address";

const END_PLACE: &str =
    "DELETE FROM account_links WHERE tenant = $1 AND user_id = $2 AND place = $3";

const END_ALL: &str = "DELETE FROM account_links WHERE tenant = $1 AND user_id = $2";

impl DatabaseTransaction {
    /// The person's one of its place before it is worth nothing any more. Whether it was written.
    pub async fn put_account_link(&mut self, new: NewAccountLink<'_>) -> Result<bool> {
        let sql = match new.kind {
            LinkKind::Forgotten => PUT_FORGOTTEN,
            LinkKind::Invitation | LinkKind::Reset | LinkKind::Address => PUT,
        };
        Ok(execute!(
            self,
            sql,
            &self.tenant,
            new.user.as_str(),
            place(new.kind),
            new.kind.as_str(),
            new.link,
            new.code,
            new.address,
            new.created_at.micros(),
            new.expires_at.micros(),
        )? == 1)
    }

    /// Without counting anything.
    pub async fn account_link(
        &mut self,
        link: &str,
        now: Timestamp,
    ) -> Result<Option<AccountLink>> {
        let (tenant, now) = (&self.tenant, now.micros());
        let row = optional!(self, LinkRow, FIND, tenant, link, MAX_LINK_FAILURES, now)?;
        row.map(LinkRow::read).transpose()
    }

    /// Counts a try of its code; `None` where there is no such link, or it was tried too often, or is too old.
    pub async fn try_account_link(
        &mut self,
        link: &str,
        now: Timestamp,
    ) -> Result<Option<AccountLink>> {
        let (tenant, now) = (&self.tenant, now.micros());
        let row = optional!(self, LinkRow, TRY, tenant, link, MAX_LINK_FAILURES, now)?;
        row.map(LinkRow::read).transpose()
    }

    /// The try that was counted last was right, or was not looked at.
    pub async fn forgive_account_link(&mut self, link: &str) -> Result<()> {
        execute!(self, FORGIVE, &self.tenant, link)?;
        Ok(())
    }

    /// Uses it up. Whether this call did it, and the link was still good.
    pub async fn consume_account_link(&mut self, link: &str, now: Timestamp) -> Result<bool> {
        let (tenant, now) = (&self.tenant, now.micros());
        Ok(execute!(self, CONSUME, tenant, link, MAX_LINK_FAILURES, now)? == 1)
    }

    /// The code for the link that this person asked for themselves. Whether there is such a link that is still good: one that was tried too
    /// often stays ended.
    pub async fn give_code_to_link(
        &mut self,
        user: &UserId,
        code: &str,
        now: Timestamp,
    ) -> Result<bool> {
        let kind = LinkKind::Forgotten;
        let given = execute!(
            self,
            GIVE_CODE,
            &self.tenant,
            user.as_str(),
            code,
            place(kind),
            kind.as_str(),
            now.micros(),
            MAX_LINK_FAILURES
        );
        Ok(given? == 1)
    }

    /// The link that this call ended.
    pub async fn end_account_link(&mut self, link: &str) -> Result<Option<AccountLink>> {
        let row = optional!(self, LinkRow, END, &self.tenant, link)?;
        row.map(LinkRow::read).transpose()
    }

    /// The link to another address of this person, if there is one.
    pub async fn end_address_link_of(&mut self, user: &UserId) -> Result<()> {
        let place = place(LinkKind::Address);
        execute!(self, END_PLACE, &self.tenant, user.as_str(), place)?;
        Ok(())
    }

    /// What the password before may have opened: no client acts without being asked, and no link is good that was made while it was.
    pub(crate) async fn end_with_password(&mut self, id: &UserId) -> Result<()> {
        self.end_account_links_of(id).await?;
        self.forget_consents_of(id).await
    }

    /// All links of this person.
    pub(crate) async fn end_account_links_of(&mut self, user: &UserId) -> Result<()> {
        execute!(self, END_ALL, &self.tenant, user.as_str())?;
        Ok(())
    }
}

impl LinkRow {
    fn read(self) -> Result<AccountLink> {
        let mut kinds = LinkKind::ALL.into_iter();
        let kind = kinds.find(|kind| kind.as_str() == self.kind);
        Ok(AccountLink {
            kind: kind.ok_or_else(|| StoreError::corrupt("`account_links.kind`"))?,
            user: UserId::from_text(self.user_id),
            code: self.code_digest,
            address: self.address,
        })
    }
}
