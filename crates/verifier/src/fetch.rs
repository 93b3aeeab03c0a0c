//! Requests to the issuer: JSON in 200 or nothing, bounded in time; size and redirects are the transport's.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::ACCEPT;
use http::{Request, StatusCode};
use serde::de::DeserializeOwned;
use tokio::time::timeout;
use writ_platform::{Transport, TransportError};
use writ_wire::strict_json;

/// Why there is no document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FetchError {
    #[error(transparent)]
    Transport(#[from] TransportError),
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    #[error("the answer's status is {0}")]
    Status(StatusCode),
    #[error("the answer is not the JSON that was expected: {0}")]
    Json(String),
    #[error("the request cannot be written: {0}")]
    Request(String),
}

pub(crate) async fn get(
    transport: &Arc<dyn Transport>,
    url: &str,
    limit: Duration,
) -> Result<Bytes, FetchError> {
    let request = Request::get(url)
        .header(ACCEPT, "application/json")
        .body(Bytes::new())
        .map_err(|e| FetchError::Request(e.to_string()))?;
    send(transport, request, limit).await
}

pub(crate) async fn send(
    transport: &Arc<dyn Transport>,
    request: Request<Bytes>,
    limit: Duration,
) -> Result<Bytes, FetchError> {
    let answer = timeout(limit, transport.send(request))
        .await
        .map_err(|_| FetchError::Timeout(limit))??;
    if answer.status() != StatusCode::OK {
        return Err(FetchError::Status(answer.status()));
    }
    Ok(answer.into_body())
}

pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, FetchError> {
    strict_json::read(body).map_err(|e| FetchError::Json(e.to_string()))
}
