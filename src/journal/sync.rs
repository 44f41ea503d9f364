//! Brings the journal to the disk once a second, off the serving threads: a power cut loses no more than that.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use super::shared::Shared;

const EVERY: Duration = Duration::from_secs(1);
/// What a full disk must have room for before calls are taken again.
const PROBE_BYTES: usize = 64 << 10;

/// Runs until the sender of `stop` is gone.
pub(super) async fn run(shared: &Arc<Shared>, mut stop: watch::Receiver<bool>) {
    while timeout(EVERY, stop.changed()).await.is_err() {
        let shared = Arc::clone(shared);
        let work = move || once(&shared);
        if let Err(died) = tokio::task::spawn_blocking(work).await {
            tracing::error!(%died, "syncing the journal failed");
        }
    }
}

fn once(shared: &Shared) {
    for segment in shared.segments() {
        if let Err(error) = segment.sync() {
            shared.write_failed(&error);
            return;
        }
    }
    if shared.is_write_failed() && probe(shared.directory()).is_ok() {
        tracing::info!("the journal can be written again");
        shared.write_recovered();
    }
    if !shared.is_write_failed() {
        shared.flush_held();
    }
}

/// Whether a file of some size can be written where the segments are.
fn probe(directory: &Path) -> io::Result<()> {
    let path = directory.join("probe");
    let written = std::fs::write(&path, vec![0; PROBE_BYTES]);
    std::fs::remove_file(&path)?;
    written
}
