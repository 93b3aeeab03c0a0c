//! An action of a resource as a type of `authorization_details`: its arguments stand in one object, shown by the sentence that the
//! resource's record has for it, compared and hashed as every other object. No client can ask for such a type, because no record
//! lists one (docs/decisions.md).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::definition::{TypeDefinition, TypeError, refuse};
use crate::legible::MAX_VALUE_LENGTH;
use crate::pointer;
use crate::template::{self, Part};

/// The most arguments of one call.
pub const MAX_ARGUMENTS: usize = 32;
/// The longest name of an action, and of an argument, in characters.
pub const MAX_ACTION_NAME: usize = 64;

/// One action, as the resource's record has it.
#[derive(Clone, Copy, Debug)]
pub struct ActionType<'a> {
    /// The resource's URI.
    pub resource: &'a str,
    pub name: &'a str,
    /// Whether a person is asked about each call.
    pub ask: bool,
    /// By language.
    pub says: &'a BTreeMap<String, String>,
    /// JSON pointers of arguments that the resource looked up.
    pub resolved: &'a [String],
}

impl ActionType<'_> {
    /// The name of the type. A resource's URI has no `#`, so no other resource has the same.
    pub fn type_name(&self) -> String {
        format!("{}#{}", self.resource, self.name)
    }

    /// The type, checked as its file would be.
    pub fn definition(&self) -> Result<TypeDefinition, TypeError> {
        TypeDefinition::parse(&self.document()?)
    }

    /// Its file.
    pub fn document(&self) -> Result<String, TypeError> {
        let named = self.named()?;
        let required = self.required(&named)?;
        let mut sentences = Map::new();
        let (mut titles, mut limits) = (Map::new(), Map::new());
        for (lang, words) in self.says {
            let around = Around::of(lang);
            let at = pointer::join("/says", lang);
            let sentence = format!("{}{}", below_arguments(words, &at)?, around.once);
            sentences.insert(lang.clone(), sentence.into());
            titles.insert(lang.clone(), self.name.into());
            limits.insert(lang.clone(), json!([around.others, around.at]));
        }
        let document = json!({
            "type": self.type_name(), "version": 1, "title": titles, "use": "once",
            "ask": if self.ask { "always" } else { "never" },
            "level": if self.ask { "password" } else { "none" },
            "sentence": sentences, "limits": limits,
            "rules": rules(&named), "schema": schema(&named, &required), "example": self.example(&required),
        });
        Ok(document.to_string())
    }

    /// The arguments that `says` shows.
    fn named(&self) -> Result<BTreeSet<String>, TypeError> {
        let mut named = BTreeSet::new();
        for (lang, words) in self.says {
            let at = pointer::join("/says", lang);
            let parts = template::parse(words).map_err(|why| refuse(&at, why))?;
            for part in parts {
                match part {
                    Part::Text(_) => {}
                    Part::Slot(slot) if slot.joint.is_none() => {
                        named.insert(argument(&slot.pointer, &at)?);
                    }
                    Part::Slot(_) => return Err(refuse(&at, "an argument is no list")),
                    Part::Choice { .. } => {
                        return Err(refuse(&at, "has brackets: what it shows is in every call"));
                    }
                }
            }
        }
        Ok(named)
    }

    /// What is there in every call: what `says` shows and `resolved` points to.
    fn required(&self, named: &BTreeSet<String>) -> Result<BTreeSet<String>, TypeError> {
        let mut required = named.clone();
        for (place, pointer) in self.resolved.iter().enumerate() {
            required.insert(argument(pointer, &format!("/resolved/{place}"))?);
        }
        match required.len() > MAX_ARGUMENTS {
            true => Err(refuse(
                "/says",
                format!("with `resolved` it names more than {MAX_ARGUMENTS} arguments"),
            )),
            false => Ok(required),
        }
    }

    fn example(&self, required: &BTreeSet<String>) -> Value {
        let arguments = required.iter().map(|name| (name.clone(), json!("x")));
        let arguments: Map<String, Value> = arguments.collect();
        match arguments.is_empty() {
            true => json!({ "type": self.type_name() }),
            false => json!({ "type": self.type_name(), ARGUMENTS: arguments }),
        }
    }
}

