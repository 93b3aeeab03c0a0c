//! Why a request is refused: a code for the client, a sentence for its developer, a cause for our log.

use writ_wire::authorization::RequestError;
use writ_wire::error::{ErrorCode, Excess};
use writ_wire::form::FormError;
use writ_wire::token::TokenRequestError;

/// The longest sentence, in characters.
pub const MAX_SENTENCE: usize = 2000;
/// Codes, tokens and secrets are longer words than this; names and addresses are not.
const LONGEST_WORD: usize = 40;
/// What is left of a longer word, to find one's own mistake by.
const SHOWN_OF_WORD: usize = 8;

/// An error answer of OAuth (RFC 6749 section 5.2): a fault of the request, not of this server.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{}: {sentence}", code.as_str())]
pub struct OAuthError {
    pub code: ErrorCode,
    /// For the caller's developer; holds nothing secret.
    pub sentence: String,
    /// For our log and the audit event only.
    pub cause: Option<String>,
    pub excess: Vec<Excess>,
}

impl OAuthError {
    pub fn new(code: ErrorCode, sentence: impl Into<String>) -> Self {
        Self {
            code,
            sentence: told(&sentence.into()),
            cause: None,
            excess: Vec::new(),
        }
    }

    pub fn because(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(told(&cause.into()));
        self
    }

    pub fn with_excess(mut self, excess: Vec<Excess>) -> Self {
        self.excess = excess;
        self
    }

    pub fn invalid_request(sentence: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidRequest, sentence)
    }

    pub fn invalid_client(sentence: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidClient, sentence)
    }

    /// Of a client that did authenticate, or that was named where nobody authenticates (RFC 6749 sections 4.1.2.1 and 5.2).
    pub fn client_stopped() -> Self {
        let sentence = "this client is stopped: an operator of this server can let it act again";
        Self::new(ErrorCode::UnauthorizedClient, sentence)
    }

    /// The same of one that may begin nothing for this person.
    pub fn client_paused() -> Self {
        let sentence = "this client is stopped for this person: they said that a request of it was not theirs, and only they can let it ask again";
        Self::new(ErrorCode::UnauthorizedClient, sentence)
    }

    /// The same of one that never acts again.
    pub fn client_removed() -> Self {
        let sentence = "this client was removed: register another one";
        Self::new(ErrorCode::UnauthorizedClient, sentence)
    }

    pub fn invalid_grant(sentence: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidGrant, sentence)
    }

    pub fn invalid_target(sentence: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidTarget, sentence)
    }

    pub fn invalid_scope(sentence: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidScope, sentence)
    }

    pub fn invalid_details(sentence: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidAuthorizationDetails, sentence)
    }

    pub fn invalid_proof(sentence: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidDpopProof, sentence)
    }
}

/// A sentence may quote what was sent, and a token may have been sent in the wrong place: neither the answer nor the
/// record repeats it.
fn told(sentence: &str) -> String {
    let mut told = String::with_capacity(sentence.len().min(MAX_SENTENCE));
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    for word in sentence.split_inclusive(|c| !is_word(c)) {
        let end = word.trim_start_matches(is_word);
        let length = word.len() - end.len();
        if length > LONGEST_WORD {
            told.extend(word.chars().take(SHOWN_OF_WORD));
            told.push_str("...");
            told.push_str(end);
        } else {
            told.push_str(word);
        }
    }
    told.chars().take(MAX_SENTENCE).collect()
}

impl From<FormError> for OAuthError {
    fn from(error: FormError) -> Self {
        Self::invalid_request(error.to_string())
    }
}

impl From<RequestError> for OAuthError {
    fn from(error: RequestError) -> Self {
        let code = match &error {
            RequestError::Form(_) | RequestError::ResponseMode => ErrorCode::InvalidRequest,
            RequestError::ResponseType => ErrorCode::UnsupportedResponseType,
            RequestError::Scope(_) => ErrorCode::InvalidScope,
            RequestError::Resource(_) => ErrorCode::InvalidTarget,
            RequestError::Details(_) => ErrorCode::InvalidAuthorizationDetails,
            RequestError::NotSupported("request") => ErrorCode::RequestNotSupported,
            RequestError::NotSupported(_) => ErrorCode::InvalidRequest,
        };
        Self::new(code, error.to_string())
    }
}

impl From<TokenRequestError> for OAuthError {
    fn from(error: TokenRequestError) -> Self {
        match error {
            TokenRequestError::Request(inner) => inner.into(),
            TokenRequestError::UnsupportedGrantType(_) => {
                Self::new(ErrorCode::UnsupportedGrantType, error.to_string())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_repeats_no_secret() {
        let secret = "A-_9".repeat(11);
        for (sentence, expected) in [
            (
                format!("scope `{secret}` is wider"),
                "scope `A-_9A-_9...` is wider".to_owned(),
            ),
            (
                format!("{secret}.{secret}"),
                "A-_9A-_9....A-_9A-_9...".to_owned(),
            ),
            (
                "resource `https://api.example/v1/8f14e45f-ceea-467f-9575-1c1d8f0a7d11`".to_owned(),
                "resource `https://api.example/v1/8f14e45f-ceea-467f-9575-1c1d8f0a7d11`".to_owned(),
            ),
            ("ü".repeat(50), "ü".repeat(50)),
        ] {
            let refusal = OAuthError::invalid_request(&*sentence).because(&*sentence);
            assert_eq!(refusal.sentence, expected);
            assert_eq!(refusal.cause, Some(expected));
        }
    }

    #[test]
    fn a_sentence_has_an_end() {
        let refusal = OAuthError::invalid_scope("scope ".repeat(50_000));
        assert_eq!(refusal.sentence.chars().count(), MAX_SENTENCE);
    }
}
