//! The status of a pending request, each with its data, and the transitions between them. `store` makes each transition by
//! one guarded statement; these functions are its specification.

use writ_authority::Authority;

use super::{Decision, State};
use crate::id::{DecisionId, DelegationId};

/// Kept as the reason of requests that ended with their agent's work.
pub const STOPPED: &str = "stopped";
/// Kept as the reason of requests that ended with a report of the resource server that asked.
pub const REPORTED: &str = "reported";
/// Kept as the reason of a request whose place a newer one took.
pub const SUPERSEDED: &str = "the same was asked again";
pub const DESCRIBED_ANEW: &str = "what it asks is described otherwise by now";

/// Kept as the reason of an approval that nobody had used.
pub const TAKEN_BACK: &str = "a person said no to the same since";

/// The reason why an approval that nobody had used ended with the password before.
pub const RECOVERED: &str = "its person set another password since";

/// Kept as the reason of a request that the resource server that asked took back.
pub const CANCELLED: &str = "cancelled by the resource";

/// Kept as the reason of a request that its person took back in the browser that asked.
pub const WITHDRAWN: &str = "taken back in the browser";

/// What an approval was used for: it is used once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedeemedFor {
    /// Of which its client has the token.
    Delegation(DelegationId),
    /// A resource server's evaluation permitted the action.
    Decision(DecisionId),
}

impl From<&DelegationId> for RedeemedFor {
    fn from(id: &DelegationId) -> Self {
        Self::Delegation(id.clone())
    }
}

impl From<&DecisionId> for RedeemedFor {
    fn from(id: &DecisionId) -> Self {
        Self::Decision(id.clone())
    }
}

/// Denied, expired, superseded, cancelled and redeemed are final.
#[derive(Clone, Debug, PartialEq)]
pub enum PendingStatus {
    Pending,
    /// Somebody who may decide opened it.
    Viewed,
    Approved(Decision),
    Denied(Decision),
    /// Nobody decided in time, or what was approved was not redeemed in time.
    Expired {
        unfetched: Option<Decision>,
    },
    /// Its client asked the same again, and the newer request took its place.
    Superseded,
    /// Whoever asked took it back.
    Cancelled,
    Redeemed {
        decision: Decision,
        redeemed_for: RedeemedFor,
    },
}

/// A status from which the transition does not lead on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request is {} already", from.as_str())]
pub struct TransitionError {
    pub from: State,
}

/// Columns that do not fit each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no pending request is {} with these columns", state.as_str())]
pub struct InconsistentStatus {
    pub state: State,
}

type Next = Result<PendingStatus, TransitionError>;

impl PendingStatus {
    pub const fn state(&self) -> State {
        match self {
            Self::Pending => State::Pending,
            Self::Viewed => State::Viewed,
            Self::Approved(_) => State::Approved,
            Self::Denied(_) => State::Denied,
            Self::Expired { .. } | Self::Superseded => State::Expired,
            Self::Redeemed { .. } => State::Redeemed,
            Self::Cancelled => State::Cancelled,
        }
    }

    /// What was decided, also if it was not redeemed in time.
    pub const fn decision(&self) -> Option<&Decision> {
        match self {
            Self::Approved(decision)
            | Self::Denied(decision)
            | Self::Redeemed { decision, .. }
            | Self::Expired {
                unfetched: Some(decision),
            } => Some(decision),
            Self::Pending
            | Self::Viewed
            | Self::Superseded
            | Self::Cancelled
            | Self::Expired { unfetched: None } => None,
        }
    }

    /// It was approved, and a person said no to the same before it was used.
    pub fn was_taken_back(&self) -> bool {
        let Self::Expired {
            unfetched: Some(yes),
        } = self
        else {
            return false;
        };
        yes.reason.as_deref() == Some(TAKEN_BACK)
    }

    /// The delegation that was made at redemption.
    pub const fn delegation(&self) -> Option<&DelegationId> {
        match self {
            Self::Redeemed {
                redeemed_for: RedeemedFor::Delegation(delegation),
                ..
            } => Some(delegation),
            _ => None,
        }
    }

    /// What was made at redemption.
    pub const fn redeemed_for(&self) -> Option<&RedeemedFor> {
        match self {
            Self::Redeemed { redeemed_for, .. } => Some(redeemed_for),
            _ => None,
        }
    }

