//! A self-test of a provider: by command through a running gateway, and on the provider's page.

use std::process::Output;
use std::time::Duration;

use modelgate::simulator::{Options, Reply};
use serde_json::Value;

use crate::support::{Child, Engine, Setup, TestApp, VENDOR_KEY};

const CLIENTS: [&str; 4] = ["openai", "anthropic", "openai-responses", "gemini"];

/// A vendor who says this, slowly enough that clients can leave.
async fn start(engine: Engine, text: Option<&str>) -> Option<TestApp> {
    let reply = Reply {
        text: text.map(str::to_owned),
        pace: Duration::from_millis(40),
        ..Reply::default()
    };
    let setup = Setup {
        vendor: Options {
            keys: vec![VENDOR_KEY.to_owned()],
            reply,
            ..Options::default()
        },
        ..Setup::on(engine)
    };
    TestApp::try_start(setup).await
}

async fn selftest(app: &TestApp, arguments: &[&str]) -> Output {
    let folder = app.database().folder.path().to_owned();
    let mut command = Child::command(&folder, &app.env);
    command.arg("selftest").args(arguments);
    command.args(["--url", &app.url()]);
    let run = tokio::task::spawn_blocking(move || command.output().unwrap());
    run.await.unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

async fn every_case_passes_in_every_dialect(engine: Engine) {
    // longer than what an answer that is cut may have
    let answer = format!(r#"{{"city":"{}"}}"#, "Oslo and Bergen ".repeat(10));
    let Some(app) = start(engine, Some(&answer)).await else {
        return;
    };
    let ended = selftest(&app, &["acme", "--json"]).await;
    let said = text(&ended.stdout);
    let result: Value =
        serde_json::from_str(&said).unwrap_or_else(|_| panic!("{}", text(&ended.stderr)));
    let trials = result["trials"].as_array().unwrap();
    let wrong: Vec<_> = trials.iter().filter(|t| t["verdict"] != "passed").collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(ended.status.success());
    assert_eq!(trials.len(), 13 * CLIENTS.len());
    for client in CLIENTS {
        let of = trials.iter().filter(|t| t["client"] == client);
        assert_eq!(of.count(), 13, "{client}");
    }
    assert!(!said.contains(VENDOR_KEY) && !said.contains("sk-mg-"));
    let note = |case: &str| {
        let one = trials.iter().find(|t| t["case"] == case).unwrap();
        one["note"].as_str().unwrap().to_owned()
    };
    assert_eq!(note("unicode"), "the model did not repeat the line");
    assert_eq!(note("parallel_tools"), "the model made one call only");
    assert_eq!(note("abort"), "", "the record says that the client left");

    let admin = app.admin().await;
    let provider = 1;
    let at = format!("/admin/config/providers/{provider}/selftest");
    let page = admin.get(&at).await.text();
    assert!(page.contains("52 passed, 0 failed, 0 skipped"), "{page}");
    assert!(page.contains("JSON schema") && page.contains("/admin/logs/req_"));
    let chinese = admin.clone().speaking("zh").get(&at).await.text();
    assert!(chinese.contains("通过 52"), "{chinese}");
    assert_eq!(admin.get(&format!("{at}?run=999")).await.status, 404);
    let none = admin.get("/admin/config/providers/999/selftest").await;
    assert_eq!(none.status, 404);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_case_passes_in_every_dialect_sqlite() {
    Box::pin(every_case_passes_in_every_dialect(Engine::Sqlite)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_case_passes_in_every_dialect_postgres() {
    Box::pin(every_case_passes_in_every_dialect(Engine::Postgres)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_work_is_told_and_the_command_fails() {
    let answer = "This is no JSON. ".repeat(10);
    let app = start(Engine::Sqlite, Some(&answer)).await.unwrap();
    let ended = selftest(&app, &["acme", "--model", "gpt-x-2026"]).await;
    assert_eq!(ended.status.code(), Some(1));
    let said = text(&ended.stdout);
    assert!(
        said.contains("json_schema gemini: the text is not the JSON"),
        "{said}"
    );
    assert!(said.contains("48 passed, 4 failed, 0 skipped"), "{said}");
    let unknown = selftest(&app, &["nobody"]).await;
    assert_eq!(unknown.status.code(), Some(2));
    assert!(text(&unknown.stderr).contains("the providers are acme"));
    let model = selftest(&app, &["acme", "--model", "embed-x"]).await;
    assert!(text(&model.stderr).contains("it serves gpt-x"));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_run_from_the_page() {
    let answer = format!(r#"{{"city":"{}"}}"#, "Oslo and Bergen ".repeat(10));
    let app = start(Engine::Sqlite, Some(&answer)).await.unwrap();
    let admin = app.admin().await;
    let at = "/admin/config/providers/1/selftest";
    let wrong = admin.submit(at, at, &[("model", "embed-x")]).await;
    assert_eq!(wrong.status, 404, "no chat model");
    assert_eq!(
        admin.submit(at, at, &[("model", "gpt-x")]).await.status,
        303
    );
    let again = admin.submit(at, at, &[("model", "gpt-x")]).await;
    assert_eq!(again.status, 303);
    let page = admin.get(at).await.text();
    assert!(
        page.contains("A self-test of this provider runs already"),
        "{page}"
    );
    assert!(page.contains("Testing gpt-x") && page.contains("hx-trigger=\"every 1s\""));
    let mut part = String::new();
    for _ in 0..300 {
        part = admin.get_htmx(at).await.text();
        if !part.contains("hx-trigger") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(
        !part.contains("<html") && part.contains("52 passed, 0 failed, 0 skipped"),
        "{part}"
    );
    assert!(part.contains("Run the self-test"), "may be run again");
    let audit = admin.get("/admin/audit").await.text();
    assert_eq!(audit.matches("provider.selftest").count(), 1, "{audit}");
    app.finish().await;
}

#[tokio::test]
async fn a_gateway_that_is_not_there_is_no_result() {
    let app = start(Engine::Sqlite, None).await.unwrap();
    let folder = app.database().folder.path().to_owned();
    let mut command = Child::command(&folder, &app.env);
    command.args(["selftest", "acme", "--url", "http://127.0.0.1:9"]);
    let ended = tokio::task::spawn_blocking(move || command.output().unwrap());
    let ended = ended.await.unwrap();
    assert_eq!(ended.status.code(), Some(1));
    let why = text(&ended.stderr);
    assert!(
        why.contains("does not answer at http://127.0.0.1:9"),
        "{why}"
    );
    let provider = 1;
    let at = format!("/admin/config/providers/{provider}/selftest");
    let page = app.admin().await.get(&at).await.text();
    assert!(page.contains("No self-test yet") && page.contains("modelgate selftest acme"));
    app.finish().await;
}
