//! Reads a backchannel request: plain parameters, or one signed request (CIBA section 7.1.1).

use writ_core::OAuthError;
use writ_core::client::Authentication;
use writ_jose::assertion::{SignedRequest, SignedRequestRules};
use writ_store::replay::ReplayClaim;
use writ_wire::ciba::{BackchannelParameters, BackchannelRequest};

use crate::request::client_request::ClientRequest;
use crate::request::replay::ReplayCheck;

/// A well-formed request, and the signature if there is one.
pub struct ReadRequest {
    pub request: BackchannelRequest,
    pub signed: Option<SignedRequest>,
}

/// A client that registered an algorithm signs every request, another one none.
pub fn read(request: &ClientRequest) -> Result<ReadRequest, OAuthError> {
    let client = request.client();
    match (
        BackchannelParameters::of(&request.form)?,
        client.backchannel.signing_alg,
    ) {
        (BackchannelParameters::Plain(form), None) => Ok(ReadRequest {
            request: BackchannelRequest::parse(form)?,
            signed: None,
        }),
        (BackchannelParameters::Signed(text), Some(algorithm)) => {
            let Authentication::PrivateKeyJwt(keys) = &client.authentication else {
                return Err(unexpected());
            };
            let rules = SignedRequestRules {
                client_id: client.id.as_str(),
                issuer: request.app.config.issuer.as_str(),
                algorithm,
                now: request.now,
            };
            let signed = SignedRequest::verify(text, keys, &rules).map_err(|e| {
                OAuthError::invalid_request(format!("the signed request is not usable: {e}"))
            })?;
            Ok(ReadRequest {
                request: BackchannelRequest::from_claims(&signed.claims)?,
                signed: Some(signed),
            })
        }
        (BackchannelParameters::Plain(_), Some(_)) => Err(OAuthError::invalid_request(
            "this client signs its requests: send `request`",
        )),
        (BackchannelParameters::Signed(_), None) => Err(unexpected()),
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
