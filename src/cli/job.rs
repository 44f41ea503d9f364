//! `modelgate job`: what the gateway does by itself.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use chrono::{DateTime, SecondsFormat};
use modelgate_domain::{Job, JobOutcome};
use modelgate_store::jobs::{self, JobRun, JobState};
use modelgate_store::{Db, StoreError, changes, instances};
use serde_json::json;

use super::args::{JobCommand, JobPauseArgs, JobRunArgs};
use super::config::saved_in;
use super::output::Output;
use super::{CliError, Session};
use crate::config::Effective;
use crate::notices::Teller;
use crate::scheduler::{Scheduler, SchedulerParts};

/// How often a run on another process is looked at.
const EVERY: Duration = Duration::from_millis(500);
/// A server takes what is asked for within a second, unless it is gone.
const TAKEN: Duration = Duration::from_secs(30);
/// Who asks, in the list of runs.
const WHO: &str = "command line";

/// Runs one of the commands.
pub(super) async fn run(
    session: &Session,
    command: &JobCommand,
    out: &mut Output,
) -> Result<(), CliError> {
    match command {
        JobCommand::List(_) => list(session, out).await,
        JobCommand::Run(args) => run_now(session, args, out).await,
        JobCommand::Pause(args) => pause(session, args, true, out).await,
        JobCommand::Resume(args) => pause(session, args, false, out).await,
    }
}

fn named(name: &str) -> Result<Job, CliError> {
    name.parse().map_err(|_unknown| {
        let known: Vec<&str> = Job::ALL.iter().map(|job| job.as_str()).collect();
        CliError::Usage(format!(
            "there is no job {name:?}; the jobs are {}",
            known.join(", ")
        ))
    })
}

fn time(ms: i64) -> Option<String> {
    let at = DateTime::from_timestamp_millis(ms).filter(|_| ms != i64::MAX)?;
    Some(at.to_rfc3339_opts(SecondsFormat::Secs, true))
}

async fn list(session: &Session, out: &mut Output) -> Result<(), CliError> {
    let db = session.open_existing().await?;
    let (states, last) = db
        .read(|c| {
            Box::pin(async move {
                let states = jobs::list(c).await?;
                Ok::<_, StoreError>((states, jobs::last_runs(c).await?))
            })
        })
        .await?;
    let hours = |state: &JobState| match state.cron.as_str() {
        "" => state.job.plan().cron.to_owned(),
        cron => cron.to_owned(),
    };
    let next = |state: &JobState| time(state.next_ms).filter(|_| !state.paused);
    let last_of = |state: &JobState| last.iter().find(|run| run.job == state.job);
    let dash = || "-".to_owned();
    let rows: Vec<Vec<String>> = states
        .iter()
        .map(|state| {
            let last = last_of(state);
            let paused = || {
                if state.paused {
                    "paused".to_owned()
                } else {
                    dash()
                }
            };
            vec![
                state.job.to_string(),
                hours(state),
                next(state).unwrap_or_else(paused),
                last.and_then(|run| time(run.started_ms))
                    .unwrap_or_else(dash),
                last.map_or_else(dash, |run| run.outcome.to_string()),
            ]
        })
        .collect();
    out.table(&["JOB", "WHEN", "NEXT", "LAST", "OUTCOME"], &rows)?;
    let list: Vec<_> = states
        .iter()
        .map(|state| {
            json!({
                "job": state.job,
                "cron": hours(state),
                "time_zone": session.config.time_zone.name(),
                "paused": state.paused,
                "next": next(state),
                "last": last_of(state).map(told),
            })
        })
        .collect();
    out.json(&list)
}

fn told(run: &JobRun) -> serde_json::Value {
    json!({
        "id": run.id,
        "started": time(run.started_ms),
        "finished": run.finished_ms.and_then(time),
        "outcome": run.outcome,
        "trigger": run.trigger,
        "counts": run.counts,
        "error": run.error,
    })
}

