//! HTTP client for URLs that clients and users register, guarded against server-side request forgery: https and public
//! addresses only, the resolved address that was checked is the one connected to, no redirects, no proxy, bounded in size and time.

mod address;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{HeaderMap, RETRY_AFTER};
use http::{Method, StatusCode};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Url};

pub use address::{is_public, translated_ipv4};

/// From the DNS lookup to the last byte of the response.
pub const TIMEOUT: Duration = Duration::from_secs(5);
/// The largest response body that is read, in bytes.
pub const MAX_RESPONSE_BYTES: usize = 64 * 1024;
/// The longest URL that is called, in bytes.
pub const MAX_URL_BYTES: usize = 2048;
/// Idle connections kept per host.
const IDLE_PER_HOST: usize = 4;

/// Which URLs may be called.
#[derive(Clone, Debug, Default)]
pub struct AddressPolicy {
    /// Origins (`http://10.0.0.7:9000`) that the operator allows although they are plain HTTP or not public.
    pub trusted: Vec<Origin>,
}

/// Scheme, host and port of an http or https URL, in the normal form of the URL standard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    /// `None` unless it is scheme, host and an optional port alone.
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

/// Whether the addresses of a URL's host are checked.
enum Trust {
    /// Only public addresses are connected to.
    Untrusted,
    /// The operator allowed the origin: any address.
    Trusted,
}

impl AddressPolicy {
    /// Checks a URL without a DNS lookup: the addresses of a host name are checked when it is called.
    pub fn admits(&self, url: &str) -> Result<(), GuardError> {
        self.checked(url).map(drop)
    }

    /// The origin of a URL that [`Self::admits`]: the `aud` of a VAPID token for it (RFC 8292 section 2).
    pub fn origin(&self, url: &str) -> Result<Origin, GuardError> {
        self.checked(url).map(|(url, _)| Origin::of(&url))
    }

    /// Parses before checking, so that every spelling of an IP address (`0x7f.1`) is seen as that address.
    fn checked(&self, text: &str) -> Result<(Url, Trust), GuardError> {
        if text.len() > MAX_URL_BYTES {
            return Err(GuardError::NotAUrl);
        }
        let url = Url::parse(text).map_err(|_| GuardError::NotAUrl)?;
        if has_user(&url) {
            return Err(GuardError::UserInformation);
        }
        if self.trusted.contains(&Origin::of(&url)) {
            return Ok((url, Trust::Trusted));
        }
        if url.scheme() != "https" {
            return Err(GuardError::NotHttps);
        }
        let host = url.host_str().ok_or(GuardError::NotAUrl)?;
        let literal = host.trim_start_matches('[').trim_end_matches(']');
        match literal.parse::<IpAddr>() {
            Ok(address) if !is_public(address) => Err(GuardError::NotPublic),
            _ => Ok((url, Trust::Untrusted)),
        }
    }
}

/// Certificate authorities that are trusted beside those of the system.
#[derive(Clone, Debug, Default)]
pub struct ExtraRoots(Vec<Certificate>);

impl ExtraRoots {
    /// A bundle in PEM; `None` if it holds no certificate, or one that cannot be used.
    pub fn from_pem(bundle: &[u8]) -> Option<Self> {
        let roots = Certificate::from_pem_bundle(bundle).ok()?;
        let usable = Client::builder().tls_certs_merge(roots.clone()).build();
        (!roots.is_empty() && usable.is_ok()).then_some(Self(roots))
    }
}

/// A response of any status, redirects included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuardedResponse {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// `Retry-After` in seconds; `None` if it is absent or a date (RFC 9110 section 10.2.3).
    pub retry_after: Option<Duration>,
}

/// Why there is no response. It does not name the URL, which may hold a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GuardError {
    #[error("the address is no URL of at most {MAX_URL_BYTES} bytes")]
    NotAUrl,
    #[error("the address is not https")]
    NotHttps,
    #[error("the address has user information")]
    UserInformation,
    #[error("the address is not a public one")]
    NotPublic,
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
    #[error("there was no answer in time")]
    TimedOut,
    #[error("nobody could be reached: {0}")]
    Unreachable(String),
}

impl GuardError {
    /// Whether a retry would fail the same way.
    pub const fn is_permanent(&self) -> bool {
        match self {
            Self::NotAUrl | Self::NotHttps | Self::UserInformation | Self::NotPublic => true,
            Self::TooLarge(_) | Self::TimedOut | Self::Unreachable(_) => false,
        }
    }
}

