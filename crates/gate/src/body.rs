//! The body of a message of a client.

use std::time::Duration;

use axum::body::{Body, Bytes};
use http_body_util::{BodyExt, Limited};

/// The largest message of a client, in bytes.
pub const MAX_MESSAGE: usize = 1024 * 1024;
/// How long what was refused by its head may go on to come.
const REST: Duration = Duration::from_secs(2);

/// `None`: it is too large, or did not come whole.
pub(crate) async fn whole(body: Body) -> Option<Bytes> {
    let whole = Limited::new(body, MAX_MESSAGE).collect().await.ok();
    whole.map(|body| body.to_bytes())
}

/// Reads what nobody wants. A connection whose request was not read is closed behind the answer, and a client that sends the next one on it
/// hears nothing.
pub(crate) async fn passed_over(body: Body) {
    drop(tokio::time::timeout(REST, whole(body)).await);
}
