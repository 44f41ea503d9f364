//! Every page, with everything hostile in it that people, clients and vendors can send: nothing of it comes alive,
//! nothing breaks, no secret is told. And what a page offers to who may only look.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use actix_web::http::Method;
use modelgate::web;
use modelgate_domain::{
    AttemptRecord, Currency, FaultOwner, RequestId, RequestRecord, Role, Status,
};
use modelgate_store::drain::{self, Batch, Entry};
use modelgate_store::{StoreError, changes, log_views};
use scraper::{Html, Selector};
use serde_json::json;

use crate::on_each_engine;
use crate::support::{ADMIN, Answer, Browser, KEY, TestApp, VENDOR_KEY};

/// A sign by which everything hostile is known again, in every text.
const SIGN: &str = "mgevil";

/// What people put into names; none longer than a name may be.
const NAMES: &[&str] = &[
    "<script>mgevil(1)</script>",
    "\"><img src=x onerror=mgevil(2)>",
    "'><mgevil a='",
    "</script><script>mgevil(3)//",
    "</title></textarea><mgevil>",
    "{{7*191}}mgevil{% if true %}${7*191}#{7*191}<%= 7*191 %>",
    "'; drop table users; -- mgevil",
    "=HYPERLINK(\"http://mgevil.example\")",
    "@SUM(1+9)*cmd|' /C calc'!A0 mgevil",
    "\u{202e}mgevil\u{202c}\u{200b}\u{feff}مرحبا",
    "javascript:mgevil(4)",
    "😀👩‍👩‍👧‍👦 mgevil &lt;b&gt; &amp;quot; \\u003cscript\\u003e",
    "../../../etc/mgevil%00%2e%2e",
];

/// Where [`walk`] counts the pages that showed something hostile.
const HOSTILE: &str = "hostile";

/// What is told to nobody, whoever asks.
const SECRETS: [&str; 3] = [KEY, VENDOR_KEY, ADMIN.1];

/// Pages of one route that are looked at.
const OF_ONE_ROUTE: usize = 4;

