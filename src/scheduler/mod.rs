//! The work the gateway does by itself. [`modelgate_domain::Job`] is the table of jobs with their hours; here is what
//! each does, one file a job, and the runner that gives all of them the same things: a lease, so that one instance
//! runs it, a deadline, a way to stop, and a row that tells what it did.
//!
//! A job may be repeated at any time: it works in bounded pieces, each whole in itself, and stops between two of them.

mod archiving;
mod backup;
mod context;
mod daily_aggregation;
mod database_care;
mod due;
mod error_reports;
mod reports;
mod retention;
mod runner;
mod timeout_cleanup;

use futures_util::future::BoxFuture;
use modelgate_domain::Job;

use context::Context;
pub use runner::{Scheduler, SchedulerParts};

/// Does the work of a job.
fn run(job: Job, context: &Context) -> BoxFuture<'_, anyhow::Result<()>> {
    match job {
        Job::TimeoutCleanup => Box::pin(timeout_cleanup::run(context)),
        Job::DailyAggregation => Box::pin(daily_aggregation::run(context)),
        Job::Archiving => Box::pin(archiving::run(context)),
        Job::Retention => Box::pin(retention::run(context)),
        Job::ErrorReports => Box::pin(error_reports::run(context)),
        Job::DatabaseCare => Box::pin(database_care::run(context)),
        Job::Backup => Box::pin(backup::run(context)),
        Job::Reports => Box::pin(reports::run(context)),
    }
}
