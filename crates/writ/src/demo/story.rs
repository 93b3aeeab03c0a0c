//! Agents with keys of their own. Each step succeeds or is refused with the code that it expects; anything else ends the demo with an error.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::WWW_AUTHENTICATE;
use http::{Request, Response, StatusCode};
use serde_json::{Value, json};
use writ_agent::{
    ActorCredential, Agent, AgentConfig, AuthorizationIntent, BoxFuture, Error, ErrorCode, Grant,
    Https, RequestedAccess, Transport, TransportError, details,
};
use writ_person::BrowserError;

use super::alice::Alice;
use super::cast::{DemoCast, DemoKeys, Payee, payment};
use super::stage::{DemoStage, environment};
use super::telling::{Player, RefusedStep, Teller};
use crate::cli::Outcome;

/// The participants that act in the steps.
pub(super) struct Play<'a> {
    pub(super) stage: &'a DemoStage,
    pub(super) teller: &'a Teller,
    wire: Arc<Recorder>,
    pub(super) planner: Agent,
    booker: Agent,
    stranger: Agent,
    alice: Alice,
}

pub async fn play(stage: &DemoStage, teller: &Teller) -> Outcome {
    let wire = Arc::new(Recorder::new()?);
    for keys in [&stage.cast.planner, &stage.cast.booker] {
        teller.introduce(keys.id, keys.name);
    }
    let mut play = Play {
        planner: agent(stage, &wire, &stage.cast.planner).await?,
        booker: agent(stage, &wire, &stage.cast.booker).await?,
        stranger: agent(stage, &wire, &stage.cast.stranger).await?,
        alice: Alice::new(&stage.issuer, &stage.cast.login).map_err(stuck)?,
        stage,
        teller,
        wire,
    };
    teller.part("Agents with keys of their own, and a bank's API");
    let grant = play.first_token().await?;
    play.use_it(&grant).await?;
    let handed = play.hand_over(&grant).await?;
    play.what_the_bank_refuses(&grant, &handed).await?;
    play.what_the_server_refuses(&grant, &handed).await?;
    teller.part("A payment above the limit, and the end");
    play.confirm(&grant).await?;
    play.stop(&grant, &handed).await
}

