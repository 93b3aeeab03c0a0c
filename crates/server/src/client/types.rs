//! `GET /types/{sha256}`: the rules of one version of a type, for verifiers. Immutable: another version has another hash.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use crate::node::app::App;

pub async fn document(State(app): State<Arc<App>>, Path(hash): Path<String>) -> Response {
    let found = match app.read().await {
        Ok(mut reading) => reading.type_document(&hash).await,
        Err(error) => Err(error),
    };
    match found {
        Ok(Some(document)) => (
            [
                (
                    header::CONTENT_TYPE,
                    HeaderValue::from_static("application/json"),
                ),
                (
                    header::CACHE_CONTROL,
                    HeaderValue::from_static("public, max-age=31536000, immutable"),
                ),
            ],
            document,
        )
            .into_response(),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => app.fault(&error.into()),
    }
}
