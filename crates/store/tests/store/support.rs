//! Databases for tests.

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use chrono::{DateTime, Utc};
use modelgate_domain::Secret;
use modelgate_store::{Db, StoreError};
use tokio::runtime::Handle;
use tokio_postgres::NoTls;

/// A moment with microseconds, which is what both engines keep.
pub(crate) fn time(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000 + seconds, 123_456_000).unwrap()
}

/// Runs the test on a migrated database of each engine.
pub(crate) async fn each_engine(test: impl AsyncFn(Db)) {
    each_url(async |url| {
        let db = open(&url).await.unwrap();
        db.migrate().await.unwrap();
        test(db).await;
    })
    .await;
}

/// Runs the test with the URL of an empty database of each engine.
pub(crate) async fn each_url(test: impl AsyncFn(String)) {
    let directory = tempfile::tempdir().unwrap();
    test(format!(
        "sqlite:{}/data/test.db",
        directory.path().display()
    ))
    .await;
    if let Some(server) = server() {
        let database = TestDatabase::create(&server).await;
        test(database.url.clone()).await;
        database.remove().await;
    }
}

pub(crate) async fn open(url: &str) -> Result<Db, StoreError> {
    Db::open(&Secret::new(url), Handle::current()).await
}

/// A write that cannot fail.
macro_rules! write {
    ($db:expr, |$c:ident| $body:expr) => {
        $db.write(move |$c| Box::pin(async move { $body.await }))
            .await
    };
}

/// A read that cannot fail.
macro_rules! read {
    ($db:expr, |$c:ident| $body:expr) => {
        $db.read(move |$c| Box::pin(async move { $body.await }))
            .await
            .unwrap()
    };
}
pub(crate) use {read, write};

/// The server to test on, if there is one. Says so when there is none.
pub(crate) fn server() -> Option<String> {
    let server = std::env::var("TEST_DATABASE_URL").ok();
    let required = std::env::var("MODELGATE_TEST_REQUIRE_PG").is_ok_and(|v| v == "1");
    assert!(
        server.is_some() || !required,
        "TEST_DATABASE_URL is not set, and MODELGATE_TEST_REQUIRE_PG is"
    );
    if server.is_none() {
        eprintln!("SKIPPED on PostgreSQL: TEST_DATABASE_URL is not set");
    }
    server
}

/// An empty database on a server.
pub(crate) struct TestDatabase {
    server: String,
    name: String,
    pub(crate) url: String,
}

impl TestDatabase {
    pub(crate) async fn create(server: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("mg_store_{}_{number}", std::process::id());
        execute(
            server,
            &format!("drop database if exists {name} with (force)"),
        )
        .await;
        execute(server, &format!("create database {name}")).await;
        let (base, query) = server.split_once('?').unwrap_or((server, ""));
        let (base, _database) = base.rsplit_once('/').unwrap();
        Self {
            server: server.to_owned(),
            url: format!("{base}/{name}?{query}"),
            name,
        }
    }

    pub(crate) async fn remove(self) {
        let drop = format!("drop database {} with (force)", self.name);
        execute(&self.server, &drop).await;
    }
}

/// Runs statements on a PostgreSQL database.
pub(crate) async fn execute(url: &str, sql: &str) {
    connect(url).await.batch_execute(sql).await.unwrap();
}

pub(crate) async fn connect(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    Handle::current().spawn(connection);
    client
}

/// A program of the newest PostgreSQL on this machine.
pub(crate) fn program(name: &str) -> PathBuf {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .map(|version| version.unwrap().path().join("bin").join(name))
        .filter(|path| path.exists())
        .collect();
    found.sort();
    found.pop().unwrap_or_else(|| name.into())
}

/// Runs a command to its end and returns what it printed.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}
