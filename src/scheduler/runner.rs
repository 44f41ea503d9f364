//! Looks once a second which jobs are due, takes them by a lease, runs them, and writes down how they fare.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono_tz::Tz;
use futures_util::FutureExt as _;
use modelgate_domain::{Job, JobOutcome, JobTrigger};
use modelgate_store::jobs::{self, JobState, Lease, Renewed};
use modelgate_store::{Db, StoreError};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_cron_scheduler::{Job as Tick, JobScheduler, JobSchedulerError};

use super::context::{Context, Stop, Told};
use super::due::{Due, due, next_ms};
use crate::assistant::Assistant;
use crate::clock::Clock;
use crate::config::LiveSettings;
use crate::notices::{Kind, News, Teller};

/// When the clock ticks: every second, with the seconds field of the library that ticks.
const EVERY_SECOND: &str = "* * * * * *";
/// A lease is renewed so often, and sooner where a run has something to tell.
const RENEW_MS: i64 = 15_000;
const TELL_MS: i64 = 2_000;
/// A run that was told to stop is given so long to come to the end of a piece.
const STOPPING: Duration = Duration::from_secs(30);
/// Between tries to write down how a run ended.
const AGAIN: Duration = Duration::from_secs(5);
const TRIES: u32 = 8;

/// What the scheduler rests on.
pub struct SchedulerParts {
    /// Where jobs stand and what they work on.
    pub db: Db,
    /// What time it is.
    pub clock: Clock,
    /// The business time zone.
    pub zone: Tz,
    /// The settings in force.
    pub settings: LiveSettings,
    /// Asks models; absent where no gateway listens.
    pub assistant: Option<Arc<Assistant>>,
    /// Where backups go; absent where none are made.
    pub backup_dir: Option<PathBuf>,
    /// The name of this instance.
    pub instance: String,
    /// Where it is told that a job did not do its work.
    pub teller: Teller,
    /// Whether no other process can live beside this one.
    pub alone: bool,
}

/// Runs the jobs that are due.
pub struct Scheduler {
    parts: SchedulerParts,
    adopted: AtomicBool,
    running: Mutex<HashMap<Job, Running>>,
}

struct Running {
    run: i64,
    told: Told,
    stop: watch::Sender<Stop>,
    task: JoinHandle<()>,
    renewed_ms: i64,
}

impl Scheduler {
    /// Knows what to do; does nothing before it is ticked or run.
    pub fn new(parts: SchedulerParts) -> Self {
        Self {
            parts,
            adopted: AtomicBool::new(false),
            running: Mutex::default(),
        }
    }

    /// Ticks every second until `shutdown` holds true; then runs are told to stop and are to go on elsewhere, or at
    /// the next start.
    pub async fn run(
        self: Arc<Self>,
        mut shutdown: watch::Receiver<bool>,
    ) -> Result<(), JobSchedulerError> {
        let mut clock = JobScheduler::new().await?;
        let (scheduler, one_at_a_time) = (Arc::clone(&self), Arc::new(tokio::sync::Mutex::new(())));
        let tick = Tick::new_async(EVERY_SECOND, move |_, _| {
            let (scheduler, turn) = (Arc::clone(&scheduler), Arc::clone(&one_at_a_time));
            Box::pin(async move {
                let Ok(_turn) = turn.try_lock() else { return };
                if let Err(error) = scheduler.tick().await {
                    // The journal and the catalog say aloud that the database is away.
                    tracing::debug!(%error, "jobs wait");
                }
            })
        })?;
        clock.add(tick).await?;
        clock.start().await?;
        drop(shutdown.wait_for(|ended| *ended).await);
        let stopped = clock.shutdown().await;
        self.stop().await;
        stopped
    }

    /// Looks once: takes what is due, renews what runs.
    pub async fn tick(&self) -> Result<(), StoreError> {
        let now_ms = self.parts.clock.now_ms();
        if !self.adopted.load(Ordering::Relaxed) {
            self.adopt(now_ms).await?;
            self.adopted.store(true, Ordering::Relaxed);
        }
        self.renew(now_ms).await?;
        let states = self.states().await?;
        let lost =
            |state: &JobState| !state.locked_by.is_empty() && state.locked_until_ms <= now_ms;
        if states.iter().any(lost) {
            self.interrupt(now_ms, false).await?;
        }
        for state in states {
            self.consider(state, now_ms).await?;
        }
        Ok(())
    }

    /// Resolves when nothing runs here any more.
    pub async fn idle(&self) {
        loop {
            let running = std::mem::take(&mut *self.running());
            if running.is_empty() {
                return;
            }
            for (job, running) in running {
                if running.task.await.is_err() {
                    tracing::error!(%job, "the task of a job died");
                }
            }
        }
    }

