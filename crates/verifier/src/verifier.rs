//! The checks of one request in their order: token, proof, nonce, then the replay claim, then introspection (RFC 9068 section 4,
//! RFC 9449 section 7.1). A request without a valid nonce does not use up its proof.

use std::sync::Arc;

use writ_authority::{Permit, Usage, every_permit};
use writ_jose::access_token::{self, AccessTokenError};
use writ_jose::dpop::{
    DpopProof, Htu, NoncePolicy, ProofContext, ProofError, TokenHash, UnverifiedProof,
};
use writ_jose::hash::access_token_hash;
use writ_jose::nonce::NonceKeys;
use writ_platform::{Clock, Random, Transport};
use writ_wire::claims::AccessTokenClaims;
use writ_wire::rar::Detail;
use writ_wire::resource::ResourceUri;

use crate::caller::{Answering, Caller};
use crate::chain;
use crate::config::{
    BearerPolicy, ConfigError, LiveCheck, Nonces, Replay, Spends, VerifierConfig,
    VerifierEnvironment,
};
use crate::credentials::{self, Credentials, RequestView, Scheme};
use crate::issuer::{Issuer, Published};
use crate::live::{self, Introspection};
use crate::memory::{MemoryReplays, MemorySpends};
use crate::metadata::ResourceMetadata;
use crate::presented::{PresentedCaller, ShownProof};
use crate::refused::{Challenger, Reason, Rejection};
use crate::remediation::Remediation;
use crate::rules::Rules;
use crate::step_up::{self, StepUp};
use crate::stores::{ReplayStore, SpendClaim, SpendStore};
use crate::transaction::{self, Accepts, Operation, TransactionSigner, Transactions, Wanted};

/// Verifies the tokens of one issuer for one resource. Clones share their stores and caches.
#[derive(Clone)]
pub struct Verifier(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) issuer: Issuer,
    pub(crate) issuer_name: String,
    resource: ResourceUri,
    /// Without a slash at its end.
    public_url: String,
    agents_only: bool,
    step_up: Option<StepUp>,
    challenger: Challenger,
    nonces: Option<NonceKeys>,
    pub(crate) live: Option<Introspection>,
    replays: Arc<dyn ReplayStore>,
    spends: Option<Arc<dyn SpendStore>>,
    pub(crate) rules: Rules,
    transactions: Transactions,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) clock: Clock,
    random: Random,
}

impl Verifier {
    /// Makes no request yet: the issuer's keys are fetched with the first token.
    pub fn new(
        config: VerifierConfig,
        environment: VerifierEnvironment,
    ) -> Result<Self, ConfigError> {
        config.check()?;
        let nonces = match &config.nonces {
            Nonces::Required => Some(environment.random.bytes::<32>().into()),
            Nonces::Shared(secret) => Some(secret.clone()),
            Nonces::Off => None,
        };
        let live = match &config.live {
            LiveCheck::No => None,
            LiveCheck::Introspection {
                client_id,
                client_secret,
                cache,
            } => Some(Introspection::new(client_id, client_secret, *cache)),
        };
        let transport = environment.transport;
        Ok(Self(Arc::new(Inner {
            issuer: Issuer::new(
                &config.issuer,
                Arc::clone(&transport),
                environment.clock.clone(),
            ),
            rules: Rules::new(&config.issuer, Arc::clone(&transport)),
            nonces: nonces.map(|secret| NonceKeys::new(&secret, config.resource.as_str())),
            issuer_name: config.issuer,
            public_url: config.public_url.trim_end_matches('/').to_owned(),
            agents_only: config.agents_only,
            step_up: config.step_up,
            challenger: Challenger {
                realm: Arc::from(config.resource.as_str()),
                metadata_url: config.resource_metadata_url.map(Arc::from),
                bearer: config.bearer,
            },
            resource: config.resource,
            live,
            replays: match config.replay {
                Replay::InMemory => Arc::new(MemoryReplays::default()),
                Replay::Store(store) => store,
            },
            spends: match config.spends {
                Spends::Refuse => None,
                Spends::InMemory => Some(Arc::new(MemorySpends::default())),
                Spends::Store(store) => Some(store),
            },
            transactions: config.transactions,
            transport,
            clock: environment.clock,
            random: environment.random,
        })))
    }

