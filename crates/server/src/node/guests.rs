//! Guests: a `client_id` that is an https URL is looked up by fetching the document there
//! (draft-ietf-oauth-client-id-metadata-document-03), never while a database transaction is open.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use writ_core::OAuthError;
use writ_core::client::{Authentication, Client, ClientKeys};
use writ_core::guest;
use writ_core::id::{ClientId, UserId};
use writ_core::registration::dynamic;
use writ_wire::client_document::{ClientDocument, ClientIdUrl};
use writ_wire::jwk::JwkSet;
use writ_wire::strict_json;
use writ_wire::time::Timestamp;

use crate::node::app::App;
use crate::node::failure::Failure;
use crate::node::outgoing::call_limits::CallReason;
use crate::node::outgoing::fetch::{
    AcceptedAge, DocumentPurpose, Fallback, FetchError, WantedDocument,
};
use crate::node::rate_limits::RateLimit;
use crate::node::registry::parse_client;
use crate::node::request_log::{ClientStanding, note_client};

/// How long tokens are renewed while the host of a document cannot be reached.
const STALE_FOR: Duration = Duration::from_secs(3600);

/// For what a guest is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuestLookup<'a> {
    /// A request that begins something: the document is fresh.
    Request { address: Option<IpAddr> },
    /// Somebody is shown the way back to it: nothing is fetched for that.
    WayBack,
    /// A person who is signed in is asked: the document is fetched now.
    Consent { person: &'a UserId },
    /// A grant goes on: it need not end because a host is down for a while.
    Grant { address: Option<IpAddr> },
}

impl GuestLookup<'_> {
    const fn reason(self) -> CallReason {
        match self {
            Self::Request { address } => CallReason::Visit { from: address },
            Self::WayBack => CallReason::Visit { from: None },
            Self::Consent { .. } | Self::Grant { .. } => CallReason::KnownGuest,
        }
    }

    const fn fallback(self) -> Fallback {
        match self {
            Self::Grant { .. } => Fallback::StaleFor(STALE_FOR),
            Self::Request { .. } | Self::WayBack | Self::Consent { .. } => Fallback::Error,
        }
    }

    const fn accepted_age(self, now: Timestamp) -> AcceptedAge {
        match self {
            Self::Consent { .. } => AcceptedAge::FetchedSince(now),
            Self::Request { .. } | Self::Grant { .. } => AcceptedAge::Fresh,
            Self::WayBack => AcceptedAge::Kept(STALE_FOR),
        }
    }
}

impl App {
    /// The client that a request names: a registered one, or the guest of a document.
    pub async fn client_or_guest(
        &self,
        id: &str,
        lookup: GuestLookup<'_>,
    ) -> Result<Option<Arc<Client>>, Failure> {
        let found = self.find_client_or_guest(id, lookup).await?;
        if let Some(client) = &found {
            note_client(client, ClientStanding::Named);
        }
        Ok(found)
    }

    async fn find_client_or_guest(
        &self,
        id: &str,
        lookup: GuestLookup<'_>,
    ) -> Result<Option<Arc<Client>>, Failure> {
        if dynamic::is_dynamic(id) {
            return self.registered_guest(id, lookup).await;
        }
        if !ClientIdUrl::is_meant(id) {
            return Ok(self.client(id).await?);
        }
        if !self.config.features.guests {
            return Ok(None);
        }
        let url = ClientIdUrl::parse(id)
            .map_err(|e| OAuthError::invalid_client(format!("`client_id` {e}")))?;
        self.config.guests.admit_host(url.host())?;
        match lookup {
            GuestLookup::Request { address } => self.admit_front_request(address).await?,
            GuestLookup::Consent { person } => self.admit_guest_question(person).await?,
            // Nobody makes this server fetch what no person was asked about.
            GuestLookup::Grant { .. } if !self.is_kept(&url).await? => return Ok(None),
            GuestLookup::Grant { .. } | GuestLookup::WayBack => {}
        }
        Ok(Some(Arc::new(self.guest(&url, lookup).await?)))
    }

