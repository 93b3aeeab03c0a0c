//! A scope as people read it: in the words of its resource, else by its name.

use std::collections::BTreeMap;

use super::sentence::{Sentence, fill};
use super::{LONGEST_WORDS, Texts, clean, plain};

#[derive(Clone, Debug)]
pub struct ScopeView {
    /// Comes back as `grant`; opaque.
    pub value: String,
    pub resource_name: String,
    pub scope: String,
    pub words: ScopeWords,
    pub asked: AskedEachTime,
}

/// Whether the person is asked again about what a scope covers, however much of it they allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AskedEachTime {
    #[default]
    Nothing,
    Some,
    All,
}

/// Who words a scope for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ScopeWords {
    /// Nobody: its name is shown.
    #[default]
    Name,
    /// The resource, by language; English stands in for every other one.
    Resource(BTreeMap<String, String>),
    /// This server: the person's e-mail address, which has no resource.
    Email,
}

pub(super) fn scope_sentence(scope: &ScopeView, texts: &Texts) -> Sentence {
    let (name, resource) = (plain(&scope.scope), plain(&scope.resource_name));
    let said = scope.words.of_resource(texts);
    let values = [
        ("scope", name.as_str()),
        ("resource", resource.as_str()),
        ("words", said.as_str()),
    ];
    // A resource without a scope: the token will name it, and nothing more.
    let text = match scope.words {
        ScopeWords::Email => &texts.consent.email,
        _ if !said.is_empty() => &texts.consent.says,
        _ if name.is_empty() => &texts.consent.audience,
        _ => &texts.consent.scope,
    };
    fill(text, &values)
}

impl AskedEachTime {
    pub(super) fn said(self, texts: &Texts) -> Option<Sentence> {
        match self {
            Self::Nothing => None,
            Self::Some => Some(fill(&texts.consent.asked_for_some, &[])),
            Self::All => Some(fill(&texts.consent.asked_for_all, &[])),
        }
    }
}

impl ScopeView {
    /// What stands beside its box where the resource is named apart.
    pub fn label(&self, texts: &Texts) -> String {
        let said = self.words.of_resource(texts);
        match self.words {
            ScopeWords::Email => texts.consent.email.clone(),
            _ if said.is_empty() => plain(&self.scope),
            _ => said,
        }
    }
}

impl ScopeWords {
    fn of_resource(&self, texts: &Texts) -> String {
        let Self::Resource(says) = self else {
            return String::new();
        };
        let said = says.get(texts.locale()).or_else(|| says.get(ENGLISH));
        said.map(|words| clean(words, LONGEST_WORDS))
            .unwrap_or_default()
    }
}

/// What stands in for a language that has no words.
const ENGLISH: &str = "en";

#[cfg(test)]
mod tests {
    use super::super::Languages;
    use super::*;

    fn scope(words: ScopeWords) -> ScopeView {
        ScopeView {
            value: "s0".to_owned(),
            resource_name: "Notes".to_owned(),
            scope: "notes:read".to_owned(),
            words,
            asked: AskedEachTime::Nothing,
        }
    }

    fn says(words: &[(&str, &str)]) -> ScopeWords {
        let words = words
            .iter()
            .map(|(l, w)| ((*l).to_owned(), (*w).to_owned()));
        ScopeWords::Resource(words.collect())
    }

    #[test]
    fn the_resources_words_by_the_readers_language_else_english_else_the_name() {
        let languages = Languages::load().unwrap();
        let (english, german) = (languages.of("en"), languages.of("de"));
        let both = scope(says(&[
            ("en", "Read your notes"),
            ("de", "Ihre Notizen lesen"),
        ]));
        let shown = |scope: &ScopeView, texts| scope_sentence(scope, texts).to_string();
        assert_eq!(shown(&both, english), "Notes: Read your notes");
        assert_eq!(shown(&both, german), "Notes: Ihre Notizen lesen");
        let one = scope(says(&[("en", "Read your notes")]));
        assert_eq!(shown(&one, german), "Notes: Read your notes");
        let none = scope(ScopeWords::Name);
        assert_eq!(
            shown(&none, english),
            "Use “notes:read” at Notes: nobody has said what that allows"
        );
        assert_eq!(none.label(english), "notes:read");
        assert_eq!(both.label(german), "Ihre Notizen lesen");
    }

    #[test]
    fn words_cannot_say_that_they_are_anothers() {
        let languages = Languages::load().unwrap();
        let scope = scope(says(&[(
            "en",
            "{resource}: see https://evil.example {scope}",
        )]));
        let shown = scope_sentence(&scope, languages.of("en")).to_string();
        assert_eq!(shown, "Notes: {resource}: see evil.example {scope}");
    }

    #[test]
    fn the_mail_address_is_in_our_own_words() {
        let languages = Languages::load().unwrap();
        let email = ScopeView {
            resource_name: String::new(),
            ..scope(ScopeWords::Email)
        };
        let shown = scope_sentence(&email, languages.of("de")).to_string();
        assert_eq!(shown, "Ihre E-Mail-Adresse kennen");
    }
}
