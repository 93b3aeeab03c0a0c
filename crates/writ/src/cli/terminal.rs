//! Questions on the terminal; a password is not shown while it is typed.

use std::io::{BufRead, Write};
use std::process::{Command, Stdio};

/// The answer, without its line end.
pub fn ask(question: &str) -> Result<String, String> {
    let failed = |e: std::io::Error| format!("the terminal: {e}");
    let mut terminal = std::io::stderr().lock();
    terminal.write_all(question.as_bytes()).map_err(failed)?;
    terminal.flush().map_err(failed)?;
    let mut line = String::new();
    if std::io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(failed)?
        == 0
    {
        return Err("the terminal was closed: nothing was made".to_owned());
    }
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// Asks twice.
pub fn ask_new_password() -> Result<String, String> {
    let hidden = HiddenInput::begin()?;
    let password = ask("Their password: ")?;
    let again = ask("\nThe same again: ")?;
    drop(hidden);
    let _ = writeln!(std::io::stderr().lock());
    if password != again {
        return Err("the two passwords differ: nothing was made".to_owned());
    }
    Ok(password)
}

/// The terminal does not echo until this is dropped.
struct HiddenInput;

impl HiddenInput {
    fn begin() -> Result<Self, String> {
        if stty("-echo") {
            Ok(Self)
        } else {
            Err("the terminal cannot hide a password: give `--password-stdin`".to_owned())
        }
    }
}

impl Drop for HiddenInput {
    fn drop(&mut self) {
        stty("echo");
    }
}

fn stty(setting: &str) -> bool {
    let mut command = Command::new("stty");
    command.arg(setting).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
