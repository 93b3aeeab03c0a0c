//! Groups of a person who is not there, by the refresh token of their login (OpenID Connect Core section 12).

use std::collections::BTreeSet;

use openidconnect::core::CoreErrorResponseType;
use openidconnect::{Nonce, OAuth2TokenResponse, RefreshToken, RequestTokenError, TokenResponse};
use zeroize::Zeroizing;

use super::types::Tokens;
use super::{GuardedDoor, ReachedProvider, UpstreamError, refused};

/// What a refresh brought. No `Debug`, because of the tokens.
pub struct RefreshedTokens(Tokens);

impl RefreshedTokens {
    /// In place of the refresh token of before, which may be good no more.
    pub fn successor(&self) -> Option<Zeroizing<String>> {
        let token = self.0.refresh_token();
        token.map(|token| Zeroizing::new(token.secret().clone()))
    }
}

/// Why groups are not known anew.
#[derive(Debug, thiserror::Error)]
pub enum NotReadAgain {
    /// `invalid_grant` (RFC 6749 section 5.2): the provider takes back what the login gave.
    #[error("the refresh token is good no more")]
    Ended,
    #[error(transparent)]
    Failed(#[from] UpstreamError),
}

impl ReachedProvider<'_> {
    /// The caller keeps the successor before anything else.
    pub async fn refresh(
        &self,
        refresh_token: Zeroizing<String>,
    ) -> Result<RefreshedTokens, NotReadAgain> {
        let (client, http) = (self.client()?, GuardedDoor(self.app));
        let refresh_token = RefreshToken::new(refresh_token.to_string());
        let exchange = client.exchange_refresh_token(&refresh_token);
        let mut exchange = exchange
            .map_err(|_| UpstreamError::Unavailable("it has no token endpoint".to_owned()))?;
        for (name, value) in self.client_assertion()? {
            exchange = exchange.add_extra_param(name, value);
        }
        match exchange.request_async(&http).await {
            Ok(tokens) => Ok(RefreshedTokens(tokens)),
            Err(RequestTokenError::ServerResponse(answer))
                if matches!(answer.error(), CoreErrorResponseType::InvalidGrant) =>
            {
                Err(NotReadAgain::Ended)
            }
            Err(error) => Err(self.not_redeemed(error).into()),
        }
    }

    /// Section 12.2: an ID token may be left out, and is of the same person where it is there.
    pub async fn groups_of(
        &self,
        tokens: &RefreshedTokens,
        subject: &str,
    ) -> Result<BTreeSet<String>, UpstreamError> {
        let RefreshedTokens(tokens) = tokens;
        let claims = match tokens.id_token() {
            Some(_) => self.verified(tokens, without_nonce).await?,
            None => {
                let access_token = tokens.access_token();
                self.groups_by_userinfo(subject, access_token).await?
            }
        };
        match claims.subject == subject {
            true => Ok(claims.groups),
            false => Err(refused("`sub` is somebody else than at the login")),
        }
    }
}

/// There was no question with one: the answer is bound to this server by the call that it comes in.
fn without_nonce(_: Option<&Nonce>) -> Result<(), String> {
    Ok(())
}
