//! The connection to the operator's mail server.

use std::time::Duration;

use lettre::message::Mailbox;
use lettre::{AsyncSmtpTransport, Tokio1Executor};

use crate::config::Mail;
use crate::node::app::StartError;

/// For each answer of the mail server.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

pub struct Mailer {
    pub(crate) server: AsyncSmtpTransport<Tokio1Executor>,
    pub(crate) from: Mailbox,
}

impl Mailer {
    pub fn new(mail: &Mail) -> Result<Self, StartError> {
        let server = AsyncSmtpTransport::<Tokio1Executor>::from_url(&mail.smtp)
            .map_err(|_| StartError::Channels("`mail.smtp` is not usable".to_owned()))?;
        Ok(Self {
            server: server.timeout(Some(PATIENCE)).build(),
            from: mail.from.clone(),
        })
    }
}
