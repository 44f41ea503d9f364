//! The `modelgate` program.

use std::io::Write as _;
use std::process::ExitCode;

use modelgate::config::Config;
use modelgate::{app, telemetry};

fn main() -> ExitCode {
    let config = match Config::load() {
        Ok(config) => config,
        Err(error) => return refuse(&error),
    };
    telemetry::init(config.log_format, &config.log_level);
    match app::run(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => refuse(&error),
    }
}

/// One sentence on standard error, and the exit code of a start that did not happen.
fn refuse(error: &dyn std::error::Error) -> ExitCode {
    // Where nobody can read it, the exit code has to do.
    drop(writeln!(std::io::stderr(), "modelgate: {error}"));
    ExitCode::from(2)
}
