//! Usage reports in the words of a model: what it is told, what is taken of its answer, and what happens without one.

use chrono::DateTime;
use modelgate::simulator::Step;
use modelgate_domain::UsageReportState;
use modelgate_store::StoreError;
use modelgate_store::reports::{self, Asked, Report, ReportStep};
use serde_json::json;

use super::admin_scheduler::looked;
use crate::on_each_engine;
use crate::process::eventually;
use crate::support::{TestApp, document_text};

const LIST: &str = "/admin/reports";
const SUMMARY: &str = r#"{"paragraphs": ["A **quiet** day with 3 requests."]}"#;
const ADVICE: &str = r#"```json
{"recommendations": [{"title": "Tidy up", "text": "KEY-1 was not used: revoke it. <script>alert(1)</script>"}]}
```"#;

/// Three calls of alice, a key that nobody uses, and a model that is to phrase; gives the day.
async fn prepare(app: &TestApp) -> String {
    looked(app).await;
    app.apply("[[api_keys]]\nname = \"bob (laptop)\"\nsecret = \"sk-mg-bob-0123456789abcdef\"\nmodels = [\"*\"]\n")
        .await;
    app.wait_for_newest_generation().await;
    for _ in 0..3 {
        assert_eq!(app.openai().chat("gpt-x", false).await.status, 200);
    }
    app.settle().await;
    let at = "/admin/system-config";
    let wanted = [("key", "analysis_model"), ("value", "gpt-x")];
    let saved = app.admin().await.submit(at, at, &wanted).await;
    assert_eq!(saved.status, 303);
    let started_ms = app.logs().await[0].record.started_ms;
    let day = DateTime::from_timestamp_millis(started_ms).unwrap();
    let day = day.with_timezone(&app.config.time_zone);
    day.format("%Y-%m-%d").to_string()
}

async fn done(app: &TestApp) -> Report {
    let all = async || {
        let found: Result<_, StoreError> = app.db().read(|c| Box::pin(reports::list(c))).await;
        found.unwrap()
    };
    eventually("the report is made", async || {
        let all = all().await;
        !all.is_empty() && all.iter().all(|report| !report.state.is_open())
    })
    .await;
    let report = all().await.remove(0);
    assert_eq!(report.state, UsageReportState::Done, "{}", report.error);
    report
}

async fn made(app: &TestApp, day: &str, template: &str) -> Report {
    let form = [
        ("from", day),
        ("to", day),
        ("lang", "en"),
        ("zone", ""),
        ("scope", ""),
        ("template", template),
    ];
    let asked = app.admin().await.submit(LIST, LIST, &form).await;
    assert_eq!(asked.status, 303, "{}", asked.text());
    done(app).await
}

async fn file(app: &TestApp, report: &Report, ending: &str) -> Vec<u8> {
    let id = report.id;
    let found: Result<_, StoreError> = app
        .db()
        .read(move |c| Box::pin(async move { reports::files(c, &[id]).await }))
        .await;
    let files = found.unwrap();
    let file = files
        .iter()
        .find(|file| file.name.ends_with(ending))
        .unwrap();
    let at = format!("{LIST}/{id}/files/{}", file.name);
    let taken = app.admin().await.get(&at).await;
    assert_eq!(taken.status, 200);
    taken.body.to_vec()
}

async fn text(app: &TestApp, report: &Report) -> String {
    String::from_utf8(file(app, report, ".md").await).unwrap()
}

/// What the model was asked.
async fn asked(app: &TestApp) -> Vec<String> {
    let all = app.vendor.received();
    let all = all.iter().map(|call| call.json().to_string());
    all.filter(|call| call.contains("of a report on the use"))
        .collect()
}

async fn a_model_phrases_what_it_is_told(app: &TestApp) {
    let day = prepare(app).await;
    app.vendor.push(Step::answer().text(SUMMARY));
    app.vendor.push(Step::answer().text(ADVICE));
    let report = made(app, &day, "").await;
    let told = text(app, &report).await;
    assert!(told.contains("A quiet day with 3 requests."), "{told}");
    assert!(told.contains("“bob (laptop)” was not used"), "{told}");
    assert!(!told.contains("<script>"), "{told}");
    let mark = "Phrased by the model gpt-x";
    assert_eq!(told.matches(mark).count(), 2, "{told}");
    let document = document_text(&file(app, &report, ".docx").await);
    assert!(document.contains("A quiet day") && document.contains(mark));
    let asked = asked(app).await;
    assert_eq!(asked.len(), 2);
    for asked in &asked {
        assert!(
            asked.contains("gpt-x") && asked.contains("KEY-1"),
            "{asked}"
        );
        assert!(
            !asked.contains("bob (laptop)"),
            "names of keys do not leave"
        );
    }
    let page = app.admin().await.get(LIST).await.text();
    assert!(!page.contains("Phrased by rules"));
}
on_each_engine!(a_model_phrases_what_it_is_told);

async fn a_model_that_fails_halfway_leaves_the_rest_to_rules(app: &TestApp) {
    let day = prepare(app).await;
    app.vendor.push(Step::answer().text(SUMMARY));
    app.vendor
        .push(Step::answer().text("I cannot do that.").times(3));
    let report = made(app, &day, "full").await;
    let told = text(app, &report).await;
    assert!(told.contains("A quiet day with 3 requests."), "{told}");
    assert!(told.contains("Found by fixed rules"), "{told}");
    let page = app.admin().await.get(LIST).await.text();
    assert!(
        page.contains("Phrased by rules: gpt-x did not answer: its answer was no JSON"),
        "{page}"
    );
}
on_each_engine!(a_model_that_fails_halfway_leaves_the_rest_to_rules);

async fn figures_that_were_not_told_are_refused(app: &TestApp) {
    let day = prepare(app).await;
    let made_up = r#"{"paragraphs": ["There were 4711 requests."]}"#;
    app.vendor.push(Step::answer().text(made_up).times(2));
    // A people's report has no recommendations: nothing else is asked.
    let report = made(app, &day, "people").await;
    let told = text(app, &report).await;
    assert!(
        !told.contains("4711") && !told.contains("Phrased by"),
        "{told}"
    );
    assert!(
        !told.contains("## Recommendations") && told.contains("## All API keys"),
        "{told}"
    );
    assert_eq!(asked(app).await.len(), 2, "asked once more");
    let page = app.admin().await.get(LIST).await.text();
    assert!(
        page.contains("a figure that it was not told: 4711"),
        "{page}"
    );
}
on_each_engine!(figures_that_were_not_told_are_refused);

async fn what_was_said_before_a_restart_is_not_asked_again(app: &TestApp) {
    let day = prepare(app).await;
    app.vendor.push(Step::answer().text(ADVICE));
    let said = json!({ "model": "gpt-y", "said": { "summary": ["Said before."] } });
    let steps = [
        ("gather", 1, 100, String::new()),
        ("summary", 1, 100, said.to_string()),
    ];
    let steps = steps.map(|(name, attempts, percent, artefact)| ReportStep {
        name: name.to_owned(),
        attempts,
        percent,
        artefact,
        ..ReportStep::default()
    });
    let params = json!({ "from": day, "to": day, "lang": "zh" }).to_string();
    let begun: Result<_, StoreError> = app
        .db()
        .write(move |c| {
            Box::pin(async move {
                let asked = Asked {
                    params,
                    by: "somebody".to_owned(),
                    at_ms: 0,
                };
                let (id, _) = reports::ask(c, &asked).await?;
                reports::tell(c, id, &steps, 0).await?;
                modelgate_store::jobs::ask(c, modelgate_domain::Job::Reports, "somebody").await
            })
        })
        .await;
    begun.unwrap();
    let report = done(app).await;
    let told = text(app, &report).await;
    assert!(
        told.contains("Said before.") && told.contains("由模型 gpt-y"),
        "{told}"
    );
    assert!(told.contains("由模型 gpt-x"), "the rest was asked: {told}");
    let asked = asked(app).await;
    assert_eq!(asked.len(), 1);
    assert!(
        asked[0].contains("中文"),
        "in the report's language: {asked:?}"
    );
}
on_each_engine!(what_was_said_before_a_restart_is_not_asked_again);
