//! Questions on the terminal; a password is not shown while it is typed. Single keys, for the demo.

use std::io::{BufRead, Write};
#[cfg(feature = "demo")]
use std::io::{IsTerminal, Read};
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
        if stty(&["-echo"]) {
            Ok(Self)
        } else {
            Err("the terminal cannot hide a password: give `--password-stdin`".to_owned())
        }
    }
}

impl Drop for HiddenInput {
    fn drop(&mut self) {
        stty(&["echo"]);
    }
}

/// Keys count without a line end until this is dropped, where standard input is a terminal.
#[cfg(feature = "demo")]
pub struct KeyInput {
    is_terminal: bool,
}

#[cfg(feature = "demo")]
impl KeyInput {
    pub fn begin() -> Self {
        let is_terminal = std::io::stdin().is_terminal() && stty(&["-icanon", "-echo"]);
        Self { is_terminal }
    }

    /// Hands each key on until there are no more, or nobody takes them: on a thread of its own, because reading cannot be ended.
    pub fn read(&self, mut take: impl FnMut(char) -> bool + Send + 'static) {
        std::thread::spawn(move || {
            let keys = std::io::stdin().lock().bytes();
            for key in keys.map_while(Result::ok).map(char::from) {
                if !take(key) {
                    return;
                }
            }
        });
    }
}

#[cfg(feature = "demo")]
impl Drop for KeyInput {
    fn drop(&mut self) {
        if self.is_terminal {
            stty(&["icanon", "echo"]);
        }
    }
}

fn stty(settings: &[&str]) -> bool {
    let mut command = Command::new("stty");
    command.args(settings).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
