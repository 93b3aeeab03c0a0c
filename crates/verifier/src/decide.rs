//! Decisions per action: judged by the authorization server before the action runs, by a person where it says so (AuthZEN 1.0, its
//! Access Request and Approval Profile). An answer that is not understood permits nothing.

mod access;
mod action;
mod answer;
mod error;
mod permit;
mod question;

use std::sync::{Arc, RwLock};
use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};
use writ_platform::Random;
use writ_wire::resource::ResourceUri;
use writ_wire::waited_by::WaitedBy;

pub use access::{CredentialsError, MAX_POLL};
pub use action::{GatedAction, MAX_ARGUMENTS_DEPTH, MAX_ARGUMENTS_LENGTH};
pub use error::NotPermitted;
pub use permit::{BegunAction, DecisionPermit, Outcome, REPORT_ATTEMPTS};
pub use question::{Asking, GivenApproval, MAX_LOST_POLLS, MAX_SAYS, OpenQuestion};

use access::{AccessAnswer, AccessCall, AccessServer};
use answer::{Askable, Judged};
use question::Asked;

use crate::caller::Caller;
use crate::config::{ClientSecret, ConfigError, VerifierEnvironment, is_safe_url};
use crate::live::basic;
use crate::presented::PresentedCaller;

/// Who asks, and where.
#[derive(Clone)]
pub struct DecisionsConfig {
    pub issuer: String,
    /// The audience of the tokens.
    pub resource: ResourceUri,
    /// The confidential client that the resource's record names.
    pub client_id: String,
    pub client_secret: ClientSecret,
    pub proofs: ProofsJudged,
}

/// Who judges the proof of a bound token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProofsJudged {
    /// The verifier did, and the resource's record says `verifies_proofs`.
    #[default]
    Here,
    /// The issuer does, which it can do once, while the proof is young.
    ByIssuer,
}

/// Asks the issuer about single actions. Clones share what they know of it.
#[derive(Clone)]
pub struct Decisions(Arc<Inner>);

struct Inner {
    server: Arc<AccessServer>,
    resource: ResourceUri,
    proofs: ProofsJudged,
    random: Random,
}

/// What came of a decision.
pub enum Decided {
    Permitted(DecisionPermit),
    /// A person may be asked.
    MustAsk(UnaskedQuestion),
}

/// A denial that a person can lift; nobody was asked yet.
pub struct UnaskedQuestion {
    decisions: Decisions,
    caller: PresentedCaller,
    action: GatedAction,
    askable: Askable,
}

impl Decisions {
    /// Makes no request yet.
    pub fn new(
        config: DecisionsConfig,
        environment: VerifierEnvironment,
    ) -> Result<Self, ConfigError> {
        if !is_safe_url(&config.issuer) {
            return Err(ConfigError::Issuer(config.issuer));
        }
        if config.client_id.is_empty() {
            return Err(ConfigError::LiveClient);
        }
        let secret = config.client_secret.reveal();
        if secret.is_empty() || secret.contains(char::is_whitespace) {
            return Err(ConfigError::ClientSecret);
        }
        let server = AccessServer {
            credentials: basic(&config.client_id, secret),
            issuer: config.issuer,
            transport: environment.transport,
            clock: environment.clock,
            endpoints: RwLock::default(),
        };
        Ok(Self(Arc::new(Inner {
            server: Arc::new(server),
            resource: config.resource,
            proofs: config.proofs,
            random: environment.random,
        })))
    }

    /// Whether the issuer is the one that is meant, takes the client's credentials, and has a record of the resource; for the start of a
    /// service.
    pub async fn check_credentials(&self) -> Result<(), CredentialsError> {
        self.0.server.check(self.0.resource.as_str()).await
    }

