//! Where a person goes on whose authorization request cannot be decided any more: it was not opened in time, took too long, or was
//! answered before. Only a client that may still be returned to is named or sent anything (RFC 9700 section 4.11.2).

use std::sync::Arc;

use writ_core::OAuthError;
use writ_core::authorize::{ErrorWay, FoundRequest, RequestUnusable, timed_out};
use writ_core::client::Client;
use writ_core::id::ClientId;
use writ_store::standing::Pair;
use writ_wire::error::ErrorCode;
use writ_wire::redirect;

use crate::node::app::App;
use crate::node::failure::Failure;
use crate::node::guests::GuestLookup;
use crate::people::client_answer::{AuthorizationError, way_to};
use crate::people::error::PageError;

/// Passes a request that a person can still decide, of a client that they can still allow something.
pub async fn require_usable(
    app: &App,
    found: &FoundRequest,
    client: &str,
) -> Result<(), PageError> {
    match found.usable_by(client, app.mended_time()) {
        Ok(()) => require_working(app, client).await,
        Err(unusable) => Err(over(app, found, unusable).await?),
    }
}

/// Nobody is asked, or signs in, for a client that was stopped or removed: whatever they decided, nothing would come of it.
pub async fn require_working(app: &App, client: &str) -> Result<(), PageError> {
    let client = ClientId::from_text(client);
    match app.why_stopped(&client).await? {
        Some(refusal) => Err(PageError::client_stopped(client, refusal)),
        None => Ok(()),
    }
}

/// Nobody is asked for a client that they paused themselves.
pub async fn require_not_paused(app: &App, pair: Pair<'_>) -> Result<(), PageError> {
    match app.read().await?.is_paused(pair).await? {
        true => Err(PageError::client_paused(pair.client.clone())),
        false => Ok(()),
    }
}

/// Who took too long goes back with an error, unless to a guest; everybody else reads what happened, and has one link.
pub async fn over(
    app: &App,
    found: &FoundRequest,
    unusable: RequestUnusable,
) -> Result<PageError, PageError> {
    let Some(client) = returnable(app, found).await? else {
        return Ok(unusable.into());
    };
    let address = match (unusable, ErrorWay::of(&client)) {
        (RequestUnusable::Unknown | RequestUnusable::OtherClient, _) => None,
        (RequestUnusable::TimedOut, ErrorWay::Redirect) => {
            return Ok(PageError::to_client(found, timed_out()));
        }
        (RequestUnusable::TimedOut, ErrorWay::Link) => {
            app.client_error_url(&AuthorizationError::of(found, timed_out()))
        }
        (RequestUnusable::Expired, _) => {
            app.client_error_url(&AuthorizationError::of(found, unopened()))
        }
        (RequestUnusable::Used, _) => home(&found.prepared.redirect_uri),
    };
    let way_on = address.map(|address| way_to(&client, address));
    Ok(PageError::unusable(unusable, way_on))
}

/// The client of a request, if it works and its redirect URI is still registered, or in its document. A guest whose document cannot be
/// had is nobody to return to.
async fn returnable(app: &App, found: &FoundRequest) -> Result<Option<Arc<Client>>, PageError> {
    let client = match app
        .client_or_guest(&found.client, GuestLookup::WayBack)
        .await
    {
        Ok(Some(client)) => client,
        Ok(None) => return Ok(None),
        Err(fault @ (Failure::Broken(_) | Failure::Unavailable(_) | Failure::InDoubt(_))) => {
            return Err(fault.into());
        }
        Err(_) => return Ok(None),
    };
    let redirect_uri = Some(found.prepared.redirect_uri.as_str());
    let is_registered = client.redirect_uri(redirect_uri).is_ok();
    let works = app.why_stopped(&client.id).await?.is_none();
    Ok((works && is_registered).then_some(client))
}

fn unopened() -> OAuthError {
    let sentence = "the pushed request was not opened within `expires_in`";
    OAuthError::new(ErrorCode::InvalidRequestUri, sentence)
}

/// The first page of a client on the web. It has its answer, so nothing is sent to its redirect URI; a client on the device has no
/// page to go to.
fn home(redirect_uri: &str) -> Option<String> {
    redirect::origin(redirect_uri).filter(|origin| origin.starts_with("https:"))
}
