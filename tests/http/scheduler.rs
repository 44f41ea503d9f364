//! Jobs on a database of each engine, with a clock that stands.

use std::sync::Arc;

use modelgate_domain::{
    ApiKeyId, Job, JobOutcome, JobTrigger, RequestId, RequestRecord, Secret, Status,
};
use modelgate_store::drain::{self, Batch, Entry};
use modelgate_store::jobs::{self, JobRun, JobState};
use modelgate_store::{Db, StoreError, archive};

use modelgate::clock::Clock;
use modelgate::config::{Config, Effective, MapEnv};
use modelgate::notices::{Inbox, Kind, Teller};
use modelgate::scheduler::{Scheduler, SchedulerParts};
use tokio::runtime::Handle;

use crate::support::{Engine, TestDatabase};

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;
/// 2026-11-20, midnight.
pub(crate) const START: i64 = 20_777 * DAY_MS;

/// A migrated, empty database of each engine, without a gateway.
pub(crate) async fn each_engine(case: impl AsyncFn(&Db, &TestDatabase)) {
    on_engines(&[Engine::Sqlite, Engine::Postgres], case).await;
}

async fn on_engines(engines: &[Engine], case: impl AsyncFn(&Db, &TestDatabase)) {
    for engine in engines.iter().copied() {
        let Some(database) = TestDatabase::create(engine).await else {
            continue;
        };
        let url = Secret::new(&database.url);
        let db = Db::open(&url, Handle::current()).await.unwrap();
        db.migrate().await.unwrap();
        Box::pin(case(&db, &database)).await;
    }
}

fn scheduler(db: &Db, clock: &Clock, instance: &str) -> Scheduler {
    telling(db, clock, instance).0
}

/// A scheduler, and where it tells news.
fn telling(db: &Db, clock: &Clock, instance: &str) -> (Scheduler, Inbox) {
    configured(db, clock, instance, &[])
}

/// The same, with settings.
pub(crate) fn configured(
    db: &Db,
    clock: &Clock,
    instance: &str,
    settings: &[(&str, &str)],
) -> (Scheduler, Inbox) {
    let quiet = [("LOG_LEVEL", "off")].into_iter();
    let config = Config::from_env(&MapEnv::new(quiet.chain(settings.iter().copied()))).unwrap();
    let (teller, inbox) = Teller::new();
    let scheduler = Scheduler::new(SchedulerParts {
        db: db.clone(),
        clock: clock.clone(),
        zone: chrono_tz::Tz::UTC,
        settings: Effective::live(&config),
        assistant: None,
        backup_dir: None,
        instance: instance.to_owned(),
        teller,
        alone: false,
    });
    (scheduler, inbox)
}

pub(crate) async fn runs(db: &Db, job: Job) -> Vec<JobRun> {
    db.read(move |c| Box::pin(jobs::runs(c, job, None, 50)))
        .await
        .unwrap()
}

async fn state(db: &Db, job: Job) -> JobState {
    let all: Result<_, StoreError> = db.read(|c| Box::pin(jobs::list(c))).await;
    all.unwrap().into_iter().find(|s| s.job == job).unwrap()
}

pub(crate) async fn look(scheduler: &Scheduler) {
    scheduler.tick().await.unwrap();
    scheduler.idle().await;
}

pub(crate) fn ended(days_ago: i64, n: i64) -> Entry {
    let started_ms = START - days_ago * DAY_MS + n * 1_000;
    let record = RequestRecord {
        id: RequestId(RequestId::lower_bound(started_ms).0 + n),
        api_key_id: ApiKeyId(n % 3 + 1),
        status: Status::Success,
        repeats: 1,
        started_ms,
        cost_nanos: Some(1_000),
        ..RequestRecord::default()
    };
    Entry::Ended(Arc::new(record), Vec::new())
}

