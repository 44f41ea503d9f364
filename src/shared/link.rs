//! The connection to Redis, and the circuit that keeps calls from waiting for one that is away.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use modelgate_domain::Secret;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, FromRedisValue, RedisError, ScriptInvocation};
use tokio::time::timeout;

/// The longest that anything waits for an answer.
pub(super) const PATIENCE: Duration = Duration::from_millis(50);
/// The longest that making a connection may take; nobody waits for that.
const CONNECT: Duration = Duration::from_secs(1);

/// Whether the Redis at this address answers; otherwise why not, without the address, which may hold a password.
pub async fn answers(url: &Secret) -> Result<(), String> {
    let asked = async {
        let client = Client::open(url.expose())?;
        let mut connection = client.get_multiplexed_async_connection().await?;
        redis::cmd("PING").query_async::<()>(&mut connection).await
    };
    match timeout(CONNECT, asked).await {
        Ok(answer) => answer.map_err(|error: RedisError| error.to_string()),
        Err(_late) => Err("does not answer within a second".to_owned()),
    }
}

/// One connection that all threads share: what they send is put one after the other.
pub(super) struct Link {
    client: Client,
    connection: ArcSwapOption<MultiplexedConnection>,
    up: AtomicBool,
}

impl std::fmt::Debug for Link {
    /// Without the client, which knows the password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link")
            .field("up", &self.is_up())
            .finish_non_exhaustive()
    }
}

impl Link {
    /// Reads the address; connects to nothing.
    pub(super) fn new(url: &Secret) -> Result<Self, RedisError> {
        Ok(Self {
            client: Client::open(url.expose())?,
            connection: ArcSwapOption::empty(),
            up: AtomicBool::new(false),
        })
    }

    /// Whether Redis answered when it was last asked.
    pub(super) fn is_up(&self) -> bool {
        self.up.load(Ordering::Acquire)
    }

    /// Runs a script; absent at once where Redis is away, and within [`PATIENCE`] where it has just gone.
    pub(super) async fn run<T: FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> Option<T> {
        if !self.is_up() {
            return None;
        }
        self.try_run(script).await
    }

    /// The same, also while Redis counts as away.
    pub(super) async fn try_run<T: FromRedisValue>(
        &self,
        script: &ScriptInvocation<'_>,
    ) -> Option<T> {
        let mut connection = MultiplexedConnection::clone(&*self.connection.load_full()?);
        match timeout(PATIENCE, script.invoke_async(&mut connection)).await {
            Ok(Ok(answer)) => return Some(answer),
            Ok(Err(error)) => self.lost(&error.to_string()),
            Err(_elapsed) => self.lost("no answer within 50 ms"),
        }
        None
    }

    /// Connects anew where that is needed. Must run on the runtime that lives as long as the connection.
    pub(super) async fn connect(&self) -> bool {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(CONNECT));
        let client = &self.client;
        let connection = client.get_multiplexed_async_connection_with_config(&config);
        match timeout(CONNECT, connection).await {
            Ok(Ok(connection)) => {
                self.connection.store(Some(Arc::new(connection)));
                true
            }
            Ok(Err(error)) => {
                tracing::debug!(%error, "Redis cannot be reached");
                false
            }
            Err(_elapsed) => false,
        }
    }

    /// Lets calls ask Redis again.
    pub(super) fn found(&self) {
        if !self.up.swap(true, Ordering::AcqRel) {
            tracing::info!("Redis answers: limits hold for all instances together");
        }
    }

    fn lost(&self, why: &str) {
        self.connection.store(None);
        if self.up.swap(false, Ordering::AcqRel) {
            tracing::warn!(
                why,
                "Redis does not answer: until it does, this instance goes by its own part of every limit"
            );
        }
    }
}
