//! Holds the sums of the last days against the rows of the request log, and repairs what differs.
//!
//! Sums are written with the rows they count, so there is nothing to add up at night; this is the proof of it. The
//! last two days are looked at: late rows, of processes that came back, count where they began.

use modelgate_domain::JobStep;
use modelgate_domain::range::{day_of, next_day_of};
use modelgate_store::drain::durations::Durations;
use modelgate_store::drain::reconcile::{self, Drift};

use super::context::Context;

/// Days before today that are looked at.
const DAYS: usize = 2;
/// So much of the request log is added up at once.
const STEP_MS: i64 = 3_600_000;

pub(super) async fn run(context: &Context) -> anyhow::Result<()> {
    let zone = context.zone;
    let mut end = day_of(context.clock.now_ms(), zone);
    let mut drift = Drift::default();
    for _ in 0..DAYS {
        // The day before may be an hour longer or shorter than others.
        let begin = day_of(end - 1, zone);
        drift.join(quarters(context, begin, end).await?);
        if context.stopped() {
            break;
        }
        let day_end = next_day_of(begin, zone);
        drift.join(day(context, begin, day_end).await?);
        let day = Durations::Day {
            day_ms: begin,
            to_ms: day_end,
        };
        drift.join(durations(context, day).await?);
        context.tell(JobStep::DaysChecked, 1);
        end = begin;
    }
    if drift.sums > 0 {
        tracing::error!(?drift, "sums were not what the request log says; repaired");
    }
    let now_ms = context.clock.now_ms();
    for (what, count) in [
        (JobStep::SumsRepaired, drift.sums),
        (JobStep::DriftRequests, drift.requests),
        (JobStep::DriftTokens, drift.tokens),
        (JobStep::DriftCostNanos, drift.cost_nanos),
        (JobStep::DriftDurations, drift.durations),
    ] {
        context.told.add(now_ms, what, count);
    }
    Ok(())
}

async fn quarters(context: &Context, begin: i64, end: i64) -> anyhow::Result<Drift> {
    let mut drift = Drift::default();
    let mut from = begin;
    while from < end && !context.stopped() {
        let to = end.min(from + STEP_MS);
        let missing = context
            .db
            .read_snapshot(move |c| Box::pin(reconcile::quarters(c, from, to)))
            .await?;
        let found = missing.drift();
        if found.sums > 0 {
            context
                .db
                .write(move |c| Box::pin(reconcile::repair_quarters(c, missing)))
                .await?;
        }
        drift.join(found);
        let quarters = Durations::Quarters {
            from_ms: from,
            to_ms: to,
        };
        drift.join(durations(context, quarters).await?);
        from = to;
    }
    Ok(drift)
}

async fn day(context: &Context, begin: i64, end: i64) -> anyhow::Result<Drift> {
    let missing = context
        .db
        .read_snapshot(move |c| Box::pin(reconcile::day(c, begin, end)))
        .await?;
    let found = missing.drift();
    if found.sums > 0 {
        context
            .db
            .write(move |c| Box::pin(reconcile::repair_days(c, missing)))
            .await?;
    }
    Ok(found)
}

async fn durations(context: &Context, part: Durations) -> anyhow::Result<Drift> {
    let db = &context.db;
    let found = db.read_snapshot(move |c| Box::pin(part.drift(c))).await?;
    if found.sums == 0 {
        return Ok(found);
    }
    Ok(db.write(move |c| Box::pin(part.repair(c))).await?)
}
