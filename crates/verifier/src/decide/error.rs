//! What a decision can end in that is no permit. Each says what to do next; what is not known is never a permit.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use writ_wire::access::OUTSIDE_SCHEMA;
use writ_wire::error::{ErrorBody, ErrorCode, description};

/// Nothing was permitted, and nothing was done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotPermitted {
    /// By the rules, or by a person. `words` are for people, and may be empty.
    #[error("{}", denied(.reason, .words))]
    Denied {
        /// As the server says it: `not_covered`, `used`, ...; `person` where a person said no.
        reason: String,
        words: String,
    },
    /// Outside the schema, or such that they cannot be judged or shown to a person; nobody was asked, and other arguments may be
    /// permitted.
    #[error("{words}")]
    ArgumentsInvalid {
        words: String,
        /// The place of what is wrong, as a JSON pointer in backticks, and why: the end of `words`; may be empty.
        place: String,
    },
    /// People are asked too often, or said no just before to something else.
    #[error("{}", not_asked(.why))]
    AskLater {
        retry_after: Duration,
        /// As the server says it; may be empty.
        why: String,
    },
    /// A person was asked and has not decided: the same call, made again, finds the answer.
    #[error("a person was asked and has not decided yet")]
    StillWaiting {
        question: String,
        /// Where the person can decide.
        review: Option<String>,
    },
    /// Nobody decided in time, or what was permitted did not begin in time.
    #[error("{0}")]
    Expired(&'static str),
    /// The approval was used, or is over; as the server says it.
    #[error("{0}")]
    ApprovalOver(String),
    /// By this call's end, a newer question, or a stop.
    #[error("the question was cancelled ({reason})")]
    Cancelled { reason: String },
    /// What was asked for cannot be sent to be judged: the caller's own fault.
    #[error("{0}")]
    Unusable(String),
    /// No answer that can be relied upon. `cause` is for the log, and never sent.
    #[error("{what}")]
    Unavailable { what: &'static str, cause: String },
}

impl NotPermitted {
    /// Of what the server says of arguments. `of`: whose schema it is, `tool` or `action`.
    pub(crate) fn arguments_invalid(of: &str, said: &str) -> Self {
        let said = said.trim().trim_end_matches('.');
        let words = match said.strip_prefix(OUTSIDE_SCHEMA) {
            Some(place) => format!("the arguments do not fit the {of}'s schema:{place}"),
            None if said.starts_with(OF_ARGUMENTS) => said.to_owned(),
            None if said.is_empty() => "the arguments were refused".to_owned(),
            None => format!("the arguments were refused: {said}"),
        };
        let place = words.find(PLACE).and_then(|at| words.get(at..));
        Self::ArgumentsInvalid {
            place: place.unwrap_or_default().to_owned(),
            words,
        }
    }

    /// Of arguments that are not sent: in the words that the server has for them. `why`: the place, as a JSON pointer in backticks, and
    /// what is wrong there.
    pub fn arguments_not_judged(why: &str) -> Self {
        Self::arguments_invalid("", &format!("{OF_ARGUMENTS}cannot be judged: {why}"))
    }

    /// Of what the server says of an approval that permits nothing any more.
    pub(crate) fn approval_over(said: &str) -> Self {
        Self::ApprovalOver(match said {
            "" => "the approval is over".to_owned(),
            said => said.to_owned(),
        })
    }

    pub(crate) fn denied(reason: &str, words: &str) -> Self {
        Self::Denied {
            reason: reason.to_owned(),
            words: words.to_owned(),
        }
    }

    pub(crate) fn unavailable(what: &'static str, cause: impl ToString) -> Self {
        Self::Unavailable {
            what,
            cause: cause.to_string(),
        }
    }

    /// One word for programs, the same in every kit.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Denied { .. } => "denied",
            Self::ArgumentsInvalid { .. } => "arguments_invalid",
            Self::AskLater { .. } => "ask_later",
            Self::StillWaiting { .. } => "still_waiting",
            Self::Expired(_) | Self::ApprovalOver(_) => "expired",
            Self::Cancelled { .. } => "cancelled",
            Self::Unusable(_) => "unusable",
            Self::Unavailable { .. } => "unavailable",
        }
    }

    /// What to do next: one sentence for the caller's developer or model.
    pub fn advice(&self) -> String {
        match self {
            Self::Denied { .. } => DO_NOT_REPEAT.to_owned(),
            Self::ArgumentsInvalid { .. } => "correct them and call again".to_owned(),
            Self::AskLater { retry_after, .. } => {
                format!(
                    "the same may be asked again after {} s",
                    retry_after.as_secs()
                )
            }
            Self::StillWaiting { .. } => {
                "call again with the same arguments: the answer is found then".to_owned()
            }
            Self::Expired(_) | Self::ApprovalOver(_) => ASKS_ANEW.to_owned(),
            Self::Cancelled { reason } => after_cancellation(reason).to_owned(),
            Self::Unusable(_) => "correct the call".to_owned(),
            Self::Unavailable { .. } => "nothing was done, so try again later".to_owned(),
        }
    }

    /// What happened and what to do next, for whoever reads one text alone, such as a model.
    pub fn sentence(&self) -> String {
        let said = self.said();
        let mut letters = said.chars();
        let first = letters.next().map(char::to_uppercase);
        let first: String = first.into_iter().flatten().collect();
        format!("{first}{}.", letters.as_str())
    }

    fn said(&self) -> String {
        let what = self.to_string();
        format!("{}; {}", what.trim_end_matches('.'), self.advice())
    }

    /// Seconds for `Retry-After` (RFC 9110 section 10.2.3).
    pub const fn retry_after(&self) -> Option<u64> {
        match self {
            Self::AskLater { retry_after, .. } => Some(retry_after.as_secs()),
            Self::StillWaiting { .. } => Some(5),
            Self::Unavailable { .. } => Some(1),
            Self::Denied { .. }
            | Self::ArgumentsInvalid { .. }
            | Self::Expired(_)
            | Self::ApprovalOver(_)
            | Self::Cancelled { .. }
            | Self::Unusable(_) => None,
        }
    }

    pub const fn status(&self) -> StatusCode {
        match self {
            Self::Denied { .. }
            | Self::Expired(_)
            | Self::ApprovalOver(_)
            | Self::Cancelled { .. } => StatusCode::FORBIDDEN,
            Self::AskLater { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::StillWaiting { .. } => StatusCode::CONFLICT,
            Self::ArgumentsInvalid { .. } | Self::Unusable(_) => StatusCode::BAD_REQUEST,
            Self::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    const fn error(&self) -> ErrorCode {
        match self {
            Self::Denied { .. } | Self::Cancelled { .. } => ErrorCode::AccessDenied,
            Self::Expired(_) | Self::ApprovalOver(_) => ErrorCode::ExpiredToken,
            Self::StillWaiting { .. } => ErrorCode::AuthorizationPending,
            Self::ArgumentsInvalid { .. } | Self::Unusable(_) => ErrorCode::InvalidRequest,
            Self::AskLater { .. } | Self::Unavailable { .. } => ErrorCode::TemporarilyUnavailable,
        }
    }

    /// The whole answer of an API: status, `Retry-After`, and [`ErrorBody`]. No text of it holds an inner cause.
    pub fn into_response(self) -> Response<Bytes> {
        let body = ErrorBody {
            error: self.error(),
            error_description: Some(description(&self.said())),
            excess: Vec::new(),
            error_id: None,
            retry_after: self.retry_after(),
        };
        let mut response = Response::new(serde_json::to_vec(&body).unwrap_or_default().into());
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(seconds) = self.retry_after() {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// Who ended the question says whether it may be asked again.
fn after_cancellation(reason: &str) -> &'static str {
    match reason {
        // A person stopped the agent, wants no questions of the resource, or declined the page.
        "stopped" | "declined" => DO_NOT_REPEAT,
        "superseded" => ASKS_ANEW,
        _ => "nothing was done, so ask again only if it is still wanted",
    }
}

fn not_asked(why: &str) -> &str {
    match why {
        "" => "nobody was asked now",
        why => why,
    }
}

fn denied(reason: &str, words: &str) -> String {
    match words {
        "" => format!("not permitted ({reason})"),
        words => words.to_owned(),
    }
}

const DO_NOT_REPEAT: &str = "do not repeat this call";
const ASKS_ANEW: &str = "nothing was done, and a new call asks anew";
/// So the server begins whatever it says of arguments.
const OF_ARGUMENTS: &str = "The arguments ";
/// So a place begins in it.
const PLACE: &str = "`/";
