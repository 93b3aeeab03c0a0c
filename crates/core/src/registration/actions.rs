//! The actions of a resource's file become types of `authorization_details` (docs/decisions.md).

use std::collections::BTreeMap;

use serde_json::Value;
use writ_authority::{ActionLetter, ActionType, MAX_ACTION_NAME, OtherActions, TypeDefinition};
use writ_wire::registration::{ActionFile, ResourceFile};

use super::MAX_NAME;
use super::resource::faults_of_says;
use crate::client::ResourceAction;

/// The most actions of one resource.
pub const MAX_ACTIONS: usize = 256;

/// Each action with its type; whether that can be read is checked when a resource is added.
pub(super) fn actions(
    file: &ResourceFile,
    faults: &mut Vec<String>,
) -> BTreeMap<String, ResourceAction> {
    let mut actions = BTreeMap::new();
    for (name, action) in &file.actions {
        match compiled(file, name, action) {
            Ok(action) => {
                actions.insert(name.clone(), action);
            }
            Err(why) => faults.push(format!("`actions`: `{}`: {why}", short(name))),
        }
    }
    actions
}

fn compiled(
    file: &ResourceFile,
    name: &str,
    action: &ActionFile,
) -> Result<ResourceAction, String> {
    let known = action_type(file, name, action);
    let document = known.document().map_err(|error| error.sentence)?;
    Ok(ResourceAction {
        resolved: action.resolved.clone(),
        called: action.called.clone(),
        definition_hash: action.definition_hash.clone(),
        ..written(known.type_name(), &document, &action.scope, action.ask)?
    })
}

/// The one for what is none of `actions`.
pub(super) fn unknown(file: &ResourceFile, faults: &mut Vec<String>) -> Option<ResourceAction> {
    let scope = &file.unknown_actions.as_ref()?.scope;
    let others = OtherActions {
        resource: file.resource.as_str(),
    };
    let written = written(others.type_name(), &others.document(), scope, true);
    written
        .map_err(|why| faults.push(format!("`unknown_actions`: {why}")))
        .ok()
}

fn written(
    type_name: String,
    document: &str,
    scope: &str,
    ask: bool,
) -> Result<ResourceAction, String> {
    let value: Value = serde_json::from_str(document).map_err(|error| error.to_string())?;
    let written = TypeDefinition::written(&value).map_err(|error| error.sentence)?;
    Ok(ResourceAction {
        scope: scope.to_owned(),
        ask,
        resolved: Vec::new(),
        called: BTreeMap::new(),
        definition_hash: None,
        type_name,
        type_hash: written.hash,
        document: written.document,
    })
}

fn action_type<'a>(
    file: &'a ResourceFile,
    name: &'a str,
    action: &'a ActionFile,
) -> ActionType<'a> {
    ActionType {
        resource: file.resource.as_str(),
        name,
        // Of a tool whose definition may change a person may be asked at any time.
        ask: action.ask || action.definition_hash.is_some(),
        says: &action.says,
        did: &action.did,
        resolved: &action.resolved,
        letter: action.shown.as_ref().map(|shown| ActionLetter {
            does: &shown.does,
            parts: &shown.letter,
        }),
        arguments: action.arguments.as_ref(),
    }
}

/// What is checked only when a resource is added.
pub(super) fn check_actions(file: &ResourceFile, faults: &mut Vec<String>) {
    if file.actions.len() > MAX_ACTIONS {
        faults.push(format!("`actions` has more than {MAX_ACTIONS} members"));
    }
    if let Some(others) = &file.unknown_actions
        && let Some(why) = fault_of_scope(file, &others.scope)
    {
        faults.push(format!("`unknown_actions`: {why}"));
    }
    for (name, action) in &file.actions {
        let of = |why: &str| format!("`actions`: `{}`: {why}", short(name));
        if !is_action_name(name) {
            faults.push(of(&format!(
                "a name is 1 to {MAX_ACTION_NAME} ASCII letters, digits and `_-./:`"
            )));
            continue;
        }
        if file.authorization_details_types.contains(name) {
            faults.push(of("`authorization_details_types` has this name too"));
        }
        if let Some(why) = fault_of_scope(file, &action.scope) {
            faults.push(of(&why));
        }
        if action
            .definition_hash
            .as_deref()
            .is_some_and(|hash| !is_hash(hash))
        {
            faults.push(of("`definition_hash` is no SHA-256 in base64url"));
        }
        faults.extend(fault_of_called(action).map(|why| of(&why)));
        let words = faults_of_says(name, &action.says).into_iter();
        let words: Vec<String> = words.map(|why| format!("`actions`: {why}")).collect();
        if !words.is_empty() {
            faults.extend(words);
        } else if let Err(error) = action_type(file, name, action).definition() {
            faults.push(of(&format!("`{}`: {}", error.pointer, error.sentence)));
        }
    }
}

fn fault_of_scope(file: &ResourceFile, scope: &str) -> Option<String> {
    let known = file.scopes.iter().any(|one| one.name == scope);
    (!known).then(|| format!("`scope`: `{}` is no member of `scopes`", short(scope)))
}

