//! A protected resource, a bank's API, behind the middleware of `writ-verifier`: each call is checked with the token and by
//! introspection at the issuer.

use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use serde_json::{Value, json};
use writ_verifier::{
    Caller, ClientSecret, LiveCheck, Rejection, Spends, Verifier, VerifierConfig,
    VerifierEnvironment, VerifierLayer,
};
use writ_wire::rar::Detail;
use writ_wire::resource::ResourceUri;

/// Without a cache of introspections: a stopped task is refused from the next call on.
pub fn router(issuer: &str, bank: &str, secret: &str) -> Result<Router, String> {
    let resource = ResourceUri::parse(bank).map_err(|e| e.to_string())?;
    let mut config = VerifierConfig::new(issuer, resource, bank);
    config.agents_only = true;
    config.spends = Spends::InMemory;
    config.live = LiveCheck::Introspection {
        client_id: "bank-api".to_owned(),
        client_secret: ClientSecret::new(secret.to_owned()),
        cache: Duration::ZERO,
    };
    let environment = VerifierEnvironment::system().map_err(|e| e.to_string())?;
    let verifier = Verifier::new(config, environment).map_err(|e| e.to_string())?;
    Ok(Router::new()
        .route("/accounts", get(accounts))
        .route("/statements", get(statements))
        .route("/payments", post(pay))
        .layer(VerifierLayer::new(verifier.clone()))
        .with_state(verifier))
}

async fn accounts(Extension(caller): Extension<Caller>) -> Response {
    answer_if_scoped(&caller, "accounts:read", "2503.10 EUR")
}

async fn statements(Extension(caller): Extension<Caller>) -> Response {
    answer_if_scoped(&caller, "statements:read", "no movements this month")
}

fn answer_if_scoped(caller: &Caller, scope: &str, answered: &str) -> Response {
    match caller.require_scope(scope) {
        Ok(()) => Json(json!({ "of": caller.subject.id(), "answer": answered })).into_response(),
        Err(refused) => rejection(refused),
    }
}

/// `permit` takes the concrete payment from the token's authority before it is made.
async fn pay(
    State(verifier): State<Verifier>,
    Extension(caller): Extension<Caller>,
    Json(body): Json<Value>,
) -> Response {
    let Ok(payment) = serde_json::from_value::<Detail>(body) else {
        return (http::StatusCode::BAD_REQUEST, "no payment").into_response();
    };
    match verifier.permit(&caller, &payment).await {
        Ok(permit) => {
            let actors: Vec<&str> = caller
                .actors
                .iter()
                .map(|actor| actor.sub.as_str())
                .collect();
            Json(json!({ "paid": payment, "for": caller.subject.id(), "by": actors, "ref": permit.reference }))
                .into_response()
        }
        Err(refused) => rejection(refused),
    }
}

fn rejection(refused: Rejection) -> Response {
    refused.into_response().map(Body::from)
}
