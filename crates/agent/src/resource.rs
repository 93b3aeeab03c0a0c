//! Calls to a resource: the token, its proof with `ath` (RFC 9449 section 7), one answer to a nonce challenge
//! (section 9), and what a refusal says (RFC 6750 section 3, RFC 9470 section 3, RFC 9728 section 5.1,
//! draft-ietf-oauth-rar-metadata-remediation-00).

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderValue, Request, Response, StatusCode, Uri};
use serde::Deserialize;
use url::Url;
use writ_wire::challenge::HttpChallenge;
use writ_wire::claims::AccessTokenClaims;
use writ_wire::dpop::DPOP;
use writ_wire::error::{ErrorCode, description};
use writ_wire::rar::{Detail, MAX_DETAILS};
use writ_wire::strict_json;
use writ_wire::token::TokenType;
use writ_wire::transaction::{ACCEPT_CHALLENGE, TRANSACTION_CHALLENGE};

use crate::advice::advice;
use crate::agent::{Agent, not_a_request, sensitive};
use crate::dpop::{Fresh, ProofFor, proof};
use crate::error::Error;
use crate::jwt;
use crate::metadata::secure;
use crate::token::Grant;

impl Agent {
    /// Sends a request with the grant's token. Any answer but a challenge is `Ok`, whatever its status; a challenge is
    /// [`Error::Resource`]. The URI is absolute, and `https` or loopback.
    pub async fn call(
        &self,
        grant: &Grant,
        request: Request<Bytes>,
    ) -> Result<Response<Bytes>, Error> {
        let url = secure(&request.uri().to_string())?;
        let (mut response, fresh) = self.call_once(grant, request.clone(), &url).await?;
        if fresh == Fresh::Nonce && asks_for_nonce(&response) {
            response = self.call_once(grant, request, &url).await?.0;
        }
        match challenge(&response) {
            Some(challenge) => Err(Error::Resource(Box::new(refusal(&challenge, response)))),
            None => Ok(response),
        }
    }

    async fn call_once(
        &self,
        grant: &Grant,
        mut request: Request<Bytes>,
        url: &Url,
    ) -> Result<(Response<Bytes>, Fresh), Error> {
        // What is signed is what is sent: the normal form of the URL, without its fragment.
        let mut target = url.clone();
        target.set_fragment(None);
        *request.uri_mut() = target.as_str().parse::<Uri>().map_err(not_a_request)?;
        let token = grant.access_token.expose();
        let scheme = grant.token_type.as_str();
        let authorization = sensitive(&format!("{scheme} {token}"))?;
        request.headers_mut().insert(AUTHORIZATION, authorization);
        request.headers_mut().remove(DPOP);
        request.headers_mut().remove(ACCEPT_CHALLENGE);
        if self.takes_challenges_of(token) {
            let yes = HeaderValue::from_static("?1");
            request.headers_mut().insert(ACCEPT_CHALLENGE, yes);
        }
        if grant.token_type == TokenType::DPoP {
            let to = ProofFor {
                method: &request.method().clone(),
                url: &target,
                access_token: Some(token),
                nonce: self.nonces.of(&target),
            };
            let proof = proof(self.bound_key()?, to, &self.environment)?;
            request
                .headers_mut()
                .insert(DPOP, proof.parse().map_err(not_a_request)?);
        }
        let response = self.environment.transport.send(request).await?;
        let fresh = self.nonces.remember(&target, response.headers());
        Ok((response, fresh))
    }
}

impl Agent {
    /// A client says that it takes challenges only where it can verify them.
    fn takes_challenges_of(&self, token: &str) -> bool {
        let read = jwt::read_unverified::<AccessTokenClaims>(token);
        read.is_some_and(|(_, claims)| self.resource_keys.knows(&claims.aud))
    }
}

/// A refusal by a resource, as its challenge says it.
#[derive(Clone, Debug, PartialEq)]
pub struct ResourceRefusal {
    pub status: StatusCode,
    /// `None`: the resource saw no credentials that it takes.
    pub error: Option<String>,
    pub description: Option<String>,
    /// The scopes that would be enough (RFC 6750 section 3).
    pub scope: Option<String>,
    /// The details that, if granted, would be enough: for `Confirm::refused`, or `authorize`, as they are.
    pub insufficient: Vec<Detail>,
    /// The same reference a second time means: stop asking.
    pub authorization_reference: Option<String>,
    /// What the resource signed for the server: for `Confirm::refused`, which presents it as it is.
    pub transaction_challenge: Option<String>,
    /// How strongly the person must log in: any one of these, best first (RFC 9470 section 3).
    pub acr_values: Vec<String>,
    /// How old that login may be, in seconds.
    pub max_age: Option<u64>,
    /// Where the resource describes itself (RFC 9728).
    pub resource_metadata: Option<String>,
    pub body: Bytes,
}

