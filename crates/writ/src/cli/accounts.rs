//! `writ user invite`, `reset`, `disable` and `enable`: how people get their accounts, get them back, and lose them.

use clap::Args;
use clap::builder::PossibleValuesParser;
use serde_json::{Value, json};
use writ_pages::LANGUAGES;
use writ_server::operate::change_user::find_user;
use writ_server::operate::disable::{UserSwitch, switch_user};
use writ_server::operate::elsewhere::{Wish, tip};
use writ_server::operate::invite_user::InvitedUser;
use writ_server::operate::register::RegistrationError;

use super::desk::{Desk, commit_change};
use super::{Outcome, note, registered, say_json};

#[derive(Args)]
pub struct UserInviteArguments {
    name: String,
    /// Where the link is mailed, if this server sends mail; and the address that apps are told: it must be theirs, and no other person's
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    #[command(flatten)]
    reads: LetterLanguage,
}

#[derive(Args)]
pub struct LetterLanguage {
    /// Of the letter, and of the page behind the link
    #[arg(long, value_name = "TAG", value_parser = PossibleValuesParser::new(LANGUAGES))]
    language: Option<String>,
}

#[derive(Args)]
pub struct UserResetArguments {
    name: String,
    /// Make no link, but the code for the one that the person asked for themselves at the login
    #[arg(long)]
    code: bool,
    #[command(flatten)]
    reads: LetterLanguage,
}

pub async fn invite(desk: &Desk, arguments: UserInviteArguments) -> Outcome {
    desk.require_master().await?;
    let invited = InvitedUser {
        name: &arguments.name,
        email: arguments.email.as_deref(),
        language: arguments.reads.language.as_deref(),
    };
    let registry = desk.registry();
    say_link(registry.invite_user(invited, &desk.config).await)
}

pub async fn reset(desk: &Desk, arguments: UserResetArguments) -> Outcome {
    desk.require_master().await?;
    let (registry, name) = (desk.registry(), &arguments.name);
    let language = arguments.reads.language.as_deref();
    say_link(match arguments.code {
        true => registry.code_for_user(name, &desk.config).await,
        false => registry.reset_user(name, language, &desk.config).await,
    })
}

fn say_link(made: Result<Value, RegistrationError>) -> Outcome {
    let made = made.map_err(|e| e.to_string())?;
    say_json(&made)?;
    note(match made.get("code") {
        Some(_) => {
            "tell the code to the person directly, in person or by telephone: not by a mail or chat that an agent of theirs reads, and not with the link"
        }
        None => {
            "the person finishes it with their passkey; if that is lost, remove it first by `writ user passkeys NAME --remove-all`"
        }
    });
    Ok(())
}

pub async fn switch(desk: &Desk, name: &str, to: UserSwitch) -> Outcome {
    let mut transaction = desk.begin().await?;
    let switched = switch_user(&mut transaction, name, to, desk.change()).await;
    let wish = match to {
        UserSwitch::Disable => Wish::Stop,
        UserSwitch::Enable => Wish::Resume,
    };
    let why_not = why_not_switched(desk, name, to, wish).await?;
    let user = commit_change(transaction, switched, || why_not).await?;
    say_json(&json!({ "id": user.id, "name": user.name, "state": to.after() }))?;
    if to == UserSwitch::Disable {
        registered::note_agents(desk, name, "until they are enabled").await?;
    }
    Ok(())
}

async fn why_not_switched(
    desk: &Desk,
    name: &str,
    to: UserSwitch,
    wish: Wish,
) -> Result<String, String> {
    let mut reading = desk.read().await?;
    let found = find_user(&mut reading, name).await;
    Ok(match found.map_err(|e| e.to_string())? {
        Some(_) => format!("there is no person `{name}` who is {}", to.before()),
        None => {
            let tip = tip(&mut reading, name, wish).await;
            format!(
                "there is no person `{name}`{}",
                tip.map_err(|e| e.to_string())?
            )
        }
    })
}
