//! Moves rows of the request log that are older than people look at every day to its history, so that the log itself
//! stays small and fast. Lists and details read both.

use modelgate_domain::JobStep;
use modelgate_store::archive;

use super::context::Context;

/// Rows in one transaction: short enough not to be felt by the drain.
const ROWS: u32 = 500;
const DAY_MS: i64 = 86_400_000;

pub(super) async fn run(context: &Context) -> anyhow::Result<()> {
    let days = context.settings.load().runtime.retention.log_days;
    let before_ms = context.clock.now_ms() - days.saturating_mul(DAY_MS);
    while !context.stopped() {
        let moved = context
            .db
            .write(move |c| Box::pin(archive::batch(c, before_ms, ROWS)))
            .await?;
        context.tell(JobStep::RowsArchived, moved);
        if moved == 0 {
            break;
        }
    }
    Ok(())
}
