//! One guarded fetch for the documents that others host: key sets (RFC 7591 `jwks_uri`) and client metadata documents. `documents.rs`
//! keeps them.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, StatusCode};
use writ_platform::guard::{GuardError, GuardedClient, MAX_RESPONSE_BYTES};
use writ_store::StoreError;
use writ_store::clock::APART;
use writ_wire::time::Timestamp;

use super::call_limits::CallReason;
use crate::node::failure::ServerFault;

/// The largest client metadata document, in bytes.
pub const MAX_CLIENT_METADATA_BYTES: usize = 5 * 1024;
/// The longest `ETag` that is sent back, in bytes.
const MAX_ETAG_BYTES: usize = 256;

/// What a document is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DocumentPurpose {
    /// draft-ietf-oauth-client-id-metadata-document.
    ClientMetadata,
    /// The key set of a guest: nothing that is fetched for others is kept for guests, who may name any URL.
    GuestJwkSet,
    /// The key set of a client that an operator registered (RFC 7517 section 5).
    JwkSet,
    /// What a provider by which people sign in says of itself (OpenID Connect Discovery section 4).
    UpstreamMetadata,
    /// Its key set.
    UpstreamJwkSet,
}

impl DocumentPurpose {
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClientMetadata => "client_metadata",
            Self::GuestJwkSet => "guest_jwks",
            Self::JwkSet => "jwks",
            Self::UpstreamMetadata => "upstream_metadata",
            Self::UpstreamJwkSet => "upstream_jwks",
        }
    }

    const fn max_bytes(self) -> usize {
        match self {
            Self::ClientMetadata => MAX_CLIENT_METADATA_BYTES,
            Self::GuestJwkSet | Self::JwkSet | Self::UpstreamMetadata | Self::UpstreamJwkSet => {
                MAX_RESPONSE_BYTES
            }
        }
    }

    const fn accept(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::ClientMetadata | Self::UpstreamMetadata => "application/json",
            Self::GuestJwkSet | Self::JwkSet | Self::UpstreamJwkSet => {
                "application/jwk-set+json, application/json"
            }
        })
    }
}

/// Which document, and what will do.
#[derive(Clone, Copy)]
pub struct WantedDocument<'a> {
    pub url: &'a str,
    pub purpose: DocumentPurpose,
    /// For whom the host is called.
    pub reason: CallReason,
    pub age: AcceptedAge,
    pub fallback: Fallback,
    /// Refuses a body that is no such document, by URL and body; a fetched one is then not kept.
    pub check: fn(&str, &[u8]) -> Result<(), String>,
}

/// How old a kept document may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcceptedAge {
    Fresh,
    /// Fresh, and fetched no earlier than this.
    FetchedSince(Timestamp),
    /// Until so long after its freshness ended, and nobody is called for another.
    Kept(Duration),
}

/// What is given when no document of the accepted age can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fallback {
    Error,
    /// The kept one, until so long after its freshness ended.
    StaleFor(Duration),
}

/// A document as it was fetched or found unchanged last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedDocument {
    pub body: Bytes,
    pub etag: Option<String>,
    pub fetched_at: Timestamp,
    pub fresh_until: Timestamp,
}

/// Why there is no document. It does not name the URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    #[error("{0}")]
    Guard(GuardError),
    #[error("it was answered with status {0}: only 200 will do, redirects are not followed")]
    Status(u16),
    #[error("its content type is not `application/json` or `application/...+json`")]
    ContentType,
    #[error("{0}")]
    Invalid(String),
    #[error("too many documents are being fetched: try again")]
    Busy,
    #[error("it was not fetched before")]
    NotKept,
    /// Ours.
    #[error("the database: {0}")]
    Ours(ServerFault),
}

impl FetchError {
    /// In a word of ours: what a host says, or is called, stands in no line of the log.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Guard(
                GuardError::NotAUrl
                | GuardError::NotHttps
                | GuardError::UserInformation
                | GuardError::NotPublic,
            ) => "address",
            Self::Guard(GuardError::TooLarge(_)) => "too_large",
            Self::Guard(GuardError::TimedOut) => "timed_out",
            Self::Guard(GuardError::Unreachable(_)) => "unreachable",
            Self::Status(_) => "status",
            Self::ContentType => "content_type",
            Self::Invalid(_) => "invalid",
            Self::Busy => "busy",
            Self::NotKept => "not_kept",
            Self::Ours(_) => "database",
        }
    }
}

impl From<StoreError> for FetchError {
    fn from(error: StoreError) -> Self {
        Self::Ours(error.into())
    }
}