/// What the caller says and what the resource looked up are two arguments.
fn fault_of_called(action: &ActionFile) -> Option<String> {
    let is_looked_up = |pointer: &String| action.resolved.contains(pointer);
    let mut called = action.called.iter();
    let (by, what) = called
        .find(|(by, what)| !by.starts_with('/') || is_looked_up(by) || !is_looked_up(what))?;
    Some(format!(
        "`called`: `{}` and `{}` are not an argument of the caller and one of `resolved`",
        short(by),
        short(what)
    ))
}

/// As protocols for tools have them; in no URL or page it has to be escaped.
pub fn is_action_name(name: &str) -> bool {
    let letters = |b: u8| b.is_ascii_alphanumeric() || b"_-./:".contains(&b);
    (1..=MAX_ACTION_NAME).contains(&name.len()) && name.bytes().all(letters)
}

/// SHA-256 in base64url without padding.
fn is_hash(text: &str) -> bool {
    let letters = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    text.len() == 43 && text.bytes().all(letters)
}

fn short(text: &str) -> String {
    text.chars().take(MAX_NAME).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use writ_wire::resource::ResourceUri;

    use super::super::{Faults, check_resource, resource};
    use super::MAX_ACTIONS;
    use crate::client::Resource;

    fn read(actions: Value) -> Result<Resource, String> {
        let file = json!({
            "resource": "https://notes.example", "name": "Notes",
            "scopes": ["notes:write"], "authorization_details_types": ["payment"],
            "actions": actions
        });
        let file = serde_json::from_value(file).map_err(|e| e.to_string())?;
        let issuer = ResourceUri::parse("https://as.example").unwrap();
        let said = |Faults(faults)| faults.join(", ");
        let resource = resource(&file, &issuer).map_err(said)?;
        check_resource(&file).map_err(said)?;
        Ok(resource)
    }

    fn action(changes: Value) -> Value {
        let mut action = json!({
            "scope": "notes:write", "ask": true,
            "says": { "en": "delete the note {/title}" }, "resolved": ["/title"]
        });
        for (member, value) in changes.as_object().unwrap() {
            action[member] = value.clone();
        }
        action
    }

    #[test]
    fn each_action_is_a_type_that_only_its_words_change() {
        let one = read(json!({ "delete_note": action(json!({})) })).unwrap();
        let one = &one.actions["delete_note"];
        assert_eq!(one.type_name, "https://notes.example#delete_note");
        let same = read(json!({ "delete_note": action(json!({})) })).unwrap();
        assert_eq!(one, &same.actions["delete_note"]);
        let named = action(json!({ "called": { "/label": "/title" } }));
        let named = read(json!({ "delete_note": named })).unwrap();
        let named = &named.actions["delete_note"];
        assert_eq!(one.type_hash, named.type_hash);
        assert_ne!(one.described(), named.described());
        let other = action(json!({ "says": { "en": "remove the note {/title}" } }));
        let other = read(json!({ "delete_note": other })).unwrap();
        assert_ne!(one.type_hash, other.actions["delete_note"].type_hash);
    }

    #[test]
    fn what_nobody_could_decide_about_is_refused_with_a_sentence() {
        for (name, changes, why) in [
            ("a b", json!({}), "ASCII letters"),
            ("", json!({}), "ASCII letters"),
            ("payment", json!({}), "this name too"),
            (
                "x",
                json!({ "scope": "notes:read" }),
                "no member of `scopes`",
            ),
            ("x", json!({ "says": {} }), "none in `en`"),
            ("x", json!({ "says": { "de": "löschen" } }), "none in `en`"),
            (
                "x",
                json!({ "says": { "en": "see https://x.example" } }),
                "plain",
            ),
            (
                "x",
                json!({ "says": { "en": "delete {/title" } }),
                "without `}`",
            ),
            ("x", json!({ "resolved": ["title"] }), "names no argument"),
            (
                "x",
                json!({ "arguments": { "properties": { "title": { "format": "uri" } } } }),
                "`/arguments/properties/title/format`: is not built",
            ),
            (
                "x",
                json!({ "arguments": [] }),
                "`/arguments`: is no object",
            ),
            ("x", json!({ "called": { "/label": "/id" } }), "`called`"),
            ("x", json!({ "called": { "/title": "/title" } }), "`called`"),
            ("x", json!({ "called": { "label": "/title" } }), "`called`"),
            (
                "x",
                json!({ "shown": { "does": { "en": "send it" }, "letter": { "to": "/to" } } }),
                "missing field `text`",
            ),
            (
                "x",
                json!({ "shown": { "does": { "de": "x" }, "letter": { "to": "/to", "text": "/text" } } }),
                "has not the languages",
            ),
            ("x", json!({ "asks": true }), "unknown field"),
            ("x", json!({ "definition_hash": "sha-256:x" }), "SHA-256"),
        ] {
            let refused = read(json!({ name: action(changes.clone()) }));
            let refused = refused.map(|_| ()).unwrap_err();
            assert!(refused.contains(why), "{name} {changes}: {refused}");
        }
    }

    #[test]
    fn a_resource_has_so_many_actions() {
        let many = |count: usize| {
            let named = (0..count).map(|n| (format!("a{n}"), action(json!({}))));
            read(named.collect::<serde_json::Map<_, _>>().into())
        };
        assert_eq!(many(MAX_ACTIONS).unwrap().actions.len(), MAX_ACTIONS);
        let refused = many(MAX_ACTIONS + 1).map(|_| ()).unwrap_err();
        assert!(refused.contains("more than 256 members"), "{refused}");
    }
}
