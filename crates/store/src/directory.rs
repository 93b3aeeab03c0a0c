//! What operators look through, a page at a time: each list in the order of an index that its filter has, after or before the last row
//! of the page before.

mod approvals;
mod clients;
mod consents;
mod decisions;
mod delegations;
mod registrations;

pub use approvals::ApprovalsOf;
pub use consents::{ConsentsOf, ListedConsent};
pub use delegations::ListedDelegation;
pub use registrations::{ListedResource, ListedType};

/// Beyond every id of this server: each begins with a small letter and has ASCII letters alone.
const NEWEST: &str = "zzzz";
