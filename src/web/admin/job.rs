//! One job: its hours, with what they come to, and its runs.

use actix_web::web;
use askama::Template;
use futures_util::future::BoxFuture;
use modelgate_domain::{Cron, Job};
use modelgate_store::jobs::{self, JobRun, JobState};
use modelgate_store::{Conn, StoreError, changes};
use serde::Deserialize;
use serde_json::{Value, json};

use super::components::fields::{Dot, answer, change, save};
use super::components::version::{self, Opened};
use super::scheduler::{PATH, cron, next, outcome, title, took};
use crate::i18n::format;
use crate::web::error::PageError;
use crate::web::flash::Toast;
use crate::web::form::{Form, FormState};
use crate::web::page::{Configure, Known, Look, Operate, Page, PageResult};
use crate::web::routes::Routes;
use crate::web::shell::{Moment, Shell};
use crate::web::state::WebState;

/// Runs on one page.
const RUNS: i64 = 20;
/// Times that new hours are shown to come to.
const PREVIEW: usize = 5;

#[derive(Template)]
#[template(path = "admin/job.html", blocks = ["runs"])]
struct JobView<'a> {
    page: &'a Shell,
    at: String,
    list: String,
    title: String,
    about: String,
    zone: String,
    default: &'static str,
    paused: bool,
    is_running: bool,
    next: Option<Moment>,
    state: FormState,
    preview: Vec<Moment>,
    runs: Vec<Run>,
    newest: String,
    older: String,
}

struct Run {
    started: Moment,
    took: String,
    outcome: Dot,
    trigger: String,
    instance: String,
    /// What it did, in words.
    did: Vec<String>,
    error: String,
    log: Vec<(Moment, String)>,
}

#[derive(Deserialize)]
struct RunsQuery {
    before: Option<i64>,
}

pub(super) fn routes(routes: &mut Routes<'_>) {
    let at = |rest: &str| format!("{PATH}/{{job}}{rest}");
    routes
        .get(&at(""), get)
        .post(&at(""), post)
        .post(&at("/pause"), pause)
        .post(&at("/run"), run)
        .post(&at("/cancel"), cancel);
}

fn named(name: &str) -> Result<Job, PageError> {
    name.parse().map_err(|_unknown| PageError::NotFound)
}

async fn read(
    c: &mut Conn,
    job: Job,
    before: Option<i64>,
) -> Result<Option<(JobState, Vec<JobRun>)>, StoreError> {
    let states = jobs::list(c).await?;
    let Some(state) = states.into_iter().find(|state| state.job == job) else {
        return Ok(None);
    };
    let runs = jobs::runs(c, job, before, RUNS + 1).await?;
    Ok(Some((state, runs)))
}

async fn load(
    state: &WebState,
    job: Job,
    before: Option<i64>,
) -> Result<(JobState, Vec<JobRun>), PageError> {
    let loaded = state
        .db
        .read(move |c| Box::pin(async move { read(c, job, before).await }))
        .await?;
    loaded.ok_or(PageError::NotFound)
}

async fn get(
    page: Page<Look>,
    state: web::Data<WebState>,
    name: web::Path<String>,
    query: web::Query<RunsQuery>,
) -> PageResult {
    let job = named(&name)?;
    let loaded = load(&state, job, query.before).await?;
    let form_state = version::stamped(stored(&loaded.0), &object(job));
    let view = view(&page, loaded, query.before, form_state);
    page.show_or(&view, &view.as_runs())
}

/// The field of what is stored.
fn stored(job: &JobState) -> FormState {
    FormState::default().with("cron", cron(job))
}

/// What the audit log calls it.
fn object(job: Job) -> String {
    format!("job {job}")
}

fn view(
    page: &Shell,
    (job, mut runs): (JobState, Vec<JobRun>),
    before: Option<i64>,
    state: FormState,
) -> JobView<'_> {
    let list = page.url(PATH);
    let at = format!("{list}/{}", job.job);
    let most = usize::try_from(RUNS).unwrap_or(usize::MAX);
    let more = runs.len() > most;
    runs.truncate(most);
    let last = runs.last().filter(|_| more).map(|run| run.id);
    let asked = state.value("cron").parse::<Cron>().ok();
    let preview = asked.map(|cron| cron.upcoming(page.now_ms, page.business, PREVIEW));
    JobView {
        page,
        title: title(page, job.job),
        about: page.t_code("job-about-", job.job.as_str()),
        zone: page.business.name().to_owned(),
        default: job.job.plan().cron,
        paused: job.paused,
        is_running: !job.locked_by.is_empty() || !job.asked.is_empty(),
        next: next(page, &job),
        state,
        preview: preview
            .unwrap_or_default()
            .into_iter()
            .map(|ms| page.moment_in(ms, page.business))
            .collect(),
        newest: before.map_or_else(String::new, |_| at.clone()),
        older: last.map_or_else(String::new, |id| format!("{at}?before={id}")),
        runs: runs.into_iter().map(|run| shown(page, run)).collect(),
        at,
        list,
    }
}