    /// The caller of this request, or why it is rejected. Claims the request's DPoP proof: call it once for each request.
    pub async fn verify<'r>(
        &self,
        request: impl Into<RequestView<'r>>,
    ) -> Result<Caller, Rejection> {
        let request = request.into();
        let inner = &self.0;
        let credentials = Credentials::read(&request)
            .map_err(|reason| inner.challenger.refuse(None, None, reason))?;
        inner
            .accept(&credentials, &request)
            .await
            .map_err(|reason| {
                let nonce = match (&reason, &inner.nonces) {
                    (Reason::UseNonce, Some(keys)) => Some(keys.issue(inner.clock.now())),
                    _ => None,
                };
                inner
                    .challenger
                    .refuse(Some(credentials.scheme), nonce, reason)
            })
    }

    /// Whether the caller may do exactly this, and records the use: an object with `use: once` is spent, a budget is charged.
    /// Call it before acting; what was taken is not given back. `request` needs no `ref`, `type_hash` or `locations`.
    pub async fn permit(&self, caller: &Caller, request: &Detail) -> Result<Permit, Rejection> {
        let permitted = self.0.permit(caller, request).await;
        permitted.map_err(|reason| self.0.refuse(caller, None, reason))
    }

    /// The same, where the application has a name of its own for the operation, and words for the person who is wanted: both go
    /// into the challenge. Without them a name is drawn.
    pub async fn permit_operation(
        &self,
        caller: &Caller,
        request: &Detail,
        operation: &Operation,
    ) -> Result<Permit, Rejection> {
        let permitted = self.0.permit(caller, request).await;
        permitted.map_err(|reason| self.0.refuse(caller, Some(operation), reason))
    }

    /// The document for [`crate::metadata_url`]; no store or issuer is asked.
    pub fn resource_metadata(&self, scopes: &[&str], types: &[&str]) -> ResourceMetadata {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let inner = &self.0;
        let signer = inner.transactions.signer();
        ResourceMetadata {
            txn_challenge_jwks_uri: signer.and_then(TransactionSigner::jwks_uri),
            txn_challenge_signing_alg_values_supported: signer
                .map(|_| TransactionSigner::algorithms())
                .unwrap_or_default(),
            scopes_supported: owned(scopes),
            authorization_details_types_supported: owned(types),
            ..ResourceMetadata::new(
                inner.resource.clone(),
                &inner.issuer_name,
                inner.challenger.bearer,
            )
        }
    }
}

impl Inner {
    async fn accept(
        &self,
        credentials: &Credentials<'_>,
        request: &RequestView<'_>,
    ) -> Result<Caller, Reason> {
        let scheme = credentials.scheme;
        if scheme == Scheme::Bearer && self.challenger.bearer == BearerPolicy::Refuse {
            return Err(Reason::BearerRefused);
        }
        let (claims, published) = self.token(credentials.token).await?;
        let hash = access_token_hash(credentials.token);
        let proof = self.proof(scheme, &claims, &hash, request)?;
        let accepts = Accepts::of(request.headers);
        let shown = proof.as_ref();
        let shown = shown
            .map(|_| ShownProof::of(request, &self.public_url))
            .transpose()?;
        let presented = PresentedCaller::new(credentials.token, &hash, &claims.sub, shown);
        let caller = self.caller(claims.clone(), presented, (scheme, accepts))?;
        if let Some(proof) = proof {
            self.claim(&proof).await?;
        }
        if let Some(live) = &self.live {
            let asked = live::LiveQuestion {
                token: credentials.token,
                hash: &hash,
                id: &claims.jti,
                issuer: &claims.iss,
                subject: &claims.sub,
            };
            let endpoint = live::endpoint(&published)?;
            live.check(&asked, endpoint, &self.transport, &self.clock)
                .await?;
        }
        Ok(caller)
    }

    /// Signature, type, issuer, time and audience.
    async fn token(&self, token: &str) -> Result<(AccessTokenClaims, Arc<Published>), Reason> {
        let mut published = self.issuer.published().await?;
        let mut read = self.read(token, &published);
        if let Err(AccessTokenError::UnknownKey(_)) = &read {
            published = self.issuer.published_after(&published).await?;
            read = self.read(token, &published);
        }
        let claims = read.map_err(Reason::Token)?;
        if claims.aud != self.resource.as_str() {
            return Err(Reason::WrongAudience);
        }
        chain::check_shape(token)?;
        Ok((claims, published))
    }

    fn read(
        &self,
        token: &str,
        published: &Published,
    ) -> Result<AccessTokenClaims, AccessTokenError> {
        let now = self.clock.now();
        access_token::verify(token, |kid| published.key(kid), &self.issuer_name, now)
    }

    fn caller(
        &self,
        claims: AccessTokenClaims,
        presented: PresentedCaller,
        (scheme, accepts): (Scheme, Accepts),
    ) -> Result<Caller, Reason> {
        let answering = Answering {
            challenger: self.challenger.clone(),
            scheme,
            now: self.clock.now(),
            accepts,
        };
        let caller = Caller::read(claims, answering, presented)?;
        if self.agents_only && caller.agent().is_none() {
            return Err(Reason::NotAnAgent);
        }
        if let Some(wanted) = &self.step_up {
            caller.check_login(wanted)?;
        }
        Ok(caller)
    }

