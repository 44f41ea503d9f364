//! A report on errors, to read and to take away.

use modelgate::simulator::Step;

use crate::admin_errors::{AT, fail_five, written};
use crate::on_each_engine;
use crate::support::{TestApp, document_text};

async fn it_is_shown_and_downloaded(app: &TestApp) {
    fail_five(app).await;
    let report = written(app).await;
    let at = format!("{AT}/{}", report.id);
    let admin = app.admin().await;
    let page = admin.get(&at).await.text();
    assert!(page.contains("<h2>") && page.contains("acme"), "{page}");
    let part = admin.get_htmx(&at).await.text();
    assert!(!part.contains("<html") && part.contains("id=\"report\""));
    let file = admin.get(&format!("{at}/markdown")).await;
    let named = file.header("content-disposition").to_owned();
    assert!(
        named.contains("errors-") && named.contains("-en-1.md"),
        "{named}"
    );
    let text = file.text();
    assert!(text.starts_with("# Errors of ") && text.contains("## What to do"));
    let file = admin.get(&format!("{at}/document")).await;
    let named = file.header("content-disposition");
    assert!(named.contains("-en-1.docx"), "{named}");
    let told = document_text(&file.body);
    for part in ["Errors of ", "What to do", "acme"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert_eq!(admin.get(&format!("{AT}/999")).await.status, 404);
    assert_eq!(admin.get(&format!("{AT}/x")).await.status, 404);
}
on_each_engine!(it_is_shown_and_downloaded);

/// Lets the model of the tests help to write.
async fn let_a_model_write(app: &TestApp) {
    let at = "/admin/system-config";
    let wanted = [("key", "analysis_model"), ("value", "gpt-x")];
    let saved = app.admin().await.submit(at, at, &wanted).await;
    assert_eq!(saved.status, 303);
}

async fn a_model_writes_the_summary_where_one_is_chosen(app: &TestApp) {
    fail_five(app).await;
    let_a_model_write(app).await;
    let read = r#"```json
{"chunk_summary": "acme was down.", "risk_points": ["all of it"]}
```"#;
    app.vendor.push(Step::answer().text(read));
    let wrote = r#"{"summary": "acme was down all day. <script>alert(1)</script>"}"#;
    app.vendor.push(Step::answer().text(wrote));
    let report = written(app).await;
    assert_eq!(
        (report.model.as_str(), report.problem.as_str()),
        ("gpt-x", "")
    );
    let page = app
        .admin()
        .await
        .get(&format!("{AT}/{}", report.id))
        .await
        .text();
    assert!(page.contains("acme was down all day.") && !page.contains("<script>alert"));
    assert!(
        page.contains("Written by the model gpt-x"),
        "marked as such: {page}"
    );
    app.settle().await;
    let calls = app.logs().await;
    let own = calls
        .iter()
        .filter(|row| row.record.user_agent.starts_with("ModelGate-assistant"));
    let keys: Vec<_> = own.map(|row| row.record.api_key_id).collect();
    assert_eq!(keys.len(), 2, "as many as were asked");
    assert_ne!(keys[0], app.key().await.id, "never a real user's");
    let listed = app.admin().await.get("/admin/api-keys").await.text();
    assert!(listed.contains("modelgate-assistant"));
    let asked = app.vendor.received();
    let asked = asked.last().unwrap().json().to_string();
    assert!(!asked.contains("alice"), "who called does not leave");
}
on_each_engine!(a_model_writes_the_summary_where_one_is_chosen);

async fn without_an_answer_rules_alone_write_and_say_why(app: &TestApp) {
    fail_five(app).await;
    let_a_model_write(app).await;
    app.vendor
        .push(Step::answer().text("I cannot do that.").times(3));
    let report = written(app).await;
    assert_eq!(report.model, "");
    assert!(report.problem.contains("no JSON"), "{}", report.problem);
    let page = app
        .admin()
        .await
        .get(&format!("{AT}/{}", report.id))
        .await
        .text();
    assert!(page.contains("No model had a part in it") && page.contains("acme answered"));
    assert!(
        page.contains("<a href=\"/admin/config/providers/"),
        "{page}"
    );
}
on_each_engine!(without_an_answer_rules_alone_write_and_say_why);
