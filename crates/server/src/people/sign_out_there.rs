//! After somebody signed out here: the way to sign out at the provider that opened the session (OpenID Connect RP-Initiated Logout), as a
//! second step that the person takes, and `/upstream/{provider}/signed-out`, to which it sends them back.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use writ_core::realm::DEFAULT_TENANT;
use writ_pages::{Done, FailureKind, SignOutThere};
use writ_store::{DatabaseTransaction, StoreError};

use crate::node::app::App;
use crate::node::failure::Failure;
use crate::node::upstream::ReachedProvider;
use crate::people::error::PageError;
use crate::people::redirect::see_other;
use crate::people::request::Visitor;

/// Whoever signs out does not wait longer for a provider whose metadata is not kept.
const PATIENCE: Duration = Duration::from_secs(2);
/// Of an ID token that is kept: a longer one fits in no URL.
const LONGEST_ID_TOKEN: usize = 4096;

/// What a provider is told of the session that ends there.
pub(super) struct SessionThere {
    issuer: String,
    id_token: String,
}

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/upstream/{provider}/signed-out", get(signed_out))
}

/// With the session; one whose ID token is too long is ended there by the person alone.
pub(super) async fn keep(
    app: &App,
    transaction: &mut DatabaseTransaction,
    digest: &str,
    id_token: &str,
) -> Result<(), Failure> {
    if id_token.is_empty() || id_token.len() > LONGEST_ID_TOKEN {
        return Ok(());
    }
    let sealed = app.seal(&place(digest), &id_token)?;
    Ok(transaction.keep_session_id_token(digest, &sealed).await?)
}

/// Of a session that a provider opened, before it ends.
pub(super) async fn session_there(
    app: &App,
    transaction: &mut DatabaseTransaction,
    digest: &str,
    issuer: String,
) -> Result<Option<SessionThere>, StoreError> {
    let sealed = transaction.session_id_token(digest).await?;
    // One that does not open keeps nobody signed in here.
    let opened = sealed.and_then(|sealed| app.unseal(&place(digest), &sealed).ok());
    Ok(opened.map(|id_token| SessionThere { issuer, id_token }))
}

/// `None` where the provider is away, is no longer one here, or has no such page.
pub(super) async fn sign_out_there(app: &App, session: &SessionThere) -> Option<SignOutThere> {
    let mut all = app.config.upstreams.iter();
    let provider = all.find(|one| one.issuer == session.issuer)?;
    let reached = tokio::time::timeout(PATIENCE, ReachedProvider::open(app, provider));
    let url = reached
        .await
        .ok()?
        .ok()?
        .end_session_url(&session.id_token)?;
    Some(SignOutThere {
        label: provider.label.clone(),
        url: url.into(),
    })
}

async fn signed_out(Path(name): Path<String>, visitor: Visitor) -> Result<Response, PageError> {
    let app = &visitor.app;
    if !app.config.upstreams.iter().any(|one| one.name == name) {
        return Err(PageError::page(FailureKind::NotFound));
    }
    // Whoever signed in here again meanwhile, or never signed out, is told nothing that is not so.
    if visitor.session().is_some() {
        return Ok(see_other("/app"));
    }
    let texts = app.languages.of_request(&visitor.headers);
    Ok(Done::SignedOutThere.page(texts).into_http().into_response())
}

fn place(digest: &str) -> String {
    format!("upstream-id-token {DEFAULT_TENANT} {digest}")
}
