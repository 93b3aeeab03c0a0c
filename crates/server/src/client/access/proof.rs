//! The proof of a bound token (RFC 9449 section 7.1), which the resource server passes on: by the token's key, for the request that
//! came to it, at its own origin. One whose record says that it verifies proofs itself passes none on.

use url::Url;
use writ_core::access::AccessDenial;
use writ_core::checks::Endpoint;
use writ_core::client::Resource;
use writ_jose::dpop::{DpopProof, Htu, NoncePolicy, ProofContext, TokenHash, UnverifiedProof};
use writ_jose::hash;
use writ_wire::access::{DecisionReason, PresentedProof};
use writ_wire::claims::AccessTokenClaims;
use writ_wire::time::Timestamp;

/// A token, and the proof that came with it.
pub struct PresentedBinding<'a> {
    pub claims: &'a AccessTokenClaims,
    pub token: &'a str,
    pub presented: Option<&'a PresentedProof>,
    pub resource: &'a Resource,
    /// Where it was passed on.
    pub endpoint: Endpoint,
    pub now: Timestamp,
}

/// The proof, if the token is bound and the resource server does not verify proofs itself; it is not used up here.
pub fn verify_proof(binding: &PresentedBinding<'_>) -> Result<Option<DpopProof>, AccessDenial> {
    let Some(cnf) = &binding.claims.cnf else {
        return Ok(None);
    };
    // A proxy verifies none, whatever the server behind it does.
    if binding.resource.verifies_proofs && binding.endpoint != Endpoint::ForwardAuth {
        return Ok(None);
    }
    let proof = verified(binding).ok_or_else(invalid)?;
    match proof.thumbprint.as_str() == cnf.jkt {
        true => Ok(Some(proof)),
        false => Err(invalid()),
    }
}

fn verified(binding: &PresentedBinding<'_>) -> Option<DpopProof> {
    let presented = binding.presented?;
    let url = Htu::parse(&presented.htu)?;
    if !is_at(&presented.htu, binding.resource.uri.as_str()) {
        return None;
    }
    let ath = hash::access_token_hash(binding.token);
    let context = ProofContext {
        method: &presented.htm,
        url: &url,
        now: binding.now,
        // A nonce is the resource server's own.
        nonce: NoncePolicy::NotUsed,
        token: TokenHash::Required(&ath),
    };
    let proof = UnverifiedProof::parse(&presented.proof).ok()?;
    proof.verify(&context).ok()
}

/// Whether the request came to the resource's own origin: a proof for another place is not one for this.
fn is_at(htu: &str, resource: &str) -> bool {
    let origin = |text: &str| Url::parse(text).ok().map(|url| url.origin());
    match (origin(htu), origin(resource)) {
        (Some(called), Some(own)) => called.is_tuple() && called == own,
        _ => false,
    }
}

pub fn invalid() -> AccessDenial {
    AccessDenial::of(DecisionReason::ProofInvalid)
}
