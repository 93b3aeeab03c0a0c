//! Token exchange (RFC 8693): a narrower token for the same agent (`narrow`), a token for another agent (`delegate`), and taking such
//! a token (`accept`).

use writ_wire::claims::{ACCESS_TOKEN_TYPE, AccessTokenClaims};
use writ_wire::exchange::{TOKEN_TYPE_ACCESS_TOKEN, TOKEN_TYPE_JWT};
use writ_wire::rar::Detail;
use writ_wire::time::Timestamp;
use writ_wire::token::TokenType;

use crate::agent::{Agent, Parameters};
use crate::error::{Error, protocol};
use crate::jwt;
use crate::secret::Secret;
use crate::token::{Grant, RequestedAccess};

/// What the receiving agent gave to be handed a token: the `actor_token`.
#[derive(Clone, Debug)]
pub enum ActorCredential {
    /// Made by its [`Agent::actor_assertion`] for us.
    Assertion(Secret),
    /// Its own access token whose audience is the issuer, from [`Agent::own`] without resource.
    AccessToken(Secret),
}

impl ActorCredential {
    pub fn assertion(text: impl Into<Secret>) -> Self {
        Self::Assertion(text.into())
    }

    pub fn access_token(text: impl Into<Secret>) -> Self {
        Self::AccessToken(text.into())
    }

    const fn token_type(&self) -> &'static str {
        match self {
            Self::Assertion(_) => TOKEN_TYPE_JWT,
            Self::AccessToken(_) => TOKEN_TYPE_ACCESS_TOKEN,
        }
    }

    fn expose(&self) -> &str {
        match self {
            Self::Assertion(text) | Self::AccessToken(text) => text.expose(),
        }
    }
}

/// A token for another agent, bound to its key: of no use to whoever asked for it. Give it `access_token`.
#[derive(Clone, Debug)]
pub struct Delegated {
    pub access_token: Secret,
    pub expires_at: Timestamp,
    pub scope: Option<String>,
    pub authorization_details: Vec<Detail>,
    /// The task.
    pub mission_id: Option<String>,
}

impl Agent {
    /// A token for the same agent and key with narrower authority, or for another audience that the grant names.
    pub async fn narrow(&self, grant: &Grant, ask: &RequestedAccess) -> Result<Grant, Error> {
        self.exchange(grant, None, ask).await
    }

    /// Hands part of the authority to another agent. An excess is refused, never trimmed: see `ErrorResponse::excess`.
    pub async fn delegate(
        &self,
        grant: &Grant,
        to: &ActorCredential,
        ask: &RequestedAccess,
    ) -> Result<Delegated, Error> {
        let token = self.exchange(grant, Some(to), ask).await?;
        Ok(Delegated {
            access_token: token.access_token,
            expires_at: token.expires_at,
            scope: token.scope,
            authorization_details: token.authorization_details,
            mission_id: token.mission_id,
        })
    }

    /// Takes a token that another agent got for us. It must be of our issuer, for us, and bound to our key; whether it is
    /// genuine only a resource can tell, so the rest is taken as it stands.
    pub fn accept(&self, access_token: &str) -> Result<Grant, Error> {
        let (header, claims) = jwt::read_unverified::<AccessTokenClaims>(access_token)
            .ok_or_else(|| protocol("what was handed over is no access token (RFC 9068 2)"))?;
        let bound_to = claims.cnf.as_ref().map(|cnf| cnf.jkt.as_str());
        let checks = [
            (
                header.get("typ").and_then(|typ| typ.as_str()) == Some(ACCESS_TOKEN_TYPE),
                "has another `typ`",
            ),
            (claims.iss == self.issuer(), "is of another issuer"),
            (claims.client_id == self.client_id(), "is for another agent"),
            (
                bound_to == Some(self.bound_key()?.thumbprint()),
                "is not bound to this agent's key",
            ),
            (
                claims.exp > self.environment.clock.now().seconds(),
                "is expired",
            ),
        ];
        if let Some((_, problem)) = checks.into_iter().find(|(good, _)| !good) {
            return Err(protocol(format!(
                "the token that was handed over {problem}"
            )));
        }
        Ok(Grant {
            access_token: access_token.into(),
            token_type: TokenType::DPoP,
            expires_at: Timestamp::from_seconds(claims.exp),
            refresh_token: None,
            scope: claims.scope,
            authorization_details: claims.authorization_details,
            id_token: None,
            mission_id: claims.mission.map(|mission| mission.id),
        })
    }

    /// RFC 8693 section 2.1: an actor token always goes with its type.
    async fn exchange(
        &self,
        grant: &Grant,
        actor: Option<&ActorCredential>,
        ask: &RequestedAccess,
    ) -> Result<Grant, Error> {
        self.bound_key()?;
        let mut form: Parameters = vec![
            ("grant_type", TOKEN_EXCHANGE.to_owned()),
            ("subject_token", grant.access_token.expose().to_owned()),
            ("subject_token_type", TOKEN_TYPE_ACCESS_TOKEN.to_owned()),
        ];
        if let Some(actor) = actor {
            form.push(("actor_token", actor.expose().to_owned()));
            form.push(("actor_token_type", actor.token_type().to_owned()));
        }
        form.extend(ask.parameters()?);
        self.token(&form).await
    }
}

const TOKEN_EXCHANGE: &str = writ_wire::token::GrantType::TokenExchange.as_str();
