//! What a ping or push needs again, encrypted at rest (promise 9): the `auth_req_id` and the client's notification token.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use writ_core::id::ApprovalId;
use writ_core::pending::{Delivery, PendingRequest};
use writ_core::realm::DEFAULT_TENANT;
use writ_wire::ciba::BackchannelRequest;

use crate::answer::Failure;
use crate::app::App;

/// Not printable.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secrets {
    pub auth_req_id: String,
    pub client_notification_token: String,
}

/// `None` for poll: nobody needs them again.
pub fn sealed(
    app: &App,
    id: &ApprovalId,
    (asked, auth_req_id): (&BackchannelRequest, &str),
    request: &PendingRequest,
) -> Result<Option<String>, Failure> {
    let (Delivery::Ping | Delivery::Push, Some(token)) =
        (request.asked.delivery, &asked.client_notification_token)
    else {
        return Ok(None);
    };
    let secrets = Secrets {
        auth_req_id: auth_req_id.to_owned(),
        client_notification_token: token.clone(),
    };
    let broken = |e: &dyn std::fmt::Display| Failure::Broken(format!("sealing a request: {e}"));
    let plain = serde_json::to_vec(&secrets).map_err(|e| broken(&e))?;
    let sealed = app.config.master.seal(place(id).as_bytes(), &plain);
    Ok(Some(
        URL_SAFE_NO_PAD.encode(sealed.map_err(|e| broken(&e))?),
    ))
}

/// From `pending_sealed` of this request.
pub fn open_secrets(app: &App, id: &ApprovalId, sealed: &str) -> Result<Secrets, Failure> {
    let broken = |e: &dyn std::fmt::Display| {
        Failure::Broken(format!("the secrets of `{id}` do not open: {e}"))
    };
    let sealed = URL_SAFE_NO_PAD.decode(sealed).map_err(|e| broken(&e))?;
    let plain = app.config.master.open(place(id).as_bytes(), &sealed);
    serde_json::from_slice(&plain.map_err(|e| broken(&e))?).map_err(|e| broken(&e))
}

/// What the sealed text is bound to: it opens for this request alone.
fn place(id: &ApprovalId) -> String {
    format!("pending-request {DEFAULT_TENANT} {id}")
}
