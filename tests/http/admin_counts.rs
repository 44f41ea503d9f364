//! Every count on a page leads to the request log with the filter that makes it.

use std::collections::BTreeSet;
use std::sync::Arc;

use modelgate_domain::{FaultOwner, RequestId, RequestRecord, Status};
use modelgate_store::StoreError;
use modelgate_store::drain::{self, Batch, Entry};

use crate::on_each_engine;
use crate::support::{Browser, TestApp};

/// Ended calls of every kind, some with repeats, of the last minutes.
async fn fill(app: &TestApp) {
    let now_ms = chrono::Utc::now().timestamp_millis();
    let kinds = [
        (Status::Success, FaultOwner::None, "", 200, 200, 1, 9),
        (
            Status::Error,
            FaultOwner::Upstream,
            "upstream_error",
            502,
            503,
            1,
            5,
        ),
        (
            Status::Error,
            FaultOwner::Caller,
            "model_not_found",
            404,
            0,
            3,
            2,
        ),
        (
            Status::Error,
            FaultOwner::Policy,
            "model_not_allowed",
            403,
            0,
            2,
            1,
        ),
        (Status::Error, FaultOwner::Gateway, "internal", 500, 0, 1, 1),
        (
            Status::Timeout,
            FaultOwner::Upstream,
            "upstream_timeout",
            504,
            0,
            1,
            4,
        ),
        (
            Status::RateLimited,
            FaultOwner::Policy,
            "limit",
            429,
            0,
            7,
            2,
        ),
        (
            Status::RateLimited,
            FaultOwner::Upstream,
            "upstream_limit",
            429,
            429,
            1,
            3,
        ),
        (Status::Cancelled, FaultOwner::Caller, "left", 0, 200, 1, 2),
    ];
    let mut entries = Vec::new();
    for (status, fault_owner, code, http_status, upstream_status, repeats, count) in kinds {
        for _ in 0..count {
            let n = i64::try_from(entries.len()).unwrap();
            let started_ms = now_ms - 100 + n;
            let served = upstream_status != 0 || status == Status::Timeout;
            let record = RequestRecord {
                id: RequestId(RequestId::lower_bound(started_ms).0 + 1),
                api_key_id: 1.into(),
                model_id: if served { 1 } else { 2 }.into(),
                provider_id: i64::from(served).into(),
                provider_key_id: i64::from(served).into(),
                upstream_model: if served { "gpt-x-up" } else { "" }.to_owned(),
                repeats,
                status,
                fault_owner,
                error_code: code.to_owned(),
                http_status,
                upstream_status,
                started_ms,
                finished_ms: started_ms + 40,
                latency_ms: Some(40),
                ..RequestRecord::default()
            };
            entries.push(Entry::Ended(Arc::new(record), Vec::new()));
        }
    }
    let batch = Batch {
        instance: "test".to_owned(),
        entries,
        ..Batch::default()
    };
    let written: Result<_, StoreError> = app
        .db()
        .write(move |c| Box::pin(async move { drain::apply(c, &batch, chrono_tz::UTC).await }))
        .await;
    written.unwrap();
}

/// How many requests the rows behind a link stand for: by the export of all of them.
async fn behind(browser: &Browser, link: &str) -> i64 {
    let file = link.replace("/admin/logs?", "/admin/logs/export?format=jsonl&");
    let rows = browser.get(&file).await;
    assert_eq!(rows.status, 200, "{link}");
    let rows = rows.text();
    let repeats = rows.lines().map(|line| {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        row["repeats"].as_i64().unwrap()
    });
    repeats.sum()
}

/// How many the foot of the list says there are.
async fn told(browser: &Browser, link: &str) -> i64 {
    let count = link.replace("/admin/logs?", "/admin/logs/count?");
    let text = browser.get_htmx(&count).await.text();
    number(&text).unwrap_or_else(|| panic!("no number in {text}"))
}