    /// Decides, under a fresh key: what may be used once is used up by a permit.
    pub async fn decide(
        &self,
        caller: &Caller,
        action: GatedAction,
    ) -> Result<Decided, NotPermitted> {
        let caller = caller.presented.clone();
        match self.evaluate(&caller, &action, Map::new()).await? {
            Judged::Permitted(permit) => Ok(Decided::Permitted(self.permit_of(permit, action))),
            Judged::Askable(askable) => Ok(Decided::MustAsk(UnaskedQuestion {
                decisions: self.clone(),
                caller,
                action,
                askable,
            })),
        }
    }

    /// A permit for one run; nobody is asked.
    pub async fn permit(
        &self,
        caller: &Caller,
        action: GatedAction,
    ) -> Result<DecisionPermit, NotPermitted> {
        match self.decide(caller, action).await? {
            Decided::Permitted(permit) => Ok(permit),
            Decided::MustAsk(_) => Err(NotPermitted::denied(
                "approval_required",
                "a person has to agree to this first",
            )),
        }
    }

    /// Judges; asks and waits where a person must agree; runs the handler once with what was judged; reports how it ended. The inner
    /// result is the handler's own. A call that is dropped while it waits leaves its question to expire: where you hear of that,
    /// [`Self::decide`] and [`OpenQuestion::cancel`].
    pub async fn gated<T, E, F>(
        &self,
        caller: &Caller,
        action: GatedAction,
        waiting: &Waiting,
        handler: impl FnOnce(Map<String, Value>) -> F,
    ) -> Result<Result<T, E>, NotPermitted>
    where
        F: Future<Output = Result<T, E>>,
    {
        let permit = match self.decide(caller, action).await? {
            Decided::Permitted(permit) => permit,
            Decided::MustAsk(unasked) => {
                let mut question = unasked.ask(waiting.asking.clone()).await?;
                let approval = question.wait(waiting.patience, |_| MAX_POLL).await?;
                self.decide_approved(&question, approval).await?
            }
        };
        permit.run(handler).await
    }

    /// Decides by an approval, which is good for one permit.
    pub async fn decide_approved(
        &self,
        question: &OpenQuestion,
        approval: GivenApproval,
    ) -> Result<DecisionPermit, NotPermitted> {
        let action = match approval.instead {
            Some(less) => question.action.approved(less)?,
            None => question.action.clone(),
        };
        let mut context = Map::new();
        context.insert("approval".to_owned(), approval.approval);
        if let Some(by) = question.asking.waited_by {
            context.insert("waited_by".to_owned(), by.as_str().into());
        }
        match self.evaluate(&question.caller, &action, context).await? {
            Judged::Permitted(permit) => Ok(self.permit_of(permit, action)),
            // One question for one call: what an approval did not lift is a no.
            Judged::Askable(_) => Err(NotPermitted::denied(
                "approval_required",
                "the approval does not cover this call",
            )),
        }
    }

    /// Goes on with a question that an earlier message of the same call asked.
    pub async fn resume(
        &self,
        caller: &Caller,
        action: GatedAction,
        question: &str,
    ) -> Result<OpenQuestion, NotPermitted> {
        let asked = Asked {
            server: Arc::clone(&self.0.server),
            caller: caller.presented.clone(),
            action,
            asking: Asking::default(),
        };
        OpenQuestion::resume(asked, question).await
    }

    async fn evaluate(
        &self,
        caller: &PresentedCaller,
        action: &GatedAction,
        context: Map<String, Value>,
    ) -> Result<Judged, NotPermitted> {
        let asked = answer::Asked {
            with_approval: context.contains_key("approval"),
            of: action.kind(),
        };
        let body = Value::Object(self.question(caller, action, context));
        // For this run alone: whoever has the key could hear the answer again.
        let key = self.0.random.secret();
        let endpoint = self.0.server.endpoints().await?.evaluation;
        let answer = self.post(&endpoint, &body, Some(&key)).await?;
        if answer.status != StatusCode::OK {
            return Err(answer.problem("the decision could not be had"));
        }
        answer::read(&answer.body, asked, self.0.server.clock.now())
    }

