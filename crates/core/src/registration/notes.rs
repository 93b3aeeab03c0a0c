//! What a file may not mean as it says it: no fault, and a note for the operator.

use writ_wire::registration::{AuthMethod, ClientFile, Profile};
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
        let tokens = "its tokens are bound to a DPoP key: every token request needs a proof (RFC 9449), unless the file says `\"bearer\": true`";
        let none_needed =
            ". To ask about actions by HTTP Basic, as `client_id` of a resource, it needs no token";
        notes.push(match acts_for_itself_by_secret(file) {
            true => format!("{tokens}{none_needed}"),
            false => tokens.to_owned(),
        });
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

/// So is the client of most resource servers.
fn acts_for_itself_by_secret(file: &ClientFile) -> bool {
    let grants = file.grant_types.as_deref().unwrap_or_default();
    let own = grants
        .iter()
        .all(|name| name == GrantType::ClientCredentials.as_str());
    let by_secret = file.token_endpoint_auth_method == Some(AuthMethod::ClientSecretBasic);
    !grants.is_empty() && own && by_secret
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn of(members: Value) -> Vec<String> {
        let mut file =
            json!({ "client_id": "notes", "client_name": "Notes", "profile": "oauth21" });
        let (Value::Object(all), Value::Object(more)) = (&mut file, members) else {
            panic!("no objects");
        };
        all.extend(more);
        notes(&serde_json::from_value(file).unwrap())
    }

    /// The client of a resource server asks by its secret, and may never take a token.
    #[test]
    fn who_needs_no_token_is_told_so() {
        let own = json!(["client_credentials"]);
        for (members, is_told, is_told_of_basic) in [
            (
                json!({ "grant_types": own, "token_endpoint_auth_method": "client_secret_basic" }),
                true,
                true,
            ),
            (
                json!({ "grant_types": own, "token_endpoint_auth_method": "client_secret_post" }),
                true,
                false,
            ),
            (
                json!({ "grant_types": own, "token_endpoint_auth_method": "client_secret_basic", "bearer": true }),
                false,
                false,
            ),
            (
                json!({ "grant_types": ["authorization_code"], "redirect_uris": ["https://a.example/cb"],
                "token_endpoint_auth_method": "client_secret_basic" }),
                true,
                false,
            ),
            (
                json!({ "grant_types": [], "token_endpoint_auth_method": "client_secret_basic" }),
                false,
                false,
            ),
        ] {
            let said = of(members.clone()).join("\n");
            assert_eq!(said.contains("DPoP"), is_told, "{members}: {said}");
            assert_eq!(
                said.contains("HTTP Basic"),
                is_told_of_basic,
                "{members}: {said}"
            );
        }
    }
}
