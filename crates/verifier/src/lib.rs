//! For resource servers: verifies access tokens (RFC 6750, 9068, 9449 section 7, 9470, 9728) and checks a request against their
//! `authorization_details`; a function and a tower layer. While a store, the key set or the issuer is unavailable, requests are
//! rejected.

mod caller;
mod chain;
mod config;
mod credentials;
mod cross_origin;
mod decide;
mod fetch;
mod issuer;
mod layer;
mod live;
mod memory;
mod metadata;
mod presented;
mod refused;
mod remediation;
#[cfg(feature = "axum")]
mod response;
mod rules;
mod step_up;
mod stores;
mod transaction;
mod verifier;

#[cfg(test)]
mod tests;

pub use caller::{
    Caller, CallerActor, CallerAuthority, CallerSubject, TaskRef, UserAuthentication,
};
pub use chain::MAX_ACTORS;
pub use config::{
    BearerPolicy, ClientSecret, ConfigError, LiveCheck, MAX_LIVE_CACHE, Nonces, Replay, Spends,
    VerifierConfig, VerifierEnvironment,
};
pub use credentials::RequestView;
pub use cross_origin::CrossOrigin;
pub use decide::{
    Asking, BegunAction, CredentialsError, Decided, DecisionPermit, Decisions, DecisionsConfig,
    GatedAction, GivenApproval, MAX_ARGUMENTS_DEPTH, MAX_ARGUMENTS_LENGTH, MAX_LOST_POLLS,
    MAX_POLL, MAX_SAYS, NotPermitted, OpenQuestion, Outcome, ProofsJudged, REPORT_ATTEMPTS,
    UnaskedQuestion, Waiting,
};
pub use issuer::{KEYS_LIFETIME, MAX_KEYS_STALENESS, MIN_FETCH_INTERVAL};
pub use layer::{VerifierLayer, VerifierService};
pub use live::{LIVE_TIMEOUT, MAX_LIVE_ANSWERS};
pub use memory::{MAX_REMEMBERED_PROOFS, MAX_REMEMBERED_SPENDS, MemoryReplays, MemorySpends};
pub use metadata::{ResourceMetadata, metadata_url};
pub use refused::{Reason, Rejection};
pub use remediation::Remediation;
pub use rules::MAX_TYPES;
pub use step_up::{ACR_VALUES, StepUp};
pub use stores::{ReplayStore, SpendClaim, SpendStore, StoreUnavailable};
pub use transaction::{CHALLENGE_LIFETIME, Operation, TransactionSigner, Transactions};
pub use verifier::Verifier;
/// Results of [`Verifier::permit`].
pub use writ_authority::{Level, Permit, Usage};
pub use writ_wire::transaction::{MAX_REASON, MAX_TXN};
/// Objects of `authorization_details`, and the audience of tokens.
pub use writ_wire::{rar::Detail, resource::ResourceUri, waited_by::WaitedBy};
