//! Where variables come from: the process, a `.env` file, or a map in tests.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where a value was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// The `.env` file.
    DotEnv,
    /// The process environment.
    Environment,
    /// Saved by an administrator.
    Database,
}

impl Origin {
    /// The word that `modelgate config` prints.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::DotEnv => ".env",
            Self::Environment => "environment",
            Self::Database => "database",
        }
    }
}

/// An environment: names with values.
pub trait Env {
    /// The value and where it was found.
    fn find(&self, name: &str) -> Option<(String, Origin)>;
    /// Every name there is.
    fn names(&self) -> Vec<String>;

    /// The value alone.
    fn get(&self, name: &str) -> Option<String> {
        self.find(name).map(|(value, _)| value)
    }
}

/// An environment made of pairs.
#[derive(Clone, Default)]
pub struct MapEnv(BTreeMap<String, String>);

impl MapEnv {
    /// Collects pairs; a later one wins.
    pub fn new<K: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        Self(
            pairs
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }
}

impl Env for MapEnv {
    fn find(&self, name: &str) -> Option<(String, Origin)> {
        Some((self.0.get(name)?.clone(), Origin::Environment))
    }

    fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
}

/// What is wrong with a `.env` file. Never carries a line's text: it may be a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DotEnvError {
    /// It is there but cannot be read.
    #[error("cannot read {}: {message}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        message: String,
    },
    /// A line is no assignment.
    #[error("{} line {line} is not of the form NAME=value (quote values that hold spaces, # or $)", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
    },
}

/// The process environment, with a `.env` file behind it. The process environment itself is not touched.
pub struct ProcessEnv {
    process: BTreeMap<String, String>,
    file: BTreeMap<String, String>,
}

impl ProcessEnv {
    /// Reads both; a missing file is an empty one.
    #[allow(
        clippy::disallowed_methods,
        reason = "the one place that reads the environment"
    )]
    pub fn read(dot_env: &Path) -> Result<Self, DotEnvError> {
        let process = std::env::vars_os()
            .map(|(name, value)| {
                let text = |s: std::ffi::OsString| s.to_string_lossy().into_owned();
                (text(name), text(value))
            })
            .collect();
        Ok(Self {
            process,
            file: read_file(dot_env)?,
        })
    }
}

impl Env for ProcessEnv {
    fn find(&self, name: &str) -> Option<(String, Origin)> {
        let set = |map: &BTreeMap<String, String>| map.get(name).filter(|v| !v.is_empty()).cloned();
        set(&self.process)
            .map(|v| (v, Origin::Environment))
            .or_else(|| set(&self.file).map(|v| (v, Origin::DotEnv)))
    }

    fn names(&self) -> Vec<String> {
        self.process
            .keys()
            .chain(self.file.keys())
            .cloned()
            .collect()
    }
}

fn read_file(path: &Path) -> Result<BTreeMap<String, String>, DotEnvError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(e) => {
            return Err(DotEnvError::Unreadable {
                path: path.to_owned(),
                message: e.to_string(),
            });
        }
    };
    let syntax = |error: dotenvy::Error| {
        let line = match &error {
            dotenvy::Error::LineParse(bad, _) => {
                let first = bad.lines().next().unwrap_or_default();
                text.lines().position(|l| l == first).unwrap_or(0)
            }
            _ => 0,
        };
        DotEnvError::Syntax {
            path: path.to_owned(),
            line: line + 1,
        }
    };
    dotenvy::from_read_iter(text.as_bytes())
        .map(|pair| pair.map_err(syntax))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_stands_behind_the_process() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".env");
        std::fs::write(&path, "# note\nPATH=/from/file\nexport MG_X='a b#c$d'\n").unwrap();
        let env = ProcessEnv::read(&path).unwrap();
        assert_ne!(env.get("PATH").as_deref(), Some("/from/file"));
        assert_eq!(
            env.find("MG_X"),
            Some(("a b#c$d".to_owned(), Origin::DotEnv))
        );
        assert!(ProcessEnv::read(&dir.path().join("none")).is_ok());
    }

    #[test]
    fn a_bad_line_is_named_by_number_and_not_shown() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".env");
        std::fs::write(&path, "A=1\n\nSECRET_KEY = 'canary\n").unwrap();
        let Err(error) = ProcessEnv::read(&path) else {
            panic!("accepted");
        };
        let shown = error.to_string();
        assert!(shown.contains("line 3"), "{shown}");
        assert!(!shown.contains("canary"));
    }
}
