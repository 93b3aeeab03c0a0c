//! The password of a person: from a file, from standard input, or typed on the terminal, where it is not shown.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use clap::Args;
use writ_server::config::bounded_file::STANDARD_INPUT;

use super::desk::read_text;
use super::terminal;

#[derive(Args)]
// Not by its own name: a command is called so too.
#[group(id = "password_source", multiple = false)]
pub struct Password {
    /// File with the password; a newline at its end does not count. `-` is standard input
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Read the password from standard input; without either option it is asked on the terminal
    #[arg(long)]
    password_stdin: bool,
}

impl Password {
    /// Whether the command line says where it comes from.
    pub fn is_given(&self) -> bool {
        self.password_stdin || self.password_file.is_some()
    }

    /// Reads it, or asks twice on a terminal.
    pub fn read(&self) -> Result<String, String> {
        let path = match &self.password_file {
            Some(path) => path.as_path(),
            None => Path::new(STANDARD_INPUT),
        };
        if path == Path::new(STANDARD_INPUT) {
            match (std::io::stdin().is_terminal(), self.is_given()) {
                (true, _) => return terminal::ask_new_password(),
                (false, false) => return Err(NO_TERMINAL.to_owned()),
                (false, true) => {}
            }
        }
        let text = read_text(path)?;
        Ok(text.trim_end_matches(['\r', '\n']).to_owned())
    }
}

const NO_TERMINAL: &str =
    "there is no terminal to ask on: give `--password-stdin` or `--password-file FILE`";
