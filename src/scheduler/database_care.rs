//! Lets SQLite look after itself: fresh statistics for its planner, and a write-ahead log that goes back to the start of
//! its file; PostgreSQL does so by its own autovacuum. Then notes how large the tables are.

use modelgate_domain::JobStep;
use modelgate_store::storage;

use super::context::Context;

pub(super) async fn run(context: &Context) -> anyhow::Result<()> {
    let done = context.db.maintain().await?;
    context.tell(JobStep::TablesAnalyzed, done.tables);
    context.tell(JobStep::PagesCheckpointed, done.pages);
    let now_ms = context.clock.now_ms();
    let sizes = context.db.read(|c| Box::pin(storage::measure(c))).await?;
    let count = sizes.len();
    context
        .db
        .write(move |c| Box::pin(async move { storage::keep(c, now_ms, &sizes).await }))
        .await?;
    context.tell(JobStep::TablesMeasured, count);
    Ok(())
}
