//! Error pages of the pages of a person's own: what is malformed there came by no app.

use axum::response::Response;
use writ_pages::{FailureKind, FailurePage, Texts};

use super::{error_page, script};

/// Where what these begin with is asked for, nobody was sent by an app.
const ROUTES: [&str; 4] = ["/app", "/account", "/login/forgot", "/admin"];

/// In JSON for a script of ours.
pub(super) fn answer(page: &FailurePage, route: &str, texts: &Texts) -> Response {
    let named = FailurePage {
        kind: kind(page.kind, route),
        ..page.clone()
    };
    let answered = error_page(&named, texts);
    match script::reads(route) {
        true => script::in_json(page, &answered),
        false => answered,
    }
}

fn kind(kind: FailureKind, route: &str) -> FailureKind {
    let is_own = ROUTES.iter().any(|own| route.starts_with(own));
    match kind {
        FailureKind::UntrustedRequest if is_own => FailureKind::Malformed,
        other => other,
    }
}