/// Lets a server run the job and waits for it; does the work here where no server lives.
async fn run_now(session: &Session, args: &JobRunArgs, out: &mut Output) -> Result<(), CliError> {
    let job = named(&args.job)?;
    let db = session.open_migrated().await?;
    let now_ms = session.clock.now_ms();
    let living = db
        .read(move |c| Box::pin(instances::living(c, now_ms)))
        .await?;
    let here = living.is_empty().then(|| scheduler(session, &db));
    let here = match here {
        Some(made) => Some(made.await?),
        None => None,
    };
    if let Some(scheduler) = &here {
        // Makes the rows of jobs that nobody has looked at yet.
        scheduler.tick().await?;
        scheduler.idle().await;
    }
    let before = newest(&db, job).await?.map_or(0, |run| run.id);
    let entry = session.change("job.run", format!("job {job}"));
    let asked = db
        .write(move |c| {
            Box::pin(async move {
                let asked = jobs::ask(c, job, WHO).await?;
                changes::note(c, &entry).await?;
                Ok::<_, StoreError>(asked)
            })
        })
        .await?;
    if !asked {
        return Err(CliError::Failed(
            "no server of this version has looked at its jobs yet".to_owned(),
        ));
    }
    let run = match here {
        Some(scheduler) => {
            scheduler.tick().await?;
            scheduler.idle().await;
            newest(&db, job).await?.filter(|run| run.id > before)
        }
        None => watched(&db, job, before).await?,
    };
    let Some(run) = run else {
        return Err(CliError::Failed(
            "no server has taken the job; see `modelgate job list`".to_owned(),
        ));
    };
    let did: Vec<String> = run
        .counts
        .iter()
        .map(|(what, count)| format!("{what} {count}"))
        .collect();
    let did = if did.is_empty() {
        "nothing was to be done".to_owned()
    } else {
        did.join(", ")
    };
    out.json(&told(&run))?;
    if run.outcome == JobOutcome::Success {
        return out.say(format_args!("{job}: {did}"));
    }
    Err(CliError::Failed(format!(
        "{job}: {}: {}",
        run.outcome, run.error
    )))
}

async fn newest(db: &Db, job: Job) -> Result<Option<JobRun>, StoreError> {
    let runs = db
        .read(move |c| Box::pin(jobs::runs(c, job, None, 1)))
        .await?;
    Ok(runs.into_iter().next())
}

/// The run after `before`, once it has ended; nothing where no server begins one.
async fn watched(db: &Db, job: Job, before: i64) -> Result<Option<JobRun>, StoreError> {
    let mut waited = Duration::ZERO;
    loop {
        match newest(db, job).await?.filter(|run| run.id > before) {
            Some(run) if run.outcome != JobOutcome::Running => return Ok(Some(run)),
            Some(_) => {}
            None if waited >= TAKEN => return Ok(None),
            None => waited += EVERY,
        }
        tokio::time::sleep(EVERY).await;
    }
}

async fn scheduler(session: &Session, db: &Db) -> Result<Scheduler, StoreError> {
    let saved = saved_in(db).await?;
    let saved = saved
        .iter()
        .map(|(key, text)| (key.as_str(), text.as_str()));
    let effective = Effective::merge(&session.config, saved);
    Ok(Scheduler::new(SchedulerParts {
        db: db.clone(),
        clock: session.clock.clone(),
        zone: session.config.time_zone,
        settings: Arc::new(ArcSwap::from_pointee(effective)),
        // No gateway listens, or it would run the job.
        assistant: None,
        backup_dir: session.config.backup_dir.clone(),
        instance: WHO.to_owned(),
        // Whoever asked reads how it went; nobody has to be told besides.
        teller: Teller::new().0,
        alone: session.config.embedded_database(),
    }))
}

async fn pause(
    session: &Session,
    args: &JobPauseArgs,
    paused: bool,
    out: &mut Output,
) -> Result<(), CliError> {
    let job = named(&args.job)?;
    let db = session.open_existing().await?;
    let mut entry = session.change("job.update", format!("job {job}"));
    entry.after = Some(json!({ "paused": paused }));
    let there = db
        .write(move |c| {
            Box::pin(async move {
                let there = jobs::pause(c, job, paused).await?;
                changes::note(c, &entry).await?;
                Ok::<_, StoreError>(there)
            })
        })
        .await?;
    if !there {
        return Err(CliError::Failed(
            "no server of this version has looked at its jobs yet".to_owned(),
        ));
    }
    out.say(if paused {
        format!("{job} runs only when it is asked for")
    } else {
        format!("{job} runs at its hours again")
    })?;
    out.json(&json!({ "job": job, "paused": paused }))
}
