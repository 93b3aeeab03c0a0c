//! How pending requests end without a decision: they expired, a newer copy superseded them, or whoever asked took them back.

use super::{
    CANCELLED, DESCRIBED_ANEW, Decision, PendingRequest, RECOVERED, SUPERSEDED, State, TAKEN_BACK,
    WITHDRAWN,
};
use crate::id::ApprovalId;

/// Which requests end, and why.
#[derive(Clone, Copy, Debug)]
pub enum Ending<'a> {
    /// This one, if its time is over; also what was approved and never fetched.
    Late(&'a ApprovalId),
    /// Those that ask the same person the same as this one, and nobody decided.
    Superseded(&'a PendingRequest),
    /// This one, if nobody decided it: what it asks is described otherwise by now.
    DescribedAnew {
        request: &'a ApprovalId,
        /// The one that took its place, if one did.
        by: Option<&'a ApprovalId>,
    },
    /// This one, if nobody decided it: the resource server that asked took it back.
    Cancelled {
        request: &'a ApprovalId,
        /// What that server says of it, for the record.
        because: Option<&'a str>,
    },
    /// This one, if nobody decided it: the person took it back in the browser that asked.
    Withdrawn(&'a ApprovalId),
    /// This one, if it was approved and nobody used it: a person said no to the same since.
    TakenBack {
        approved: &'a PendingRequest,
        /// The one to which they said no.
        by: &'a ApprovalId,
    },
    /// This one, if it was approved and nobody used it: its person set another password by a link since.
    Recovered(&'a PendingRequest),
}

impl Ending<'_> {
    /// What they are from then on.
    pub const fn state(&self) -> State {
        match self {
            Self::Late(_)
            | Self::Superseded(_)
            | Self::DescribedAnew { .. }
            | Self::TakenBack { .. }
            | Self::Recovered(_) => State::Expired,
            Self::Cancelled { .. } | Self::Withdrawn(_) => State::Cancelled,
        }
    }

    pub const fn reason(&self) -> Option<&'static str> {
        match self {
            Self::Late(_) => None,
            Self::Superseded(_) => Some(SUPERSEDED),
            Self::DescribedAnew { .. } => Some(DESCRIBED_ANEW),
            Self::Cancelled { .. } => Some(CANCELLED),
            Self::Withdrawn(_) => Some(WITHDRAWN),
            Self::TakenBack { .. } => Some(TAKEN_BACK),
            Self::Recovered(_) => Some(RECOVERED),
        }
    }

    /// Kept instead of what was decided before; `None` leaves that as it is.
    pub fn decision(&self) -> Option<Decision> {
        match self {
            Self::Superseded(_) => Some(Decision::of_nobody(SUPERSEDED)),
            Self::DescribedAnew { .. } => Some(Decision::of_nobody(DESCRIBED_ANEW)),
            Self::TakenBack { approved, .. } => {
                let yes = approved.decision().cloned();
                yes.map(|yes| Decision {
                    reason: Some(TAKEN_BACK.to_owned()),
                    ..yes
                })
            }
            Self::Late(_) | Self::Cancelled { .. } | Self::Withdrawn(_) | Self::Recovered(_) => {
                None
            }
        }
    }
}
