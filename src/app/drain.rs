//! The end in good order: nobody is cut off who could still be answered, and nothing written stays behind.

use std::future::Future;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use rustix::net::{Shutdown, shutdown};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::parts::Parts;
use crate::config::Config;

/// How long calls have to say goodbye that outlasted `DRAIN_TIMEOUT`.
const GOODBYE: Duration = Duration::from_secs(5);
/// How long the journal may take to reach the database; what is left stays on disk for the next start.
const JOURNAL: Duration = Duration::from_secs(10);
const TASK: Duration = Duration::from_secs(10);
/// Between no connection being taken any more and those without a request being closed.
const LATECOMERS: Duration = Duration::from_millis(250);

/// After so many seconds the server cuts what still runs.
pub(super) fn cut_after_s(config: &Config) -> u64 {
    (config.drain_timeout + GOODBYE).as_secs()
}

/// What runs and has to be ended.
pub(super) struct Running {
    pub(super) http: ServerHandle,
    /// The socket that listens.
    pub(super) door: TcpListener,
    /// Resolves when the serving threads are gone.
    pub(super) http_ended: oneshot::Receiver<()>,
    /// Ends the background tasks when it becomes true.
    pub(super) shutdown: watch::Sender<bool>,
    pub(super) tasks: Vec<JoinHandle<()>>,
}

/// Ends everything. `at_once` closes idle connections without asking whether a page is on its way.
pub(super) async fn end(parts: &Arc<Parts>, running: Running, at_once: bool) {
    parts.draining.store(true, Ordering::Relaxed);
    parts.pages.end_streams();
    if !at_once {
        close_the_door(&running).await;
    }
    // Listens no more from here on.
    let stopped = running.http.stop(!at_once);
    close_streams_after_grace(parts, stopped).await;
    drop(timeout(GOODBYE, running.http_ended).await);
    if parts.database_up() && timeout(JOURNAL, parts.journal.drained()).await.is_err() {
        tracing::warn!("the journal was not drained in time; the next start goes on with it");
    }
    running.shutdown.send_replace(true);
    for task in running.tasks {
        if timeout(TASK, task).await.is_err() {
            tracing::warn!("a background task did not end in time");
        }
    }
}

/// Refuses connections, and lets those that were taken a moment ago bring their requests: the server closes what has
/// none yet, and a proxy in front does not repeat what it has sent.
async fn close_the_door(running: &Running) {
    running.http.pause().await;
    if let Err(error) = shutdown(&running.door, Shutdown::Both) {
        tracing::debug!(%error, "the door closes later");
    }
    sleep(LATECOMERS).await;
}

async fn close_streams_after_grace(parts: &Arc<Parts>, stopped: impl Future<Output = ()>) {
    tokio::pin!(stopped);
    let grace = parts.config.drain_timeout;
    if timeout(grace, &mut stopped).await.is_ok() {
        return;
    }
    tracing::warn!(
        calls = parts.active_requests(),
        "ending calls that still run"
    );
    parts.closing.send_replace(true);
    drop(timeout(GOODBYE + GOODBYE, stopped).await);
}
