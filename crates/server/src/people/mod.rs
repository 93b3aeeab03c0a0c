//! Endpoints of browsers: authorization, login and consent, and the pages of a signed-in person.

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;

use crate::node::app::App;

pub mod account;
pub mod activity;
pub mod agents;
pub mod approval;
pub mod assets;
pub mod authorize;
pub mod client_answer;
pub mod consent;
pub mod device_code;
mod elsewhere;
pub mod error;
pub mod inbox;
mod known_browser;
pub mod live;
pub mod login;
mod logout;
pub mod passkeys;
mod password;
pub mod proofs;
pub mod push_subscriptions;
pub mod reader;
pub mod redirect;
pub mod remembered;
pub mod request;
pub mod request_over;
pub mod session;
pub mod settings;
mod sign_out_there;
pub mod views;
pub mod wrong_clock;

/// Their errors are answered by the layer, which knows the route.
pub fn routes(app: &Arc<App>) -> Router<Arc<App>> {
    Router::new()
        .merge(authorize::routes())
        .merge(login::routes())
        .merge(account::routes())
        .merge(logout::routes())
        .merge(sign_out_there::routes())
        .merge(consent::routes())
        .merge(device_code::routes())
        .merge(inbox::routes())
        .merge(approval::routes())
        .merge(agents::routes())
        .merge(activity::routes())
        .merge(passkeys::routes())
        .merge(push_subscriptions::routes())
        .merge(settings::routes())
        .merge(live::routes())
        .route_layer(from_fn_with_state(app.clone(), wrong_clock::check_clock))
        .route_layer(from_fn_with_state(app.clone(), error::answer_errors))
        .merge(assets::routes(&app.config.brand, &app.languages))
}