impl Play<'_> {
    /// Push, consent, code, token.
    async fn first_token(&mut self) -> Result<Grant, String> {
        self.teller.step(
            Player::Planner,
            "asks for two payments, accounts and statements, in requests that its own key signs",
        );
        let asked = json!([
            payment(DemoCast::AIRLINE, "412.00"),
            payment(DemoCast::HOTEL, "120.00")
        ]);
        let intent = AuthorizationIntent {
            redirect_uri: DemoCast::REDIRECT.to_owned(),
            scope: "accounts:read statements:read".to_owned(),
            resource: vec![self.stage.bank.clone()],
            authorization_details: details(asked).map_err(surprise)?,
            purpose: Some("Book the trip to Paris".into()),
            ..AuthorizationIntent::default()
        };
        let pending = self.planner.authorize(&intent).await.map_err(surprise)?;
        let (read, redirect) = self.alice.consent(&pending.url).await.map_err(stuck)?;
        let line = format!(
            "reads {} lines, the first “{}”, and agrees",
            read.len(),
            read.first().cloned().unwrap_or_default()
        );
        self.teller.step(Player::Alice, &line);
        let grant = pending
            .complete(&self.planner, &redirect, None)
            .await
            .map_err(surprise)?;
        self.teller.token(grant.access_token.expose());
        Ok(grant)
    }

    async fn use_it(&self, grant: &Grant) -> Outcome {
        accepted(&self.get(&self.planner, grant, "/accounts").await)?;
        let paid = self
            .pay(&self.planner, grant, payment(DemoCast::HOTEL, "118.50"))
            .await;
        accepted(&paid)?;
        self.teller.step(
            Player::Planner,
            "reads the balance, and pays the hotel 118.50 EUR, of at most 120.00",
        );
        Ok(())
    }

    async fn hand_over(&self, grant: &Grant) -> Result<Grant, String> {
        self.teller.step(
            Player::Planner,
            "hands a part of that to the booking helper: the flight, and a look at the accounts",
        );
        let consent = self
            .booker
            .actor_assertion(self.stage.cast.planner.id, Duration::from_secs(60))
            .map_err(surprise)?;
        let ask = RequestedAccess::resource(self.stage.bank.as_str())
            .scope("accounts:read")
            .details(details(json!([payment(DemoCast::AIRLINE, "400.00")])).map_err(surprise)?);
        let to = ActorCredential::assertion(consent.expose());
        let handed = self
            .planner
            .delegate(grant, &to, &ask)
            .await
            .map_err(surprise)?;
        self.teller.token(handed.access_token.expose());
        let handed = self
            .booker
            .accept(handed.access_token.expose())
            .map_err(surprise)?;
        let paid = self
            .pay(&self.booker, &handed, payment(DemoCast::AIRLINE, "399.00"))
            .await;
        accepted(&paid)?;
        self.teller.step(
            Player::Booker,
            "pays the airline 399.00 EUR, for alice, through the planner",
        );
        Ok(handed)
    }

    async fn what_the_bank_refuses(&self, grant: &Grant, handed: &Grant) -> Outcome {
        let (planner, booker) = (&self.planner, &self.booker);
        let other_account = Payee {
            name: DemoCast::AIRLINE.name,
            iban: DemoCast::HOTEL.iban,
        };
        let pay = async |to, amount| self.pay(booker, handed, payment(to, amount)).await;
        let refusals = [
            refused(
                self.get(&self.stranger, grant, "/accounts").await,
                "invalid_token",
                "a stolen token without its key",
            )?,
            refused(
                pay(DemoCast::AIRLINE, "400.01").await,
                "insufficient_authorization",
                "400.01 EUR, a cent too much",
            )?,
            refused(
                pay(other_account, "10.00").await,
                "insufficient_authorization",
                "the airline's name with another account",
            )?,
            refused(
                pay(DemoCast::AIRLINE, "399.00").await,
                "insufficient_authorization",
                "the same payment again",
            )?,
            refused(
                self.get(booker, handed, "/statements").await,
                "insufficient_scope",
                "statements, which were not handed over",
            )?,
            self.replayed(grant, planner).await?,
        ];
        self.teller.refuses(Player::Bank, &refusals);
        Ok(())
    }

    /// The last request once more, as somebody who saw it would send it.
    async fn replayed(&self, grant: &Grant, agent: &Agent) -> Result<RefusedStep, String> {
        accepted(&self.get(agent, grant, "/accounts").await)?;
        let answer = self.wire.replay().await.map_err(|e| e.to_string())?;
        let challenge = answer.headers().get(WWW_AUTHENTICATE);
        let challenge = challenge.and_then(|value| value.to_str().ok());
        let error = challenge.and_then(|value| value.split("error=\"").nth(1)?.split('"').next());
        match (answer.status(), error) {
            (StatusCode::UNAUTHORIZED, Some(error)) => Ok(RefusedStep {
                what: "a signed request sent a second time".to_owned(),
                status: StatusCode::UNAUTHORIZED.as_u16(),
                error: error.to_owned(),
            }),
            (other, _) => Err(format!("a surprise: the replayed request got {other}")),
        }
    }

    async fn what_the_server_refuses(&self, grant: &Grant, handed: &Grant) -> Outcome {
        let bank = self.stage.bank.as_str();
        let wider = RequestedAccess::resource(bank)
            .details(details(json!([payment(DemoCast::AIRLINE, "412.00")])).map_err(surprise)?);
        let consent = self
            .stranger
            .actor_assertion(self.stage.cast.planner.id, Duration::from_secs(60))
            .map_err(surprise)?;
        let to = ActorCredential::assertion(consent.expose());
        let all = RequestedAccess::resource(bank);
        let refusals = [
            not_granted(
                self.booker.narrow(handed, &wider).await,
                ErrorCode::InvalidAuthorizationDetails,
                "a token for the helper beyond what it was handed",
            )?,
            not_granted(
                self.planner.delegate(grant, &to, &all).await,
                ErrorCode::InvalidRequest,
                "a hand-over to somebody else's agent",
            )?,
            not_granted(
                self.stranger.narrow(grant, &all).await,
                ErrorCode::InvalidRequest,
                "an exchange of the planner's token by that agent",
            )?,
        ];
        self.teller.refuses(Player::Writ, &refusals);
        Ok(())
    }

    async fn stop(&mut self, grant: &Grant, handed: &Grant) -> Outcome {
        if !self.alice.stop().await.map_err(stuck)? {
            return Err("a surprise: there was no task to stop".to_owned());
        }
        self.teller.step(
            Player::Alice,
            "stops the task, with one button; nothing below it works from then on",
        );
        let payment = payment(DemoCast::AIRLINE, "1.00");
        let at_bank = [
            refused(
                self.get(&self.planner, grant, "/accounts").await,
                "invalid_token",
                "the planner's token",
            )?,
            refused(
                self.pay(&self.booker, handed, payment).await,
                "invalid_token",
                "the helper's token",
            )?,
        ];
        self.teller.refuses(Player::Bank, &at_bank);
        let ask = RequestedAccess::resource(self.stage.bank.as_str());
        let at_server = [
            not_granted(
                self.planner.refresh(grant, &ask).await,
                ErrorCode::InvalidGrant,
                "a renewal of the planner's token",
            )?,
            not_granted(
                self.booker.narrow(handed, &ask).await,
                ErrorCode::InvalidRequest,
                "an exchange of the helper's token",
            )?,
        ];
        self.teller.refuses(Player::Writ, &at_server);
        Ok(())
    }

    async fn get(
        &self,
        agent: &Agent,
        grant: &Grant,
        path: &str,
    ) -> Result<Response<Bytes>, Error> {
        let request = Request::get(format!("{}{path}", self.stage.bank)).body(Bytes::new());
        agent
            .call(grant, request.map_err(|e| Error::Usage(e.to_string()))?)
            .await
    }

    pub(super) async fn pay(
        &self,
        agent: &Agent,
        grant: &Grant,
        payment: Value,
    ) -> Result<Response<Bytes>, Error> {
        let request = Request::post(format!("{}/payments", self.stage.bank))
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(Bytes::from(payment.to_string()));
        agent
            .call(grant, request.map_err(|e| Error::Usage(e.to_string()))?)
            .await
    }
}

