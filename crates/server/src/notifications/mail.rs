//! E-mail by the operator's mail server (RFC 5321, RFC 8314). It holds a link to the page of the request; what is asked is only on
//! that page, because mail is not confidential.

use std::time::SystemTime;

use lettre::AsyncTransport;
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};
use writ_core::client::Client;
use writ_core::id::ClientId;
use writ_pages::messages::{AccountNews, MessageAsker, Reach, Reporter, Said};
use writ_store::DatabaseTransaction;
use writ_store::notice::Notice;
use writ_store::settings::PersonSettings;
use writ_wire::resource::ResourceUri;
use writ_wire::time::Timestamp;

use super::fan_out::{open_request, request_over};
use super::link_mail::SentLink;
use super::outbox::{NoticeContent, StoppedFor};
use super::outcome::{DeliveryOutcome, NotSent};
use super::reach_notice::EarlierReach;
use super::web_push::page_of;
use super::{account_notice, link_mail, not_done_notice, quiet_hours, used_twice_notice};
use crate::node::app::App;
use crate::node::outgoing::mailer::{MAIL_TIMEOUT, Mailer};

impl Mailer {
    /// The same notice has the same `Message-ID`, however often it is tried.
    async fn send(&self, mail: AddressedMail, notice: &Notice, now: Timestamp) -> DeliveryOutcome {
        let Some(message) = self.message(mail, notice.id.as_str(), now) else {
            return DeliveryOutcome::Failed("no mail could be made of it".to_owned());
        };
        match tokio::time::timeout(MAIL_TIMEOUT, self.server.send(message)).await {
            Ok(Ok(_)) => DeliveryOutcome::Delivered("accepted by the mail server".to_owned()),
            Ok(Err(error)) if error.is_permanent() => {
                DeliveryOutcome::Failed("refused by the mail server".to_owned())
            }
            Ok(Err(_)) | Err(_) => {
                DeliveryOutcome::Retry("the mail server did not take it".to_owned(), None)
            }
        }
    }

    /// Whether mail arrives, for an operator: what the server said when it took the letter, or why it did not.
    pub async fn send_test(
        &self,
        to: &str,
        (id, issuer): (&str, &str),
        now: Timestamp,
    ) -> Result<String, String> {
        let mail = AddressedMail {
            to: to
                .parse()
                .map_err(|_| "that is no mail address".to_owned())?,
            text: Said {
                title: "A test of this mail server".to_owned(),
                body: format!("{issuer} can send mail to you. Nothing else is meant by it.\n"),
            },
        };
        let message = self.message(mail, id, now);
        let message = message.ok_or("no mail could be made of it")?;
        match tokio::time::timeout(MAIL_TIMEOUT, self.server.send(message)).await {
            Ok(Ok(answer)) => {
                let lines = answer.message().collect::<Vec<_>>().join(" ");
                Ok(format!("{} {lines}", answer.code()).trim_end().to_owned())
            }
            Ok(Err(error)) if error.is_permanent() || error.is_transient() => {
                Err(format!("the mail server refused it: {error}"))
            }
            Ok(Err(error)) => Err(format!("the mail server was not reached: {error}")),
            Err(_) => Err(format!(
                "the mail server did not answer within {} seconds",
                MAIL_TIMEOUT.as_secs()
            )),
        }
    }

    fn message(&self, mail: AddressedMail, id: &str, now: Timestamp) -> Option<Message> {
        let AddressedMail { to, text } = mail;
        let since_epoch = Timestamp::from_seconds(0).until(now);
        let domain = self.from.email.domain();
        let message = Message::builder()
            .from(self.from.clone())
            .to(to)
            .date(SystemTime::UNIX_EPOCH + since_epoch)
            .subject(text.title)
            .message_id(Some(format!("<{id}@{domain}>")))
            .header(ContentType::TEXT_PLAIN)
            .body(text.body);
        message.ok()
    }
}

