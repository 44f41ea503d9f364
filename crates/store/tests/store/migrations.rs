//! Migrations: one at a time, once, and never backwards.

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, SqliteConnection};
use modelgate_store::{Engine, StoreError};

use crate::support::{each_url, execute, open};

#[tokio::test(flavor = "multi_thread")]
async fn four_starts_at_once_migrate_once() {
    each_url(async |url| {
        let mut starts = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let url = url.clone();
            starts.spawn(async move { open(&url).await.unwrap().migrate().await.unwrap() });
        }
        let ran: Vec<String> = starts.join_all().await.concat();
        let known = open(&url).await.unwrap().migrations().await.unwrap();
        assert!(!known.is_empty());
        assert!(known.iter().all(|m| m.applied));
        let mut names: Vec<_> = known.into_iter().map(|m| m.name).collect();
        names.sort();
        assert_eq!(ran, names);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_of_an_empty_database_is_told_without_changing_it() {
    each_url(async |url| {
        let db = open(&url).await.unwrap();
        assert!(db.migrations().await.unwrap().iter().all(|m| !m.applied));
        let refused = db
            .read(|c| Box::pin(async move { modelgate_store::users::list(c).await }))
            .await;
        assert!(refused.is_err(), "there are no tables yet");
        assert!(!db.migrate().await.unwrap().is_empty());
        assert_eq!(db.migrate().await.unwrap(), Vec::<String>::new());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_schema_is_refused() {
    each_url(async |url| {
        let db = open(&url).await.unwrap();
        db.migrate().await.unwrap();
        let newer = "insert into __diesel_schema_migrations (version) values ('29990101000000')";
        match db.engine() {
            Engine::Postgres => execute(&url, newer).await,
            Engine::Sqlite => {
                let path = url.strip_prefix("sqlite:").unwrap();
                let mut connection = SqliteConnection::establish(path).unwrap();
                connection.batch_execute(newer).unwrap();
            }
        }
        for outcome in [db.migrate().await.err(), db.migrations().await.err()] {
            let Some(StoreError::NewerSchema { found }) = outcome else {
                panic!("not refused: {outcome:?}");
            };
            assert_eq!(found, "29990101000000");
        }
    })
    .await;
}
