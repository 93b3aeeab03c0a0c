//! The kinds of pending requests, and the names of their states.

use writ_wire::transaction::TRANSACTION_ID;

/// Which flow asks; a handle of one is never taken for one of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Ciba,
    Device,
    /// A resource server's challenge.
    Transaction,
    /// A resource server asks about one action of its caller (AuthZEN Access Request and Approval Profile).
    Access,
    /// An authorization request, decided away from the browser that asks.
    Consent,
}

impl Kind {
    pub const ALL: [Self; 5] = [
        Self::Ciba,
        Self::Device,
        Self::Transaction,
        Self::Access,
        Self::Consent,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ciba => "ciba",
            Self::Device => "device",
            Self::Transaction => "transaction",
            Self::Access => "access",
            Self::Consent => "consent",
        }
    }

    /// The parameter that holds its handle.
    pub const fn handle(self) -> &'static str {
        match self {
            Self::Ciba => "auth_req_id",
            Self::Device => "device_code",
            Self::Transaction => TRANSACTION_ID,
            Self::Access | Self::Consent => "id",
        }
    }

    pub fn from_row(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// The name of a [`PendingStatus`](super::PendingStatus) in a row and on its way between nodes; a superseded request is expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    Pending,
    Viewed,
    Approved,
    Denied,
    Expired,
    Redeemed,
    /// Whoever asked took the question back.
    Cancelled,
}

impl State {
    pub const ALL: [Self; 7] = [
        Self::Pending,
        Self::Viewed,
        Self::Approved,
        Self::Denied,
        Self::Expired,
        Self::Redeemed,
        Self::Cancelled,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Viewed => "viewed",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Redeemed => "redeemed",
            Self::Cancelled => "cancelled",
        }
    }

    pub fn from_row(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}
