//! The binary `writ`.

mod cli;
#[cfg(feature = "demo")]
mod demo;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
