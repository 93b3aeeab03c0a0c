//! An action of a resource as a type of `authorization_details`: its arguments stand in one object of the rule `any`, shown by the
//! sentence that the resource's record has for it, and a line for each other value; compared and hashed as every other object. No
//! client can ask for such a type, because no record lists one (docs/decisions.md).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::arguments;
use crate::definition::{TypeDefinition, TypeError, refuse};
use crate::pointer;
use crate::schema::compile_linear;
use crate::template::{self, Part};

/// The longest name of an action, and of an argument that its record names, in characters.
pub const MAX_ACTION_NAME: usize = 64;
/// The most arguments that its record names.
pub(crate) const MAX_NAMED: usize = 32;

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
    /// The same of what was done, after the name of who did it.
    pub did: &'a BTreeMap<String, String>,
    /// JSON pointers of arguments that the resource looked up.
    pub resolved: &'a [String],
    /// The letter as which it is shown: words by language, and JSON pointers of arguments by part.
    pub letter: Option<ActionLetter<'a>>,
    /// The JSON Schema of its arguments.
    pub arguments: Option<&'a Value>,
}

/// An action that sends a letter.
#[derive(Clone, Copy, Debug)]
pub struct ActionLetter<'a> {
    /// After "wants to", by language.
    pub does: &'a BTreeMap<String, String>,
    pub parts: &'a BTreeMap<String, String>,
}

/// A pointer into the arguments, as names.
type Path = Vec<String>;

impl ActionType<'_> {
    /// The name of the type. A resource's URI has no `#`, so no other resource has the same.
    pub fn type_name(&self) -> String {
        format!("{}#{}", self.resource, self.name)
    }

    /// The type, checked as its file would be.
    pub fn definition(&self) -> Result<TypeDefinition, TypeError> {
        if let Some(schema) = self.arguments {
            arguments::check_arguments(schema)?;
        }
        TypeDefinition::parse(&self.document()?)
    }

    /// Its file.
    pub fn document(&self) -> Result<String, TypeError> {
        let named = self.named()?;
        let required = self.required(&named)?;
        let mut words = Words::default();
        for (lang, says) in self.says {
            let around = Around::of(lang);
            let at = pointer::join("/says", lang);
            let sentence = format!("{}{}", below_arguments(says, &at)?, around.once);
            words.add(lang, self.name, sentence);
        }
        let did = self.did(&named)?;
        let arguments = self.arguments_schema(&required);
        let is_required = !required.is_empty() || !self.takes_none()?;
        let needed: &[&str] = if is_required { &[ARGUMENTS] } else { &[] };
        let example = match is_required {
            true => json!({ "type": self.type_name(), ARGUMENTS: sample(&required) }),
            false => json!({ "type": self.type_name() }),
        };
        let mut document = json!({
            "type": self.type_name(), "version": 1, "title": words.titles, "use": "once",
            "ask": if self.ask { "always" } else { "never" },
            "level": if self.ask { "password" } else { "none" },
            "sentence": words.sentences, "limits": words.limits,
            "rules": { format!("/{ARGUMENTS}"): "any" },
            "schema": {
                "type": "object", "additionalProperties": false, "required": needed,
                "properties": { ARGUMENTS: arguments },
            },
            "example": example,
        });
        let did = (!did.is_empty()).then_some(Value::Object(did));
        for (name, member) in [
            ("did", did),
            ("shown", self.letter.map(ActionLetter::shown)),
        ] {
            if let (Some(member), Some(members)) = (member, document.as_object_mut()) {
                members.insert(name.to_owned(), member);
            }
        }
        Ok(document.to_string())
    }

    /// The arguments that `says` shows.
    fn named(&self) -> Result<BTreeSet<Path>, TypeError> {
        let mut named = BTreeSet::new();
        for (lang, words) in self.says {
            named.extend(named_in(words, &pointer::join("/says", lang))?);
        }
        Ok(named)
    }

    /// What was done, with the arguments where they stand in an object: no others than those that `says` shows.
    fn did(&self, named: &BTreeSet<Path>) -> Result<Map<String, Value>, TypeError> {
        let mut did = Map::new();
        for (lang, words) in self.did {
            let at = pointer::join("/did", lang);
            if !named_in(words, &at)?.is_subset(named) {
                return Err(refuse(&at, "names an argument that `says` does not show"));
            }
            did.insert(lang.clone(), below_arguments(words, &at)?.into());
        }
        Ok(did)
    }

    /// What is there in every call: what `says` shows, `resolved` points to, and no letter is without.
    fn required(&self, named: &BTreeSet<Path>) -> Result<BTreeSet<Path>, TypeError> {
        let mut required = named.clone();
        for (place, pointer) in self.resolved.iter().enumerate() {
            required.insert(argument(pointer, &format!("/resolved/{place}"))?);
        }
        let letter = self.letter.iter().flat_map(|letter| letter.parts);
        for (part, pointer) in letter.filter(|(part, _)| matches!(part.as_str(), "to" | "text")) {
            let at = pointer::join("/shown/letter", part);
            required.insert(argument(pointer, &at)?);
        }
        match required.len() > MAX_NAMED {
            true => Err(refuse(
                "/says",
                format!("with `resolved` it names more than {MAX_NAMED} arguments"),
            )),
            false => Ok(required),
        }
    }

    /// Of the whole object: what the record names is there, and its own schema holds.
    fn arguments_schema(&self, required: &BTreeSet<Path>) -> Value {
        let mut schema = needed(required);
        if let Some(own) = self.arguments {
            schema.insert("allOf".to_owned(), json!([own]));
        }
        Value::Object(schema)
    }

    /// Whether a call without arguments is within the schema.
    fn takes_none(&self) -> Result<bool, TypeError> {
        let Some(schema) = self.arguments else {
            return Ok(true);
        };
        let schema = compile_linear(schema).map_err(|why| refuse("/arguments", why))?;
        Ok(schema.is_valid(&json!({})))
    }
}

