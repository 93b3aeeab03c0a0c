//! Notices about how a person is told: of another mail address, other quiet hours, a browser that came or went. They are sent as the person
//! was told before the change, and at any hour, so that nobody who sits in their session moves the notices away from them unnoticed.

use serde::{Deserialize, Serialize};
use writ_core::id::UserId;
use writ_pages::messages::{AccountNews, Reach};
use writ_store::DatabaseTransaction;
use writ_store::attempts::AttemptKind;
use writ_store::notice::Notice;
use writ_store::push::PushSubscription;
use writ_store::settings::PersonSettings;

use super::account_notice::{LIFETIME, notify, post};
use super::outbox::{Channel, NoticeContent, NoticeDraft, OutboxContext};
use super::outcome::{DeliveryOutcome, NotSent};
use super::seal;
use super::web_push::{BrowserSubscription, known_subscription};
use crate::node::app::App;
use crate::node::failure::Failure;
use crate::node::rate_limits::RateLimit;

/// Such changes of one person in an hour: each of them sends mail, also to an address that somebody else typed.
pub const MAX_CHANGES_OF_HOUR: u32 = 30;

/// How a person was told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct EarlierReach {
    email: Option<String>,
    /// That was taken away.
    browser: Option<EarlierBrowser>,
}

/// As its row was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct EarlierBrowser {
    digest: String,
    sealed: String,
}

/// What these settings change of how their person is told.
pub fn difference(before: &PersonSettings, after: &PersonSettings) -> Option<Reach> {
    if before.email != after.email {
        return Some(Reach::Email);
    }
    (quiet_hours_of(before) != quiet_hours_of(after)).then_some(Reach::QuietHours)
}

/// With the clock by which they go; `None` where there are none.
fn quiet_hours_of(settings: &PersonSettings) -> Option<(u16, u16, Option<&str>, Option<i32>)> {
    let (from, until) = settings.quiet_from.zip(settings.quiet_until)?;
    let zone = settings.time_zone.as_deref();
    Some((from, until, zone, settings.offset_minutes))
}

/// Counts one more change of this person.
pub async fn admit_change(app: &App, user: &UserId) -> Result<(), Failure> {
    let parts: [&[u8]; 2] = [b"reach of", user.as_str().as_bytes()];
    let (kind, now) = (AttemptKind::FrontRequest, app.clock.now());
    let limit = RateLimit::of_hour(kind, &parts, MAX_CHANGES_OF_HOUR, now);
    let sentence = "too many changes of how you are told in this hour: try again in the next one";
    app.admit_request([limit], sentence).await
}

/// Tells the user as they are told until now: in the transaction of the change, and before it.
pub async fn about_to_change(
    outbox: &OutboxContext<'_>,
    transaction: &mut DatabaseTransaction,
    user: &UserId,
    what: Reach,
    removed: Option<&PushSubscription>,
) -> Result<(), Failure> {
    let settings = transaction.settings(user).await?.unwrap_or_default();
    let before = EarlierReach {
        email: settings.email,
        browser: removed.map(EarlierBrowser::of),
    };
    let before = Some(before);
    notify(
        outbox,
        transaction,
        user,
        NoticeContent::Reach { what, before },
    )
    .await
}

/// Tells a new address, after the change.
pub async fn address_is_new(
    outbox: &OutboxContext<'_>,
    transaction: &mut DatabaseTransaction,
    user: &UserId,
) -> Result<(), Failure> {
    if outbox.config.channels.mail.is_none() {
        return Ok(());
    }
    let draft = NoticeDraft {
        channel: Channel::Mail,
        request: None,
        user: Some(user),
        target: user.as_str(),
        content: NoticeContent::Reach {
            what: Reach::Email,
            before: None,
        },
        expires_at: outbox.now.plus(LIFETIME),
    };
    outbox.enqueue(transaction, draft).await
}

pub(crate) async fn push(
    app: &App,
    notice: &Notice,
    what: Reach,
    before: Option<EarlierReach>,
) -> Result<DeliveryOutcome, NotSent> {
    let removed = before.and_then(|before| before.browser);
    push_to(app, notice, AccountNews::Reach(what), removed).await
}

/// To a browser that is told, or was until then.
pub(crate) async fn push_to(
    app: &App,
    notice: &Notice,
    what: AccountNews,
    removed: Option<EarlierBrowser>,
) -> Result<DeliveryOutcome, NotSent> {
    let browser = match removed.filter(|one| one.digest == notice.target) {
        Some(removed) => removed.open(app)?,
        None => known_subscription(app, &mut app.read().await?, notice).await?,
    };
    post(app, notice, &browser, what).await
}

impl EarlierReach {
    pub(crate) fn email(&self) -> Option<&str> {
        self.email.as_deref()
    }
}

impl EarlierBrowser {
    pub(super) fn of(row: &PushSubscription) -> Self {
        Self {
            digest: row.digest.clone(),
            sealed: row.sealed.clone(),
        }
    }

    fn open(&self, app: &App) -> Result<BrowserSubscription, Failure> {
        app.unseal(&seal::of_subscription(&self.digest), &self.sealed)
    }
}
