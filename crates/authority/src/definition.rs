//! One type of `authorization_details`, parsed from its file in `config/types/` (docs/types.md).
//! Parsing is strict: a type with a member that would not be enforced or not be shown is refused when it is loaded.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use writ_wire::rar::Detail;
use writ_wire::registration::{self, ApproversFile};
use writ_wire::strict_json;

use crate::ask::{AskRule, Level};
use crate::clear;
use crate::headline::ShownMembers;
use crate::object;
use crate::pointer;
use crate::reading::Piece;
use crate::rules::Rule;
#[cfg(feature = "schema")]
use crate::schema::Schema;
use crate::sentence::{TypeMembers, Wording};
use crate::shape;
use crate::template::Part;
use crate::tree::{Node, ValueForm};
use crate::usual::Usual;

/// The largest type file, in bytes.
pub const MAX_DOCUMENT_LENGTH: usize = 64 * 1024;

/// How often an object may be used after consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Usage {
    /// Once: the resource server records the use of (`mission.id`, `ref`).
    Once,
    Repeat,
}

/// Why a type file is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("type `{type_name}`, at `{pointer}`: {sentence}")]
pub struct TypeError {
    /// Empty if the name could not be read.
    pub type_name: String,
    /// JSON pointer into the file.
    pub pointer: String,
    pub sentence: String,
}

/// A type's file as canonical JSON (RFC 8785), and its hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenType {
    pub hash: String,
    pub document: String,
}

/// A type whose members all have a rule and are shown to the person, and whose example is valid.
#[derive(Clone, Debug)]
pub struct TypeDefinition {
    file: File,
    document: String,
    hash: String,
    tree: Node,
    wording: Wording,
    #[cfg(feature = "schema")]
    schema: Schema,
}

/// The file as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    #[serde(rename = "type")]
    pub(crate) name: String,
    version: u32,
    title: BTreeMap<String, String>,
    #[serde(rename = "use")]
    pub(crate) usage: Usage,
    pub(crate) schema: Map<String, Value>,
    rules: BTreeMap<String, Value>,
    pub(crate) sentence: BTreeMap<String, String>,
    /// What was done, after the name of who did it.
    #[serde(default)]
    pub(crate) did: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) limits: BTreeMap<String, Vec<String>>,
    /// By language, member and value: the word shown instead of the value.
    #[serde(default)]
    pub(crate) words: BTreeMap<String, BTreeMap<String, BTreeMap<String, String>>>,
    ask: AskRule,
    level: Level,
    #[serde(default)]
    elsewhere: bool,
    #[serde(default)]
    approvers: Vec<ApproversFile>,
    usual: Option<Usual>,
    pub(crate) shown: Option<ShownMembers>,
    example: Map<String, Value>,
}

impl TypeDefinition {
    /// Parses a current type.
    pub fn parse(document: &str) -> Result<Self, TypeError> {
        let definition = Self::parse_older(document)?;
        let file = &definition.file;
        clear::check(file, &definition.tree, &definition.wording).map_err(|e| TypeError {
            type_name: file.name.clone(),
            ..e
        })?;
        Ok(definition)
    }

    /// Parses an older version, under which objects were consented to. Checks that were added since do not apply to it.
    pub fn parse_older(document: &str) -> Result<Self, TypeError> {
        let (value, file) = read(document)?;
        let name = file.name.clone();
        Self::build(&value, file).map_err(|e| TypeError {
            type_name: name,
            ..e
        })
    }

