//! Login with a password: hashed in a bounded pool, paused after failures, with a new cookie at success.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use writ_core::authorize::{FoundRequest, OpenedBy};
use writ_pages::{Login, LoginProblem, OfferedUpstream};
use writ_store::StoreError;
use writ_store::user::StoredUser;

use crate::config::{LocalAccounts, UpstreamProvider};
use crate::node::app::App;
use crate::node::client_address::ClientAddress;
use crate::people::authorize::load;
use crate::people::error::{PageError, StepError};
use crate::people::password::{PasswordProblem, TypedPassword, check_login};
use crate::people::request::{PostedForm, Query, Visitor};
use crate::people::request_over::require_usable;
use crate::people::views::asking_client;

mod challenge;
mod entrance;
mod forgotten;
mod local;
mod passkey;
mod upstream;

pub(in crate::people) use challenge::ChallengeFor;
pub use entrance::own_page;
pub(in crate::people) use entrance::{Destination, Entrance};
pub(in crate::people) use passkey::{begin as begin_by_passkey, prove as prove_by_passkey};

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/login", get(show).post(submit))
        .route("/login/passkey/options", post(passkey::options))
        .route("/login/passkey", post(passkey::submit))
        .route(
            "/login/forgot",
            get(forgotten::show).post(forgotten::submit),
        )
        .merge(upstream::routes())
}

/// What the login page shows of a failed attempt.
#[derive(Default)]
struct Again {
    username: String,
    problem: Option<LoginProblem>,
}

impl Again {
    fn after(problem: LoginProblem) -> Self {
        Self {
            username: String::new(),
            problem: Some(problem),
        }
    }
}

async fn show(Query(query): Query, visitor: Visitor) -> Result<Response, PageError> {
    let destination = Destination::of(&query)?;
    page(&visitor, &destination, Again::default()).await
}

async fn submit(
    peer: Option<Extension<ClientAddress>>,
    posted: PostedForm,
) -> Result<Response, PageError> {
    let (visitor, form) = (&posted.visitor, posted.unchecked());
    let destination = Destination::of(form)?;
    let username = form.optional("username")?.unwrap_or_default();
    let typed = TypedPassword {
        username,
        password: form.optional("password")?.unwrap_or_default(),
        address: visitor.app.address_of(peer, &visitor.headers),
    };
    let checked = match posted.is_ours() {
        true => check_login(visitor, typed)
            .await
            .map_err(|error| error.map(PasswordProblem::at_login)),
        false => Err(StepError::Problem(LoginProblem::Expired)),
    };
    let error = match checked {
        Ok(stored) => match local::admit(visitor, &stored.user.id) {
            Ok(()) => match enter(visitor, &stored, &destination).await? {
                Some(entered) => return Ok(entered),
                None => StepError::Problem(PasswordProblem::at_login(PasswordProblem::Wrong)),
            },
            Err(refused) => refused,
        },
        Err(error) => error,
    };
    let again = Again {
        username: username.to_owned(),
        problem: Some(error.problem()?),
    };
    page(visitor, &destination, again).await
}

/// `None`: while the password was compared, the person got another one or was disabled.
async fn enter(
    visitor: &Visitor,
    person: &StoredUser,
    destination: &Destination,
) -> Result<Option<Response>, PageError> {
    let app = &*visitor.app;
    let entrance = Entrance {
        visitor,
        person,
        proof: OpenedBy::Password.into(),
        destination,
        at: app.clock.now(),
    };
    let mut transaction = app.begin().await?;
    transaction.hold_user(&person.user.id).await?;
    let now = transaction.user_by_id(&person.user.id).await?;
    let is_same = |now: &StoredUser| {
        !now.user.disabled && !now.removed && now.password_hash == person.password_hash
    };
    if !now.as_ref().is_some_and(is_same) {
        return Ok(None);
    }
    let fresh = entrance.open_session(app, &mut transaction).await?;
    transaction.commit().await?;
    entrance.go_on(app, &fresh).map(Some)
}

async fn page(
    visitor: &Visitor,
    destination: &Destination,
    again: Again,
) -> Result<Response, PageError> {
    let app = &*visitor.app;
    let found = match &destination.request {
        Some(handle) => Some(usable_request(app, handle).await?),
        None => None,
    };
    let client = match &found {
        Some(found) => asking_client(app, &found.client).await?,
        None => None,
    };
    let openid = found.as_ref().map(|found| &found.prepared.request.openid);
    let asked = openid.map_or(&[][..], |openid| &openid.ui_locales);
    let texts = app.languages.of_request_in(&visitor.headers, asked);
    let username = match (&found, again.problem) {
        (Some(found), None) => hinted_name(app, found).await?,
        _ => again.username,
    };
    let login = Login {
        csrf: visitor.browser.csrf(),
        request: destination.request.clone(),
        next: destination.next.clone(),
        client,
        username,
        problem: again.problem,
        offers_passkey: app.passkeys.is_ok(),
        offers_password: app.config.local_accounts == LocalAccounts::On,
        upstreams: app.config.upstreams.iter().map(offered).collect(),
    };
    let mut response = login.page(texts).into_http().into_response();
    app.remember(&visitor.browser, response.headers_mut());
    Ok(response)
}

pub(super) fn offered(provider: &UpstreamProvider) -> OfferedUpstream {
    OfferedUpstream {
        name: provider.name.clone(),
        label: provider.label.clone(),
    }
}

/// Whom the client expects: by its `id_token_hint`, else in its own words.
async fn hinted_name(app: &App, found: &FoundRequest) -> Result<String, StoreError> {
    let hinted = match &found.prepared.hinted {
        Some(id) => app.read().await?.user_by_id(id).await?,
        None => None,
    };
    let said = found.prepared.request.openid.login_hint.clone();
    Ok(match hinted {
        Some(stored) => stored.user.name,
        None => said.unwrap_or_default(),
    })
}

/// A request that still waits for a person.
async fn usable_request(app: &App, handle: &str) -> Result<FoundRequest, PageError> {
    let found = load(app, handle).await?;
    require_usable(app, &found, &found.client).await?;
    Ok(found)
}
