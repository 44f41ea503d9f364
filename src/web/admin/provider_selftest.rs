//! What self-tests of a provider found out: a grid of cases and client dialects, with what was sent and received.

use actix_web::web;
use askama::Template;
use modelgate_domain::ProviderId;
use modelgate_domain::selftest::{Trial, Verdict};
use modelgate_store::self_tests::{self, SelfTest};
use modelgate_store::{StoreError, providers};
use serde::Deserialize;

use super::providers::PATH;
use crate::web::error::PageError;
use crate::web::page::{Look, Page, PageResult};
use crate::web::routes::Routes;
use crate::web::shell::{Moment, Shell};
use crate::web::state::WebState;

#[derive(Template)]
#[template(path = "admin/provider_selftest.html")]
struct SelftestView<'a> {
    page: &'a Shell,
    name: String,
    provider: String,
    /// What makes one.
    command: String,
    /// All that are kept, the newest first.
    runs: Vec<RunRow>,
    run: Option<Run>,
}

struct RunRow {
    href: String,
    at: Moment,
    model: String,
    result: String,
    is_shown: bool,
}

struct Run {
    at: Moment,
    model: String,
    took: String,
    result: String,
    /// For the dot.
    kind: &'static str,
    /// What the clients speak.
    clients: Vec<String>,
    rows: Vec<Row>,
}

struct Row {
    case: String,
    cells: Vec<Cell>,
}

struct Cell {
    client: String,
    /// For the dot.
    kind: &'static str,
    verdict: String,
    note: String,
    status: u16,
    took: String,
    /// The request in the log: its id and page.
    request: Option<(String, String)>,
    sent: String,
    received: String,
}

#[derive(Deserialize)]
struct Query {
    run: Option<i64>,
}

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.get("/admin/config/providers/{id}/selftest", get);
}

async fn get(
    page: Page<Look>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
    query: web::Query<Query>,
) -> PageResult {
    let id = ProviderId(*id);
    let (provider, runs) = state
        .db
        .read(move |c| {
            Box::pin(async move {
                let provider = providers::find(c, id).await?;
                Ok::<_, StoreError>((provider, self_tests::list(c, id).await?))
            })
        })
        .await?;
    let provider = provider.ok_or(PageError::NotFound)?;
    let shown = match query.run {
        Some(run) => Some(
            runs.iter()
                .find(|one| one.id == run)
                .ok_or(PageError::NotFound)?,
        ),
        None => runs.first(),
    };
    page.show(&view(&page, (id, &provider.name), &runs, shown))
}

fn view<'a>(
    page: &'a Shell,
    (id, name): (ProviderId, &str),
    runs: &[SelfTest],
    shown: Option<&SelfTest>,
) -> SelftestView<'a> {
    let provider = page.url(&format!("{PATH}/{id}"));
    let row = |run: &SelfTest| RunRow {
        href: format!("{provider}/selftest?run={}", run.id),
        at: page.moment(run.started_ms),
        model: run.model.clone(),
        result: result(page, run),
        is_shown: shown.is_some_and(|shown| shown.id == run.id),
    };
    SelftestView {
        page,
        name: name.to_owned(),
        command: format!("modelgate selftest {name}"),
        runs: runs.iter().map(row).collect(),
        run: shown.map(|run| of_run(page, run)),
        provider,
    }
}

fn result(page: &Shell, run: &SelfTest) -> String {
    page.t_with(
        "admin-provider-selftest-result",
        &[
            ("passed", &run.passed),
            ("failed", &run.failed),
            ("skipped", &run.skipped),
        ],
    )
}

fn of_run(page: &Shell, run: &SelfTest) -> Run {
    let mut clients: Vec<&str> = Vec::new();
    let mut cases: Vec<&str> = Vec::new();
    for trial in &run.trials {
        if !clients.contains(&trial.client.as_str()) {
            clients.push(&trial.client);
        }
        if !cases.contains(&trial.case.as_str()) {
            cases.push(&trial.case);
        }
    }
    let cells = |case: &str| {
        let of = run.trials.iter().filter(|trial| trial.case == case);
        of.map(|trial| cell(page, trial)).collect()
    };
    Run {
        at: page.moment(run.started_ms),
        model: run.model.clone(),
        took: page.duration(&run.took_ms),
        result: result(page, run),
        kind: if run.failed == 0 { "success" } else { "danger" },
        clients: clients.iter().map(|one| spoken(page, one)).collect(),
        rows: cases
            .iter()
            .map(|case| Row {
                case: page.t_code("admin-provider-selftest-case-", case),
                cells: cells(case),
            })
            .collect(),
    }
}

fn spoken(page: &Shell, client: &str) -> String {
    page.t_code("admin-provider-protocol-", client)
}

fn cell(page: &Shell, trial: &Trial) -> Cell {
    let kind = match trial.verdict {
        Verdict::Passed if trial.note.is_empty() => "success",
        Verdict::Passed => "warning",
        Verdict::Failed => "danger",
        Verdict::Skipped => "muted",
    };
    let id = &trial.request_id;
    Cell {
        client: spoken(page, &trial.client),
        kind,
        verdict: page.t_code("admin-provider-selftest-", trial.verdict.as_str()),
        note: trial.note.clone(),
        status: trial.status,
        took: page.duration(&trial.took_ms),
        request: (!id.is_empty()).then(|| (id.clone(), page.url(&format!("/admin/logs/{id}")))),
        sent: trial.sent.clone(),
        received: trial.received.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Lang;

    #[test]
    fn renders_in_every_language_and_what_vendors_say_stays_harmless() {
        let trial = |case: &str, client: &str, verdict| Trial {
            case: case.to_owned(),
            client: client.to_owned(),
            verdict,
            note: "<script>alert(1)</script>".to_owned(),
            status: 200,
            request_id: "req_1".to_owned(),
            sent: "{}".to_owned(),
            received: "<b>".to_owned(),
            ..Trial::default()
        };
        let run = SelfTest {
            id: 7,
            provider_id: ProviderId(3),
            model: "gpt-x".to_owned(),
            started_ms: 0,
            took_ms: 1_500,
            passed: 1,
            failed: 1,
            skipped: 0,
            trials: vec![
                trial("plain", "openai", Verdict::Passed),
                trial("plain", "gemini", Verdict::Failed),
            ],
        };
        for lang in Lang::ALL {
            let page = Shell::sample(lang);
            let of = (ProviderId(3), "acme");
            let html = view(&page, of, std::slice::from_ref(&run), Some(&run));
            let html = html.render().unwrap();
            assert!(!html.contains("<script>alert") && !html.contains("<b>"));
            assert!(html.contains(&page.t("admin-provider-selftest-failed")));
            assert!(html.contains(&page.t("admin-provider-selftest-case-plain")));
            assert!(html.contains("/admin/logs/req_1\""));
            let none = view(&page, of, &[], None).render().unwrap();
            assert!(none.contains(&page.t("admin-provider-selftest-none")));
        }
    }
}