fn shown(page: &Shell, run: JobRun) -> Run {
    let step = |what: &str, count: i64| {
        // Nano-units say nothing to anybody.
        let count = match what {
            "drift_cost_nanos" => modelgate_domain::money::format_nanos(count),
            "backup_bytes" => format::bytes(count),
            _ => page.integer(&count),
        };
        page.t1(
            &format!("job-step-{}", what.replace('_', "-")),
            "count",
            count,
        )
    };
    let mut trigger = page.t_code("job-trigger-", run.trigger.as_str());
    if !run.asked_by.is_empty() {
        trigger = page.t1("job-trigger-by", "name", run.asked_by.as_str());
    }
    Run {
        started: page.moment(run.started_ms),
        took: took(page, &run),
        outcome: outcome(page, run.outcome),
        trigger,
        did: run.counts.iter().map(|(what, n)| step(what, *n)).collect(),
        log: run
            .log
            .iter()
            .map(|line| (page.moment(line.at_ms), step(&line.what, line.count)))
            .collect(),
        error: run.error,
        instance: run.instance,
    }
}

/// New hours; the form comes back with what they come to where that is asked for.
async fn post(
    page: Page<Configure>,
    state: web::Data<WebState>,
    name: web::Path<String>,
    form: Form,
) -> PageResult {
    let job = named(&name)?;
    let loaded = load(&state, job, None).await?;
    let text = form.text("cron").trim().to_owned();
    let mut form_state = form.state();
    let wanted = if text == job.plan().cron {
        String::new()
    } else {
        text
    };
    let hours = if wanted.is_empty() {
        job.plan().cron
    } else {
        &wanted
    };
    let next_ms = match hours.parse::<Cron>() {
        Ok(cron) => cron.after(page.now_ms, page.business),
        Err(bad) => {
            let why = page.t1("admin-job-bad-cron", "why", bad.to_string());
            form_state.fail("cron", why);
            let view = view(&page, loaded, None, form_state);
            return page.invalid_or(&view, &view);
        }
    };
    if form.text("do") == "preview" {
        let view = view(&page, loaded, None, form_state);
        return page.show(&view);
    }
    let (after, before) = (json!({ "cron": hours }), json!({ "cron": cron(&loaded.0) }));
    let mut entry = change(&page, &state, "job.update", object(job), Some(after));
    entry.before = Some(before);
    let next_ms = next_ms.unwrap_or(i64::MAX);
    let opened = Opened::of(&form);
    let saved = save(&page, &state, &form, move |c| {
        Box::pin(async move {
            let now = read(c, job, None).await?.ok_or(PageError::NotFound)?;
            opened.check(c, &stored(&now.0), &object(job)).await?;
            jobs::reschedule(c, job, &wanted, next_ms).await?;
            changes::note(c, &entry).await?;
            Ok(())
        })
    });
    let told = page.t("admin-job-saved");
    answer(
        &page,
        saved.await?,
        (&format!("{PATH}/{job}"), told),
        |form_state| {
            let view = view(&page, loaded, None, form_state);
            page.invalid_or(&view, &view)
        },
    )
}

fn back(page: &Page<impl Known>, job: Job, key: &str) -> PageResult {
    let to = format!("{PATH}/{job}");
    page.redirect_with(&to, &Toast::success(page.t(key)))
}

/// Does something to a job and notes who wanted it.
async fn noted(
    page: &Page<impl Known>,
    state: &WebState,
    (action, job, after): (&str, Job, Option<Value>),
    work: impl for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Result<bool, StoreError>> + Send + 'static,
) -> Result<bool, PageError> {
    let entry = change(page, state, action, object(job), after);
    let done = state.db.write(move |c| {
        Box::pin(async move {
            let done = work(c).await?;
            changes::note(c, &entry).await?;
            Ok::<_, StoreError>(done)
        })
    });
    Ok(done.await?)
}

async fn pause(
    page: Page<Configure>,
    state: web::Data<WebState>,
    name: web::Path<String>,
    form: Form,
) -> PageResult {
    let job = named(&name)?;
    let paused = match form.text("to") {
        "on" => true,
        "off" => false,
        _ => return Err(PageError::BadRequest),
    };
    let entry = Some(json!({ "paused": paused }));
    let there = noted(&page, &state, ("job.update", job, entry), move |c| {
        Box::pin(jobs::pause(c, job, paused))
    })
    .await?;
    if !there {
        return Err(PageError::NotFound);
    }
    let told = if paused {
        "admin-job-paused"
    } else {
        "admin-job-resumed"
    };
    back(&page, job, told)
}

/// Asks for a run; whichever instance looks first takes it.
async fn run(
    page: Page<Operate>,
    state: web::Data<WebState>,
    name: web::Path<String>,
    _form: Form,
) -> PageResult {
    let (job, by) = (named(&name)?, page.actor().to_owned());
    let there = noted(&page, &state, ("job.run", job, None), move |c| {
        Box::pin(async move { jobs::ask(c, job, &by).await })
    })
    .await?;
    if !there {
        return Err(PageError::NotFound);
    }
    back(&page, job, "admin-job-asked")
}

async fn cancel(
    page: Page<Operate>,
    state: web::Data<WebState>,
    name: web::Path<String>,
    _form: Form,
) -> PageResult {
    let job = named(&name)?;
    let stopping = noted(&page, &state, ("job.cancel", job, None), move |c| {
        Box::pin(jobs::cancel(c, job))
    })
    .await?;
    let told = if stopping {
        "admin-job-cancelled"
    } else {
        "admin-job-not-running"
    };
    back(&page, job, told)
}
