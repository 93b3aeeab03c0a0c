//! `writ mail test`: one letter by the mail server of the configuration, and what that said. It needs no database.

use clap::Subcommand;
use serde_json::json;
use writ_core::email::mailbox;
use writ_platform::{Clock, Random};
use writ_server::node::outgoing::mailer::Mailer;

use super::desk::load;
use super::{Configured, Outcome, note, say_json};

#[derive(Subcommand)]
pub enum MailCommand {
    /// Send one letter, and print what the mail server said
    Test {
        /// Whom it is sent to
        address: String,
    },
}

pub async fn mail(command: MailCommand, configured: &Configured) -> Outcome {
    let MailCommand::Test { address } = command;
    let config = load(configured)?;
    let Some(server) = &config.channels.mail else {
        return Err(
            "this server sends no mail: `mail.smtp` and `mail.from` are not set".to_owned(),
        );
    };
    let to = mailbox(&address).ok_or_else(|| format!("`{address}` is no mail address"))?;
    let mailer = Mailer::new(server).map_err(|e| e.to_string())?;
    let id = format!("test-{}", Random::System.secret());
    let about = (id.as_str(), config.issuer.as_str());
    let said = mailer.send_test(&to, about, Clock::System.now()).await?;
    say_json(&json!({ "to": to, "from": server.from.to_string(), "said": said }))?;
    note(
        "the mail server took it; whether it arrives is seen in that mailbox, also among its junk",
    );
    Ok(())
}
