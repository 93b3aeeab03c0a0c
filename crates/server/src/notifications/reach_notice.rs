//! Notices about how a person is told: of another mail address, other quiet hours, a browser that came or went. They are sent as the person
//! was told before the change, so that nobody who sits in their session moves the notices away from them unnoticed.

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
use super::web_push::{BrowserSubscription, known_subscription};
use super::{quiet_hours, seal};
use crate::node::app::App;
use crate::node::failure::Failure;
use crate::node::rate_limits::RateLimit;

/// Such changes of one person in an hour: each of them sends mail, also to an address that somebody else typed.
pub const MAX_CHANGES_OF_HOUR: u32 = 30;

/// How a person was told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct EarlierReach {
    email: Option<String>,
    quiet: Option<EarlierQuiet>,
    /// That was taken away.
    browser: Option<EarlierBrowser>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct EarlierQuiet {
    from: u16,
    until: u16,
    time_zone: Option<String>,
    offset_minutes: Option<i32>,
}

/// As its row was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct EarlierBrowser {
    digest: String,
    sealed: String,
}

/// What these settings change of how their person is told.
pub fn difference(before: &PersonSettings, after: &PersonSettings) -> Option<Reach> {
    if before.email != after.email {
        return Some(Reach::Email);
    }
    (EarlierQuiet::of(before) != EarlierQuiet::of(after)).then_some(Reach::QuietHours)
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
        email: settings.email.clone(),
        quiet: EarlierQuiet::of(&settings),
        browser: removed.map(|row| EarlierBrowser {
            digest: row.digest.clone(),
            sealed: row.sealed.clone(),
        }),
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
    let before = before.unwrap_or_else(EarlierReach::nothing);
    quiet_hours::check(&before.settings(), &app.zones, app.clock.now())?;
    let browser = match before.browser.filter(|one| one.digest == notice.target) {
        Some(removed) => removed.open(app)?,
        None => known_subscription(app, &mut app.read().await?, notice).await?,
    };
    post(app, notice, &browser, AccountNews::Reach(what)).await
}

impl EarlierReach {
    const fn nothing() -> Self {
        Self {
            email: None,
            quiet: None,
            browser: None,
        }
    }

    /// As far as they say when and where mail is sent.
    pub(crate) fn settings(&self) -> PersonSettings {
        let quiet = self.quiet.as_ref();
        PersonSettings {
            email: self.email.clone(),
            quiet_from: quiet.map(|quiet| quiet.from),
            quiet_until: quiet.map(|quiet| quiet.until),
            time_zone: quiet.and_then(|quiet| quiet.time_zone.clone()),
            offset_minutes: quiet.and_then(|quiet| quiet.offset_minutes),
            ..PersonSettings::default()
        }
    }
}

impl EarlierQuiet {
    fn of(settings: &PersonSettings) -> Option<Self> {
        let (from, until) = settings.quiet_from.zip(settings.quiet_until)?;
        Some(Self {
            from,
            until,
            time_zone: settings.time_zone.clone(),
            offset_minutes: settings.offset_minutes,
        })
    }
}

impl EarlierBrowser {
    fn open(&self, app: &App) -> Result<BrowserSubscription, Failure> {
        app.unseal(&seal::of_subscription(&self.digest), &self.sealed)
    }
}
