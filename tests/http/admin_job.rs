//! One job: its hours, and runs that are asked for.

use modelgate_domain::{Job, JobOutcome, JobTrigger};
use modelgate_store::jobs::{self, JobRun, JobState, Lease};

use crate::admin_scheduler::looked;
use crate::on_each_engine;
use crate::process::eventually;
use crate::support::TestApp;

const LIST: &str = "/admin/scheduler";
const ARCHIVING: &str = "/admin/scheduler/archiving";

async fn state(app: &TestApp, job: Job) -> JobState {
    let all = app.db().read(|c| Box::pin(jobs::list(c))).await.unwrap();
    all.into_iter().find(|state| state.job == job).unwrap()
}

async fn last_run(app: &TestApp, job: Job) -> Option<JobRun> {
    let runs = app
        .db()
        .read(move |c| Box::pin(jobs::runs(c, job, None, 1)))
        .await;
    runs.unwrap().pop()
}

async fn hours_are_changed_after_a_look_at_what_they_come_to(app: &TestApp) {
    looked(app).await;
    let admin = app.admin().await;
    let before = state(app, Job::Archiving).await;
    for (bad, why) in [
        ("5 0 * *", "4 fields"),
        ("61 0 * * *", ""),
        ("<b>", "1 fields"),
    ] {
        let answer = admin.submit(ARCHIVING, ARCHIVING, &[("cron", bad)]).await;
        let text = answer.text();
        assert_eq!(answer.status, 422, "{bad}");
        assert!(
            text.contains("Write five fields") && text.contains(why),
            "{text}"
        );
        assert!(!text.contains("<b>"), "escaped");
    }
    let wanted = [("cron", "30 4 * * 1"), ("do", "preview")];
    let preview = admin.submit(ARCHIVING, ARCHIVING, &wanted).await;
    assert_eq!(preview.status, 200);
    assert_eq!(preview.text().matches("<li><time").count(), 5);
    assert!(preview.text().contains("04:30"));
    assert_eq!(state(app, Job::Archiving).await.next_ms, before.next_ms);

    let saved = admin.submit(ARCHIVING, ARCHIVING, &wanted[..1]).await;
    assert_eq!(saved.status, 303);
    let after = state(app, Job::Archiving).await;
    assert_eq!(after.cron, "30 4 * * 1");
    assert_ne!(after.next_ms, before.next_ms);
    let default = [("cron", Job::Archiving.plan().cron)];
    admin.submit(ARCHIVING, ARCHIVING, &default).await;
    let after = state(app, Job::Archiving).await;
    assert_eq!((after.cron.as_str(), after.next_ms), ("", before.next_ms));
}
on_each_engine!(hours_are_changed_after_a_look_at_what_they_come_to);

async fn a_job_is_paused_and_runs_when_asked(app: &TestApp) {
    looked(app).await;
    let admin = app.admin().await;
    let pause = format!("{ARCHIVING}/pause");
    let paused = admin.submit(ARCHIVING, &pause, &[("to", "on")]).await;
    assert_eq!(paused.status, 303);
    assert!(state(app, Job::Archiving).await.paused);
    assert!(admin.get(LIST).await.text().contains("paused"));
    assert_eq!(
        admin.submit(ARCHIVING, &pause, &[("to", "x")]).await.status,
        400
    );

    let run = format!("{ARCHIVING}/run");
    assert_eq!(admin.submit(ARCHIVING, &run, &[]).await.status, 303);
    eventually("it has run", async || {
        let last = last_run(app, Job::Archiving).await;
        last.is_some_and(|run| run.outcome == JobOutcome::Success)
    })
    .await;
    let last = last_run(app, Job::Archiving).await.unwrap();
    assert_eq!(last.trigger, JobTrigger::Operator);
    let page = admin.get(ARCHIVING).await.text();
    assert!(
        page.contains(&format!("asked for by {}", last.asked_by)),
        "{page}"
    );
    assert!(page.contains("nothing was to be done"));
    let cancel = format!("{ARCHIVING}/cancel");
    assert_eq!(admin.submit(ARCHIVING, &cancel, &[]).await.status, 303);
    assert!(admin.get(ARCHIVING).await.text().contains("Nothing ran"));
}
on_each_engine!(a_job_is_paused_and_runs_when_asked);

async fn a_run_that_goes_on_is_told_to_stop(app: &TestApp) {
    looked(app).await;
    let admin = app.admin().await;
    let seen = state(app, Job::Archiving).await;
    let now_ms = modelgate::clock::Clock::system().now_ms();
    let taken = app.db().write(move |c| {
        Box::pin(async move {
            let lease = Lease {
                instance: "another gateway".to_owned(),
                now_ms,
            };
            jobs::claim(c, &seen, JobTrigger::Schedule, i64::MAX, &lease).await
        })
    });
    assert!(taken.await.unwrap().is_some());
    let page = admin.get(ARCHIVING).await.text();
    assert!(page.contains("another gateway") && page.contains("/archiving/cancel"));
    let cancel = format!("{ARCHIVING}/cancel");
    assert_eq!(admin.submit(ARCHIVING, &cancel, &[]).await.status, 303);
    assert!(state(app, Job::Archiving).await.cancelled);
    let audit = admin.get("/admin/audit").await.text();
    assert!(audit.contains("job.cancel"), "{audit}");
}
on_each_engine!(a_run_that_goes_on_is_told_to_stop);
