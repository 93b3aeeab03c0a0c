//! The steps of the demo. Each succeeds or is refused with the code that it expects; anything else ends the demo with an error.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde_json::{Value, json};
use writ_agent::{
    ActorCredential, Agent, AgentConfig, AuthorizationIntent, BoxFuture, Error, ErrorCode, Grant,
    Https, RequestedAccess, Transport, TransportError, details,
};
use writ_person::{BrowserError, WebBrowser};

use super::cast::{DemoCast, DemoKeys, DemoLogin, Payee, payment};
use super::confirm::Answering;
use super::phone::{browser, texts};
use super::stage::{DemoStage, environment};
use crate::cli::say;

pub(super) type Told = Result<(), String>;

/// The participants that act in the steps.
pub(super) struct Play<'a> {
    pub(super) stage: &'a DemoStage,
    wire: Arc<Recorder>,
    pub(super) planner: Agent,
    booker: Agent,
    stranger: Agent,
    alice: WebBrowser,
}

pub async fn play(stage: &DemoStage, answering: Answering) -> Told {
    let wire = Arc::new(Recorder::new()?);
    let mut play = Play {
        planner: agent(stage, &wire, &stage.cast.planner).await?,
        booker: agent(stage, &wire, &stage.cast.booker).await?,
        stranger: agent(stage, &wire, &stage.cast.stranger).await?,
        alice: browser(&stage.issuer).map_err(stuck)?,
        stage,
        wire,
    };
    let grant = play.first_token().await?;
    play.use_it(&grant).await?;
    let handed = play.hand_over(&grant).await?;
    play.what_must_fail(&grant, &handed).await?;
    play.confirm(&grant, answering).await?;
    play.stop(&grant, &handed).await
}

