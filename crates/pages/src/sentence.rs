//! A text of the catalogue with its placeholders filled. Words and values stay apart until the
//! template writes them, so that a name in another script cannot reorder the words around it
//! (`bdi`, HTML 4.5.24).

use std::fmt;

/// A filled text; `Display` is what the person reads, without markup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sentence {
    pub(super) parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Words(String),
    Value(String),
    /// A text of several lines, which stands by itself.
    Block(String),
}

/// Fills `{name}` placeholders. Escapes nothing: the template does. A placeholder without a value
/// stays as it is.
pub(super) fn fill(text: &str, values: &[(&str, &str)]) -> Sentence {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, value, after)) = next_placeholder(rest, values) {
        parts.push(Part::Words(before.to_owned()));
        parts.push(Part::Value(value.to_owned()));
        rest = after;
    }
    parts.push(Part::Words(rest.to_owned()));
    parts.retain(|part| !part.text().is_empty());
    Sentence { parts }
}

fn next_placeholder<'a>(
    text: &'a str,
    values: &[(&str, &'a str)],
) -> Option<(&'a str, &'a str, &'a str)> {
    let found = values.iter().filter_map(|(name, value)| {
        let (before, after) = text.split_once(&format!("{{{name}}}"))?;
        Some((before, *value, after))
    });
    found.min_by_key(|(before, _, _)| before.len())
}

impl Part {
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Words(text) | Self::Value(text) | Self::Block(text) => text,
        }
    }
}

impl Sentence {
    /// A value with nothing around it.
    pub(super) fn of_value(value: &str) -> Self {
        Self {
            parts: vec![Part::Value(value.to_owned())],
        }
    }
}

impl fmt::Display for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts
            .iter()
            .try_for_each(|part| f.write_str(part.text()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_where_their_names_stood() {
        let sentence = fill(
            "Use {scope} at {resource}",
            &[("resource", "Bank"), ("scope", "read")],
        );
        assert_eq!(sentence.to_string(), "Use read at Bank");
    }

    #[test]
    fn a_value_is_never_read_as_a_placeholder() {
        let sentence = fill("{a} and {b}", &[("a", "{b}"), ("b", "{a}")]);
        assert_eq!(sentence.to_string(), "{b} and {a}");
    }

    #[test]
    fn words_and_values_stay_apart() {
        let sentence = fill("{name} asks", &[("name", "Planner")]);
        let parts = [
            Part::Value("Planner".to_owned()),
            Part::Words(" asks".to_owned()),
        ];
        assert_eq!(sentence.parts, parts);
    }
}
