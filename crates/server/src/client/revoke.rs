//! Revocation (RFC 7009): a client ends what one of its own tokens stands for. Whatever else is presented changes nothing, and looks
//! the same from outside.

use axum::response::Response;
use serde_json::json;
use writ_core::OAuthError;
use writ_core::checks::Endpoint;
use writ_core::event::{Event, EventName};
use writ_core::id::{ClientId, DelegationId};
use writ_core::lineage::Lineage;
use writ_jose::access_token;
use writ_store::DatabaseTransaction;
use writ_wire::claims::AccessTokenClaims;
use writ_wire::form::Form;
use writ_wire::time::Timestamp;

use crate::client::end_grant::{EndedBy, EndedGrant, GrantEnd, GrantEndings};
use crate::client::error::ClientError;
use crate::client::incoming::IncomingRequest;
use crate::client::sighting::see;
use crate::node::failure::Failure;
use crate::node::secret::secret_digest;
use crate::request::client_request::ClientRequest;

const REFRESH_TOKEN: &str = "refresh_token";
const ACCESS_TOKEN: &str = "access_token";

pub async fn revoke(incoming: IncomingRequest) -> Result<Response, ClientError> {
    let endpoint = Endpoint::Revoke;
    let form = read_form(&incoming).map_err(|failure| incoming.head.error(endpoint, failure))?;
    let request = incoming.authenticate_form(endpoint, form).await?;
    let done = revoke_token(&request).await;
    request.answer_empty(done)
}

/// Whatever `token_type_hint` says, the token is found (RFC 7009 section 2.1).
fn read_form(incoming: &IncomingRequest) -> Result<Form, Failure> {
    let form = incoming.body.form()?;
    form.refuse_repeats(&[])?;
    Ok(form)
}

async fn revoke_token(request: &ClientRequest) -> Result<(), Failure> {
    let token = request.form.required("token");
    let token = token.map_err(|error| request.refuse(error))?;
    let (app, caller) = (&request.app, &request.caller);
    let keys = app.keys().await?;
    let issuer = app.config.issuer.as_str();
    let claims = access_token::verify(token, |kid| keys.find(kid), issuer, request.now).ok();
    if let Some(claims) = &claims {
        see(app, claims, request.now).await?;
    }
    let mut transaction = app.begin().await?;
    let checks = caller.replay_checks();
    caller.claim(app, &mut transaction, checks).await?;
    let found = PresentedGrant::find(&mut transaction, token, claims, request.now).await?;
    let Some(found) = found else {
        transaction.commit().await?;
        return admit_unknown(request);
    };
    if found.client != request.client().id {
        let task = &found.lineage.task;
        if request.caller.writes_event_below(&request.app, task) {
            let event = foreign(request, &found);
            transaction.insert_event(&event).await?;
        }
        return Ok(transaction.commit().await?);
    }
    let GrantEndings { ended, asked } = end(request, &found, &mut transaction).await?;
    transaction.commit().await?;
    asked.announce(app);
    if ended != EndedGrant::Nothing {
        app.metrics.revoked(found.kind);
    }
    Ok(())
}

/// Nothing is wrong with an unknown token (RFC 7009 section 2.2), but with too many of somebody who proved nothing.
fn admit_unknown(request: &ClientRequest) -> Result<(), Failure> {
    if request.client().is_proved() {
        return Ok(());
    }
    let strangers = &request.app.strangers;
    let admitted = strangers.admit_unproved(request.address, request.now);
    admitted.map_err(|too_many| too_many.failure())
}

/// A valid token, and what it stands for.
struct PresentedGrant {
    kind: &'static str,
    client: ClientId,
    lineage: Lineage,
    jti: Option<String>,
}

impl PresentedGrant {
    /// `None` if the token is unknown or has expired. Two statements at most, both of what is uncached.
    async fn find(
        transaction: &mut DatabaseTransaction,
        token: &str,
        claims: Option<AccessTokenClaims>,
        now: Timestamp,
    ) -> Result<Option<Self>, Failure> {
        if let Some(claims) = claims {
            let Some(delegation) = claims.delegation().map(DelegationId::from_text) else {
                return Ok(None);
            };
            let lineage = transaction.lineage(&delegation).await?;
            return Ok(lineage.map(|lineage| Self {
                kind: ACCESS_TOKEN,
                client: ClientId::from_text(claims.client_id),
                lineage,
                jti: Some(claims.jti),
            }));
        }
        let found = transaction.refresh_token(&secret_digest(token)).await?;
        let valid = found.filter(|found| now < found.row.expires_at);
        Ok(valid.map(|found| Self {
            kind: REFRESH_TOKEN,
            client: found.row.client,
            lineage: found.lineage,
            jti: None,
        }))
    }
}

/// Ends the client's own grant, or the part of it that the token stands for.
async fn end(
    request: &ClientRequest,
    found: &PresentedGrant,
    transaction: &mut DatabaseTransaction,
) -> Result<GrantEndings, Failure> {
    let (app, now) = (&request.app, request.now);
    let end = GrantEnd {
        app,
        client: request.client(),
        lineage: &found.lineage,
        by: EndedBy::Client,
        because: "its client revoked the token",
        now,
    };
    let endings = end.write(transaction).await?;
    if endings.ended != EndedGrant::Nothing {
        let event = Event::new(app.event_id(now), now, EventName::TokenRevoked)
            .by(request.client())
            .about(&found.lineage.task)
            .under(&found.lineage.leaf)
            .permitted()
            .with(
                json!({ "token": found.kind, "jti": found.jti, "ended": endings.ended.as_str() }),
            );
        transaction.insert_event(&event).await?;
    }
    Ok(endings)
}

/// On record, because somebody has a token that is not theirs; the caller is not told whether it lives.
fn foreign(request: &ClientRequest, found: &PresentedGrant) -> Event {
    let (app, now) = (&request.app, request.now);
    let refusal = OAuthError::invalid_grant("the token was issued to another client");
    app.note_refusal(Endpoint::Revoke.label(), refusal.code);
    Event::new(app.event_id(now), now, EventName::RequestRefused)
        .by(request.client())
        .about(&found.lineage.task)
        .under(&found.lineage.leaf)
        .denied(&refusal)
        .refused_at(Endpoint::Revoke)
}
