//! Who calls the operators' API: a client with a token of its own for it, which is live, by a fresh proof of its key; judged by the rows as
//! they are now.

use std::collections::BTreeSet;
use std::sync::Arc;

use writ_core::OAuthError;
use writ_core::api;
use writ_core::checks::Endpoint;
use writ_core::client::Client;
use writ_core::id::DelegationId;
use writ_jose::access_token;
use writ_wire::api::ApiScope;
use writ_wire::error::ErrorCode;

use crate::client::error::ClientError;
use crate::client::incoming::RequestHead;
use crate::client::presented_token::{PresentedToken, check_binding, invalid_token};
use crate::node::failure::Failure;
use crate::node::request_log::{ClientStanding, note_client};
use crate::operate::change::Operator;

/// A client that may do what it asks for.
pub struct ApiCaller {
    pub client: Arc<Client>,
    /// The same, as who makes the changes that it asks for.
    pub operator: Operator,
    pub offers_nonce: bool,
}

impl ApiCaller {
    /// Why its request has no success.
    pub fn error(&self, head: &RequestHead, failure: Failure) -> ClientError {
        ClientError {
            offers_nonce: self.offers_nonce,
            ..head.error(Endpoint::Api, failure)
        }
    }
}

/// The caller, if it has this scope now. Uses up the proof.
pub async fn identify(head: &RequestHead, scope: ApiScope) -> Result<ApiCaller, ClientError> {
    let (caller, scopes) = match live_client(head).await {
        Ok(found) => found,
        Err((failure, client)) => {
            let nonces = &head.app.config.nonces;
            let offers_nonce = client.is_some_and(|client| nonces.of(client.profile));
            return Err(ClientError {
                offers_nonce,
                ..head.error(Endpoint::Api, failure)
            });
        }
    };
    note_client(&caller.client, ClientStanding::Proved);
    if scopes.contains(&scope) {
        return Ok(caller);
    }
    let sentence = format!("the token lacks scope `{scope}`, or the client's record does by now");
    let refusal = OAuthError::new(ErrorCode::InsufficientScope, sentence);
    let failure = head.app.refused(refusal, |event| event.by(&caller.client));
    Err(caller.error(head, failure))
}

type Refused = (Failure, Option<Arc<Client>>);

/// The client whose own token this is, and what it may do now.
async fn live_client(head: &RequestHead) -> Result<(ApiCaller, BTreeSet<ApiScope>), Refused> {
    let alone = |failure: Failure| (failure, None);
    let presented = PresentedToken::of(&head.headers).map_err(|e| alone(e.into()))?;
    let presented = presented.ok_or_else(|| alone(invalid_token(NO_TOKEN).into()))?;
    let (app, now) = (&head.app, head.app.clock.now());
    let keys = app.keys().await.map_err(|e| alone(e.into()))?;
    let issuer = &app.config.issuer;
    let claims = access_token::verify(presented.token, |kid| keys.find(kid), issuer.as_str(), now)
        .map_err(|e| alone(invalid_token(&e.to_string()).into()))?;
    if !api::is_own_token(&claims, issuer) {
        return Err(alone(invalid_token(OTHER_TOKEN).into()));
    }
    let mut reading = app.read().await.map_err(|e| alone(e.into()))?;
    let client = app.working_client_in(&mut reading, &claims.client_id).await;
    let client = client.map_err(|e| alone(e.into()))?;
    let dead = || Failure::from(invalid_token("the token is not live"));
    let client = client.ok_or_else(|| alone(dead()))?;
    let known = |failure: Failure| (failure, Some(client.clone()));
    let delegation = claims.delegation().map(DelegationId::from_text);
    let delegation = delegation.ok_or_else(|| known(dead()))?;
    let lineage = reading
        .lineage(&delegation)
        .await
        .map_err(|e| known(e.into()))?;
    // Before the proof is used up, which needs a connection of its own.
    drop(reading);
    check_binding(head, Endpoint::Api, &presented, &claims)
        .await
        .map_err(known)?;
    let lineage = lineage.filter(|lineage| lineage.goes_on(now));
    let lineage = lineage.ok_or_else(|| known(dead()))?;
    let scopes = api::scopes_now(&claims, &lineage, &client).ok_or_else(|| known(dead()))?;
    let caller = ApiCaller {
        operator: Operator::Client {
            id: client.id.clone(),
        },
        offers_nonce: app.config.nonces.of(client.profile),
        client,
    };
    Ok((caller, scopes))
}

const NO_TOKEN: &str = "send an access token for the operators' API, as `Authorization: DPoP`";
const OTHER_TOKEN: &str = "the token is not a client's own for the operators' API: get one by `client_credentials` with `resource` and scopes of it";