fn now_ms() -> i64 {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

/// Hostile names of everything that has one.
async fn hostile_configuration(app: &TestApp) {
    use std::fmt::Write as _;
    let mut file = String::new();
    for (n, name) in NAMES.iter().enumerate() {
        let (name, secret) = (quoted(name), format!("sk-mg-hostile-{n}-0123456789abcdef"));
        writeln!(
            file,
            "[[api_keys]]\nname = {name}\nsecret = \"{secret}\"\nmodels = [\"*\"]"
        )
        .unwrap();
        writeln!(file, "[[providers]]\nname = \"evil-{n}\"\ndisplay_name = {name}\nprotocol = \"openai\"\nbase_url = \"http://127.0.0.1:9/v1\"\nkeys = [ {{ label = {name}, secret = \"sk-up-evil-{n}-0123456789\" }} ]").unwrap();
        writeln!(file, "[[models]]\nname = \"evil-{n}\"\ndisplay_name = {name}\nkind = \"chat\"\ntargets = [ {{ provider = \"evil-{n}\", upstream_model = \"evil-{n}\", priority = 1, weight = 100 }} ]").unwrap();
    }
    app.apply(&file).await;
}

/// Calls as a hostile client and a hostile vendor would leave them, of all keys.
async fn hostile_calls(app: &TestApp) {
    let now = now_ms();
    let long = "mgevil<i>".repeat(1_200);
    let texts = NAMES.iter().copied().chain([long.as_str()]);
    let mut entries = Vec::new();
    for (n, text) in texts.enumerate() {
        for (m, status) in Status::ALL.iter().enumerate() {
            let number = i64::try_from(n * 10 + m).unwrap();
            let mut id = RequestId::lower_bound(now - 1_000 - number);
            id.0 += 7;
            let record = RequestRecord {
                id,
                api_key_id: (1 + i64::try_from(n).unwrap() % 3).into(),
                repeats: 1,
                session_id: text.to_owned(),
                endpoint: text.to_owned(),
                dialect: text.to_owned(),
                requested_model: text.to_owned(),
                client_ip: text.to_owned(),
                user_agent: text.to_owned(),
                model_id: (1 + i64::try_from(n).unwrap()).into(),
                provider_id: (1 + i64::try_from(n).unwrap()).into(),
                provider_key_id: (1 + i64::try_from(n).unwrap()).into(),
                upstream_model: text.to_owned(),
                attempts: 2,
                route_reason: text.to_owned(),
                status: *status,
                fault_owner: FaultOwner::Upstream,
                error_code: text.to_owned(),
                error_message: text.to_owned(),
                http_status: 502,
                upstream_status: 502,
                finish_reason: text.to_owned(),
                started_ms: now - 1_000 - number,
                finished_ms: now - 500,
                latency_ms: Some(20_000),
                decision: text.to_owned(),
                phases: text.to_owned(),
                observed: text.to_owned(),
                cost_nanos: Some(5),
                currency: Currency::parse("USD").unwrap(),
                ..RequestRecord::default()
            };
            let attempt = |number| AttemptRecord {
                number,
                error_code: text.to_owned(),
                started_ms: now - 1_000,
                ..AttemptRecord::default()
            };
            let entry = if *status == Status::Pending {
                Entry::Started(Arc::new(record))
            } else {
                Entry::Ended(Arc::new(record), vec![attempt(1), attempt(2)])
            };
            entries.push(entry);
        }
    }
    let batch = Batch {
        instance: "hostile".to_owned(),
        positions: Vec::new(),
        entries,
    };
    let written: Result<_, StoreError> = app
        .db()
        .write(move |c| Box::pin(async move { drain::apply(c, &batch, chrono_tz::UTC).await }))
        .await;
    written.unwrap();
}

/// Accounts, views and audit lines.
async fn hostile_people(app: &TestApp) {
    let admin = app.admin().await;
    for name in NAMES {
        let rule = [
            ("status", "418"),
            ("meaning", "exhausted"),
            ("note", *name),
            ("enabled", "on"),
        ];
        let _may_be_refused = admin
            .submit("/admin/config/errors/new", "/admin/config/errors", &rule)
            .await;
        let view = [("name", *name), ("query", *name), ("shared", "on")];
        let _may_be_refused = admin
            .submit("/admin/logs?view=all", "/admin/logs/views", &view)
            .await;
    }
    app.add_account("vera", Role::Viewer).await;
    let written: Result<(), StoreError> = app
        .db()
        .write(|c| {
            Box::pin(async move {
                for name in NAMES {
                    let change = changes::Change {
                        at: chrono::Utc::now(),
                        actor: (*name).to_owned(),
                        actor_address: (*name).to_owned(),
                        action: format!("{name}.{name}"),
                        object: (*name).to_owned(),
                        before: Some(json!({ *name: name })),
                        after: Some(json!({ *name: [{ *name: *name }] })),
                        reason: (*name).to_owned(),
                    };
                    changes::note(c, &change).await?;
                    let view = log_views::NewLogView {
                        user_id: 1.into(),
                        name: (*name).to_owned(),
                        query: (*name).to_owned(),
                        shared: true,
                    };
                    log_views::save(c, &view, change.at).await?;
                }
                Ok(())
            })
        })
        .await;
    written.unwrap();
}

/// What is wrong with an answer; empty where nothing is.
fn complaints(answer: &Answer) -> Vec<String> {
    let mut found = Vec::new();
    if answer.status >= 500 {
        found.push(format!("status {}", answer.status));
    }
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    found.extend(
        SECRETS
            .iter()
            .filter(|s| text.contains(**s))
            .map(|s| format!("tells {s}")),
    );
    let kind = answer.header("content-type");
    if kind.starts_with("text/html") {
        found.extend(in_markup(&text));
    } else if kind.starts_with("application/x-ndjson") {
        let broken = text
            .lines()
            .filter(|l| serde_json::from_str::<serde_json::Value>(l).is_err());
        found.extend(broken.map(|line| format!("no JSON: {line}")));
    } else if kind.starts_with("text/csv") {
        let formula = ["\n=", "\n@", ",=", ",@", ",\"=", ",\"@", ",\"+", ",\"-"];
        found.extend(
            formula
                .iter()
                .filter(|f| text.contains(**f))
                .map(|f| format!("a cell begins with {f:?}")),
        );
    }
    found
}

fn in_markup(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    if text.contains("1337mgevil") || text.contains("mgevil1337") {
        found.push("a template in a name was worked out".to_owned());
    }
    let html = Html::parse_document(text);
    let every = Selector::parse("*").unwrap();
    for element in html.select(&every) {
        let name = element.value().name();
        if name == SIGN || (name == "img" && element.value().attr("src") == Some("x")) {
            found.push(format!("a name became an element: {}", element.html()));
        }
        for (attribute, value) in element.value().attrs() {
            let is_address =
                ["href", "src", "action", "hx-get", "hx-post", "formaction"].contains(&attribute);
            let lower = value.trim_start().to_ascii_lowercase();
            if attribute.starts_with("on") || attribute.contains(SIGN) || attribute == "style" {
                found.push(format!("attribute {attribute}={value}"));
            }
            if is_address
                && (lower.starts_with("javascript:")
                    || lower.starts_with("data:")
                    || lower.starts_with("//"))
            {
                found.push(format!("leads to {value}"));
            }
        }
        if name == "script" && element.value().attr("src").is_none() {
            let body: String = element.text().collect();
            let is_data = element.value().attr("type") == Some("application/json");
            if !is_data || serde_json::from_str::<serde_json::Value>(&body).is_err() {
                found.push(format!("a script: {body}"));
            }
        }
    }
    found
}

/// The pattern of a path, where it is a route that is asked for by GET.
fn route_of<'a>(routes: &'a [String], path: &str) -> Option<&'a String> {
    let path: Vec<&str> = path.split('/').collect();
    let fits = |route: &str| {
        let route: Vec<&str> = route.split('/').collect();
        route.len() == path.len()
            && route
                .iter()
                .zip(&path)
                .all(|(r, p)| r == p || r.starts_with('{'))
    };
    // What is said literally goes before a parameter.
    let exact = routes
        .iter()
        .find(|route| !route.contains('{') && fits(route));
    exact.or_else(|| routes.iter().find(|route| fits(route)))
}

