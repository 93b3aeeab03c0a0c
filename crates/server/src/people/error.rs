//! Errors of the endpoints of browsers, as error pages, redirects or JSON. A handler gives the error back; `answer_errors`, the layer over
//! all routes of people, knows the route and turns it into the answer.

use std::fmt::Display;
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;
use url::Url;
use writ_core::OAuthError;
use writ_core::authorize::{FoundRequest, RequestUnusable};
use writ_pages::{FailureKind, FailurePage as ErrorPage, FormPost, WayOn};
use writ_store::StoreError;
use writ_wire::error::{ErrorCode, description};
use writ_wire::form::FormError;
use writ_wire::openid::ResponseMode;

use crate::client::answer::json as json_answer;
use crate::node::app::App;
use crate::node::failure::Failure;
use crate::people::redirect::{see_other, to_login};

/// Why the page that was asked for is not shown.
#[derive(Debug)]
pub enum PageError {
    /// An error page.
    Page(Box<ErrorPage>),
    /// Back to the client, with an error (OAuth 2.1 section 4.1.2.1).
    Client(Box<AuthorizationError>),
    /// The user must sign in first, and comes back to this page of ours.
    SignedOut { page: String },
    /// A script of ours learns why in JSON, or by the status alone.
    Script {
        status: StatusCode,
        error: Option<&'static str>,
    },
    /// A fault of this server, as a page.
    Broken(String),
    /// A fault of this server, as JSON for a script of ours.
    BrokenForScript(String),
}

/// An error that a client gets at its redirect URI.
#[derive(Debug)]
pub struct AuthorizationError {
    pub redirect_uri: String,
    pub state: Option<String>,
    pub response_mode: ResponseMode,
    pub refusal: OAuthError,
}

/// Why a step of a form does not succeed.
#[derive(Debug)]
pub enum StepError<P> {
    /// The page is shown again and says what is wrong.
    Problem(P),
    Page(PageError),
}

impl PageError {
    pub fn page(kind: FailureKind) -> Self {
        Self::Page(Box::new(ErrorPage::new(kind)))
    }

    /// The form's token is not of this browser, or its cookie is gone.
    pub fn form_expired() -> Self {
        Self::page(FailureKind::FormExpired)
    }

    /// The same, where the person can start again from a page of ours.
    pub fn form_expired_at(page: String) -> Self {
        Self::Page(Box::new(ErrorPage {
            way_on: Some(WayOn::StartAgain { page }),
            ..ErrorPage::new(FailureKind::FormExpired)
        }))
    }

    /// The request cannot be decided.
    pub fn unusable(unusable: RequestUnusable, way_on: Option<WayOn>) -> Self {
        let kind = match unusable {
            RequestUnusable::Unknown | RequestUnusable::OtherClient => {
                FailureKind::UntrustedRequest
            }
            RequestUnusable::Expired | RequestUnusable::TimedOut => FailureKind::RequestExpired,
            RequestUnusable::Used => FailureKind::RequestUsed,
        };
        Self::Page(Box::new(ErrorPage {
            detail: Some(to_mend(unusable).to_owned()),
            error_code: Some(ErrorCode::InvalidRequestUri.as_str().to_owned()),
            way_on,
            ..ErrorPage::new(kind)
        }))
    }

    /// The request is malformed.
    pub fn invalid_request(sentence: &'static str) -> Self {
        OAuthError::invalid_request(sentence).into()
    }

    /// Back to the client of this request.
    pub fn to_client(found: &FoundRequest, refusal: OAuthError) -> Self {
        Self::Client(Box::new(AuthorizationError {
            redirect_uri: found.prepared.redirect_uri.clone(),
            state: found.prepared.request.state.clone(),
            response_mode: found.prepared.request.openid.response_mode,
            refusal,
        }))
    }

    pub fn script(status: StatusCode, error: &'static str) -> Self {
        let error = Some(error);
        Self::Script { status, error }
    }

