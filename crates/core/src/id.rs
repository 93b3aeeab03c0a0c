//! Identifiers that this server makes: a type prefix and a ULID in lower case, so that neighbours in time are neighbours on disk.

use std::fmt;

use serde::{Deserialize, Serialize};
use writ_wire::time::Timestamp;

/// Random bytes that one id needs.
pub const ENTROPY: usize = 10;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal,)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            pub const PREFIX: &'static str = $prefix;

            pub fn make(now: Timestamp, entropy: [u8; ENTROPY]) -> Self {
                Self(format!("{}{}", $prefix, ulid(now, entropy)))
            }

            /// As it stands in a row or a command: not checked for existence.
            pub fn from_text(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

ids! {
    UserId = "usr_",
    /// A client; `agt_` for agents, other names are given at registration.
    ClientId = "cli_",
    TaskId = "tsk_",
    DelegationId = "dlg_",
    ConsentId = "con_",
    ApprovalId = "apr_",
    ReceiptId = "rcp_",
    /// What a resource server was told about one action.
    DecisionId = "dec_",
    /// Something to be delivered: a ping, a push, a message to a person.
    NoticeId = "ntc_",
    EventId = "evt_",
    /// A change that a client proposed to the operators.
    ProposalId = "prp_",
    TransactionId = "txn_",
    /// An HTTP request, in the log, its answer and its events.
    RequestId = "req_",
}

/// Prefix of agents' client ids; reserved for `agent add`.
pub const AGENT_PREFIX: &str = "agt_";

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// 48 bits of milliseconds and 80 random bits in Crockford's base 32: 26 characters.
pub fn ulid(now: Timestamp, entropy: [u8; ENTROPY]) -> String {
    let millis = u128::try_from(now.micros() / 1000).unwrap_or(0) & 0xffff_ffff_ffff;
    let random = entropy
        .iter()
        .fold(0u128, |bits, byte| (bits << 8) | u128::from(*byte));
    let bits = (millis << 80) | random;
    (0..26u32)
        .rev()
        .filter_map(|place| ALPHABET.get(usize::try_from((bits >> (5 * place)) & 31).ok()?))
        .map(|byte| char::from(*byte))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ulids_sort_by_time_and_have_26_characters() {
        let early = TaskId::make(Timestamp::from_seconds(1), [255; ENTROPY]);
        let late = TaskId::make(Timestamp::from_seconds(2), [0; ENTROPY]);
        assert!(early < late);
        assert_eq!(late.as_str().len(), 30);
        // The example of ULID's reference implementation: `ulid(1469918176385)` starts with 01ARYZ6S41.
        let text = ulid(Timestamp::from_micros(1_469_918_176_385_000), [0; ENTROPY]);
        assert!(text.starts_with("01aryz6s41"), "{text}");
    }
}
