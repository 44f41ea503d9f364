//! How each job of [`modelgate_domain::Job`] stands, and its runs.
//!
//! A run is led by a lease: whoever put its name into the row runs the job until the lease ends, and shows from time
//! to time that it still does.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use modelgate_domain::{Job, JobOutcome, JobTrigger};
use serde::{Deserialize, Serialize};

use crate::columns::{Json, Name};
use crate::conn::db;
use crate::schema::{job_runs, jobs};
use crate::{Conn, StoreError};

/// A lease that nobody renews ends after so long.
pub const LEASE_MS: i64 = 60_000;

/// How a job stands.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = jobs)]
pub struct JobState {
    /// Which.
    #[diesel(deserialize_as = Name<Job>, column_name = name)]
    pub job: Job,
    /// When it runs; empty for its default.
    pub cron: String,
    /// Whether its hours pass without a run.
    pub paused: bool,
    /// When its hour comes next, epoch milliseconds.
    pub next_ms: i64,
    /// Why it is to run at once; empty where it is not.
    pub asked: String,
    /// Who wants that.
    pub asked_by: String,
    /// Whether the run that is going on is to stop.
    pub cancelled: bool,
    /// Which instance runs it; empty for none.
    pub locked_by: String,
    /// When the lease ends, epoch milliseconds.
    pub locked_until_ms: i64,
}

/// A run.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = job_runs)]
pub struct JobRun {
    /// Its number.
    pub id: i64,
    /// Of what.
    #[diesel(deserialize_as = Name<Job>)]
    pub job: Job,
    /// Why.
    #[diesel(deserialize_as = Name<JobTrigger>)]
    pub trigger: JobTrigger,
    /// Who asked for it; empty where nobody did.
    pub asked_by: String,
    /// Where it ran.
    pub instance: String,
    /// When it began, epoch milliseconds.
    pub started_ms: i64,
    /// When it ended, epoch milliseconds.
    pub finished_ms: Option<i64>,
    /// How it ended.
    #[diesel(deserialize_as = Name<JobOutcome>)]
    pub outcome: JobOutcome,
    /// How much it did, by what.
    #[diesel(deserialize_as = Json<Counts>)]
    pub counts: Counts,
    /// Its last steps.
    #[diesel(deserialize_as = Json<Vec<Step>>)]
    pub log: Vec<Step>,
    /// Why it failed; empty where it did not.
    pub error: String,
}

/// How much a run did, by the name of a [`modelgate_domain::JobStep`].
pub type Counts = BTreeMap<String, i64>;

/// A step of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// When, epoch milliseconds.
    pub at_ms: i64,
    /// What: the name of a [`modelgate_domain::JobStep`].
    pub what: String,
    /// How many of it.
    pub count: i64,
}

/// What a run tells while it goes on and when it ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// In all.
    pub counts: Counts,
    /// The last steps, oldest first.
    pub log: Vec<Step>,
}

/// Who takes a job, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The name of the instance.
    pub instance: String,
    /// Now, epoch milliseconds.
    pub now_ms: i64,
}

impl Lease {
    fn until_ms(&self) -> i64 {
        self.now_ms.saturating_add(LEASE_MS)
    }
}

/// All jobs. Makes the rows that are missing, due at what `next_ms` says.
pub async fn adopt(c: &mut Conn, missing: &[(Job, i64)]) -> Result<(), StoreError> {
    for (job, next_ms) in missing {
        let row = (jobs::name.eq(job.as_str()), jobs::next_ms.eq(next_ms));
        db!(c, |c| diesel::insert_into(jobs::table)
            .values(row)
            .on_conflict(jobs::name)
            .do_nothing()
            .execute(c)
            .await)?;
    }
    Ok(())
}

/// How every known job stands, in the order of their table.
pub async fn list(c: &mut Conn) -> Result<Vec<JobState>, StoreError> {
    let known: Vec<&str> = Job::ALL.iter().map(|job| job.as_str()).collect();
    let mut rows: Vec<JobState> = db!(c, |c| jobs::table
        .filter(jobs::name.eq_any(&known))
        .select(JobState::as_select())
        .load(c)
        .await)?;
    rows.sort_by_key(|row| Job::ALL.iter().position(|job| *job == row.job));
    Ok(rows)
}

