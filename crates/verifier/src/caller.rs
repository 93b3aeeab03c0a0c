//! The caller of an accepted request: subject, actor chain, task, authority, approval and authentication.

use writ_authority::Level;
use writ_jose::key::Thumbprint;
use writ_wire::claims::{AccessTokenClaims, ApprovalClaim};
use writ_wire::rar::Detail;
use writ_wire::scope::Scope;
use writ_wire::time::Timestamp;

use crate::chain;
use crate::credentials::Scheme;
use crate::presented::PresentedCaller;
use crate::refused::{Challenger, Reason, Rejection};
use crate::step_up::{self, StepUp};
use crate::transaction::Accepts;

/// The holder of an accepted token. Made by [`crate::Verifier::verify`] only.
#[derive(Clone, Debug)]
pub struct Caller {
    pub subject: CallerSubject,
    /// Outermost, who acts now, first; empty if the subject acts itself.
    pub actors: Vec<CallerActor>,
    /// The client that presents the token.
    pub client: String,
    pub task: Option<TaskRef>,
    pub authority: CallerAuthority,
    /// Who or what agreed, how and when.
    pub approval: Option<ApprovalClaim>,
    pub authentication: UserAuthentication,
    /// The delegation behind the token, which a stop of it names.
    pub delegation: Option<String>,
    /// The key that the token is bound to.
    pub key: Option<Thumbprint>,
    /// `jti`: for logs, which never hold the token.
    pub token_id: String,
    pub transaction: Option<String>,
    pub expires_at: Timestamp,
    pub(crate) answering: Answering,
    pub(crate) presented: PresentedCaller,
}

/// On whose behalf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallerSubject {
    Person(String),
    /// An agent's own work.
    Agent(String),
    /// A plain client's own work.
    Client(String),
}

impl CallerSubject {
    /// `sub`. Unique only together with the kind.
    pub fn id(&self) -> &str {
        match self {
            Self::Person(id) | Self::Agent(id) | Self::Client(id) => id,
        }
    }
}

/// One agent of the chain, known by (`iss`, `sub`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerActor {
    pub iss: String,
    pub sub: String,
    /// `dlg`: the delegation that made this hop.
    pub delegation: String,
}

/// The unit of work (`mission`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskRef {
    pub id: String,
    pub issuer: String,
    /// The text that a person approved, if this resource asks for it.
    pub purpose: Option<String>,
    pub risk: Option<String>,
    pub authority_hash: String,
    pub expires_at: Timestamp,
}

/// What may be done here, by the token's word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerAuthority {
    pub scopes: Scope,
    pub details: Vec<Detail>,
}

/// How the person was authenticated (OpenID Connect Core section 2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserAuthentication {
    pub acr: Option<String>,
    pub amr: Vec<String>,
    pub auth_time: Option<Timestamp>,
}

/// How later refusals of the same request are written.
#[derive(Clone, Debug)]
pub(crate) struct Answering {
    pub(crate) challenger: Challenger,
    pub(crate) scheme: Scheme,
    /// When the token was accepted.
    pub(crate) now: Timestamp,
    pub(crate) accepts: Accepts,
}

impl Caller {
    /// The agent that acts now; `None` for a plain client.
    pub fn agent(&self) -> Option<&str> {
        match (self.actors.first(), &self.subject) {
            (Some(actor), _) => Some(&actor.sub),
            (None, CallerSubject::Agent(id)) => Some(id),
            (None, CallerSubject::Person(_) | CallerSubject::Client(_)) => None,
        }
    }

    /// Refuses with 403 `insufficient_scope` (RFC 6750 section 3.1).
    pub fn require_scope(&self, name: &str) -> Result<(), Rejection> {
        if self.authority.scopes.contains(name) {
            return Ok(());
        }
        Err(self.refuse(Reason::InsufficientScope(name.to_owned())))
    }

    /// Refuses a token that was not given for this very transaction: call it before [`crate::Verifier::permit`] where a
    /// request answers your challenge, with [`Rejection::transaction`] of that refusal.
    pub fn require_transaction(&self, txn: &str) -> Result<(), Rejection> {
        if self.transaction.as_deref() == Some(txn) {
            return Ok(());
        }
        Err(self.refuse(Reason::OtherTransaction))
    }

    /// The authentication level at which a person approved what the token permits.
    pub fn level(&self) -> Level {
        step_up::agreement(self).level
    }

    /// Refuses with 401 `insufficient_user_authentication` (RFC 9470 section 3).
    pub fn require_login(&self, wanted: &StepUp) -> Result<(), Rejection> {
        self.check_login(wanted)
            .map_err(|reason| self.refuse(reason))
    }

    pub(crate) fn check_login(&self, wanted: &StepUp) -> Result<(), Reason> {
        if wanted.is_met(&self.authentication, self.answering.now) {
            return Ok(());
        }
        Err(Reason::Login(wanted.clone()))
    }

    pub(crate) fn refuse(&self, reason: Reason) -> Rejection {
        self.answering
            .challenger
            .refuse(Some(self.answering.scheme), None, reason)
    }

    /// From claims whose signature, issuer, audience and time were checked.
    pub(crate) fn read(
        claims: AccessTokenClaims,
        answering: Answering,
        presented: PresentedCaller,
    ) -> Result<Self, Reason> {
        let subject = chain::subject(&claims)?;
        let actors = chain::actors(&claims)?;
        let is_agents = !actors.is_empty() || matches!(subject, CallerSubject::Agent(_));
        let task = chain::task(&claims, is_agents, answering.now)?;
        let key = claims.cnf.as_ref().map(|cnf| Thumbprint::parse(&cnf.jkt));
        let key = key.map(|key| key.ok_or(Reason::Claim("cnf"))).transpose()?;
        let is_agent = matches!(subject, CallerSubject::Agent(_)) || chain::has_agent(&claims);
        if is_agent && key.is_none() {
            return Err(Reason::UnboundAgent);
        }
        let scope = claims.scope.as_deref().unwrap_or_default();
        Ok(Self {
            authority: CallerAuthority {
                scopes: Scope::parse(scope).map_err(|_| Reason::Claim("scope"))?,
                details: claims.authorization_details.clone(),
            },
            authentication: UserAuthentication {
                acr: claims.acr.clone(),
                amr: claims.amr.clone(),
                auth_time: claims.auth_time.map(Timestamp::from_seconds),
            },
            delegation: claims.delegation().map(str::to_owned),
            expires_at: Timestamp::from_seconds(claims.exp),
            client: claims.client_id,
            approval: claims.approval,
            token_id: claims.jti,
            transaction: claims.txn,
            subject,
            actors,
            task,
            key,
            answering,
            presented,
        })
    }
}
