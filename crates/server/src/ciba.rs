//! The backchannel authentication endpoint (CIBA 7): a client asks, a person is asked on their own device, and the answer waits
//! under an `auth_req_id`. Parse, verify what is signed, then load, decide and write in one transaction.

mod facts;
mod person;
mod secret;
mod signed;

pub use facts::stages;
pub use secret::{Secrets, open_secrets};

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::json as object;
use writ_authority::Level;
use writ_core::Refusal;
use writ_core::budget;
use writ_core::checks::Endpoint;
use writ_core::ciba::{self, Asking, Prepared};
use writ_core::event::{Event, EventName};
use writ_core::id::ApprovalId;
use writ_core::pending::{Decision, Delivery, PendingRequest};
use writ_core::request::Making;
use writ_store::Session;
use writ_store::pending::NewPending;
use writ_wire::ciba::{BackchannelRequest, BackchannelResponse};
use writ_wire::error::ErrorCode;
use writ_wire::registration::Profile;
use writ_wire::time::Timestamp;

use self::facts::Loaded;
use self::signed::Read;
use crate::answer::{Failure, json};
use crate::app::App;
use crate::caller::{Arrived, Caller, secret_digest};
use crate::catalogue::Catalogue;
use crate::notices;
use crate::once::Single;
use crate::par::references;
use crate::peer::Peer;
use crate::token::read_form;

/// The strongest answer that can be given here: no verifier of liveness is built in.
pub const STRONGEST: Level = Level::Passkey;

/// A request that is not taken, and when another one may be.
pub struct Denied {
    failure: Failure,
    retry_after: Option<Duration>,
}

impl<F: Into<Failure>> From<F> for Denied {
    fn from(failure: F) -> Self {
        Self {
            failure: failure.into(),
            retry_after: None,
        }
    }
}

pub async fn ask(
    State(app): State<Arc<App>>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let profile = OnceLock::new();
    let address = app.address_of(peer);
    let response = match asked(&app, (&headers, &profile), (&body, address)).await {
        Ok(answer) => json(StatusCode::OK, &answer),
        Err(denied) => refused(&app, denied).await,
    };
    app.with_nonce(response, profile.get())
}

/// CIBA 13: what policy denies is 403; everything else as at the token endpoint.
async fn refused(app: &App, denied: Denied) -> Response {
    let forbidden = matches!(&denied.failure,
        Failure::Refused(refusal, _) if refusal.code == ErrorCode::AccessDenied);
    let mut response = app
        .answer_failure(Endpoint::Backchannel, denied.failure)
        .await;
    if forbidden && response.status() == StatusCode::BAD_REQUEST {
        *response.status_mut() = StatusCode::FORBIDDEN;
    }
    if let Some(wait) = denied.retry_after {
        let seconds = HeaderValue::from(wait.as_secs().max(1));
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    response
}

/// One request on its way.
struct Ask<'a> {
    app: &'a App,
    caller: Caller,
    catalogue: Arc<Catalogue>,
    address: Option<IpAddr>,
    now: Timestamp,
}

impl Ask<'_> {
    fn refuse(&self, refusal: impl Into<Refusal>) -> Failure {
        self.app
            .refused(refusal.into(), |event| event.by(&self.caller.client))
    }
}

async fn asked(
    app: &App,
    (headers, profile): (&HeaderMap, &OnceLock<Profile>),
    (body, address): (&[u8], Option<IpAddr>),
) -> Result<BackchannelResponse, Denied> {
    let form = read_form(headers, body)?;
    let now = app.clock.now();
    let arrived = Arrived {
        endpoint: Endpoint::Backchannel,
        headers,
        form: &form,
        url: &app.urls.backchannel,
        now,
        profile,
    };
    let ask = Ask {
        app,
        caller: app.caller(&arrived).await?,
        catalogue: app.fresh_catalogue().await?,
        address,
        now,
    };
    let read = signed::read(&form, &ask.caller.client, (app.config.issuer.as_str(), now))
        .map_err(|refusal| ask.refuse(refusal))?;
    let prepared = prepare(&ask, &read.request).map_err(|refusal| ask.refuse(refusal))?;
    let hinted = person::hinted(&ask, &read.request).await?;
    person::check_code(&ask, &read.request, &hinted).await?;
    commit(&ask, (read, prepared), &hinted).await
}

fn prepare(ask: &Ask<'_>, request: &BackchannelRequest) -> Result<Prepared, Refusal> {
    let mut make_ref = references(ask.app, ask.now);
    let mut making = Making {
        now: ask.now,
        mission_intent: false,
        make_ref: &mut make_ref,
    };
    let measure = (ask.catalogue.realm(), STRONGEST);
    ciba::prepare(request, &ask.caller.client, measure, &mut making)
}

