//! Authority as a value: scopes and `authorization_details` (RFC 9396) that can be compared, narrowed and spent, and the types of
//! `authorization_details`. Authority only narrows: a result is within the arguments, or an error with a JSON pointer.
//! No clock, no randomness, no network; the same code runs in the server and in the verifier.

#[cfg(feature = "schema")]
mod action;
mod agreement;
mod alike;
mod amounts;
mod any;
mod approvers;
#[cfg(feature = "schema")]
mod arguments;
mod ask;
mod authority;
mod ceiling;
mod clear;
pub mod consent;
mod decimal;
mod definition;
#[cfg(feature = "schema")]
mod enforceable;
mod headline;
mod legible;
mod letter;
pub mod letters;
mod narrow;
mod numbers;
mod object;
mod permit;
mod pointer;
mod problem;
mod reading;
mod rules;
#[cfg(feature = "schema")]
mod schema;
mod scripts;
mod sentence;
mod shape;
mod signs;
mod template;
mod text;
mod tree;
mod types;
mod usual;

#[cfg(test)]
mod tests;

#[cfg(feature = "schema")]
pub use action::{ARGUMENTS, ActionLetter, ActionType, MAX_ACTION_NAME, OTHER_TOOL, OtherActions};
pub use agreement::{ACR_VALUES, TokenAgreement, level_of};
pub use amounts::Amount;
pub use any::{
    MAX_BYTES, MAX_NESTED, MAX_SHOWN_BYTES, MAX_SHOWN_NAME, MAX_SHOWN_NESTED, MAX_SHOWN_TEXT,
    MAX_SHOWN_VALUES, check_bounds,
};
pub use approvers::DecidedPeople;
#[cfg(feature = "schema")]
pub use arguments::{MAX_ARGUMENTS_SCHEMA, check_arguments};
pub use ask::{AskAbove, AskRule, Level};
pub use authority::{Authority, ScopeGrant};
pub use ceiling::Ceiling;
pub use decimal::{Decimal, MAX_PLACES, MAX_WHOLE_DIGITS, Overspent, spend};
pub use definition::{MAX_DOCUMENT_LENGTH, TypeDefinition, TypeError, Usage, WrittenType};
#[cfg(feature = "schema")]
pub use enforceable::{enforceable, left_out};
pub use headline::{Headline, HeadlineAmount};
pub use legible::{LegibilityError, MAX_VALUE_LENGTH, legible, legible_block, unclear};
pub use letter::Letter;
pub use narrow::{NarrowError, NarrowRequest, Narrowed};
pub use permit::{Permit, PermitError, every_permit, permits};
pub use problem::Problem;
pub use reading::Piece;
pub use rules::Rule;
pub use text::{fours, grouped, inner as quotable, marks};

pub use tree::BudgetSpend;
pub use types::Types;
pub use usual::{UsualAmount, UsualValues};
