//! What may happen once is claimed in one of these stores, in one guarded step (DESIGN promise 3, LESSONS 22).
//! A store that fails is a refusal, never an acceptance.

use writ_authority::Usage;
use writ_outside::BoxFuture;
use writ_wire::time::Timestamp;

/// A store could not be asked. The text is for the log, not for the client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StoreError(pub String);

/// Remembers accepted proofs. With SQL: `INSERT ... ON CONFLICT DO NOTHING`, and whether a row was written.
pub trait ReplayStore: Send + Sync {
    /// `true` exactly once per `digest`; it has to be remembered up to and including `until`.
    fn claim<'a>(
        &'a self,
        digest: &'a str,
        until: Timestamp,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<bool, StoreError>>;
}

/// Remembers which objects of which task were used.
pub trait SpendStore: Send + Sync {
    /// Takes all that `spend` asks for and answers `true`, or takes nothing and answers `false`.
    fn spend<'a>(
        &'a self,
        spend: &'a Spend,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<bool, StoreError>>;
}

/// One use of one consented object. (`issuer`, `task`, `reference`) is its key, whoever uses it: narrower tokens
/// share it with the token they came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spend {
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
