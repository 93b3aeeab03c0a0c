//! `/admin`: the console of operators. A person who holds an office opens it with a passkey, in the browser in which they are signed in; every
//! request below it but the one that opens it passes one door (`request.rs`).

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};

use crate::node::app::App;
use crate::people::error::answer_errors;

mod home;
mod opening;
pub mod request;
mod session;

/// The first page.
const HOME: &str = "/admin";

/// Their errors are answered by the layer of the pages of people, which knows the route.
pub fn routes(app: &Arc<App>) -> Router<Arc<App>> {
    Router::new()
        .route("/admin", get(home::show))
        .route("/admin/leave", post(opening::leave))
        // Whatever stands above passes the door; the request that opens it stands below.
        .route_layer(from_fn_with_state(app.clone(), request::admit))
        .route("/admin/enter", post(opening::enter))
        .route_layer(from_fn_with_state(app.clone(), answer_errors))
}
