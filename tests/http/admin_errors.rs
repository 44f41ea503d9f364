//! What goes wrong today, on one page, and the report that somebody asks for.

use modelgate::simulator::Step;
use modelgate_domain::ReportState;
use modelgate_store::error_reports::{self, ErrorReport};

use crate::admin_scheduler::looked;
use crate::on_each_engine;
use crate::process::eventually;
use crate::support::TestApp;

pub(crate) const AT: &str = "/admin/errors";

/// Five calls that the vendor cannot answer.
pub(crate) async fn fail_five(app: &TestApp) {
    for _ in 0..5 {
        app.vendor.push(Step::status(503));
        assert!(app.openai().chat("gpt-x", false).await.status >= 500);
    }
    app.settle().await;
}

/// Asks for a report on today in English and waits for it.
pub(crate) async fn written(app: &TestApp) -> ErrorReport {
    looked(app).await;
    let admin = app.admin().await;
    let asked = admin.submit(AT, AT, &[("language", "en")]).await;
    assert_eq!(asked.status, 303);
    let done = async || {
        let rows = app.db().read(|c| Box::pin(error_reports::list(c))).await;
        let rows = rows.unwrap();
        rows.into_iter().find(|row| row.state == ReportState::Done)
    };
    eventually("the report is written", async || done().await.is_some()).await;
    done().await.unwrap()
}

async fn a_day_without_failures_says_so(app: &TestApp) {
    let empty = app.admin().await.get(AT).await.text();
    assert!(empty.contains("Nothing failed today") && empty.contains("Nobody called"));
}
on_each_engine!(a_day_without_failures_says_so);

// Nobody may have looked before: what took long to read is shown for a while.
async fn failures_are_counted_and_judged(app: &TestApp) {
    let admin = app.admin().await;
    fail_five(app).await;
    let hostile = app.openai().chat("<script>alert(1)</script>", false).await;
    assert_eq!(hostile.status, 404);
    app.settle().await;
    let page = admin.get(AT).await.text();
    assert!(
        page.contains("acme answered with errors of its own 5 times"),
        "{page}"
    );
    assert!(page.contains("Lower the priority of acme") && page.contains(">503<"));
    assert!(page.contains("upstream_error") && !page.contains("<script>alert"));
    assert!(
        page.contains("href=\"/admin/logs/req_"),
        "each leads to its request"
    );
    let links = page
        .split("href=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next());
    let links: std::collections::BTreeSet<_> = links
        .filter(|link| link.starts_with("/admin/config/") || link.starts_with("/admin/logs"))
        .map(|link| link.replace("&#38;", "&").replace("&amp;", "&"))
        .collect();
    assert!(links.len() > 5, "{links:?}");
    for link in &links {
        assert_eq!(admin.get(link).await.status, 200, "{link}");
    }
    let part = admin.get_htmx(AT).await.text();
    assert!(!part.contains("<html") && part.contains("id=\"live\""));
    let chinese = admin.clone().speaking("zh").get(AT).await.text();
    assert!(chinese.contains("错误分析") && chinese.contains("责任方"));
    let token = admin.token(AT).await;
    let bad = admin
        .post(AT, &[("language", "xx")], Some(&token), false)
        .await;
    assert_eq!(bad.status, 400);
}
on_each_engine!(failures_are_counted_and_judged);

async fn a_report_is_asked_for_and_written(app: &TestApp) {
    fail_five(app).await;
    let report = written(app).await;
    assert_eq!((report.number, report.asked_by.as_str()), (1, "root"));
    let page = app.admin().await.get(AT).await.text();
    assert!(page.contains(&format!("{AT}/{}", report.id)), "{page}");
    let again = written(app).await;
    assert_eq!(
        again.id, report.id,
        "the first one that is done is the newest or this"
    );
}
on_each_engine!(a_report_is_asked_for_and_written);
