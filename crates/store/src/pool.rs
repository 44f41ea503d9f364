//! Pools of both engines and the doors through which all database work goes.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use deadpool::Runtime;
use diesel::ConnectionError;
use diesel::SqliteConnection;
use diesel::connection::{Connection as _, SimpleConnection as _};
use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::deadpool::{Pool, PoolError};
use diesel_async::pooled_connection::{
    AsyncDieselConnectionManager, ManagerConfig, PoolableConnection, RecyclingMethod,
};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use modelgate_domain::Secret;
use tokio::runtime::{Handle, RuntimeFlavor};

use crate::conn::{Conn, Inner, Lite, Mode};
use crate::postgres::PgTarget;
use crate::sqlite::SqliteTarget;
use crate::{Engine, StoreError};

/// How long a caller waits for a free connection.
const WAIT: Duration = Duration::from_secs(5);
/// How long a new connection may take, TLS and login included.
const CREATE: Duration = Duration::from_secs(5);
/// After this a PostgreSQL connection that does not answer is given up; the server's own
/// `statement_timeout` is shorter, so this only meets servers that hang.
const ABANDON: Duration = Duration::from_secs(45);
const PG_CONNECTIONS: usize = 16;
const SQLITE_READERS: usize = 8;

/// The database. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    rt: Handle,
    pub(crate) pools: Arc<Pools>,
}

#[allow(clippy::large_enum_variant, reason = "one per program")]
pub(crate) enum Pools {
    Pg {
        target: PgTarget,
        pool: Pool<AsyncPgConnection>,
    },
    Lite {
        target: SqliteTarget,
        read: Pool<Lite>,
        write: Pool<Lite>,
    },
}

impl Db {
    /// Connects to `sqlite:<path>` (directory and file are created) or `postgres://…`. Does not migrate.
    ///
    /// `rt` must be a multi-thread runtime that outlives every use: all database work runs there, so
    /// that a caller who goes away never drops a query half-way.
    pub async fn open(url: &Secret, rt: Handle) -> Result<Self, StoreError> {
        if rt.runtime_flavor() != RuntimeFlavor::MultiThread {
            let why = "database work needs a multi-thread runtime".to_owned();
            return Err(StoreError::Task(why));
        }
        let pools = match Engine::of(url)? {
            Engine::Sqlite => {
                let target = SqliteTarget::parse(url.expose())?;
                target.create()?;
                Pools::Lite {
                    write: sqlite_pool(&target, 1, false)?,
                    read: sqlite_pool(&target, SQLITE_READERS, true)?,
                    target,
                }
            }
            Engine::Postgres => {
                let target = PgTarget::parse(url.expose())?;
                Pools::Pg {
                    pool: pg_pool(&target)?,
                    target,
                }
            }
        };
        let db = Self {
            rt,
            pools: Arc::new(pools),
        };
        // SQLite's writer goes first: it creates the write-ahead log that query-only readers need.
        db.write(|_c| async { Ok::<_, StoreError>(()) }.boxed())
            .await?;
        db.read(|_c| async { Ok::<_, StoreError>(()) }.boxed())
            .await?;
        Ok(db)
    }

    /// Which engine this is.
    pub fn engine(&self) -> Engine {
        match *self.pools {
            Pools::Pg { .. } => Engine::Postgres,
            Pools::Lite { .. } => Engine::Sqlite,
        }
    }

    /// Lends a connection for reading. Each query sees the newest committed state.
    /// The closure gives a boxed future, as `|c| Box::pin(async move { api_keys::list(c).await })` does.
    pub async fn read<R, E, F>(&self, work: F) -> Result<R, E>
    where
        F: for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Result<R, E>> + Send + 'static,
        R: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let pools = Arc::clone(&self.pools);
        self.spawn(async move { bounded(pools.reader().await?, None, work).await })
            .await
    }

    /// As [`Db::read`], but all queries see the same moment.
    pub async fn read_snapshot<R, E, F>(&self, work: F) -> Result<R, E>
    where
        F: for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Result<R, E>> + Send + 'static,
        R: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let pools = Arc::clone(&self.pools);
        self.spawn(async move { bounded(pools.reader().await?, Some(Mode::Snapshot), work).await })
            .await
    }

    /// Runs `work` in one transaction: committed when it returns `Ok`, rolled back otherwise.
    pub async fn write<R, E, F>(&self, work: F) -> Result<R, E>
    where
        F: for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Result<R, E>> + Send + 'static,
        R: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let pools = Arc::clone(&self.pools);
        self.spawn(async move { bounded(pools.writer().await?, Some(Mode::Write), work).await })
            .await
    }

    /// Runs `future` on the database runtime to its end, even when the caller stops waiting.
    pub(crate) async fn spawn<R, E>(
        &self,
        future: impl Future<Output = Result<R, E>> + Send + 'static,
    ) -> Result<R, E>
    where
        R: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        match self.rt.spawn(future).await {
            Ok(outcome) => outcome,
            Err(died) => Err(StoreError::Task(died.to_string()).into()),
        }
    }

    /// The runtime on which all database work runs.
    pub fn runtime(&self) -> &Handle {
        &self.rt
    }
}

