//! The overview.

use std::time::{Duration, Instant};

use crate::on_each_engine;
use crate::support::{TestApp, until, watch};

const RANGES: [&str; 8] = [
    "range=today",
    "range=24h",
    "range=7d",
    "range=30d",
    "range=month",
    "range=year",
    "range=custom&from=2026-01-01&to=2099-01-01",
    "range=nonsense",
];

async fn it_counts_what_was_asked(app: &TestApp) {
    let admin = app.admin().await;
    let empty = admin.get("/admin/home").await;
    assert!(empty.text().contains("Getting started"));
    assert_eq!(empty.header("cache-control"), "no-store");
    for _ in 0..3 {
        assert_eq!(app.openai().chat("gpt-x", false).await.status, 200);
    }
    let hostile = app.openai().chat("<script>alert(1)</script>", false).await;
    assert_eq!(hostile.status, 404);
    app.settle().await;
    // what took long to read is shown for a while, and on a busy machine the empty page did
    let begun = Instant::now();
    let counted = "mg-figure-value\">4<";
    while !admin.get("/admin/home").await.text().contains(counted) {
        assert!(begun.elapsed() < Duration::from_secs(70), "never four");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    for range in RANGES {
        for language in ["en", "zh"] {
            let browser = admin.clone().speaking(language);
            for path in ["/admin/home", "/admin/monitor"] {
                let page = browser.get(&format!("{path}?{range}")).await;
                assert_eq!(page.status, 200, "{path} {range}");
                let text = page.text();
                assert!(text.contains(counted), "four requests in {range} of {path}");
                assert!(text.contains(">alice<") && text.contains(">acme<"));
                assert!(!text.contains("<script>alert"));
            }
        }
    }
    let part = admin.get_htmx("/admin/home?range=today").await.text();
    assert!(part.contains("id=\"live\"") && !part.contains("<html"));
}

async fn a_figure_leads_to_the_rows_it_counts(app: &TestApp) {
    let admin = app.admin().await;
    app.openai().chat("gpt-x", false).await;
    app.openai().chat("nobody-knows", false).await;
    app.settle().await;
    let home = admin.get("/admin/home?range=7d").await.text();
    let failed = link(&home, "/admin/logs?status=error&#38;from=");
    let rows = admin.get(&failed).await.text();
    assert!(rows.contains("<span>nobody-knows") && !rows.contains("<span>gpt-x"));
    let of_key = link(&home, "/admin/logs?status=ended&#38;key=");
    let rows = admin.get(&of_key).await.text();
    assert!(rows.contains("<span>nobody-knows") && rows.contains("<span>gpt-x"));
}

/// The address of the first link that begins so, as a browser would follow it.
fn link(html: &str, begins: &str) -> String {
    let at = html
        .find(&format!("href=\"{begins}"))
        .unwrap_or_else(|| panic!("no link to {begins}"));
    let rest = &html[at + 6..];
    rest[..rest.find('"').unwrap()].replace("&#38;", "&")
}

async fn a_stream_tells_what_happens_and_ends_with_the_session(app: &TestApp) {
    let admin = app.admin().await;
    let mut stream = watch(&admin, "/admin/home?range=today").await;
    assert_eq!(stream.status(), 200);
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    assert_eq!(stream.headers()["x-accel-buffering"], "no");
    assert_eq!(stream.headers()["cache-control"], "no-store");
    let first = until(&mut stream, "\n\n").await;
    assert!(first.starts_with("data: ") && !first.contains("<html"));
    app.openai().chat("gpt-x", false).await;
    app.settle().await;
    until(&mut stream, "mg-figure-value\">1<").await;
    let left = admin.submit("/admin/home", "/logout", &[]).await;
    assert_eq!(left.status, 303);
    until(&mut stream, "event: end").await;
    assert!(matches!(stream.chunk().await, Ok(None)), "it is over");
    let nobody = watch(&app.visitor(), "/admin/home").await;
    assert_eq!(nobody.status(), 303);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_does_not_hold_the_gateway() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let mut stream = watch(&admin, "/admin/home").await;
    until(&mut stream, "\n\n").await;
    let begin = Instant::now();
    let app = app.restart().await;
    let took = begin.elapsed();
    assert!(took < Duration::from_secs(8), "{took:?}");
    app.finish().await;
}

on_each_engine!(it_counts_what_was_asked);
on_each_engine!(a_figure_leads_to_the_rows_it_counts);
on_each_engine!(a_stream_tells_what_happens_and_ends_with_the_session);
