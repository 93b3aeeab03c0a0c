//! Stores for what may be used once: DPoP proofs, and objects of `authorization_details`. A claim is one atomic operation, so that
//! of concurrent requests one succeeds. If a store fails, the request is rejected.

use writ_authority::Usage;
use writ_platform::BoxFuture;
use writ_wire::time::Timestamp;

/// A store failed. The text is for the log, not for the client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StoreUnavailable(pub String);

/// Remembers accepted proofs. With SQL: `INSERT ... ON CONFLICT DO NOTHING`, and whether a row was written.
pub trait ReplayStore: Send + Sync {
    /// `true` exactly once per `digest`; it has to be remembered up to and including `until`.
    fn claim<'a>(
        &'a self,
        digest: &'a str,
        until: Timestamp,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<bool, StoreUnavailable>>;
}

/// Remembers which objects of which task were used.
pub trait SpendStore: Send + Sync {
    /// Records the whole use and returns `true`, or records nothing and returns `false`.
    fn spend<'a>(
        &'a self,
        spend: &'a SpendClaim,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<bool, StoreUnavailable>>;
}

/// One use of one approved object. (`issuer`, `task`, `reference`) is its key, whoever uses it: narrower tokens
/// share it with the token they came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpendClaim {
    pub issuer: String,
    /// `mission.id`.
    pub task: String,
    /// The object's `ref`.
    pub reference: String,
    /// `Once`: no second use, whatever is left.
    pub usage: Usage,
    /// What this use takes from each budget. The sum over all uses under one pointer stays within `budget`.
    pub amounts: Vec<writ_authority::BudgetSpend>,
    /// The end of the task: nothing can be spent after it, and nothing has to be remembered.
    pub until: Timestamp,
}
