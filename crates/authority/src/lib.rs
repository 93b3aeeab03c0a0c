//! What may be done, as a value: covers, meet, spend; types of `authorization_details` (RFC 9396, DESIGN 7).
//! Authority only narrows: whatever this crate answers is within what it was given, or a refusal with a pointer.
//! No clock, no randomness, no network; the same code runs in the server and in the verifier.

mod amounts;
mod approvers;
mod ask;
mod authority;
mod ceiling;
mod clear;
pub mod consent;
mod decimal;
mod definition;
mod legible;
pub mod letters;
mod narrow;
mod object;
mod permit;
mod pointer;
mod problem;
mod reading;
mod rules;
#[cfg(feature = "schema")]
mod schema;
mod sentence;
mod shape;
mod template;
mod text;
mod tree;
mod types;
mod usual;

#[cfg(test)]
mod tests;

pub use amounts::Amount;
pub use approvers::DecidedPeople;
pub use ask::{Above, Ask, Level};
pub use authority::{Authority, ScopeGrant};
pub use ceiling::Ceiling;
pub use decimal::{Decimal, MAX_PLACES, MAX_WHOLE_DIGITS, Overspent, spend};
pub use definition::{MAX_DOCUMENT_LENGTH, TypeDefinition, TypeError, Usage};
pub use legible::{MAX_VALUE_LENGTH, Unclear, legible, unclear};
pub use narrow::{Asked, NarrowError, Narrowed};
pub use permit::{Denied, Permit, every_permit, permits};
pub use problem::Problem;
pub use reading::Piece;
pub use rules::Rule;

pub use tree::Spend;
pub use types::Types;
pub use usual::{UsualAmount, UsualValues};