    /// A client that registered itself, as it is now and by the operator's lists of now; `None` once it is removed or stopped.
    async fn registered_guest(
        &self,
        id: &str,
        lookup: GuestLookup<'_>,
    ) -> Result<Option<Arc<Client>>, Failure> {
        if !self.config.features.guests {
            return Ok(None);
        }
        if let GuestLookup::Request { address } = lookup {
            self.admit_front_request(address).await?;
        }
        let stored = self.read().await?.client(&ClientId::from_text(id)).await?;
        let Some(stored) = stored.filter(|stored| !stored.stopped) else {
            return Ok(None);
        };
        let client = parse_client(id, &stored)?;
        self.config.guests.admit_registered(&client)?;
        let client = match lookup {
            GuestLookup::Consent { person } => {
                self.admit_guest_question(person).await?;
                let current = self.with_keys_of_now(client, lookup.reason()).await;
                current.map_err(|missing| {
                    missing.failure(|why| OAuthError::invalid_client(why).into())
                })?
            }
            GuestLookup::Grant { address } => {
                if self.fetches_for_nobody(&client).await? {
                    self.admit_front_request(address).await?;
                }
                client
            }
            GuestLookup::Request { .. } | GuestLookup::WayBack => client,
        };
        Ok(Some(Arc::new(client)))
    }

    /// Whether its keys are at a URL that it chose, and no person agreed to it yet.
    async fn fetches_for_nobody(&self, client: &Client) -> Result<bool, Failure> {
        let remote = matches!(
            client.authentication,
            Authentication::PrivateKeyJwt(ClientKeys::At(_))
        );
        if !remote {
            return Ok(false);
        }
        let registration = self.read().await?.registration(&client.id).await?;
        Ok(registration.is_some_and(|registration| registration.expires_at.is_some()))
    }

    /// Before anything is fetched for somebody who is signed in: another site can send their browser here.
    async fn admit_guest_question(&self, person: &UserId) -> Result<(), Failure> {
        let limit = RateLimit::of_guest_questions(person, self.clock.now());
        let sentence = "this person was asked about clients too often: try again in a minute";
        self.admit_request([limit], sentence).await
    }

    async fn is_kept(&self, url: &ClientIdUrl) -> Result<bool, Failure> {
        let id = ClientId::from_text(url.as_str());
        Ok(self.read().await?.client(&id).await?.is_some())
    }

    async fn guest(&self, url: &ClientIdUrl, lookup: GuestLookup<'_>) -> Result<Client, Failure> {
        let body = self
            .fetch_for_guest(WantedDocument {
                url: url.as_str(),
                purpose: DocumentPurpose::ClientMetadata,
                reason: lookup.reason(),
                age: lookup.accepted_age(self.clock.now()),
                fallback: lookup.fallback(),
                check: check_document,
            })
            .await?;
        let document = ClientDocument::parse(&body, url)
            .map_err(|e| OAuthError::invalid_client(e.to_string()))?;
        let keys = match document.jwks_uri.as_deref() {
            Some(keys_url) if document.has_method_of_keys() => {
                Some(self.guest_keys(keys_url, lookup).await?)
            }
            _ => None,
        };
        Ok(guest::admit(&document, url, keys, &self.config.guests)?)
    }

    async fn guest_keys(&self, url: &str, lookup: GuestLookup<'_>) -> Result<JwkSet, Failure> {
        self.config.guests.admit_keys(url)?;
        let body = self
            .fetch_for_guest(WantedDocument {
                url,
                purpose: DocumentPurpose::GuestJwkSet,
                reason: lookup.reason(),
                age: lookup.accepted_age(self.clock.now()),
                fallback: lookup.fallback(),
                check: |_, body| key_set(body).map(drop),
            })
            .await?;
        key_set(&body).map_err(|e| OAuthError::invalid_client(e).into())
    }

    async fn fetch_for_guest(&self, wanted: WantedDocument<'_>) -> Result<bytes::Bytes, Failure> {
        match self.documents.fetch(&wanted).await {
            Ok(document) => Ok(document.body.clone()),
            Err(FetchError::Ours(fault)) => Err(fault.into()),
            Err(FetchError::Invalid(sentence)) => Err(OAuthError::invalid_client(sentence).into()),
            Err(error) => {
                let what = match wanted.purpose {
                    DocumentPurpose::ClientMetadata => "metadata document",
                    DocumentPurpose::UpstreamMetadata => "metadata",
                    DocumentPurpose::GuestJwkSet
                    | DocumentPurpose::JwkSet
                    | DocumentPurpose::UpstreamJwkSet => "key set",
                };
                let sentence = format!("the client's {what} could not be fetched: {error}");
                Err(OAuthError::invalid_client(sentence).into())
            }
        }
    }
}

/// Only documents that are valid are kept (section 4.3).
fn check_document(url: &str, body: &[u8]) -> Result<(), String> {
    let url = ClientIdUrl::parse(url).map_err(|e| format!("`client_id` {e}"))?;
    ClientDocument::parse(body, &url)
        .map(drop)
        .map_err(|e| e.to_string())
}

fn key_set(body: &[u8]) -> Result<JwkSet, String> {
    let malformed = |_| "the client's key set is no JWK Set".to_owned();
    strict_json::read(body).map_err(malformed)
}
