//! The end of a link that sets a password: used up once, and with it everything that the password before may have opened. Logins end, no
//! browser is known any more or told of what the person is asked, every client has to ask again, and what acts for the person is paused
//! until they let it go on.

use serde_json::json;
use writ_core::account_link::LinkKind;
use writ_core::event::{Event, EventName};
use writ_core::id::UserId;
use writ_core::upstream::AccountOrigin;
use writ_store::DatabaseTransaction;
use writ_store::account_link::AccountLink;
use writ_store::push::PushSubscription;
use writ_store::settings::PersonSettings;
use writ_store::stop::StopEvents;
use writ_store::user::StoredUser;
use writ_wire::time::Timestamp;

use super::account_link::has_passkey;
use super::upstream_groups::forget_groups;
use crate::approvals::close::{Endings, end_unused};
use crate::config::LocalAccounts;
use crate::node::app::App;
use crate::node::failure::Failure;
use crate::node::secret::secret_digest;
use crate::notifications::account_notice;

/// How the person proved who they are, beside the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecoveredBy {
    Code,
    Passkey,
}

impl RecoveredBy {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Passkey => "passkey",
        }
    }
}

/// What is set.
pub struct Recovery<'a> {
    /// The secret of the link.
    pub secret: &'a str,
    /// A PHC string; `None`: whoever is invited adds a passkey instead.
    pub hash: Option<&'a str>,
    pub by: RecoveredBy,
    /// The browser in which it is set, if it is one that is told: it goes on being told.
    pub device: Option<&'a str>,
}

/// What came of it.
pub struct Recovered {
    /// As they are now.
    pub person: StoredUser,
    /// Since when their tasks are paused.
    pub at: Timestamp,
    pub tasks_paused: u64,
    /// How many browsers are told of nothing any more.
    pub browsers_ended: usize,
    /// What was approved and not used.
    pub endings: Endings,
}

/// `None`: the link is not good any more, or not for this proof. The caller commits.
pub async fn recover(
    app: &App,
    transaction: &mut DatabaseTransaction,
    link: &AccountLink,
    recovery: Recovery<'_>,
) -> Result<Option<Recovered>, Failure> {
    let (user, now) = (&link.user, app.clock.now());
    transaction.begin_stop().await?;
    transaction.hold_user(user).await?;
    let code_counts = !has_passkey(&app.config, transaction, user).await?;
    let stored = transaction.user_by_id(user).await?;
    if app.config.local_accounts == LocalAccounts::Off
        || (recovery.by == RecoveredBy::Code && !code_counts)
        || stored.is_none_or(|stored| stored.user.disabled || stored.removed)
        || !transaction
            .consume_account_link(&secret_digest(recovery.secret), now)
            .await?
    {
        return Ok(None);
    }
    if let Some(hash) = recovery.hash
        && !transaction.set_password(user, hash).await?
    {
        return Ok(None);
    }
    let sessions = transaction.end_sessions_of(user, now).await?;
    // Whoever was in before may have linked an account of their own.
    unlink_all(app, transaction, user).await?;
    transaction.forget_undoable_stops_of(user).await?;
    // Before their tasks pause: a token that was fetched meanwhile has its task by then.
    let endings = end_unused(app, transaction, user, now).await?;
    let id = app.event_id(now);
    let why = json!({ "by": "subject", "because": "recovered" }).to_string();
    let events = StopEvents {
        id: &id,
        now,
        data: &why,
    };
    let paused = transaction.pause_tasks_of(user, events).await?;
    let ended = end_browsers(app, transaction, user, recovery.device).await?;
    confirm_address(app, transaction, link).await?;
    let ended = EndedWith {
        sessions,
        tasks: paused,
        browsers: &ended,
    };
    record(app, transaction, (link, &recovery), ended).await?;
    let person = transaction.user_by_id(user).await?;
    Ok(person.map(|person| Recovered {
        person,
        at: now,
        tasks_paused: ended.tasks,
        browsers_ended: ended.browsers.len(),
        endings,
    }))
}

async fn unlink_all(
    app: &App,
    transaction: &mut DatabaseTransaction,
    user: &UserId,
) -> Result<(), Failure> {
    for account in transaction.upstream_accounts_of(user).await? {
        if account.origin == AccountOrigin::Link {
            forget_groups(app, transaction, (user, &account.issuer)).await?;
        }
    }
    transaction.remove_all_upstream_links(user).await?;
    Ok(())
}

/// What ended with the password before.
#[derive(Clone, Copy)]
struct EndedWith<'a> {
    sessions: u64,
    tasks: u64,
    browsers: &'a [PushSubscription],
}

/// The person is told of a reset; of an invitation they know.
async fn record(
    app: &App,
    transaction: &mut DatabaseTransaction,
    (link, recovery): (&AccountLink, &Recovery<'_>),
    ended: EndedWith<'_>,
) -> Result<(), Failure> {
    let (user, now) = (&link.user, app.clock.now());
    let set = recovery.hash.map_or("account", |_| "password");
    let (name, data) = match link.kind {
        LinkKind::Invitation => (
            EventName::UserChanged,
            json!({ "by": "invitation", "setting": set }),
        ),
        LinkKind::Reset | LinkKind::Forgotten | LinkKind::Address => (
            EventName::UserRecovered,
            json!({
                "by": recovery.by.as_str(),
                "link": link.kind,
                "sessions_ended": ended.sessions,
                "tasks_paused": ended.tasks,
                "browsers_ended": ended.browsers.len(),
            }),
        ),
    };
    let event = Event::new(app.event_id(now), now, name);
    let event = event.of_subject(user.as_str()).with(data);
    transaction.insert_event(&event).await?;
    if name == EventName::UserRecovered {
        account_notice::recovered(&app.outbox(), transaction, user, ended.browsers).await?;
    }
    Ok(())
}

/// Whoever had the password before may have turned notifications on in a browser of theirs.
async fn end_browsers(
    app: &App,
    transaction: &mut DatabaseTransaction,
    user: &UserId,
    device: Option<&str>,
) -> Result<Vec<PushSubscription>, Failure> {
    let mut told = transaction.subscriptions_of(user).await?;
    told.retain(|one| device.is_none() || one.browser.as_deref() != device);
    let now = app.clock.now();
    for one in &told {
        if transaction.subscription_gone(&one.digest, now).await? {
            let facts = json!({ "push": "removed", "device": one.digest, "by": "recovered" });
            let event = Event::new(app.event_id(now), now, EventName::UserChanged);
            let event = event.of_subject(user.as_str()).with(facts);
            transaction.insert_event(&event).await?;
        }
    }
    Ok(told)
}

/// Whoever opened a link that was sent to an address reads what is sent there.
async fn confirm_address(
    app: &App,
    transaction: &mut DatabaseTransaction,
    link: &AccountLink,
) -> Result<(), Failure> {
    let Some(address) = &link.address else {
        return Ok(());
    };
    let settings = transaction.settings(&link.user).await?.unwrap_or_default();
    let settings = PersonSettings {
        email: Some(address.clone()),
        ..settings
    };
    let now = app.clock.now();
    Ok(transaction
        .save_settings(&link.user, &settings, now)
        .await?)
}
