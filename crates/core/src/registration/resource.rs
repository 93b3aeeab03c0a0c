//! RESOURCE.json becomes a resource, or every fault is named (RFC 8707, 9728).

use std::collections::{BTreeMap, BTreeSet};

use writ_jose::key::KeySet;
use writ_wire::registration::{GuestLifetime, GuestMode, GuestsFile, ResourceFile};
use writ_wire::resource::ResourceUri;
use writ_wire::scope::{ResourceScope, Scope};

use super::{Faults, MAX_NAME, check_text};
use super::{actions, routes};
use crate::client::{GuestRules, Resource};
use crate::id::ClientId;
use crate::scope::{ACCESS, OPENID, is_identity};
use crate::words;

/// The most languages of the words of one scope.
pub const MAX_LANGUAGES: usize = 16;
/// What stands in for a language that has no words.
const ENGLISH: &str = "en";

/// Checks a resource's file.
pub fn resource(file: &ResourceFile, issuer: &ResourceUri) -> Result<Resource, Faults> {
    let mut faults = Vec::new();
    check_text("name", &file.name, &mut faults);
    if file.resource == *issuer {
        faults.push("`resource` is the issuer itself".to_owned());
    }
    check_scopes(&file.scopes, &mut faults);
    let challenge_keys = challenge_keys(file, &mut faults);
    let actions = actions::actions(file, &mut faults);
    let routes = routes::routes(file, &mut faults);
    let unknown_actions = actions::unknown(file, &mut faults);
    let guests = file.guests.as_ref();
    let guests = guests.map(|guests| guest_rules(guests, file, &mut faults));
    if !faults.is_empty() {
        return Err(Faults(faults));
    }
    Ok(Resource {
        uri: file.resource.clone(),
        name: file.name.clone(),
        scopes: names(&file.scopes, |_| true),
        default_scopes: names(&file.scopes, |scope| scope.default),
        says: file
            .scopes
            .iter()
            .filter(|scope| !scope.says.is_empty())
            .map(|scope| (scope.name.clone(), scope.says.clone()))
            .collect(),
        userinfo: file.userinfo,
        details_types: file.authorization_details_types.iter().cloned().collect(),
        served_by: file.client_id.as_deref().map(ClientId::from_text),
        agents_only: file.agents_only,
        task_claims: file.task_claims.clone(),
        challenge_keys,
        guests: guests.unwrap_or_default(),
        actions,
        routes,
        unknown_actions,
        verifies_proofs: file.verifies_proofs,
    })
}

/// Guests may have no more than there is.
fn guest_rules(guests: &GuestsFile, file: &ResourceFile, faults: &mut Vec<String>) -> GuestRules {
    let scopes = guests.scopes.as_deref().unwrap_or_default();
    if let Some(scope) = scopes
        .iter()
        .find(|name| !file.scopes.iter().any(|scope| scope.name == **name))
    {
        faults.push(format!(
            "`guests.scopes`: `{scope}` is no member of `scopes`"
        ));
    }
    let types = &file.authorization_details_types;
    if let Some(name) = guests.types.iter().find(|name| !types.contains(name)) {
        faults.push(format!(
            "`guests.types`: `{name}` is no member of `authorization_details_types`"
        ));
    }
    if guests.lifetime == Some(GuestLifetime::Month) && guests.mode != GuestMode::Bound {
        faults.push(
            "`guests.lifetime`: `month` is for a `guests.mode` of `bound`, where every token is bound to a key".to_owned(),
        );
    }
    GuestRules {
        mode: guests.mode,
        scopes: scopes.iter().cloned().collect(),
        types: guests.types.iter().cloned().collect(),
        lifetime: guests.lifetime.unwrap_or_default(),
    }
}

fn names(scopes: &[ResourceScope], which: fn(&ResourceScope) -> bool) -> BTreeSet<String> {
    let chosen = scopes.iter().filter(|scope| which(scope));
    chosen.map(|scope| scope.name.clone()).collect()
}