    fn build(value: &Value, file: File) -> Result<Self, TypeError> {
        check_names(&file)?;
        let written = Self::written(value)?;
        let tree = shape::tree(&file.schema, read_rules(&file.rules)?)?;
        let wording = Wording::parse(&file, &tree)?;
        file.ask.check(&tree)?;
        registration::check_approvers(&file.approvers).map_err(|e| refuse("/approvers", e))?;
        let members = TypeMembers {
            tree: &tree,
            schema: &file.schema,
        };
        if let Some(usual) = &file.usual {
            usual.check(members)?;
        }
        if let Some(shown) = &file.shown {
            shown.check(members, &file.sentence.keys().collect())?;
        }
        let definition = Self {
            #[cfg(feature = "schema")]
            schema: Schema::compile(&file.schema, &tree)?,
            hash: written.hash,
            document: written.document,
            tree,
            wording,
            file,
        };
        definition.check_example()?;
        Ok(definition)
    }

    /// As a file is kept and named, whether it is a type or not.
    pub fn written(file: &Value) -> Result<WrittenType, TypeError> {
        let document = serde_json_canonicalizer::to_string(file)
            .map_err(|e| refuse("", format!("the file has no canonical form: {e}")))?;
        Ok(WrittenType {
            hash: URL_SAFE_NO_PAD.encode(Sha256::digest(&document)),
            document,
        })
    }

    pub fn name(&self) -> &str {
        &self.file.name
    }

    pub const fn version(&self) -> u32 {
        self.file.version
    }

    /// The title in `lang`, or in English.
    pub fn title(&self, lang: &str) -> &str {
        crate::sentence::choose(&self.file.title, lang).map_or("", String::as_str)
    }

    /// base64url SHA-256 over [`Self::document`]: the `type_hash` beside `ref`.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The file as canonical JSON (RFC 8785).
    pub fn document(&self) -> &str {
        &self.document
    }

    pub const fn usage(&self) -> Usage {
        self.file.usage
    }

    /// When a person must be asked about one use of an object.
    pub const fn ask(&self) -> &AskRule {
        &self.file.ask
    }

    /// The weakest authentication that an approval needs: of what is decided on another device at least its passkey.
    pub fn level(&self) -> Level {
        match self.file.elsewhere {
            true => self.file.level.max(Level::Passkey),
            false => self.file.level,
        }
    }

    /// The weakest login before a consent.
    pub const fn login_level(&self) -> Level {
        self.file.level
    }

    /// Whether a consent with it is given on another device than the browser that asks, or not at all.
    pub const fn elsewhere(&self) -> bool {
        self.file.elsewhere
    }

    /// Who decides about one use, for every agent; empty if the type does not say.
    pub fn approvers(&self) -> &[ApproversFile] {
        &self.file.approvers
    }

    /// The JSON Schema of the members of one object, without the common ones.
    pub const fn schema(&self) -> &Map<String, Value> {
        &self.file.schema
    }

    /// A valid object of this type, with `type`.
    pub fn example(&self) -> Option<Detail> {
        Detail::new(self.file.example.clone()).ok()
    }

    /// What the object permits, in one sentence of plain text.
    pub fn sentence(&self, detail: &Detail, lang: &str) -> String {
        self.pieces(detail, lang)
            .iter()
            .map(Piece::as_str)
            .collect()
    }

    /// The same sentence, with values apart from the text of the template. Texts from a request are in quotation marks unless the
    /// schema limits them to a list or a pattern, so that no value can be read as a part of the sentence.
    pub fn pieces(&self, detail: &Detail, lang: &str) -> Vec<Piece> {
        self.wording.sentence(detail, self.members(), lang)
    }

    /// What was done with it, after the name of who did it, where the type says so: for people who read it afterwards.
    pub fn did(&self, detail: &Detail, lang: &str) -> Option<String> {
        let pieces = self.wording.did(detail, self.members(), lang)?;
        Some(pieces.iter().map(Piece::as_str).collect())
    }

    /// Further lines: when, where, up to how much. A line whose values are absent is left out.
    pub fn limits(&self, detail: &Detail, lang: &str) -> Vec<Vec<Piece>> {
        self.wording.limits(detail, self.members(), lang)
    }

    pub(crate) fn line(&self, detail: &Detail, line: &[Part], lang: &str) -> Vec<Piece> {
        self.wording.line(detail, self.members(), line, lang)
    }

