//! A database of its own for each test, gone afterwards.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use modelgate_store::Engine;
use tempfile::TempDir;
use tokio_postgres::NoTls;

/// The server on which PostgreSQL tests make their databases; needs the right to create them.
const SERVER_URL: &str = "TEST_DATABASE_URL";
/// Set by `scripts/test`: a missing server is then a failure.
const REQUIRED: &str = "MODELGATE_TEST_REQUIRE_PG";

/// A SQLite file or a PostgreSQL database, with a directory beside it for the journal and the key file.
pub struct TestDatabase {
    pub folder: TempDir,
    pub url: String,
    /// The server and the name of the database to drop.
    drop: Option<(String, String)>,
}

/// Tells databases of one process apart.
static COUNT: AtomicU32 = AtomicU32::new(0);

impl TestDatabase {
    /// A new database; `None` where it would be on PostgreSQL and there is no server.
    pub async fn create(engine: Engine) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary directory");
        if engine == Engine::Sqlite {
            let url = format!("sqlite:{}", folder.path().join("test.db").display());
            return Some(Self {
                folder,
                url,
                drop: None,
            });
        }
        let Ok(server) = std::env::var(SERVER_URL) else {
            assert!(
                std::env::var_os(REQUIRED).is_none(),
                "{REQUIRED} is set and {SERVER_URL} is not"
            );
            eprintln!("SKIPPED on PostgreSQL: {SERVER_URL} is not set");
            return None;
        };
        let name = format!(
            "mg_test_{}_{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        execute(&server, &format!("create database {name}")).await;
        let (base, _) = server.rsplit_once('/').expect("a database in the URL");
        let query = server
            .split_once('?')
            .map_or(String::new(), |(_, q)| format!("?{q}"));
        let url = format!("{base}/{name}{query}");
        Some(Self {
            folder,
            url,
            drop: Some((server, name)),
        })
    }

    /// Runs a statement on the PostgreSQL database, to break something.
    pub async fn run(&self, statement: &str) {
        assert!(self.drop.is_some(), "a PostgreSQL database");
        execute(&self.url, statement).await;
    }

    /// Takes the PostgreSQL database away: nobody gets in, who is in is thrown out.
    pub async fn close_for_everyone(&self) {
        let (server, name) = self.drop.as_ref().expect("a PostgreSQL database");
        execute(
            server,
            &format!("alter database {name} allow_connections false"),
        )
        .await;
        let others = format!(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'"
        );
        execute(server, &others).await;
    }

    /// Runs a statement in the PostgreSQL database itself, as an operator would with psql.
    pub async fn execute(&self, statement: &str) {
        assert!(self.drop.is_some(), "a PostgreSQL database");
        execute(&self.url, statement).await;
    }

    /// Lets nobody read or write a table of the PostgreSQL database until what this gives is dropped.
    pub async fn hold(&self, table: &str) -> tokio_postgres::Client {
        let (client, connection) = tokio_postgres::connect(&self.url, tokio_postgres::NoTls)
            .await
            .expect("a connection");
        tokio::spawn(connection);
        let lock = format!("begin; lock table {table} in access exclusive mode");
        client.batch_execute(&lock).await.expect("the lock");
        client
    }

    /// Gives it back.
    pub async fn open_again(&self) {
        let (server, name) = self.drop.as_ref().expect("a PostgreSQL database");
        execute(
            server,
            &format!("alter database {name} allow_connections true"),
        )
        .await;
    }

    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let Some((server, name)) = self.drop.take() else {
            return;
        };
        // a thread of its own: the test's runtime may be on its way out
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(execute(
                &server,
                &format!("drop database if exists {name} with (force)"),
            ));
        });
        if dropped.join().is_err() {
            eprintln!("a test database was not dropped");
        }
    }
}

async fn execute(server: &str, statement: &str) {
    let (client, connection) = tokio_postgres::connect(server, NoTls)
        .await
        .expect("the PostgreSQL server for tests");
    let talk = async move { client.batch_execute(statement).await };
    let (outcome, _closed) = tokio::join!(talk, connection);
    outcome.expect(statement);
}
