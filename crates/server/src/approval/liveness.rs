//! Level `liveness`: a verifier that sees the person, behind one interface. None is configured in this version, so a request of
//! that level is refused when it is asked, and here a passkey alone never passes for it.

use writ_core::receipt::{Proof, Signature};

/// The verifier of this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Liveness {
    None,
}

/// Nobody saw the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotSeen;

impl Liveness {
    pub const fn configured() -> Self {
        Self::None
    }

    /// The passkey's signature with what the verifier says of the person behind it.
    pub fn verify(self, _passkey: Signature) -> Result<Proof, NotSeen> {
        match self {
            Self::None => Err(NotSeen),
        }
    }
}
