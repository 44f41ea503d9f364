//! The request log.

use modelgate::simulator::Step;
use modelgate_domain::{RequestRecord, Role, Status};
use modelgate_store::drain::{self, Batch, Entry};
use modelgate_store::{StoreError, audit};

use crate::on_each_engine;
use crate::support::{TestApp, until, watch};

async fn rows_are_filtered_paged_and_explained(app: &TestApp) {
    app.vendor.push(Step::status(503));
    assert!(app.openai().chat("gpt-x", false).await.status >= 500);
    for _ in 0..54 {
        assert_eq!(app.openai().chat("gpt-x", true).await.status, 200);
    }
    let hostile = app.openai().chat("<script>alert(1)</script>", false).await;
    assert_eq!(hostile.status, 404);
    app.settle().await;
    let admin = app.admin().await;
    let rows = |text: &str| text.matches("hx-target=\"#drawer\"").count();

    let first = admin.get("/admin/logs").await.text();
    assert_eq!(rows(&first), 50);
    assert!(!first.contains("<script>alert"));
    let (_, rest) = first.split_once("before=").unwrap();
    let older = admin
        .get(&format!("/admin/logs?before={}", &rest[..17]))
        .await
        .text();
    assert!(rows(&older) >= 5 && older.contains("Newest"));

    let failed = admin.get("/admin/logs?status=error&model=1").await.text();
    assert_eq!(rows(&failed), 1, "{failed}");
    let part = admin.get_htmx("/admin/logs?status=timeout").await.text();
    assert!(part.contains("Nothing matches") && !part.contains("<html"));

    let (_, rest) = failed.split_once("/admin/logs/req_").unwrap();
    let path = format!("/admin/logs/req_{}", &rest[..13]);
    let whole = admin.get(&path).await.text();
    assert!(whole.contains("Why did this fail?") && whole.contains("acme answered 503."));
    let panel = admin.get_htmx(&path).await.text();
    assert!(!panel.contains("<html") && whole.contains(panel.trim()));
    let chinese = admin.clone().speaking("zh").get(&path).await.text();
    assert!(chinese.contains("为什么失败？"));

    let sought = admin
        .get(&format!("/admin/logs?q=req_{}", &rest[..13]))
        .await;
    assert_eq!(sought.header("location"), path);
    assert_eq!(admin.get("/admin/logs/req_0000000000001").await.status, 404);
    assert_eq!(admin.get("/admin/logs/nonsense").await.status, 404);
    assert_eq!(app.visitor().get(&path).await.status, 303);
}

on_each_engine!(rows_are_filtered_paged_and_explained);

async fn columns_are_chosen_in_the_address(app: &TestApp) {
    app.openai().chat("gpt-x", false).await;
    app.settle().await;
    let admin = app.admin().await;
    let page = admin
        .get("/admin/logs?column=client&column=cost&column=evil")
        .await
        .text();
    assert!(page.contains("data-label=\"Client\"") && page.contains("data-label=\"Cost\""));
    assert!(!page.contains("data-label=\"Key\""), "only what was chosen");
    let filtered = admin
        .get("/admin/logs?status=success&range=24h&column=client")
        .await
        .text();
    assert!(
        filtered.contains("name=\"column\" value=\"client\""),
        "the filter keeps the columns"
    );
    assert!(
        filtered.contains("name=\"range\" value=\"24h\""),
        "the columns keep the filter"
    );
    assert!(filtered.contains(
        "/admin/logs/export?status=success&#38;range=24h&#38;column=client&amp;format=csv"
    ));
    let before = admin
        .get("/admin/logs?range=1h&to=2020-01-01T00:00")
        .await
        .text();
    assert!(before.contains("Nothing matches"));
}

on_each_engine!(columns_are_chosen_in_the_address);