/// A text and its receiver.
struct AddressedMail {
    to: Mailbox,
    text: Said,
}

pub(crate) async fn send(
    app: &App,
    notice: &Notice,
    content: &NoticeContent,
) -> Result<DeliveryOutcome, NotSent> {
    let Some(mailer) = &app.notices.mailer else {
        return Ok(DeliveryOutcome::Failed(
            "there is no mail server".to_owned(),
        ));
    };
    let mail = match content {
        NoticeContent::Waiting { .. } => to_approver(app, notice).await?,
        NoticeContent::Passkey { .. }
        | NoticeContent::Password
        | NoticeContent::UpstreamLinked
        | NoticeContent::ResetBegun
        | NoticeContent::Recovered { .. } => about_account(app, notice, content).await?,
        NoticeContent::Link(link) => with_link(app, notice, link).await?,
        NoticeContent::Reach { what, before } => {
            let recipient = recipient_before(app, notice, before.as_ref()).await?;
            about_reach(app, *what, recipient)
        }
        NoticeContent::UsedTwice { client } => {
            let recipient = recipient(&mut app.read().await?, notice).await?;
            let text = used_twice_notice::mail_text(app, client, &recipient.language);
            AddressedMail {
                text: text.await?,
                to: recipient.address,
            }
        }
        NoticeContent::NotDone { client, resource } => {
            let recipient = waking_recipient(app, &mut app.read().await?, notice).await?;
            let (what, request) = ((client, resource), notice.request.as_ref());
            let text = not_done_notice::mail_text(app, what, request, &recipient.language);
            AddressedMail {
                text: text.await?,
                to: recipient.address,
            }
        }
        NoticeContent::Silenced {
            resource,
            client,
            by,
            reporter,
        } => about_silence(app, (resource, client), by.as_str(), *reporter).await?,
        NoticeContent::Reported {
            agent,
            by,
            stopped_for,
            reporter,
        } => {
            let agent = app.client(agent.as_str()).await?;
            let about = (*stopped_for, *reporter);
            to_admin(app, agent.as_deref(), by.as_str(), about)?
        }
        NoticeContent::Over { .. }
        | NoticeContent::Stopped(_)
        | NoticeContent::ResetAsked { .. }
        | NoticeContent::Forgotten { .. } => return Ok(of_another_channel()),
    };
    Ok(mailer.send(mail, notice, app.clock.now()).await)
}

fn about_reach(app: &App, what: Reach, recipient: Recipient) -> AddressedMail {
    AddressedMail {
        text: account_notice::mail_text(app, AccountNews::Reach(what), &recipient.language),
        to: recipient.address,
    }
}

fn of_another_channel() -> DeliveryOutcome {
    DeliveryOutcome::Failed("a letter of another channel".to_owned())
}

/// A resource server that may ask a person nothing for a while, for the operator.
async fn about_silence(
    app: &App,
    (resource, client): (&ResourceUri, &ClientId),
    by: &str,
    reporter: Reporter,
) -> Result<AddressedMail, NotSent> {
    let name = app.catalogue().await?.name_of(resource);
    let client = app.client(client.as_str()).await?;
    let (_, texts) = app.notices.words.of("");
    let admin = app.config.channels.admin.clone();
    let (client, to) = client.zip(admin).ok_or_else(no_address)?;
    Ok(AddressedMail {
        text: texts.resource_reported(&client, &name, by, reporter),
        to,
    })
}

/// A user's address, and the language of their mail.
struct Recipient {
    address: Mailbox,
    language: String,
}

async fn about_account(
    app: &App,
    notice: &Notice,
    content: &NoticeContent,
) -> Result<AddressedMail, NotSent> {
    let what = account_notice::news(content).ok_or_else(request_over)?;
    let recipient = recipient(&mut app.read().await?, notice).await?;
    Ok(AddressedMail {
        text: account_notice::mail_text(app, what, &recipient.language),
        to: recipient.address,
    })
}

