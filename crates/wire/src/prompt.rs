//! `prompt` (OpenID Connect Core 3.1.2.1): a set of values, of which `none` stands alone.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::form::FormError;

/// One value of `prompt`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prompt {
    None,
    Login,
    Consent,
    SelectAccount,
}

/// The known values of one request. Kept as nothing, one name or a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StoredPromptSet", into = "StoredPromptSet")]
pub struct PromptSet(BTreeSet<Prompt>);

impl PromptSet {
    /// Values that are not known are ignored; `none` beside others is refused.
    pub fn parse(text: &str) -> Result<Self, FormError> {
        let names = text.split(' ').filter(|name| !name.is_empty());
        let alone = names.clone().all(|name| name == "none");
        let values: BTreeSet<Prompt> = names.filter_map(known).collect();
        if values.contains(&Prompt::None) && !alone {
            return Err(FormError::invalid("prompt", "has `none` beside others"));
        }
        Ok(Self(values))
    }

    pub fn contains(&self, prompt: Prompt) -> bool {
        self.0.contains(&prompt)
    }
}

fn known(name: &str) -> Option<Prompt> {
    match name {
        "none" => Some(Prompt::None),
        "login" => Some(Prompt::Login),
        "consent" => Some(Prompt::Consent),
        "select_account" => Some(Prompt::SelectAccount),
        _ => None,
    }
}

/// One value is kept as its name alone: so did the versions that knew no sets.
#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum StoredPromptSet {
    Nothing(()),
    One(Prompt),
    Several(BTreeSet<Prompt>),
}

impl From<StoredPromptSet> for PromptSet {
    fn from(stored: StoredPromptSet) -> Self {
        Self(match stored {
            StoredPromptSet::Nothing(()) => BTreeSet::new(),
            StoredPromptSet::One(one) => [one].into(),
            StoredPromptSet::Several(several) => several,
        })
    }
}

impl From<PromptSet> for StoredPromptSet {
    fn from(PromptSet(values): PromptSet) -> Self {
        let mut each = values.iter();
        match (each.next(), each.next()) {
            (None, _) => Self::Nothing(()),
            (Some(one), None) => Self::One(*one),
            _ => Self::Several(values),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oidc_core_3_1_2_1_a_set_of_values_with_none_alone() {
        let both = PromptSet::parse("consent  login consent").unwrap();
        assert!(both.contains(Prompt::Login) && both.contains(Prompt::Consent));
        assert_eq!(PromptSet::parse("create"), Ok(PromptSet::default()));
        assert!(
            PromptSet::parse("login create")
                .unwrap()
                .contains(Prompt::Login)
        );
        assert!(PromptSet::parse("none").unwrap().contains(Prompt::None));
        for bad in ["none login", "login none", "none create"] {
            assert!(PromptSet::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_older_versions_kept_reads_back() {
        for (text, kept) in [
            ("", "null"),
            ("login", "\"login\""),
            ("login consent", "[\"login\",\"consent\"]"),
        ] {
            let prompts = PromptSet::parse(text).unwrap();
            assert_eq!(serde_json::to_string(&prompts).unwrap(), kept);
            assert_eq!(serde_json::from_str::<PromptSet>(kept).unwrap(), prompts);
        }
    }
}
