//! What groups of a provider give a person here: roles, read at the login, again while nobody is there, and no longer than a day. What an
//! operator gave is not touched.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use writ_core::event::{Event, EventName};
use writ_core::id::UserId;
use writ_core::realm::DEFAULT_TENANT;
use writ_core::upstream::AccountOrigin;
use writ_core::upstream::groups::READ_AGAIN_AFTER;
use writ_store::upstream_account::UpstreamSubject;
use writ_store::upstream_groups::{GroupsRead, UpstreamGroups};
use writ_store::{DatabaseTransaction, StoreError};
use zeroize::Zeroizing;

use crate::config::UpstreamProvider;
use crate::node::app::App;
use crate::node::failure::Failure;
use crate::node::upstream::RedeemedUpstreamCode;

/// Whose groups were read.
#[derive(Clone, Copy)]
pub struct GroupsOf<'a> {
    pub provider: &'a UpstreamProvider,
    pub subject: &'a str,
    pub user: &'a UserId,
}

/// Why roles by groups count no more, until the next login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupsLapse {
    /// They were not read for a day.
    TooOld,
    /// The provider takes its refresh token back.
    Ended,
    /// The section of the provider was taken away.
    NoProvider,
    /// The person is disabled or was removed here.
    Disabled,
}

impl GroupsLapse {
    const fn as_str(self) -> &'static str {
        match self {
            Self::TooOld => "too_old",
            Self::Ended => "ended",
            Self::NoProvider => "no_provider",
            Self::Disabled => "disabled",
        }
    }
}

impl<'a> GroupsOf<'a> {
    fn account(self) -> UpstreamSubject<'a> {
        UpstreamSubject {
            issuer: &self.provider.issuer,
            subject: self.subject,
        }
    }

    /// In the transaction of the login.
    pub async fn read_at_login(
        self,
        app: &App,
        transaction: &mut DatabaseTransaction,
        redeemed: &RedeemedUpstreamCode,
    ) -> Result<(), Failure> {
        let (user, issuer) = (self.user, self.provider.issuer.as_str());
        self.give(app, transaction, &redeemed.claims.groups).await?;
        let token = redeemed.refresh_token.as_ref();
        let token = token.filter(|_| self.provider.reads_groups());
        if token.is_none() && self.provider.roles.is_empty() {
            return Ok(transaction.remove_upstream_groups_of(user, issuer).await?);
        }
        self.note(app, transaction, token).await
    }

    async fn note(
        self,
        app: &App,
        transaction: &mut DatabaseTransaction,
        token: Option<&Zeroizing<String>>,
    ) -> Result<(), Failure> {
        let (sealed, now) = (self.seal(app, token)?, app.clock.now());
        let read = GroupsRead {
            sealed_token: sealed.as_deref(),
            read_at: now,
            next_at: now.plus(READ_AGAIN_AFTER),
        };
        let put = transaction.put_upstream_groups(self.account(), self.user, read);
        Ok(put.await?)
    }

    fn seal(self, app: &App, token: Option<&Zeroizing<String>>) -> Result<Option<String>, Failure> {
        let place = place(self.account());
        token
            .map(|token| app.seal(&place, &token.as_str()))
            .transpose()
    }

    async fn give(
        self,
        app: &App,
        transaction: &mut DatabaseTransaction,
        groups: &BTreeSet<String>,
    ) -> Result<(), StoreError> {
        let (roles, now) = (self.provider.roles.of(groups), app.clock.now());
        let issuer = &self.provider.issuer;
        let given = transaction.set_provider_roles(self.user, issuer, &roles, now);
        if given.await? {
            let names: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
            let facts = json!({ "state": "given", "roles": names });
            record(app, transaction, (self.user, issuer), facts).await?;
        }
        Ok(())
    }

    /// The refresh token that came in place of that of a row which is put off meanwhile; whether it was kept.
    pub async fn keep_token(
        self,
        app: &App,
        row: &UpstreamGroups,
        token: &Zeroizing<String>,
    ) -> Result<bool, Failure> {
        let Some(sealed) = self.seal(app, Some(token))? else {
            return Ok(false);
        };
        let mut transaction = app.begin().await?;
        let kept = transaction.keep_upstream_token(row, &sealed).await?;
        transaction.commit().await?;
        Ok(kept)
    }

    /// Groups of now, of the same row. Nothing where somebody else was first: a login, or a logout.
    pub async fn read_again(
        self,
        app: &App,
        row: &UpstreamGroups,
        groups: &BTreeSet<String>,
    ) -> Result<(), StoreError> {
        let (user, issuer, now) = (self.user, &self.provider.issuer, app.clock.now());
        let mut transaction = app.begin().await?;
        transaction.hold_user(user).await?;
        let account = transaction.upstream_account(self.account()).await?;
        let Some(account) = account.filter(|account| account.user == *user) else {
            return Ok(());
        };
        let next_at = now.plus(READ_AGAIN_AFTER);
        let renewed = transaction.renew_upstream_groups(row, now, next_at);
        if !renewed.await? {
            return Ok(());
        }
        let rule = &self.provider.admission;
        let came = account.origin == AccountOrigin::Admission;
        match came && !rule.admits_groups(groups) {
            // What they signed in to before is over by its age.
            true => forget_groups(app, &mut transaction, (user, issuer)).await?,
            false => self.give(app, &mut transaction, groups).await?,
        }
        transaction.commit().await
    }
}

/// Roles that these groups gave are suspended until the next login, and what they would be read by is forgotten. Nothing where a login was
/// first.
pub async fn lapse(app: &App, groups: &UpstreamGroups, why: GroupsLapse) -> Result<(), StoreError> {
    let (user, issuer, now) = (&groups.user, groups.issuer.as_str(), app.clock.now());
    let mut transaction = app.begin().await?;
    transaction.hold_user(user).await?;
    if !transaction.remove_upstream_groups(groups).await? {
        return Ok(());
    }
    transaction
        .suspend_provider_roles(user, issuer, now)
        .await?;
    let facts = json!({ "state": "suspended", "because": why.as_str() });
    record(app, &mut transaction, (user, issuer), facts).await?;
    transaction.commit().await
}

/// What an account gave that is this person's no more: nothing of it stays.
pub async fn forget_groups(
    app: &App,
    transaction: &mut DatabaseTransaction,
    (user, issuer): (&UserId, &str),
) -> Result<(), StoreError> {
    transaction.remove_upstream_groups_of(user, issuer).await?;
    let (none, now) = (BTreeSet::new(), app.clock.now());
    let taken = transaction.set_provider_roles(user, issuer, &none, now);
    if taken.await? {
        let facts = json!({ "state": "given", "roles": [] });
        record(app, transaction, (user, issuer), facts).await?;
    }
    Ok(())
}

async fn record(
    app: &App,
    transaction: &mut DatabaseTransaction,
    (user, issuer): (&UserId, &str),
    facts: Value,
) -> Result<(), StoreError> {
    let now = app.clock.now();
    let mut data = json!({ "by": "upstream", "setting": "roles", "upstream": issuer });
    if let (Value::Object(data), Value::Object(facts)) = (&mut data, facts) {
        data.extend(facts);
    }
    let event = Event::new(app.event_id(now), now, EventName::UserChanged)
        .of_subject(user.as_str())
        .with(data);
    transaction.insert_event(&event).await
}

/// The associated data of an account's refresh token.
pub fn place(account: UpstreamSubject<'_>) -> String {
    let UpstreamSubject { issuer, subject } = account;
    format!("upstream-token {DEFAULT_TENANT} {issuer} {subject}")
}
