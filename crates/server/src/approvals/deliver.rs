//! Ping and push (CIBA 10.2, 10.3): the client's notification endpoint, by the token that the client gave for it.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};
use writ_core::checks::Endpoint;
use writ_core::pending::{PendingRequest, State};
use writ_store::notice::Notice;
use writ_wire::error::ErrorCode;
use writ_wire::token::GrantType;

use crate::approvals::push::deliver;
use crate::approvals::secret::{Secrets, open_secrets};
use crate::node::app::App;
use crate::node::failure::Failure;
use crate::notifications::outbox::NoticeContent;
use crate::notifications::outcome::DeliveryOutcome;
use crate::notifications::seal;

/// What a ping or a push is made from.
struct Ended {
    request: PendingRequest,
    secrets: Secrets,
    endpoint: String,
}

/// Tells that there is something to fetch, be it a refusal.
pub async fn ping(app: &App, notice: &Notice) -> Result<DeliveryOutcome, Failure> {
    let Some(ended) = ended(app, notice).await? else {
        return Ok(nowhere());
    };
    let body = json!({ "auth_req_id": ended.secrets.auth_req_id });
    post(app, &ended, &body).await
}

/// Sends the answer itself. A token is made once and then sent until it arrives.
pub async fn push(
    app: &App,
    notice: &Notice,
    answer: Option<Value>,
) -> Result<DeliveryOutcome, Failure> {
    let Some(ended) = ended(app, notice).await? else {
        return Ok(nowhere());
    };
    let answer = match answer {
        Some(answer) if is_live(app, &ended.request).await? => answer,
        Some(_) => failed(&ended),
        None => match made(app, notice, &ended).await? {
            Some(answer) => answer,
            None => return Ok(elsewhere()),
        },
    };
    post(app, &ended, &answer).await
}

async fn ended(app: &App, notice: &Notice) -> Result<Option<Ended>, Failure> {
    let Some(id) = &notice.request else {
        return Ok(None);
    };
    let (request, sealed) = {
        let mut reading = app.read().await?;
        let request = reading.pending_by_id(id).await?;
        (request, reading.pending_sealed(id).await?)
    };
    let (Some(request), Some(sealed)) = (request, sealed) else {
        return Ok(None);
    };
    let client = app.client(request.client.as_str()).await?;
    let endpoint = client.and_then(|client| client.backchannel.notification_endpoint.clone());
    let secrets = open_secrets(app, id, &sealed)?;
    Ok(endpoint.map(|endpoint| Ended {
        request,
        secrets,
        endpoint,
    }))
}

fn nowhere() -> DeliveryOutcome {
    DeliveryOutcome::Failed("the client has no notification endpoint".to_owned())
}

/// Another node was faster: the answer is in the letter that it wrote, or on its way.
fn elsewhere() -> DeliveryOutcome {
    DeliveryOutcome::Retry("another node makes the answer".to_owned(), None)
}

/// The answer of a first attempt; `None` if another node has made it since this letter was read.
async fn made(app: &App, notice: &Notice, ended: &Ended) -> Result<Option<Value>, Failure> {
    let answer = match ended.request.state_at(app.clock.now()) {
        State::Approved => return approved(app, notice, ended).await,
        State::Redeemed => return Ok(None),
        State::Denied => refusal(ended, ErrorCode::AccessDenied, "the answer was no"),
        State::Expired if ended.request.status.was_taken_back() => {
            let sentence = "a person approved this, and said no to the same before it was pushed";
            refusal(ended, ErrorCode::AccessDenied, sentence)
        }
        State::Expired | State::Cancelled => {
            refusal(ended, ErrorCode::ExpiredToken, "nobody answered in time")
        }
        State::Pending | State::Viewed => failed(ended),
    };
    Ok(Some(answer))
}

async fn approved(app: &App, notice: &Notice, ended: &Ended) -> Result<Option<Value>, Failure> {
    match token(app, notice, ended).await {
        Ok(answer) => Ok(Some(answer)),
        Err(fault @ (Failure::Broken(_) | Failure::Unavailable(_) | Failure::InDoubt(_))) => {
            Err(fault)
        }
        Err(_) if is_redeemed(app, &ended.request).await? => Ok(None),
        Err(refused) => {
            record(app, refused).await?;
            Ok(Some(failed(ended)))
        }
    }
}

async fn is_redeemed(app: &App, request: &PendingRequest) -> Result<bool, Failure> {
    let found = app.read().await?.pending_by_id(&request.id).await?;
    Ok(found.is_some_and(|request| request.state() == State::Redeemed))
}

/// One transaction redeems the approval, makes the token and keeps it in the notice: a second attempt sends the same.
async fn token(app: &App, notice: &Notice, ended: &Ended) -> Result<Value, Failure> {
    // At hand before the transaction begins: nobody waits for a second connection while holding one.
    app.catalogue().await?;
    app.keys().await?;
    let handle = &ended.secrets.auth_req_id;
    let mut push = deliver(app, &ended.request.id, handle).await?;
    let mut answer = serde_json::to_value(&push.response)
        .map_err(|e| Failure::Broken(format!("the answer of a push: {e}")))?;
    if let Some(members) = answer.as_object_mut() {
        members.insert("auth_req_id".to_owned(), json!(handle));
    }
    let letter = NoticeContent::Over {
        answer: Some(answer.clone()),
    };
    let sealed = app.seal(&seal::of_notice(&notice.id), &letter)?;
    push.transaction.reseal_notice(&notice.id, &sealed).await?;
    push.commit().await?;
    Ok(answer)
}

/// A token that was made and not sent yet is not sent after a stop, nor where its person may not grant it any more.
async fn is_live(app: &App, request: &PendingRequest) -> Result<bool, Failure> {
    let Some(delegation) = request.status.delegation() else {
        return Ok(false);
    };
    let catalogue = app.catalogue().await?;
    let context = catalogue.context(app.clock.now());
    Ok(app.is_still_live(delegation, context).await?)
}

/// A refusal after the person's yes is recorded as one of the token that a poll would have fetched; the client hears that it failed (CIBA 12).
async fn record(app: &App, refused: Failure) -> Result<(), Failure> {
    if let Failure::Refused(refused) = refused {
        let event = refused.event.refused_at(Endpoint::Token(GrantType::Ciba));
        let mut transaction = app.begin().await?;
        transaction.insert_event(&event).await?;
        transaction.commit().await?;
    }
    Ok(())
}

fn failed(ended: &Ended) -> Value {
    let sentence = "what was approved cannot be given any more";
    refusal(ended, ErrorCode::TransactionFailed, sentence)
}

/// CIBA 12.
fn refusal(ended: &Ended, code: ErrorCode, sentence: &str) -> Value {
    json!({
        "error": code.as_str(),
        "error_description": sentence,
        "auth_req_id": ended.secrets.auth_req_id,
    })
}

async fn post(app: &App, ended: &Ended, body: &Value) -> Result<DeliveryOutcome, Failure> {
    let bearer = format!("Bearer {}", ended.secrets.client_notification_token);
    let mut bearer = HeaderValue::try_from(bearer)
        .map_err(|_| Failure::Broken("a notification token is no header value".to_owned()))?;
    bearer.set_sensitive(true);
    let json = HeaderValue::from_static("application/json");
    let headers = HeaderMap::from_iter([(AUTHORIZATION, bearer), (CONTENT_TYPE, json)]);
    let body = Bytes::from(body.to_string());
    let reply = app.notices.guard.post(&ended.endpoint, headers, body);
    Ok(DeliveryOutcome::of(reply.await))
}
