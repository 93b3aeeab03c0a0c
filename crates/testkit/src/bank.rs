//! A bank's API behind the verifier: `POST /payments` takes the payment that the body describes, `GET /accounts` needs
//! the scope `accounts:read`; both tell who called.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use bytes::Bytes;
use serde_json::json;
use writ_platform::Clock;
use writ_verifier::{
    Caller, ClientSecret, LiveCheck, Rejection, Spends, Verifier, VerifierConfig,
    VerifierEnvironment, VerifierLayer,
};
use writ_wire::rar::Detail;
use writ_wire::resource::ResourceUri;

use crate::cast::{BANK, Cast};
use crate::world::{ISSUER, World};

pub struct Bank;

impl Bank {
    /// Opens at [`BANK`]: live with no cache, agents only, spends in memory; change what is to be different.
    pub fn open(world: &World, cast: &Cast, change: impl FnOnce(&mut VerifierConfig)) {
        let resource = ResourceUri::parse(BANK).unwrap();
        let mut config = VerifierConfig::new(ISSUER, resource, BANK);
        config.agents_only = true;
        config.spends = Spends::InMemory;
        config.live = LiveCheck::Introspection {
            client_id: "bank-api".to_owned(),
            client_secret: ClientSecret::new(cast.bank_secret.clone()),
            cache: Duration::ZERO,
        };
        change(&mut config);
        let environment = VerifierEnvironment {
            transport: world.network.clone(),
            clock: Clock::Manual(world.clock.clone()),
            random: world.random.clone(),
        };
        let verifier = Verifier::new(config, environment).unwrap();
        let router = Router::new()
            .route("/payments", post(pay))
            .route("/accounts", get(accounts))
            .with_state(verifier.clone())
            .layer(VerifierLayer::new(verifier));
        world.network.serve(BANK, router);
    }
}

async fn pay(
    State(verifier): State<Verifier>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Response<Body> {
    let wanted: Detail = serde_json::from_slice(&body).unwrap();
    match verifier.permit(&caller, &wanted).await {
        Ok(permit) => told(&caller, &permit.reference),
        Err(refused) => answer(refused),
    }
}

async fn accounts(Extension(caller): Extension<Caller>) -> Response<Body> {
    match caller.require_scope("accounts:read") {
        Ok(()) => told(&caller, ""),
        Err(refused) => answer(refused),
    }
}

fn told(caller: &Caller, reference: &str) -> Response<Body> {
    let actors: Vec<&str> = caller.actors.iter().map(|a| a.sub.as_str()).collect();
    let task = caller.task.as_ref();
    let text = json!({
        "subject": caller.subject.id(), "actors": actors, "client": caller.client, "ref": reference,
        "task": task.map(|t| &t.id), "purpose": task.and_then(|t| t.purpose.as_deref()),
        "approval": caller.approval.as_ref().map(|a| &a.id)
    });
    (StatusCode::OK, text.to_string()).into_response()
}

fn answer(refused: Rejection) -> Response<Body> {
    refused.into_response().map(Body::from)
}
