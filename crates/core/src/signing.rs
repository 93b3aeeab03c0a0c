//! States of a signing key: next, active, retiring, removed. Several nodes agree because the database rows decide.

use std::time::Duration;

use writ_wire::time::Timestamp;

use crate::mint::TOKEN_LIFETIME;

/// How long a node may act on keys that it has read before.
pub const KEY_CACHE: Duration = Duration::from_secs(10);
/// A retiring key stays published until nothing that it signed can be valid.
pub const RETIREMENT: Duration =
    Duration::from_secs(TOKEN_LIFETIME.as_secs() + 2 * KEY_CACHE.as_secs() + 60);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// Published, not used yet.
    Next,
    Active,
    /// Published, not used any more.
    Retiring,
    /// Neither; its private part is gone.
    Removed,
}

impl KeyState {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Active => "active",
            Self::Retiring => "retiring",
            Self::Removed => "removed",
        }
    }

    /// From a row; what is not known is not used.
    pub fn from_row(text: &str) -> Self {
        match text {
            "next" => Self::Next,
            "active" => Self::Active,
            "retiring" => Self::Retiring,
            _ => Self::Removed,
        }
    }

    pub const fn is_published(self) -> bool {
        matches!(self, Self::Next | Self::Active | Self::Retiring)
    }
}

/// Whether a retiring key may be removed.
pub fn removable(retired_at: Timestamp, now: Timestamp) -> bool {
    now >= retired_at.plus(RETIREMENT)
}