    pub fn script_status(status: StatusCode) -> Self {
        let error = None;
        Self::Script { status, error }
    }

    pub fn broken(cause: impl Display) -> Self {
        Self::Broken(cause.to_string())
    }

    /// The same for a script of ours, which reads no pages.
    pub fn for_script(self) -> Self {
        match self {
            Self::Broken(cause) => Self::BrokenForScript(cause),
            other => other,
        }
    }
}

impl<P> StepError<P> {
    /// What the page says, or the error that ends it.
    pub fn problem(self) -> Result<P, PageError> {
        match self {
            Self::Problem(problem) => Ok(problem),
            Self::Page(error) => Err(error),
        }
    }

    /// The same with another page's problem.
    pub fn map<Q>(self, to: impl FnOnce(P) -> Q) -> StepError<Q> {
        match self {
            Self::Problem(problem) => StepError::Problem(to(problem)),
            Self::Page(error) => StepError::Page(error),
        }
    }
}

/// A page, because neither client nor redirect URI can be trusted.
impl From<OAuthError> for PageError {
    fn from(refusal: OAuthError) -> Self {
        Self::Page(Box::new(ErrorPage {
            detail: Some(refusal.sentence),
            error_code: Some(refusal.code.as_str().to_owned()),
            ..ErrorPage::new(FailureKind::UntrustedRequest)
        }))
    }
}

impl From<FormError> for PageError {
    fn from(error: FormError) -> Self {
        OAuthError::from(error).into()
    }
}

impl From<Failure> for PageError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unauthenticated(refusal) | Failure::Waiting(refusal) => Self::from(*refusal),
            Failure::Limited(limited) => Self::from(limited.refusal),
            Failure::Refused(refused) => Self::from(refused.refusal),
            Failure::Broken(cause) => Self::Broken(cause),
        }
    }
}

impl From<StoreError> for PageError {
    fn from(error: StoreError) -> Self {
        Self::broken(error)
    }
}

impl From<RequestUnusable> for PageError {
    fn from(unusable: RequestUnusable) -> Self {
        Self::unusable(unusable, None)
    }
}

impl<P> From<PageError> for StepError<P> {
    fn from(error: PageError) -> Self {
        Self::Page(error)
    }
}

impl<P> From<FormError> for StepError<P> {
    fn from(error: FormError) -> Self {
        Self::Page(error.into())
    }
}

impl<P> From<Failure> for StepError<P> {
    fn from(failure: Failure) -> Self {
        Self::Page(failure.into())
    }
}

impl<P> From<StoreError> for StepError<P> {
    fn from(error: StoreError) -> Self {
        Self::Page(error.into())
    }
}

/// What the developer of the client changes.
const fn to_mend(unusable: RequestUnusable) -> &'static str {
    match unusable {
        RequestUnusable::Unknown => "`request_uri` is unknown: push the request again",
        RequestUnusable::OtherClient => {
            "`request_uri` is of another client: send the `client_id` that pushed it"
        }
        RequestUnusable::Expired => {
            "`request_uri` was not opened within `expires_in`: push the request when the person is ready to go"
        }
        RequestUnusable::TimedOut => "the person did not decide in time: push a new request",
        RequestUnusable::Used => {
            "`request_uri` was decided before: push a new request for each decision"
        }
    }
}

/// An error on its way from the handler to the layer.
#[derive(Clone)]
struct Unanswered(Arc<PageError>);

impl IntoResponse for PageError {
    /// Holds the error until `answer_errors` answers it.
    fn into_response(self) -> Response {
        let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
        response.extensions_mut().insert(Unanswered(Arc::new(self)));
        response
    }
}

/// The layer over all routes of people.
pub async fn answer_errors(
    State(app): State<Arc<App>>,
    route: MatchedPath,
    request: Request,
    next: Next,
) -> Response {
    let mut response = next.run(request).await;
    match response.extensions_mut().remove::<Unanswered>() {
        Some(Unanswered(error)) => app.answer_page_error(route.as_str(), &error),
        None => response,
    }
}

