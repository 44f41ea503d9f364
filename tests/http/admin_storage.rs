//! How large things are, as an operator sees it.

use modelgate_domain::{Job, JobOutcome};
use modelgate_store::jobs;

use crate::admin_scheduler::looked;
use crate::on_each_engine;
use crate::process::eventually;
use crate::support::TestApp;

const AT: &str = "/admin/storage";

async fn tables_are_measured_and_shown(app: &TestApp) {
    looked(app).await;
    let admin = app.admin().await;
    let before = admin.get(AT).await.text();
    assert!(before.contains("Nothing measured yet") && before.contains("iB"));
    assert!(before.contains("set MODELGATE_BACKUP_DIR"));
    let job = format!("/admin/scheduler/{}", Job::DatabaseCare);
    let asked = admin.submit(&job, &format!("{job}/run"), &[]).await;
    assert_eq!(asked.status, 303);
    eventually("the tables are measured", async || {
        let runs = app
            .db()
            .read(|c| Box::pin(jobs::runs(c, Job::DatabaseCare, None, 1)))
            .await
            .unwrap();
        runs.iter().any(|run| run.outcome == JobOutcome::Success)
    })
    .await;
    let page = admin.get(AT).await.text();
    assert!(page.contains("<code>request_logs</code>"), "{page}");
    assert!(page.contains("<code>request_logs_history</code>"));
    assert!(!page.contains("<code>database</code>"));
    let free = page.contains("Free disk");
    assert_eq!(free, app.db().engine() == modelgate_store::Engine::Sqlite);
    let did = admin.get(&job).await.text();
    assert!(did.contains("tables measured: "), "{did}");
}

on_each_engine!(tables_are_measured_and_shown);
