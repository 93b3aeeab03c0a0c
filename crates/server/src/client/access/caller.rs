//! Who may ask: the client that serves a resource, by HTTP Basic or by an access token of its own for the issuer with scope `access`.

use std::sync::Arc;

use writ_core::OAuthError;
use writ_core::checks::Endpoint;
use writ_core::client::Client;
use writ_core::id::DelegationId;
use writ_core::scope::ACCESS;
use writ_jose::access_token;
use writ_wire::error::ErrorCode;
use writ_wire::form::Form;
use writ_wire::scope::Scope;

use crate::client::error::ClientError;
use crate::client::incoming::RequestHead;
use crate::client::presented_token::{PresentedToken, check_binding, invalid_token};
use crate::node::failure::Failure;
use crate::node::request_log::{ClientStanding, note_client};
use crate::request::caller::Caller;
use crate::request::client_request::{AuthorizationHeader, ClientRequest};

impl RequestHead {
    /// Identifies the client of a resource server; consumes nothing but the proof of a bound token.
    pub async fn authenticate_server(
        &self,
        endpoint: Endpoint,
    ) -> Result<ClientRequest, ClientError> {
        let presented = PresentedToken::of(&self.headers);
        let request = match presented.map_err(|error| self.error(endpoint, error.into()))? {
            None => self.authenticate(endpoint, Form::default()).await?,
            Some(presented) => self.authenticate_by_token(endpoint, &presented).await?,
        };
        match self.serves_something(&request).await {
            Ok(()) => Ok(request),
            Err(failure) => Err(self.error(endpoint, failure)),
        }
    }

    async fn authenticate_by_token(
        &self,
        endpoint: Endpoint,
        presented: &PresentedToken<'_>,
    ) -> Result<ClientRequest, ClientError> {
        let found = self.client_of_token(endpoint, presented).await;
        let app = &self.app;
        let client = found.map_err(|(failure, client)| ClientError {
            offers_nonce: client.is_some_and(|client| app.config.nonces.of(client.profile)),
            ..self.error(endpoint, failure)
        })?;
        note_client(&client, ClientStanding::Proved);
        Ok(ClientRequest {
            endpoint,
            authorization: AuthorizationHeader::Sent,
            address: self.address,
            wait: None,
            offers_nonce: presented.is_bound() && app.config.nonces.of(client.profile),
            now: app.clock.now(),
            caller: Arc::new(Caller {
                client,
                proof: None,
                assertion: None,
            }),
            app: app.clone(),
            form: Form::default(),
        })
    }

    /// The client whose own token this is, and that it is live.
    async fn client_of_token(
        &self,
        endpoint: Endpoint,
        presented: &PresentedToken<'_>,
    ) -> Result<Arc<Client>, (Failure, Option<Arc<Client>>)> {
        let alone = |failure: Failure| (failure, None);
        let (app, now) = (&self.app, self.app.clock.now());
        let keys = app.keys().await.map_err(|e| alone(e.into()))?;
        let issuer = app.config.issuer.as_str();
        let claims = access_token::verify(presented.token, |kid| keys.find(kid), issuer, now)
            .map_err(|e| alone(invalid_token(&e.to_string()).into()))?;
        if claims.aud != issuer || claims.sub != claims.client_id {
            let sentence = "the token is not the client's own for this issuer: get one by `client_credentials` with scope `access`";
            return Err(alone(invalid_token(sentence).into()));
        }
        let scope = claims.scope.as_deref().unwrap_or_default();
        if !Scope::parse(scope).is_ok_and(|scope| scope.contains(ACCESS)) {
            let sentence = "the token lacks scope `access`";
            let refusal = OAuthError::new(ErrorCode::InsufficientScope, sentence);
            return Err(alone(refusal.into()));
        }
        let client = app.client(&claims.client_id).await;
        let client = client.map_err(|e| alone(e.into()))?;
        let dead = || invalid_token("the token is not live").into();
        let client = client.ok_or_else(|| alone(dead()))?;
        let with_client = |failure| (failure, Some(client.clone()));
        check_binding(self, endpoint, presented, &claims)
            .await
            .map_err(with_client)?;
        let delegation = claims.delegation().map(DelegationId::from_text);
        let delegation = delegation.ok_or_else(|| with_client(dead()))?;
        let live = async { app.read().await?.is_live(&delegation, now).await };
        match live.await.map_err(|e| with_client(e.into()))? {
            true => Ok(client),
            false => Err(with_client(dead())),
        }
    }

    /// A resource that was registered a moment ago counts.
    async fn serves_something(&self, request: &ClientRequest) -> Result<(), Failure> {
        let (app, client) = (&self.app, &request.client().id);
        if app.catalogue().await?.resources.are_served_by(client) {
            return Ok(());
        }
        if app.fresh_catalogue().await?.resources.are_served_by(client) {
            return Ok(());
        }
        let sentence =
            "no resource names this client: only the `client_id` of a resource's record may ask";
        Err(request.refuse(OAuthError::new(ErrorCode::AccessDenied, sentence)))
    }
}
