//! What a provider says of a person: its ID token, verified (OpenID Connect Core section 3.1.3.7), and the claims that count here.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use openidconnect::core::{CoreJsonWebKey, CoreJsonWebKeySet, CoreJwsSigningAlgorithm};
use openidconnect::{
    AccessTokenHash, ClaimsVerificationError, ClientId, IdTokenVerifier, IssuerUrl, NonceVerifier,
    OAuth2TokenResponse, SignatureVerificationError, TokenResponse,
};
use serde::Deserialize;
use serde_json::{Value, json};
use writ_core::upstream::{CLOCKS_APART, UpstreamClaims, is_subject, session_name, verified_email};
use writ_jose::key::{KeySet, RsaSignatures};
use writ_wire::time::Timestamp;

use super::types::{Tokens, UpstreamIdToken, VerifiedClaims};
use super::userinfo::LeftOut;
use super::{ReachedProvider, UpstreamError, refused};
use crate::node::client_keys::{MAX_STALE_KEYS, UNKNOWN_KEY_INTERVAL};
use crate::node::outgoing::call_limits::CallReason;
use crate::node::outgoing::fetch::{
    AcceptedAge, DocumentPurpose, Fallback, FetchedDocument, WantedDocument,
};

/// By a key of the provider alone (RFC 8725 section 3.1): never `none`, and never the client secret. Those by which the provider can sign
/// a logout token too: whoever signs people in must be able to sign them out.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 4] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EdDsa,
];

impl ReachedProvider<'_> {
    /// Claims of the ID token, and those of the UserInfo endpoint that something here depends on and the ID token leaves out.
    pub(super) async fn verified<N: NonceVerifier + Copy>(
        &self,
        tokens: &Tokens,
        nonce: N,
    ) -> Result<UpstreamClaims, UpstreamError> {
        let id_token = tokens.id_token();
        let id_token = id_token.ok_or_else(|| refused("there is no ID token"))?;
        let verifier = self.verifier_for(id_token, nonce).await?;
        let claims = id_token.claims(&verifier, nonce).map_err(refused)?;
        check_token_hash(id_token, &verifier, claims, tokens)?;
        let (read, left_out) = (self.read(claims)?, self.left_out(claims));
        self.completed(read, left_out, tokens.access_token()).await
    }

    fn left_out(&self, claims: &VerifiedClaims) -> LeftOut {
        let others = &claims.additional_claims().others;
        LeftOut {
            groups: !others.contains_key(&self.provider.groups_claim),
            email: claims.email().is_none(),
        }
    }

    /// With the keys that are kept, or, where none of them signed the token, with those that are published now.
    async fn verifier_for<N: NonceVerifier + Copy>(
        &self,
        id_token: &UpstreamIdToken,
        nonce: N,
    ) -> Result<IdTokenVerifier<'_, CoreJsonWebKey>, UpstreamError> {
        let kept = self.verifier(AcceptedAge::Fresh).await?;
        match id_token.claims(&kept, nonce) {
            Err(ClaimsVerificationError::SignatureVerification(
                SignatureVerificationError::NoMatchingKey
                | SignatureVerificationError::CryptoError(_),
            )) => {
                let earliest = self.app.clock.now().minus(UNKNOWN_KEY_INTERVAL);
                self.verifier(AcceptedAge::FetchedSince(earliest)).await
            }
            _ => Ok(kept),
        }
    }

    /// OpenID Connect Core section 3.1.3.7, by this server's clock.
    async fn verifier(
        &self,
        age: AcceptedAge,
    ) -> Result<IdTokenVerifier<'_, CoreJsonWebKey>, UpstreamError> {
        let document = self.keys(age).await?;
        let keys = key_set(&document.body).map_err(UpstreamError::Unavailable)?;
        let now = self.app.clock.now();
        let latest = now.plus(CLOCKS_APART).seconds();
        let issuer = IssuerUrl::new(self.provider.issuer.clone()).map_err(refused)?;
        let id = ClientId::new(self.provider.client_id.clone());
        // As of a public client, whose ID tokens no secret signs.
        Ok(IdTokenVerifier::new_public_client(id, issuer, keys)
            .set_allowed_algs(ALGORITHMS)
            .set_time_fn(move || system_time(now).into())
            .set_issue_time_verifier_fn(move |iat| match iat.timestamp() <= latest {
                true => Ok(()),
                false => Err("`iat` lies ahead".to_owned()),
            })
            .set_auth_time_verifier_fn(move |at| match at.map(|at| at.timestamp()) {
                Some(at) if at > latest => Err("`auth_time` lies ahead".to_owned()),
                _ => Ok(()),
            }))
    }

    async fn keys(&self, age: AcceptedAge) -> Result<Arc<FetchedDocument>, UpstreamError> {
        let wanted = WantedDocument {
            url: self.metadata.jwks_uri().as_str(),
            purpose: DocumentPurpose::UpstreamJwkSet,
            reason: CallReason::Registered,
            age,
            fallback: Fallback::StaleFor(MAX_STALE_KEYS),
            check: |_, body| key_set(body).map(drop),
        };
        Ok(self.app.documents.fetch(&wanted).await?)
    }

    /// Those by which the provider signs what is no ID token; an unknown `kid` is looked for once in a minute.
    pub async fn signing_keys(&self, kid: Option<&str>) -> Result<KeySet, UpstreamError> {
        let keys_of = |document: Arc<FetchedDocument>| {
            let keys = KeySet::published(&document.body, RsaSignatures::PssAndPkcs1);
            keys.map_err(|error| UpstreamError::Unavailable(error.to_string()))
        };
        let kept = keys_of(self.keys(AcceptedAge::Fresh).await?)?;
        if kid.is_none() || kept.candidates(kid).next().is_some() {
            return Ok(kept);
        }
        let earliest = self.app.clock.now().minus(UNKNOWN_KEY_INTERVAL);
        keys_of(self.keys(AcceptedAge::FetchedSince(earliest)).await?)
    }

    fn read(&self, claims: &VerifiedClaims) -> Result<UpstreamClaims, UpstreamError> {
        let azp = claims.authorized_party();
        if azp.is_some_and(|azp| azp.as_str() != self.provider.client_id) {
            return Err(refused("`azp` is another client"));
        }
        let subject = claims.subject().as_str();
        if !is_subject(subject) {
            return Err(refused("`sub` is not 1 to 255 ASCII characters"));
        }
        let more = claims.additional_claims();
        let auth_time = claims.auth_time().map(|at| at.timestamp());
        let email = claims.email().map(|address| address.as_str());
        let amr = claims.auth_method_refs().map_or(&[][..], Vec::as_slice);
        let sid = session_name(more.sid.clone()).map_err(refused)?;
        Ok(UpstreamClaims {
            subject: subject.to_owned(),
            verified_email: verified_email(email, claims.email_verified()),
            preferred_username: claims.preferred_username().map(|name| name.to_string()),
            groups: texts(more.others.get(&self.provider.groups_claim)),
            acr: claims.auth_context_ref().map(|acr| acr.to_string()),
            amr: amr.iter().map(|method| method.to_string()).collect(),
            auth_time: auth_time.map(Timestamp::from_seconds),
            sid,
        })
    }
}

