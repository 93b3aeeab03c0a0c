//! What a misspelt name may have meant: the refusal of a reader names what it knows, and this finds the likeliest of them.

use std::collections::BTreeMap;

use super::ENVIRONMENT_PREFIX;

/// The shortest name that another one is taken for a beginning of.
const SHORTEST_BEGINNING: usize = 3;

/// The known name that differs from this one by case, by one letter, by two that changed places, or by what one has at its end.
pub fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let asked = name.to_lowercase();
    let close = known
        .iter()
        .find(|one| is_one_letter_apart(&asked, &one.to_lowercase()));
    let beginning = |one: &&&str| {
        let (shorter, longer) = match one.len() < asked.len() {
            true => (**one, asked.as_str()),
            false => (asked.as_str(), **one),
        };
        shorter.len() >= SHORTEST_BEGINNING && longer.starts_with(shorter)
    };
    close.or_else(|| known.iter().find(beginning)).copied()
}

/// The names between backticks.
pub fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// The refusal of a key that is not known, with what it may have meant and with the variable that named it.
pub(super) fn with_origin(problem: &str, environment: &BTreeMap<String, String>) -> String {
    let names = quoted(problem);
    let Some((key, known)) = names.split_first() else {
        return problem.to_owned();
    };
    if !problem.starts_with("unknown field") {
        return problem.to_owned();
    }
    let tip = match nearest(key, known) {
        Some(near) => format!("; perhaps `{near}` is meant"),
        None => String::new(),
    };
    let named = environment.keys().find(|name| {
        let path = name.strip_prefix(ENVIRONMENT_PREFIX).unwrap_or_default();
        path.split("__")
            .any(|part| part.to_ascii_lowercase() == *key)
    });
    let origin = match named {
        Some(variable) => format!("; it comes from the environment, as `{variable}`"),
        None => String::new(),
    };
    format!("{problem}{tip}{origin}")
}

/// Also where both are the same.
fn is_one_letter_apart(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let (mut a, mut b) = (a.as_slice(), b.as_slice());
    while let ([x, a_rest @ ..], [y, b_rest @ ..]) = (a, b)
        && x == y
    {
        (a, b) = (a_rest, b_rest);
    }
    while let ([a_rest @ .., x], [b_rest @ .., y]) = (a, b)
        && x == y
    {
        (a, b) = (a_rest, b_rest);
    }
    match (a, b) {
        ([] | [_], [] | [_]) => true,
        ([x, y], [z, w]) => x == w && y == z,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_leads_to_the_likeliest() {
        let known = ["listen", "issuer", "redirect_uris", "scope", "client_name"];
        for (name, expected) in [
            ("lsiten", Some("listen")),
            ("Issuer", Some("issuer")),
            ("isuer", Some("issuer")),
            ("redirect_uri", Some("redirect_uris")),
            ("redirect", Some("redirect_uris")),
            ("scopes", Some("scope")),
            ("clientname", Some("client_name")),
            ("id", None),
            ("colour", None),
        ] {
            assert_eq!(nearest(name, &known), expected, "{name}");
        }
    }
}
