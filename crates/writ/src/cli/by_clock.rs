//! What each command does by the clock of its machine: nothing begins, is changed or ends later by one that is far from the
//! database's, and nobody is kept from reading or stopping.

use super::admin::{AgentCommand, ClientCommand, ResourceCommand, UserCommand};

/// What a command does by the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByClock {
    /// Something begins, is changed, or ends later: refused where a node would issue nothing.
    Grants,
    /// Reads, or only takes authority away: goes on by the database's time.
    ReadsOrEnds,
}

impl UserCommand {
    pub const fn by_clock(&self) -> ByClock {
        match self {
            Self::Change { roles, .. } if roles.only_removes() => ByClock::ReadsOrEnds,
            Self::Add { .. }
            | Self::Password { .. }
            | Self::Change { .. }
            | Self::Invite(_)
            | Self::Reset(_)
            | Self::Enable { .. } => ByClock::Grants,
            Self::List(_) | Self::Show { .. } | Self::Remove(_) | Self::Disable { .. } => {
                ByClock::ReadsOrEnds
            }
            Self::Passkeys(argument) if argument.is_enrolment() => ByClock::Grants,
            Self::Passkeys(_) => ByClock::ReadsOrEnds,
        }
    }
}

impl ClientCommand {
    pub const fn by_clock(&self) -> ByClock {
        match self {
            Self::Invite(arguments) if arguments.is_end() => ByClock::ReadsOrEnds,
            Self::Add(_)
            | Self::Change(_)
            | Self::RotateSecret(_)
            | Self::Resume { .. }
            | Self::Invite(_) => ByClock::Grants,
            Self::List(_)
            | Self::Show { .. }
            | Self::Remove(_)
            | Self::Suspend { .. }
            | Self::Invites(_) => ByClock::ReadsOrEnds,
        }
    }
}

impl AgentCommand {
    pub const fn by_clock(&self) -> ByClock {
        match self {
            Self::Add(_) | Self::Change(_) | Self::AddKey(_) | Self::Resume { .. } => {
                ByClock::Grants
            }
            Self::List(_)
            | Self::Show { .. }
            | Self::RemoveKey { .. }
            | Self::Remove(_)
            | Self::Suspend { .. } => ByClock::ReadsOrEnds,
        }
    }
}

impl ResourceCommand {
    pub const fn by_clock(&self) -> ByClock {
        match self {
            Self::Add { .. } | Self::Change(_) => ByClock::Grants,
            Self::List(_) | Self::Show { .. } | Self::Remove(_) => ByClock::ReadsOrEnds,
        }
    }
}
