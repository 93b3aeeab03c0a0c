//! What a client may do at the operators' API: never an agent, a guest, a client that registered itself, or one that anybody can be.

use std::collections::BTreeSet;

use writ_wire::api::ApiScope;
use writ_wire::registration::{AuthMethod, ClientFile, Profile};
use writ_wire::token::GrantType;

use super::{auth_method, dynamic};

pub(super) fn read(
    file: &ClientFile,
    grant_types: &BTreeSet<&'static str>,
    faults: &mut Vec<String>,
) -> BTreeSet<ApiScope> {
    if file.operator.is_empty() {
        return BTreeSet::new();
    }
    let by_itself = file.client_id.as_deref().is_some_and(dynamic::is_dynamic);
    let never = match file.profile {
        Profile::Agent => Some("an agent"),
        Profile::Guest => Some("a guest"),
        Profile::Oauth21 | Profile::Fapi2 if file.agent.is_some() => Some("an agent"),
        Profile::Oauth21 | Profile::Fapi2 if by_itself => Some("a client that registered itself"),
        Profile::Oauth21 | Profile::Fapi2 if auth_method(file) == AuthMethod::None => {
            Some("a public client")
        }
        Profile::Oauth21 | Profile::Fapi2 => None,
    };
    if let Some(who) = never {
        faults.push(format!("`operator`: {who} has no part in operating"));
    }
    let own = GrantType::ClientCredentials.as_str();
    if never.is_none() && !grant_types.contains(own) {
        faults.push(format!("`operator` needs the grant type `{own}`"));
    }
    file.operator.iter().copied().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use writ_wire::registration::ClientFile;

    use crate::id::ClientId;
    use crate::registration::client;

    fn faults(change: impl FnOnce(&mut Value)) -> Vec<String> {
        let mut file = json!({
            "client_id": "ops", "client_name": "Operations", "profile": "oauth21",
            "grant_types": ["client_credentials"], "token_endpoint_auth_method": "client_secret_basic",
            "operator": ["api:read", "api:stop"]
        });
        change(&mut file);
        let file: ClientFile = serde_json::from_value(file).unwrap();
        let id = ClientId::from_text(file.client_id.clone().unwrap());
        let read = client(&file, id, Some("digest".to_owned()), None);
        read.err().map(|faults| faults.0).unwrap_or_default()
    }

    #[test]
    fn only_a_client_of_the_house_that_proves_who_it_is_operates() {
        assert_eq!(faults(|_| ()), Vec::<String>::new());
        let refused = |change: fn(&mut Value), part: &str| {
            let found = faults(change);
            assert!(
                found
                    .iter()
                    .any(|fault| fault.contains("`operator`") && fault.contains(part)),
                "{part}: {found:?}"
            );
        };
        refused(
            |file| file["token_endpoint_auth_method"] = json!("none"),
            "public",
        );
        refused(|file| file["profile"] = json!("guest"), "a guest");
        refused(|file| file["profile"] = json!("agent"), "an agent");
        refused(
            |file| file["client_id"] = json!("dyn_x"),
            "registered itself",
        );
        refused(|file| file["grant_types"] = json!([]), "client_credentials");
    }

    #[test]
    fn what_is_no_scope_of_the_api_is_no_file() {
        let file = json!({ "client_name": "x", "profile": "oauth21", "operator": ["api:all"] });
        let refused = serde_json::from_value::<ClientFile>(file).unwrap_err();
        assert!(refused.to_string().contains("api:propose"), "{refused}");
    }
}
