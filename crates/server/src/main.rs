//! The binary `writ`.

use std::process::ExitCode;

fn main() -> ExitCode {
    writ_server::cli::main()
}