    /// Tells everything that runs to stop, and waits for it.
    async fn stop(&self) {
        for running in self.running().values() {
            running.stop.send_replace(Stop::Interrupted);
        }
        self.idle().await;
    }

    fn lease(&self, now_ms: i64) -> Lease {
        Lease {
            instance: self.parts.instance.clone(),
            now_ms,
        }
    }

    fn running(&self) -> MutexGuard<'_, HashMap<Job, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn states(&self) -> Result<Vec<JobState>, StoreError> {
        self.parts.db.read(|c| Box::pin(jobs::list(c))).await
    }

    /// At the first tick: rows for new jobs, hours by the time zone of today, and runs of a process that is no more.
    async fn adopt(&self, now_ms: i64) -> Result<(), StoreError> {
        let zone = self.parts.zone;
        let first: Vec<(Job, i64)> = Job::ALL
            .iter()
            .map(|job| (*job, next_ms(*job, "", now_ms, zone)))
            .collect();
        self.parts
            .db
            .write(move |c| Box::pin(async move { jobs::adopt(c, &first).await }))
            .await?;
        self.interrupt(now_ms, self.parts.alone).await?;
        for state in self.states().await? {
            let next = next_ms(state.job, &state.cron, now_ms, zone);
            if state.next_ms > now_ms && state.next_ms != next {
                self.postpone(&state, next).await?;
            }
        }
        Ok(())
    }

    async fn interrupt(&self, now_ms: i64, alone: bool) -> Result<(), StoreError> {
        let found = self
            .parts
            .db
            .write(move |c| Box::pin(jobs::interrupt(c, now_ms, alone)))
            .await?;
        for job in found {
            tracing::warn!(%job, "a run was interrupted; it goes on");
            let news = News::new(Kind::JobInterrupted, job.as_str(), now_ms);
            self.parts.teller.tell(news.with("job", job.as_str()));
        }
        Ok(())
    }

    async fn postpone(&self, state: &JobState, next_ms: i64) -> Result<bool, StoreError> {
        let (job, seen_ms) = (state.job, state.next_ms);
        self.parts
            .db
            .write(move |c| Box::pin(jobs::postpone(c, job, seen_ms, next_ms)))
            .await
    }

    async fn consider(&self, state: JobState, now_ms: i64) -> Result<(), StoreError> {
        if self.running().contains_key(&state.job) {
            return Ok(());
        }
        match due(&state, now_ms, self.parts.zone) {
            Due::No => {}
            Due::Skip { next_ms } => {
                self.postpone(&state, next_ms).await?;
            }
            Due::Run { trigger, next_ms } => self.take(state, trigger, next_ms, now_ms).await?,
        }
        Ok(())
    }

    async fn take(
        &self,
        state: JobState,
        trigger: JobTrigger,
        next_ms: i64,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let (job, lease) = (state.job, self.lease(now_ms));
        let taken = self
            .parts
            .db
            .write(move |c| {
                Box::pin(async move { jobs::claim(c, &state, trigger, next_ms, &lease).await })
            })
            .await?;
        let Some(run) = taken else { return Ok(()) };
        let (stop, stopping) = watch::channel(Stop::No);
        let told = Told::default();
        let context = Context {
            db: self.parts.db.clone(),
            clock: self.parts.clock.clone(),
            zone: self.parts.zone,
            settings: Arc::clone(&self.parts.settings),
            assistant: self.parts.assistant.as_ref().map(Arc::clone),
            backup_dir: self.parts.backup_dir.clone(),
            told: told.clone(),
            teller: self.parts.teller.clone(),
            stop: stopping,
        };
        let (instance, teller) = (self.parts.instance.clone(), self.parts.teller.clone());
        let work = work((job, run), context, instance, teller);
        let running = Running {
            run,
            told,
            stop,
            task: self.parts.db.runtime().spawn(work),
            renewed_ms: now_ms,
        };
        self.running().insert(job, running);
        Ok(())
    }

    /// Shows that runs go on and what they did, and passes on that somebody wants them to stop.
    async fn renew(&self, now_ms: i64) -> Result<(), StoreError> {
        let mut due = Vec::new();
        {
            let mut running = self.running();
            running.retain(|_, running| !running.task.is_finished());
            for (job, running) in &mut *running {
                let since = now_ms.saturating_sub(running.renewed_ms);
                if since >= RENEW_MS || (since >= TELL_MS && running.told.changed()) {
                    running.renewed_ms = now_ms;
                    due.push((*job, running.run, running.told.all()));
                }
            }
        }
        for (job, run, progress) in due {
            let lease = self.lease(now_ms);
            let renewed = self
                .parts
                .db
                .write(move |c| {
                    Box::pin(async move { jobs::renew(c, (job, run), &progress, &lease).await })
                })
                .await?;
            let stop = match renewed {
                Renewed::Held => continue,
                Renewed::Cancelled => Stop::Cancelled,
                Renewed::Lost => Stop::Interrupted,
            };
            if let Some(running) = self.running().get(&job) {
                running.stop.send_replace(stop);
            }
        }
        Ok(())
    }
}

