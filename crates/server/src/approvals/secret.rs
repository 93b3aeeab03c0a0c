//! Secrets that a ping or push sends later, encrypted at rest: the `auth_req_id` and the client's notification token.

use serde::{Deserialize, Serialize};
use writ_core::id::ApprovalId;
use writ_core::pending::{Delivery, PendingRequest};
use writ_core::realm::DEFAULT_TENANT;

use crate::node::app::App;
use crate::node::failure::Failure;

/// What is sealed; without `Debug`, so that it is never logged.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secrets {
    pub auth_req_id: String,
    pub client_notification_token: String,
}

/// `None` for poll, which needs none of them again.
pub fn seal_secrets(
    app: &App,
    secrets: Option<Secrets>,
    request: &PendingRequest,
) -> Result<Option<String>, Failure> {
    let (Delivery::Ping | Delivery::Push, Some(secrets)) = (request.asked.delivery, secrets) else {
        return Ok(None);
    };
    Ok(Some(app.seal(&place(&request.id), &secrets)?))
}

/// Decrypts `pending_sealed` of this request.
pub fn open_secrets(app: &App, id: &ApprovalId, sealed: &str) -> Result<Secrets, Failure> {
    app.unseal(&place(id), sealed)
}

/// What the sealed text is bound to: it opens for this request alone.
fn place(id: &ApprovalId) -> String {
    format!("pending-request {DEFAULT_TENANT} {id}")
}
