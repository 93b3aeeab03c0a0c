//! The transaction authorization endpoint (draft-rosomakho-oauth-txn-challenge-00, SPECS 10.5): a client brings the challenge with
//! which a resource server refused it, a person is asked, and the answer waits under a `transaction_authorization_id`, polled
//! here. Only where the feature is switched on.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use axum::{Extension, Router};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use writ_core::OAuthError;
use writ_core::checks::Endpoint;
use writ_core::pending::PreparedApproval;
use writ_core::request::RequestContext;
use writ_core::transaction;
use writ_jose::assertion::{AssertionError, TransactionChallenge, TransactionRules};
use writ_store::replay::ReplayClaim;
use writ_wire::error::ErrorCode;
use writ_wire::registration::Profile;
use writ_wire::token::{GrantType, TokenResponse};
use writ_wire::transaction::{PresentedChallenge, TransactionRequest, TransactionResponse};

use crate::approvals::create::{self, Ask, Asked, Denied, Hinted, Question};
use crate::approvals::long_poll;
use crate::client::answer::json;
use crate::client::caller::Arrived;
use crate::client::denied;
use crate::client::grants;
use crate::client::par::references;
use crate::client::token::read_form;
use crate::node::app::App;
use crate::node::client_address::ClientAddress;
use crate::node::failure::Failure;
use crate::request::caller::Caller;
use crate::request::granting::Granting;
use crate::request::replay::Single;

const PATH: &str = "/transaction_authorization";

pub fn routes(app: &App) -> Router<Arc<App>> {
    if app.config.features.transaction_challenge {
        Router::new().route(PATH, post(authorize))
    } else {
        Router::new()
    }
}

/// What a good request hears.
enum Answer {
    Waits(TransactionResponse),
    Token(Box<TokenResponse>),
}

async fn authorize(
    State(app): State<Arc<App>>,
    peer: Option<Extension<ClientAddress>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let profile = OnceLock::new();
    let address = app.address_of(peer, &headers);
    let result = answered(&app, (&headers, &profile), (&body, address)).await;
    let was_polled = match &result {
        Ok(Answer::Token(_)) => true,
        Ok(Answer::Waits(_)) => false,
        Err(denied) => matches!(&denied.failure,
            Failure::Waiting(refusal) if refusal.code == ErrorCode::AuthorizationPending),
    };
    let mut response = match result {
        Ok(Answer::Waits(answer)) => json(StatusCode::OK, &answer),
        Ok(Answer::Token(answer)) => json(StatusCode::OK, &answer),
        Err(denied) => denied::refused(&app, Endpoint::Transaction, denied).await,
    };
    if was_polled {
        long_poll::say_applied(&mut response, &headers);
    }
    app.with_nonce(response, profile.get())
}

async fn answered(
    app: &App,
    (headers, profile): (&HeaderMap, &OnceLock<Profile>),
    (body, address): (&[u8], Option<IpAddr>),
) -> Result<Answer, Denied> {
    let form = read_form(headers, body)?;
    let now = app.clock.now();
    let arrived = Arrived {
        endpoint: Endpoint::Transaction,
        headers,
        form: &form,
        url: &app.urls.transaction,
        now,
        profile,
    };
    let caller = app.caller(&arrived).await?;
    let refuse = |refusal: OAuthError| app.refused(refusal, |event| event.by(&caller.client));
    // What a client that asks by CIBA may do, it may do here.
    caller.client.may_use(GrantType::Ciba).map_err(refuse)?;
    match TransactionRequest::parse(&form).map_err(|error| refuse(error.into()))? {
        TransactionRequest::Present(presented) => {
            let ask = Ask {
                app,
                caller,
                catalogue: app.fresh_catalogue().await?,
                address,
                now,
            };
            Ok(Answer::Waits(ask_person(&ask, &presented).await?))
        }
        TransactionRequest::Poll(id) => {
            let token = poll(app, caller, (&id, headers)).await?;
            Ok(Answer::Token(Box::new(token)))
        }
    }
}

async fn poll(
    app: &App,
    caller: Caller,
    (id, headers): (&str, &HeaderMap),
) -> Result<TokenResponse, Failure> {
    let granting = Granting {
        app,
        caller,
        catalogue: app.catalogue().await?,
        keys: app.keys().await?,
        now: app.clock.now(),
        wait: long_poll::preference(headers),
    };
    grants::transaction::redeem(granting, id).await
}

/// Nothing of the challenge is believed before its signature is verified.
async fn ask_person(
    ask: &Ask<'_>,
    presented: &PresentedChallenge,
) -> Result<TransactionResponse, Denied> {
    let (challenge, prepared) = judge(ask, &presented.challenge).map_err(|r| ask.refuse(r))?;
    let hinted = requester(ask, presented, &challenge).await?;
    create::check_code(ask, presented.user_code.as_ref(), &hinted).await?;
    let question = Question {
        prepared,
        hinted: &hinted,
        singles: vec![Single::of_challenge(&challenge)],
        notification_token: None,
    };
    let Asked { handle, request } = create::commit(ask, question).await?;
    let uri = ask.app.config.url(&format!("/app/requests/{}", request.id));
    Ok(TransactionResponse {
        transaction_authorization_id: handle,
        expires_in: ask.now.until(request.expires_at).as_secs(),
        interval: Some(u64::from(request.polling.interval)),
        authorization_uri: Some(uri),
        number_to_match: request.asked.number,
    })
}

fn judge(
    ask: &Ask<'_>,
    text: &str,
) -> Result<(TransactionChallenge, PreparedApproval), OAuthError> {
    let unusable = |error: AssertionError| {
        OAuthError::invalid_request(format!("`transaction_challenge` is not usable: {error}"))
    };
    let realm = ask.catalogue.realm();
    let issuer = TransactionChallenge::unverified_issuer(text).map_err(unusable)?;
    let (resource, keys) = transaction::challenger(&issuer, realm)?;
    let rules = TransactionRules {
        resource: resource.uri.as_str(),
        issuer: realm.issuer.as_str(),
        now: ask.now,
    };
    let challenge = TransactionChallenge::verify(text, keys, &rules).map_err(unusable)?;
    let mut make_ref = references(ask.app, ask.now);
    let mut making = RequestContext {
        realm,
        now: ask.now,
        mission_intent: false,
        make_ref: &mut make_ref,
    };
    let prepared = transaction::prepare(
        &challenge,
        &ask.caller.client,
        resource,
        ask.app.config.strongest(),
        &mut making,
    )?;
    Ok((challenge, prepared))
}

/// The person and the chain of the asking agent's own token, which the challenge must be about.
async fn requester(
    ask: &Ask<'_>,
    presented: &PresentedChallenge,
    challenge: &TransactionChallenge,
) -> Result<Hinted, Failure> {
    let token = presented.subject_token.as_ref().ok_or_else(|| {
        ask.refuse(OAuthError::invalid_request(
            "parameter `subject_token` is missing: the person and the task are those of your current token",
        ))
    })?;
    let claims = create::own_token(ask, token).await?;
    transaction::requester(challenge, &claims).map_err(|refusal| ask.refuse(refusal))?;
    Ok(Hinted {
        subject: claims.sub.clone(),
        asking: Some(claims),
    })
}

impl Single {
    /// A challenge is good once, by resource server.
    fn of_challenge(challenge: &TransactionChallenge) -> Self {
        Self {
            once: ReplayClaim {
                digest: challenge.replay_digest(),
                expires_at: challenge.accepted_until,
            },
            used: OAuthError::invalid_request(
                "the challenge was used before: send your request to the resource again, and take its new one",
            ),
        }
    }
}
