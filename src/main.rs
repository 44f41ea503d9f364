//! The `modelgate` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    modelgate::cli::main()
}
