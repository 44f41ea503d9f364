//! How commands end.

use std::io;
use std::process::ExitCode;

use modelgate_store::StoreError;

use super::apply::{ApplyError, Problem};
use crate::config::ConfigError;
use crate::secrets::{SecretsError, UnlockError};

/// Why a command did not succeed; the variant is the exit code.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// 1: could not be carried out.
    #[error("{0}")]
    Failed(String),
    /// 1: said already what is wrong.
    #[error("")]
    Told,
    /// 2: configuration or usage.
    #[error("{0}")]
    Usage(String),
    /// 0: whoever read the output has had enough.
    #[error("")]
    Closed,
}

impl CliError {
    /// The process's exit code.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Failed(_) | Self::Told => ExitCode::from(1),
            Self::Usage(_) => ExitCode::from(2),
            Self::Closed => ExitCode::SUCCESS,
        }
    }
}

impl From<io::Error> for CliError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::Closed
        } else {
            Self::Failed(error.to_string())
        }
    }
}

impl From<serde_json::Error> for CliError {
    fn from(error: serde_json::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<ConfigError> for CliError {
    fn from(error: ConfigError) -> Self {
        Self::Usage(error.to_string())
    }
}

impl From<StoreError> for CliError {
    fn from(error: StoreError) -> Self {
        let text = error.to_string();
        match error {
            StoreError::Unavailable(_)
            | StoreError::InvalidUrl(_)
            | StoreError::NewerSchema { .. } => Self::Usage(text),
            _ => Self::Failed(text),
        }
    }
}

impl From<SecretsError> for CliError {
    fn from(error: SecretsError) -> Self {
        Self::Usage(error.to_string())
    }
}

impl From<UnlockError> for CliError {
    fn from(error: UnlockError) -> Self {
        match error {
            UnlockError::Secrets(error) => error.into(),
            UnlockError::Store(error) => error.into(),
        }
    }
}

impl From<Problem> for CliError {
    fn from(problem: Problem) -> Self {
        Self::Usage(problem.to_string())
    }
}

impl From<ApplyError> for CliError {
    fn from(error: ApplyError) -> Self {
        match error {
            ApplyError::Problem(problem) => problem.into(),
            ApplyError::KeyExists(_) => Self::Failed(error.to_string()),
            ApplyError::Secrets(error) => error.into(),
            ApplyError::Store(error) => error.into(),
        }
    }
}
