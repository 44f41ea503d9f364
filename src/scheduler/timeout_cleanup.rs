//! Ends requests whose process is gone: as errors of the gateway, so that every accepted request has its end.
//!
//! Those of living instances end by themselves: a vendor that says nothing and a caller who reads nothing are cut off
//! by the time-outs of the call, and whatever drops a call settles it. Where the record of that end is lost, the
//! instance notices and ends the row as a timeout (`journal`): nobody else can know what it holds.

use modelgate_domain::JobStep;
use modelgate_store::drain;

use super::context::Context;

pub(super) async fn run(context: &Context) -> anyhow::Result<()> {
    let (now_ms, zone) = (context.clock.now_ms(), context.zone);
    let ended = context
        .db
        .write(move |c| Box::pin(drain::expire(c, now_ms, zone)))
        .await?;
    if ended > 0 {
        tracing::warn!(ended, "ended requests of instances that never came back");
    }
    context.tell(JobStep::RequestsEnded, ended);
    Ok(())
}
