//! Cache of configuration rows that are read often and rarely change: clients, resources, types. Bounded in size and age; tokens,
//! tasks and requests are never cached.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use quick_cache::sync::Cache;
use serde_json::json;
use writ_authority::Types;
use writ_core::OAuthError;
use writ_core::client::{Client, Resource};
use writ_core::event::{Event, EventName};
use writ_core::id::{ClientId, EventId};
use writ_core::realm::{DEFAULT_TENANT, DecisionContext, Realm};
use writ_core::registration::{self, People};
use writ_core::resources::Resources;
use writ_core::role::RoleRules;
use writ_platform::Random;
use writ_store::client::StoredClient;
use writ_store::{DatabaseTransaction, SingleFlight, Store, StoreError};
use writ_wire::client_document::ClientIdUrl;
use writ_wire::registration::{ClientFile, ResourceFile};
use writ_wire::resource::ResourceUri;
use writ_wire::time::Timestamp;

use crate::config::{Config, roles};
use crate::node::action_types::{actions, with_actions};
use crate::node::app::{App, StartError};
use crate::node::type_files::type_files;

/// How long a change of configuration may take to reach every node.
pub const CONFIGURATION_AGE: Duration = Duration::from_secs(5);
/// Resources and types are read again after so long though no change was counted: a node of an earlier version counts none.
const UNCOUNTED_AGE: Duration = Duration::from_secs(60);
/// Clients in the cache of one node.
const CACHED_CLIENTS: usize = 16_384;

/// The cache of registered clients; an unknown client is looked up again each time.
pub struct Clients(Cache<String, (Timestamp, Arc<Client>)>);

impl Clients {
    pub fn new() -> Self {
        Self(Cache::new(CACHED_CLIENTS))
    }
}

impl Default for Clients {
    fn default() -> Self {
        Self::new()
    }
}

impl App {
    /// The client of that name, at most [`CONFIGURATION_AGE`] old; none for one that was removed.
    pub async fn client(&self, id: &str) -> Result<Option<Arc<Client>>, StoreError> {
        let now = self.clock.now();
        if let Some((loaded_at, client)) = self.clients.0.get(id)
            && loaded_at.is_within(CONFIGURATION_AGE, now)
        {
            return Ok(Some(client));
        }
        let Some(stored) = self.read().await?.client(&ClientId::from_text(id)).await? else {
            return Ok(None);
        };
        if stored.removed {
            return Ok(None);
        }
        self.parse_and_keep(id, &stored).map(Some)
    }

    /// As [`why_stopped`], outside of a transaction.
    pub async fn why_stopped(&self, id: &ClientId) -> Result<Option<OAuthError>, StoreError> {
        why_stopped(&mut self.read().await?, id).await
    }

    /// The client as its row is now, where nobody is asked whether the answer may go to it; none for one that was removed or is stopped.
    pub async fn working_client(&self, id: &str) -> Result<Option<Arc<Client>>, StoreError> {
        let mut reading = self.read().await?;
        self.working_client_in(&mut reading, id).await
    }

    /// The same in a transaction.
    pub async fn working_client_in(
        &self,
        transaction: &mut DatabaseTransaction,
        id: &str,
    ) -> Result<Option<Arc<Client>>, StoreError> {
        let stored = transaction.client(&ClientId::from_text(id)).await?;
        let working = stored.filter(StoredClient::is_active);
        working
            .map(|stored| self.parse_and_keep(id, &stored))
            .transpose()
    }

    fn parse_and_keep(&self, id: &str, stored: &StoredClient) -> Result<Arc<Client>, StoreError> {
        let client = Arc::new(parse_client(id, stored)?);
        // Guests change by themselves.
        if !client.is_guest() {
            let kept = (self.clock.now(), client.clone());
            self.clients.0.insert(id.to_owned(), kept);
        }
        Ok(client)
    }

    /// Resources and types, at most [`CONFIGURATION_AGE`] old.
    pub async fn catalogue(&self) -> Result<Arc<Catalogue>, StoreError> {
        let known = self.catalogue.known();
        if known
            .asked_at
            .is_within(CONFIGURATION_AGE, self.clock.now())
        {
            return Ok(known.catalogue);
        }
        self.fresh_catalogue().await
    }

    /// Resources and types as they are now, where a stale answer would confuse a user or an operator. They are read again only after
    /// a change: otherwise one row is looked at, however many there are.
    pub async fn fresh_catalogue(&self) -> Result<Arc<Catalogue>, StoreError> {
        let (cache, now) = (&self.catalogue, self.clock.now());
        // Before what it counts: a change in between is read twice, never missed.
        let changes = self.read().await?.catalogue_changes().await?;
        let unchanged = || cache.unchanged(changes, now);
        if let Some(catalogue) = unchanged() {
            return Ok(catalogue);
        }
        let reload = async { cache.reload(&mut self.read().await?, changes, now).await };
        cache.reading.share(&self.store, unchanged, reload).await
    }

