//! The name of an action, which its resource server wrote for programs, as people read it.

use writ_authority::TypeDefinition;

/// The title of a type. An action of a resource has its name for programs alone: the words of that are English, so other languages
/// quote it.
pub fn title_of(definition: &TypeDefinition, language: &str) -> String {
    let title = definition.title(language);
    let action = definition.name().rsplit_once('#').map(|(_, name)| name);
    match action == Some(title) {
        true => spoken(title, language),
        false => title.to_owned(),
    }
}

fn spoken(name: &str, language: &str) -> String {
    if language.starts_with("en") {
        return action_name(name);
    }
    let (before, after) = writ_authority::marks(language);
    format!("{before}{name}{after}")
}

/// `send_mail` is "Send mail". What is no name for programs stays as it is.
fn action_name(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || SEPARATORS.contains(&c);
    if !name.chars().all(is_plain) {
        return name.to_owned();
    }
    let mut words = String::new();
    let mut before = None;
    for c in name.chars() {
        match before {
            _ if SEPARATORS.contains(&c) => before = None,
            None => {
                let first = words.is_empty();
                words.push_str(if first { "" } else { " " });
                words.push(if first { c.to_ascii_uppercase() } else { c });
                before = Some(c);
            }
            Some(last) if last.is_ascii_lowercase() && c.is_ascii_uppercase() => {
                words.push(' ');
                words.push(c.to_ascii_lowercase());
                before = Some(c);
            }
            Some(_) => {
                words.push(c);
                before = Some(c);
            }
        }
    }
    match words.is_empty() {
        true => name.to_owned(),
        false => words,
    }
}

const SEPARATORS: [char; 4] = ['_', '-', '.', '/'];

#[cfg(test)]
mod tests {
    use super::*;

    /// "Erlauben: Delete note" would be two languages in one.
    #[test]
    fn a_language_that_names_are_not_made_of_quotes_them() {
        for (language, shown) in [
            ("en", "Delete note"),
            ("en-GB", "Delete note"),
            ("de", "„delete_note“"),
            ("de-AT", "„delete_note“"),
            ("fr", "“delete_note”"),
        ] {
            assert_eq!(spoken("delete_note", language), shown);
        }
    }

    #[test]
    fn a_name_for_programs_is_split_into_words() {
        for (name, shown) in [
            ("send_mail", "Send mail"),
            ("sendMail", "Send mail"),
            ("delete-note", "Delete note"),
            ("gmail.users.send", "Gmail users send"),
            ("search", "Search"),
            ("__init__", "Init"),
            ("HTTP_get", "HTTP get"),
            ("listV2Items", "List v2Items"),
            ("Delete the note", "Delete the note"),
            ("löschen_alles", "löschen_alles"),
            ("___", "___"),
            ("", ""),
        ] {
            assert_eq!(action_name(name), shown, "{name}");
        }
    }
}