/// What stands around the resource's words.
struct Around {
    once: &'static str,
    others: &'static str,
    at: &'static str,
}

impl Around {
    fn of(lang: &str) -> Self {
        match lang.split('-').next() {
            Some("de") => Self {
                once: ", einmal",
                others: "Mit: {/arguments/*}",
                at: "Bei: {/locations}",
            },
            _ => Self {
                once: ", once",
                others: "With: {/arguments/*}",
                at: "At: {/locations}",
            },
        }
    }
}

/// The argument that a pointer of one step names.
fn argument(pointer: &str, at: &str) -> Result<String, TypeError> {
    let names = pointer::names(pointer).unwrap_or_default();
    let [name] = names.as_slice() else {
        let why = format!("`{pointer}` names no argument: it is `/` and the argument's name");
        return Err(refuse(at, why));
    };
    let long = name.chars().count() > MAX_ACTION_NAME;
    if name.is_empty() || name == "*" || long {
        let why = format!("`{pointer}` is no name of 1 to {MAX_ACTION_NAME} characters");
        return Err(refuse(at, why));
    }
    Ok(name.clone())
}

/// The same words, with the arguments where they stand in an object.
fn below_arguments(words: &str, at: &str) -> Result<String, TypeError> {
    let mut text = String::new();
    for part in template::parse(words).map_err(|why| refuse(at, why))? {
        match part {
            Part::Text(plain) => text.push_str(&plain),
            Part::Slot(slot) => text.push_str(&format!("{{/{ARGUMENTS}{}}}", slot.pointer)),
            Part::Choice { .. } => {}
        }
    }
    Ok(text)
}

fn rules(named: &BTreeSet<String>) -> Map<String, Value> {
    let around = format!("/{ARGUMENTS}");
    let own = named.iter().map(|name| pointer::join(&around, name));
    let all = own.chain([format!("{around}/*")]);
    all.map(|at| (at, json!("equal"))).collect()
}

fn schema(named: &BTreeSet<String>, always: &BTreeSet<String>) -> Value {
    let shown = json!({ "type": ["string", "integer"], "maxLength": MAX_VALUE_LENGTH });
    let properties = named.iter().map(|name| (name.clone(), shown.clone()));
    let properties: Map<String, Value> = properties.collect();
    let required: &[&str] = if always.is_empty() { &[] } else { &[ARGUMENTS] };
    json!({
        "type": "object", "additionalProperties": false, "required": required,
        "properties": { ARGUMENTS: {
            "type": "object", "maxProperties": MAX_ARGUMENTS,
            "required": always, "properties": properties,
            "propertyNames": { "minLength": 1, "maxLength": MAX_ACTION_NAME },
            "additionalProperties": { "type": ["string", "integer", "boolean"], "maxLength": MAX_VALUE_LENGTH },
        } },
    })
}

/// The member of an object that holds the arguments of the call.
pub const ARGUMENTS: &str = "arguments";

#[cfg(test)]
mod tests {
    use writ_wire::rar::Detail;

    use super::*;
    use crate::reading::Piece;

    const NOTES: &str = "https://notes.example";

    fn read(says: Value, resolved: &[&str]) -> Result<TypeDefinition, String> {
        let says: BTreeMap<String, String> = serde_json::from_value(says).unwrap();
        let resolved: Vec<String> = resolved.iter().map(|text| (*text).to_owned()).collect();
        let action = ActionType {
            resource: NOTES,
            name: "delete_note",
            ask: true,
            says: &says,
            resolved: &resolved,
        };
        action.definition().map_err(|error| error.to_string())
    }