    /// The same in a transaction: a change that was answered before is in it, on whatever node it was made. It waits for no other request,
    /// which may wait for its connection.
    pub async fn fresh_catalogue_in(
        &self,
        transaction: &mut DatabaseTransaction,
    ) -> Result<Arc<Catalogue>, StoreError> {
        let (cache, now) = (&self.catalogue, self.clock.now());
        let changes = transaction.catalogue_changes().await?;
        match cache.unchanged(changes, now) {
            Some(catalogue) => Ok(catalogue),
            None => cache.reload(transaction, changes, now).await,
        }
    }

    /// The same; while the database cannot be used, as they were read last.
    pub async fn catalogue_or_known(&self) -> Result<Arc<Catalogue>, StoreError> {
        if self.outage.lasts(self.clock.now()) {
            return Ok(self.catalogue.known().catalogue);
        }
        let fresh = self.fresh_catalogue().await;
        self.or_known(fresh, || self.catalogue.known().catalogue)
    }
}

/// Parses a stored client, which was valid when it was written.
pub fn parse_client(id: &str, stored: &StoredClient) -> Result<Client, StoreError> {
    let file: ClientFile = serde_json::from_str(&stored.metadata)
        .map_err(|e| StoreError::Corrupt(format!("client `{id}`: {e}")))?;
    let people = match (&stored.owner, &stored.sponsor) {
        (Some(owner), Some(sponsor)) => Some(People {
            owner: owner.clone(),
            sponsor: sponsor.clone(),
        }),
        _ => None,
    };
    let mut client = registration::client(
        &file,
        ClientId::from_text(id),
        stored.secret_digest.clone(),
        people.as_ref(),
    )
    .map_err(|e| StoreError::Corrupt(format!("client `{id}`: {e}")))?;
    client.earlier_secret.clone_from(&stored.earlier_secret);
    Ok(client)
}

/// Resources and types of one tenant at one moment.
pub struct Catalogue {
    pub issuer: ResourceUri,
    pub resources: Resources,
    pub types: Arc<Types>,
    /// As this process is configured.
    pub roles: Arc<RoleRules>,
    /// What is made from them once and sent often: the metadata document.
    pub(crate) metadata: OnceLock<Option<Bytes>>,
    /// How many versions of types there are, and the newest: when this is as it was, all are.
    documents: (usize, Option<String>),
}

impl Catalogue {
    pub fn realm(&self) -> Realm<'_> {
        Realm {
            issuer: &self.issuer,
            resources: &self.resources,
            types: &self.types,
            roles: &self.roles,
        }
    }

    pub fn context(&self, now: Timestamp) -> DecisionContext<'_> {
        DecisionContext {
            realm: self.realm(),
            now,
        }
    }
}

/// The cached catalogue of this process.
pub struct CatalogueCache {
    /// The files of this node: what new requests are checked against.
    own: Vec<String>,
    known: RwLock<KnownCatalogue>,
    /// One request reads all of it again; others wait, and take what was read.
    reading: SingleFlight,
}

/// What this process knows, and how well.
#[derive(Clone)]
struct KnownCatalogue {
    catalogue: Arc<Catalogue>,
    /// The number of changes that it has, as the database counts them.
    changes: Option<i64>,
    /// When it was read.
    read_at: Timestamp,
    /// When the database was last asked whether there are changes.
    asked_at: Timestamp,
}

impl CatalogueCache {
    /// Reads the type files, writes those that are new, and loads everything.
    pub async fn start(
        store: &Store,
        config: &Config,
        random: &Random,
        now: Timestamp,
    ) -> Result<Self, StartError> {
        let own = type_files(&config.types_path).map_err(StartError::Types)?;
        let types = Types::from_documents(own.iter().cloned())
            .map_err(|e| StartError::Types(format!("`{}`: {e}", config.types_path.display())))?;
        roles::check_types(&config.roles, &types).map_err(StartError::Types)?;
        let mut transaction = store.begin(DEFAULT_TENANT).await?;
        for definition in types.names().filter_map(|name| types.by_name(name)) {
            let (hash, name) = (definition.hash(), definition.name());
            if transaction
                .insert_type(hash, name, definition.document(), now)
                .await?
            {
                let event = Event::new(
                    EventId::make(now, random.bytes()),
                    now,
                    EventName::TypeChanged,
                )
                .with(json!({ "type": name, "type_hash": hash, "version": definition.version() }));
                transaction.insert_event(&event).await?;
            }
            transaction.keep_type(hash, now).await?;
        }
        transaction.commit().await?;
        let start = Catalogue {
            issuer: config.issuer.clone(),
            resources: Resources::default(),
            types: Arc::new(types),
            roles: config.roles.clone(),
            metadata: OnceLock::new(),
            documents: (0, None),
        };
        let cache = Self {
            own,
            reading: SingleFlight::default(),
            known: RwLock::new(KnownCatalogue {
                catalogue: Arc::new(start),
                changes: None,
                read_at: now,
                asked_at: now,
            }),
        };
        let mut reading = store.read(DEFAULT_TENANT).await?;
        let changes = reading.catalogue_changes().await?;
        cache.reload(&mut reading, changes, now).await?;
        Ok(cache)
    }

