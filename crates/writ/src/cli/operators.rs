//! The offices of operators at the command line: `writ user change NAME --role`, and what else takes one away.

use clap::Args;
use clap::builder::PossibleValuesParser;
use writ_core::operator::OperatorRole;
use writ_server::operate::disable::UserSwitch;
use writ_server::operate::operator_role::{LastAdmin, NO_ROLE, OperatorRoleChange};

use super::desk::Desk;
use super::registered::RemoveArguments;
use super::{Outcome, accounts, note, say_json};

#[derive(Args)]
#[group(
    id = "role_change",
    multiple = true,
    conflicts_with = "password_source"
)]
pub struct RoleArguments {
    /// The office that they hold as an operator of this server from now on
    #[arg(long, value_name = "ROLE", value_parser = PossibleValuesParser::new(OR_NONE))]
    role: Option<String>,
    /// Also where nobody who can come in is an admin then
    #[arg(long, requires = "role")]
    force: bool,
}

/// As clap reads them.
const OR_NONE: [&str; 4] = [
    OperatorRole::Admin.as_str(),
    OperatorRole::Auditor.as_str(),
    OperatorRole::Helpdesk.as_str(),
    NO_ROLE,
];

#[derive(Args)]
pub struct UserRemoveArguments {
    #[command(flatten)]
    pub removed: RemoveArguments,
    /// Also the last admin
    #[arg(long)]
    pub force: bool,
}

impl RoleArguments {
    pub const fn is_given(&self) -> bool {
        self.role.is_some()
    }
}

/// The names of the offices.
pub fn parser() -> PossibleValuesParser {
    PossibleValuesParser::new(OperatorRole::ALL.map(OperatorRole::as_str))
}

pub async fn change(desk: &Desk, name: &str, arguments: RoleArguments) -> Outcome {
    let wanted = OperatorRoleChange {
        name,
        role: arguments.role.as_deref().and_then(OperatorRole::parse),
        last_admin: if_forced(arguments.force),
    };
    let changed = desk.registry().change_operator_role(wanted).await;
    say_json(&changed.map_err(|e| e.to_string())?)?;
    if wanted.role.is_some() {
        note(&format!(
            "they sign in at {} with a passkey: `writ user passkeys {name} --enroll` makes the code for a first one",
            desk.config.url("/admin")
        ));
    }
    Ok(())
}

/// By force the last admin loses the office first, so that it does not come back with them.
pub async fn disable(desk: &Desk, name: &str, force: bool) -> Outcome {
    take_if_forced(desk, name, force).await?;
    accounts::switch(desk, name, UserSwitch::Disable).await
}

pub async fn take_if_forced(desk: &Desk, name: &str, force: bool) -> Outcome {
    let stored = desk.registry().user(name).await;
    let holds = stored.is_ok_and(|stored| stored.operator_role == Some(OperatorRole::Admin));
    if !force || !holds {
        return Ok(());
    }
    let wanted = OperatorRoleChange {
        name,
        role: None,
        last_admin: LastAdmin::MayGo,
    };
    let changed = desk.registry().change_operator_role(wanted).await;
    changed.map_err(|e| e.to_string())?;
    note(&format!("`{name}` is no admin any more"));
    Ok(())
}

const fn if_forced(force: bool) -> LastAdmin {
    match force {
        true => LastAdmin::MayGo,
        false => LastAdmin::Stays,
    }
}
