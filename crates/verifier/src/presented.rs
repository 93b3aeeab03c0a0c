//! What a caller showed: the token, and the proof that came with it. It is kept for questions to the issuer about this caller, wiped
//! when dropped, and printed nowhere.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::caller::Caller;
use crate::credentials::{RequestView, proof_text};
use crate::live::{self, LiveQuestion};
use crate::refused::{Reason, Rejection};
use crate::verifier::Verifier;

/// The accepted credentials of one request.
#[derive(Clone)]
pub(crate) struct PresentedCaller(Arc<Shown>);

struct Shown {
    token: Zeroizing<String>,
    token_hash: String,
    subject: String,
    proof: Option<ShownProof>,
}

/// The proof, and the request that it was for (RFC 9449 section 4.2).
pub(crate) struct ShownProof {
    pub(crate) text: Zeroizing<String>,
    pub(crate) htm: String,
    pub(crate) htu: String,
}

impl ShownProof {
    /// Of a request whose proof was accepted.
    pub(crate) fn of(request: &RequestView<'_>, public_url: &str) -> Result<Self, Reason> {
        Ok(Self {
            text: proof_text(request.headers)?.to_owned().into(),
            htm: request.method.as_str().to_owned(),
            htu: format!("{public_url}{}", request.uri.path()),
        })
    }
}

impl PresentedCaller {
    pub(crate) fn new(
        token: &str,
        token_hash: &str,
        subject: &str,
        proof: Option<ShownProof>,
    ) -> Self {
        Self(Arc::new(Shown {
            token: Zeroizing::new(token.to_owned()),
            token_hash: token_hash.to_owned(),
            subject: subject.to_owned(),
            proof,
        }))
    }

    pub(crate) fn token(&self) -> &str {
        &self.0.token
    }

    pub(crate) fn subject(&self) -> &str {
        &self.0.subject
    }

    pub(crate) fn proof(&self) -> Option<&ShownProof> {
        self.0.proof.as_ref()
    }
}

impl fmt::Debug for PresentedCaller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PresentedCaller")
    }
}

impl Verifier {
    /// Whether an accepted caller is still good: its token has not expired, and the issuer, where it is asked, still says `active`.
    /// For what goes on after the request was accepted: a stream, a long call.
    pub async fn still_good(&self, caller: &Caller) -> Result<(), Rejection> {
        let judged = self.judge_again(caller).await;
        judged.map_err(|reason| caller.refuse(reason))
    }

    async fn judge_again(&self, caller: &Caller) -> Result<(), Reason> {
        let inner = &self.0;
        if caller.expires_at <= inner.clock.now() {
            return Err(Reason::Inactive);
        }
        let Some(introspection) = &inner.live else {
            return Ok(());
        };
        let published = inner.issuer.published().await?;
        let endpoint = live::endpoint(&published)?;
        let shown = &caller.presented.0;
        let question = LiveQuestion {
            token: &shown.token,
            hash: &shown.token_hash,
            id: &caller.token_id,
            issuer: &inner.issuer_name,
            subject: &shown.subject,
        };
        introspection
            .check(&question, endpoint, &inner.transport, &inner.clock)
            .await
    }
}
