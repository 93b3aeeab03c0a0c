//! The registry of types: current ones by name, all versions by hash. An object with a `type_hash` is interpreted by exactly that
//! version, so that a changed type does not change the meaning of an earlier consent.

use std::collections::BTreeMap;
use std::sync::Arc;

use writ_wire::rar::Detail;

use crate::definition::{TypeDefinition, TypeError};

#[derive(Clone, Debug, Default)]
pub struct Types {
    by_name: BTreeMap<String, Arc<TypeDefinition>>,
    by_hash: BTreeMap<String, Arc<TypeDefinition>>,
}

impl Types {
    /// From the documents of the current types.
    pub fn from_documents(documents: impl IntoIterator<Item = String>) -> Result<Self, TypeError> {
        let mut types = Self::default();
        for document in documents {
            let definition = types.insert(TypeDefinition::parse(&document)?);
            let name = definition.name().to_owned();
            if types.by_name.insert(name.clone(), definition).is_some() {
                return Err(TypeError {
                    type_name: name,
                    pointer: "/type".into(),
                    sentence: "another file has this type too".into(),
                });
            }
        }
        Ok(types)
    }

    /// Adds a version that is known by its hash only.
    pub fn with_older(mut self, document: String) -> Result<Self, TypeError> {
        self.add_older(&document)?;
        Ok(self)
    }

    /// The same; one that cannot be read is not added.
    pub fn add_older(&mut self, document: &str) -> Result<(), TypeError> {
        self.insert(TypeDefinition::parse_older(document)?);
        Ok(())
    }

    /// The current version of a type.
    pub fn by_name(&self, name: &str) -> Option<&TypeDefinition> {
        self.by_name.get(name).map(AsRef::as_ref)
    }

    pub fn by_hash(&self, hash: &str) -> Option<&TypeDefinition> {
        self.by_hash.get(hash).map(AsRef::as_ref)
    }

    /// Names of the current types, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// The type of an object: by `type_hash` if it has one, otherwise the current one of its name.
    pub fn of(&self, detail: &Detail) -> Option<&TypeDefinition> {
        let definition = match detail.members().get("type_hash") {
            Some(hash) => self.by_hash(hash.as_str()?),
            None => self.by_name(detail.type_name()),
        };
        definition.filter(|definition| definition.name() == detail.type_name())
    }

    fn insert(&mut self, definition: TypeDefinition) -> Arc<TypeDefinition> {
        let definition = Arc::new(definition);
        self.by_hash
            .insert(definition.hash().to_owned(), Arc::clone(&definition));
        definition
    }
}