/// Puts off a job whose hour passed: `next_ms` instead of `seen_ms`. False where somebody else did.
pub async fn postpone(
    c: &mut Conn,
    job: Job,
    seen_ms: i64,
    next_ms: i64,
) -> Result<bool, StoreError> {
    let row = jobs::table
        .filter(jobs::name.eq(job.as_str()))
        .filter(jobs::next_ms.eq(seen_ms));
    let changed = db!(c, |c| diesel::update(row)
        .set(jobs::next_ms.eq(next_ms))
        .execute(c)
        .await)?;
    Ok(changed == 1)
}

/// Takes a job as it was `seen` and begins a run of it, whose number it returns; nothing where somebody was faster.
/// Call it through [`crate::Db::write`].
pub async fn claim(
    c: &mut Conn,
    seen: &JobState,
    trigger: JobTrigger,
    next_ms: i64,
    lease: &Lease,
) -> Result<Option<i64>, StoreError> {
    let row = jobs::table
        .filter(jobs::name.eq(seen.job.as_str()))
        .filter(jobs::next_ms.eq(seen.next_ms))
        .filter(jobs::asked.eq(&seen.asked))
        .filter(jobs::locked_by.eq(""));
    let changed = db!(c, |c| diesel::update(row)
        .set((
            jobs::next_ms.eq(next_ms),
            jobs::asked.eq(""),
            jobs::asked_by.eq(""),
            jobs::cancelled.eq(false),
            jobs::locked_by.eq(&lease.instance),
            jobs::locked_until_ms.eq(lease.until_ms()),
        ))
        .execute(c)
        .await)?;
    if changed == 0 {
        return Ok(None);
    }
    let run: i64 = db!(c, |c| diesel::insert_into(job_runs::table)
        .values((
            job_runs::job.eq(seen.job.as_str()),
            job_runs::trigger.eq(trigger.as_str()),
            job_runs::asked_by.eq(&seen.asked_by),
            job_runs::instance.eq(&lease.instance),
            job_runs::started_ms.eq(lease.now_ms),
            job_runs::outcome.eq(JobOutcome::Running.as_str()),
        ))
        .returning(job_runs::id)
        .get_result(c)
        .await)?;
    Ok(Some(run))
}

/// What became of a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewed {
    /// It goes on.
    Held,
    /// Somebody wants the run to stop.
    Cancelled,
    /// The lease ended and is not ours any more.
    Lost,
}

/// Renews the lease of a run and writes down how far it is. Call it through [`crate::Db::write`].
pub async fn renew(
    c: &mut Conn,
    (job, run): (Job, i64),
    progress: &Progress,
    lease: &Lease,
) -> Result<Renewed, StoreError> {
    let row = jobs::table
        .filter(jobs::name.eq(job.as_str()))
        .filter(jobs::locked_by.eq(&lease.instance));
    let cancelled: Option<bool> = db!(c, |c| diesel::update(row)
        .set(jobs::locked_until_ms.eq(lease.until_ms()))
        .returning(jobs::cancelled)
        .get_result(c)
        .await
        .optional())?;
    let Some(cancelled) = cancelled else {
        return Ok(Renewed::Lost);
    };
    tell(c, run, progress).await?;
    Ok(if cancelled {
        Renewed::Cancelled
    } else {
        Renewed::Held
    })
}

async fn tell(c: &mut Conn, run: i64, progress: &Progress) -> Result<(), StoreError> {
    let (counts, log) = (json(&progress.counts)?, json(&progress.log)?);
    db!(c, |c| diesel::update(job_runs::table.find(run))
        .set((job_runs::counts.eq(&counts), job_runs::log.eq(&log)))
        .execute(c)
        .await)?;
    Ok(())
}

fn json(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Corrupt(error.to_string()))
}

/// Ends a run and gives the job back; one that was interrupted is asked to go on. A run that was found interrupted
/// meanwhile stays so. Call it through [`crate::Db::write`].
pub async fn finish(
    c: &mut Conn,
    (job, run): (Job, i64),
    progress: &Progress,
    (outcome, error): (JobOutcome, &str),
    lease: &Lease,
) -> Result<(), StoreError> {
    tell(c, run, progress).await?;
    let open = job_runs::table
        .filter(job_runs::id.eq(run))
        .filter(job_runs::outcome.eq(JobOutcome::Running.as_str()));
    db!(c, |c| diesel::update(open)
        .set((
            job_runs::outcome.eq(outcome.as_str()),
            job_runs::error.eq(error),
            job_runs::finished_ms.eq(lease.now_ms),
        ))
        .execute(c)
        .await)?;
    let ours = jobs::table
        .filter(jobs::name.eq(job.as_str()))
        .filter(jobs::locked_by.eq(&lease.instance));
    let again = (outcome == JobOutcome::Interrupted).then(|| {
        let asked = JobTrigger::Resume.as_str();
        (jobs::asked.eq(asked), jobs::asked_by.eq(""))
    });
    db!(c, |c| diesel::update(ours)
        .set((jobs::locked_by.eq(""), jobs::locked_until_ms.eq(0), again))
        .execute(c)
        .await)?;
    Ok(())
}

