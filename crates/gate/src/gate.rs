//! What one gate is made of, and its places for requests and streams.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use url::Url;
use writ_platform::{Clock, Random};
use writ_verifier::{
    BearerPolicy, CredentialsError, Decisions, DecisionsConfig, LiveCheck, ProofsJudged,
    ResourceMetadata, Verifier, VerifierConfig, VerifierEnvironment, metadata_url,
};

use crate::config::{GateConfig, GateError};
use crate::definitions::{Definitions, ToolsError, list_tools};
use crate::endpoint;
use crate::handles::Handles;
use crate::owner::Owner;
use crate::questions::Questions;
use crate::sealed::Sealer;
use crate::sessions::Sessions;
use crate::upstream::Upstream;

/// Requests and streams that are open at once.
pub const MAX_STREAMS: usize = 1_000;
/// Of one subject by one client under one delegation.
pub const MAX_STREAMS_OF_ONE: usize = 16;

/// What is served where.
pub(crate) struct GatePaths {
    pub(crate) endpoint: String,
    /// The document of the resource (RFC 9728).
    pub(crate) document: String,
}

/// What one gate holds.
pub(crate) struct GateParts {
    pub(crate) config: GateConfig,
    pub(crate) verifier: Verifier,
    pub(crate) decisions: Decisions,
    pub(crate) questions: Arc<Questions>,
    pub(crate) upstream: Upstream,
    pub(crate) sessions: Sessions,
    pub(crate) handles: Handles,
    pub(crate) definitions: Definitions,
    pub(crate) sealer: Sealer,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
    pub(crate) document: ResourceMetadata,
    pub(crate) paths: GatePaths,
    places: Mutex<HashMap<Owner, usize>>,
}

/// One gate. It makes no request before one comes, or before it is asked to check.
pub struct Gate(Arc<GateParts>);

impl Gate {
    pub fn new(config: GateConfig, environment: VerifierEnvironment) -> Result<Self, GateError> {
        GateParts::new(config, environment).map(|parts| Self(Arc::new(parts)))
    }

    #[cfg(test)]
    pub(crate) const fn parts(&self) -> &Arc<GateParts> {
        &self.0
    }

    /// Everything that it serves.
    pub fn routes(&self) -> Router {
        Router::new()
            .fallback(endpoint::serve)
            .with_state(Arc::clone(&self.0))
    }

    /// Whether the issuer is the one that is meant, takes the client's credentials, and has a record of the resource: otherwise nothing
    /// passes.
    pub async fn check_credentials(&self) -> Result<(), CredentialsError> {
        self.0.decisions.check_credentials().await
    }

    /// Whether the server's tools can be read, without which no tool is called.
    pub async fn check_upstream(&self) -> Result<(), ToolsError> {
        list_tools(&self.0.upstream).await.map(drop)
    }

    /// No call is held any more: each is told to call again, or its question is cancelled.
    pub fn end(&self) {
        self.0.questions.end();
    }

    /// After [`Self::end`], when no connection is left: until nobody is asked for a call that is over.
    pub async fn ended(&self) {
        self.0.questions.finished().await;
    }
}

/// Everything that a gate serves.
pub fn router(config: GateConfig, environment: VerifierEnvironment) -> Result<Router, GateError> {
    Gate::new(config, environment).map(|gate| gate.routes())
}

impl GateParts {
    fn new(config: GateConfig, environment: VerifierEnvironment) -> Result<Self, GateError> {
        let unusable = || GateError::Resource(config.resource.as_str().to_owned());
        let url = Url::parse(config.resource.as_str()).map_err(|_| unusable())?;
        let document_url = metadata_url(&config.resource).ok_or_else(unusable)?;
        let document_url = Url::parse(&document_url).map_err(|_| unusable())?;
        if config.upstream == url {
            return Err(GateError::Circle);
        }
        let origin = url.origin().ascii_serialization();
        let mut verifier = VerifierConfig::new(&config.issuer, config.resource.clone(), &origin);
        verifier.bearer = BearerPolicy::Allow;
        verifier.live = LiveCheck::Introspection {
            client_id: config.client_id.clone(),
            client_secret: config.client_secret.clone(),
            cache: Duration::ZERO,
        };
        let verifier = Verifier::new(verifier, environment.clone())?;
        let decisions = DecisionsConfig {
            issuer: config.issuer.clone(),
            resource: config.resource.clone(),
            client_id: config.client_id.clone(),
            client_secret: config.client_secret.clone(),
            proofs: ProofsJudged::Here,
        };
        let scopes: Vec<&str> = config.scopes.iter().map(String::as_str).collect();
        let authorization = config.upstream_authorization.as_ref();
        let authorization = authorization.map(|text| text.as_str());
        Ok(Self {
            document: verifier.resource_metadata(&scopes, &[]),
            decisions: Decisions::new(decisions, environment.clone())?,
            questions: Arc::default(),
            upstream: Upstream::new(config.upstream.clone(), authorization)?,
            sealer: Sealer::new(&environment.random)?,
            paths: GatePaths {
                endpoint: url.path().to_owned(),
                document: document_url.path().to_owned(),
            },
            verifier,
            config,
            sessions: Sessions::default(),
            handles: Handles::default(),
            definitions: Definitions::default(),
            clock: environment.clock,
            random: environment.random,
            places: Mutex::default(),
        })
    }
}

/// One of the places for requests and streams; given back when dropped.
pub(crate) struct StreamPlace {
    gate: Arc<GateParts>,
    owner: Owner,
}

impl StreamPlace {
    pub(crate) fn take(gate: &Arc<GateParts>, owner: &Owner) -> Option<Self> {
        let mut taken = gate.taken();
        let all: usize = taken.values().sum();
        let own = taken.get(owner).copied().unwrap_or_default();
        if all >= MAX_STREAMS || own >= MAX_STREAMS_OF_ONE {
            return None;
        }
        taken.insert(owner.clone(), own + 1);
        Some(Self {
            gate: Arc::clone(gate),
            owner: owner.clone(),
        })
    }
}

impl Drop for StreamPlace {
    fn drop(&mut self) {
        let mut taken = self.gate.taken();
        match taken.get_mut(&self.owner) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                taken.remove(&self.owner);
            }
        }
    }
}

impl GateParts {
    fn taken(&self) -> MutexGuard<'_, HashMap<Owner, usize>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