/// Lends the connection that writes, outside of any transaction.
pub(crate) async fn without_transaction<R, F>(db: &Db, work: F) -> Result<R, StoreError>
where
    F: for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Result<R, StoreError>> + Send + 'static,
    R: Send + 'static,
{
    let pools = Arc::clone(&db.pools);
    db.spawn(async move { bounded(pools.writer().await?, None, work).await })
        .await
}

/// Runs the work in the wanted kind of transaction; on PostgreSQL within [`ABANDON`].
async fn bounded<R, E, F>(mut conn: Conn, mode: Option<Mode>, work: F) -> Result<R, E>
where
    F: for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Result<R, E>> + Send + 'static,
    E: From<StoreError>,
{
    if !conn.is_postgres() {
        // A SQLite future is never dropped while it runs: its connection would not survive that.
        return in_transaction(&mut conn, mode, work).await;
    }
    let outcome = tokio::time::timeout(ABANDON, in_transaction(&mut conn, mode, work)).await;
    if let Ok(outcome) = outcome {
        return outcome;
    }
    conn.discard();
    Err(StoreError::Unavailable("no answer in time".to_owned()).into())
}

async fn in_transaction<R, E, F>(conn: &mut Conn, mode: Option<Mode>, work: F) -> Result<R, E>
where
    F: for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Result<R, E>>,
    E: From<StoreError>,
{
    let Some(mode) = mode else {
        return work(conn).await;
    };
    conn.begin(mode).await?;
    let outcome = work(conn).await;
    if outcome.is_ok() {
        conn.commit().await?;
    } else {
        conn.rollback().await;
    }
    outcome
}

impl Pools {
    async fn reader(&self) -> Result<Conn, StoreError> {
        match self {
            Self::Pg { pool, .. } => pg_get(pool).await,
            Self::Lite { read, .. } => lite_get(read).await,
        }
    }

    async fn writer(&self) -> Result<Conn, StoreError> {
        match self {
            Self::Pg { pool, .. } => pg_get(pool).await,
            Self::Lite { write, .. } => lite_get(write).await,
        }
    }
}

async fn pg_get(pool: &Pool<AsyncPgConnection>) -> Result<Conn, StoreError> {
    Ok(Conn(Inner::Pg(pool.get().await.map_err(unavailable)?)))
}

async fn lite_get(pool: &Pool<Lite>) -> Result<Conn, StoreError> {
    Ok(Conn(Inner::Lite(pool.get().await.map_err(unavailable)?)))
}

fn unavailable(error: PoolError) -> StoreError {
    use deadpool::managed::TimeoutType;
    StoreError::Unavailable(match error {
        PoolError::Timeout(TimeoutType::Create) => "connecting took too long".to_owned(),
        PoolError::Timeout(_) => "no free connection in time".to_owned(),
        PoolError::Backend(error) => error.to_string(),
        other => other.to_string(),
    })
}

fn pg_pool(target: &PgTarget) -> Result<Pool<AsyncPgConnection>, StoreError> {
    let mut config = ManagerConfig::default();
    config.recycling_method = RecyclingMethod::Fast;
    let target = target.clone();
    config.custom_setup = Box::new(move |_url| {
        let target = target.clone();
        async move { target.connect().await }.boxed()
    });
    build(config, PG_CONNECTIONS)
}

fn sqlite_pool(
    target: &SqliteTarget,
    size: usize,
    query_only: bool,
) -> Result<Pool<Lite>, StoreError> {
    let mut config = ManagerConfig::<Lite>::default();
    config.recycling_method = RecyclingMethod::Fast;
    let (path, setup) = (target.url(), SqliteTarget::setup(query_only));
    config.custom_setup = Box::new(move |_url| {
        let path = path.clone();
        async move {
            let connect = move || {
                let mut connection = SqliteConnection::establish(&path)?;
                connection
                    .batch_execute(setup)
                    .map_err(ConnectionError::CouldntSetupConfiguration)?;
                Ok(connection)
            };
            tokio::task::spawn_blocking(connect)
                .await
                .map_err(|died| ConnectionError::BadConnection(died.to_string()))?
                .map(Lite::new)
        }
        .boxed()
    });
    build(config, size)
}

fn build<C>(config: ManagerConfig<C>, size: usize) -> Result<Pool<C>, StoreError>
where
    C: PoolableConnection + 'static,
    AsyncDieselConnectionManager<C>:
        deadpool::managed::Manager<Type = C, Error = diesel_async::pooled_connection::PoolError>,
{
    // The URL is empty on purpose: the set-up functions above hold what they need, and nothing can print it.
    Pool::builder(AsyncDieselConnectionManager::new_with_config("", config))
        .max_size(size)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(WAIT))
        .create_timeout(Some(CREATE))
        .recycle_timeout(Some(CREATE))
        .build()
        .map_err(|e| StoreError::Unavailable(e.to_string()))
}