impl ActionLetter<'_> {
    /// The member `shown` of the type.
    fn shown(self) -> Value {
        let parts = self.parts.iter();
        let parts = parts.map(|(part, at)| (part.clone(), format!("/{ARGUMENTS}{at}").into()));
        json!({ "does": self.does, "letter": parts.collect::<Map<_, _>>() })
    }
}

/// The one type for what no action of a resource names: a person is asked about each call, by the name that the server has for it.
#[derive(Clone, Copy, Debug)]
pub struct OtherActions<'a> {
    /// The resource's URI.
    pub resource: &'a str,
}

impl OtherActions<'_> {
    /// No action is called so: its name has no `*`.
    pub fn type_name(&self) -> String {
        format!("{}#*", self.resource)
    }

    pub fn document(&self) -> String {
        let mut words = Words::default();
        for lang in ["en", "de"] {
            let around = Around::of(lang);
            let sentence = format!("{}{}", around.other, around.once);
            words.add(lang, around.title, sentence);
        }
        let document = json!({
            "type": self.type_name(), "version": 1, "title": words.titles, "use": "once",
            "ask": "always", "level": "password",
            "sentence": words.sentences, "limits": words.limits,
            "rules": { format!("/{OTHER_TOOL}"): "equal", format!("/{ARGUMENTS}"): "any" },
            "schema": {
                "type": "object", "additionalProperties": false, "required": [OTHER_TOOL],
                "properties": {
                    OTHER_TOOL: { "type": "string", "minLength": 1, "maxLength": MAX_ACTION_NAME },
                    ARGUMENTS: { "type": "object" },
                },
            },
            "example": { "type": self.type_name(), OTHER_TOOL: "x" },
        });
        document.to_string()
    }
}

/// What people read, by language.
#[derive(Default)]
struct Words {
    titles: Map<String, Value>,
    sentences: Map<String, Value>,
    limits: Map<String, Value>,
}

