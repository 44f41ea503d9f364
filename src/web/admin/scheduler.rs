//! What the gateway does by itself: every job with its hours and how its last runs went.

use actix_web::web;
use askama::Template;
use modelgate_domain::{Job, JobOutcome};
use modelgate_store::jobs::{self, JobRun, JobState};
use modelgate_store::{Conn, StoreError};

use super::components::fields::Dot;
use crate::web::page::{Look, Page, PageResult};
use crate::web::shell::{Moment, Shell};
use crate::web::state::WebState;
use crate::web::svg;

pub(super) const PATH: &str = "/admin/scheduler";
/// How many runs the trend shows.
const TREND: i64 = 20;

#[derive(Template)]
#[template(path = "admin/scheduler.html", blocks = ["live"])]
struct SchedulerView<'a> {
    page: &'a Shell,
    at: String,
    zone: String,
    rows: Vec<Row>,
}

struct Row {
    href: String,
    title: String,
    about: String,
    cron: String,
    next: Option<Moment>,
    /// Says that it does not come by itself.
    paused: bool,
    last: Option<Last>,
    trend: String,
}

struct Last {
    at: Moment,
    outcome: Dot,
    took: String,
}

/// How a job stands, with its newest runs first.
pub(super) struct Standing {
    pub(super) state: JobState,
    pub(super) runs: Vec<JobRun>,
}

async fn standings(c: &mut Conn) -> Result<Vec<Standing>, StoreError> {
    let mut all = Vec::new();
    for state in jobs::list(c).await? {
        let runs = jobs::runs(c, state.job, None, TREND).await?;
        all.push(Standing { state, runs });
    }
    Ok(all)
}

pub(super) async fn get(page: Page<Look>, state: web::Data<WebState>) -> PageResult {
    let all = state.db.read(|c| Box::pin(standings(c))).await?;
    let view = SchedulerView {
        page: &page,
        at: page.url(PATH),
        zone: page.business.name().to_owned(),
        rows: all.iter().map(|standing| row(&page, standing)).collect(),
    };
    page.show_or(&view, &view.as_live())
}

fn row(page: &Shell, standing: &Standing) -> Row {
    let Standing { state, runs } = standing;
    Row {
        href: page.url(&format!("{PATH}/{}", state.job)),
        title: title(page, state.job),
        about: page.t_code("job-about-", state.job.as_str()),
        cron: cron(state).to_owned(),
        next: next(page, state),
        paused: state.paused,
        last: runs.first().map(|run| Last {
            at: page.moment(run.started_ms),
            outcome: outcome(page, run.outcome),
            took: took(page, run),
        }),
        trend: trend(runs),
    }
}

/// The name of a job in words.
pub(super) fn title(page: &Shell, job: Job) -> String {
    page.t_code("job-name-", job.as_str())
}

/// The hours that hold for a job.
pub(super) fn cron(state: &JobState) -> &str {
    if state.cron.is_empty() {
        state.job.plan().cron
    } else {
        &state.cron
    }
}

/// When a job runs next by itself; absent where it does not.
pub(super) fn next(page: &Shell, state: &JobState) -> Option<Moment> {
    let comes = !state.paused && state.next_ms != i64::MAX;
    comes.then(|| page.moment(state.next_ms))
}

/// How a run stands, with its colour.
pub(super) fn outcome(page: &Shell, outcome: JobOutcome) -> Dot {
    let kind = match outcome {
        JobOutcome::Running => "info",
        JobOutcome::Success => "success",
        JobOutcome::Failed | JobOutcome::TimedOut => "danger",
        JobOutcome::Cancelled | JobOutcome::Interrupted => "warning",
    };
    Dot::new(kind, page.t_code("job-outcome-", outcome.as_str()))
}

/// How long a run took, or has run so far.
pub(super) fn took(page: &Shell, run: &JobRun) -> String {
    let end = run.finished_ms.unwrap_or(page.now_ms);
    page.duration(&end.saturating_sub(run.started_ms).max(0))
}

/// The durations of runs that came to their end, oldest first, as the points of a line.
fn trend(runs: &[JobRun]) -> String {
    let whole = runs.iter().filter(|run| run.outcome == JobOutcome::Success);
    let mut durations: Vec<i64> = whole
        .filter_map(|run| Some(run.finished_ms?.saturating_sub(run.started_ms).max(1)))
        .collect();
    durations.reverse();
    svg::spark_line(&durations)
}