fn check_scopes(scopes: &[ResourceScope], faults: &mut Vec<String>) {
    let text: Vec<&str> = scopes.iter().map(|scope| scope.name.as_str()).collect();
    if Scope::parse(&text.join(" ")).map(|s| s.len()) != Ok(scopes.len()) {
        faults.push("`scopes` holds something that is no scope name, or one twice".to_owned());
    }
    if scopes.iter().any(|scope| scope.name == OPENID) {
        faults.push("`scopes`: `openid` belongs to the issuer".to_owned());
    }
}

/// What is checked only when a resource is added: names that belong to the issuer, the words of its scopes, and that it says what
/// guests may have.
pub fn check_resource(file: &ResourceFile) -> Result<(), Faults> {
    let mut faults = Vec::new();
    let listed = file
        .guests
        .as_ref()
        .and_then(|guests| guests.scopes.as_ref());
    if file.takes_guests() && listed.is_none() {
        faults.push(
            "`guests.scopes` is missing: list the scopes that guests may have, or give `--guests`, which lists all of them".to_owned(),
        );
    }
    for scope in &file.scopes {
        if is_identity(&scope.name) || scope.name == ACCESS {
            faults.push(format!("`scopes`: `{}` belongs to the issuer", scope.name));
        }
        check_says(scope, &mut faults);
    }
    actions::check_actions(file, &mut faults);
    routes::check_routes(file, &mut faults);
    if faults.is_empty() {
        Ok(())
    } else {
        Err(Faults(faults))
    }
}

/// The words of a scope, if it has any.
fn check_says(scope: &ResourceScope, faults: &mut Vec<String>) {
    let name: String = scope.name.chars().take(MAX_NAME).collect();
    let fault = |why: String| format!("`scopes`: {why}");
    if !scope.says.is_empty() {
        faults.extend(faults_of_says(&name, &scope.says).into_iter().map(fault));
    }
}

/// A page shows these words as they are, so whatever would have to be cleaned is refused.
pub(super) fn faults_of_says(name: &str, says: &BTreeMap<String, String>) -> Vec<String> {
    let mut faults = Vec::new();
    if says.len() > MAX_LANGUAGES {
        faults.push(format!(
            "`{name}` has words in more than {MAX_LANGUAGES} languages"
        ));
    }
    if !says.contains_key(ENGLISH) {
        faults.push(format!(
            "`{name}` has words but none in `{ENGLISH}`, which stands in for every other language"
        ));
    }
    for (language, words) in says {
        let letters = language.bytes().all(|b| b.is_ascii_lowercase());
        if !letters || !(2..=3).contains(&language.len()) {
            faults.push(format!(
                "`says` of `{name}` names a language by 2 or 3 small letters, such as `{ENGLISH}`"
            ));
        }
        if words.is_empty() || words::clean(words, words::LONGEST_WORDS) != *words {
            faults.push(format!(
                "`says` of `{name}` has 1 to {} plain characters in one line, without links or double quotes",
                words::LONGEST_WORDS
            ));
        }
    }
    faults
}

