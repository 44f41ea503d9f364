//! Every page, with everything hostile in it that people, clients and vendors can send: nothing of it comes alive,
//! nothing breaks, no secret is told. And what a page offers to who may only look.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::http::Method;
use modelgate::web;
use modelgate_domain::Role;
use scraper::{Html, Selector};

use crate::hostile::{hostile_calls, hostile_configuration, hostile_people};
use crate::on_each_engine;
use crate::support::{ADMIN, Answer, Browser, KEY, TestApp, VENDOR_KEY};

/// A sign by which everything hostile is known again, in every text.
const SIGN: &str = "mgevil";

/// Where [`walk`] counts the pages that showed something hostile.
const HOSTILE: &str = "hostile";

/// What is told to nobody, whoever asks.
const SECRETS: [&str; 3] = [KEY, VENDOR_KEY, ADMIN.1];

/// Pages of one route that are looked at.
const OF_ONE_ROUTE: usize = 4;

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

/// What an action answers stands under the action's address: reloading it, or switching the language on it, is a GET.
async fn every_action_leads_back_to_a_page(app: &TestApp) {
    let admin = app.admin().await;
    let routes = modelgate::web::route_list();
    let has_page = |path: &str| {
        let mut all = routes.iter();
        all.any(|route| route.method == Method::GET && route.path == path)
    };
    let mut seen = 0;
    for route in routes.iter().filter(|route| route.method == Method::POST) {
        if has_page(&route.path) {
            continue;
        }
        let parts = route.path.split('/');
        let path: Vec<&str> = parts
            .map(|part| if part.starts_with('{') { "7" } else { part })
            .collect();
        let path = path.join("/");
        let answer = admin.get(&path).await;
        assert_eq!(answer.status, 303, "GET {path}");
        let to = answer.header("location").to_owned();
        assert!(
            path.starts_with(&to) && to.len() < path.len(),
            "{path}: {to}"
        );
        let pattern: Vec<&str> = route.path.split('/').collect();
        let depth = if to == "/" { 1 } else { to.split('/').count() };
        assert!(has_page(&pattern[..depth].join("/")), "{path}: {to}");
        seen += 1;
    }
    assert!(seen > 20);
}

on_each_engine!(every_action_leads_back_to_a_page);

/// Whoever asks for the head of a page gets that, and not that it is not there.
async fn every_page_has_a_head(app: &TestApp) {
    let admin = app.admin().await;
    for path in [
        "/",
        "/login",
        "/admin/home",
        "/admin/logs",
        "/account",
        "/nowhere",
    ] {
        let (whole, head) = (
            admin.get(path).await,
            admin.send(admin.request(reqwest::Method::HEAD, path)).await,
        );
        assert_eq!(head.status, whole.status, "{path}");
        assert!(head.body.is_empty());
        assert_eq!(head.header("content-type"), whole.header("content-type"));
    }
    let page = app.visitor().get("/login").await.text();
    let at = page.find("/static/").expect("an asset");
    let asset: String = page[at..].chars().take_while(|c| *c != '"').collect();
    let head = admin
        .send(admin.request(reqwest::Method::HEAD, &asset))
        .await;
    assert_eq!(head.status, 200, "{asset}");
}

on_each_engine!(every_page_has_a_head);
