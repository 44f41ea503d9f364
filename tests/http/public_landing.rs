//! The landing page, static files, error pages, and what every page sends along.

use reqwest::Method;

use crate::on_each_engine;
use crate::support::{Setup, TestApp};

async fn it_says_where_calls_go_and_shows_the_filing_number(app: &TestApp) {
    let page = app.visitor().get("/gate/").await;
    assert_eq!(page.status, 200);
    let text = page.text();
    assert!(text.contains(&format!("{}/gate/v1", app.url())));
    assert!(text.contains("京ICP备1号") && text.contains("lang=\"en\""));
    let policy = page.header("content-security-policy");
    assert!(policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"));
    assert!(!policy.contains("unsafe"));
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    assert_eq!(page.header("vary"), "HX-Request");
    assert!(page.header("x-request-id").starts_with("req_"));
    let chinese = app.visitor().speaking("zh-CN,en;q=0.5");
    assert!(
        chinese
            .get("/gate/")
            .await
            .text()
            .contains("lang=\"zh-CN\"")
    );
}

on_each_engine!(
    it_says_where_calls_go_and_shows_the_filing_number,
    |engine| Setup::on(engine)
        .env("BASE_PATH", "/gate")
        .env("ICP_NUMBER", "京ICP备1号")
);

async fn language_and_theme_stay_and_keep_the_address(app: &TestApp) {
    let browser = app.visitor();
    let fields = [("lang", "zh"), ("to", "/login?to=/admin/logs")];
    let answer = browser.submit("/login", "/preferences", &fields).await;
    assert_eq!(answer.header("location"), "/login?to=/admin/logs");
    assert!(
        browser
            .get("/login")
            .await
            .text()
            .contains("lang=\"zh-CN\"")
    );
    let fields = [("theme", "dark"), ("to", "https://evil.example/")];
    let answer = browser.submit("/login", "/preferences", &fields).await;
    assert_eq!(answer.header("location"), "/", "never another origin");
    assert!(
        browser
            .get("/login")
            .await
            .text()
            .contains("data-bs-theme=\"dark\"")
    );
}

on_each_engine!(language_and_theme_stay_and_keep_the_address);

async fn static_files_are_kept_for_ever_and_packed(app: &TestApp) {
    let browser = app.visitor();
    let page = browser.get("/").await.text();
    let start = page.find("/static/").unwrap();
    let paths: Vec<&str> = page
        .match_indices("/static/")
        .map(|(at, _)| page[at..].split(['"', '#']).next().unwrap())
        .collect();
    assert!(start > 0 && paths.len() > 4);
    for path in paths {
        for (accept, encoding) in [("gzip, br", "br"), ("gzip", "gzip"), ("", "")] {
            let request = browser
                .request(Method::GET, path)
                .header("accept-encoding", accept);
            let file = browser.send(request).await;
            assert_eq!(file.status, 200, "{path}");
            if !path.ends_with("mark.svg") {
                assert_eq!(file.header("content-encoding"), encoding, "{path}");
            }
            assert_eq!(
                file.header("cache-control"),
                "public, max-age=31536000, immutable"
            );
            assert_eq!(file.header("vary"), "accept-encoding");
            let etag = file.header("etag").to_owned();
            let request = browser
                .request(Method::GET, path)
                .header("if-none-match", etag);
            assert_eq!(browser.send(request).await.status, 304);
        }
    }
    let stale = browser.get("/static/0000000000000000/css/app.css").await;
    assert_eq!(stale.header("cache-control"), "public, no-cache");
    assert_eq!(browser.get("/static/../Cargo.toml").await.status, 404);
}

on_each_engine!(static_files_are_kept_for_ever_and_packed);

async fn errors_have_pages_and_fragments(app: &TestApp) {
    let browser = app.visitor();
    let page = browser.get("/no/such/<script>page").await;
    assert_eq!(page.status, 404);
    assert!(page.text().contains("<html") && !page.text().contains("<script>page"));
    let part = browser.get_htmx("/no/such/page").await;
    assert_eq!((part.status, part.header("hx-reswap")), (404, "none"));
    assert!(!part.text().contains("<html") && part.text().contains("hx-swap-oob"));
    assert!(part.text().contains(part.header("x-request-id")));
}

on_each_engine!(errors_have_pages_and_fragments);
