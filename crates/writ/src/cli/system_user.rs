//! Who runs a command, as the system knows them: by the user of the process, never by a variable of the environment, which anybody sets.

use std::process::{Command, Stdio};

use writ_server::operate::change::Operator;

/// Where neither name nor number can be had.
const UNKNOWN: &str = "unknown";
/// The longest name that is recorded, in characters.
const LONGEST: usize = 64;

pub fn operator() -> Operator {
    let user = name().or_else(number).unwrap_or_else(|| UNKNOWN.to_owned());
    Operator::System { user }
}

/// POSIX `id`: it asks wherever this system keeps its users.
fn name() -> Option<String> {
    let mut id = Command::new("id");
    let said = id.arg("-un").stdin(Stdio::null()).stderr(Stdio::null());
    let said = said.output().ok().filter(|said| said.status.success())?;
    readable(&String::from_utf8(said.stdout).ok()?)
}

/// A container may have neither `id` nor a name for its user.
fn number() -> Option<String> {
    let process = std::fs::metadata("/proc/self").ok()?;
    let number = std::os::unix::fs::MetadataExt::uid(&process);
    Some(format!("uid {number}"))
}

/// One word of visible characters, in bounds.
fn readable(said: &str) -> Option<String> {
    let name = said.trim();
    let is_word = !name.is_empty() && !name.chars().any(|c| c.is_whitespace() || c.is_control());
    is_word.then(|| name.chars().take(LONGEST).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_readable_word() {
        assert_eq!(readable("root\n").as_deref(), Some("root"));
        assert_eq!(readable("DOMAIN\\olga\n").as_deref(), Some("DOMAIN\\olga"));
        for said in ["", "\n", "a b\n", "a\nb", "a\u{1b}[2J"] {
            assert_eq!(readable(said), None, "{said:?}");
        }
        let long = "x".repeat(LONGEST + 1);
        assert_eq!(readable(&long).map(|name| name.len()), Some(LONGEST));
    }

    #[test]
    fn a_process_has_a_number_on_linux() {
        if cfg!(target_os = "linux") {
            assert!(number().is_some_and(|said| said.starts_with("uid ")));
        }
        let Operator::System { user } = operator() else {
            panic!("a command is run by a user of the system");
        };
        assert_ne!(user, "");
    }
}
