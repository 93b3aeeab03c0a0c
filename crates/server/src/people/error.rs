//! Errors of the endpoints of browsers, as error pages, redirects or JSON. A handler gives the error back; `answer_errors`, the layer over
//! all routes of people, knows the route and turns it into the answer.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;
use writ_core::OAuthError;
use writ_core::authorize::{FoundRequest, RequestUnusable};
use writ_core::id::ClientId;
use writ_pages::{FailureKind, FailurePage as ErrorPage, Texts, WayOn};
use writ_store::StoreError;
use writ_wire::error::ErrorCode;
use writ_wire::form::{Form, FormError};

use crate::client::answer::json as json_answer;
use crate::node::app::App;
use crate::node::clock::{self, Skew};
use crate::node::failure::{Failure, LATE, ServerFault, Unacceptable, UnacceptableRequest};
use crate::node::listener::REQUEST_TIMEOUT;
use crate::node::outage::RETRY_AFTER;
use crate::node::request_log::note_error;
use crate::people::client_answer::{AuthorizationError, LinkedError, NO_URL};
use crate::people::redirect::{see_other, to_login};

pub use step::StepError;

mod own_pages;
mod script;
mod step;

/// For a script that finds room once another page of its person is closed, in seconds.
const WHEN_OTHERS_LEAVE: u64 = 60;

/// Why the page that was asked for is not shown.
#[derive(Debug)]
pub enum PageError {
    /// An error page.
    Page(Box<ErrorPage>),
    /// Back to the client, with an error (OAuth 2.1 section 4.1.2.1).
    Client(Box<AuthorizationError>),
    /// An error page whose one link tells the client: of a guest, before anybody signed in (RFC 9700 section 4.11.2).
    ClientByLink(Box<LinkedError>),
    /// An error page without a link: nothing can be allowed to this client any more.
    ClientStopped(Box<StoppedClient>),
    /// The user must sign in first, and comes back to this page of ours; without one to the inbox.
    SignedOut { page: Option<String> },
    /// A script of ours learns why in JSON, or by the status alone.
    Script {
        status: StatusCode,
        error: Option<&'static str>,
    },
    /// The clock of this node is wrong: nobody is signed in or asked by it.
    WrongClock(Skew),
    /// A fault of this server, as a page.
    Fault(ServerFault),
    /// A fault of this server, as JSON for a script of ours.
    FaultForScript(ServerFault),
}

/// A client for which nothing is done, and why.
#[derive(Debug)]
pub struct StoppedClient {
    pub id: ClientId,
    pub refusal: OAuthError,
    page: FailureKind,
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

    /// As `refusal` says.
    pub fn client_stopped(id: ClientId, refusal: OAuthError) -> Self {
        let page = FailureKind::ClientStopped;
        Self::ClientStopped(Box::new(StoppedClient { id, refusal, page }))
    }

    /// By the person who is asked.
    pub fn client_paused(id: ClientId) -> Self {
        let (refusal, page) = (OAuthError::client_paused(), FailureKind::ClientPaused);
        Self::ClientStopped(Box::new(StoppedClient { id, refusal, page }))
    }

    /// The request is malformed.
    pub fn invalid_request(sentence: &'static str) -> Self {
        OAuthError::invalid_request(sentence).into()
    }

    /// Back to the client of this request.
    pub fn to_client(found: &FoundRequest, refusal: OAuthError) -> Self {
        Self::Client(Box::new(AuthorizationError::of(found, refusal)))
    }

    pub fn script(status: StatusCode, error: &'static str) -> Self {
        let error = Some(error);
        Self::Script { status, error }
    }

    pub fn script_status(status: StatusCode) -> Self {
        let error = None;
        Self::Script { status, error }
    }

    /// Whether it is unknown what came of the request: then nobody is told to send it again.
    const fn may_be_done(&self) -> bool {
        matches!(
            self,
            Self::Fault(ServerFault::InDoubt(_)) | Self::FaultForScript(ServerFault::InDoubt(_))
        )
    }

    /// Whether this answer, of a handler, asks the user to sign in.
    pub fn asks_to_sign_in(response: &Response) -> bool {
        let error = response.extensions().get();
        error.is_some_and(|Unanswered(error)| matches!(**error, Self::SignedOut { .. }))
    }

    pub fn broken(cause: impl Display) -> Self {
        Self::Fault(ServerFault::Broken(cause.to_string()))
    }

    /// The same for a script of ours, which reads no pages.
    pub fn for_script(self) -> Self {
        match self {
            Self::Fault(fault) => Self::FaultForScript(fault),
            other => other,
        }
    }
}

/// A page, because neither client nor redirect URI can be trusted.
impl From<OAuthError> for PageError {
    fn from(refusal: OAuthError) -> Self {
        let kind = match refusal.code {
            ErrorCode::TemporarilyUnavailable => FailureKind::TooManyRequests,
            _ => FailureKind::UntrustedRequest,
        };
        Self::Page(Box::new(refused_page(kind, &refusal)))
    }
}

fn unacceptable(found: &UnacceptableRequest) -> PageError {
    let kind = match found.reason {
        Unacceptable::Method => FailureKind::MethodNotAllowed,
        Unacceptable::TooLarge => FailureKind::TooLarge,
        Unacceptable::MediaType(_) => FailureKind::OtherFormat,
        Unacceptable::Unreadable | Unacceptable::Path => FailureKind::UntrustedRequest,
    };
    PageError::Page(Box::new(refused_page(kind, &found.refusal)))
}