/// OAuth 2.1 section 4.1.2.1.
fn error_answer<'a>(error: &'a AuthorizationError, sentence: &'a str) -> Vec<(&'a str, &'a str)> {
    let mut answer = vec![
        ("error", error.refusal.code.as_str()),
        ("error_description", sentence),
    ];
    answer.extend(error.state.as_deref().map(|state| ("state", state)));
    answer
}

impl App {
    /// Counted under the path pattern of its route. No refusal of a page is an event.
    fn answer_page_error(&self, route: &str, error: &PageError) -> Response {
        match error {
            PageError::Page(page) => {
                self.metrics.refused(route, ErrorCode::InvalidRequest);
                self.error_page(page)
            }
            PageError::Client(error) => {
                self.metrics.refused(route, error.refusal.code);
                self.answer_client_error(error)
            }
            PageError::SignedOut { page } => to_login(page),
            PageError::Script { status, error } => {
                self.metrics.refused(route, ErrorCode::InvalidRequest);
                match error {
                    Some(error) => json_answer(*status, &json!({ "error": error })),
                    None => status.into_response(),
                }
            }
            PageError::Broken(cause) => self.broken_page(cause),
            PageError::BrokenForScript(cause) => self.broken(cause),
        }
    }

    fn error_page(&self, page: &ErrorPage) -> Response {
        let mut response = page.page(&self.texts).into_http().into_response();
        if page.kind == FailureKind::TooManyRequests {
            let wait = HeaderValue::from_static("60");
            response.headers_mut().insert(header::RETRY_AFTER, wait);
        }
        response
    }

    fn broken_page(&self, cause: &str) -> Response {
        self.error_page(&ErrorPage {
            error_id: Some(self.log_broken(cause)),
            ..ErrorPage::new(FailureKind::ServerError)
        })
    }

    fn answer_client_error(&self, error: &AuthorizationError) -> Response {
        let sentence = description(&error.refusal.sentence);
        let answer = error_answer(error, &sentence);
        self.answer_client(&error.redirect_uri, error.response_mode, &answer)
            .unwrap_or_else(|_| self.broken_page(NO_URL))
    }

    /// Where the client reads an error.
    pub fn client_error_url(&self, error: &AuthorizationError) -> Option<String> {
        let sentence = description(&error.refusal.sentence);
        self.answer_url(&error.redirect_uri, &error_answer(error, &sentence))
    }

    /// To the client, by 303 or by a page that posts itself.
    pub fn answer_client(
        &self,
        redirect_uri: &str,
        mode: ResponseMode,
        answer: &[(&str, &str)],
    ) -> Result<Response, PageError> {
        // Only a web server takes a POST.
        let is_web = redirect_uri.starts_with("https:") || redirect_uri.starts_with("http:");
        if mode == ResponseMode::FormPost && is_web {
            let issuer = ("iss", self.config.issuer.as_str());
            let fields = answer.iter().copied().chain([issuer]);
            let page = FormPost {
                redirect_uri: redirect_uri.to_owned(),
                fields: fields
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .collect(),
            };
            return Ok(page.into_http(&self.texts).into_response());
        }
        let url = self.answer_url(redirect_uri, answer);
        let url = url.ok_or_else(|| PageError::broken(NO_URL))?;
        Ok(see_other(&url))
    }

    /// With `iss` (RFC 9207) in success and error alike.
    fn answer_url(&self, redirect_uri: &str, answer: &[(&str, &str)]) -> Option<String> {
        let mut url = Url::parse(redirect_uri).ok()?;
        url.query_pairs_mut()
            .extend_pairs(answer)
            .append_pair("iss", self.config.issuer.as_str());
        Some(url.into())
    }
}

const NO_URL: &str = "a stored redirect URI is no URL";
