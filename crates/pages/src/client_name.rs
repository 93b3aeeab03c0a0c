//! The name of a client as people read it: as an operator or its host has it, or as it calls itself, which nobody here checked. Then it is
//! a quotation (`core/src/guest.rs`), in the marks of whoever reads it.

use writ_authority::marks;

use super::{LONGEST_WORDS, clean};

/// Cleaned; empty, if nothing of it can be shown.
pub(super) fn client_name(name: &str, language: &str) -> String {
    let own = name
        .strip_prefix('“')
        .and_then(|rest| rest.strip_suffix('”'));
    let shown = clean(own.unwrap_or(name), LONGEST_WORDS);
    match own {
        Some(_) if !shown.is_empty() => {
            let (before, after) = marks(language);
            format!("{before}{shown}{after}")
        }
        _ => shown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_calls_itself_is_quoted_as_its_reader_quotes() {
        for (name, english, german) in [
            ("Travel planner", "Travel planner", "Travel planner"),
            ("“Claude”", "“Claude”", "„Claude“"),
            ("“The 'best' app”", "“The 'best' app”", "„The 'best' app“"),
            ("“a” b”", "“a' b”", "„a' b“"),
            ("“” ", "''", "''"),
            ("“\u{200b}”", "", ""),
            ("The \"best\" app", "The 'best' app", "The 'best' app"),
            ("“Half", "'Half", "'Half"),
        ] {
            assert_eq!(client_name(name, "en"), english);
            assert_eq!(client_name(name, "de-AT"), german);
        }
    }
}
