//! Everything above a token that must still be active: task, delegations, agents, owners, sponsors, subject, and that the subject may
//! still grant it.

use std::collections::BTreeSet;

use writ_wire::time::Timestamp;

use crate::client::Client;
use crate::delegation::Delegation;
use crate::oauth_error::OAuthError;
use crate::realm::{DecisionContext, Realm};
use crate::requirements::requirements;
use crate::role::{RoleName, within_roles};
use crate::task::{Approval, Subject, Task};

/// Facts read uncached, in one statement, whatever the depth.
#[derive(Clone, Debug, PartialEq)]
pub struct Lineage {
    pub task: Task,
    /// The row behind the token.
    pub leaf: Delegation,
    /// Keys of all rows above and including the leaf.
    pub keys: Vec<String>,
    /// What is stopped, disabled or missing in the way up; the first found.
    pub stopped: Option<Stopped>,
    /// The earliest end of task and delegations.
    pub ends_at: Timestamp,
    /// Of the subject, those that are suspended left out.
    pub roles: BTreeSet<RoleName>,
}

/// What ended a lineage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    Task,
    /// The task waits until its person lets it go on.
    Suspended,
    /// The task's person paused the holder: "This was not me".
    Paused,
    Delegation,
    Agent,
    Owner,
    Sponsor,
    Subject,
    /// A state that this code does not know, or a row that is gone: refused.
    Unknown,
}

impl Stopped {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Task => "task",
            Self::Suspended => "suspended",
            Self::Paused => "paused",
            Self::Delegation => "delegation",
            Self::Agent => "agent",
            Self::Owner => "owner",
            Self::Sponsor => "sponsor",
            Self::Subject => "subject",
            Self::Unknown => "unknown",
        }
    }

    /// From a row; what is not known stops.
    pub fn from_row(text: &str) -> Self {
        match text {
            "task" => Self::Task,
            "suspended" => Self::Suspended,
            "paused" => Self::Paused,
            "delegation" => Self::Delegation,
            "agent" => Self::Agent,
            "owner" => Self::Owner,
            "sponsor" => Self::Sponsor,
            "subject" => Self::Subject,
            _ => Self::Unknown,
        }
    }
}

impl Lineage {
    /// Whether the leaf is the grant itself, with everything of the task below it.
    pub fn is_grant(&self) -> bool {
        self.leaf.parent.is_none() && self.leaf.asked_by.is_none()
    }

    /// Whether nothing above the leaf is stopped or over, and its person may still grant all of it.
    pub fn is_live(&self, context: DecisionContext<'_>) -> bool {
        self.goes_on(context.now) && self.within_roles(context.realm).is_ok()
    }

    /// Whether nothing above the leaf is stopped or over; what its person may grant is not looked at.
    pub fn goes_on(&self, now: Timestamp) -> bool {
        self.stopped.is_none() && now < self.ends_at
    }

    /// Refuses with the code of the grant at hand.
    pub fn require_live(
        &self,
        context: DecisionContext<'_>,
        refuse: fn(String) -> OAuthError,
    ) -> Result<(), OAuthError> {
        if let Some(what) = self.stopped {
            let cause = format!("{} is stopped", what.as_str());
            return Err(refuse("what this request builds on was stopped".to_owned()).because(cause));
        }
        if context.now >= self.ends_at {
            return Err(refuse("what this request builds on has expired".to_owned()));
        }
        self.within_roles(context.realm).map_err(|beyond| {
            let sentence = "what this request builds on is more than its person may grant now: ask the person anew, for less";
            refuse(sentence.to_owned()).because(beyond.sentence)
        })
    }

    /// All of the leaf is measured, whatever part of it is at hand: a grant goes on as its person saw it, or not at all. Work that is
    /// nobody's but an agent's or a client's own has no person whose roles could limit it.
    fn within_roles(&self, realm: Realm<'_>) -> Result<(), OAuthError> {
        match &self.task.subject {
            Subject::Person(_) => within_roles(&self.leaf.authority, &self.roles, realm),
            Subject::Agent(_) | Subject::Client(_) => Ok(()),
        }
    }

    /// What people agreed to: for this very delegation, or when the task was opened.
    pub fn approval(&self) -> &Approval {
        self.leaf.approval.as_ref().unwrap_or(&self.task.approval)
    }

    /// Refuses a grant for which the right people did not agree, by the types as they are now.
    pub fn require_agreement(&self, client: &Client, realm: Realm<'_>) -> Result<(), OAuthError> {
        let needs = requirements(&self.leaf.authority, client, None, Some(&self.task), realm);
        needs.met_by(self.approval()).map_err(|unmet| {
            OAuthError::invalid_grant("its type asks for another decision now: ask again")
                .because(unmet.sentence)
        })
    }
}
