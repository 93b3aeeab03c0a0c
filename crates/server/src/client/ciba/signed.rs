//! Reads a backchannel request: plain parameters, or one signed request (CIBA section 7.1.1).

use writ_core::OAuthError;
use writ_jose::assertion::{SignedRequest, SignedRequestRules};
use writ_store::replay::ReplayClaim;
use writ_wire::ciba::{BackchannelParameters, BackchannelRequest};

use crate::node::failure::Failure;
use crate::request::client_request::ClientRequest;
use crate::request::replay::ReplayCheck;

/// A well-formed request, and the signature if there is one.
pub struct ReadRequest {
    pub request: BackchannelRequest,
    pub signed: Option<SignedRequest>,
}

/// A client that registered an algorithm signs every request, another one none.
pub async fn read(request: &ClientRequest) -> Result<ReadRequest, Failure> {
    let client = request.client();
    let refuse = |refusal: OAuthError| request.refuse(refusal);
    match (
        BackchannelParameters::of(&request.form).map_err(|e| request.refuse(e))?,
        client.backchannel.signing_alg,
    ) {
        (BackchannelParameters::Plain(form), None) => Ok(ReadRequest {
            request: BackchannelRequest::parse(form).map_err(|e| request.refuse(e))?,
            signed: None,
        }),
        (BackchannelParameters::Signed(text), Some(algorithm)) => {
            let keys = request.app.client_keys(client, text, request.address).await;
            let keys = keys.map_err(|missing| {
                missing.failure(|why| refuse(OAuthError::invalid_request(why)))
            })?;
            let rules = SignedRequestRules {
                client_id: client.id.as_str(),
                issuer: request.app.config.issuer.as_str(),
                algorithm,
                now: request.now,
            };
            let signed = SignedRequest::verify(text, &keys, &rules).map_err(|e| {
                let sentence = format!("the signed request is not usable: {e}");
                refuse(OAuthError::invalid_request(sentence))
            })?;
            Ok(ReadRequest {
                request: BackchannelRequest::from_claims(&signed.claims)
                    .map_err(|e| request.refuse(e))?,
                signed: Some(signed),
            })
        }
        (BackchannelParameters::Plain(_), Some(_)) => Err(refuse(OAuthError::invalid_request(
            "this client signs its requests: send `request`",
        ))),
        (BackchannelParameters::Signed(_), None) => Err(refuse(unexpected())),
    }
}

fn unexpected() -> OAuthError {
    OAuthError::invalid_request(
        "this client is not registered for signed requests: \
         `backchannel_authentication_request_signing_alg`",
    )
}

impl ReplayCheck {
    /// A signed request is good once (CIBA 7.1.1, `jti`).
    pub fn of_request(signed: &SignedRequest) -> Self {
        Self {
            claim: ReplayClaim {
                digest: signed.replay_digest(),
                expires_at: signed.accepted_until,
            },
            used: OAuthError::invalid_request(
                "the signed request was used before: make a new one with a fresh `jti`",
            ),
        }
    }
}