async fn views_are_kept_shared_and_opened_with(app: &TestApp) {
    let admin = app.admin().await;
    app.add_account("vera", Role::Viewer).await;
    let vera = app.account("vera").await;
    let save = "/admin/logs/views";
    let fields = [
        ("name", "<b>Failures</b>"),
        ("query", "status=failed&key=&bad=1&column=error"),
        ("shared", "on"),
        ("opens", "on"),
    ];
    let saved = admin.submit("/admin/logs?view=all", save, &fields).await;
    assert_eq!(
        (saved.status, saved.header("location")),
        (303, "/admin/logs?status=failed&column=error")
    );
    let again = admin.submit("/admin/logs?view=all", save, &fields).await;
    assert_eq!(again.status, 303, "the same name replaces");

    let opened = admin.get("/admin/logs").await;
    assert_eq!(
        opened.header("location"),
        "/admin/logs?status=failed&column=error"
    );
    assert_eq!(admin.get("/admin/logs?view=all").await.status, 200);
    assert_eq!(admin.get_htmx("/admin/logs?status=").await.status, 200);
    let page = admin
        .get("/admin/logs?status=failed&column=error")
        .await
        .text();
    assert!(!page.contains("<b>Failures") && page.contains("opens with the log"));

    // Others see what is shared, and may not delete it.
    let theirs = vera.get("/admin/logs").await.text();
    assert!(theirs.contains("shared by root") && !theirs.contains("/delete\""));
    let id = view_id(&page);
    let delete = format!("/admin/logs/views/{id}/delete");
    assert_eq!(
        vera.submit("/admin/logs?view=all", &delete, &[])
            .await
            .status,
        404
    );
    let opening = vera
        .submit(
            "/admin/logs?view=all",
            "/admin/logs/views/opening",
            &[("view", &id)],
        )
        .await;
    assert_eq!(opening.status, 303);
    assert_eq!(vera.get("/admin/logs").await.status, 303);

    // A viewer keeps views, and shares none.
    let own = [("name", "mine"), ("query", "range=1h")];
    assert_eq!(
        vera.submit("/admin/logs?view=all", save, &own).await.status,
        303
    );
    let shared = [own[0], own[1], ("shared", "on")];
    assert_eq!(
        vera.submit("/admin/logs?view=all", save, &shared)
            .await
            .status,
        403
    );
    assert!(
        !admin
            .get("/admin/logs?view=all")
            .await
            .text()
            .contains(">mine<")
    );
    let long = "x".repeat(61);
    for name in ["", long.as_str()] {
        let refused = vera
            .submit("/admin/logs?view=all", save, &[("name", name), own[1]])
            .await;
        let told = vera.get(refused.header("location")).await.text();
        assert!(told.contains("1 to 60 characters"), "{told}");
    }
    assert_eq!(
        vera.post(save, &own, None, false).await.status,
        403,
        "no token"
    );

    let deleted = admin.submit("/admin/logs?view=all", &delete, &[]).await;
    assert_eq!(deleted.status, 303);
    for browser in [&admin, &vera] {
        assert_eq!(
            browser.get("/admin/logs").await.status,
            200,
            "it opens with everything again"
        );
    }
}

/// The first view of a page that may be deleted.
fn view_id(page: &str) -> String {
    let at = page.find("/admin/logs/views/").expect("a view");
    let rest = &page[at + "/admin/logs/views/".len()..];
    let id = rest.chars().take_while(char::is_ascii_digit);
    id.collect()
}

on_each_engine!(views_are_kept_shared_and_opened_with);

async fn a_tail_shows_what_runs_and_counts_what_ended(app: &TestApp) {
    let admin = app.admin().await;
    let page = admin.get("/admin/logs?live=1&status=&key=1").await.text();
    assert!(
        page.contains("data-events=\"/admin/logs?key=1&#38;live=1\"")
            && page.contains("data-pause")
    );
    let mut stream = watch(&admin, "/admin/logs?key=1&live=1").await;
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let first = until(&mut stream, "\n\n").await;
    assert!(!first.contains("<html") && first.contains("Nothing ended since"));
    app.openai().chat("gpt-x", false).await;
    app.settle().await;
    let seen = until(&mut stream, "1 request ended since").await;
    assert!(seen.contains("id=\"p-rows\" data-part") && seen.contains(">gpt-x<"));
    let mut other = watch(&admin, "/admin/logs?status=timeout&live=1").await;
    until(&mut other, "Nothing matches").await;
    // A call that runs ticks.
    app.vendor
        .push(Step::answer().delay(std::time::Duration::from_secs(4)));
    let client = app.openai();
    let running = tokio::spawn(async move { client.chat("gpt-x", false).await });
    until(&mut stream, "data-waited").await;
    assert_eq!(running.await.unwrap().status, 200);
    until(&mut stream, "2 requests ended since").await;
    drop(stream);
    let vera = app.visitor();
    assert_eq!(watch(&vera, "/admin/logs?live=1").await.status(), 303);
}

on_each_engine!(a_tail_shows_what_runs_and_counts_what_ended);

