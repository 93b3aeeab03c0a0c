//! Operators: people who hold an office on this server. What each office may do is one table, which the command line's page, the console and
//! the API read.

mod act;
mod console;

use serde::{Deserialize, Serialize};

pub use act::OperatorAct;
pub use console::{CONSOLE_IDLE, CONSOLE_LONGEST, ConsoleTimes};

/// The office of an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperatorRole {
    /// Reads and changes everything.
    Admin,
    /// Reads everything and changes nothing.
    Auditor,
    /// Helps people who are locked out, and stops what runs for them.
    Helpdesk,
}

impl OperatorRole {
    pub const ALL: [Self; 3] = [Self::Admin, Self::Auditor, Self::Helpdesk];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Auditor => "auditor",
            Self::Helpdesk => "helpdesk",
        }
    }

    /// `None` for a word that names no office: it allows nothing.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }

    /// Whether this operator is shown what opens somebody's account: the link or the code of a reset, of an invitation, or of a first
    /// passkey. For everybody else they go to the person's devices, or to another operator.
    pub const fn sees_account_secrets(self) -> bool {
        match self {
            Self::Admin => true,
            Self::Auditor | Self::Helpdesk => false,
        }
    }
}

/// Whom an act concerns, as far as it matters to who may do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActTarget {
    /// Nobody, or somebody who is neither of the others.
    Ordinary,
    /// Somebody who holds an office, the operator who acts among them.
    Operator,
    /// Somebody whom the record of a client or a resource names to decide about requests.
    Approver,
}

impl ActTarget {
    pub const ALL: [Self; 3] = [Self::Ordinary, Self::Operator, Self::Approver];
}

/// Why an operator may not do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperatorRefusal {
    ChangesNothing,
    OnlyAdmin,
    /// Whoever helps an operator into an account has that operator's office.
    TargetIsOperator,
    /// The same of what they decide.
    TargetIsApprover,
}

impl OperatorRefusal {
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::ChangesNothing => "an auditor reads everything and changes nothing",
            Self::OnlyAdmin => "only an admin may do this",
            Self::TargetIsOperator => "this person is an operator: only an admin may do this",
            Self::TargetIsApprover => {
                "this person decides about requests of others: only an admin may do this"
            }
        }
    }
}

/// Whether an operator with this office may do this to this target. Whether a passkey over the change is asked for as well, says
/// [`OperatorAct::widens`].
pub const fn may(
    role: OperatorRole,
    act: OperatorAct,
    target: ActTarget,
) -> Result<(), OperatorRefusal> {
    match (role, act.kind()) {
        (OperatorRole::Admin, _) => Ok(()),
        (OperatorRole::Auditor, ActKind::Read | ActKind::ReadRecord) => Ok(()),
        (OperatorRole::Auditor, ActKind::Help | ActKind::Change) => {
            Err(OperatorRefusal::ChangesNothing)
        }
        (OperatorRole::Helpdesk, ActKind::Read) => Ok(()),
        (OperatorRole::Helpdesk, ActKind::ReadRecord | ActKind::Change) => {
            Err(OperatorRefusal::OnlyAdmin)
        }
        (OperatorRole::Helpdesk, ActKind::Help) => match target {
            ActTarget::Ordinary => Ok(()),
            ActTarget::Operator => Err(OperatorRefusal::TargetIsOperator),
            ActTarget::Approver => Err(OperatorRefusal::TargetIsApprover),
        },
    }
}

/// What an act is to who may do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActKind {
    /// Looks at what is registered or live.
    Read,
    /// Looks at the record of what people and agents did, and at what explains a token.
    ReadRecord,
    /// Lets somebody in again who is locked out, or takes away what runs for them.
    Help,
    /// Everything else that changes something.
    Change,
}

#[cfg(test)]
mod tests;