/// One run, from its first piece to the row that says how it ended.
async fn work((job, run): (Job, i64), context: Context, instance: String, teller: Teller) {
    let deadline = Duration::from_secs(job.plan().deadline_s);
    let (outcome, error) = drive(super::run(job, &context), deadline, &context.stop).await;
    let failed = match outcome {
        JobOutcome::Failed => Some(Kind::JobFailed),
        JobOutcome::TimedOut => Some(Kind::JobTimedOut),
        _ => None,
    };
    match failed {
        Some(kind) => {
            tracing::error!(%job, %outcome, error, "a job did not do its work");
            let news = News::new(kind, job.as_str(), context.clock.now_ms());
            teller.tell(news.with("job", job.as_str()).with("detail", &*error));
        }
        None => tracing::info!(%job, %outcome, "a job ended"),
    }
    for _ in 0..TRIES {
        let (progress, error) = (context.told.all(), error.clone());
        let lease = Lease {
            instance: instance.clone(),
            now_ms: context.clock.now_ms(),
        };
        let written: Result<(), StoreError> = context
            .db
            .write(move |c| {
                Box::pin(async move {
                    jobs::finish(c, (job, run), &progress, (outcome, &error), &lease).await
                })
            })
            .await;
        match written {
            Ok(()) => return,
            // Its lease ends, and it is found interrupted.
            Err(error) => tracing::warn!(%job, %error, "how a job ended is not written down yet"),
        }
        sleep(AGAIN).await;
    }
}

/// Does the work within its deadline; says how that ended and, where it failed, why.
async fn drive(
    work: impl Future<Output = anyhow::Result<()>>,
    deadline: Duration,
    told: &watch::Receiver<Stop>,
) -> (JobOutcome, String) {
    let work = AssertUnwindSafe(work).catch_unwind();
    let mut stop = told.clone();
    let stuck = async {
        if stop.wait_for(|stop| *stop != Stop::No).await.is_err() {
            std::future::pending::<()>().await;
        }
        sleep(STOPPING).await;
    };
    let ended = tokio::select! {
        ended = timeout(deadline, work) => Some(ended),
        () = stuck => None,
    };
    let why = *told.borrow();
    let stopped = match why {
        Stop::No => None,
        Stop::Cancelled => Some(JobOutcome::Cancelled),
        Stop::Interrupted => Some(JobOutcome::Interrupted),
    };
    match (ended, stopped) {
        (Some(Ok(Ok(Err(error)))), _) => (JobOutcome::Failed, format!("{error:#}")),
        (Some(Ok(Err(_panic))), _) => (JobOutcome::Failed, "it panicked".to_owned()),
        (_, Some(stopped)) => (stopped, String::new()),
        (Some(Ok(Ok(Ok(())))), None) => (JobOutcome::Success, String::new()),
        (Some(Err(_)) | None, None) => {
            let after = format!("not done after {} s", deadline.as_secs());
            (JobOutcome::TimedOut, after)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    async fn driven(
        work: impl Future<Output = anyhow::Result<()>>,
        told: Stop,
    ) -> (JobOutcome, String) {
        let (stop, stopping) = watch::channel(told);
        let ended = drive(work, HOUR, &stopping).await;
        drop(stop);
        ended
    }

    #[tokio::test(start_paused = true)]
    async fn what_outlasts_its_deadline_is_ended() {
        let (outcome, why) = driven(std::future::pending(), Stop::No).await;
        assert_eq!(outcome, JobOutcome::TimedOut);
        assert_eq!(why, "not done after 3600 s");
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_stop_when_it_is_told_to_is_ended() {
        for (told, outcome) in [
            (Stop::Cancelled, JobOutcome::Cancelled),
            (Stop::Interrupted, JobOutcome::Interrupted),
        ] {
            assert_eq!(driven(std::future::pending(), told).await.0, outcome);
        }
    }

    #[tokio::test]
    async fn a_panic_and_an_error_are_failures_even_of_what_was_to_stop() {
        let failed = driven(async { anyhow::bail!("no disk") }, Stop::Cancelled).await;
        assert_eq!(failed, (JobOutcome::Failed, "no disk".to_owned()));
        let panicked = driven(async { panic!("oh") }, Stop::No).await;
        assert_eq!(panicked.0, JobOutcome::Failed);
        let done = driven(async { Ok(()) }, Stop::No).await;
        assert_eq!(done, (JobOutcome::Success, String::new()));
    }
}