/// A challenge names its key by `kid`, so each has one.
fn challenge_keys(file: &ResourceFile, faults: &mut Vec<String>) -> Option<KeySet> {
    let jwks = file.txn_challenge_jwks.as_ref()?;
    let keys = match KeySet::from_jwks(jwks) {
        Ok(keys) if keys.keys().is_empty() => Err("holds no key".to_owned()),
        Ok(keys) if keys.keys().iter().any(|key| key.kid().is_none()) => {
            Err("a key has no `kid`".to_owned())
        }
        Ok(keys) => Ok(keys),
        Err(problem) => Err(problem.to_string()),
    };
    keys.map_err(|fault| faults.push(format!("`txn_challenge_jwks`: {fault}")))
        .ok()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn faults(scopes: Value) -> Vec<String> {
        let file =
            json!({ "resource": "https://notes.example", "name": "Notes", "scopes": scopes });
        let file = serde_json::from_value(file).unwrap();
        let issuer = ResourceUri::parse("https://as.example").unwrap();
        let read = resource(&file, &issuer).map(|_| ());
        match read.and_then(|()| check_resource(&file)) {
            Ok(()) => Vec::new(),
            Err(Faults(faults)) => faults,
        }
    }

    #[test]
    fn a_name_has_a_longest_text() {
        let issuer = ResourceUri::parse("https://as.example").unwrap();
        for (length, is_taken) in [
            (0, false),
            (1, true),
            (MAX_NAME, true),
            (MAX_NAME + 1, false),
        ] {
            let file =
                json!({ "resource": "https://notes.example", "name": "\u{e4}".repeat(length) });
            let file = serde_json::from_value(file).unwrap();
            assert_eq!(resource(&file, &issuer).is_ok(), is_taken, "{length}");
        }
    }

    #[test]
    fn the_words_of_a_scope_are_shown_as_they_are() {
        let says = |says: Value| faults(json!([{ "name": "notes:read", "says": says }]));
        let good = json!({ "en": "Read your notes", "de": "Ihre Notizen lesen" });
        assert_eq!(says(good), Vec::<String>::new());
        let in_languages = |count: usize| {
            let others = ('a'..='z').map(|last| (format!("x{last}"), json!("Read")));
            let all = others
                .take(count - 1)
                .chain([("en".to_owned(), json!("Read"))]);
            says(Value::Object(all.collect()))
        };
        assert_eq!(in_languages(MAX_LANGUAGES), Vec::<String>::new());
        let too_many = "`scopes`: `notes:read` has words in more than 16 languages";
        assert_eq!(in_languages(MAX_LANGUAGES + 1), [too_many]);
        for bad in [
            json!({ "de": "Ihre Notizen lesen" }),
            json!({ "en": "" }),
            json!({ "en": "Read\nyour notes" }),
            json!({ "en": "See https://notes.example" }),
            json!({ "en": "Say \"yes\"" }),
            json!({ "en": "a".repeat(141) }),
            json!({ "en": "Read", "EN": "Read" }),
            json!({ "en": "Read", "de-AT": "Lesen" }),
        ] {
            assert_eq!(says(bad.clone()).len(), 1, "{bad}");
        }
    }

    #[test]
    fn names_are_scope_names_each_once_and_none_of_identity() {
        assert_eq!(
            faults(json!(["a", { "name": "b", "default": true }])),
            Vec::<String>::new()
        );
        for bad in [
            json!(["a", { "name": "a" }]),
            json!(["a b"]),
            json!(["openid"]),
            json!(["profile"]),
            json!([{ "name": "email", "says": { "en": "Read your mail" } }]),
            json!(["offline_access"]),
            json!([""]),
        ] {
            assert!(!faults(bad.clone()).is_empty(), "{bad}");
        }
    }

    #[test]
    fn what_is_preselected_for_guests_is_a_month_only_where_tokens_are_bound() {
        let read = |guests: Value| {
            let file =
                json!({ "resource": "https://notes.example", "name": "Notes", "guests": guests });
            let file = serde_json::from_value(file).map_err(|e| e.to_string())?;
            let issuer = ResourceUri::parse("https://as.example").unwrap();
            let read = resource(&file, &issuer);
            read.map(|resource| resource.guests.lifetime)
                .map_err(|Faults(faults)| faults.join(", "))
        };
        for mode in ["bearer", "bound", "none"] {
            assert_eq!(read(json!({ "mode": mode })), Ok(GuestLifetime::Day));
            let week = json!({ "mode": mode, "lifetime": "week" });
            assert_eq!(read(week), Ok(GuestLifetime::Week), "{mode}");
            let month = read(json!({ "mode": mode, "lifetime": "month" }));
            assert_eq!(month.is_ok(), mode == "bound", "{mode}: {month:?}");
        }
        // As `writ resource show` prints it.
        let text = r#"{"mode":"bearer","scopes":[],"types":[],"lifetime":"week"}"#;
        let file: GuestsFile = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&file).unwrap(), text);
        for wrong in [json!("year"), json!("Day"), json!(86400), json!("")] {
            let read = read(json!({ "mode": "bound", "lifetime": wrong }));
            assert!(read.is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_issuer_in_other_letters_is_the_issuer() {
        let file = json!({ "resource": "https://as.example:443/", "name": "Notes" });
        let issuer = ResourceUri::parse("https://as.example").unwrap();
        assert!(resource(&serde_json::from_value(file).unwrap(), &issuer).is_err());
    }
}
