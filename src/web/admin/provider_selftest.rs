//! What self-tests of a provider found out: a grid of cases and client dialects, with what was sent and received.

use actix_web::web;
use askama::Template;
use modelgate_domain::ProviderId;
use modelgate_domain::selftest::{Trial, Verdict};
use modelgate_store::self_tests::{self, SelfTest};
use modelgate_store::{StoreError, changes, models, providers, targets};
use serde::Deserialize;
use serde_json::json;

use super::components::fields::change;
use super::providers::PATH;
use crate::i18n::ToArg;
use crate::selftest::{self, Progress, Subject};
use crate::web::error::PageError;
use crate::web::flash::Toast;
use crate::web::form::Form;
use crate::web::page::{Look, Operate, Page, PageResult};
use crate::web::routes::Routes;
use crate::web::shell::{Moment, Shell};
use crate::web::state::WebState;

#[derive(Template)]
#[template(path = "admin/provider_selftest.html", blocks = ["results"])]
struct SelftestView<'a> {
    page: &'a Shell,
    name: String,
    provider: String,
    at: String,
    /// What makes one outside the portal.
    command: String,
    /// What can be tested.
    models: Vec<String>,
    running: Option<Running>,
    /// Why the last one came to nothing.
    problem: String,
    /// All that are kept, the newest first.
    runs: Vec<RunRow>,
    run: Option<Run>,
}

struct Running {
    text: String,
    done: usize,
    of: usize,
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
    routes
        .get("/admin/config/providers/{id}/selftest", get)
        .post("/admin/config/providers/{id}/selftest", post);
}

/// What the page is about.
struct Loaded {
    id: ProviderId,
    provider: String,
    subjects: Vec<Subject>,
    runs: Vec<SelfTest>,
}

async fn load(state: &WebState, id: i64) -> Result<Loaded, PageError> {
    let id = ProviderId(id);
    let (provider, models, targets, runs) = state
        .db
        .read(move |c| {
            Box::pin(async move {
                let provider = providers::find(c, id).await?;
                let (models, targets) = (models::list(c).await?, targets::list(c).await?);
                Ok::<_, StoreError>((provider, models, targets, self_tests::list(c, id).await?))
            })
        })
        .await?;
    let provider = provider.ok_or(PageError::NotFound)?.name;
    let subjects = selftest::subjects((id, &provider), &models, &targets);
    Ok(Loaded {
        id,
        subjects: subjects.into_iter().map(|(subject, _)| subject).collect(),
        provider,
        runs,
    })
}

/// `GET /admin/config/providers/{id}/selftest`
async fn get(
    page: Page<Look>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
    query: web::Query<Query>,
) -> PageResult {
    // asked for first: a test that ends meanwhile is among those that are kept
    let progress = state.bench.progress(ProviderId(*id));
    let loaded = load(&state, *id).await?;
    let shown = match query.run {
        Some(run) => {
            let found = loaded.runs.iter().find(|one| one.id == run);
            Some(found.ok_or(PageError::NotFound)?)
        }
        None => loaded.runs.first(),
    };
    let view = view(&page, &loaded, shown, progress);
    page.show_or(&view, &view.as_results())
}

/// `POST /admin/config/providers/{id}/selftest`: begins one of the model that is named.
async fn post(
    page: Page<Operate>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
    form: Form,
) -> PageResult {
    let loaded = load(&state, *id).await?;
    let wanted = form.text("model");
    let subject = loaded.subjects.into_iter().find(|one| one.model == wanted);
    let subject = subject.ok_or(PageError::NotFound)?;
    let object = format!("provider {}", loaded.provider);
    let after = json!({ "model": subject.model });
    let entry = change(&page, &state, "provider.selftest", object, Some(after));
    let to = format!("{PATH}/{}/selftest", loaded.id);
    let told = if state.bench.begin(loaded.id, subject) {
        state
            .db
            .write(move |c| Box::pin(async move { changes::note(c, &entry).await }))
            .await?;
        Toast::success(page.t("admin-provider-selftest-begun"))
    } else {
        Toast::error(page.t("admin-provider-selftest-already"))
    };
    page.redirect_with(&to, &told)
}

fn view<'a>(
    page: &'a Shell,
    loaded: &Loaded,
    shown: Option<&SelfTest>,
    progress: Option<Progress>,
) -> SelftestView<'a> {
    let provider = page.url(&format!("{PATH}/{}", loaded.id));
    let row = |run: &SelfTest| RunRow {
        href: format!("{provider}/selftest?run={}", run.id),
        at: page.moment(run.started_ms),
        model: run.model.clone(),
        result: result(page, run),
        is_shown: shown.is_some_and(|shown| shown.id == run.id),
    };
    let (running, problem) = match progress {
        Some(Progress::Running { model, done, of }) => {
            let args: [(&str, &dyn ToArg); 3] = [
                ("model", &model),
                ("done", &done.to_string()),
                ("of", &of.to_string()),
            ];
            let text = page.t_with("admin-provider-selftest-running", &args);
            (Some(Running { text, done, of }), String::new())
        }
        Some(Progress::Failed(why)) => (None, why),
        None => (None, String::new()),
    };
    SelftestView {
        page,
        at: format!("{provider}/selftest"),
        name: loaded.provider.clone(),
        command: format!("modelgate selftest {}", loaded.provider),
        models: loaded
            .subjects
            .iter()
            .map(|one| one.model.clone())
            .collect(),
        running,
        problem,
        runs: loaded.runs.iter().map(row).collect(),
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
            let loaded = |runs| Loaded {
                id: ProviderId(3),
                provider: "acme".to_owned(),
                subjects: Vec::new(),
                runs,
            };
            let kept = loaded(vec![run.clone()]);
            let html = view(&page, &kept, Some(&run), None).render().unwrap();
            assert!(!html.contains("<script>alert") && !html.contains("<b>"));
            assert!(html.contains(&page.t("admin-provider-selftest-failed")));
            assert!(html.contains(&page.t("admin-provider-selftest-case-plain")));
            assert!(html.contains("/admin/logs/req_1\""));
            let none = view(&page, &loaded(Vec::new()), None, None);
            let none = none.render().unwrap();
            assert!(none.contains(&page.t("admin-provider-selftest-none")));
            let running = Progress::Running {
                model: "<b>".to_owned(),
                done: 3,
                of: 13,
            };
            let failed = Progress::Failed("<b>away".to_owned());
            for (progress, shown) in [(running, "3"), (failed, "away")] {
                let html = view(&page, &kept, Some(&run), Some(progress));
                let html = html.render().unwrap();
                assert!(html.contains(shown) && !html.contains("<b>"));
            }
        }
    }
}
