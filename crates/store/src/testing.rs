//! Databases for this crate's tests: a SQLite file always, a PostgreSQL database of its own where
//! `TEST_DATABASE_URL` names a server.

use std::time::{SystemTime, UNIX_EPOCH};

use modelgate_domain::Secret;
use tokio::runtime::Handle;
use tokio_postgres::NoTls;

use crate::Db;

/// Runs `test` on a migrated, empty database of each engine.
pub(crate) async fn each_engine(test: impl AsyncFn(Db)) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("test.db");
    let db = open(&format!("sqlite:{}", path.display())).await;
    test(db).await;
    let Some(server) = server() else {
        eprintln!("SKIPPED on PostgreSQL: TEST_DATABASE_URL is not set");
        return;
    };
    let name = create_database(&server).await;
    let url = with_database(&server, &name);
    test(open(&url).await).await;
    drop_database(&server, &name).await;
}

async fn open(url: &str) -> Db {
    let db = Db::open(&Secret::new(url), Handle::current())
        .await
        .unwrap();
    db.migrate().await.unwrap();
    db
}

#[allow(
    clippy::disallowed_methods,
    reason = "tests are told by the environment where PostgreSQL is"
)]
fn server() -> Option<String> {
    let url = std::env::var("TEST_DATABASE_URL").ok();
    let required = std::env::var("MODELGATE_TEST_REQUIRE_PG").is_ok_and(|v| v == "1");
    assert!(url.is_some() || !required, "TEST_DATABASE_URL is not set");
    url
}

#[allow(
    clippy::disallowed_methods,
    reason = "a name that no other test run uses"
)]
async fn create_database(server: &str) -> String {
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let name = format!("mg_{}_{}", std::process::id(), nanos.as_nanos());
    run(server, &format!("create database {name}")).await;
    name
}

async fn drop_database(server: &str, name: &str) {
    run(server, &format!("drop database {name} with (force)")).await;
}

async fn run(server: &str, sql: &str) {
    let (client, connection) = tokio_postgres::connect(server, NoTls).await.unwrap();
    let connection = Handle::current().spawn(connection);
    client.batch_execute(sql).await.unwrap();
    drop(client);
    connection.await.unwrap().unwrap();
}

/// The URL with another database at its end.
fn with_database(url: &str, name: &str) -> String {
    let (base, query) = match url.split_once('?') {
        Some((base, query)) => (base, format!("?{query}")),
        None => (url, String::new()),
    };
    let (host, _database) = base.rsplit_once('/').unwrap();
    format!("{host}/{name}{query}")
}