pub(crate) async fn write(db: &Db, entries: Vec<Entry>) {
    let batch = Batch {
        entries,
        ..Batch::default()
    };
    let zone = chrono_tz::Tz::UTC;
    db.write(move |c| Box::pin(async move { drain::apply(c, &batch, zone).await }))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn each_job_runs_at_its_hour_on_one_of_two_instances() {
    each_engine(async |db, _| {
        let clock = Clock::fixed(START);
        let (a, b) = (scheduler(db, &clock, "a"), scheduler(db, &clock, "b"));
        for _ in 0..6 * 24 {
            let (left, right) = tokio::join!(a.tick(), b.tick());
            left.unwrap();
            right.unwrap();
            a.idle().await;
            b.idle().await;
            clock.advance_ms(10 * MINUTE_MS);
        }
        let all = [
            (Job::TimeoutCleanup, 6 * 24 - 1),
            (Job::DailyAggregation, 1),
            (Job::Archiving, 1),
            (Job::Retention, 1),
            (Job::DatabaseCare, 1),
            (Job::Backup, 1),
            (Job::Reports, 1),
        ];
        for (job, expected) in all {
            let runs = db
                .read(move |c| Box::pin(jobs::runs(c, job, None, 500)))
                .await
                .unwrap();
            assert_eq!(runs.len(), expected, "{job}");
            for run in runs {
                assert_eq!(run.outcome, JobOutcome::Success, "{job}: {}", run.error);
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn old_rows_are_archived_and_a_second_run_finds_nothing() {
    each_engine(async |db, _| {
        let clock = Clock::fixed(START);
        let old = (0..1_200).map(|n| ended(40, n));
        write(db, old.chain((0..5).map(|n| ended(3, n))).collect()).await;
        let scheduler = scheduler(db, &clock, "a");
        look(&scheduler).await;
        for expected in [Some(1_200), None] {
            db.write(|c| Box::pin(jobs::ask(c, Job::Archiving, "root")))
                .await
                .unwrap();
            look(&scheduler).await;
            let last = runs(db, Job::Archiving).await.remove(0);
            assert_eq!(last.outcome, JobOutcome::Success, "{}", last.error);
            assert_eq!(
                (last.trigger, last.asked_by.as_str()),
                (JobTrigger::Operator, "root")
            );
            assert_eq!(last.counts.get("rows_archived").copied(), expected);
        }
        let newest = db.read(|c| Box::pin(archive::newest(c))).await.unwrap();
        let three_days = RequestId::lower_bound(START - 3 * DAY_MS);
        assert!(newest.unwrap() < three_days, "younger rows stay");
        // The sums of days stay what they were, though their rows have moved.
        db.write(|c| Box::pin(jobs::ask(c, Job::DailyAggregation, "root")))
            .await
            .unwrap();
        look(&scheduler).await;
        let last = runs(db, Job::DailyAggregation).await.remove(0);
        assert_eq!(last.counts.get("days_checked"), Some(&2));
        assert_eq!(last.counts.get("sums_repaired"), None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_instance_ran_goes_on_elsewhere() {
    each_engine(async |db, _| {
        let clock = Clock::fixed(START);
        look(&scheduler(db, &clock, "a")).await;
        let seen = state(db, Job::Archiving).await;
        let taken = db
            .write(move |c| {
                Box::pin(async move {
                    let lease = jobs::Lease {
                        instance: "dead".to_owned(),
                        now_ms: START,
                    };
                    jobs::claim(c, &seen, JobTrigger::Schedule, START + DAY_MS, &lease).await
                })
            })
            .await
            .unwrap();
        let (b, mut news) = telling(db, &clock, "b");
        look(&b).await;
        assert_eq!(runs(db, Job::Archiving).await.len(), 1, "the lease holds");
        clock.advance_ms(jobs::LEASE_MS);
        look(&b).await;
        look(&b).await;
        let [again, died] = &runs(db, Job::Archiving).await[..] else {
            panic!("two runs");
        };
        assert_eq!(
            (Some(died.id), died.outcome),
            (taken, JobOutcome::Interrupted)
        );
        assert_eq!(
            (again.trigger, again.outcome),
            (JobTrigger::Resume, JobOutcome::Success)
        );
        let told = news.try_recv().unwrap();
        assert_eq!(
            (told.kind, told.about.as_str()),
            (Kind::JobInterrupted, "archiving")
        );
        assert!(news.try_recv().is_err(), "told once");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_a_failure() {
    on_engines(&[Engine::Postgres], async |db, database| {
        let clock = Clock::fixed(START);
        let (scheduler, mut news) = telling(db, &clock, "a");
        look(&scheduler).await;
        database.execute("drop view request_logs_all").await;
        db.write(|c| Box::pin(jobs::ask(c, Job::DailyAggregation, "root")))
            .await
            .unwrap();
        look(&scheduler).await;
        let last = runs(db, Job::DailyAggregation).await.remove(0);
        assert_eq!(last.outcome, JobOutcome::Failed);
        assert!(last.error.contains("request_logs_all"), "{}", last.error);
        let told = news.try_recv().unwrap();
        assert_eq!(
            (told.kind, told.about.as_str()),
            (Kind::JobFailed, "daily_aggregation")
        );
        assert_eq!(told.args[1], ("detail", last.error));
    })
    .await;
}

/// Begins to archive 1,200 rows while nobody can touch the request log; `then` happens meanwhile.
async fn archiving_held(
    (db, database): (&Db, &TestDatabase),
    scheduler: &Scheduler,
    then: impl AsyncFnOnce(),
) -> JobRun {
    write(db, (0..1_200).map(|n| ended(40, n)).collect()).await;
    look(scheduler).await;
    let held = database.hold("request_logs").await;
    db.write(|c| Box::pin(jobs::ask(c, Job::Archiving, "root")))
        .await
        .unwrap();
    scheduler.tick().await.unwrap();
    then().await;
    drop(held);
    crate::process::eventually("the run has ended", async || {
        runs(db, Job::Archiving).await[0].outcome != JobOutcome::Running
    })
    .await;
    runs(db, Job::Archiving).await.remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_cancelled_stops_after_its_piece() {
    on_engines(&[Engine::Postgres], async |db, database| {
        let clock = Clock::fixed(START);
        let scheduler = scheduler(db, &clock, "a");
        let last = archiving_held((db, database), &scheduler, async || {
            let stopping = db.write(|c| Box::pin(jobs::cancel(c, Job::Archiving)));
            assert!(stopping.await.unwrap());
            clock.advance_ms(15_000);
            scheduler.tick().await.unwrap();
        })
        .await;
        assert_eq!(last.outcome, JobOutcome::Cancelled);
        assert_eq!(last.counts.get("rows_archived"), Some(&500));
        look(&scheduler).await;
        assert_eq!(
            runs(db, Job::Archiving).await.len(),
            1,
            "it does not go on by itself"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_shutdown_interrupts_goes_on_at_the_next_start() {
    on_engines(&[Engine::Postgres], async |db, database| {
        let clock = Clock::fixed(START);
        let first = Arc::new(scheduler(db, &clock, "a"));
        let (shutdown, ending) = tokio::sync::watch::channel(false);
        let last = archiving_held((db, database), &first, async || {
            shutdown.send_replace(true);
            let ended = tokio::spawn(Arc::clone(&first).run(ending));
            // The run is told to stop within this time, and comes to its end once the table is free at the latest.
            let told = tokio::time::timeout(std::time::Duration::from_secs(2), ended).await;
            assert!(told.is_err() || matches!(told, Ok(Ok(Ok(())))), "{told:?}");
        })
        .await;
        assert_eq!(last.outcome, JobOutcome::Interrupted, "{}", last.error);
        look(&scheduler(db, &clock, "b")).await;
        let again = runs(db, Job::Archiving).await.remove(0);
        assert_eq!(
            (again.trigger, again.outcome),
            (JobTrigger::Resume, JobOutcome::Success)
        );
        let whole: i64 = runs(db, Job::Archiving)
            .await
            .iter()
            .filter_map(|run| run.counts.get("rows_archived"))
            .sum();
        assert_eq!(whole, 1_200);
    })
    .await;
}
