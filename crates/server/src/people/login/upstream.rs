//! `/upstream/{provider}`: sign-in by an OpenID provider (docs/upstream.md). The form of the login page sends the browser there, and the
//! provider sends it back to an address of its own. What is said in the answer is judged by `node/upstream.rs`, whom it makes here by
//! `account.rs`.

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::{get, post};
use writ_core::id::UserId;
use writ_pages::{FailureKind, LinkingProblem, LoginProblem};
use writ_wire::form::Form;

use self::account::ProvenThere;
use self::sealed::SealedLogin;
use super::entrance::Destination;
use super::{Again, page};
use crate::config::UpstreamProvider;
use crate::node::app::App;
use crate::node::upstream::{
    ReachedProvider, RedeemedUpstreamCode, UpstreamAnswer, UpstreamError, UpstreamRequest,
};
use crate::people::error::{PageError, StepError};
use crate::people::redirect::see_other;
use crate::people::request::{PostedForm, Query, SignedIn, Visitor};

mod account;
mod link;
mod sealed;

type Step<T> = Result<T, StepError<LoginProblem>>;

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/upstream/{provider}", post(begin))
        .route("/upstream/{provider}/callback", get(callback))
        .route("/app/upstream", get(link::show).post(link::begin))
        .route("/app/upstream/remove", post(link::remove))
}

async fn begin(Path(name): Path<String>, posted: PostedForm) -> Result<Response, PageError> {
    let (visitor, form) = (&posted.visitor, posted.unchecked());
    let provider = provider(&visitor.app, &name)?;
    let destination = Destination::of(form)?;
    let begun = match posted.is_ours() {
        true => to_provider(visitor, provider, destination.clone(), None).await,
        false => Err(StepError::Problem(LoginProblem::Expired)),
    };
    or_page(visitor, &destination, begun).await
}

fn provider<'a>(app: &'a App, name: &str) -> Result<&'a UpstreamProvider, PageError> {
    let found = app.config.upstreams.iter().find(|one| one.name == name);
    found.ok_or_else(|| PageError::page(FailureKind::NotFound))
}

async fn to_provider(
    visitor: &Visitor,
    provider: &UpstreamProvider,
    destination: Destination,
    links: Option<UserId>,
) -> Step<Response> {
    let Visitor { app, browser, .. } = visitor;
    let login = SealedLogin::new(app, destination, links);
    let state = login.seal(app, browser, provider);
    let request = UpstreamRequest {
        state: state.map_err(PageError::broken)?,
        nonce: &login.nonce,
        code_verifier: &login.code_verifier,
    };
    let upstream = ReachedProvider::open(app, provider).await;
    let url = upstream.and_then(|upstream| upstream.authorization_url(request));
    let url = url.map_err(|error| failed(visitor, provider, error))?;
    Ok(see_other(url.as_str()))
}

async fn callback(
    Path(name): Path<String>,
    Query(query): Query,
    visitor: Visitor,
) -> Result<Response, PageError> {
    let app = &*visitor.app;
    let provider = provider(app, &name)?;
    admit_unproved(&visitor)?;
    let state = query.optional("state")?.unwrap_or_default();
    let Some(login) = SealedLogin::open(app, &visitor.browser, provider, state) else {
        return Err(PageError::form_expired_at("/login".to_owned()));
    };
    let proved = redeem(&visitor, provider, &login, &query).await;
    if let Some((user, person)) = login.links.as_ref().zip(visitor.session()) {
        let linked = link(person, provider, &login, user, proved).await;
        return link::or_page(person, linked).await;
    }
    let entered = enter(&visitor, provider, &login, proved).await;
    if let Err(StepError::Problem(_)) = &entered {
        app.metrics.login("failed");
    }
    or_page(&visitor, &login.destination, entered).await
}

