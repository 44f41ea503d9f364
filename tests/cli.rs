//! The commands as people and programs run them: the real binary, its output, its exit code.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods,
    unreachable_pub,
    dead_code,
    reason = "tests fail by panicking, and the shared support reads the environment"
)]

#[path = "support/database.rs"]
mod database;

#[path = "cli/accounts.rs"]
mod accounts;
#[path = "cli/copies.rs"]
mod copies;
#[path = "cli/installation.rs"]
mod installation;
#[path = "cli/provisioning.rs"]
mod provisioning;
#[path = "cli/report.rs"]
mod report;
#[path = "cli/settings.rs"]
mod settings;
#[path = "cli/transfer.rs"]
mod transfer;
#[path = "cli/upkeep.rs"]
mod upkeep;

use std::io::Write as _;
use std::process::{Command, Stdio};

use database::TestDatabase;
use modelgate_store::Engine;
use serde_json::Value;

/// 32 characters and more: what PostgreSQL needs.
pub const SECRET_KEY: &str = "canary-secret-key-canary-secret-key";

/// A working directory with a database of its own.
pub struct Place {
    database: TestDatabase,
    env: Vec<(String, String)>,
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ended {
    /// Standard output as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }
}

impl Place {
    /// Nothing is there yet. `None` where PostgreSQL is asked for and there is no server.
    pub async fn new(engine: Engine) -> Option<Self> {
        let database = TestDatabase::create(engine).await?;
        let data_dir = database.data_dir().display().to_string();
        let mut env = vec![
            ("DATABASE_URL".to_owned(), database.url.clone()),
            ("DATA_DIR".to_owned(), data_dir),
        ];
        if engine == Engine::Postgres {
            env.push(("SECRET_KEY".to_owned(), SECRET_KEY.to_owned()));
        }
        Some(Self { database, env })
    }

    /// The same with another variable.
    pub fn with(&self, name: &str, value: &str) -> Vec<(String, String)> {
        let mut env = self.env.clone();
        env.retain(|(n, _)| n != name);
        env.push((name.to_owned(), value.to_owned()));
        env
    }

    /// Runs the binary here.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        self.run_with(&self.env, arguments, "")
    }

    /// Runs the binary here with this environment and input.
    pub fn run_with(&self, env: &[(String, String)], arguments: &[&str], input: &str) -> Ended {
        let mut child = Command::new(env!("CARGO_BIN_EXE_modelgate"))
            .args(arguments)
            .current_dir(self.database.folder.path())
            .env_clear()
            .envs(env.iter().map(|(n, v)| (n, v)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that refuses at once does not read its input.
        drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
        let output = child.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let ended = Ended {
            code: output.status.code().unwrap_or(-1),
            out: text(output.stdout),
            err: text(output.stderr),
        };
        let all = format!("{}{}", ended.out, ended.err);
        assert!(!all.contains("canary"), "a secret was printed: {ended:?}");
        ended
    }

    /// Runs the binary, which has to succeed and to keep standard error clean.
    pub fn ok(&self, arguments: &[&str]) -> Ended {
        let ended = self.run(arguments);
        assert_eq!(ended.code, 0, "{arguments:?}: {ended:?}");
        assert_eq!(ended.err, "", "{arguments:?}");
        ended
    }

    /// Runs the binary, which has to end with `code` and one sentence on standard error.
    pub fn refused(&self, code: i32, arguments: &[&str]) -> String {
        let ended = self.run(arguments);
        assert_eq!(ended.code, code, "{arguments:?}: {ended:?}");
        assert_eq!(ended.out, "", "{arguments:?}");
        assert_eq!(ended.err.lines().count(), 1, "one sentence: {ended:?}");
        ended.err
    }

    /// Writes a file into the working directory.
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.database.folder.path().join(name), text).unwrap();
    }

    /// Whether something is there in the working directory.
    pub fn has(&self, name: &str) -> bool {
        self.database.folder.path().join(name).exists()
    }
}

/// Runs a case on each engine that is there.
#[macro_export]
macro_rules! each_engine {
    ($($case:ident),* $(,)?) => { $(
        mod $case {
            #[tokio::test]
            async fn sqlite() {
                super::$case(&$crate::Place::new(modelgate_store::Engine::Sqlite).await.unwrap());
            }

            #[tokio::test]
            async fn postgres() {
                if let Some(place) = $crate::Place::new(modelgate_store::Engine::Postgres).await {
                    super::$case(&place);
                }
            }
        }
    )* };
}