    fn known(&self) -> KnownCatalogue {
        self.known
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn keep(&self, known: KnownCatalogue) {
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = known;
    }

    /// What is known, if it has all changes.
    fn unchanged(&self, changes: Option<i64>, now: Timestamp) -> Option<Arc<Catalogue>> {
        let known = self.known();
        if changes != known.changes || !known.read_at.is_within(UNCOUNTED_AGE, now) {
            return None;
        }
        let catalogue = known.catalogue.clone();
        self.keep(KnownCatalogue {
            asked_at: now,
            ..known
        });
        Some(catalogue)
    }

    /// So that what this node works with does not leave as unused.
    pub async fn keep_types(&self, store: &Store, now: Timestamp) -> Result<(), StoreError> {
        let catalogue = self.known().catalogue;
        let types = &catalogue.types;
        let mut transaction = store.begin(DEFAULT_TENANT).await?;
        for definition in types.names().filter_map(|name| types.by_name(name)) {
            transaction.keep_type(definition.hash(), now).await?;
        }
        for action in actions(&catalogue.resources) {
            let (hash, name) = (&action.type_hash, &action.type_name);
            // An earlier version of this server may have written the action as another type.
            transaction
                .insert_type(hash, name, &action.document, now)
                .await?;
            transaction.keep_type(hash, now).await?;
        }
        transaction.commit().await
    }

    async fn reload(
        &self,
        transaction: &mut DatabaseTransaction,
        changes: Option<i64>,
        now: Timestamp,
    ) -> Result<Arc<Catalogue>, StoreError> {
        let before = self.known().catalogue;
        let mut resources = BTreeMap::new();
        for document in transaction.resources().await? {
            let resource = parse_resource(&document, &before.issuer)?;
            // Of two that were registered before they counted as one, the first in the order of their texts.
            resources.entry(resource.uri.clone()).or_insert(resource);
        }
        let resources: Resources = resources.into_iter().collect();
        let documents = transaction.types().await?;
        let known = (documents.len(), documents.last().cloned());
        let types = if known == before.documents {
            before.types.clone()
        } else {
            Arc::new(self.types(&documents)?)
        };
        let types = with_actions(types, &resources);
        let catalogue = Arc::new(Catalogue {
            issuer: before.issuer.clone(),
            resources,
            types,
            roles: before.roles.clone(),
            metadata: OnceLock::new(),
            documents: known,
        });
        self.keep(KnownCatalogue {
            catalogue: catalogue.clone(),
            changes,
            read_at: now,
            asked_at: now,
        });
        Ok(catalogue)
    }

    /// This node's types by name; every other stored version by hash, so that old consents keep their meaning. One that a later
    /// version of this server wrote, and that cannot be read here, is unknown: its objects are refused, and nothing else is.
    fn types(&self, documents: &[String]) -> Result<Types, StoreError> {
        let corrupt = |e: writ_authority::TypeError| StoreError::Corrupt(format!("types: {e}"));
        let mut types = Types::from_documents(self.own.iter().cloned()).map_err(corrupt)?;
        for document in documents {
            if let Err(error) = types.add_older(document) {
                tracing::warn!(%error, "a stored type cannot be read by this version: its objects are refused here");
            }
        }
        Ok(types)
    }
}

/// Why nothing is done for this client, as its row is now; none for one that works. A guest of a document has a row from its first
/// consent on.
pub async fn why_stopped(
    transaction: &mut DatabaseTransaction,
    id: &ClientId,
) -> Result<Option<OAuthError>, StoreError> {
    Ok(match transaction.client(id).await? {
        Some(stored) if stored.is_active() => None,
        Some(stored) if !stored.removed => Some(OAuthError::client_stopped()),
        None if ClientIdUrl::is_meant(id.as_str()) => None,
        Some(_) | None => Some(OAuthError::client_removed()),
    })
}

fn parse_resource(document: &str, issuer: &ResourceUri) -> Result<Resource, StoreError> {
    let file: ResourceFile = serde_json::from_str(document)
        .map_err(|e| StoreError::Corrupt(format!("resource: {e}")))?;
    registration::resource(&file, issuer).map_err(|e| StoreError::Corrupt(format!("resource: {e}")))
}