/// Marks runs as interrupted whose lease has ended, or of all of them where `alone` says that no other process can
/// live beside this one; asks for the jobs to go on. Returns them. Call it through [`crate::Db::write`].
pub async fn interrupt(c: &mut Conn, now_ms: i64, alone: bool) -> Result<Vec<Job>, StoreError> {
    let ended_ms = if alone { i64::MAX } else { now_ms };
    let mut found = Vec::new();
    for state in list(c).await? {
        if state.locked_by.is_empty() || state.locked_until_ms > ended_ms {
            continue;
        }
        let name = state.job.as_str();
        let row = jobs::table
            .filter(jobs::name.eq(name))
            .filter(jobs::locked_by.eq(&state.locked_by))
            .filter(jobs::locked_until_ms.eq(state.locked_until_ms));
        let changed = db!(c, |c| diesel::update(row)
            .set((
                jobs::locked_by.eq(""),
                jobs::locked_until_ms.eq(0),
                jobs::asked.eq(JobTrigger::Resume.as_str()),
                jobs::asked_by.eq(""),
            ))
            .execute(c)
            .await)?;
        if changed == 0 {
            continue;
        }
        let running = job_runs::table
            .filter(job_runs::job.eq(name))
            .filter(job_runs::outcome.eq(JobOutcome::Running.as_str()));
        db!(c, |c| diesel::update(running)
            .set((
                job_runs::outcome.eq(JobOutcome::Interrupted.as_str()),
                job_runs::finished_ms.eq(now_ms),
            ))
            .execute(c)
            .await)?;
        found.push(state.job);
    }
    Ok(found)
}

/// Asks for a run at once. False where the job is not there yet.
pub async fn ask(c: &mut Conn, job: Job, by: &str) -> Result<bool, StoreError> {
    let asked = JobTrigger::Operator.as_str();
    let changed = db!(c, |c| diesel::update(
        jobs::table.filter(jobs::name.eq(job.as_str()))
    )
    .set((jobs::asked.eq(asked), jobs::asked_by.eq(by)))
    .execute(c)
    .await)?;
    Ok(changed == 1)
}

/// Asks the run that is going on to stop. False where none is.
pub async fn cancel(c: &mut Conn, job: Job) -> Result<bool, StoreError> {
    let row = jobs::table
        .filter(jobs::name.eq(job.as_str()))
        .filter(jobs::locked_by.ne(""));
    let changed = db!(c, |c| diesel::update(row)
        .set(jobs::cancelled.eq(true))
        .execute(c)
        .await)?;
    Ok(changed == 1)
}

/// Lets the hours of a job pass without a run, or no longer.
pub async fn pause(c: &mut Conn, job: Job, paused: bool) -> Result<bool, StoreError> {
    let row = jobs::table.filter(jobs::name.eq(job.as_str()));
    let changed = db!(c, |c| diesel::update(row)
        .set(jobs::paused.eq(paused))
        .execute(c)
        .await)?;
    Ok(changed == 1)
}

/// Gives a job other hours (`cron` empty for its own), the next at `next_ms`.
pub async fn reschedule(
    c: &mut Conn,
    job: Job,
    cron: &str,
    next_ms: i64,
) -> Result<bool, StoreError> {
    let row = jobs::table.filter(jobs::name.eq(job.as_str()));
    let changed = db!(c, |c| diesel::update(row)
        .set((jobs::cron.eq(cron), jobs::next_ms.eq(next_ms)))
        .execute(c)
        .await)?;
    Ok(changed == 1)
}

