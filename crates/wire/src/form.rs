//! `application/x-www-form-urlencoded` bodies and queries (OAuth 2.1 section 3.1 and 3.2).
//! A parameter without a value counts as absent; a repeated one is an error when it is read.

use std::borrow::Cow;

/// The largest number of parameters that one request may carry.
pub const MAX_PARAMETERS: usize = 64;

/// Why a form or a parameter is malformed, as a sentence for the developer of the client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    #[error("more than {MAX_PARAMETERS} parameters")]
    TooMany,
    #[error("the request is not valid UTF-8")]
    NotText,
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
    /// Refuses what is not UTF-8 after decoding, and too many parameters.
    pub fn parse(raw: &[u8]) -> Result<Self, FormError> {
        let text = std::str::from_utf8(raw).map_err(|_| FormError::NotText)?;
        let pairs: Vec<_> = form_urlencoded::parse(text.as_bytes())
            .take(MAX_PARAMETERS + 1)
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        if pairs.len() > MAX_PARAMETERS {
            return Err(FormError::TooMany);
        }
        if pairs
            .iter()
            .any(|(n, v)| n.contains('\u{fffd}') || v.contains('\u{fffd}'))
        {
            return Err(FormError::NotText);
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
    }
}
