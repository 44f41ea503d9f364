//! Deletes what is older than the settings say it is kept.

use chrono::{DateTime, TimeDelta, Utc};
use modelgate_domain::JobStep;
use modelgate_store::archive;
use modelgate_store::retention::{self, Kind};

use super::context::Context;

/// Requests of the history in one transaction.
const ROWS: u32 = 2_000;
/// Sums by the minute are read for the last day only.
const MINUTES_DAYS: i64 = 3;
/// The storage page looks at the last month.
const SIZES_DAYS: i64 = 400;

pub(super) async fn run(context: &Context) -> anyhow::Result<()> {
    let kept = context.settings.load().runtime.retention;
    let now = context.clock.now();
    history(context, days_before(now, kept.history_days)).await?;
    let table = [
        (Kind::UsageMinutes, JobStep::MinutesDeleted, MINUTES_DAYS),
        (
            Kind::UsageQuarters,
            JobStep::QuartersDeleted,
            kept.quarter_days,
        ),
        (
            Kind::LatencyQuarters,
            JobStep::QuartersDeleted,
            kept.quarter_days,
        ),
        (
            Kind::BusynessMinutes,
            JobStep::QuartersDeleted,
            kept.quarter_days,
        ),
        (Kind::StorageSizes, JobStep::SizesDeleted, SIZES_DAYS),
        (Kind::JobRuns, JobStep::RunsDeleted, kept.job_run_days),
        (Kind::AuditLog, JobStep::AuditDeleted, kept.audit_days),
        (
            Kind::Generations,
            JobStep::GenerationsDeleted,
            kept.audit_days,
        ),
        (Kind::Notices, JobStep::NoticesDeleted, kept.notice_days),
        (
            Kind::ErrorReports,
            JobStep::ErrorReportsDeleted,
            kept.error_report_days,
        ),
        (Kind::HealthEvents, JobStep::HealthDeleted, kept.health_days),
        (Kind::Reports, JobStep::ReportsDeleted, kept.report_days),
        (Kind::Sessions, JobStep::SessionsDeleted, 0),
        (Kind::SetupLinks, JobStep::LinksDeleted, 0),
    ];
    for (kind, step, days) in table {
        let before = days_before(now, days);
        while !context.stopped() {
            let gone = context
                .db
                .write(move |c| Box::pin(retention::batch(c, kind, before)))
                .await?;
            context.tell(step, gone);
            if gone == 0 {
                break;
            }
        }
    }
    Ok(())
}

async fn history(context: &Context, before: DateTime<Utc>) -> anyhow::Result<()> {
    let before_ms = before.timestamp_millis();
    while !context.stopped() {
        let gone = context
            .db
            .write(move |c| Box::pin(archive::expire(c, before_ms, ROWS)))
            .await?;
        context.tell(JobStep::HistoryDeleted, gone);
        if gone == 0 {
            break;
        }
    }
    Ok(())
}

fn days_before(now: DateTime<Utc>, days: i64) -> DateTime<Utc> {
    let kept = TimeDelta::try_days(days).unwrap_or(TimeDelta::MAX);
    now.checked_sub_signed(kept).unwrap_or(DateTime::UNIX_EPOCH)
}