async fn agent(stage: &DemoStage, wire: &Arc<Recorder>, keys: &DemoKeys) -> Result<Agent, String> {
    let config = AgentConfig::agent(keys.id, keys.assertion.clone(), keys.dpop.clone());
    Agent::discover(&stage.issuer, config, environment(wire.clone()))
        .await
        .map_err(surprise)
}

/// An HTTP transport that remembers the last request, to replay it as an attacker would.
struct Recorder {
    http: Https,
    last: Mutex<Option<Request<Bytes>>>,
}

impl Recorder {
    fn new() -> Result<Self, String> {
        Ok(Self {
            http: Https::new().map_err(|e| e.to_string())?,
            last: Mutex::new(None),
        })
    }

    async fn replay(&self) -> Result<Response<Bytes>, TransportError> {
        let last = self
            .last
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let request =
            last.ok_or_else(|| TransportError::Unreachable("nothing was sent".to_owned()))?;
        self.http.send(request).await
    }
}

impl Transport for Recorder {
    fn send(
        &self,
        request: Request<Bytes>,
    ) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(request.clone());
        self.http.send(request)
    }
}

pub(super) fn accepted(result: &Result<Response<Bytes>, Error>) -> Outcome {
    match result {
        Ok(answer) if answer.status().is_success() => Ok(()),
        Ok(answer) => Err(format!("a surprise: the bank answered {}", answer.status())),
        Err(error) => Err(unexpected(error)),
    }
}

/// Expects that the bank refuses with this error.
pub(super) fn refused(
    result: Result<Response<Bytes>, Error>,
    error: &str,
    what: &str,
) -> Result<RefusedStep, String> {
    match result {
        Err(Error::Resource(refusal)) if refusal.error.as_deref() == Some(error) => {
            Ok(RefusedStep {
                what: what.to_owned(),
                status: refusal.status.as_u16(),
                error: error.to_owned(),
            })
        }
        Ok(answer) => Err(format!(
            "{what}: expected `{error}`, and the bank answered {}",
            answer.status()
        )),
        Err(other) => Err(format!("{what}: expected `{error}`, and {other}")),
    }
}

/// Expects that the server refuses with this code.
pub(super) fn not_granted<T>(
    result: Result<T, Error>,
    code: ErrorCode,
    what: &str,
) -> Result<RefusedStep, String> {
    let error = code.as_str();
    match result {
        Err(Error::Refused(refusal)) if refusal.code == code => Ok(RefusedStep {
            what: what.to_owned(),
            status: StatusCode::BAD_REQUEST.as_u16(),
            error: error.to_owned(),
        }),
        Err(other) => Err(format!("{what}: expected `{error}`, and {other}")),
        Ok(_) => Err(format!("{what}: expected `{error}`, and it was granted")),
    }
}

pub(super) fn surprise(error: Error) -> String {
    unexpected(&error)
}

fn unexpected(error: &Error) -> String {
    format!("a surprise: {error}; next: {}", error.advice())
}

pub(super) fn stuck(error: BrowserError) -> String {
    error.to_string()
}
