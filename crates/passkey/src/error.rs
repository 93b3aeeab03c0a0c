//! Why a ceremony failed: one value per verification step of WebAuthn 7.1 and 7.2.

use webauthn_rs::prelude::WebauthnError;

/// For the log: the browser is told only that the passkey was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasskeyError {
    #[error("the answer is not the JSON form of a public key credential: {0}")]
    Malformed(String),
    #[error("`type` of the client data is of another ceremony")]
    Type,
    #[error("`challenge` is not the one of this ceremony")]
    Challenge,
    #[error("`origin` is not ours")]
    Origin,
    #[error("the answer was made inside another site's frame")]
    CrossOrigin,
    #[error("`rpIdHash` is of another relying party")]
    RelyingParty,
    #[error("nobody was present at the device")]
    NotPresent,
    #[error("the device did not verify its person")]
    NotVerified,
    #[error("`backup state` and `backup eligibility` contradict each other or what was enrolled")]
    Backup,
    /// Signed by the passkey itself, whose credential id this is.
    #[error("the passkey's `backup eligibility` is no longer what was enrolled")]
    EligibilityChanged(String),
    #[error("the key's algorithm was not offered")]
    Algorithm,
    #[error("the attestation statement is invalid")]
    Attestation,
    #[error(
        "the credential id is longer than 1023 bytes, or not the one in the authenticator data"
    )]
    CredentialId,
    #[error("the passkey is enrolled already")]
    AlreadyEnrolled,
    #[error("the passkey is not discoverable, so it could never log in")]
    NotDiscoverable,
    #[error("the passkey is none of this person's")]
    Unknown,
    #[error("`userHandle` is of another person")]
    UserHandle,
    #[error("the signature is not by this passkey")]
    Signature,
    #[error("the signature counter did not move forward: the passkey may have been copied")]
    Counter,
    #[error("the kept state is of another ceremony, or cannot be read")]
    State,
    #[error("the kept passkey or public key cannot be read")]
    Key,
    /// Only after an update of webauthn-rs: every ceremony fails then.
    #[error("the library's state has another form than this version knows")]
    Form,
    #[error("refused by the library: {0}")]
    Library(String),
}

impl From<WebauthnError> for PasskeyError {
    fn from(error: WebauthnError) -> Self {
        match error {
            WebauthnError::InvalidClientDataType => Self::Type,
            WebauthnError::MismatchedChallenge => Self::Challenge,
            WebauthnError::InvalidRPOrigin => Self::Origin,
            WebauthnError::CredentialCrossOrigin => Self::CrossOrigin,
            WebauthnError::InvalidRPIDHash => Self::RelyingParty,
            WebauthnError::UserNotPresent => Self::NotPresent,
            WebauthnError::UserNotVerified => Self::NotVerified,
            WebauthnError::CredentialBackupEligibilityInconsistent
            | WebauthnError::CredentialMayNotBeHardwareBound => Self::Backup,
            WebauthnError::CredentialAlteredAlgFromRequest
            | WebauthnError::COSEKeyInvalidAlgorithm => Self::Algorithm,
            WebauthnError::AttestationNotSupported
            | WebauthnError::AttestationStatementMapInvalid
            | WebauthnError::AttestationStatementSigMissing
            | WebauthnError::AttestationStatementSigInvalid
            | WebauthnError::AttestationStatementX5CMissing
            | WebauthnError::AttestationStatementAlgMissing
            | WebauthnError::AttestationStatementAlgMismatch => Self::Attestation,
            WebauthnError::CredentialNotFound => Self::Unknown,
            WebauthnError::AuthenticationFailure | WebauthnError::SignatureInvalid => {
                Self::Signature
            }
            WebauthnError::CredentialPossibleCompromise => Self::Counter,
            WebauthnError::ParseJSONFailure(error) => Self::Malformed(error.to_string()),
            other => Self::Library(other.to_string()),
        }
    }
}
