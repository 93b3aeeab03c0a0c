//! Where a person goes on whose authorization request ends before they decide: it is refused, was not opened in time, took too long,
//! or was answered before. Only a client that may still be returned to is named or sent anything, and nobody is sent to a web
//! address that a client chose for itself without a click (RFC 9700 section 4.11.2).

use std::sync::Arc;

use writ_core::OAuthError;
use writ_core::authorize::{FoundRequest, RequestUnusable, timed_out};
use writ_core::client::Client;
use writ_core::guest::is_on_device;
use writ_pages::WayOn;
use writ_store::StoreError;
use writ_wire::error::ErrorCode;
use writ_wire::openid::ResponseMode;
use writ_wire::redirect;

use crate::node::app::App;
use crate::people::error::{AuthorizationError, PageError};
use crate::people::views::client_view;

/// Passes a request that a person can still decide.
pub async fn require_usable(
    app: &App,
    found: &FoundRequest,
    client: &str,
) -> Result<(), PageError> {
    match found.usable_by(client, app.clock.now()) {
        Ok(()) => Ok(()),
        Err(unusable) => Err(over(app, found, unusable).await?),
    }
}

/// Who took too long goes back with an error; everybody else reads what happened, and has one link.
pub async fn over(
    app: &App,
    found: &FoundRequest,
    unusable: RequestUnusable,
) -> Result<PageError, StoreError> {
    let Some(client) = returnable(app, found).await? else {
        return Ok(unusable.into());
    };
    let address = match unusable {
        RequestUnusable::Unknown | RequestUnusable::OtherClient => None,
        RequestUnusable::TimedOut => {
            let error = AuthorizationError::of(found, timed_out());
            return Ok(undecided(app, &client, error));
        }
        RequestUnusable::Expired => app.client_error_url(&unopened(found)),
        RequestUnusable::Used => home(&found.prepared.redirect_uri),
    };
    let way_on = address.map(|address| way_back(&client, address));
    Ok(PageError::unusable(unusable, way_on))
}

/// An error before the person decided. A client that nobody registered could make any link of ours lead to its own site: there the
/// person reads what is wrong, and whether they go on is theirs to say.
pub fn undecided(app: &App, client: &Client, error: AuthorizationError) -> PageError {
    if !client.is_guest() || is_on_device(&error.redirect_uri) {
        return PageError::Client(Box::new(error));
    }
    let address = app.client_error_url(&error);
    PageError::refused(error.refusal, address.map(|at| way_back(client, at)))
}

fn way_back(client: &Client, address: String) -> WayOn {
    match redirect::origin(&address).filter(|_| client.is_guest()) {
        Some(origin) => WayOn::Guest { origin, address },
        None => WayOn::Client {
            client: client_view(client),
            address,
        },
    }
}

/// The client of a request, if it works and its redirect URI is still registered.
async fn returnable(app: &App, found: &FoundRequest) -> Result<Option<Arc<Client>>, StoreError> {
    let Some(client) = app.client(&found.client).await? else {
        return Ok(None);
    };
    let stored = app.read().await?.client(&client.id).await?;
    let works = stored.is_some_and(|stored| !stored.stopped);
    let redirect_uri = Some(found.prepared.redirect_uri.as_str());
    let is_registered = client.redirect_uri(redirect_uri).is_ok();
    Ok((works && is_registered).then_some(client))
}

fn unopened(found: &FoundRequest) -> AuthorizationError {
    let sentence = "the pushed request was not opened within `expires_in`";
    AuthorizationError {
        redirect_uri: found.prepared.redirect_uri.clone(),
        state: found.prepared.request.state.clone(),
        response_mode: ResponseMode::Query,
        refusal: OAuthError::new(ErrorCode::InvalidRequestUri, sentence),
    }
}

/// The first page of a client on the web. It has its answer, so nothing is sent to its redirect URI; a client on the device has no
/// page to go to.
fn home(redirect_uri: &str) -> Option<String> {
    redirect::origin(redirect_uri).filter(|origin| origin.starts_with("https:"))
}