/// The client. It calls only what its policy allows.
#[derive(Clone, Debug)]
pub struct GuardedClient {
    policy: AddressPolicy,
    timeout: Duration,
    untrusted: Client,
    trusted: Client,
}

impl GuardedClient {
    pub const fn policy(&self) -> &AddressPolicy {
        &self.policy
    }

    pub fn new(policy: AddressPolicy) -> Result<Self, GuardError> {
        Self::with_roots(policy, &ExtraRoots::default())
    }

    /// Also takes certificates that these authorities signed.
    pub fn with_roots(policy: AddressPolicy, roots: &ExtraRoots) -> Result<Self, GuardError> {
        Self::build(policy, roots, TIMEOUT)
    }

    /// The same client with its connections and authorities, under another policy.
    pub fn under(&self, policy: AddressPolicy) -> Self {
        Self {
            policy,
            ..self.clone()
        }
    }

    fn build(
        policy: AddressPolicy,
        roots: &ExtraRoots,
        timeout: Duration,
    ) -> Result<Self, GuardError> {
        let client = || {
            Client::builder()
                .redirect(Policy::none())
                .no_proxy()
                .referer(false)
                .pool_max_idle_per_host(IDLE_PER_HOST)
                .timeout(timeout)
                .tls_certs_merge(roots.0.iter().cloned())
        };
        let built = |builder: reqwest::ClientBuilder| builder.build().map_err(unreachable);
        Ok(Self {
            policy,
            timeout,
            untrusted: built(client().https_only(true).dns_resolver(PublicNames))?,
            trusted: built(client())?,
        })
    }

    /// Sends a `POST`; retries and redirects are left to the caller.
    pub async fn post(
        &self,
        url: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<GuardedResponse, GuardError> {
        let call = self.request(Method::POST, url)?;
        self.answer(call.headers(headers).body(body), MAX_RESPONSE_BYTES)
            .await
    }

    /// Sends a `GET` whose answer may have `max_body` bytes, at most [`MAX_RESPONSE_BYTES`].
    pub async fn get(
        &self,
        url: &str,
        headers: HeaderMap,
        max_body: usize,
    ) -> Result<GuardedResponse, GuardError> {
        let call = self.request(Method::GET, url)?;
        self.answer(call.headers(headers), max_body.min(MAX_RESPONSE_BYTES))
            .await
    }

    fn request(&self, method: Method, url: &str) -> Result<reqwest::RequestBuilder, GuardError> {
        let (url, trust) = self.policy.checked(url)?;
        let client = match trust {
            Trust::Untrusted => &self.untrusted,
            Trust::Trusted => &self.trusted,
        };
        Ok(client.request(method, url))
    }

    /// The timeout of reqwest may not cover the DNS lookup.
    async fn answer(
        &self,
        call: reqwest::RequestBuilder,
        max_body: usize,
    ) -> Result<GuardedResponse, GuardError> {
        tokio::time::timeout(self.timeout, answer(call, max_body))
            .await
            .unwrap_or(Err(GuardError::TimedOut))
    }
}

fn has_user(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

async fn answer(
    call: reqwest::RequestBuilder,
    max_body: usize,
) -> Result<GuardedResponse, GuardError> {
    let mut answer = call.send().await.map_err(unreachable)?;
    let mut body = BytesMut::new();
    while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > max_body {
            return Err(GuardError::TooLarge(max_body));
        }
        body.extend_from_slice(&chunk);
    }
    let wait = answer.headers().get(RETRY_AFTER);
    let seconds = wait.and_then(|value| value.to_str().ok()?.trim().parse().ok());
    Ok(GuardedResponse {
        status: answer.status(),
        headers: std::mem::take(answer.headers_mut()),
        body: body.freeze(),
        retry_after: seconds.map(Duration::from_secs),
    })
}

/// A DNS resolver that refuses a name if any of its addresses is not public.
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

fn unreachable(error: reqwest::Error) -> GuardError {
    if error.is_timeout() {
        return GuardError::TimedOut;
    }
    let mut causes = std::iter::successors(std::error::Error::source(&error), |e| e.source());
    if causes.any(|cause| cause.is::<NotPublic>()) {
        return GuardError::NotPublic;
    }
    GuardError::Unreachable(error.without_url().to_string())
}

#[cfg(test)]
mod tests;
