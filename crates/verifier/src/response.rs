//! Refusals as answers of axum's handlers, so that `?` is all that a handler needs.

use axum_core::body::Body;
use axum_core::response::{IntoResponse, Response};

use crate::decide::NotPermitted;
use crate::refused::Rejection;

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        Self::into_response(self).map(Body::from)
    }
}

impl IntoResponse for NotPermitted {
    fn into_response(self) -> Response {
        Self::into_response(self).map(Body::from)
    }
}
