//! The jobs of a gateway: their list.

use modelgate_domain::Job;
use modelgate_store::jobs;

use crate::on_each_engine;
use crate::process::eventually;
use crate::support::TestApp;

const LIST: &str = "/admin/scheduler";

/// Waits until the scheduler of the gateway has looked for the first time.
pub(crate) async fn looked(app: &TestApp) {
    eventually("the jobs are there", async || {
        let all = app.db().read(|c| Box::pin(jobs::list(c))).await.unwrap();
        all.len() == Job::ALL.len()
    })
    .await;
}

async fn jobs_are_listed_with_their_hours(app: &TestApp) {
    looked(app).await;
    let admin = app.admin().await;
    let page = admin.get(LIST).await.text();
    for job in Job::ALL {
        assert!(page.contains(&format!("{LIST}/{job}")), "{job}: {page}");
        assert!(page.contains(job.plan().cron), "{job}");
    }
    assert!(page.contains("Archive the request log") && page.contains("not yet"));
    let part = admin.get_htmx(LIST).await.text();
    assert!(!part.contains("<html") && part.contains("id=\"jobs\""));
    assert_eq!(admin.get("/admin/scheduler/nothing").await.status, 404);
}
on_each_engine!(jobs_are_listed_with_their_hours);
