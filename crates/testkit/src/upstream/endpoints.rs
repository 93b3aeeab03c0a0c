//! Endpoints of the test provider: its documents, its token endpoint, which takes each code, refresh token and assertion once, and UserInfo.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use writ_jose::hash;
use writ_jose::jws::UnverifiedJwt;
use writ_jose::key::KeySet;

use super::{ProviderMemory, UPSTREAM_CLIENT, UPSTREAM_SECRET};

pub(super) fn metadata(origin: &str) -> Value {
    json!({
        "issuer": origin, "authorization_endpoint": format!("{origin}/authorize?tenant=1"),
        "token_endpoint": format!("{origin}/token"), "jwks_uri": format!("{origin}/jwks"),
        "response_types_supported": ["code"], "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256", "none", "HS256"],
        "authorization_response_iss_parameter_supported": true
    })
}

pub(super) async fn show_metadata(State(memory): State<Arc<ProviderMemory>>) -> Json<Value> {
    let mut shown = memory.metadata.lock().unwrap().clone();
    shown
        .as_object_mut()
        .unwrap()
        .retain(|_, value| !value.is_null());
    Json(shown)
}

pub(super) async fn show_keys(State(memory): State<Arc<ProviderMemory>>) -> Json<Value> {
    Json(json!({ "keys": memory.keys.lock().unwrap().clone() }))
}

pub(super) async fn redeem(
    State(memory): State<Arc<ProviderMemory>>,
    headers: HeaderMap,
    body: String,
) -> Response {
    if let Some(fault) = memory.token_fault.lock().unwrap().clone() {
        return fault.into_response();
    }
    let form: BTreeMap<String, String> = form_urlencoded::parse(body.as_bytes())
        .into_owned()
        .collect();
    let field = |name: &str| form.get(name).cloned().unwrap_or_default();
    if let Some(keys) = memory.client_keys.lock().unwrap().as_ref() {
        let proven = !headers.contains_key("authorization") && is_client(&memory, keys, &field);
        return match proven {
            true => grant(&memory, &field),
            false => refusal(StatusCode::UNAUTHORIZED, "invalid_client"),
        };
    }
    let credentials = STANDARD.encode(format!(
        "{UPSTREAM_CLIENT}:{}",
        form_urlencoded::byte_serialize(UPSTREAM_SECRET.as_bytes()).collect::<String>()
    ));
    let authorization = headers
        .get("authorization")
        .map(|value| value.to_str().unwrap());
    if authorization != Some(format!("Basic {credentials}").as_str()) {
        return refusal(StatusCode::UNAUTHORIZED, "invalid_client");
    }
    grant(&memory, &field)
}

/// RFC 7523 section 3.
fn is_client(memory: &ProviderMemory, keys: &KeySet, field: &dyn Fn(&str) -> String) -> bool {
    let text = field("client_assertion");
    let jwt = UnverifiedJwt::parse_client_assertion(&text).unwrap();
    let mut candidates = keys.candidates(jwt.header().kid.as_deref());
    let signer = candidates.find(|key| jwt.verify_signature(key).is_ok());
    let Some(signer) = signer else {
        return false;
    };
    let claims: Value = jwt.verify(signer).unwrap();
    let origin = memory.metadata.lock().unwrap()["issuer"].clone();
    let life = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
    let jti = claims["jti"].as_str().unwrap().to_owned();
    field("client_assertion_type") == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        && field("client_id") == UPSTREAM_CLIENT
        && field("client_secret").is_empty()
        && claims["iss"] == UPSTREAM_CLIENT
        && claims["sub"] == UPSTREAM_CLIENT
        && claims["aud"] == origin
        && (1..=300).contains(&life)
        && memory.used.lock().unwrap().insert(jti)
}

fn grant(memory: &ProviderMemory, field: &dyn Fn(&str) -> String) -> Response {
    if field("grant_type") == "refresh_token" {
        return refresh(memory, &field("refresh_token"));
    }
    let prepared = memory.codes.lock().unwrap().remove(&field("code"));
    let challenge = URL_SAFE_NO_PAD.encode(hash::sha256(field("code_verifier").as_bytes()));
    match prepared {
        Some(prepared)
            if field("grant_type") == "authorization_code"
                && prepared.challenge == challenge
                && prepared.redirect_uri == field("redirect_uri") =>
        {
            *memory.redeemed.lock().unwrap() += 1;
            Json(prepared.tokens).into_response()
        }
        _ => refusal(StatusCode::BAD_REQUEST, "invalid_grant"),
    }
}

fn refresh(memory: &ProviderMemory, token: &str) -> Response {
    *memory.refreshed.lock().unwrap() += 1;
    match memory.refreshes.lock().unwrap().remove(token) {
        Some(tokens) => Json(tokens).into_response(),
        None => refusal(StatusCode::BAD_REQUEST, "invalid_grant"),
    }
}

pub(super) async fn show_userinfo(
    State(memory): State<Arc<ProviderMemory>>,
    headers: HeaderMap,
) -> Response {
    match headers.get("authorization").map(|value| value.as_bytes()) {
        Some(b"Bearer at") => Json(memory.userinfo.lock().unwrap().clone()).into_response(),
        _ => StatusCode::UNAUTHORIZED.into_response(),
    }
}

fn refusal(status: StatusCode, error: &str) -> Response {
    (status, Json(json!({ "error": error }))).into_response()
}
