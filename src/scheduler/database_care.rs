//! Lets SQLite look after itself: fresh statistics for its planner, and a write-ahead log that goes back to the start of
//! its file. PostgreSQL does so by its own autovacuum.

use modelgate_domain::JobStep;

use super::context::Context;

pub(super) async fn run(context: &Context) -> anyhow::Result<()> {
    let done = context.db.maintain().await?;
    context.tell(JobStep::TablesAnalyzed, done.tables);
    context.tell(JobStep::PagesCheckpointed, done.pages);
    Ok(())
}
