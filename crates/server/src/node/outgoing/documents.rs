//! The documents that this server fetched, in memory and in the database. One that cannot be had or is not valid is not kept, and its
//! URL is left alone for a while. Never fetch while a database transaction is open.

use std::sync::Arc;

use bytes::Bytes;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use writ_core::realm::DEFAULT_TENANT;
use writ_platform::Clock;
use writ_platform::guard::{GuardedClient, Origin};
use writ_store::Store;
use writ_store::fetched_document::{DocumentName, StoredDocument};
use writ_wire::time::Timestamp;

use super::call_limits::CallLimits;
use super::fetch::{
    AcceptedAge, DocumentPurpose, Fallback, FetchError, Fetched, FetchedDocument, WantedDocument,
    entity_tag, text_of,
};
use super::flights::Flights;
use super::freshness::{Freshness, KeptIn};
use super::pauses::Pauses;
use crate::node::metrics::{FetchCounters, FetchLabel};

/// Bytes of documents in the memory of one node; those that are used least leave.
const KEPT_BYTES: u64 = 32 * 1024 * 1024;
/// Documents that are expected there.
const EXPECTED_DOCUMENTS: usize = 4096;

/// What a fetch needs.
pub struct FetchEnvironment {
    /// For documents and key sets of guests.
    pub guests: GuardedClient,
    /// For key sets of clients that an operator registered, and for providers by which people sign in.
    pub registered: GuardedClient,
    pub store: Store,
    pub clock: Clock,
    pub fetches: FetchCounters,
}

