//! A denial, and what of it is sealed into its `evaluation_id`, so that a question to a person can be bound to it without a row.

use serde::{Deserialize, Serialize};
use writ_wire::access::{DecisionReason, OUTSIDE_SCHEMA};
use writ_wire::time::Timestamp;

use super::AskedObject;
use crate::id::{ClientId, DelegationId, TaskId};

/// Why an evaluation is denied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessDenial {
    pub reason: DecisionReason,
    /// For people, in English.
    pub sentence: String,
    /// Whether a person may be asked.
    pub requestable: Option<Coverage>,
    /// What would be asked, in few words.
    pub title: Option<String>,
}

/// Whether the token covers what a person is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Coverage {
    Covered,
    /// The yes alone permits it.
    Beyond,
}

impl AccessDenial {
    pub fn of(reason: DecisionReason) -> Self {
        Self {
            reason,
            sentence: sentence(reason).to_owned(),
            requestable: None,
            title: None,
        }
    }

    /// `why` names the place.
    pub fn of_arguments(fault: ArgumentsFault, why: &str) -> Self {
        Self {
            sentence: format!("{} {why}", fault.words()),
            ..Self::of(DecisionReason::ArgumentsInvalid)
        }
    }

    pub fn about(self, object: &AskedObject<'_>) -> Self {
        Self {
            title: Some(object.definition.title("en").to_owned()),
            ..self
        }
    }
}

/// What is wrong with arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgumentsFault {
    OutsideSchema,
    /// A person would not see all of them, exactly as they are.
    NotShown,
    /// Too large, too deep, or not read alike by every parser.
    NotJudged,
}

impl ArgumentsFault {
    const fn words(self) -> &'static str {
        match self {
            Self::OutsideSchema => OUTSIDE_SCHEMA,
            Self::NotShown => "The arguments cannot be shown to the person who decides:",
            Self::NotJudged => "The arguments cannot be judged:",
        }
    }
}

const fn sentence(reason: DecisionReason) -> &'static str {
    match reason {
        DecisionReason::TokenInvalid => "The access token is not good here, or not any more.",
        DecisionReason::ProofInvalid => {
            "The access token is bound to a key, and no good proof of it came along."
        }
        DecisionReason::NotCovered => "This was not granted.",
        DecisionReason::ArgumentsInvalid => "The arguments are not those of this action.",
        DecisionReason::UnknownAction => "This action is not known.",
        DecisionReason::ApprovalRequired => "A person has to agree to this first.",
        DecisionReason::Used => "This was granted for one use, and was used.",
        DecisionReason::BudgetExceeded => "This is more than what is left of the budget.",
        DecisionReason::ApprovalExpired => "The approval came too long ago.",
        DecisionReason::OutOfScope => "The approval was given for something else.",
        DecisionReason::PolicyDenied => "This is not allowed any more.",
        DecisionReason::ApprovalUnverifiable => "There is no such approval.",
    }
}

/// Of a denied evaluation, what a question to a person must match: sealed by this server, opened by it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeniedEvaluation {
    /// The client of the resource server that asked.
    pub caller: ClientId,
    pub delegation: DelegationId,
    pub task: TaskId,
    /// The client to which the token was issued.
    pub client: ClientId,
    pub resource: String,
    pub object_hash: String,
    /// [`crate::access_request::definition_digest`] of what it said of the tool; absent in what was sealed before it was kept.
    #[serde(default)]
    pub definition_hash: Option<String>,
    /// `None`: nobody can be asked about it.
    pub requestable: Option<Coverage>,
    pub expires_at: Timestamp,
}
