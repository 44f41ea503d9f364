//! Reading a password: asked for on a terminal, read from a pipe, never an argument.

use std::io::{self, BufRead as _, IsTerminal as _};

use modelgate_domain::Secret;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use super::CliError;
use super::output::ask;
use crate::secrets::check_password;

/// A new password that is long enough; typed twice on a terminal.
pub(super) fn read_new() -> Result<Secret, CliError> {
    let stdin = io::stdin();
    let password = if stdin.is_terminal() {
        let quiet = Quiet::new()?;
        let first = prompt("password: ")?;
        let second = prompt("the same again: ")?;
        drop(quiet);
        if first != second {
            return Err(CliError::Usage("the two passwords differ".to_owned()));
        }
        first
    } else {
        line()?
    };
    check_password(&password).map_err(|e| CliError::Usage(e.to_string()))?;
    Ok(password)
}

fn prompt(text: &str) -> Result<Secret, CliError> {
    ask(text)?;
    let typed = line();
    ask("\n")?;
    typed
}

fn line() -> Result<Secret, CliError> {
    let mut text = String::new();
    io::stdin().lock().read_line(&mut text)?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err(CliError::Usage(
            "no password was given: type one, or write it to standard input".to_owned(),
        ));
    }
    Ok(Secret::new(text))
}

/// The terminal shows nothing of what is typed while this lives.
struct Quiet(Termios);

impl Quiet {
    fn new() -> Result<Self, CliError> {
        let failed = |e: rustix::io::Errno| CliError::Failed(format!("the terminal: {e}"));
        let before = tcgetattr(io::stdin()).map_err(failed)?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Flush, &quiet).map_err(failed)?;
        Ok(Self(before))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // Nothing can be done about a terminal that went away.
        let _gone = tcsetattr(io::stdin(), OptionalActions::Flush, &self.0);
    }
}