/// Looks at every page that can be reached, and at every route by its pattern with things that are not there.
async fn walk(browser: &Browser, who: &str, skip: &[&str]) -> BTreeMap<String, usize> {
    let listed = web::route_list();
    let routes: Vec<String> = listed
        .iter()
        .filter(|route| route.method == Method::GET)
        .map(|route| route.path.clone())
        .filter(|path| !skip.contains(&path.as_str()))
        .collect();
    let mut waiting: Vec<String> = routes
        .iter()
        .filter(|p| !p.contains('{'))
        .cloned()
        .collect();
    let strange = [
        "1",
        "0",
        "-1",
        "99999999999999999999",
        "%3Cmgevil%3E",
        "%00",
        "..%2f..",
        "%F0%9F%98%80",
        "%ff",
    ];
    for route in routes.iter().filter(|p| p.contains('{')) {
        for value in strange {
            let parts = route.split('/');
            let parts = parts.map(|part| if part.starts_with('{') { value } else { part });
            waiting.push(parts.collect::<Vec<_>>().join("/"));
        }
    }
    let evil = web::encode_query("\"><mgevil>' or 1=1 --");
    for route in routes.iter().filter(|p| !p.contains('{')) {
        let names = [
            "q", "key", "model", "provider", "status", "range", "from", "to", "before", "by",
            "who", "what", "object", "column", "format", "view", "tag", "search", "sort", "to",
            "tool", "lang", "page", "category",
        ];
        let query: Vec<String> = names.iter().map(|name| format!("{name}={evil}")).collect();
        waiting.push(format!("{route}?{}", query.join("&")));
        waiting.push(format!(
            "{route}?range=year&key=1&model=1&live=1&format=jsonl&before=9999"
        ));
    }
    let (mut seen, mut counts) = (BTreeSet::new(), BTreeMap::<String, usize>::new());
    let mut found = Vec::new();
    let links = Selector::parse("a[href], [hx-get]").unwrap();
    while let Some(address) = waiting.pop() {
        let path = address.split('?').next().unwrap_or_default().to_owned();
        let Some(route) = route_of(&routes, &path) else {
            continue;
        };
        if !seen.insert(address.clone()) {
            continue;
        }
        let answer = browser.get(&address).await;
        found.extend(
            complaints(&answer)
                .into_iter()
                .map(|c| format!("{who}: {address}: {c}")),
        );
        if answer.status == 200 {
            *counts.entry(route.clone()).or_default() += 1;
        }
        if !answer.header("content-type").starts_with("text/html") {
            continue;
        }
        if answer.status == 200 && counts[route] <= 2 {
            let part = browser.get_htmx(&address).await;
            found.extend(
                complaints(&part)
                    .into_iter()
                    .map(|c| format!("{who}: part of {address}: {c}")),
            );
        }
        let text = answer.text();
        *counts.entry(HOSTILE.to_owned()).or_default() += usize::from(text.contains(SIGN));
        let html = Html::parse_document(&text);
        for link in html.select(&links) {
            let to = link
                .value()
                .attr("href")
                .or(link.value().attr("hx-get"))
                .unwrap_or_default();
            let pattern = route_of(&routes, to.split('?').next().unwrap_or_default());
            let is_enough =
                pattern.is_some_and(|p| counts.get(p).copied().unwrap_or(0) >= OF_ONE_ROUTE);
            if to.starts_with('/') && !is_enough {
                waiting.push(to.to_owned());
            }
        }
    }
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
    counts
}