impl Words {
    fn add(&mut self, lang: &str, title: &str, sentence: String) {
        let lines = json!([format!("{{/{ARGUMENTS}}}"), Around::of(lang).at]);
        self.titles.insert(lang.to_owned(), title.into());
        self.sentences.insert(lang.to_owned(), sentence.into());
        self.limits.insert(lang.to_owned(), lines);
    }
}

/// What stands around the resource's words, and in place of them where it has none.
struct Around {
    once: &'static str,
    at: &'static str,
    other: &'static str,
    title: &'static str,
}

impl Around {
    fn of(lang: &str) -> Self {
        match lang.split('-').next() {
            Some("de") => Self {
                once: ", einmal",
                at: "Bei: {/locations}",
                other: "{/tool} benutzen, was hier niemand beschrieben hat",
                title: "Nicht beschrieben",
            },
            _ => Self {
                once: ", once",
                at: "At: {/locations}",
                other: "use {/tool}, which nobody has described here",
                title: "Not described",
            },
        }
    }
}

/// The names of a pointer to an argument, or to a member of one.
fn argument(pointer: &str, at: &str) -> Result<Path, TypeError> {
    let Some(names) = pointer::names(pointer) else {
        let why = format!("`{pointer}` names no argument: it is `/` and the argument's name");
        return Err(refuse(at, why));
    };
    let bad = |name: &String| {
        let long = name.chars().count() > MAX_ACTION_NAME;
        name.is_empty() || name == "*" || long
    };
    if names.iter().any(bad) {
        let why = format!("`{pointer}` is no name of 1 to {MAX_ACTION_NAME} characters");
        return Err(refuse(at, why));
    }
    Ok(names)
}

/// The arguments that these words show.
fn named_in(words: &str, at: &str) -> Result<BTreeSet<Path>, TypeError> {
    let mut named = BTreeSet::new();
    for part in template::parse(words).map_err(|why| refuse(at, why))? {
        match part {
            Part::Text(_) => {}
            Part::Slot(slot) if slot.joint.is_none() => {
                named.insert(argument(&slot.pointer, at)?);
            }
            Part::Slot(_) => {
                return Err(refuse(at, "shows a list: it stands in the lines below"));
            }
            Part::Choice { .. } => {
                return Err(refuse(at, "has brackets: what it shows is in every call"));
            }
        }
    }
    Ok(named)
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

/// The first names of these paths, each with what stands behind it.
fn by_first(paths: &BTreeSet<Path>) -> BTreeMap<&str, BTreeSet<Path>> {
    let mut by_first: BTreeMap<&str, BTreeSet<Path>> = BTreeMap::new();
    for path in paths {
        if let Some((first, rest)) = path.split_first() {
            let below = by_first.entry(first).or_default();
            below.extend((!rest.is_empty()).then(|| rest.to_vec()));
        }
    }
    by_first
}

/// The schema of an object in which these are there.
fn needed(paths: &BTreeSet<Path>) -> Map<String, Value> {
    let by_first = by_first(paths);
    let properties = by_first.iter().map(|(name, below)| {
        let schema = match below.is_empty() {
            true => Map::new(),
            false => needed(below),
        };
        ((*name).to_owned(), Value::Object(schema))
    });
    let properties: Map<String, Value> = properties.collect();
    let names: Vec<&&str> = by_first.keys().collect();
    Map::from_iter([
        ("type".to_owned(), "object".into()),
        ("required".to_owned(), json!(names)),
        ("properties".to_owned(), Value::Object(properties)),
    ])
}

/// An object in which these are there.
fn sample(paths: &BTreeSet<Path>) -> Value {
    let members = by_first(paths).into_iter().map(|(name, below)| {
        let value = if below.is_empty() {
            json!("x")
        } else {
            sample(&below)
        };
        (name.to_owned(), value)
    });
    Value::Object(members.collect())
}

/// The member of an object that holds the arguments of the call.
pub const ARGUMENTS: &str = "arguments";
/// The member of an object of [`OtherActions`] that holds the name.
pub const OTHER_TOOL: &str = "tool";
