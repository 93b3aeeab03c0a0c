//! E-mail by the operator's mail server (RFC 5321, RFC 8314): a link to the page of the request, nothing else.

use std::time::SystemTime;

use lettre::AsyncTransport;
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};
use writ_core::client::Client;
use writ_pages::messages::Said;
use writ_store::DatabaseTransaction;
use writ_store::notice::Notice;
use writ_wire::time::Timestamp;

use super::announce::{over, waiting};
use super::outbox::Letter;
use super::outcome::Outcome;
use super::web_push::page_of;
use super::{passkey, quiet};
use crate::node::app::App;
use crate::node::failure::Failure;
use crate::node::outgoing::mailer::{MAIL_TIMEOUT, Mailer};

impl Mailer {
    /// The same notice has the same `Message-ID`, however often it is tried.
    async fn send(&self, (to, said): (Mailbox, Said), notice: &Notice, now: Timestamp) -> Outcome {
        let since_epoch = Timestamp::from_seconds(0).until(now);
        let domain = self.from.email.domain();
        let message = Message::builder()
            .from(self.from.clone())
            .to(to)
            .date(SystemTime::UNIX_EPOCH + since_epoch)
            .subject(said.title)
            .message_id(Some(format!("<{}@{domain}>", notice.id)))
            .header(ContentType::TEXT_PLAIN)
            .body(said.body);
        let Ok(message) = message else {
            return Outcome::Never("no mail could be made of it".to_owned());
        };
        match tokio::time::timeout(MAIL_TIMEOUT, self.server.send(message)).await {
            Ok(Ok(_)) => Outcome::Delivered("accepted by the mail server".to_owned()),
            Ok(Err(error)) if error.is_permanent() => {
                Outcome::Never("refused by the mail server".to_owned())
            }
            Ok(Err(_)) | Err(_) => {
                Outcome::Again("the mail server did not take it".to_owned(), None)
            }
        }
    }
}

pub(crate) async fn send(app: &App, notice: &Notice, letter: &Letter) -> Result<Outcome, Failure> {
    let Some(mailer) = &app.notices.mailer else {
        return Ok(Outcome::Never("there is no mail server".to_owned()));
    };
    let now = app.clock.now();
    let written = match letter {
        Letter::Waiting { .. } => to_person(app, notice).await?,
        Letter::Passkey { what } => {
            let reader = reader(app, &mut app.read().await?, notice).await?;
            reader.map(|reader| {
                (
                    reader.address,
                    passkey::letter(app, *what, &reader.language),
                )
            })
        }
        Letter::Suspended { agent, by } => {
            let agent = app.client(agent.as_str()).await?;
            to_admin(app, agent.as_deref(), by.as_str())
        }
        Letter::Over { .. } => Err(Outcome::Never("a letter of another channel".to_owned())),
    };
    match written {
        Ok(letter) => Ok(mailer.send(letter, notice, now).await),
        Err(outcome) => Ok(outcome),
    }
}

/// Where somebody reads, and in which language.
struct Reader {
    address: Mailbox,
    language: String,
}

/// The letter and its address, or why not now.
type Written = Result<(Mailbox, Said), Outcome>;

async fn to_person(app: &App, notice: &Notice) -> Result<Written, Failure> {
    let now = app.clock.now();
    let mut session = app.read().await?;
    let Some(request) = waiting(&mut session, notice, now).await? else {
        return Ok(Err(over()));
    };
    let reader = match reader(app, &mut session, notice).await? {
        Ok(reader) => reader,
        Err(outcome) => return Ok(Err(outcome)),
    };
    drop(session);
    let Some(agent) = app.client(request.client.as_str()).await? else {
        return Ok(Err(nowhere()));
    };
    let (_, texts) = app.notices.words.of(&reader.language);
    let url = app.config.url(&page_of(&request.id));
    Ok(Ok((reader.address, texts.mail(&agent, &url))))
}

/// The person of this notice, unless they want quiet.
async fn reader(
    app: &App,
    session: &mut DatabaseTransaction,
    notice: &Notice,
) -> Result<Result<Reader, Outcome>, Failure> {
    let Some(user) = &notice.user else {
        return Ok(Err(over()));
    };
    let settings = session.settings(user).await?.unwrap_or_default();
    if let Some(left) = quiet::lasts(&settings, &app.zones, app.clock.now()) {
        return Ok(Err(Outcome::Again("quiet hours".to_owned(), Some(left))));
    }
    let email = settings.email.as_deref();
    let address = email.and_then(|email| email.parse().ok());
    let reader = address.map(|address| Reader {
        address,
        language: settings.language.unwrap_or_default(),
    });
    Ok(reader.ok_or_else(nowhere))
}

fn nowhere() -> Outcome {
    Outcome::Never("there is no address".to_owned())
}

fn to_admin(app: &App, agent: Option<&Client>, person: &str) -> Written {
    let (Some(to), Some(agent)) = (&app.config.channels.admin, agent) else {
        return Err(nowhere());
    };
    let (_, texts) = app.notices.words.of("");
    Ok((to.clone(), texts.suspended(agent, person)))
}