    pub(crate) const fn wording(&self) -> &Wording {
        &self.wording
    }

    pub(crate) const fn shown_members(&self) -> Option<&ShownMembers> {
        self.file.shown.as_ref()
    }

    pub(crate) const fn members(&self) -> TypeMembers<'_> {
        TypeMembers {
            tree: &self.tree,
            schema: &self.file.schema,
        }
    }

    pub(crate) const fn usual_members(&self) -> Option<&Usual> {
        self.file.usual.as_ref()
    }

    pub(crate) const fn tree(&self) -> &Node {
        &self.tree
    }

    #[cfg(feature = "schema")]
    pub(crate) const fn compiled_schema(&self) -> &Schema {
        &self.schema
    }

    fn check_example(&self) -> Result<(), TypeError> {
        let example = self
            .example()
            .filter(|detail| detail.type_name() == self.name());
        let example = example.ok_or_else(|| refuse("/example/type", "is not this type"))?;
        // The schema of a value of any kind may be another server's: nobody can write an example from it.
        #[cfg(feature = "schema")]
        if !self.tree.has_any()
            && let Some(problem) = self
                .schema
                .problem(&object::own_members(&example), "/example")
        {
            return Err(refuse(&problem.pointer, problem.sentence));
        }
        object::rewrite(self, &example, ValueForm::Normal, "/example")
            .map_err(|pointer| refuse(&pointer, "is not well-formed for its rule"))?;
        for lang in self.file.sentence.keys() {
            if self.sentence(&example, lang).is_empty() {
                return Err(refuse(&pointer::join("/sentence", lang), "says nothing"));
            }
        }
        Ok(())
    }
}

pub(crate) fn refuse(pointer: &str, sentence: impl Into<String>) -> TypeError {
    TypeError {
        type_name: String::new(),
        pointer: pointer.to_owned(),
        sentence: sentence.into(),
    }
}

fn read(document: &str) -> Result<(Value, File), TypeError> {
    if document.len() > MAX_DOCUMENT_LENGTH {
        return Err(refuse(
            "",
            format!("the file is larger than {MAX_DOCUMENT_LENGTH} bytes"),
        ));
    }
    let not_a_type = |e: serde_json::Error| refuse("", format!("the file is no type: {e}"));
    let file: File = strict_json::read(document).map_err(not_a_type)?;
    Ok((strict_json::read(document).map_err(not_a_type)?, file))
}

fn read_rules(written: &BTreeMap<String, Value>) -> Result<BTreeMap<String, Rule>, TypeError> {
    let read = |(at, rule): (&String, &Value)| {
        let rule = Rule::parse(rule).map_err(|why| refuse(&pointer::join("/rules", at), why))?;
        Ok((at.clone(), rule))
    };
    written.iter().map(read).collect()
}

fn check_names(file: &File) -> Result<(), TypeError> {
    let plain = !file.name.is_empty() && file.name.bytes().all(|b| b.is_ascii_graphic());
    if !plain || file.name.len() > 128 {
        return Err(refuse(
            "/type",
            "a type's name is 1 to 128 visible ASCII characters",
        ));
    }
    let spoken: BTreeSet<&String> = file.sentence.keys().collect();
    if !file.sentence.contains_key("en") {
        return Err(refuse(
            "/sentence",
            "has no `en`, the language that others fall back to",
        ));
    }
    if file.title.keys().collect::<BTreeSet<_>>() != spoken {
        return Err(refuse("/title", "has not the languages of `sentence`"));
    }
    if !file.limits.is_empty() && file.limits.keys().collect::<BTreeSet<_>>() != spoken {
        return Err(refuse("/limits", "has not the languages of `sentence`"));
    }
    if !file.words.keys().all(|lang| spoken.contains(lang)) {
        return Err(refuse("/words", "has a language that `sentence` has not"));
    }
    Ok(())
}