async fn commit(
    ask: &Ask<'_>,
    (read, prepared): (Read, Prepared),
    hinted: &person::Hinted,
) -> Result<BackchannelResponse, Denied> {
    let (app, client, now) = (ask.app, &ask.caller.client, ask.now);
    let auth_req_id = app.random.secret();
    let mut session = app.begin().await?;
    let loaded = facts::load(ask, &mut session, hinted).await?;
    let subject = loaded.person(client).map_err(|r| ask.refuse(r))?.clone();
    let decides = (&prepared.authority, &subject, &**client);
    let stages = stages(&mut session, decides, ask.catalogue.realm()).await?;
    let asking = Asking {
        id: ApprovalId::make(now, app.entropy()),
        digest: secret_digest(&auth_req_id),
        client,
        subject: &subject.id,
        stages: stages.map_err(|refusal| ask.refuse(refusal))?,
        asking: loaded.asking.as_ref(),
        jkt: ask.caller.key().cloned(),
        number: client.backchannel.number_matching.then(|| number(app)),
        address: ask.address.map(|address| address.to_string()),
        now,
    };
    let request = ciba::pending(prepared, asking).map_err(|refusal| ask.refuse(refusal))?;
    write(
        ask,
        &mut session,
        (&read, &loaded),
        (&request, &auth_req_id),
    )
    .await?;
    session.commit().await?;
    app.remember_keys(&ask.caller);
    app.waiting.announce_request(&request);
    app.notices.wake();
    let is_polled = request.asked.delivery != Delivery::Push;
    Ok(BackchannelResponse {
        auth_req_id,
        expires_in: now.until(request.expires_at).as_secs(),
        interval: is_polled.then_some(request.polling.interval),
        number_to_match: request.asked.number,
    })
}

/// What is used once, the older copy of the same question, the budget, and the question itself with its event.
async fn write(
    ask: &Ask<'_>,
    session: &mut Session,
    (read, loaded): (&Read, &Loaded),
    (request, auth_req_id): (&PendingRequest, &str),
) -> Result<(), Denied> {
    let app = ask.app;
    let mut singles = ask.caller.singles();
    singles.extend(read.signed.as_ref().map(Single::of_request));
    if let Some(used) = app.claim(session, singles).await? {
        return Err(ask.refuse(used).into());
    }
    if let Some(foreign) = app.claim_keys(session, &ask.caller, ask.now).await? {
        return Err(ask.refuse(foreign).into());
    }
    let older = session
        .supersede_pending(request, &superseded(), ask.now)
        .await?;
    within_budget(ask, session, request).await?;
    let secrets = secret::sealed(app, &request.id, (&read.request, auth_req_id), request)?;
    session
        .insert_pending(NewPending {
            request,
            user_code: None,
            sealed: secrets.as_deref(),
        })
        .await?;
    session
        .insert_event(&requested(ask, loaded, (request, older)))
        .await?;
    notices::requested(app, session, request).await?;
    Ok(())
}

async fn within_budget(
    ask: &Ask<'_>,
    session: &mut Session,
    request: &PendingRequest,
) -> Result<(), Denied> {
    let Some(subject) = &request.subject else {
        return Ok(());
    };
    let (client, now) = (&request.client, ask.now);
    let since = |age| now.minus(age);
    let lately = session
        .prompts(subject, client, since(budget::WINDOW), now)
        .await?;
    let denied = session
        .prompts(subject, client, since(budget::LONGEST_PAUSE), now)
        .await?;
    let prompts = budget::Prompts {
        person: lately.person,
        agent: lately.agent,
        pair: lately.pair,
        open: lately.open,
        denials: denied.denials,
        last_denied_at: denied.last_denied_at,
    };
    budget::check(&prompts, &ask.app.config.prompts, now).map_err(|over| Denied {
        failure: ask.refuse(over.refusal),
        retry_after: Some(over.retry_after),
    })
}

/// How the older copy of a question ends.
fn superseded() -> Decision {
    Decision {
        authority: writ_authority::Authority::default(),
        narrowed: false,
        ends_at: None,
        approval: None,
        by: Vec::new(),
        reason: Some("the same was asked again".to_owned()),
    }
}

fn requested(ask: &Ask<'_>, loaded: &Loaded, (request, older): (&PendingRequest, u64)) -> Event {
    let id = ask.app.event_id(ask.now);
    let mut event = Event::new(id, ask.now, EventName::ApprovalRequested).by(&ask.caller.client);
    if let Some(lineage) = &loaded.asking {
        event = event.about(&lineage.task).under(&lineage.leaf);
    } else if let Some(subject) = &request.subject {
        event = event.of_subject(subject.as_str());
    }
    let salt = request.id.as_str();
    event.details_hash = Some(request.asked.authority.hash(salt));
    event.with(object!({
        "approval": request.id,
        "asked": request.asked,
        "expires_at": request.expires_at.rfc3339(),
        "takes_the_place_of": older,
    }))
}

/// Two digits, none of them a leading zero.
fn number(app: &App) -> u8 {
    let [draw] = app.random.bytes::<1>();
    // 180 is twice the 90 numbers: what is above would make some likelier than others.
    if draw < 180 {
        10 + draw % 90
    } else {
        number(app)
    }
}
