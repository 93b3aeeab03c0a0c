//! UserInfo (OpenID Connect Core 5.3): for a token whose audience is the issuer and whose scope is `openid`, bound tokens with proof.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde_json::{Value, json as value};
use writ_core::OAuthError;
use writ_core::checks::Endpoint;
use writ_core::id::{DelegationId, UserId};
use writ_core::request::OPENID;
use writ_jose::dpop::{DpopProof, NoncePolicy, ProofContext, TokenHash};
use writ_jose::{access_token, hash};
use writ_store::replay::ReplayClaim;
use writ_wire::challenge::HttpChallenge;
use writ_wire::claims::AccessTokenClaims;
use writ_wire::dpop::SIGNING_ALGORITHMS;
use writ_wire::error::{ErrorBody, ErrorCode, description};
use writ_wire::scope::Scope;

use crate::client::answer::{NonceRefused, json};
use crate::client::caller::proof;
use crate::node::app::App;
use crate::node::failure::Failure;

pub async fn userinfo(State(app): State<Arc<App>>, method: Method, headers: HeaderMap) -> Response {
    match answer(&app, &method, &headers).await {
        Ok(claims) => json(StatusCode::OK, &claims),
        Err(Failure::Broken(cause)) => app.broken(&cause),
        Err(
            Failure::Unauthenticated(refusal)
            | Failure::Refused(refusal, _)
            | Failure::Waiting(refusal),
        ) => {
            app.metrics.refused(Endpoint::Userinfo, refusal.code);
            app.with_nonce(challenge(&refusal), None)
        }
    }
}

async fn answer(app: &App, method: &Method, headers: &HeaderMap) -> Result<Value, Failure> {
    let (scheme, token) = credentials(headers)?;
    let now = app.clock.now();
    let keys = app.keys().await?;
    let claims = access_token::verify(token, |kid| keys.find(kid), app.config.issuer.as_str(), now)
        .map_err(|e| invalid_token(&e.to_string()))?;
    if claims.aud != app.config.issuer.as_str() {
        return Err(invalid_token("the token is meant for another audience").into());
    }
    let has_openid = claims
        .scope
        .as_deref()
        .is_some_and(|s| Scope::parse(s).is_ok_and(|s| s.contains(OPENID)));
    if !has_openid {
        return Err(OAuthError::new(
            ErrorCode::InsufficientScope,
            "the token lacks scope `openid`",
        )
        .into());
    }
    bound(app, (method, headers), (scheme, token), &claims).await?;
    person(app, &claims).await
}

/// Live, and who it is.
async fn person(app: &App, claims: &AccessTokenClaims) -> Result<Value, Failure> {
    let untraceable = || invalid_token("the token is not live");
    let delegation = claims
        .delegation()
        .map(DelegationId::from_text)
        .ok_or_else(untraceable)?;
    let mut session = app.read().await?;
    if !session.is_live(&delegation, app.clock.now()).await? {
        return Err(untraceable().into());
    }
    let user = session
        .user_by_id(&UserId::from_text(claims.sub.as_str()))
        .await?
        .ok_or_else(untraceable)?;
    Ok(value!({ "sub": user.user.id, "preferred_username": user.user.name }))
}

/// A bound token comes with a fresh proof by its key; a bearer token comes as `Bearer`.
async fn bound(
    app: &App,
    (method, headers): (&Method, &HeaderMap),
    (scheme, token): (Scheme, &str),
    claims: &AccessTokenClaims,
) -> Result<(), Failure> {
    let jkt = match (&claims.cnf, scheme) {
        (None, Scheme::Bearer) => return Ok(()),
        (Some(cnf), Scheme::DPoP) => &cnf.jkt,
        (Some(_), Scheme::Bearer) => {
            return Err(invalid_token("the token is bound to a key: use scheme `DPoP`").into());
        }
        (None, Scheme::DPoP) => {
            return Err(invalid_token("the token is bound to no key: use scheme `Bearer`").into());
        }
    };
    let ath = hash::access_token_hash(token);
    let nonces = match app.client(&claims.client_id).await? {
        Some(client) if app.config.nonces.of(client.profile) => NoncePolicy::Required(&app.nonces),
        _ => NoncePolicy::Optional(&app.nonces),
    };
    let context = ProofContext {
        method: method.as_str(),
        url: &app.urls.userinfo,
        now: app.clock.now(),
        nonce: nonces,
        token: TokenHash::Required(&ath),
    };
    let found = proof(headers, &context)?
        .ok_or_else(|| invalid_token("the proof is missing: send one `DPoP` header"))?;
    if found.thumbprint.as_str() != jkt {
        return Err(
            invalid_token("the proof's key is not the one that the token is bound to").into(),
        );
    }
    claim(app, &found).await
}

async fn claim(app: &App, proof: &DpopProof) -> Result<(), Failure> {
    let mut session = app.begin().await?;
    let once = ReplayClaim {
        digest: proof.replay_digest(),
        expires_at: proof.accepted_until,
    };
    if session.claim_once(&[once]).await?.is_some() {
        return Err(OAuthError::invalid_proof("the proof was used before").into());
    }
    Ok(session.commit().await?)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scheme {
    DPoP,
    Bearer,
}

fn credentials(headers: &HeaderMap) -> Result<(Scheme, &str), OAuthError> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let missing = || OAuthError::new(ErrorCode::InvalidToken, "");
    let text = values
        .next()
        .ok_or_else(missing)?
        .to_str()
        .map_err(|_| missing())?;
    if values.next().is_some() {
        return Err(OAuthError::invalid_request(
            "more than one `Authorization` header",
        ));
    }
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("dpop") => {
            Ok((Scheme::DPoP, token.trim()))
        }
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
            Ok((Scheme::Bearer, token.trim()))
        }
        _ => Err(missing()),
    }
}

fn invalid_token(sentence: &str) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidToken, sentence)
}

/// RFC 6750 section 3, RFC 9449 section 7.1: without credentials there is no error code.
fn challenge(refusal: &OAuthError) -> Response {
    let status = match refusal.code {
        ErrorCode::InvalidRequest => StatusCode::BAD_REQUEST,
        ErrorCode::InsufficientScope => StatusCode::FORBIDDEN,
        _ => StatusCode::UNAUTHORIZED,
    };
    let mut challenge = HttpChallenge::new("DPoP");
    if !refusal.sentence.is_empty() {
        challenge = challenge
            .with("error", refusal.code.as_str())
            .with("error_description", &refusal.sentence);
    }
    let challenge = challenge.with("algs", &SIGNING_ALGORITHMS.join(" "));
    let body = ErrorBody {
        error: refusal.code,
        error_description: (!refusal.sentence.is_empty()).then(|| description(&refusal.sentence)),
        excess: Vec::new(),
        error_id: None,
    };
    let mut response = json(status, &body);
    if refusal.code == ErrorCode::UseDpopNonce {
        response.extensions_mut().insert(NonceRefused);
    }
    if let Ok(value) = HeaderValue::from_str(&challenge.render()) {
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, value);
    }
    response
}
