//! Who may sign in by a password or passkey of this server, where people come by providers alone (`accounts.local = false`, docs/upstream.md).

use writ_core::id::UserId;
use writ_pages::LoginProblem;

use crate::config::LocalAccounts;
use crate::people::error::StepError;
use crate::people::request::Visitor;

/// Asked after the proof, so that nobody learns by it who has an account here. Whoever is signed in already proves more of themselves by it,
/// and signs nobody in. The one place where operators are let in in any case, once people can be operators.
pub(super) fn admit(visitor: &Visitor, user: &UserId) -> Result<(), StepError<LoginProblem>> {
    let is_theirs = visitor.session().is_some_and(|person| person.id() == user);
    match visitor.app.config.local_accounts {
        LocalAccounts::On => Ok(()),
        LocalAccounts::Off if is_theirs => Ok(()),
        LocalAccounts::Off => Err(StepError::Problem(LoginProblem::LocalOff)),
    }
}
