//! The layer: a caller among the extensions, or the refusal.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use tower::{Layer, ServiceExt, service_fn};

use super::world::{World, request};
use crate::{Caller, VerifierLayer};

async fn handler(request: Request<()>) -> Result<Response<Bytes>, Infallible> {
    let caller: &Caller = request.extensions().get().unwrap();
    Ok(Response::new(Bytes::from(caller.subject.id().to_owned())))
}

#[tokio::test]
async fn an_accepted_request_reaches_the_service_with_its_caller() {
    let world = World::new();
    let token = world.token();
    let proof = world.proof(&token).await;
    let service = VerifierLayer::new(world.verifier.clone()).layer(service_fn(handler));
    let response = service.oneshot(request(&token, &proof)).await.unwrap();
    assert_eq!(
        (response.status(), response.body().as_ref()),
        (StatusCode::OK, &b"usr_alice"[..])
    );
}

#[tokio::test]
async fn a_refused_request_does_not() {
    let world = World::new();
    let never = service_fn(
        async |_: Request<()>| -> Result<Response<Bytes>, Infallible> {
            panic!("a refused request came through")
        },
    );
    let service = VerifierLayer::new(world.verifier.clone()).layer(never);
    let response = service
        .oneshot(Request::get("/").body(()).unwrap())
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert!(response.headers().contains_key("www-authenticate"));
}