impl Play<'_> {
    /// Push, consent, code, token.
    async fn first_token(&mut self) -> Result<Grant, String> {
        say(
            "\n1. The planner asks for two payments and a look at accounts and statements; alice decides",
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
        ok("the planner pushed its request, signed and with proof of its key (PAR, RAR, DPoP)");
        let DemoLogin { name, password } = DemoCast::LOGIN;
        let consented = self.alice.approve(&pending.url, name, password).await;
        let consented = consented.map_err(stuck)?;
        ok("alice logged in and approved, on the server's own pages:");
        texts(&consented.page, "<label", "</label>")
            .iter()
            .for_each(|line| say(&format!("         {line}")));
        let grant = pending
            .complete(&self.planner, consented.redirect.as_str(), None)
            .await
            .map_err(surprise)?;
        ok(
            "the code became a token that says who acts, for whom, in which task, with which authority:",
        );
        show_token(grant.access_token.expose());
        Ok(grant)
    }

    async fn use_it(&self, grant: &Grant) -> Told {
        say("\n2. The planner uses it at the bank");
        accepted(
            self.get(&self.planner, grant, "/accounts").await,
            "GET /accounts: the balance, for alice",
        )?;
        let paid = self
            .pay(&self.planner, grant, payment(DemoCast::HOTEL, "118.50"))
            .await;
        accepted(
            paid,
            "POST /payments: 118.50 EUR to the hotel, of at most 120.00",
        )
    }

    async fn hand_over(&self, grant: &Grant) -> Result<Grant, String> {
        say("\n3. It hands the flight to the booking helper, and less than it has itself");
        let consent = self
            .booker
            .actor_assertion("agt_planner", Duration::from_secs(60))
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
        ok("the exchange made a token for the helper's own key, the chain inside:");
        show_token(handed.access_token.expose());
        self.booker
            .accept(handed.access_token.expose())
            .map_err(surprise)
    }

    async fn what_must_fail(&self, grant: &Grant, handed: &Grant) -> Told {
        say("\n4. What must fail, fails");
        let planner = &self.planner;
        refused(
            self.get(&self.stranger, grant, "/accounts").await,
            "invalid_token",
            "a stolen token, without its key",
        )?;
        let larger = self
            .pay(&self.booker, handed, payment(DemoCast::AIRLINE, "400.01"))
            .await;
        refused(
            larger,
            "insufficient_authorization",
            "one cent more than the helper was given",
        )?;
        let other_account = Payee {
            name: DemoCast::AIRLINE.name,
            iban: DemoCast::HOTEL.iban,
        };
        let other = self
            .pay(&self.booker, handed, payment(other_account, "10.00"))
            .await;
        refused(
            other,
            "insufficient_authorization",
            "another payee under the same name",
        )?;
        let scope = self.get(&self.booker, handed, "/statements").await;
        refused(
            scope,
            "insufficient_scope",
            "the statements, which were not handed over",
        )?;
        let paid = self
            .pay(&self.booker, handed, payment(DemoCast::AIRLINE, "399.00"))
            .await;
        accepted(
            paid,
            "the helper pays 399.00 EUR to the airline, for alice, through the planner",
        )?;
        let again = self
            .pay(&self.booker, handed, payment(DemoCast::AIRLINE, "399.00"))
            .await;
        refused(
            again,
            "insufficient_authorization",
            "the same payment a second time",
        )?;
        let status = self.wire.replay().await.map_err(|e| e.to_string())?;
        told(
            status == StatusCode::UNAUTHORIZED,
            &format!("{status}: the last request sent again, its proof replayed"),
        )?;
        self.what_the_server_refuses(planner, grant, handed).await
    }

    async fn what_the_server_refuses(
        &self,
        planner: &Agent,
        grant: &Grant,
        handed: &Grant,
    ) -> Told {
        let bank = self.stage.bank.as_str();
        let wider = RequestedAccess::resource(bank)
            .details(details(json!([payment(DemoCast::AIRLINE, "412.00")])).map_err(surprise)?);
        let code = ErrorCode::InvalidAuthorizationDetails;
        not_granted(
            self.booker.narrow(handed, &wider).await,
            code,
            "the helper asks for more than the delegation has",
        )?;
        let consent = self
            .stranger
            .actor_assertion("agt_planner", Duration::from_secs(60))
            .map_err(surprise)?;
        let to = ActorCredential::assertion(consent.expose());
        let handed_to = planner
            .delegate(grant, &to, &RequestedAccess::resource(bank))
            .await;
        not_granted(
            handed_to,
            ErrorCode::InvalidRequest,
            "a hand over to an agent that is not in `onward`",
        )?;
        let stolen = self
            .stranger
            .narrow(grant, &RequestedAccess::resource(bank))
            .await;
        not_granted(
            stolen,
            ErrorCode::InvalidRequest,
            "a stranger exchanges the planner's token",
        )
    }

    async fn stop(&mut self, grant: &Grant, handed: &Grant) -> Told {
        say("\n6. Alice stops the task, with one button");
        let page = self.alice.open("/app/agents").await.map_err(stuck)?;
        let stopped = self.alice.submit(&page, "task-stop", &[]).await;
        stopped.map_err(stuck)?;
        ok("stopped; from this commit on nothing below it works, anywhere");
        refused(
            self.get(&self.planner, grant, "/accounts").await,
            "invalid_token",
            "the planner's token at the bank",
        )?;
        let pay = self
            .pay(&self.booker, handed, payment(DemoCast::AIRLINE, "1.00"))
            .await;
        refused(pay, "invalid_token", "the helper's token at the bank")?;
        let ask = RequestedAccess::resource(self.stage.bank.as_str());
        not_granted(
            self.planner.refresh(grant, &ask).await,
            ErrorCode::InvalidGrant,
            "a refresh",
        )?;
        not_granted(
            self.booker.narrow(handed, &ask).await,
            ErrorCode::InvalidRequest,
            "an exchange",
        )
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

    async fn replay(&self) -> Result<StatusCode, TransportError> {
        let last = self
            .last
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let request =
            last.ok_or_else(|| TransportError::Unreachable("nothing was sent".to_owned()))?;
        Ok(self.http.send(request).await?.status())
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

pub(super) fn accepted(result: Result<Response<Bytes>, Error>, what: &str) -> Told {
    let status = result.map_err(surprise)?.status();
    told(status.is_success(), &format!("{} {what}", status.as_u16()))
}

/// Expects that the bank refuses with this error.
pub(super) fn refused(result: Result<Response<Bytes>, Error>, error: &str, what: &str) -> Told {
    match result {
        Err(Error::Resource(refusal)) => {
            let said = refusal.error.clone().unwrap_or_default();
            told(
                said == error,
                &format!("{} {said}: {what}", refusal.status.as_u16()),
            )
        }
        Ok(answer) => Err(format!(
            "{what}: expected `{error}`, and the bank answered {}",
            answer.status()
        )),
        Err(other) => Err(format!("{what}: expected `{error}`, and {other}")),
    }
}

/// Expects that the server refuses with this code.
pub(super) fn not_granted<T>(result: Result<T, Error>, code: ErrorCode, what: &str) -> Told {
    match result {
        Err(Error::Refused(refusal)) => {
            let excess = refusal
                .excess
                .first()
                .map(|e| format!(" at {}", e.pointer))
                .unwrap_or_default();
            told(
                refusal.code == code,
                &format!("400 {}{excess}: {what}", refusal.code.as_str()),
            )
        }
        Err(other) => Err(format!("{what}: expected `{}`, and {other}", code.as_str())),
        Ok(_) => Err(format!(
            "{what}: expected `{}`, and it was granted",
            code.as_str()
        )),
    }
}

pub(super) fn told(as_expected: bool, line: &str) -> Told {
    if as_expected {
        ok(line);
        return Ok(());
    }
    Err(format!("a surprise: {line}"))
}

pub(super) fn ok(line: &str) {
    say(&format!("   ok  {line}"));
}

pub(super) fn surprise(error: Error) -> String {
    format!("a surprise: {error}; next: {}", error.advice())
}

pub(super) fn stuck(error: BrowserError) -> String {
    error.to_string()
}

/// Prints the claims of a token.
pub(super) fn show_token(token: &str) {
    let payload = token
        .split('.')
        .nth(1)
        .and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let claims = payload
        .and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok())
        .unwrap_or_default();
    let pretty = serde_json::to_string_pretty(&claims).unwrap_or_default();
    pretty
        .lines()
        .for_each(|line| say(&format!("         {line}")));
}
