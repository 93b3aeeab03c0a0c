//! The one door for calls to addresses that others name (LESSONS 28): https, public addresses only, the address that was
//! checked is the one that is connected, no redirects, no proxy, bounded in size and time.

mod address;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{HeaderMap, RETRY_AFTER};
use http::{Method, StatusCode};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Client, Url};

pub use address::is_public;

/// From the look-up of the name to the last byte of the answer.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// The largest answer that is read, in bytes.
pub const MAX_REPLY_BYTES: usize = 64 * 1024;
/// Longer addresses are not called.
pub const MAX_URL_BYTES: usize = 2048;
/// Connections to one host that are kept for the next call.
const IDLE_PER_HOST: usize = 4;

/// What an operator decided.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Origins (`http://10.0.0.7:9000`) that may be called although they are plain HTTP or not public.
    pub trusted: Vec<Origin>,
}

/// Scheme, host and port of an http or https URL, in the normal form of the URL standard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    /// `None` for what is more or less than scheme, host and port.
    pub fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let web = matches!(url.scheme(), "http" | "https");
        (bare && web && !has_user(&url)).then(|| Self::of(&url))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn of(url: &Url) -> Self {
        Self(url.origin().ascii_serialization())
    }
}

/// How a URL may be called.
enum Way {
    /// As everybody's: public addresses alone.
    Careful,
    /// As a trusted one: by the system's own look-up.
    Trusting,
}

impl Rules {
    /// Whether a call to it would be tried; what its name stands for is found only then.
    pub fn admits(&self, url: &str) -> Result<(), Refused> {
        self.checked(url).map(drop)
    }

    /// The origin of a URL that may be tried: the audience of what is said there (RFC 8292 section 2).
    pub fn origin(&self, url: &str) -> Result<Origin, Refused> {
        self.checked(url).map(|(url, _)| Origin::of(&url))
    }

    /// The URL in normal form, so that every spelling of an address is the address.
    fn checked(&self, text: &str) -> Result<(Url, Way), Refused> {
        if text.len() > MAX_URL_BYTES {
            return Err(Refused::NotAUrl);
        }
        let url = Url::parse(text).map_err(|_| Refused::NotAUrl)?;
        if has_user(&url) {
            return Err(Refused::UserInformation);
        }
        if self.trusted.contains(&Origin::of(&url)) {
            return Ok((url, Way::Trusting));
        }
        if url.scheme() != "https" {
            return Err(Refused::NotHttps);
        }
        let host = url.host_str().ok_or(Refused::NotAUrl)?;
        let literal = host.trim_start_matches('[').trim_end_matches(']');
        match literal.parse::<IpAddr>() {
            Ok(address) if !is_public(address) => Err(Refused::NotPublic),
            _ => Ok((url, Way::Careful)),
        }
    }
}

/// An answer; a redirect is one like any other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub status: StatusCode,
    pub body: Bytes,
    /// How long the other side wants to be left alone, if it said so in seconds (RFC 9110 section 10.2.3).
    pub retry_after: Option<Duration>,
}

/// Why there is no answer. Nothing of the address stands in it: it may hold a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the address is no URL of at most {MAX_URL_BYTES} bytes")]
    NotAUrl,
    #[error("the address is not https")]
    NotHttps,
    #[error("the address has user information")]
    UserInformation,
    #[error("the address is not a public one")]
    NotPublic,
    #[error("the answer is larger than {MAX_REPLY_BYTES} bytes")]
    TooLarge,
    #[error("there was no answer in time")]
    TooLate,
    #[error("nobody could be reached: {0}")]
    Unreachable(String),
}

impl Refused {
    /// Whether it will be the same tomorrow.
    pub const fn is_final(&self) -> bool {
        match self {
            Self::NotAUrl | Self::NotHttps | Self::UserInformation | Self::NotPublic => true,
            Self::TooLarge | Self::TooLate | Self::Unreachable(_) => false,
        }
    }
}

/// Calls out, by these rules alone.
#[derive(Clone, Debug)]
pub struct Guarded {
    rules: Rules,
    patience: Duration,
    careful: Client,
    trusting: Client,
}

impl Guarded {
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    pub fn new(rules: Rules) -> Result<Self, Refused> {
        Self::with_patience(rules, PATIENCE)
    }

    fn with_patience(rules: Rules, patience: Duration) -> Result<Self, Refused> {
        let client = || {
            Client::builder()
                .redirect(Policy::none())
                .no_proxy()
                .referer(false)
                .pool_max_idle_per_host(IDLE_PER_HOST)
                .timeout(patience)
        };
        let built = |builder: reqwest::ClientBuilder| builder.build().map_err(unreachable);
        Ok(Self {
            rules,
            patience,
            careful: built(client().https_only(true).dns_resolver(PublicNames))?,
            trusting: built(client())?,
        })
    }

    pub async fn post(&self, url: &str, headers: HeaderMap, body: Bytes) -> Result<Reply, Refused> {
        let (url, way) = self.rules.checked(url)?;
        let client = match way {
            Way::Careful => &self.careful,
            Way::Trusting => &self.trusting,
        };
        let call = client
            .request(Method::POST, url)
            .headers(headers)
            .body(body);
        // The library's own limit may not cover the look-up of a name.
        tokio::time::timeout(self.patience, answer(call))
            .await
            .unwrap_or(Err(Refused::TooLate))
    }
}

fn has_user(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

async fn answer(call: reqwest::RequestBuilder) -> Result<Reply, Refused> {
    let mut answer = call.send().await.map_err(unreachable)?;
    let mut body = BytesMut::new();
    while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > MAX_REPLY_BYTES {
            return Err(Refused::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    let wait = answer.headers().get(RETRY_AFTER);
    let seconds = wait.and_then(|value| value.to_str().ok()?.trim().parse().ok());
    Ok(Reply {
        status: answer.status(),
        body: body.freeze(),
        retry_after: seconds.map(Duration::from_secs),
    })
}

/// Looks names up and hands on what may be connected; one address that is not public spoils them all.
struct PublicNames;

impl Resolve for PublicNames {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public = all_public(found.collect())?;
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the name stands for an address that is not public")]
struct NotPublic;

fn all_public(found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, NotPublic> {
    let public = found.iter().all(|address| is_public(address.ip()));
    public.then_some(found).ok_or(NotPublic)
}

fn unreachable(error: reqwest::Error) -> Refused {
    if error.is_timeout() {
        return Refused::TooLate;
    }
    let mut causes = std::iter::successors(std::error::Error::source(&error), |e| e.source());
    if causes.any(|cause| cause.is::<NotPublic>()) {
        return Refused::NotPublic;
    }
    Refused::Unreachable(error.without_url().to_string())
}

#[cfg(test)]
mod tests;