/// The documents of this node.
pub struct Documents {
    environment: FetchEnvironment,
    kept: Cache<DocumentKey, Arc<FetchedDocument>, ByBytes>,
    pauses: Pauses<DocumentKey>,
    flights: Flights<DocumentKey>,
    calls: CallLimits,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct DocumentKey {
    purpose: DocumentPurpose,
    url: String,
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<DocumentKey, Arc<FetchedDocument>> for ByBytes {
    fn weight(&self, key: &DocumentKey, document: &Arc<FetchedDocument>) -> u64 {
        let bytes = key.url.len() + document.body.len();
        u64::try_from(bytes).unwrap_or(u64::MAX).max(1)
    }
}

impl Documents {
    pub fn new(environment: FetchEnvironment) -> Self {
        Self {
            environment,
            kept: Cache::with_weighter(EXPECTED_DOCUMENTS, KEPT_BYTES, ByBytes),
            pauses: Pauses::default(),
            flights: Flights::default(),
            calls: CallLimits::default(),
        }
    }

    /// The kept document if it will do, or a fetched one.
    pub async fn fetch(
        &self,
        wanted: &WantedDocument<'_>,
    ) -> Result<Arc<FetchedDocument>, FetchError> {
        // A kept copy is no way around the rules of now.
        let policy = self.guard(wanted.purpose).policy();
        policy.admits(wanted.url).map_err(FetchError::Guard)?;
        let key = DocumentKey {
            purpose: wanted.purpose,
            url: wanted.url.to_owned(),
        };
        if let Some(kept) = self.kept_in_memory(&key, wanted) {
            return Ok(kept);
        }
        let flight = self.flights.of(&key);
        let _turn = flight.lock().await;
        if let Some(kept) = self.kept_in_memory(&key, wanted) {
            return Ok(kept);
        }
        self.fetch_in_turn(&key, wanted).await
    }

    fn kept_in_memory(
        &self,
        key: &DocumentKey,
        wanted: &WantedDocument<'_>,
    ) -> Option<Arc<FetchedDocument>> {
        // Another node may know a newer one.
        if let AcceptedAge::Kept(_) = wanted.age {
            return None;
        }
        let kept = self.kept.get(key)?;
        wanted.takes(&kept, self.now()).then_some(kept)
    }

    async fn fetch_in_turn(
        &self,
        key: &DocumentKey,
        wanted: &WantedDocument<'_>,
    ) -> Result<Arc<FetchedDocument>, FetchError> {
        let in_memory = self.kept.get(key);
        if let Some(error) = self.pauses.why(key, self.now()) {
            return self.instead(in_memory, wanted, error);
        }
        let kept = self.newest(key, in_memory).await?;
        if let Some(kept) = &kept
            && wanted.takes(kept, self.now())
        {
            return Ok(kept.clone());
        }
        if let AcceptedAge::Kept(_) = wanted.age {
            return Err(FetchError::NotKept);
        }
        let Some(_call) = self.calls.begin(wanted.reason, wanted.url) else {
            return self.instead(kept, wanted, FetchError::Busy);
        };
        match self.call(wanted, kept.as_deref()).await {
            Ok((document, kept_in)) => Ok(self.keep(key, document, kept_in).await),
            Err(error) => {
                self.pause(key, &error);
                self.instead(kept, wanted, error)
            }
        }
    }

    /// Another node may have fetched it after this one did.
    async fn newest(
        &self,
        key: &DocumentKey,
        in_memory: Option<Arc<FetchedDocument>>,
    ) -> Result<Option<Arc<FetchedDocument>>, FetchError> {
        let mut reading = self.environment.store.read(DEFAULT_TENANT).await?;
        let stored = reading.fetched_document(key.name()).await?;
        let stored = stored.map(FetchedDocument::from);
        Ok(match (stored, in_memory) {
            (Some(stored), Some(kept)) if stored.fetched_at <= kept.fetched_at => Some(kept),
            (Some(stored), _) => {
                let stored = Arc::new(stored);
                self.kept.insert(key.clone(), stored.clone());
                Some(stored)
            }
            (None, kept) => kept,
        })
    }

    async fn call(
        &self,
        wanted: &WantedDocument<'_>,
        kept: Option<&FetchedDocument>,
    ) -> Result<(FetchedDocument, KeptIn), FetchError> {
        let fetched = wanted.fetch_from(self.guard(wanted.purpose), kept).await?;
        let (body, headers, old_tag, outcome) = match fetched {
            Fetched::New { body, headers } => (body, headers, None, "fetched"),
            Fetched::Unchanged { body, headers } => {
                let tag = kept.and_then(|kept| kept.etag.clone());
                (body, headers, tag, "unchanged")
            }
        };
        self.count(wanted.purpose, outcome);
        let now = self.now();
        let freshness = Freshness::of(&headers, now);
        let document = FetchedDocument {
            body,
            etag: entity_tag(&headers).or(old_tag),
            fetched_at: now,
            fresh_until: now.plus(freshness.fresh_for),
        };
        Ok((document, freshness.kept_in))
    }

    /// A copy that cannot be written down is still good.
    async fn keep(
        &self,
        key: &DocumentKey,
        document: FetchedDocument,
        kept_in: KeptIn,
    ) -> Arc<FetchedDocument> {
        let document = Arc::new(document);
        self.pauses.end(key);
        self.kept.insert(key.clone(), document.clone());
        if kept_in == KeptIn::Database
            && let Err(error) = self.write(key, &document).await
        {
            tracing::warn!(%error, purpose = key.purpose.name(), "a fetched document is not kept");
        }
        document
    }

    async fn write(&self, key: &DocumentKey, document: &FetchedDocument) -> Result<(), FetchError> {
        let stored = StoredDocument {
            body: text_of(&document.body)?.to_owned(),
            etag: document.etag.clone(),
            fetched_at: document.fetched_at,
            fresh_until: document.fresh_until,
        };
        let mut transaction = self.environment.store.begin(DEFAULT_TENANT).await?;
        transaction.keep_document(key.name(), &stored).await?;
        transaction.commit().await?;
        Ok(())
    }

    fn pause(&self, key: &DocumentKey, error: &FetchError) {
        self.count(key.purpose, "failed");
        let purpose = key.purpose.name();
        let policy = self.guard(key.purpose).policy();
        let origin = policy.origin(&key.url).ok();
        let origin = origin.as_ref().map(Origin::as_str);
        let why = error.kind();
        tracing::info!(why, purpose, "a document could not be fetched");
        // Strangers choose the address, and write what stands there.
        tracing::debug!(?origin, error = ?error.to_string(), "the document");
        self.pauses.begin(key.clone(), error.clone(), self.now());
    }

    fn instead(
        &self,
        kept: Option<Arc<FetchedDocument>>,
        wanted: &WantedDocument<'_>,
        error: FetchError,
    ) -> Result<Arc<FetchedDocument>, FetchError> {
        let Fallback::StaleFor(longest) = wanted.fallback else {
            return Err(error);
        };
        let good = kept.filter(|kept| {
            self.now() < kept.fresh_until.plus(longest) && wanted.is_valid(&kept.body)
        });
        good.ok_or(error)
    }

    fn guard(&self, purpose: DocumentPurpose) -> &GuardedClient {
        match purpose {
            DocumentPurpose::ClientMetadata | DocumentPurpose::GuestJwkSet => {
                &self.environment.guests
            }
            DocumentPurpose::JwkSet
            | DocumentPurpose::UpstreamMetadata
            | DocumentPurpose::UpstreamJwkSet => &self.environment.registered,
        }
    }

    fn count(&self, purpose: DocumentPurpose, outcome: &'static str) {
        let purpose = purpose.name();
        let label = FetchLabel { purpose, outcome };
        self.environment.fetches.get_or_create(&label).inc();
    }

    fn now(&self) -> Timestamp {
        self.environment.clock.now()
    }
}

impl DocumentKey {
    fn name(&self) -> DocumentName<'_> {
        DocumentName {
            purpose: self.purpose.name(),
            url: &self.url,
        }
    }
}

impl From<StoredDocument> for FetchedDocument {
    fn from(stored: StoredDocument) -> Self {
        Self {
            body: Bytes::from(stored.body),
            etag: stored.etag,
            fetched_at: stored.fetched_at,
            fresh_until: stored.fresh_until,
        }
    }
}
