//! What SQLite wants done for it from time to time.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use futures_util::FutureExt as _;

use crate::conn::Inner;
use crate::pool::without_transaction;
use crate::{Db, StoreError};

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Care {
    /// Tables whose statistics were made anew.
    pub tables: usize,
    /// Pages of the write-ahead log that are in the database now.
    pub pages: usize,
}

#[derive(QueryableByName)]
struct Statement {
    #[diesel(sql_type = Text)]
    #[allow(dead_code, reason = "only their number matters")]
    optimize: String,
}

#[derive(QueryableByName)]
struct Checkpoint {
    #[diesel(sql_type = BigInt)]
    checkpointed: i64,
}

impl Db {
    /// Makes the statistics of SQLite's planner anew where tables have changed much, and lets its write-ahead log begin
    /// again (<https://www.sqlite.org/pragma.html#pragma_optimize>). Does nothing on PostgreSQL, whose autovacuum does.
    pub async fn maintain(&self) -> Result<Care, StoreError> {
        without_transaction(self, |c| {
            async move {
                let Inner::Lite(c) = &mut c.0 else {
                    return Ok(Care::default());
                };
                let care = c.spawn_blocking(|c| {
                    // With -1 it only says what it would do.
                    let planned: Vec<Statement> =
                        diesel::sql_query("pragma optimize(-1)").load(c)?;
                    diesel::sql_query("pragma optimize").execute(c)?;
                    let done: Checkpoint =
                        diesel::sql_query("pragma wal_checkpoint(truncate)").get_result(c)?;
                    Ok(Care {
                        tables: planned.len(),
                        pages: usize::try_from(done.checkpointed).unwrap_or(0),
                    })
                });
                Ok(care.await?)
            }
            .boxed()
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::each_engine;

    #[tokio::test(flavor = "multi_thread")]
    async fn the_log_of_sqlite_begins_again() {
        each_engine(async |db| {
            let care = db.maintain().await.unwrap();
            let sqlite = db.engine() == crate::Engine::Sqlite;
            assert!(sqlite || care == Care::default());
            let again = db.maintain().await.unwrap();
            assert_eq!(again.pages, 0, "nothing was written since");
        })
        .await;
    }
}
