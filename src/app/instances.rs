//! What joins this instance to the others that serve from the same database.

use std::sync::Arc;

use modelgate_store::{Db, instances, secrets_check};
use ring::digest::{SHA256, digest};
use tokio::sync::watch;

use super::AppError;
use super::parts::Parts;
use crate::clock::Clock;
use crate::config::Config;
use crate::journal::Journal;
use crate::shared::{Posted, RedisBoard};

/// Where instances tell each other what they use; absent without `REDIS_URL`.
pub(super) async fn board(
    config: &Config,
    db: &Db,
    journal: &Journal,
    clock: &Clock,
) -> Result<Option<Arc<RedisBoard>>, AppError> {
    let Some(url) = &config.redis_url else {
        return Ok(None);
    };
    let check = db
        .read(|c| Box::pin(async move { secrets_check::find(c).await }))
        .await?;
    // a value that each database has its own of: gateways with different databases may use one Redis
    let hash = digest(&SHA256, check.unwrap_or_default().as_bytes());
    let gateway = data_encoding::HEXLOWER.encode(hash.as_ref());
    let gateway = gateway.get(..12).unwrap_or_default();
    let board = RedisBoard::new(url, gateway, journal.instance(), clock);
    Ok(Some(Arc::new(board.map_err(AppError::Redis)?)))
}

/// How many instances serve from this database now.
pub(super) async fn present(db: &Db, clock: &Clock) -> Result<u32, AppError> {
    let now_ms = clock.now_ms();
    let present = db
        .read(move |c| Box::pin(async move { instances::present(c, now_ms).await }))
        .await?;
    Ok(u32::try_from(present.len()).unwrap_or(u32::MAX))
}

/// Keeps the board in step until `shutdown` holds true.
pub(super) async fn run(parts: Arc<Parts>, shutdown: watch::Receiver<bool>) {
    let Some(board) = &parts.board else {
        return;
    };
    let posted = Posted {
        admission: parts.admission.clone(),
        health: parts.health.as_ref().clone(),
        clock: parts.clock.clone(),
    };
    Arc::clone(board).run(posted, shutdown).await;
}
