//! How long an operator's console is open: an operator who walks away is signed out of it, and nobody has it all day.

use std::time::Duration;

use writ_wire::time::Timestamp;

/// Without a request it closes.
pub const CONSOLE_IDLE: Duration = Duration::from_secs(15 * 60);
/// After this time it closes whatever is done in it.
pub const CONSOLE_LONGEST: Duration = Duration::from_secs(8 * 3600);

/// When a console was opened, and when it was last used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsoleTimes {
    pub since: Timestamp,
    pub seen_at: Timestamp,
}

impl ConsoleTimes {
    /// When it closes whatever is done in it.
    pub fn latest(self) -> Timestamp {
        self.since.plus(CONSOLE_LONGEST)
    }

    /// When it closes if nothing more is done.
    pub fn closes_at(self) -> Timestamp {
        self.seen_at.plus(CONSOLE_IDLE).min(self.latest())
    }

    pub fn is_open(self, now: Timestamp) -> bool {
        now < self.closes_at()
    }
}