async fn nothing_hostile_comes_alive(app: &TestApp) {
    hostile_configuration(app).await;
    hostile_calls(app).await;
    hostile_people(app).await;
    app.settle().await;

    let owner = app.admin().await;
    let counts = walk(&owner, "owner", &[]).await;
    for reached in [
        "/admin/logs",
        "/admin/logs/{id}",
        "/admin/logs/export",
        "/admin/audit",
        "/admin/audit/export",
        "/admin/monitor",
        "/admin/config/providers/{id}",
        "/admin/config/providers/{id}/keys/{key}",
        "/admin/config/models/{id}",
        "/admin/config/errors/{id}",
        "/admin/api-keys/{id}",
        "/admin/users/{id}",
        "/admin/api-keys/{id}/revoke",
    ] {
        assert!(
            counts.contains_key(reached),
            "{reached} was never seen: {counts:?}"
        );
    }
    assert!(counts[HOSTILE] > 40, "what is hostile is shown: {counts:?}");
    let holder = app.visitor();
    let entered = holder
        .submit("/user/login", "/user/login", &[("key", KEY)])
        .await;
    assert_eq!(entered.status, 303);
    let counts = walk(&holder, "holder", &[]).await;
    for reached in [
        "/user/dashboard",
        "/user/requests/{id}",
        "/user/export/calls",
        "/user/export/days",
        "/user/models",
    ] {
        assert!(
            counts.contains_key(reached),
            "{reached} was never seen: {counts:?}"
        );
    }
    assert!(
        counts.keys().all(|route| !route.starts_with("/admin")),
        "{counts:?}"
    );
    walk(&app.visitor(), "nobody", &[]).await;
}