async fn link(
    person: SignedIn<'_>,
    provider: &UpstreamProvider,
    login: &SealedLogin,
    user: &UserId,
    proved: Step<RedeemedUpstreamCode>,
) -> Result<Response, StepError<LinkingProblem>> {
    let redeemed = &proved.map_err(|error| error.map(LinkingProblem::Provider))?;
    let proven = ProvenThere {
        provider,
        redeemed,
        login,
    };
    link::finish(person, proven, user).await
}

async fn enter(
    visitor: &Visitor,
    provider: &UpstreamProvider,
    login: &SealedLogin,
    proved: Step<RedeemedUpstreamCode>,
) -> Step<Response> {
    let redeemed = &proved?;
    // Whoever began to link was signed out meanwhile.
    if login.links.is_some() {
        return Err(StepError::Problem(LoginProblem::Expired));
    }
    let proven = ProvenThere {
        provider,
        redeemed,
        login,
    };
    account::enter(visitor, proven).await
}

/// What the provider says of the person. The answer is used up before anything is asked of the provider, whatever comes of it.
async fn redeem(
    visitor: &Visitor,
    provider: &UpstreamProvider,
    login: &SealedLogin,
    query: &Form,
) -> Step<RedeemedUpstreamCode> {
    let app = &*visitor.app;
    let upstream = ReachedProvider::open(app, provider).await;
    let upstream = upstream.map_err(|error| failed(visitor, provider, error))?;
    let code = code(&upstream, query).map_err(|error| failed(visitor, provider, error))?;
    let mut transaction = app.begin().await?;
    if transaction.claim_once(&[login.once()]).await?.is_some() {
        return Err(StepError::Problem(LoginProblem::Expired));
    }
    transaction.commit().await?;
    let answer = UpstreamAnswer {
        code: &code,
        nonce: &login.nonce,
        code_verifier: &login.code_verifier,
    };
    let redeemed = upstream.redeem(answer).await;
    redeemed.map_err(|error| failed(visitor, provider, error))
}

/// The issuer is checked before anything else of the answer is believed, also an error.
fn code(upstream: &ReachedProvider<'_>, query: &Form) -> Result<String, UpstreamError> {
    let once = |name| {
        query
            .optional(name)
            .map_err(|error| UpstreamError::Refused(error.to_string()))
    };
    upstream.check_issuer(once("iss")?)?;
    match (once("code")?, once("error")?) {
        (Some(code), None) if !code.is_empty() => Ok(code.to_owned()),
        _ => Err(UpstreamError::Refused(
            "the provider gave no code".to_owned(),
        )),
    }
}

/// What the person is told. The log says why in a word of ours; what the provider said is for whoever looks for it.
fn failed(
    visitor: &Visitor,
    provider: &UpstreamProvider,
    error: UpstreamError,
) -> StepError<LoginProblem> {
    let provider = provider.name.as_str();
    let (why, problem) = match error {
        UpstreamError::Ours(fault) => return StepError::Page(PageError::Fault(fault)),
        UpstreamError::Unavailable(_) => ("unavailable", LoginProblem::UpstreamUnavailable),
        UpstreamError::Refused(_) => ("refused", LoginProblem::UpstreamFailed),
    };
    tracing::info!(provider, why, "nobody is signed in by a provider");
    tracing::debug!(provider, address = ?visitor.address, error = ?error.to_string(), "the sign-in");
    StepError::Problem(problem)
}

/// Anybody can bring answers that are none, and with a `state` of this server each makes a row and a call of the provider: so it comes first.
fn admit_unproved(visitor: &Visitor) -> Result<(), PageError> {
    let (app, now) = (&visitor.app, visitor.app.clock.now());
    let admitted = app.strangers.admit_unproved(visitor.address, now);
    admitted.map_err(|too_many| too_many.failure().into())
}

/// The login page again, with what is wrong.
async fn or_page(
    visitor: &Visitor,
    destination: &Destination,
    done: Step<Response>,
) -> Result<Response, PageError> {
    match done {
        Ok(response) => Ok(response),
        Err(error) => page(visitor, destination, Again::after(error.problem()?)).await,
    }
}
