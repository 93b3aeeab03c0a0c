//! Tokens for the operators' API (docs/api.md): only by `client_credentials`, only of a client whose record says `operator`, bound to a
//! key, and good for nothing else.

use std::collections::BTreeSet;

use writ_authority::{Authority, ScopeGrant};
use writ_jose::key::Thumbprint;
use writ_wire::api::{API_PATH, ApiScope};
use writ_wire::claims::AccessTokenClaims;
use writ_wire::error::ErrorCode;
use writ_wire::resource::ResourceUri;
use writ_wire::scope::Scope;
use writ_wire::token::ClientCredentialsRequest;

use crate::client::Client;
use crate::lineage::Lineage;
use crate::oauth_error::OAuthError;
use crate::task::Subject;

/// The audience of the API's tokens; `None` where the issuer is so long that there is none.
pub fn audience(issuer: &ResourceUri) -> Option<ResourceUri> {
    let issuer = issuer.as_str().trim_end_matches('/');
    ResourceUri::parse(&format!("{issuer}{API_PATH}")).ok()
}

/// What a client's own request for a token of the API is granted; `None` where it does not name the API.
pub(crate) fn granted(
    request: &ClientCredentialsRequest,
    client: &Client,
    proof: Option<&Thumbprint>,
    issuer: &ResourceUri,
) -> Result<Option<(ResourceUri, Authority)>, OAuthError> {
    let Some(audience) = audience(issuer).filter(|api| request.resource.contains(api)) else {
        return Ok(None);
    };
    if client.operator.is_empty() {
        return Err(OAuthError::new(
            ErrorCode::UnauthorizedClient,
            "the client's record has no `operator`: it has no token for the operators' API",
        ));
    }
    if request.resource.len() > 1 || !request.authorization_details.is_empty() {
        return Err(OAuthError::invalid_target(format!(
            "a token for `{audience}` is for that alone: name it as the only `resource`, with scopes and nothing else"
        )));
    }
    if proof.is_none() {
        return Err(OAuthError::invalid_request(
            "a DPoP proof is required: send one `DPoP` header",
        ));
    }
    let scopes = scopes(&request.scope, client)?;
    let grant = |scope: ApiScope| ScopeGrant {
        resource: audience.clone(),
        scope: scope.to_string(),
    };
    let scopes = scopes.into_iter().map(grant).collect();
    let authority = Authority::new(scopes, Vec::new(), BTreeSet::new());
    Ok(Some((audience, authority)))
}

fn scopes(asked: &Scope, client: &Client) -> Result<BTreeSet<ApiScope>, OAuthError> {
    let known = |name: &str| {
        let scope = ApiScope::parse(name).filter(|scope| client.operator.contains(scope));
        scope.ok_or_else(|| {
            OAuthError::invalid_scope(format!(
                "scope `{name}` does not stand in `operator` of this client's record"
            ))
        })
    };
    let scopes: BTreeSet<ApiScope> = asked.iter().map(known).collect::<Result<_, _>>()?;
    match scopes.is_empty() {
        true => Err(OAuthError::invalid_scope(
            "the request asks for nothing: name scopes of the operators' API by `scope`",
        )),
        false => Ok(scopes),
    }
}

/// Whether a token is what this API issues: a client's own, in its name alone. The signature was checked.
pub fn is_own_token(claims: &AccessTokenClaims, issuer: &ResourceUri) -> bool {
    let here = audience(issuer).is_some_and(|api| api.as_str() == claims.aud);
    here && claims.act.is_none() && claims.cnf.is_some() && claims.sub == claims.client_id
}

/// What the bearer of a token may do now: what the token has and the client's record still says. `None`: the token is not live, or
/// another's.
pub fn scopes_now(
    claims: &AccessTokenClaims,
    lineage: &Lineage,
    client: &Client,
) -> Option<BTreeSet<ApiScope>> {
    let is_clients =
        matches!(&lineage.task.subject, Subject::Client(id) if *id == client.id.as_str());
    if !is_clients || !lineage.is_grant() || lineage.leaf.holder != client.id {
        return None;
    }
    let text = claims.scope.as_deref().unwrap_or_default();
    let has = Scope::parse(text).unwrap_or_default();
    let kept = client.operator.iter().copied();
    Some(kept.filter(|scope| has.contains(scope.as_str())).collect())
}