    /// The proof of a bound token; `None` for an unbound one that comes as bearer.
    fn proof(
        &self,
        scheme: Scheme,
        claims: &AccessTokenClaims,
        hash: &str,
        request: &RequestView<'_>,
    ) -> Result<Option<DpopProof>, Reason> {
        let cnf = match (scheme, &claims.cnf) {
            (Scheme::Bearer, None) => return Ok(None),
            (Scheme::Bearer, Some(_)) => return Err(Reason::BoundTokenAsBearer),
            (Scheme::DPoP, None) => return Err(Reason::UnboundToken),
            (Scheme::DPoP, Some(cnf)) => cnf,
        };
        let proof = UnverifiedProof::parse(credentials::proof_text(request.headers)?);
        let url = self.url(request.uri.path())?;
        let verified = proof.and_then(|proof| {
            proof.verify(&ProofContext {
                method: request.method.as_str(),
                url: &url,
                now: self.clock.now(),
                nonce: self
                    .nonces
                    .as_ref()
                    .map_or(NoncePolicy::NotUsed, NoncePolicy::Required),
                token: TokenHash::Required(hash),
            })
        });
        let proof = verified.map_err(|error| match error {
            ProofError::UseNonce => Reason::UseNonce,
            ProofError::Invalid(sentence) => Reason::Proof(sentence),
        })?;
        if proof.thumbprint.as_str() != cnf.jkt {
            return Err(Reason::WrongKey);
        }
        Ok(Some(proof))
    }

    /// The URL that the client called, from `public_url`: the `Host` and forwarding headers are the client's to choose.
    fn url(&self, path: &str) -> Result<Htu, Reason> {
        let slash = if path.starts_with('/') { "" } else { "/" };
        Htu::parse(&format!("{}{slash}{path}", self.public_url))
            .ok_or_else(|| Reason::Proof("no DPoP proof can name this request's URL".to_owned()))
    }

    async fn claim(&self, proof: &DpopProof) -> Result<(), Reason> {
        let digest = proof.replay_digest();
        let claimed = self
            .replays
            .claim(&digest, proof.accepted_until, self.clock.now())
            .await
            .map_err(|e| Reason::unavailable("used proofs cannot be remembered", e))?;
        claimed.then_some(()).ok_or(Reason::ProofReplayed)
    }

    /// With a transaction challenge, if an approval would let the request pass and the client accepts challenges.
    fn refuse(&self, caller: &Caller, operation: Option<&Operation>, reason: Reason) -> Rejection {
        let signer = self.transactions.signer();
        let signer = signer.filter(|_| caller.answering.accepts == Accepts::Challenges);
        let challenged = signer.zip(transaction::wanted(&reason));
        let challenged = challenged.and_then(|(signer, request)| {
            let wanted = Wanted {
                resource: self.resource.as_str(),
                issuer: &self.issuer_name,
                request,
                operation,
                identifier: &self.random.identifier(),
                now: self.clock.now(),
            };
            signer.challenge(caller, &wanted)
        });
        let refused = caller.refuse(reason);
        match challenged {
            Some(challenged) => refused.with_transaction(challenged),
            None => refused,
        }
    }

    async fn permit(&self, caller: &Caller, request: &Detail) -> Result<Permit, Reason> {
        let granted: Vec<Detail> = caller
            .authority
            .details
            .iter()
            .filter(|detail| detail.type_name() == request.type_name())
            .filter(|detail| detail.locations().contains(&self.resource.as_str()))
            .cloned()
            .collect();
        let types = self.rules.of(&granted).await?;
        let permits = every_permit(&granted, request, &types).map_err(|denied| {
            if !denied.unknown_types.is_empty() {
                return Reason::UnknownType;
            }
            Reason::NotPermitted {
                pointer: denied.pointer().to_owned(),
                asked: Remediation::new(request, &granted, &types),
                excess: denied.excess,
            }
        })?;
        let permits = step_up::agreed(caller, permits, &granted, request, &types)?;
        // Two payments that were approved alike are two: if the first is spent, the next may serve.
        for permit in permits {
            if self.spend(caller, &permit).await? {
                return Ok(permit);
            }
        }
        Err(Reason::AlreadyUsed {
            asked: Remediation::once(request),
        })
    }

    async fn spend(&self, caller: &Caller, permit: &Permit) -> Result<bool, Reason> {
        if permit.usage == Usage::Repeat && permit.spends.is_empty() {
            return Ok(true);
        }
        let task = caller.task.as_ref().ok_or(Reason::NoTask)?;
        let what = "used authority cannot be remembered";
        let store = self.spends.as_ref();
        let store = store.ok_or_else(|| Reason::unavailable(what, "no `spends` is configured"))?;
        let spend = SpendClaim {
            issuer: task.issuer.clone(),
            task: task.id.clone(),
            reference: permit.reference.clone(),
            usage: permit.usage,
            amounts: permit.spends.clone(),
            until: task.expires_at,
        };
        let spent = store.spend(&spend, self.clock.now()).await;
        spent.map_err(|e| Reason::unavailable(what, e))
    }
}
