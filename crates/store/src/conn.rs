//! A checked-out connection of either engine, and the macros that write each query once for both.

use diesel::SqliteConnection;
use diesel::connection::{AnsiTransactionManager, TransactionManager as _};
use diesel_async::pooled_connection::deadpool::Object;
use diesel_async::{
    AsyncConnection, AsyncPgConnection, SimpleAsyncConnection as _, TransactionManager,
};

use crate::StoreError;

/// SQLite behind the blocking pool of the database runtime.
pub(crate) type Lite =
    diesel_async::sync_connection_wrapper::SyncConnectionWrapper<SqliteConnection>;
type Tm<C> = <C as AsyncConnection>::TransactionManager;

/// A connection to either engine. Comes from the doors of [`crate::Db`] and goes to the functions of this crate.
pub struct Conn(pub(crate) Inner);

/// The engine's own connection.
#[allow(
    clippy::large_enum_variant,
    reason = "one per piece of work, and never in a list"
)]
pub(crate) enum Inner {
    Pg(Object<AsyncPgConnection>),
    Lite(Object<Lite>),
}

/// Runs one query body for whichever engine `$conn` is; `DB` names the backend for boxed queries.
macro_rules! db {
    ($conn:expr, |$c:ident| $body:expr) => {
        match &mut $conn.0 {
            $crate::conn::Inner::Pg(c) => {
                #[allow(dead_code, reason = "only boxed queries name the backend")]
                type DB = diesel::pg::Pg;
                let $c: &mut diesel_async::AsyncPgConnection = &mut *c;
                $body
            }
            $crate::conn::Inner::Lite(c) => {
                #[allow(dead_code, reason = "only boxed queries name the backend")]
                type DB = diesel::sqlite::Sqlite;
                let $c: &mut $crate::conn::Lite = &mut *c;
                $body
            }
        }
    };
}

/// A multi-row insert from owned data: diesel has SQLite batches only on the blocking connection.
macro_rules! db_batch {
    ($conn:expr, $method:ident($statement:expr)) => {
        match &mut $conn.0 {
            $crate::conn::Inner::Pg(c) => {
                diesel_async::RunQueryDsl::$method($statement, &mut **c).await
            }
            $crate::conn::Inner::Lite(c) => {
                c.spawn_blocking(move |c| diesel::RunQueryDsl::$method($statement, c))
                    .await
            }
        }
    };
}
pub(crate) use {db, db_batch};

/// What a transaction is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Takes SQLite's write lock at once: an upgrade from a read would meet "database is locked".
    Write,
    /// All reads see one moment.
    Snapshot,
}

impl Conn {
    /// True on PostgreSQL.
    pub(crate) fn is_postgres(&self) -> bool {
        matches!(self.0, Inner::Pg(_))
    }

    pub(crate) async fn begin(&mut self, mode: Mode) -> Result<(), StoreError> {
        match (&mut self.0, mode) {
            (Inner::Pg(c), Mode::Write) => {
                Tm::<AsyncPgConnection>::begin_transaction(&mut **c).await?;
            }
            (Inner::Pg(c), Mode::Snapshot) => {
                let begin = "begin isolation level repeatable read read only";
                Tm::<AsyncPgConnection>::begin_transaction_sql(&mut **c, begin).await?;
            }
            (Inner::Lite(c), Mode::Write) => {
                c.spawn_blocking(|c| {
                    AnsiTransactionManager::begin_transaction_sql(c, "begin immediate")
                })
                .await?;
            }
            (Inner::Lite(c), Mode::Snapshot) => {
                c.spawn_blocking(AnsiTransactionManager::begin_transaction)
                    .await?;
            }
        }
        Ok(())
    }

    pub(crate) async fn commit(&mut self) -> Result<(), StoreError> {
        match &mut self.0 {
            Inner::Pg(c) => Tm::<AsyncPgConnection>::commit_transaction(&mut **c).await?,
            Inner::Lite(c) => Tm::<Lite>::commit_transaction(&mut **c).await?,
        }
        Ok(())
    }

    /// A failed rollback leaves the connection marked as broken; the pool then throws it away.
    pub(crate) async fn rollback(&mut self) {
        let outcome = match &mut self.0 {
            Inner::Pg(c) => Tm::<AsyncPgConnection>::rollback_transaction(&mut **c).await,
            Inner::Lite(c) => Tm::<Lite>::rollback_transaction(&mut **c).await,
        };
        if let Err(error) = outcome {
            tracing::debug!(%error, "rolling back failed");
        }
    }

    /// Waits until no other transaction holds this lock, and holds it until the end of this one. SQLite's
    /// writer is alone already.
    pub(crate) async fn advisory_lock(&mut self, number: i64) -> Result<(), StoreError> {
        if let Inner::Pg(c) = &mut self.0 {
            let lock = format!("select pg_advisory_xact_lock({number})");
            c.batch_execute(&lock).await?;
        }
        Ok(())
    }

    /// Closes the connection instead of giving it back: whatever ran on it is abandoned.
    pub(crate) fn discard(self) {
        match self.0 {
            Inner::Pg(c) => drop(Object::take(c)),
            Inner::Lite(c) => drop(Object::take(c)),
        }
    }
}