/// What a host answered, with the headers that tell how long it is fresh.
pub(super) enum Fetched {
    New {
        body: Bytes,
        headers: HeaderMap,
    },
    /// 304 (RFC 9110 section 15.4.5): the body is the kept one.
    Unchanged {
        body: Bytes,
        headers: HeaderMap,
    },
}

impl WantedDocument<'_> {
    pub(super) fn takes(&self, kept: &FetchedDocument, now: Timestamp) -> bool {
        // Fetched later than now: this clock went back, and would take it for fresh for as long.
        let is_past = kept.fetched_at <= now.plus(APART);
        let is_fresh = is_past && now < kept.fresh_until;
        match self.age {
            AcceptedAge::Fresh => is_fresh,
            AcceptedAge::FetchedSince(earliest) => is_fresh && kept.fetched_at >= earliest,
            AcceptedAge::Kept(longest) => now < kept.fresh_until.plus(longest),
        }
    }

    pub(super) fn is_valid(&self, body: &[u8]) -> bool {
        (self.check)(self.url, body).is_ok()
    }

    /// Calls the host; asks only whether it changed if an older one is kept.
    pub(super) async fn fetch_from(
        &self,
        guard: &GuardedClient,
        kept: Option<&FetchedDocument>,
    ) -> Result<Fetched, FetchError> {
        let kept = kept.filter(|kept| self.is_valid(&kept.body));
        let tag = kept.and_then(|kept| HeaderValue::from_str(kept.etag.as_deref()?).ok());
        let is_conditional = tag.is_some();
        let mut headers = HeaderMap::from_iter([(ACCEPT, self.purpose.accept())]);
        headers.extend(tag.map(|tag| (IF_NONE_MATCH, tag)));
        let response = guard.get(self.url, headers, self.purpose.max_bytes()).await;
        let response = response.map_err(FetchError::Guard)?;
        let headers = response.headers;
        match (response.status, kept) {
            (StatusCode::OK, _) => {
                self.check_fetched(&headers, &response.body)?;
                let body = response.body;
                Ok(Fetched::New { body, headers })
            }
            (StatusCode::NOT_MODIFIED, Some(kept)) if is_conditional => Ok(Fetched::Unchanged {
                body: kept.body.clone(),
                headers,
            }),
            (status, _) => Err(FetchError::Status(status.as_u16())),
        }
    }

    fn check_fetched(&self, headers: &HeaderMap, body: &[u8]) -> Result<(), FetchError> {
        let content_type = headers.get(CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok());
        if !content_type.is_some_and(is_json) {
            return Err(FetchError::ContentType);
        }
        text_of(body)?;
        (self.check)(self.url, body).map_err(FetchError::Invalid)
    }
}

/// The `ETag` for the next `If-None-Match`, if it is not too long.
pub(super) fn entity_tag(headers: &HeaderMap) -> Option<String> {
    let tag = headers.get(ETAG)?.to_str().ok()?;
    (tag.len() <= MAX_ETAG_BYTES).then(|| tag.to_owned())
}

pub(super) fn text_of(body: &[u8]) -> Result<&str, FetchError> {
    std::str::from_utf8(body).map_err(|_| FetchError::Invalid("it is not in UTF-8".to_owned()))
}

/// `application/json` and every `application/...+json` (RFC 6838 section 4.2.8), with any parameters.
fn is_json(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or_default();
    let media_type = media_type.trim().to_ascii_lowercase();
    let Some(subtype) = media_type.strip_prefix("application/") else {
        return false;
    };
    subtype == "json" || subtype.strip_suffix("+json").is_some_and(|x| !x.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_that_is_too_long_is_not_sent_back() {
        for (length, is_kept) in [
            (3, true),
            (MAX_ETAG_BYTES, true),
            (MAX_ETAG_BYTES + 1, false),
        ] {
            let tag = format!("\"{}\"", "x".repeat(length - 2));
            let mut headers = HeaderMap::new();
            headers.insert(ETAG, HeaderValue::from_str(&tag).unwrap());
            assert_eq!(entity_tag(&headers), is_kept.then_some(tag), "{length}");
        }
        assert_eq!(entity_tag(&HeaderMap::new()), None);
    }

    #[test]
    fn a_document_is_json_by_its_content_type() {
        for good in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/jwk-set+json",
            "application/x+json ;a=b",
        ] {
            assert!(is_json(good), "{good}");
        }
        for bad in [
            "",
            "text/json",
            "text/html",
            "application/",
            "application/+json",
            "application/jsonx",
            "application/octet-stream",
        ] {
            assert!(!is_json(bad), "{bad}");
        }
    }
}
