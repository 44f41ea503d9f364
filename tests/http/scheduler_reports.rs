//! The job that makes reports: its schedule, what a restart leaves behind, and what cannot be made.

use modelgate::clock::Clock;
use modelgate::notices::Kind;
use modelgate::scheduler::Scheduler;
use modelgate_domain::{Job, JobOutcome, UsageReportState};
use modelgate_store::reports::{self, Asked, Report, ReportStep};
use modelgate_store::{Db, StoreError, jobs};

use super::scheduler::{START, configured, each_engine, ended, look, runs, write};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// As the portal asks for it.
const PARAMS: &str = r#"{"from":"2026-11-10","to":"2026-11-19","lang":"en"}"#;
const DOCUMENT: &str = "usage-2026-11-10-2026-11-19.docx";

async fn all(db: &Db) -> Vec<Report> {
    db.read(|c| Box::pin(reports::list(c))).await.unwrap()
}

async fn ask(db: &Db, params: &str) -> i64 {
    let asked = Asked {
        params: params.to_owned(),
        by: "root".to_owned(),
        at_ms: START,
    };
    let written: Result<_, StoreError> = db
        .write(move |c| Box::pin(async move { reports::ask(c, &asked).await }))
        .await;
    written.unwrap().0
}

/// As a process that died left it.
async fn begun(db: &Db, id: i64, attempts: u32) {
    let steps = [ReportStep {
        name: "gather".to_owned(),
        attempts,
        percent: 40,
        ..ReportStep::default()
    }];
    let told: Result<_, StoreError> = db
        .write(move |c| {
            Box::pin(async move {
                reports::keep_file(c, id, DOCUMENT, b"made before").await?;
                reports::tell(c, id, &steps, START).await
            })
        })
        .await;
    assert!(told.unwrap());
}

async fn run(db: &Db, scheduler: &Scheduler) {
    db.write(|c| Box::pin(jobs::ask(c, Job::Reports, "root")))
        .await
        .unwrap();
    look(scheduler).await;
}

async fn content(db: &Db, id: i64, name: &'static str) -> Vec<u8> {
    let found: Result<_, StoreError> = db
        .read(move |c| Box::pin(async move { reports::content(c, id, name).await }))
        .await;
    found.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_week_is_reported_once_and_told() {
    each_engine(async |db, _| {
        let clock = Clock::fixed(START);
        write(db, (0..40).map(|n| ended(7, n)).collect()).await;
        let weekly = [
            ("MODELGATE_REPORT_SCHEDULE", "weekly"),
            ("MODELGATE_REPORT_LANGUAGE", "zh"),
        ];
        let (scheduler, mut news) = configured(db, &clock, "a", &weekly);
        for _ in 0..3 {
            look(&scheduler).await;
            clock.advance_ms(2 * HOUR_MS);
            look(&scheduler).await;
            clock.advance_ms(DAY_MS - 2 * HOUR_MS);
        }
        let [report] = &all(db).await[..] else {
            panic!("one report of the week: {:?}", all(db).await);
        };
        assert_eq!(
            (report.state, report.asked_by.as_str()),
            (UsageReportState::Done, "")
        );
        let markdown = content(db, report.id, "usage-2026-11-09-2026-11-15.md").await;
        let markdown = String::from_utf8(markdown).unwrap();
        assert!(markdown.contains("40"), "{markdown}");
        let told = news.try_recv().unwrap();
        assert_eq!(told.kind, Kind::ReportMade);
        let days = [("from", "2026-11-09"), ("to", "2026-11-15")];
        assert_eq!(told.args, days.map(|(name, day)| (name, day.to_owned())));
        assert!(news.try_recv().is_err(), "told once");
        // Monday: the next week.
        look(&scheduler).await;
        clock.advance_ms(2 * HOUR_MS);
        look(&scheduler).await;
        assert_eq!(all(db).await.len(), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_restart_left_goes_on_and_keeps_its_files() {
    each_engine(async |db, _| {
        let clock = Clock::fixed(START);
        let (scheduler, _news) = configured(db, &clock, "a", &[]);
        look(&scheduler).await;
        let id = ask(db, PARAMS).await;
        begun(db, id, 1).await;
        run(db, &scheduler).await;
        let report = all(db).await.remove(0);
        assert_eq!(report.state, UsageReportState::Done, "{}", report.error);
        assert_eq!(
            (report.steps[0].attempts, report.steps[0].percent),
            (2, 100)
        );
        assert_eq!(content(db, id, DOCUMENT).await, b"made before");
        let sheet = content(db, id, "usage-2026-11-10-2026-11-19-keys.csv").await;
        assert!(!sheet.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_made_is_given_up_and_blocks_nobody() {
    each_engine(async |db, _| {
        let clock = Clock::fixed(START);
        let (scheduler, mut news) = configured(db, &clock, "a", &[]);
        look(&scheduler).await;
        let deadly = ask(db, PARAMS).await;
        begun(db, deadly, 3).await;
        let unreadable = ask(db, "{}").await;
        let good = ask(db, &PARAMS.replace("\"en\"", "\"zh\"")).await;
        run(db, &scheduler).await;
        for report in all(db).await {
            let (state, why) = match report.id {
                id if id == deadly => (UsageReportState::Failed, "tried 3 times"),
                id if id == unreadable => (UsageReportState::Failed, "from"),
                id if id == good => (UsageReportState::Done, ""),
                id => panic!("{id}"),
            };
            assert_eq!(report.state, state, "{}", report.error);
            assert!(report.error.contains(why), "{}", report.error);
        }
        let last = runs(db, Job::Reports).await.remove(0);
        assert_eq!(last.outcome, JobOutcome::Failed);
        assert_eq!(last.counts.get("reports_made"), Some(&1));
        assert_eq!(last.counts.get("reports_given_up"), Some(&2));
        assert_eq!(news.try_recv().unwrap().kind, Kind::JobFailed);
    })
    .await;
}