/// Writes ended calls as the drain would.
async fn fill(app: &TestApp, count: i64) {
    let now_ms = i64::try_from(
        std::time::SystemTime::UNIX_EPOCH
            .elapsed()
            .unwrap()
            .as_millis(),
    )
    .unwrap();
    for chunk in (0..count).collect::<Vec<_>>().chunks(500) {
        let entries = chunk.iter().map(|n| {
            let mut id = modelgate_domain::RequestId::lower_bound(now_ms - count + n);
            id.0 += 1;
            let record = RequestRecord {
                id,
                api_key_id: 1.into(),
                repeats: 1,
                status: if n % 10 == 0 {
                    Status::Timeout
                } else {
                    Status::Success
                },
                requested_model: format!("=cmd|'/c calc'!A{n}"),
                user_agent: "+SUM(1,2) \"x\"\r\nnext".to_owned(),
                error_message: "@evil, <script>".to_owned(),
                started_ms: now_ms - count + n,
                finished_ms: now_ms - count + n,
                ..RequestRecord::default()
            };
            Entry::Ended(std::sync::Arc::new(record), Vec::new())
        });
        let batch = Batch {
            instance: "test".to_owned(),
            positions: Vec::new(),
            entries: entries.collect(),
        };
        let written: Result<_, StoreError> = app
            .db()
            .write(move |c| Box::pin(async move { drain::apply(c, &batch, chrono_tz::UTC).await }))
            .await;
        written.unwrap();
    }
}

async fn everything_that_matches_is_exported_in_batches(app: &TestApp) {
    fill(app, 1_203).await;
    let admin = app.admin().await;
    let csv = admin
        .get("/admin/logs/export?format=csv&before=req_0000000000001")
        .await;
    assert_eq!(csv.status, 200);
    let name = csv.header("content-disposition");
    assert!(
        name.contains("modelgate-calls-20") && name.ends_with(".csv\""),
        "{name}"
    );
    let text = csv.text();
    assert_eq!(
        text.matches("\r\nreq_").count(),
        1_203,
        "each row once, whatever page was open"
    );
    assert!(text.contains(",\"'=cmd|'/c calc'!A7\","), "no formula");
    assert!(
        text.contains("\"'+SUM(1,2) \"\"x\"\"\r\nnext\"") && text.contains("\"'@evil, <script>\"")
    );

    let jsonl = admin
        .get("/admin/logs/export?format=jsonl&status=timeout")
        .await;
    assert_eq!(
        jsonl.header("content-type"),
        "application/x-ndjson; charset=utf-8"
    );
    let rows: Vec<serde_json::Value> = jsonl
        .text()
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    assert_eq!(rows.len(), 121);
    let ids: Vec<&str> = rows.iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert!(ids.windows(2).all(|pair| pair[0] > pair[1]), "newest first");
    assert_eq!(rows[0]["requested_model"], "=cmd|'/c calc'!A1200");
    let failed = admin
        .get("/admin/logs/export?format=jsonl&status=failed")
        .await
        .text();
    assert_eq!(failed.lines().count(), 121);

    let nothing = admin
        .get("/admin/logs/export?format=jsonl&status=error")
        .await;
    assert_eq!((nothing.status, nothing.text()), (200, String::new()));

    let noted = app
        .db()
        .read(|c| Box::pin(audit::list(c, None, 4)))
        .await
        .unwrap_or_else(|e: StoreError| panic!("{e}"));
    let exports = noted
        .rows
        .iter()
        .filter(|row| row.action == "request_log.export");
    assert_eq!(exports.count(), 4);
    let first = noted.rows.last().unwrap();
    assert_eq!(
        (first.actor.as_str(), first.actor_address.as_str()),
        ("root", "127.0.0.1")
    );
    let timeouts = noted.rows.iter().find(|row| {
        row.after
            .as_deref()
            .is_some_and(|a| a.contains("status=timeout"))
    });
    assert!(timeouts.is_some());

    let days = admin.get("/admin/monitor/export?range=7d&format=csv").await;
    assert!(
        days.text()
            .starts_with("\u{feff}day,key,model,provider,requests,"),
        "{}",
        days.text()
    );
    let today: i64 = days
        .text()
        .lines()
        .skip(1)
        .map(|l| l.split(',').nth(4).unwrap().parse::<i64>().unwrap())
        .sum();
    assert_eq!(today, 1_203);
}

on_each_engine!(everything_that_matches_is_exported_in_batches);