/// A link, for whom it was made and nobody else.
async fn with_link(app: &App, notice: &Notice, link: &SentLink) -> Result<AddressedMail, NotSent> {
    let user = notice.user.as_ref().ok_or_else(request_over)?;
    let mut reading = app.read().await?;
    let stored = reading.user_by_id(user).await?.ok_or_else(request_over)?;
    let settings = reading.settings(user).await?.unwrap_or_default();
    let language = settings.language.unwrap_or_default();
    Ok(AddressedMail {
        text: link_mail::mail_text(app, link, (&stored.user.name, &language)),
        to: link.to.parse().map_err(|_| no_address())?,
    })
}

async fn to_approver(app: &App, notice: &Notice) -> Result<AddressedMail, NotSent> {
    let now = app.clock.now();
    let mut reading = app.read().await?;
    let request = open_request(&mut reading, notice, now).await?;
    let recipient = match quiet_hours::hold_back(&request) {
        true => waking_recipient(app, &mut reading, notice).await?,
        false => recipient(&mut reading, notice).await?,
    };
    drop(reading);
    let agent = app.client(request.client.as_str()).await?;
    let agent = agent.ok_or_else(no_address)?;
    let (_, texts) = app.notices.words.of(&recipient.language);
    let url = app.config.url(&page_of(&request.id));
    let resource = app.catalogue().await?.name_of_asking(&request);
    let asker = MessageAsker {
        agent: &agent,
        resource: resource.as_deref(),
    };
    Ok(AddressedMail {
        to: recipient.address,
        text: texts.mail(asker, &url),
    })
}

/// The user of this notice; not during their quiet hours.
async fn waking_recipient(
    app: &App,
    transaction: &mut DatabaseTransaction,
    notice: &Notice,
) -> Result<Recipient, NotSent> {
    let settings = settings_of(transaction, notice).await?;
    quiet_hours::check(&settings, &app.zones, app.clock.now())?;
    Ok(recipient_by(settings)?)
}

/// The same at any hour.
async fn recipient(
    transaction: &mut DatabaseTransaction,
    notice: &Notice,
) -> Result<Recipient, NotSent> {
    Ok(recipient_by(settings_of(transaction, notice).await?)?)
}

async fn settings_of(
    transaction: &mut DatabaseTransaction,
    notice: &Notice,
) -> Result<PersonSettings, NotSent> {
    let user = notice.user.as_ref().ok_or_else(request_over)?;
    Ok(transaction.settings(user).await?.unwrap_or_default())
}

/// The same at the address before a change.
async fn recipient_before(
    app: &App,
    notice: &Notice,
    before: Option<&EarlierReach>,
) -> Result<Recipient, NotSent> {
    let mut settings = settings_of(&mut app.read().await?, notice).await?;
    if let Some(before) = before {
        settings.email = before.email().map(str::to_owned);
    }
    Ok(recipient_by(settings)?)
}

fn recipient_by(settings: PersonSettings) -> Result<Recipient, DeliveryOutcome> {
    let email = settings.email.as_deref();
    let address = email.and_then(|email| email.parse().ok());
    Ok(Recipient {
        address: address.ok_or_else(no_address)?,
        language: settings.language.unwrap_or_default(),
    })
}

fn no_address() -> DeliveryOutcome {
    DeliveryOutcome::Failed("there is no address".to_owned())
}

fn to_admin(
    app: &App,
    agent: Option<&Client>,
    by: &str,
    (stopped_for, reporter): (StoppedFor, Reporter),
) -> Result<AddressedMail, DeliveryOutcome> {
    let (Some(admin), Some(agent)) = (&app.config.channels.admin, agent) else {
        return Err(no_address());
    };
    let (_, texts) = app.notices.words.of("");
    Ok(AddressedMail {
        to: admin.clone(),
        text: match stopped_for {
            StoppedFor::Everybody => texts.suspended(agent, by),
            StoppedFor::Person => texts.reported(agent, by, reporter),
        },
    })
}
