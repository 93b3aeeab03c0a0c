//! What a resource server needs to accept or refuse one of our tokens: a function and a tower layer
//! (RFC 6750, 9068, 9449 section 7, 9470, 9728, DESIGN 5 and 7). Doubt is refusal: a store, a key set or an issuer that
//! cannot be asked accepts nothing.

mod asked;
mod caller;
mod chain;
mod config;
mod credentials;
mod fetch;
mod issuer;
mod layer;
mod live;
mod memory;
mod metadata;
mod refused;
mod rules;
mod step_up;
mod stores;
mod transaction;
mod verifier;

#[cfg(test)]
mod tests;

pub use asked::Asked;
pub use caller::{Actor, Authentication, Caller, CallerAuthority, Subject, TaskRef};
pub use chain::MAX_ACTORS;
pub use config::{
    BearerPolicy, ClientSecret, ConfigError, Live, MAX_LIVE_CACHE, Nonces, Outside, Replay, Spends,
    VerifierConfig,
};
pub use credentials::RequestView;
pub use issuer::{KEYS_LIFETIME, MAX_KEYS_STALENESS, MIN_FETCH_INTERVAL};
pub use layer::{VerifierLayer, VerifierService};
pub use live::{LIVE_TIMEOUT, MAX_LIVE_ANSWERS};
pub use memory::{MAX_REMEMBERED_PROOFS, MAX_REMEMBERED_SPENDS, MemoryReplays, MemorySpends};
pub use metadata::{ResourceMetadata, metadata_url};
pub use refused::{Reason, Refused};
pub use rules::MAX_TYPES;
pub use step_up::{ACR_VALUES, StepUp};
pub use stores::{ReplayStore, Spend, SpendStore, StoreError};
pub use transaction::{CHALLENGE_LIFETIME, Operation, TransactionSigner, Transactions};
pub use verifier::Verifier;
/// What [`Verifier::permit`] answers.
pub use writ_authority::{Level, Permit, Usage};
pub use writ_wire::transaction::{MAX_REASON, MAX_TXN};