fn refused_page(kind: FailureKind, refusal: &OAuthError) -> ErrorPage {
    ErrorPage {
        detail: Some(refusal.sentence.clone()),
        error_code: Some(refusal.code.as_str().to_owned()),
        ..ErrorPage::new(kind)
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
            Failure::Limited(limited) => Self::Page(Box::new(ErrorPage {
                retry_after: Some(limited.retry_after),
                ..refused_page(FailureKind::TooManyRequests, &limited.refusal)
            })),
            Failure::Unacceptable(found) => unacceptable(&found),
            Failure::Refused(refused) => Self::from(refused.refusal),
            Failure::Broken(cause) => Self::Fault(ServerFault::Broken(cause)),
            Failure::Unavailable(cause) => Self::Fault(ServerFault::Unavailable(cause)),
            Failure::InDoubt(cause) => Self::Fault(ServerFault::InDoubt(cause)),
        }
    }
}

impl From<StoreError> for PageError {
    fn from(error: StoreError) -> Self {
        Self::Fault(error.into())
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
    let headers = request.headers().clone();
    let late = |_| PageError::Fault(ServerFault::InDoubt(LATE.to_owned())).into_response();
    // A query is text, also where no page reads it.
    let query = Form::parse(request.uri().query().unwrap_or_default().as_bytes());
    let run = async {
        match query {
            Ok(_) => next.run(request).await,
            Err(error) => PageError::from(error).into_response(),
        }
    };
    let answer = tokio::time::timeout(REQUEST_TIMEOUT, run);
    let mut response = answer.await.unwrap_or_else(late);
    if let Some(Unanswered(error)) = response.extensions_mut().remove() {
        let texts = app.languages.of_request(&headers);
        let error = script::read_by(route.as_str(), error);
        response = app.answer_page_error(route.as_str(), &error, texts);
        if error.may_be_done() {
            return response;
        }
    }
    say_when_again(&mut response);
    response
}

/// RFC 9110 section 10.2.3, and RFC 6585 section 4, where nobody knows it better: a limit in time says its own end.
fn say_when_again(response: &mut Response) {
    let wait = match response.status() {
        StatusCode::TOO_MANY_REQUESTS => WHEN_OTHERS_LEAVE,
        StatusCode::SERVICE_UNAVAILABLE => RETRY_AFTER,
        _ => return,
    };
    let headers = response.headers_mut();
    headers
        .entry(header::RETRY_AFTER)
        .or_insert_with(|| HeaderValue::from(wait));
}

impl App {
    /// Counted under the path pattern of its route. What is an event too, its page wrote before.
    fn answer_page_error(&self, route: &str, error: &PageError, texts: &Texts) -> Response {
        match error {
            PageError::Page(page) => {
                self.note_refusal(route, ErrorCode::InvalidRequest);
                own_pages::answer(page, route, texts)
            }
            PageError::Client(error) => {
                self.note_refusal(route, error.refusal.code);
                let answered = self.answer_client_error(error);
                answered.unwrap_or_else(|| self.broken_page(NO_URL, texts))
            }
            PageError::ClientByLink(linked) => {
                self.note_refusal(route, linked.error.refusal.code);
                error_page(&self.linked_page(linked), texts)
            }
            PageError::ClientStopped(stopped) => {
                self.note_refusal(route, stopped.refusal.code);
                let page = refused_page(stopped.page, &stopped.refusal);
                error_page(&page, texts)
            }
            PageError::SignedOut { page } => match page {
                Some(page) => to_login(page),
                None => see_other("/login"),
            },
            PageError::Script { status, error } => {
                self.note_refusal(route, ErrorCode::InvalidRequest);
                match error {
                    Some(error) => json_answer(*status, &json!({ "error": error })),
                    None => status.into_response(),
                }
            }
            PageError::WrongClock(skew) => {
                let page = ErrorPage {
                    detail: Some(skew.sentence()),
                    retry_after: Some(Duration::from_secs(clock::RETRY_AFTER)),
                    ..ErrorPage::new(FailureKind::Unavailable)
                };
                error_page(&page, texts)
            }
            PageError::Fault(fault) if !script::reads(route) => self.fault_page(fault, texts),
            PageError::Fault(fault) | PageError::FaultForScript(fault) => self.fault(fault),
        }
    }

    fn fault_page(&self, fault: &ServerFault, texts: &Texts) -> Response {
        match fault {
            ServerFault::Broken(cause) => self.broken_page(cause, texts),
            ServerFault::Unavailable(cause) | ServerFault::InDoubt(cause) => {
                self.note_outage(cause);
                note_error(ErrorCode::TemporarilyUnavailable);
                error_page(&ErrorPage::new(FailureKind::Unavailable), texts)
            }
        }
    }

    fn broken_page(&self, cause: &str, texts: &Texts) -> Response {
        let page = ErrorPage {
            error_id: Some(self.log_broken(cause)),
            ..ErrorPage::new(FailureKind::ServerError)
        };
        error_page(&page, texts)
    }
}

fn error_page(page: &ErrorPage, texts: &Texts) -> Response {
    page.page(texts).into_http().into_response()
}
