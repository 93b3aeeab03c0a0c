//! How pending requests end without a decision: they expired, or a newer copy superseded them.

use super::{Decision, PendingRequest, SUPERSEDED, State};
use crate::id::ApprovalId;

/// Which requests end, and why.
#[derive(Clone, Copy, Debug)]
pub enum Ending<'a> {
    /// This one, if its time is over; also what was approved and never fetched.
    Late(&'a ApprovalId),
    /// Those that ask the same person the same as this one, and nobody decided.
    Superseded(&'a PendingRequest),
}

impl Ending<'_> {
    /// What they are from then on.
    pub const fn state(&self) -> State {
        match self {
            Self::Late(_) | Self::Superseded(_) => State::Expired,
        }
    }

    pub const fn reason(&self) -> Option<&'static str> {
        match self {
            Self::Late(_) => None,
            Self::Superseded(_) => Some(SUPERSEDED),
        }
    }

    /// Kept instead of what was decided before; `None` leaves that as it is.
    pub fn decision(&self) -> Option<Decision> {
        self.reason().map(Decision::of_nobody)
    }
}