on_each_engine!(nothing_hostile_comes_alive);

/// Forms that who may only look may send.
const OPEN: [&str; 4] = [
    "/admin/explain",
    "/admin/logs/views",
    "/preferences",
    "/logout",
];

async fn who_may_only_look_reads_and_fills_in_nothing(app: &TestApp) {
    app.add_account("vera", Role::Viewer).await;
    let rule = [
        ("status", "418"),
        ("meaning", "exhausted"),
        ("enabled", "on"),
    ];
    let owner = app.admin().await;
    owner
        .submit("/admin/config/errors/new", "/admin/config/errors", &rule)
        .await;
    let vera = app.account("vera").await;
    let forms = Selector::parse("main form[method=post]").unwrap();
    let fields = Selector::parse("input:not([type=hidden]), select, textarea, button").unwrap();
    let mut pages: Vec<String> = web::route_list()
        .iter()
        .filter(|r| {
            r.method == Method::GET && r.path.starts_with("/admin/") && !r.path.contains("/export")
        })
        .map(|r| r.path.clone())
        .collect();
    for path in &mut pages {
        let parts: Vec<_> = path
            .split('/')
            .map(|part| if part.starts_with('{') { "1" } else { part })
            .collect();
        *path = parts.join("/");
    }
    let (mut seen, mut found) = (0, Vec::new());
    for path in &pages {
        let answer = vera.get(path).await;
        if answer.status != 200 {
            continue;
        }
        seen += 1;
        let html = Html::parse_document(&answer.text());
        for form in html.select(&forms) {
            let action = form.value().attr("action").unwrap_or_default();
            if OPEN.iter().any(|open| action.starts_with(open)) {
                continue;
            }
            for field in form.select(&fields) {
                let is_locked =
                    field
                        .ancestors()
                        .filter_map(scraper::ElementRef::wrap)
                        .any(|above| {
                            above.value().name() == "fieldset"
                                && above.value().attr("disabled").is_some()
                        });
                if !is_locked {
                    found.push(format!("{path}: {}", field.html()));
                }
            }
        }
    }
    assert!(seen > 12, "{seen} pages");
    assert!(
        found.is_empty(),
        "open to who may only look:\n{}",
        found.join("\n")
    );
}

on_each_engine!(who_may_only_look_reads_and_fills_in_nothing);

async fn a_failure_of_ours_tells_its_number_and_nothing_else(app: &TestApp) {
    if app.database().url.starts_with("sqlite:") {
        return;
    }
    let admin = app.admin().await;
    app.database()
        .run("alter table audit_log rename to elsewhere")
        .await;
    let answer = admin.get("/admin/audit").await;
    assert_eq!(answer.status, 500);
    let id = answer.header("x-request-id").to_owned();
    let text = answer.text();
    assert!(id.starts_with("req_") && text.contains(&id), "{text}");
    for word in [
        "audit_log",
        "elsewhere",
        "relation",
        "does not exist",
        "SELECT",
        "select ",
        "postgres",
        "src/",
        ".rs",
    ] {
        assert!(
            !text.contains(&format!(">{word}")) && !told(&text).contains(word),
            "{word}: {text}"
        );
    }
    let part = admin.get_htmx("/admin/audit").await;
    assert_eq!(part.status, 500);
    assert!(
        part.text().contains(part.header("x-request-id")) && !part.text().contains("audit_log")
    );
    app.database()
        .run("alter table elsewhere rename to audit_log")
        .await;
    assert_eq!(admin.get("/admin/audit").await.status, 200);
}

/// What a person reads on a page.
fn told(html: &str) -> String {
    let main = Selector::parse("main").unwrap();
    let html = Html::parse_document(html);
    html.select(&main).flat_map(|m| m.text()).collect()
}

on_each_engine!(a_failure_of_ours_tells_its_number_and_nothing_else);
