//! The address to which a person is written. Another one is used once it is confirmed: by a link that is sent there, and opened by the
//! person who is signed in. Until then the one before counts, and both are told of the change. None any more counts at once. That, and
//! the one before entered again, end the link.

use axum::response::{IntoResponse, Response};
use serde_json::json;
use writ_core::account_link::LinkKind;
use writ_core::email;
use writ_pages::messages::Reach;
use writ_pages::{AccountSaid, AddressPage, SettingsNotice, SettingsProblem};
use writ_store::account_link::AccountLink;
use writ_store::settings::PersonSettings;
use writ_wire::form::Form;

use super::proof::prove;
use super::{Outcome, Said, page, record, save_within};
use crate::node::secret::secret_digest;
use crate::notifications::link_mail::{SentLink, mail_link};
use crate::notifications::reach_notice;
use crate::operate::account_link::{LinkDraft, SecondProof, issue};
use crate::people::error::{PageError, StepError};
use crate::people::request::{PostedForm, Query, SignedIn, Visitor};

pub(super) const PATH: &str = "/app/settings/address";

/// Asked for a proof, because whoever moves the address moves the links of a reset.
pub(super) async fn set(person: SignedIn<'_>, form: &Form) -> Outcome {
    let app = person.app;
    let typed = form.optional("email")?.filter(|text| !text.is_empty());
    let email = typed.map(email::mailbox);
    if matches!(email, Some(None)) {
        return Err(StepError::Problem(SettingsProblem::Email));
    }
    prove(person, form).await?;
    let before = app.read().await?.settings(person.id()).await?;
    let current = before.and_then(|before| before.email);
    match email.flatten() {
        None => take_away(person).await,
        same if same == current => keep(person).await,
        Some(_) if app.config.channels.mail.is_none() => {
            Err(PageError::invalid_request("this server sends no mail").into())
        }
        Some(email) => send_link(person, email).await,
    }
}

/// Counted by no budget: each that is taken away was confirmed before.
async fn take_away(person: SignedIn<'_>) -> Outcome {
    let (app, user) = (person.app, person.id());
    let facts = [json!({ "setting": "email", "state": "removed" })];
    let removed = |stored: &mut PersonSettings| stored.email = None;
    let mut transaction = person.begin_change().await?;
    transaction.end_address_link_of(user).await?;
    save_within(app, &mut transaction, user, &facts, removed).await?;
    transaction.commit().await?;
    app.notices.wake();
    Ok(SettingsNotice::Saved)
}

/// Whoever enters the one that is used wants no other.
async fn keep(person: SignedIn<'_>) -> Outcome {
    let mut transaction = person.begin_change().await?;
    transaction.end_address_link_of(person.id()).await?;
    transaction.commit().await?;
    Ok(SettingsNotice::Saved)
}

async fn send_link(person: SignedIn<'_>, email: String) -> Outcome {
    let (app, user) = (person.app, person.id());
    reach_notice::admit_change(app, user).await?;
    let (kind, outbox) = (LinkKind::Address, app.outbox());
    let draft = LinkDraft {
        user,
        kind,
        address: Some(&email),
        second: SecondProof::Another,
    };
    let mut transaction = person.begin_change().await?;
    if let Some(issued) = issue(&outbox, &mut transaction, draft).await? {
        let sent = SentLink {
            kind,
            to: email,
            link: issued.secret,
        };
        mail_link(&outbox, &mut transaction, user, (sent, issued.expires_at)).await?;
        let what = Reach::EmailAsked;
        reach_notice::about_to_change(&outbox, &mut transaction, user, what, None).await?;
        let facts = json!({ "setting": "email", "state": "asked" });
        record(app, &mut transaction, user, facts).await?;
    }
    transaction.commit().await?;
    app.notices.wake();
    Ok(SettingsNotice::LinkSent)
}

/// Opening the link changes nothing.
pub(super) async fn show(Query(query): Query, visitor: Visitor) -> Result<Response, PageError> {
    let secret = query.required("link")?;
    let person = visitor.signed_in(&address_of(secret))?;
    match theirs(person, secret).await? {
        Some(address) => {
            let view = AddressPage {
                person: person.frame().await?,
                link: secret.to_owned(),
                address,
            };
            let texts = person.texts().await?;
            Ok(view.page(&texts).into_http().into_response())
        }
        None => over(person).await,
    }
}

pub(super) async fn confirm(posted: PostedForm) -> Result<Response, PageError> {
    let (person, form) = posted.of_signed_in(super::PATH)?;
    let secret = form.required("link")?;
    let Some(address) = theirs(person, secret).await? else {
        return over(person).await;
    };
    let (app, now) = (person.app, person.app.clock.now());
    let mut transaction = person.begin_change().await?;
    let digest = secret_digest(secret);
    if !transaction.consume_account_link(&digest, now).await? {
        return over(person).await;
    }
    let facts = [json!({ "setting": "email", "state": "confirmed" })];
    let confirmed = |stored: &mut PersonSettings| stored.email = Some(address.clone());
    save_within(app, &mut transaction, person.id(), &facts, confirmed).await?;
    transaction.commit().await?;
    app.notices.wake();
    app.metrics.account_link(LinkKind::Address, "finished");
    let said = Said {
        notice: Some(SettingsNotice::Saved),
        ..Said::default()
    };
    let texts = person.texts().await?;
    page(person, &texts, said).await
}

/// What the link confirms, if it is this person's.
async fn theirs(person: SignedIn<'_>, secret: &str) -> Result<Option<String>, PageError> {
    let mut reading = person.app.read().await?;
    let (digest, now) = (secret_digest(secret), person.app.clock.now());
    let found = reading.account_link(&digest, now);
    let is_theirs =
        |link: &AccountLink| link.user == *person.id() && link.kind == LinkKind::Address;
    Ok(found.await?.filter(is_theirs).and_then(|link| link.address))
}

async fn over(person: SignedIn<'_>) -> Result<Response, PageError> {
    let texts = person.texts().await?;
    let page = AccountSaid::LinkOver.page(&texts);
    Ok(page.into_http().into_response())
}

/// To come back to after the login; what is no link of ours is not carried along.
fn address_of(secret: &str) -> String {
    let is_ours = secret
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    match is_ours {
        true => format!("{PATH}?link={secret}"),
        false => super::PATH.to_owned(),
    }
}
