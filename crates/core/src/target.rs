//! Selects the resource of a token (RFC 8707 section 2.2): one audience per token.

use writ_authority::Authority;
use writ_wire::resource::ResourceUri;

use crate::oauth_error::OAuthError;
use crate::realm::Realm;
use crate::request::OPENID;

/// The audience of a token: the one that is asked for, or the only one that is granted; registered still.
pub fn audience(
    granted: &Authority,
    asked: &[ResourceUri],
    realm: Realm<'_>,
) -> Result<ResourceUri, OAuthError> {
    let audience =
        match asked {
            // As it is registered, however it is spelled here.
            [one] => granted.resources().get(one).cloned().ok_or_else(|| {
                OAuthError::invalid_target(format!("resource `{one}` was not granted"))
            }),
            [] => only(granted, realm),
            _ => Err(OAuthError::invalid_target(
                "a token has one audience: name one `resource`",
            )),
        }?;
    if realm.knows(&audience) {
        return Ok(audience);
    }
    Err(OAuthError::invalid_target(format!(
        "resource `{audience}` is not registered any more"
    )))
}

/// `openid` beside other authority adds no audience.
fn only(granted: &Authority, realm: Realm<'_>) -> Result<ResourceUri, OAuthError> {
    let mut others = granted
        .resources()
        .iter()
        .filter(|uri| *uri != realm.issuer);
    match (others.next(), others.next()) {
        (Some(one), None) => Ok(one.clone()),
        (None, _) => Ok(realm.issuer.clone()),
        (Some(_), Some(_)) => Err(OAuthError::invalid_target(
            "several resources are granted: name one by `resource`",
        )),
    }
}

/// Whether the person agreed to say who they are.
pub fn has_openid(granted: &Authority, realm: Realm<'_>) -> bool {
    granted
        .scopes()
        .iter()
        .any(|s| s.scope == OPENID && s.resource == *realm.issuer)
}
