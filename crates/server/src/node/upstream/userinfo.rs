//! Claims of the UserInfo endpoint (OpenID Connect Core section 5.3), for what the ID token leaves out: asked only where something here depends
//! on it.

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, StatusCode};
use openidconnect::AccessToken;
use serde::Deserialize;
use serde_json::{Map, Value};
use writ_core::upstream::{UpstreamClaims, verified_email};
use writ_platform::guard::MAX_RESPONSE_BYTES;
use writ_wire::strict_json;

use super::id_token::texts;
use super::{ReachedProvider, UpstreamError, refused};

/// What an ID token does not say at all.
#[derive(Clone, Copy, Debug)]
pub(super) struct LeftOut {
    pub(super) groups: bool,
    pub(super) email: bool,
}

#[derive(Deserialize)]
struct UserinfoClaims {
    sub: String,
    email: Option<String>,
    email_verified: Option<Value>,
    preferred_username: Option<String>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

impl ReachedProvider<'_> {
    /// With what the endpoint says of the same person; without one, what is left out stays so.
    pub(super) async fn completed(
        &self,
        mut claims: UpstreamClaims,
        left_out: LeftOut,
        access_token: &AccessToken,
    ) -> Result<UpstreamClaims, UpstreamError> {
        let groups = left_out.groups && self.provider.reads_groups();
        let email = left_out.email && self.provider.reads_addresses();
        if !groups && !email {
            return Ok(claims);
        }
        let Some(said) = self.userinfo(&claims.subject, access_token).await? else {
            return Ok(claims);
        };
        if groups {
            claims.groups = texts(said.others.get(&self.provider.groups_claim));
        }
        if left_out.email {
            let verified = said.email_verified.as_ref().and_then(Value::as_bool);
            claims.verified_email = verified_email(said.email.as_deref(), verified);
        }
        claims.preferred_username = claims.preferred_username.or(said.preferred_username);
        Ok(claims)
    }

    /// `None`: the provider has no such endpoint.
    async fn userinfo(
        &self,
        subject: &str,
        access_token: &AccessToken,
    ) -> Result<Option<UserinfoClaims>, UpstreamError> {
        let Some(endpoint) = self.metadata.userinfo_endpoint() else {
            return Ok(None);
        };
        let bearer = HeaderValue::from_str(&format!("Bearer {}", access_token.secret()));
        let mut bearer = bearer.map_err(|_| refused("the access token is no text of a header"))?;
        bearer.set_sensitive(true);
        let headers = HeaderMap::from_iter([(AUTHORIZATION, bearer)]);
        let (guard, url) = (&self.app.notices.guard, endpoint.url().as_str());
        let answered = guard.get(url, headers, MAX_RESPONSE_BYTES).await;
        let answered = answered.map_err(|error| UpstreamError::Unavailable(error.to_string()))?;
        if answered.status != StatusCode::OK {
            let status = answered.status;
            return Err(UpstreamError::Unavailable(format!(
                "its UserInfo endpoint answered {status}"
            )));
        }
        let said: UserinfoClaims = strict_json::read(&answered.body)
            .map_err(|_| refused("what its UserInfo endpoint says cannot be read"))?;
        // Section 5.3.2: a token of somebody else could have been put in.
        match said.sub == subject {
            true => Ok(Some(said)),
            false => Err(refused("`sub` of its UserInfo endpoint is somebody else")),
        }
    }

    /// Groups alone, where there is no ID token to complete.
    pub(super) async fn groups_by_userinfo(
        &self,
        subject: &str,
        access_token: &AccessToken,
    ) -> Result<UpstreamClaims, UpstreamError> {
        let said = self.userinfo(subject, access_token).await?;
        let said = said.ok_or_else(|| refused("it says nothing of groups but at a login"))?;
        Ok(UpstreamClaims {
            subject: said.sub,
            groups: texts(said.others.get(&self.provider.groups_claim)),
            ..UpstreamClaims::default()
        })
    }
}
