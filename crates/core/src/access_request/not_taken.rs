//! Why an approval does not permit an action (Access Request and Approval Profile, its section on re-evaluation). The profile has few
//! reasons; the sentence tells apart what they hold in common.

use writ_wire::access::DecisionReason;
use writ_wire::time::Timestamp;

use crate::pending::{Decision, PendingStatus, REPORTED, STOPPED};

/// Of the question's own resource server and delegation: everybody else learns [`Self::Unverifiable`] alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotTaken {
    /// It permitted an action already.
    Used,
    /// The time after the yes is over.
    Lapsed,
    /// A person said no to the same after the yes.
    TakenBack,
    /// Nobody decided in time.
    NoAnswer,
    /// A newer question took its place.
    Superseded,
    /// The resource server took it back.
    Cancelled,
    /// The agent's work for this person was stopped.
    Stopped,
    /// Its person reported a question of the same resource.
    Reported,
    /// Other people would decide now, or it is not allowed any more.
    Changed,
    /// The record says otherwise what is done than when it was asked about.
    DescribedAnew,
    /// It is about something else.
    OutOfScope,
    /// The tool was defined otherwise when the person was asked.
    OtherDefinition,
    /// A person said no.
    Denied,
    /// Nobody decided yet.
    Undecided,
    /// There is none, or it is another's.
    Unverifiable,
}

impl NotTaken {
    /// Of one that is not approved now.
    pub(super) fn of_status(status: &PendingStatus, expires_at: Timestamp, now: Timestamp) -> Self {
        match status {
            taken_back if taken_back.was_taken_back() => Self::TakenBack,
            PendingStatus::Approved(_) | PendingStatus::Expired { unfetched: Some(_) } => {
                Self::Lapsed
            }
            PendingStatus::Redeemed { .. } => Self::Used,
            PendingStatus::Expired { unfetched: None } => Self::NoAnswer,
            PendingStatus::Superseded => Self::Superseded,
            PendingStatus::Cancelled => Self::Cancelled,
            PendingStatus::Denied(decision) => Self::of_denial(decision),
            PendingStatus::Pending | PendingStatus::Viewed if now >= expires_at => Self::NoAnswer,
            PendingStatus::Pending | PendingStatus::Viewed => Self::Undecided,
        }
    }

    fn of_denial(decision: &Decision) -> Self {
        match decision.reason.as_deref() {
            Some(STOPPED) => Self::Stopped,
            Some(REPORTED) => Self::Reported,
            Some(_) | None => Self::Denied,
        }
    }

    pub const fn reason(self) -> DecisionReason {
        match self {
            Self::Used
            | Self::Lapsed
            | Self::TakenBack
            | Self::NoAnswer
            | Self::Superseded
            | Self::Cancelled
            | Self::Stopped
            | Self::Reported
            | Self::Changed
            | Self::DescribedAnew => DecisionReason::ApprovalExpired,
            Self::OutOfScope | Self::OtherDefinition => DecisionReason::OutOfScope,
            Self::Denied | Self::Undecided | Self::Unverifiable => {
                DecisionReason::ApprovalUnverifiable
            }
        }
    }

    /// Whether a person ended what was approved: nobody is to be asked again because of this.
    pub const fn is_no(self) -> bool {
        match self {
            Self::TakenBack | Self::Stopped | Self::Reported | Self::Denied => true,
            Self::Used
            | Self::Lapsed
            | Self::NoAnswer
            | Self::Superseded
            | Self::Cancelled
            | Self::Changed
            | Self::DescribedAnew
            | Self::OutOfScope
            | Self::OtherDefinition
            | Self::Undecided
            | Self::Unverifiable => false,
        }
    }

    /// For people, in English.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Used => "The approval was used: it is good for one action.",
            Self::Lapsed => "The approval came too long ago.",
            Self::TakenBack => "A person said no to the same after this approval.",
            Self::NoAnswer => "Nobody decided in time.",
            Self::Superseded => "A newer question took the place of this one.",
            Self::Cancelled => "The question was taken back.",
            Self::Stopped => "The agent was stopped after the question.",
            Self::Reported => "The person wants no questions of this resource any more.",
            Self::Changed => "Who decides about this, or what is allowed, is not what it was.",
            Self::DescribedAnew => {
                "The approval was given before it was described anew what this does."
            }
            Self::OutOfScope => "The approval was given for something else.",
            Self::OtherDefinition => "The tool was described otherwise when the person was asked.",
            Self::Denied => "The person said no.",
            Self::Undecided => "Nobody has decided about this yet.",
            Self::Unverifiable => "There is no such approval.",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::id::DecisionId;
    use crate::pending::{RedeemedFor, SUPERSEDED, TAKEN_BACK};

    const ALL: [NotTaken; 15] = [
        NotTaken::Used,
        NotTaken::Lapsed,
        NotTaken::TakenBack,
        NotTaken::NoAnswer,
        NotTaken::Superseded,
        NotTaken::Cancelled,
        NotTaken::Stopped,
        NotTaken::Reported,
        NotTaken::Changed,
        NotTaken::DescribedAnew,
        NotTaken::OutOfScope,
        NotTaken::OtherDefinition,
        NotTaken::Denied,
        NotTaken::Undecided,
        NotTaken::Unverifiable,
    ];

    #[test]
    fn each_state_of_a_question_has_its_own_sentence() {
        let end = Timestamp::from_seconds(300);
        let before = Timestamp::from_seconds(299);
        let decided = || Decision::of_nobody("");
        let used = RedeemedFor::Decision(DecisionId::from_text("dec_1"));
        for (status, now, expected) in [
            (PendingStatus::Approved(decided()), end, NotTaken::Lapsed),
            (
                PendingStatus::Expired {
                    unfetched: Some(decided()),
                },
                end,
                NotTaken::Lapsed,
            ),
            (
                PendingStatus::Expired {
                    unfetched: Some(Decision::of_nobody(TAKEN_BACK)),
                },
                before,
                NotTaken::TakenBack,
            ),
            (
                PendingStatus::Redeemed {
                    decision: decided(),
                    redeemed_for: used,
                },
                before,
                NotTaken::Used,
            ),
            (
                PendingStatus::Expired { unfetched: None },
                end,
                NotTaken::NoAnswer,
            ),
            (PendingStatus::Pending, end, NotTaken::NoAnswer),
            (PendingStatus::Viewed, end, NotTaken::NoAnswer),
            (PendingStatus::Pending, before, NotTaken::Undecided),
            (PendingStatus::Viewed, before, NotTaken::Undecided),
            (PendingStatus::Superseded, before, NotTaken::Superseded),
            (PendingStatus::Cancelled, before, NotTaken::Cancelled),
            (PendingStatus::Denied(decided()), before, NotTaken::Denied),
            (
                PendingStatus::Denied(Decision::of_nobody(STOPPED)),
                before,
                NotTaken::Stopped,
            ),
            (
                PendingStatus::Denied(Decision::of_nobody(REPORTED)),
                before,
                NotTaken::Reported,
            ),
            (
                PendingStatus::Denied(Decision::of_nobody(SUPERSEDED)),
                before,
                NotTaken::Denied,
            ),
        ] {
            assert_eq!(NotTaken::of_status(&status, end, now), expected);
        }
        let sentences: BTreeSet<&str> = ALL.map(NotTaken::sentence).into();
        assert_eq!(sentences.len(), ALL.len(), "each is told apart");
    }
}
