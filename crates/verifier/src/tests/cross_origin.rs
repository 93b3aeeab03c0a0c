//! Clients that run in a browser: the preflight needs no token, the answers and the metadata document can be read.

use std::convert::Infallible;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use tower::{Layer, ServiceExt, service_fn};

use super::world::{World, request};
use crate::{CrossOrigin, VerifierLayer};

async fn never(_: Request<()>) -> Result<Response<Bytes>, Infallible> {
    panic!("it came through")
}

fn preflight() -> Request<()> {
    Request::options("/accounts")
        .header("origin", "https://inspector.example")
        .header("access-control-request-method", "POST")
        .header(
            "access-control-request-headers",
            "authorization, dpop, mcp-protocol-version",
        )
        .body(())
        .unwrap()
}

fn allowed(headers: &HeaderMap) -> Option<&str> {
    assert!(!headers.contains_key("access-control-allow-credentials"));
    let origin = headers.get("access-control-allow-origin")?;
    Some(origin.to_str().unwrap())
}

#[tokio::test]
async fn fetch_3_3_a_preflight_needs_no_token_and_reaches_no_service() {
    let world = World::new();
    let layer = VerifierLayer::new(world.verifier.clone());
    let service = layer.layer(service_fn(never));
    let response = service.oneshot(preflight()).await.unwrap();
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    let headers = response.headers();
    assert_eq!(allowed(headers), Some("*"));
    let named = headers["access-control-allow-headers"].to_str().unwrap();
    for name in ["authorization", "dpop", "mcp-protocol-version"] {
        assert!(named.contains(name), "{named}");
    }
    assert_eq!(headers["access-control-max-age"], "7200");
    assert!(!headers.contains_key("www-authenticate"));
}

#[tokio::test]
async fn an_options_request_that_is_no_preflight_needs_a_token() {
    let world = World::new();
    let service = VerifierLayer::new(world.verifier.clone()).layer(service_fn(never));
    let plain = Request::options("/accounts").body(()).unwrap();
    let response = service.oneshot(plain).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_refusal_can_be_read_and_its_challenge_too() {
    let world = World::new();
    let service = VerifierLayer::new(world.verifier.clone()).layer(service_fn(never));
    let asked = Request::get("/accounts").body(()).unwrap();
    let response = service.oneshot(asked).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(allowed(response.headers()), Some("*"));
    let exposed = &response.headers()["access-control-expose-headers"];
    assert!(exposed.to_str().unwrap().contains("www-authenticate"));
}

#[tokio::test]
async fn what_the_application_says_of_origins_stays() {
    let world = World::new();
    let token = world.token();
    for said in [None, Some("https://only.example")] {
        let proof = world.proof(&token).await;
        let answer = move |_: Request<()>| {
            let mut response = Response::builder();
            if let Some(origin) = said {
                response = response.header("access-control-allow-origin", origin);
            }
            std::future::ready(Ok::<_, Infallible>(response.body(Bytes::new()).unwrap()))
        };
        let service = VerifierLayer::new(world.verifier.clone()).layer(service_fn(answer));
        let response = service.oneshot(request(&token, &proof)).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(allowed(response.headers()), said.or(Some("*")));
    }
}

#[tokio::test]
async fn where_it_is_closed_no_answer_lets_an_origin_in() {
    let world = World::new();
    let layer = VerifierLayer::new(world.verifier.clone()).with_cross_origin(CrossOrigin::Closed);
    let asked = Request::get("/accounts").body(()).unwrap();
    for (request, status) in [
        (preflight(), StatusCode::NO_CONTENT),
        (asked, StatusCode::UNAUTHORIZED),
    ] {
        let service = layer.layer(service_fn(never));
        let response = service.oneshot(request).await.unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(allowed(response.headers()), None);
    }
}

#[test]
fn rfc_9728_3_1_the_document_is_open_to_every_origin() {
    let document = World::new()
        .verifier
        .resource_metadata(&["accounts:read"], &[]);
    for (method, status) in [
        (Method::GET, StatusCode::OK),
        (Method::HEAD, StatusCode::OK),
        (Method::OPTIONS, StatusCode::NO_CONTENT),
        (Method::POST, StatusCode::METHOD_NOT_ALLOWED),
    ] {
        let answer = document.answer(&method);
        assert_eq!(answer.status(), status, "{method}");
        assert_eq!(allowed(answer.headers()), Some("*"), "{method}");
    }
    let answer = document.answer(&Method::GET);
    assert_eq!(answer.headers()["content-type"], "application/json");
    let read: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
    assert_eq!(read, serde_json::to_value(&document).unwrap());
}