/// OpenID Connect Core section 3.1.3.8: an `at_hash` that is there is that of the access token beside it.
fn check_token_hash(
    id_token: &UpstreamIdToken,
    verifier: &IdTokenVerifier<'_, CoreJsonWebKey>,
    claims: &VerifiedClaims,
    tokens: &Tokens,
) -> Result<(), UpstreamError> {
    let Some(expected) = claims.access_token_hash() else {
        return Ok(());
    };
    let algorithm = id_token.signing_alg().map_err(refused)?;
    let key = id_token.signing_key(verifier).map_err(refused)?;
    let found = AccessTokenHash::from_token(tokens.access_token(), algorithm, key);
    match found.map_err(refused)? == *expected {
        true => Ok(()),
        false => Err(refused("`at_hash` is of another access token")),
    }
}

/// Those keys alone by which a logout token could be signed too: a weak one, or one that is too large, verifies nothing.
fn key_set(body: &[u8]) -> Result<CoreJsonWebKeySet, String> {
    let keys = KeySet::published_jwks(body, RsaSignatures::PssAndPkcs1);
    let keys = keys.map_err(|error| format!("its key set cannot be read: {error}"))?;
    let set = serde_json::from_value(json!({ "keys": keys }));
    set.map_err(|error| format!("its key set cannot be read: {error}"))
}

/// Of a claim that is a list of texts and of nothing else; any other says none.
pub(super) fn texts(claim: Option<&Value>) -> BTreeSet<String> {
    let list = claim.and_then(|claim| BTreeSet::deserialize(claim).ok());
    list.unwrap_or_default()
}

fn system_time(at: Timestamp) -> SystemTime {
    let since = u64::try_from(at.micros()).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_micros(since)
}

#[cfg(test)]
mod tests {
    use writ_jose::key::Algorithm;

    use super::*;

    #[test]
    fn whoever_signs_people_in_can_sign_them_out() {
        let names = ALGORITHMS.map(|one| json!(one).as_str().unwrap().to_owned());
        for name in &names {
            assert!(
                Algorithm::parse_of_client_assertion(name).is_some(),
                "{name}"
            );
        }
        for name in ["RS256", "PS256", "ES256", "EdDSA"] {
            assert!(names.iter().any(|one| one == name), "{name}");
        }
    }

    #[test]
    fn only_a_list_of_texts_names_groups() {
        for (claim, expected) in [
            (json!(["g1", "g2", "g1"]), vec!["g1", "g2"]),
            (json!([]), vec![]),
            (json!("g1"), vec![]),
            (json!(["g1", 7]), vec![]),
            (json!(["g1", null]), vec![]),
            (json!(["g1", ["g2"]]), vec![]),
            (json!({ "g1": true }), vec![]),
            (json!(null), vec![]),
            (json!(7), vec![]),
        ] {
            let found: Vec<String> = texts(Some(&claim)).into_iter().collect();
            assert_eq!(found, expected, "{claim}");
        }
        assert!(texts(None).is_empty());
    }
}
