//! What a person sees when a request cannot go on and no redirect can be trusted (RFC 6749 section
//! 4.1.2.1), and for everything else that ends on this server.

use std::time::Duration;

use askama::Template;
use http::StatusCode;

use super::sections::FailureText;
use super::sentence::{Part, Sentence, fill};
use super::{ClientView, Page, Texts, plain};

/// An error page: words for the person by `kind`, the rest for the developer beside them.
#[derive(Clone, Debug)]
pub struct FailurePage {
    pub kind: FailureKind,
    /// The refusal's sentence for the developer. No secrets, nothing from our log.
    pub detail: Option<String>,
    /// As in `error` of RFC 6749.
    pub error_code: Option<String>,
    /// Under which our log has the cause.
    pub error_id: Option<String>,
    /// Where the person goes on, if that is known.
    pub way_on: Option<WayOn>,
    /// After how long the same may succeed, where that is known.
    pub retry_after: Option<Duration>,
}

/// The one link of an error page.
#[derive(Clone, Debug)]
pub enum WayOn {
    /// "Back to" the client, at an address of its own.
    Client { client: ClientView, address: String },
    /// The same of a client that nobody registered: the page says to which host the link leads.
    Guest {
        client: ClientView,
        host: String,
        address: String,
    },
    /// "Start again", at a page of ours.
    StartAgain { page: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// Client or redirect URI cannot be trusted.
    UntrustedRequest,
    /// What a page of ours or a mailed link sent is none of ours: no app is part of it.
    Malformed,
    /// A guest's request that nobody is asked about.
    RequestRefused,
    /// The person may not grant what is asked for.
    BeyondRoles,
    RequestExpired,
    RequestUsed,
    /// Nothing can be allowed to this client any more.
    ClientStopped,
    /// The person paused it.
    ClientPaused,
    /// The form's token (CSRF) is missing or wrong.
    FormExpired,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    /// The body is larger than is read.
    TooLarge,
    /// The body is no form.
    OtherFormat,
    TooManyRequests,
    ServerError,
    Unavailable,
}

impl FailurePage {
    pub fn new(kind: FailureKind) -> Self {
        Self {
            kind,
            detail: None,
            error_code: None,
            error_id: None,
            way_on: None,
            retry_after: None,
        }
    }

    pub fn page(&self, texts: &Texts) -> Page {
        let text = self.kind.text(texts);
        let shown = |value: &Option<String>| value.as_deref().map(plain);
        let template = FailureTemplate {
            texts,
            title: texts.page_title(&text.title),
            text,
            facts: [
                (texts.failure.error_code.as_str(), shown(&self.error_code)),
                (texts.failure.detail.as_str(), shown(&self.detail)),
                (texts.failure.error_id.as_str(), shown(&self.error_id)),
            ]
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .collect(),
            link: self.link(texts),
        };
        Page::rendered(&template, self.kind.status()).with_retry_after(self.retry_after)
    }

    fn link(&self, texts: &Texts) -> Option<Link> {
        let words = |text: &str| fill(text, &[]);
        let (words, address) = match &self.way_on {
            Some(
                WayOn::Client { client, address }
                | WayOn::Guest {
                    client, address, ..
                },
            ) => {
                let name = [("name", client.shown_name(texts))];
                let name = name.each_ref().map(|(key, value)| (*key, value.as_str()));
                (fill(&texts.failure.back_to_client, &name), address.as_str())
            }
            Some(WayOn::StartAgain { page }) => (words(&texts.failure.start_again), page.as_str()),
            None if self.kind.leads_home() => (words(&texts.failure.home), HOME),
            None => return None,
        };
        let leads_to = match &self.way_on {
            Some(WayOn::Guest { host, .. }) => {
                Some(fill(&texts.failure.leads_to, &[("host", &plain(host))]))
            }
            _ => None,
        };
        let address = address.to_owned();
        Some(Link {
            leads_to,
            words,
            address,
        })
    }
}

impl FailureKind {
    pub fn status(self) -> StatusCode {
        match self {
            Self::UntrustedRequest
            | Self::Malformed
            | Self::RequestRefused
            | Self::RequestExpired
            | Self::RequestUsed
            | Self::ClientStopped
            | Self::ClientPaused => StatusCode::BAD_REQUEST,
            Self::BeyondRoles | Self::FormExpired | Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::OtherFormat => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            Self::ServerError => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn text(self, texts: &Texts) -> &FailureText {
        let failure = &texts.failure;
        match self {
            Self::UntrustedRequest => &failure.untrusted_request,
            Self::Malformed => &failure.malformed,
            Self::RequestRefused => &failure.request_refused,
            Self::BeyondRoles => &failure.beyond_roles,
            Self::RequestExpired => &failure.request_expired,
            Self::RequestUsed => &failure.request_used,
            Self::ClientStopped => &failure.client_stopped,
            Self::ClientPaused => &failure.client_paused,
            Self::FormExpired => &failure.form_expired,
            Self::Forbidden => &failure.forbidden,
            Self::NotFound => &failure.not_found,
            Self::MethodNotAllowed | Self::OtherFormat => &failure.method_not_allowed,
            Self::TooLarge => &failure.too_large,
            Self::TooManyRequests => &failure.too_many_requests,
            Self::ServerError => &failure.server_error,
            Self::Unavailable => &failure.unavailable,
        }
    }

    /// Where going back to the app is the only step, a link home would only distract.
    fn leads_home(self) -> bool {
        match self {
            Self::RequestUsed
            | Self::Malformed
            | Self::ClientPaused
            | Self::NotFound
            | Self::MethodNotAllowed
            | Self::TooLarge
            | Self::OtherFormat
            | Self::Forbidden => true,
            Self::UntrustedRequest
            | Self::RequestRefused
            | Self::BeyondRoles
            | Self::RequestExpired
            | Self::ClientStopped
            | Self::FormExpired
            | Self::TooManyRequests
            | Self::ServerError
            | Self::Unavailable => false,
        }
    }
}

#[derive(Template)]
#[template(path = "failure.html")]
struct FailureTemplate<'a> {
    texts: &'a Texts,
    title: String,
    text: &'a FailureText,
    facts: Vec<(&'a str, String)>,
    link: Option<Link>,
}

struct Link {
    /// Where it leads, said of guests.
    leads_to: Option<Sentence>,
    words: Sentence,
    address: String,
}

const HOME: &str = "/app";
