//! Usage reports: asked for, made by the job, downloaded, deleted.

use modelgate_domain::UsageReportState;
use modelgate_store::StoreError;
use modelgate_store::reports::{self, Asked, Report, ReportStep};

use super::admin_scheduler::looked;
use crate::on_each_engine;
use crate::process::eventually;
use crate::support::TestApp;

const LIST: &str = "/admin/reports";
/// The day of the clock that stands, and the days around it.
const FORM: [(&str, &str); 5] = [
    ("from", "2026-11-01"),
    ("to", "2026-11-20"),
    ("lang", "zh"),
    ("zone", ""),
    ("scope", ""),
];

async fn all(app: &TestApp) -> Vec<Report> {
    let db = app.db();
    db.read(|c| Box::pin(reports::list(c))).await.unwrap()
}

async fn a_report_is_made_taken_away_and_deleted(app: &TestApp) {
    looked(app).await;
    let admin = app.admin().await;
    let asked = admin.submit(LIST, LIST, &FORM).await;
    assert_eq!(asked.status, 303, "{}", asked.text());
    eventually("the report is made", async || {
        all(app)
            .await
            .iter()
            .all(|report| report.state == UsageReportState::Done)
    })
    .await;
    let [report] = &all(app).await[..] else {
        panic!("one report");
    };
    assert!(
        report
            .steps
            .iter()
            .all(|step| step.percent == 100 && step.attempts == 1),
        "{:?}",
        report.steps
    );
    let page = admin.get(LIST).await.text();
    let file = format!(
        "{LIST}/{}/files/usage-2026-11-01-2026-11-20.docx",
        report.id
    );
    assert!(page.contains(&file), "{page}");
    let taken = admin.get(&file).await;
    assert_eq!(taken.status, 200);
    let disposition = taken.header("content-disposition").to_owned();
    assert!(
        disposition.starts_with("attachment; filename=\"usage-2026-11-01"),
        "{disposition}"
    );
    assert_eq!(
        admin
            .get(&format!("{LIST}/{}/files/..%2Fx.docx", report.id))
            .await
            .status,
        404
    );
    let gone = {
        let delete = format!("{LIST}/{}/delete", report.id);
        admin.submit(&delete, &delete, &[]).await
    };
    assert_eq!(gone.status, 303);
    assert!(all(app).await.is_empty());
    assert_eq!(admin.get(&file).await.status, 404);
}
on_each_engine!(a_report_is_made_taken_away_and_deleted);

async fn a_report_that_is_being_made_is_shown_and_stopped(app: &TestApp) {
    looked(app).await;
    let admin = app.admin().await;
    // Begun, and nobody goes on with it.
    let params = |lang: &str| {
        format!(
            r#"{{"from":"2026-11-01","to":"2026-11-20","zone":"","lang":"{lang}","scope":"everyone","without_keys":[],"without_users":[],"paper":"a4"}}"#
        )
    };
    let asked = [params("zh"), params("en")].map(|params| Asked {
        params,
        by: "somebody".to_owned(),
        at_ms: 0,
    });
    let steps = [ReportStep {
        name: "gather".to_owned(),
        attempts: 1,
        percent: 90,
        ..ReportStep::default()
    }];
    let begun: Result<_, StoreError> = app
        .db()
        .write(move |c| {
            Box::pin(async move {
                for asked in &asked {
                    let (id, _) = reports::ask(c, asked).await?;
                    reports::tell(c, id, &steps, 0).await?;
                }
                Ok(())
            })
        })
        .await;
    begun.unwrap();
    let part = admin.get_htmx(LIST).await.text();
    assert!(
        !part.contains("<html") && part.contains("value=\"10\""),
        "{part}"
    );
    let english = all(app).await.remove(0);
    let stopped = admin
        .submit(LIST, &format!("{LIST}/{}/cancel", english.id), &[])
        .await;
    assert_eq!(stopped.status, 303);
    let state = all(app).await.remove(0).state;
    assert_eq!(state, UsageReportState::Cancelled);
    // The same again is the one that was begun, and it goes on.
    let asked = admin.submit(LIST, LIST, &FORM).await;
    assert_eq!(asked.status, 303, "{}", asked.text());
    eventually("the report is made", async || {
        all(app).await[1].state == UsageReportState::Done
    })
    .await;
    let made = all(app).await;
    assert_eq!((made.len(), made[1].asked_by.as_str()), (2, "somebody"));
    assert_eq!(
        made[0].state,
        UsageReportState::Cancelled,
        "it stays stopped"
    );
}
on_each_engine!(a_report_that_is_being_made_is_shown_and_stopped);

async fn what_cannot_be_told_comes_back(app: &TestApp) {
    let admin = app.admin().await;
    for (name, value, told) in [
        ("from", "soon", "A day such as"),
        ("to", "2026-10-01", "before the first"),
        ("from", "2020-01-01", "at most 366 days"),
        ("zone", "Mars/Olympus", "no such time zone"),
        ("scope", "all", "is not one of"),
        ("without", "nobody", "no API key and no account nobody"),
        ("template", "novel", "is not one of"),
    ] {
        let mut form: Vec<(&str, &str)> = FORM
            .iter()
            .filter(|(field, _)| *field != name)
            .copied()
            .collect();
        form.push((name, value));
        let answer = admin.submit(LIST, LIST, &form).await;
        assert_eq!(answer.status, 422, "{name}={value}");
        let text = answer.text();
        assert!(
            ["scope", "template"].contains(&name) || text.contains(told),
            "{name}={value}: {text}"
        );
    }
    assert!(all(app).await.is_empty());
}
on_each_engine!(what_cannot_be_told_comes_back);
