//! Links by which a person finishes an invitation, a reset of their password, or a change of the address to which they are written. A
//! mailed link proves no person, because agents read mail: a code that is given another way, or a passkey, finishes what sets a password.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Wrong codes after which a link is worth nothing any more: of 20^8 codes.
pub const MAX_LINK_FAILURES: i64 = 5;
/// How long the code that finished a link adds a first passkey too.
pub const CODE_ADDS_PASSKEY: Duration = Duration::from_secs(900);

const HOUR: u64 = 3600;

/// What a link finishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkKind {
    /// An operator invited the person.
    Invitation,
    /// An operator lets the person set another password.
    Reset,
    /// Somebody said at the login that they forgot their password.
    Forgotten,
    /// The person gave another address.
    Address,
}

impl LinkKind {
    pub const ALL: [Self; 4] = [
        Self::Invitation,
        Self::Reset,
        Self::Forgotten,
        Self::Address,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invitation => "invitation",
            Self::Reset => "reset",
            Self::Forgotten => "forgotten",
            Self::Address => "address",
        }
    }

    /// How long a link is good. Of what anybody can ask for, the shortest.
    pub const fn lifetime(self) -> Duration {
        Duration::from_secs(match self {
            Self::Invitation => 72 * HOUR,
            Self::Reset | Self::Address => 24 * HOUR,
            Self::Forgotten => HOUR,
        })
    }

    /// Whether it ends in a password, and so needs a second proof.
    pub const fn sets_password(self) -> bool {
        match self {
            Self::Invitation | Self::Reset | Self::Forgotten => true,
            Self::Address => false,
        }
    }
}