/// The first whole number among the words of some markup; shares and amounts are none.
fn number(html: &str) -> Option<i64> {
    let (mut text, mut depth) = (String::new(), 0);
    for letter in html.chars() {
        match letter {
            '<' => depth += 1,
            '>' => {
                depth -= 1;
                text.push(' ');
            }
            _ if depth == 0 => text.push(letter),
            _ => {}
        }
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut pairs = words.iter().zip(words.iter().skip(1).chain(Some(&"")));
    pairs.find_map(|(word, next)| {
        let digits = word.replace(',', "");
        (!next.starts_with('%')).then(|| digits.parse().ok())?
    })
}

/// Every link to the log with the number that stands in it or after it.
fn counts(html: &str) -> BTreeSet<(String, i64)> {
    let begin = "href=\"/admin/logs?status=";
    let links: Vec<usize> = html.match_indices(begin).map(|(at, _)| at).collect();
    let mut found = BTreeSet::new();
    for (place, at) in links.iter().enumerate() {
        let end = links.get(place + 1).copied().unwrap_or(html.len());
        let (link, rest) = html[at + 6..end].split_once('"').unwrap();
        let rest = rest.split_once('>').unwrap().1;
        let end = ["</li>", "</tr>"]
            .iter()
            .filter_map(|end| rest.find(end))
            .min();
        let rest = end.map_or(rest, |end| &rest[..end]);
        let words = rest.trim_start();
        // Tokens, money and rates are of rows, and not their number.
        let is_sum = ["Tokens", "Cost", "Error rate"]
            .iter()
            .any(|label| words.contains(&format!("<span>{label}</span>")));
        // A vendor's status stands for itself before its count does.
        let named = link
            .split_once("vendor-http=")
            .map(|(_, status)| &status[..3]);
        let rest = named.map_or(rest.to_owned(), |status| rest.replacen(status, "", 1));
        let link = link.replace("&#38;", "&").replace("&amp;", "&");
        if let Some(number) = number(&rest).filter(|_| !is_sum) {
            found.insert((link, number));
        }
    }
    found
}

async fn each_count_is_of_the_rows_behind_it(app: &TestApp) {
    fill(app).await;
    let admin = app.admin().await;
    for (page, least) in [
        ("/admin/home?range=24h", 6),
        ("/admin/monitor?range=24h", 14),
        ("/admin/errors", 18),
        ("/admin/api-keys/1?range=24h", 5),
    ] {
        let html = admin.get(page).await.text();
        let counts = counts(&html);
        assert!(counts.len() >= least, "{page}: {counts:?}");
        for (link, shown) in counts {
            assert_eq!(
                behind(&admin, &link).await,
                shown,
                "{page} shows {shown}: {link}"
            );
            assert_eq!(told(&admin, &link).await, shown, "{page}: {link}");
        }
    }
    let chinese = admin
        .clone()
        .speaking("zh")
        .get("/admin/errors")
        .await
        .text();
    assert!(chinese.contains("status=failed&#38;fault=upstream&#38;from="));
}
on_each_engine!(each_count_is_of_the_rows_behind_it);

async fn every_filter_stands_in_address_view_file_and_list(app: &TestApp) {
    fill(app).await;
    let admin = app.admin().await;
    for (filter, count) in [
        ("fault=upstream", 12),
        ("fault=policy", 2 + 14),
        ("fault=caller&status=error", 6),
        ("fault=gateway", 1),
        ("code=limit", 14),
        ("credential=1", 23),
        ("upstream=gpt-x-up", 23),
        ("http=429", 17),
        ("vendor-http=503", 5),
        ("status=wrong", 5 + 1 + 4),
        ("status=unanswered&provider=1", 5 + 4 + 3),
        ("status=ended&model=2", 6 + 2 + 1 + 14),
    ] {
        let link = format!("/admin/logs?{filter}");
        assert_eq!(behind(&admin, &link).await, count, "{filter}");
        assert_eq!(told(&admin, &link).await, count, "{filter}");
        for language in ["en", "zh"] {
            let page = admin.clone().speaking(language).get(&link).await.text();
            assert!(!page.contains("admin-logs-"), "{filter}");
            for pair in filter.split('&') {
                let (name, value) = pair.split_once('=').unwrap();
                let chosen = format!("<option value=\"{value}\" selected>");
                let (_, list) = page
                    .split_once(&format!("form-select\" name=\"{name}\""))
                    .unwrap();
                let list = list.split_once("</select>").unwrap().0;
                assert!(list.contains(&chosen), "{filter} in {language}: {list}");
            }
        }
        let save = [("name", "v"), ("query", filter)];
        let saved = admin
            .submit("/admin/logs?view=all", "/admin/logs/views", &save)
            .await;
        assert_eq!(behind(&admin, saved.header("location")).await, count);
    }
    for (path, filter) in [
        ("/admin/config/providers/1", "provider=1"),
        ("/admin/config/providers/1/keys/1", "credential=1"),
        ("/admin/api-keys/1", "key=1"),
    ] {
        let page = admin.get(path).await.text();
        let link = format!("href=\"/admin/logs?{filter}\"");
        assert!(page.contains(&link), "{path} leads to {filter}");
    }
    let page = admin.get("/admin/logs?credential=1").await.text();
    assert!(page.contains("acme / main"), "whose credential it is");
    assert!(page.contains("mg-further\" open"), "what is in use is seen");
    assert!(page.contains(">23 requests match<"), "{page}");
    let gone = admin
        .get("/admin/logs?code=gone&upstream=%3Cb%3E")
        .await
        .text();
    assert!(gone.contains("Nothing matches") && !gone.contains("<b>"));
    assert!(
        gone.contains("<option value=\"gone\" selected>"),
        "it can be taken back"
    );
}
on_each_engine!(every_filter_stands_in_address_view_file_and_list);

async fn how_many_match_is_told_after_the_rows(app: &TestApp) {
    let admin = app.admin().await;
    for _ in 0..51 {
        app.openai().chat("nobody-knows", false).await;
    }
    app.settle().await;
    let page = admin.get("/admin/logs?view=all").await.text();
    let asked = "hx-get=\"/admin/logs/count?\"";
    if page.contains(asked) {
        assert!(page.contains("requests on this page"), "{page}");
    }
    assert_eq!(told(&admin, "/admin/logs?status=ended").await, 51);
    let whole = admin.get("/admin/logs/count?status=ended").await;
    assert_eq!(
        (whole.status, whole.header("location")),
        (303, "/admin/logs?status=ended")
    );
    assert_eq!(app.visitor().get("/admin/logs/count").await.status, 303);
}
on_each_engine!(how_many_match_is_told_after_the_rows);
