//! `application/x-www-form-urlencoded` bodies and queries (OAuth 2.1 section 3.1 and 3.2).
//! A parameter without a value counts as absent; a repeated one is an error when it is read. Control characters are refused.

use std::borrow::Cow;

use crate::text;

/// The largest number of parameters that one request may carry.
pub const MAX_PARAMETERS: usize = 64;

/// Why a form or a parameter is malformed, as a sentence for the developer of the client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    #[error("more than {MAX_PARAMETERS} parameters")]
    TooMany,
    #[error("the request is not valid UTF-8")]
    NotText,
    #[error("the name of a parameter has the control character {}", text::code_point(*.0))]
    ControlInName(char),
    #[error("parameter `{name}` has the control character {}", text::code_point(*.character))]
    Control { name: String, character: char },
    #[error("parameter `{0}` must not repeat")]
    Repeated(Cow<'static, str>),
    #[error("parameter `{0}` is missing")]
    Missing(&'static str),
    #[error("parameter `{name}` {problem}")]
    Invalid { name: &'static str, problem: String },
}

impl FormError {
    pub fn invalid(name: &'static str, problem: impl Into<String>) -> Self {
        Self::Invalid {
            name,
            problem: problem.into(),
        }
    }
}

/// Parameters in the order of the request, without empty ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form(Vec<(String, String)>);

impl Form {
    /// Refuses what is not UTF-8 after decoding, control characters but tab and line breaks, and too many parameters.
    pub fn parse(raw: &[u8]) -> Result<Self, FormError> {
        let text = std::str::from_utf8(raw).map_err(|_| FormError::NotText)?;
        let pairs: Vec<_> = form_urlencoded::parse(text.as_bytes())
            .take(MAX_PARAMETERS + 1)
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        if pairs.len() > MAX_PARAMETERS {
            return Err(FormError::TooMany);
        }
        for (name, value) in &pairs {
            check(name, value)?;
        }
        Ok(Self(
            pairs
                .into_iter()
                .filter(|(_, value)| !value.is_empty())
                .collect(),
        ))
    }

    pub fn from_pairs<N: Into<String>, V: Into<String>>(
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        Self(
            pairs
                .into_iter()
                .map(|(n, v)| (n.into(), v.into()))
                .collect(),
        )
    }

    /// All values of a parameter that may repeat (RFC 8707: `resource`).
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(move |(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }

    /// The one value of a parameter, `None` if absent.
    pub fn optional(&self, name: &'static str) -> Result<Option<&str>, FormError> {
        let mut values = self.0.iter().filter(|(n, _)| n == name);
        let first = values.next().map(|(_, v)| v.as_str());
        if values.next().is_some() {
            return Err(FormError::Repeated(Cow::Borrowed(name)));
        }
        Ok(first)
    }

    pub fn required(&self, name: &'static str) -> Result<&str, FormError> {
        self.optional(name)?.ok_or(FormError::Missing(name))
    }

    /// The same of a text with a longest length, in bytes.
    pub fn bounded(&self, name: &'static str, most: usize) -> Result<Option<String>, FormError> {
        match self.optional(name)? {
            Some(text) if text.len() > most => Err(FormError::invalid(
                name,
                format!("is longer than {most} bytes"),
            )),
            found => Ok(found.map(str::to_owned)),
        }
    }

    pub fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|(n, _)| n == name)
    }

    /// Refuses any repeated parameter except those named, also unknown ones (OAuth 2.1 section 3.1).
    pub fn refuse_repeats(&self, repeatable: &[&str]) -> Result<(), FormError> {
        let mut seen = std::collections::HashSet::new();
        for (name, _) in &self.0 {
            if !repeatable.contains(&name.as_str()) && !seen.insert(name.as_str()) {
                return Err(FormError::Repeated(Cow::Owned(name.clone())));
            }
        }
        Ok(())
    }

    /// Refuses these parameters where they repeat; others are ignored by whoever does not know them.
    pub fn refuse_repeats_of(&self, once: &[&str]) -> Result<(), FormError> {
        let mut seen = std::collections::HashSet::new();
        for (name, _) in &self.0 {
            if once.contains(&name.as_str()) && !seen.insert(name.as_str()) {
                return Err(FormError::Repeated(Cow::Owned(name.clone())));
            }
        }
        Ok(())
    }

    pub fn pairs(&self) -> &[(String, String)] {
        &self.0
    }

    pub fn encode(&self) -> String {
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&self.0)
            .finish()
    }
}