    fn shown(definition: &TypeDefinition, arguments: Value, lang: &str) -> Vec<String> {
        let object = json!({
            "type": definition.name(), "locations": [NOTES], "arguments": arguments
        });
        let object: Detail = serde_json::from_value(object).unwrap();
        definition.check_object(&object, "").unwrap();
        let limits = definition.limits(&object, lang).into_iter();
        let limits = limits.map(|line| line.iter().map(Piece::as_str).collect::<String>());
        std::iter::once(definition.sentence(&object, lang))
            .chain(limits)
            .collect()
    }

    #[test]
    fn an_action_reads_as_its_record_says_it_and_shows_each_argument_once() {
        let says = json!({ "en": "delete the note {/title}", "de": "die Notiz {/title} löschen" });
        let action = read(says, &["/title"]).unwrap();
        assert_eq!(action.name(), "https://notes.example#delete_note");
        assert!(action.ask().needs_person(&action.example().unwrap()));
        let one = json!({ "title": "Shopping list" });
        assert_eq!(
            shown(&action, one.clone(), "en"),
            [
                "Delete the note “Shopping list”, once",
                "At: https://notes.example"
            ]
        );
        assert_eq!(
            shown(&action, one, "de"),
            [
                "Die Notiz „Shopping list“ löschen, einmal",
                "Bei: https://notes.example"
            ]
        );
        let more = json!({ "title": 7, "folder": "a = b", "force": true });
        assert_eq!(
            shown(&action, more, "en"),
            [
                "Delete the note 7, once",
                "With: “folder” = “a = b”, “force” = true",
                "At: https://notes.example"
            ]
        );
    }

    #[test]
    fn arguments_outside_the_schema_are_refused() {
        let says = json!({ "en": "delete the note {/title}" });
        let action = read(says, &[]).unwrap();
        for bad in [
            json!({}),
            json!({ "title": null }),
            json!({ "title": true }),
            json!({ "title": 1.5 }),
            json!({ "title": ["a"] }),
            json!({ "title": "a".repeat(141) }),
            json!({ "title": "a\u{202e}b" }),
            json!({ "title": "a", "more": { "b": 1 } }),
            json!({ "title": "a", "more": null }),
            json!({ "title": "a", "": 1 }),
            json!({ "title": "a", "m".repeat(65): 1 }),
            json!("title"),
        ] {
            let object = json!({ "type": action.name(), "locations": [NOTES], "arguments": bad });
            let object: Detail = serde_json::from_value(object).unwrap();
            assert!(action.check_object(&object, "").is_err(), "{bad}");
        }
    }

    #[test]
    fn words_that_could_hide_an_argument_are_refused() {
        assert!(read(json!({ "en": "empty the bin" }), &[]).is_ok());
        assert!(read(json!({ "en": "delete {/a} of {/b}" }), &["/c", "/d"]).is_ok());
        for (says, resolved, why) in [
            (json!({ "de": "löschen" }), &[][..], "`en`"),
            (json!({ "en": "delete[ {/title}]" }), &[], "brackets"),
            (json!({ "en": "delete {/title:and}" }), &[], "list"),
            (json!({ "en": "delete {title}" }), &[], "pointer"),
            (json!({ "en": "delete {/a/b}" }), &[], "names no argument"),
            (json!({ "en": "delete {/*}" }), &[], "no name"),
            (json!({ "en": "delete {/title" }), &[], "without `}`"),
            (json!({ "en": "delete note{/title}" }), &[], "white space"),
            (
                json!({ "en": "delete {/title}s" }),
                &[],
                "reads like a part",
            ),
            (
                json!({ "en": "delete it" }),
                &["title"],
                "names no argument",
            ),
        ] {
            let refused = read(says.clone(), resolved).unwrap_err();
            assert!(refused.contains(why), "{says} {resolved:?}: {refused}");
        }
    }
}