/// The runs of a job, newest first, before the run `before` where one is given.
pub async fn runs(
    c: &mut Conn,
    job: Job,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<JobRun>, StoreError> {
    Ok(db!(c, |c| job_runs::table
        .filter(job_runs::job.eq(job.as_str()))
        .filter(job_runs::id.lt(before.unwrap_or(i64::MAX)))
        .order(job_runs::id.desc())
        .limit(limit)
        .select(JobRun::as_select())
        .load(c)
        .await)?)
}

/// The last run of each job, in the order of their table.
pub async fn last_runs(c: &mut Conn) -> Result<Vec<JobRun>, StoreError> {
    let mut found = Vec::new();
    for job in Job::ALL {
        found.extend(runs(c, *job, None, 1).await?);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::each_engine;

    const HOUR_MS: i64 = 3_600_000;

    fn lease(instance: &str, now_ms: i64) -> Lease {
        let instance = instance.to_owned();
        Lease { instance, now_ms }
    }

    async fn state(c: &mut Conn, job: Job) -> Result<JobState, StoreError> {
        let rows = list(c).await?;
        Ok(rows.into_iter().find(|row| row.job == job).unwrap())
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_job_is_taken_once_and_given_back() {
        each_engine(async |db| {
            db.write(|c| {
                Box::pin(async move {
                    let job = Job::Archiving;
                    adopt(c, &[(job, HOUR_MS)]).await?;
                    adopt(c, &[(job, 9 * HOUR_MS)]).await?;
                    let seen = state(c, job).await?;
                    assert_eq!(seen.next_ms, HOUR_MS, "a row that is there stays");
                    let next = 2 * HOUR_MS;
                    let by = JobTrigger::Schedule;
                    let first = claim(c, &seen, by, next, &lease("a", HOUR_MS)).await?;
                    let run = first.unwrap();
                    assert_eq!(claim(c, &seen, by, next, &lease("b", HOUR_MS)).await?, None);

                    let mut progress = Progress::default();
                    progress.counts.insert("rows".to_owned(), 7);
                    let at = lease("a", HOUR_MS + 1_000);
                    assert_eq!(renew(c, (job, run), &progress, &at).await?, Renewed::Held);
                    assert!(cancel(c, job).await?);
                    let told = renew(c, (job, run), &progress, &at).await?;
                    assert_eq!(told, Renewed::Cancelled);
                    let told = renew(c, (job, run), &progress, &lease("b", HOUR_MS)).await?;
                    assert_eq!(told, Renewed::Lost);

                    let outcome = (JobOutcome::Cancelled, "");
                    finish(c, (job, run), &progress, outcome, &at).await?;
                    let [kept] = &runs(c, job, None, 10).await?[..] else {
                        panic!("one run");
                    };
                    assert_eq!(kept.outcome, JobOutcome::Cancelled);
                    assert_eq!(kept.counts["rows"], 7);
                    assert_eq!(kept.finished_ms, Some(HOUR_MS + 1_000));
                    let after = state(c, job).await?;
                    assert_eq!((after.next_ms, after.locked_by.as_str()), (next, ""));
                    assert!(!cancel(c, job).await?, "nothing runs");
                    Ok::<_, StoreError>(())
                })
            })
            .await
            .unwrap();
        })
        .await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_run_whose_lease_ended_is_interrupted_and_goes_on() {
        each_engine(async |db| {
            db.write(|c| {
                Box::pin(async move {
                    let job = Job::Retention;
                    adopt(c, &[(job, 0)]).await?;
                    let seen = state(c, job).await?;
                    let by = JobTrigger::Schedule;
                    let run = claim(c, &seen, by, HOUR_MS, &lease("a", 0)).await?.unwrap();
                    assert!(interrupt(c, LEASE_MS - 1, false).await?.is_empty());
                    assert_eq!(interrupt(c, LEASE_MS, false).await?, [job]);
                    assert!(interrupt(c, LEASE_MS, true).await?.is_empty());
                    let asked = state(c, job).await?;
                    assert_eq!(asked.asked, "resume");
                    let late = (JobOutcome::Success, "");
                    finish(
                        c,
                        (job, run),
                        &Progress::default(),
                        late,
                        &lease("a", HOUR_MS),
                    )
                    .await?;
                    let kept = runs(c, job, None, 1).await?.remove(0);
                    assert_eq!(kept.outcome, JobOutcome::Interrupted, "stays so");
                    let again =
                        claim(c, &asked, JobTrigger::Resume, HOUR_MS, &lease("b", 1)).await?;
                    assert!(again.is_some());
                    assert_eq!(interrupt(c, 2, true).await?, [job], "nobody else can live");
                    Ok::<_, StoreError>(())
                })
            })
            .await
            .unwrap();
        })
        .await;
    }
}
