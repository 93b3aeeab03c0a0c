//! The connection to the operator's mail server.

use std::time::Duration;

use lettre::message::Mailbox;
use lettre::{AsyncSmtpTransport, Tokio1Executor};

use crate::config::MailServer;
use crate::node::app::StartError;

/// How long each answer of the mail server may take.
pub(crate) const MAIL_TIMEOUT: Duration = Duration::from_secs(5);

/// An SMTP client and our sender address.
pub struct Mailer {
    pub(crate) server: AsyncSmtpTransport<Tokio1Executor>,
    pub(crate) from: Mailbox,
}

impl Mailer {
    pub fn new(mail: &MailServer) -> Result<Self, StartError> {
        let server = AsyncSmtpTransport::<Tokio1Executor>::from_url(&mail.smtp)
            .map_err(|_| StartError::Channels("`mail.smtp` is not usable".to_owned()))?;
        Ok(Self {
            server: server.timeout(Some(MAIL_TIMEOUT)).build(),
            from: mail.from.clone(),
        })
    }
}