    /// Nobody decided, and it has not ended.
    pub const fn is_open(&self) -> bool {
        matches!(self, Self::Pending | Self::Viewed)
    }

    /// By the columns of a row. A request that was superseded is kept as expired, with a decision that approves nothing.
    pub fn from_columns(
        state: State,
        decision: Option<Decision>,
        redeemed_for: Option<RedeemedFor>,
    ) -> Result<Self, InconsistentStatus> {
        match (state, decision, redeemed_for) {
            (State::Pending, None, None) => Ok(Self::Pending),
            (State::Viewed, None, None) => Ok(Self::Viewed),
            (State::Approved, Some(yes), None) if yes.is_approval() => Ok(Self::Approved(yes)),
            (State::Denied, Some(no), None) if !no.is_approval() => Ok(Self::Denied(no)),
            (State::Expired, None, None) => Ok(Self::Expired { unfetched: None }),
            (State::Expired, Some(yes), None) if yes.is_approval() => Ok(Self::Expired {
                unfetched: Some(yes),
            }),
            (State::Expired, Some(_), None) => Ok(Self::Superseded),
            (State::Cancelled, None, None) => Ok(Self::Cancelled),
            (State::Redeemed, Some(decision), Some(redeemed_for)) if decision.is_approval() => {
                Ok(Self::Redeemed {
                    decision,
                    redeemed_for,
                })
            }
            (state, _, _) => Err(InconsistentStatus { state }),
        }
    }

    /// Somebody who may decide opens it for the first time.
    pub fn view(self) -> Next {
        match self {
            Self::Pending => Ok(Self::Viewed),
            other => other.refuse(),
        }
    }

    pub fn decide(self, decision: Decision) -> Next {
        match self {
            Self::Pending | Self::Viewed if decision.is_approval() => Ok(Self::Approved(decision)),
            Self::Pending | Self::Viewed => Ok(Self::Denied(decision)),
            other => other.refuse(),
        }
    }

    pub fn redeem(self, redeemed_for: RedeemedFor) -> Next {
        match self {
            Self::Approved(decision) => Ok(Self::Redeemed {
                decision,
                redeemed_for,
            }),
            other => other.refuse(),
        }
    }

    /// Its time is over.
    pub fn expire(self) -> Next {
        match self {
            Self::Pending | Self::Viewed => Ok(Self::Expired { unfetched: None }),
            Self::Approved(decision) => Ok(Self::Expired {
                unfetched: Some(decision),
            }),
            other => other.refuse(),
        }
    }

    /// A newer request for the same takes its place.
    pub fn supersede(self) -> Next {
        match self {
            Self::Pending | Self::Viewed => Ok(Self::Superseded),
            other => other.refuse(),
        }
    }

    /// Its resource server wants no answer any more: nobody decided yet.
    pub fn cancel(self) -> Next {
        match self {
            Self::Pending | Self::Viewed => Ok(Self::Cancelled),
            other => other.refuse(),
        }
    }

    /// The agent's work for this person is stopped, or its resource was reported (`reason`); also what was approved and not redeemed.
    pub fn stop(self, reason: &str) -> Next {
        match self {
            Self::Pending | Self::Viewed | Self::Approved(_) => {
                Ok(Self::Denied(Decision::of_nobody(reason)))
            }
            other => other.refuse(),
        }
    }

    const fn refuse(&self) -> Next {
        Err(TransitionError { from: self.state() })
    }
}

impl Decision {
    pub const fn is_approval(&self) -> bool {
        self.approval.is_some()
    }

    /// The state to which it leads.
    pub const fn state(&self) -> State {
        if self.is_approval() {
            State::Approved
        } else {
            State::Denied
        }
    }

    /// Whether it ended with others, and not by a person's no to it.
    pub fn was_stopped(&self) -> bool {
        matches!(self.reason.as_deref(), Some(STOPPED | REPORTED))
    }

    /// Kept where a request ends and no person decided.
    pub fn of_nobody(reason: &str) -> Self {
        Self {
            authority: Authority::default(),
            narrowed: false,
            ends_at: None,
            approval: None,
            by: Vec::new(),
            reason: Some(reason.to_owned()),
        }
    }
}

#[cfg(test)]
#[path = "status/tests.rs"]
mod tests;