impl ResourceRefusal {
    /// The error as a code that we know.
    pub fn code(&self) -> Option<ErrorCode> {
        self.error.as_deref().and_then(ErrorCode::parse)
    }

    pub fn advice(&self) -> &'static str {
        match (self.code(), &self.error) {
            (Some(code), _) => advice(code),
            (None, None) => {
                "get a token for this resource with `authorize` or `narrow`, naming it as `resource`"
            }
            (None, Some(_)) => "read the description: this error is of the resource's own making",
        }
    }
}

impl fmt::Display for ResourceRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = self.error.as_deref().unwrap_or("no credentials");
        write!(
            f,
            "the resource refused with {} `{error}`",
            self.status.as_u16()
        )?;
        match &self.description {
            Some(description) => write!(f, ": {description}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ResourceRefusal {}

/// The challenge of our kind that says most: one with an error before one without.
fn challenge(response: &Response<Bytes>) -> Option<HttpChallenge> {
    if !CHALLENGING.contains(&response.status()) {
        return None;
    }
    let found: Vec<_> = challenges(response).collect();
    let with_error = found
        .iter()
        .find(|challenge| challenge.get("error").is_some());
    with_error.or(found.first()).cloned()
}

fn challenges(response: &Response<Bytes>) -> impl Iterator<Item = HttpChallenge> {
    let fields = response.headers().get_all(WWW_AUTHENTICATE).iter();
    fields
        .filter_map(|field| HttpChallenge::parse(field.to_str().ok()?))
        .filter(|challenge| {
            let is = |scheme: &str| challenge.scheme.eq_ignore_ascii_case(scheme);
            is("DPoP") || is("Bearer")
        })
}

/// 401 at a resource (RFC 9449 section 9).
fn asks_for_nonce(response: &Response<Bytes>) -> bool {
    response.status() == StatusCode::UNAUTHORIZED
        && challenges(response).any(|challenge| {
            challenge.scheme.eq_ignore_ascii_case("DPoP")
                && challenge.get("error") == Some(ErrorCode::UseDpopNonce.as_str())
        })
}

fn refusal(challenge: &HttpChallenge, response: Response<Bytes>) -> ResourceRefusal {
    let text = |name: &str| challenge.get(name).map(description);
    let remediation = challenge
        .get("authorization_remediation")
        .and_then(|encoded| URL_SAFE_NO_PAD.decode(encoded).ok())
        .and_then(|json| strict_json::read::<Remediation>(&json).ok())
        .filter(|remediation| remediation.authorization_details.len() <= MAX_DETAILS)
        .unwrap_or_default();
    ResourceRefusal {
        status: response.status(),
        error: text("error"),
        description: text("error_description"),
        scope: text("scope"),
        insufficient: remediation.authorization_details,
        authorization_reference: remediation.authorization_reference,
        transaction_challenge: challenge.get(TRANSACTION_CHALLENGE).map(str::to_owned),
        acr_values: acr_values(text("acr_values")),
        max_age: challenge.get("max_age").and_then(|age| age.parse().ok()),
        resource_metadata: text("resource_metadata"),
        body: response.into_body(),
    }
}

/// Names with spaces between (RFC 9470 section 3).
fn acr_values(text: Option<String>) -> Vec<String> {
    let text = text.unwrap_or_default();
    let names = text.split(' ').filter(|name| !name.is_empty());
    names.take(MAX_ACR_VALUES).map(str::to_owned).collect()
}

/// draft-ietf-oauth-rar-metadata-remediation-00.
#[derive(Default, Deserialize)]
struct Remediation {
    #[serde(default)]
    authorization_details: Vec<Detail>,
    #[serde(default)]
    authorization_reference: Option<String>,
}

/// More than a resource knows.
const MAX_ACR_VALUES: usize = 16;
/// The statuses with which a resource refuses a token (RFC 6750 section 3.1).
const CHALLENGING: [StatusCode; 3] = [
    StatusCode::BAD_REQUEST,
    StatusCode::UNAUTHORIZED,
    StatusCode::FORBIDDEN,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_ways_to_sign_in_are_read() {
        for (said, read) in [
            (MAX_ACR_VALUES, MAX_ACR_VALUES),
            (MAX_ACR_VALUES + 1, MAX_ACR_VALUES),
        ] {
            let names = vec!["urn:a"; said].join(" ");
            assert_eq!(acr_values(Some(names)).len(), read, "{said}");
        }
        assert!(acr_values(None).is_empty());
    }
}