/// One text that is encoded like a value of a form, as name and secret are within HTTP Basic (RFC 6749 section 2.3.1).
pub fn decode(encoded: &str) -> Result<String, FormError> {
    let whole = format!("={encoded}");
    let mut pairs = form_urlencoded::parse(whole.as_bytes());
    let value = pairs.next().map(|(_, value)| value.into_owned());
    let value = value.unwrap_or_default();
    check("", &value)?;
    Ok(value)
}

fn check(name: &str, value: &str) -> Result<(), FormError> {
    let undecoded = |text: &str| text.contains(char::REPLACEMENT_CHARACTER);
    if undecoded(name) || undecoded(value) {
        return Err(FormError::NotText);
    }
    if let Some(character) = text::control_in(name) {
        return Err(FormError::ControlInName(character));
    }
    match text::control_in(value) {
        Some(character) => Err(FormError::Control {
            name: name.to_owned(),
            character,
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oauth21_3_1_empty_is_absent_and_repeats_are_refused() {
        let form = Form::parse(b"a=1&b=&c=2&c=3&resource=x&resource=y").unwrap();
        assert_eq!(form.optional("a"), Ok(Some("1")));
        assert_eq!(form.optional("b"), Ok(None));
        assert_eq!(form.optional("c"), Err(FormError::Repeated("c".into())));
        assert_eq!(
            form.refuse_repeats(&["resource"]),
            Err(FormError::Repeated("c".into()))
        );
        assert_eq!(form.all("resource").collect::<Vec<_>>(), ["x", "y"]);
    }

    #[test]
    fn bad_bytes_and_floods_are_refused() {
        assert_eq!(Form::parse(b"a=%ff"), Err(FormError::NotText));
        assert_eq!(Form::parse(b"\xff"), Err(FormError::NotText));
        let flood = "a=1&".repeat(MAX_PARAMETERS + 1);
        assert_eq!(Form::parse(flood.as_bytes()), Err(FormError::TooMany));
        for overlong in ["%c0%80", "%e0%80%80", "%ed%a0%80", "%f5%80%80%80"] {
            let form = format!("a={overlong}");
            assert_eq!(Form::parse(form.as_bytes()), Err(FormError::NotText));
        }
    }

    #[test]
    fn control_characters_are_refused_in_names_and_values_also_of_empty_and_unknown_parameters() {
        for (form, said) in [
            ("a=x%00", "parameter `a` has the control character U+0000"),
            (
                "a=1&b=%1b",
                "parameter `b` has the control character U+001B",
            ),
            ("a=%7F", "parameter `a` has the control character U+007F"),
            ("a=%c2%9b", "parameter `a` has the control character U+009B"),
            (
                "a%00=",
                "the name of a parameter has the control character U+0000",
            ),
        ] {
            let error = Form::parse(form.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), said);
        }
        let lines = Form::parse(b"a=one%0D%0A%09two").unwrap();
        assert_eq!(lines.optional("a"), Ok(Some("one\r\n\ttwo")));
    }

    #[test]
    fn rfc_6749_2_3_1_an_encoded_text_is_read_like_a_value() {
        assert_eq!(decode("a%3Ab+c").as_deref(), Ok("a:b c"));
        for bad in ["%00", "a%ff", "%0b"] {
            assert!(decode(bad).is_err(), "{bad}");
        }
    }
}
