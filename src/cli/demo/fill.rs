//! Writes the made-up history the way real calls are written, so that rows and roll-ups agree.

use std::sync::Arc;

use modelgate_store::drain::{self, Batch, Entry};
use modelgate_store::{Db, StoreError};

use super::history;

/// Rows a transaction: what the journal moves at once.
const BATCH: usize = 500;

/// Writes all entries and returns how many rows that made.
pub(super) async fn fill(db: &Db, entries: Vec<history::Entry>) -> Result<usize, StoreError> {
    let mut rows = 0;
    let mut entries = entries.into_iter().peekable();
    while entries.peek().is_some() {
        let entries: Vec<Entry> = entries
            .by_ref()
            .take(BATCH)
            .map(|(record, attempts)| Entry::Ended(Arc::new(record), attempts))
            .collect();
        let batch = Batch {
            instance: "demo-history".to_owned(),
            // no journal is behind these rows, so no position moves
            positions: Vec::new(),
            entries,
        };
        let outcome = db
            .write(move |c| Box::pin(async move { drain::apply(c, &batch, chrono_tz::UTC).await }))
            .await?;
        if let drain::Outcome::Applied { ended, .. } = outcome {
            rows += ended;
        }
    }
    Ok(rows)
}
