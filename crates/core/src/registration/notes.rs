//! What a file may not mean as it says it: no fault, and a note for the operator.

use writ_wire::registration::{ClientFile, Profile};
use writ_wire::token::GrantType;

use crate::scope::OFFLINE_ACCESS;

/// Notes on a client's file, each a sentence.
pub fn notes(file: &ClientFile) -> Vec<String> {
    let has = |grant: GrantType| match &file.grant_types {
        Some(names) => names.iter().any(|name| name == grant.as_str()),
        None => file.agent.is_some() || grant == GrantType::AuthorizationCode,
    };
    let asks = file
        .grant_types
        .as_ref()
        .is_none_or(|names| !names.is_empty());
    let bound = file.profile == Profile::Oauth21 && !file.bearer;
    let mut notes = Vec::new();
    if bound && asks && file.dpop_bound_access_tokens.is_none() {
        notes.push(
            "its tokens are bound to a DPoP key: every token request needs a proof (RFC 9449), unless the file says `\"bearer\": true`"
                .to_owned(),
        );
    }
    if file.agent.is_none() && has(GrantType::AuthorizationCode) && file.redirect_uris.is_empty() {
        notes.push(
            "`redirect_uris` is empty: `authorization_code`, which it has without `grant_types`, leads nowhere"
                .to_owned(),
        );
    }
    let mut asked = file.scope.as_deref().unwrap_or_default().split(' ');
    if asked.any(|name| name == OFFLINE_ACCESS) && !has(GrantType::RefreshToken) {
        notes.push(
            "`scope` has `offline_access`, and `grant_types` no `refresh_token`: it gets no refresh token"
                .to_owned(),
        );
    }
    notes
}