    fn permit_of(&self, permit: answer::Granted, action: GatedAction) -> DecisionPermit {
        DecisionPermit {
            server: Arc::clone(&self.0.server),
            action,
            decision_id: permit.decision_id,
            valid_until: permit.valid_until,
        }
    }

    fn question(
        &self,
        caller: &PresentedCaller,
        action: &GatedAction,
        mut context: Map<String, Value>,
    ) -> Map<String, Value> {
        context.insert("access_token".to_owned(), caller.token().into());
        if let Some(proof) = caller.proof()
            && self.0.proofs == ProofsJudged::ByIssuer
        {
            let proof = json!({ "proof": proof.text.as_str(), "htm": proof.htm, "htu": proof.htu });
            context.insert("dpop".to_owned(), proof);
        }
        if let Some(hash) = action.definition_hash() {
            context.insert("definition_hash".to_owned(), hash.into());
        }
        let (action, resource) = action.wire(self.0.resource.as_str());
        let members = [
            ("subject", json!({ "type": "user", "id": caller.subject() })),
            ("action", action),
            ("resource", resource),
            ("context", context.into()),
        ];
        let members = members.map(|(name, value)| (name.to_owned(), value));
        members.into_iter().collect()
    }

    async fn post(
        &self,
        url: &str,
        body: &Value,
        idempotency_key: Option<&str>,
    ) -> Result<AccessAnswer, NotPermitted> {
        let call = AccessCall {
            method: Method::POST,
            url,
            body: Some(body),
            idempotency_key,
            wait: Duration::ZERO,
        };
        self.0.server.call(call).await
    }
}

/// How [`Decisions::gated`] waits.
#[derive(Clone, Debug)]
pub struct Waiting {
    pub asking: Asking,
    /// How long this call is held; after it [`NotPermitted::StillWaiting`], and the question stays open.
    pub patience: Duration,
}

impl Default for Waiting {
    /// Some seconds, then the client is told to call again.
    fn default() -> Self {
        Self {
            asking: Asking {
                call_again: true,
                waited_by: Some(WaitedBy::CallAgain),
                ..Asking::default()
            },
            patience: Duration::from_secs(8),
        }
    }
}

impl UnaskedQuestion {
    pub const fn action(&self) -> &GatedAction {
        &self.action
    }

    /// Asks the person. The same question, while it is open, is the same one.
    pub async fn ask(self, asking: Asking) -> Result<OpenQuestion, NotPermitted> {
        let mut context = Map::new();
        if let Some(says) = &asking.says {
            if says.chars().count() > MAX_SAYS {
                return Err(NotPermitted::Unusable(format!(
                    "`says` has more than {MAX_SAYS} characters"
                )));
            }
            context.insert("says".to_owned(), says.as_str().into());
        }
        if let Some(by) = asking.waited_by {
            context.insert("waited_by".to_owned(), by.as_str().into());
        }
        let decisions = &self.decisions;
        let mut body = decisions.question(&self.caller, &self.action, context);
        body.insert("denial".to_owned(), self.askable.denial.into());
        if asking.call_again {
            let access = json!({ "urn:writ:call_again": true });
            body.insert("requested_access".to_owned(), access);
        }
        let server = &decisions.0.server;
        let endpoint = match &self.askable.endpoint {
            Some(endpoint) => server.ours(endpoint)?,
            None => server.endpoints().await?.requests.ok_or_else(|| {
                NotPermitted::unavailable("the issuer does not say where people are asked", "")
            })?,
        };
        let key = decisions.0.random.secret();
        let answer = decisions.post(&endpoint, &body.into(), Some(&key)).await?;
        if !matches!(answer.status, StatusCode::ACCEPTED | StatusCode::CREATED) {
            return Err(answer.problem("the person could not be asked"));
        }
        let asked = Asked {
            server: Arc::clone(server),
            caller: self.caller,
            action: self.action,
            asking,
        };
        OpenQuestion::read(asked, answer)
    }
}
