//! Reports of use: asked for here, made by a job, taken away as files.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::web;
use askama::Template;
use chrono::NaiveDate;
use modelgate_domain::{Job, UsageReportState};
use modelgate_store::key_owners::{self, KeyOwner};
use modelgate_store::reports::{self, Asked, Report, ReportFile};
use modelgate_store::{Conn, StoreError, changes, jobs};
use serde_json::json;

use super::components::confirm;
use super::components::fields::{Dot, Fields, change};
use super::components::removal::{Ended, Ending};
use crate::i18n::{Lang, format};
use crate::reports::params::BadParams;
use crate::reports::phrasing::Part;
use crate::reports::{Format, Paper, Params, Scope, Template as Chapters};
use crate::web::attached;
use crate::web::error::PageError;
use crate::web::flash::Toast;
use crate::web::form::{Form, FormState};
use crate::web::page::{Delete, Known, Look, Operate, Page, PageResult};
use crate::web::routes::Routes;
use crate::web::shell::{Moment, Shell};
use crate::web::state::WebState;

const PATH: &str = "/admin/reports";
const DAY_MS: i64 = 86_400_000;
/// The range that the form begins with.
const DAYS: i64 = 30;

#[derive(Template)]
#[template(path = "admin/reports.html", blocks = ["list"])]
struct ReportsView<'a> {
    page: &'a Shell,
    at: String,
    state: FormState,
    languages: Vec<(String, String)>,
    scopes: Vec<(String, String)>,
    papers: Vec<(String, String)>,
    templates: Vec<(String, String)>,
    rows: Vec<Row>,
    /// Whether anything is being made.
    is_busy: bool,
}

struct Row {
    at: String,
    title: String,
    about: String,
    state: Dot,
    /// How far it is, in hundredths; absent where it has ended.
    percent: Option<u32>,
    error: String,
    /// What was not phrased by a model although one was asked, and why.
    notes: Vec<String>,
    asked: Moment,
    by: String,
    /// Address, ending or table, and size.
    files: Vec<(String, String, String)>,
}

const DELETE: Ending = Ending {
    texts: "admin-reports-delete-",
    done: "admin-reports-deleted",
    value: "name",
    action: "report.delete",
};

pub(super) fn routes(routes: &mut Routes<'_>) {
    let at = |rest: &str| format!("{PATH}/{{id}}{rest}");
    routes
        .get(PATH, get)
        .post(PATH, post)
        .post(&at("/cancel"), cancel)
        .get(&at("/delete"), ask_delete)
        .post(&at("/delete"), delete)
        .get(&at("/files/{name}"), file);
}

/// What the page shows: reports with their files, and what may be reported on.
struct Loaded {
    reports: Vec<Report>,
    files: Vec<ReportFile>,
    owners: Vec<KeyOwner>,
}

async fn load(c: &mut Conn) -> Result<Loaded, StoreError> {
    let reports = reports::list(c).await?;
    let ids: Vec<i64> = reports.iter().map(|report| report.id).collect();
    Ok(Loaded {
        files: reports::files(c, &ids).await?,
        owners: key_owners::list(c).await?,
        reports,
    })
}

async fn get(page: Page<Look>, state: web::Data<WebState>) -> PageResult {
    let loaded = state.db.read(|c| Box::pin(load(c))).await?;
    let form_state = FormState::default()
        .with(
            "from",
            format::field_date(page.now_ms - DAYS * DAY_MS, page.business),
        )
        .with(
            "to",
            format::field_date(page.now_ms - DAY_MS, page.business),
        )
        .with("zone", page.business.name())
        .with("lang", page.lang.code());
    let view = view(&page, &loaded, form_state);
    page.show_or(&view, &view.as_list())
}

fn view<'a>(page: &'a Shell, loaded: &Loaded, state: FormState) -> ReportsView<'a> {
    let mut files: BTreeMap<i64, Vec<&ReportFile>> = BTreeMap::new();
    for file in &loaded.files {
        files.entry(file.report_id).or_default().push(file);
    }
    let rows = loaded.reports.iter().map(|report| {
        let files = files.get(&report.id).map_or(&[][..], Vec::as_slice);
        row(page, report, files, &loaded.owners)
    });
    ReportsView {
        at: page.url(PATH),
        languages: Lang::ALL
            .map(|lang| (lang.code().to_owned(), lang.own_name().to_owned()))
            .to_vec(),
        scopes: scopes(page, &loaded.owners),
        papers: ["a4", "letter"]
            .map(|paper| (paper.to_owned(), page.t_code("admin-reports-paper-", paper)))
            .to_vec(),
        templates: Chapters::ALL
            .map(|template| {
                let name = template.as_str();
                (
                    name.to_owned(),
                    page.t_code("admin-reports-template-", name),
                )
            })
            .to_vec(),
        is_busy: loaded.reports.iter().any(|report| report.state.is_open()),
        rows: rows.collect(),
        page,
        state,
    }
}

/// What a report can be about: everybody, an account, a tag, a key.
fn scopes(page: &Shell, owners: &[KeyOwner]) -> Vec<(String, String)> {
    let mut users: BTreeMap<i64, &str> = BTreeMap::new();
    let mut tags: BTreeSet<&str> = BTreeSet::new();
    for owner in owners {
        if owner.user_id.0 != 0 {
            users.insert(owner.user_id.0, &owner.user);
        }
        tags.extend(owner.tags.iter().map(String::as_str));
    }
    let everyone = (String::new(), page.t("report-scope-everyone"));
    let users = users.iter().map(|(id, name)| {
        (
            format!("user:{id}"),
            page.t1("report-scope-user", "name", *name),
        )
    });
    let tags = tags.iter().map(|tag| {
        (
            format!("tag:{tag}"),
            page.t1("report-scope-tag", "name", *tag),
        )
    });
    let keys = owners.iter().map(|owner| {
        (
            format!("key:{}", owner.id),
            page.t1("report-scope-key", "name", &owner.name),
        )
    });
    std::iter::once(everyone)
        .chain(users)
        .chain(tags)
        .chain(keys)
        .collect()
}

fn row(page: &Shell, report: &Report, files: &[&ReportFile], owners: &[KeyOwner]) -> Row {
    let at = page.url(&format!("{PATH}/{}", report.id));
    let kind = match report.state {
        UsageReportState::Waiting | UsageReportState::Running => "info",
        UsageReportState::Done => "success",
        UsageReportState::Failed => "danger",
        UsageReportState::Cancelled | UsageReportState::Deleted => "muted",
    };
    let file = |file: &&ReportFile| {
        let name = &file.name;
        let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
        let table = name
            .strip_suffix(".csv")
            .and_then(|stem| stem.rsplit_once('-'));
        let shown = match table {
            Some((_, table)) => format!("{table}.{ending}"),
            None => ending.to_uppercase(),
        };
        (
            format!("{at}/files/{name}"),
            shown,
            format::bytes(file.size_bytes),
        )
    };
    Row {
        title: title(page, report),
        about: about(page, report, owners),
        state: Dot::new(
            kind,
            page.t_code("admin-reports-state-", report.state.as_str()),
        ),
        percent: report.state.is_open().then(|| percent(report)),
        error: report.error.clone(),
        notes: report
            .steps
            .iter()
            .filter(|step| !step.note.is_empty())
            .map(|step| page.t1("admin-reports-by-rules", "why", &step.note))
            .collect(),
        asked: page.moment(report.created_ms),
        by: if report.asked_by.is_empty() {
            page.t("admin-reports-by-schedule")
        } else {
            report.asked_by.clone()
        },
        files: files.iter().map(file).collect(),
        at,
    }
}

/// Reading, what a model phrases, and every file, are a step each.
fn percent(report: &Report) -> u32 {
    let sum: u32 = report.steps.iter().map(|step| step.percent).sum();
    let is_phrased = |part: &Part| report.steps.iter().any(|step| step.name == part.as_str());
    let phrased = Part::ALL.iter().filter(|part| is_phrased(part)).count();
    let steps = 1 + phrased + Format::ALL.len();
    (sum / u32::try_from(steps).unwrap_or(1)).min(99)
}

/// What a report is called: its days.
fn title(page: &Shell, report: &Report) -> String {
    match serde_json::from_str::<Params>(&report.params) {
        Ok(params) => {
            let (from, to) = (params.from.to_string(), params.to.to_string());
            page.t_with("report-range", &[("from", &from), ("to", &to)])
        }
        // Written by a version that knew more.
        Err(_) => format!("#{}", report.id),
    }
}

fn about(page: &Shell, report: &Report, owners: &[KeyOwner]) -> String {
    let Ok(params) = serde_json::from_str::<Params>(&report.params) else {
        return String::new();
    };
    let lang = params.lang().own_name();
    let value = match &params.scope {
        Scope::Everyone => String::new(),
        Scope::User(id) => format!("user:{id}"),
        Scope::Key(id) => format!("key:{id}"),
        Scope::Tag(tag) => format!("tag:{tag}"),
    };
    let named = scopes(page, owners)
        .into_iter()
        .find(|(known, _)| *known == value);
    let scope = named.map_or(value, |(_, text)| text);
    let template = params.template.as_str();
    let template = page.t_code("admin-reports-template-", template);
    format!("{scope} · {lang} · {template}")
}

fn read(page: &Page<impl Known>, form: &Form, owners: &[KeyOwner]) -> Result<Params, FormState> {
    let mut fields = Fields::new(page, form);
    let mut day = |name: &str| {
        let day = form.text(name).parse::<NaiveDate>();
        if day.is_err() {
            fields.fail(name, "admin-reports-bad-day");
        }
        day.unwrap_or_default()
    };
    let (from, to) = (day("from"), day("to"));
    let scope = scope(form.text("scope"));
    if scope.is_none() {
        fields.fail("scope", "admin-model-bad-choice");
    }
    let template = match form.text("template") {
        "" => Some(Chapters::Full),
        name => Chapters::parse(name),
    };
    if template.is_none() {
        fields.fail("template", "admin-model-bad-choice");
    }
    let mut params = Params {
        template: template.unwrap_or_default(),
        zone: form.text("zone").trim().to_owned(),
        lang: form.text("lang").to_owned(),
        scope: scope.unwrap_or_default(),
        paper: if form.text("paper") == "letter" {
            Paper::Letter
        } else {
            Paper::A4
        },
        ..Params::new(from, to, page.lang)
    };
    let names = form.text("without").split([',', '，', '\n']).map(str::trim);
    for name in names.filter(|name| !name.is_empty()) {
        if !params.leave_out(name, owners) {
            fields.fail_with("without", "admin-reports-bad-name", &[("name", &name)]);
        }
    }
    if fields.state.is_valid()
        && let Err(bad) = params.check(page.now_ms, page.business)
    {
        let (name, key) = match bad {
            BadParams::Backwards => ("to", "admin-reports-backwards"),
            BadParams::TooLong => ("to", "admin-reports-too-long"),
            BadParams::Future => ("from", "admin-reports-future"),
            BadParams::Zone => ("zone", "admin-reports-bad-zone"),
            BadParams::Language => ("lang", "admin-model-bad-choice"),
        };
        fields.fail(name, key);
    }
    fields.finish(params.tidied())
}

fn scope(text: &str) -> Option<Scope> {
    match text.split_once(':') {
        None if text.is_empty() => Some(Scope::Everyone),
        Some(("user", id)) => id.parse().ok().map(Scope::User),
        Some(("key", id)) => id.parse().ok().map(Scope::Key),
        Some(("tag", tag)) => Some(Scope::Tag(tag.to_owned())),
        _ => None,
    }
}

/// Asks for a report and for the job that makes it; the one that is being made already will do.
async fn post(page: Page<Operate>, state: web::Data<WebState>, form: Form) -> PageResult {
    let loaded = state.db.read(|c| Box::pin(load(c))).await?;
    let params = match read(&page, &form, &loaded.owners) {
        Ok(params) => params,
        Err(form_state) => {
            let view = view(&page, &loaded, form_state);
            return page.invalid_or(&view, &view);
        }
    };
    let asked = Asked {
        params: serde_json::to_string(&params).map_err(|_unwritable| PageError::BadRequest)?,
        by: page.actor().to_owned(),
        at_ms: state.clock.now_ms(),
    };
    let object = format!("report {}", params.file_stem());
    let entry = change(&page, &state, "report.create", object, Some(json!(params)));
    let new = state
        .db
        .write(move |c| {
            Box::pin(async move {
                let (_, new) = reports::ask(c, &asked).await?;
                jobs::ask(c, Job::Reports, &asked.by).await?;
                if new {
                    changes::note(c, &entry).await?;
                }
                Ok::<_, StoreError>(new)
            })
        })
        .await?;
    let told = if new {
        "admin-reports-asked"
    } else {
        "admin-reports-running"
    };
    page.redirect_with(PATH, &Toast::success(page.t(told)))
}

async fn find(state: &WebState, id: i64) -> Result<Report, PageError> {
    let found = state
        .db
        .read(move |c| Box::pin(async move { reports::find(c, id).await }))
        .await?;
    found.ok_or(PageError::NotFound)
}

async fn cancel(
    page: Page<Operate>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
    _form: Form,
) -> PageResult {
    let report = find(&state, *id).await?;
    let entry = change(
        &page,
        &state,
        "report.cancel",
        format!("report {}", title(&page, &report)),
        None,
    );
    let (id, now_ms) = (report.id, state.clock.now_ms());
    let stopping = state
        .db
        .write(move |c| {
            Box::pin(async move {
                let stopped = (UsageReportState::Cancelled, "");
                let stopping = reports::finish(c, id, stopped, now_ms).await?;
                if stopping {
                    changes::note(c, &entry).await?;
                }
                Ok::<_, StoreError>(stopping)
            })
        })
        .await?;
    let told = if stopping {
        "admin-reports-stopping"
    } else {
        "admin-reports-ended"
    };
    page.redirect_with(PATH, &Toast::success(page.t(told)))
}

async fn ask_delete(
    page: Page<Delete>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
) -> PageResult {
    let report = find(&state, *id).await?;
    let action = format!("{PATH}/{id}/delete");
    confirm::ask(
        &page,
        &DELETE.question(&page, &title(&page, &report), (&action, PATH)),
    )
}

async fn delete(
    page: Page<Delete>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
    _form: Form,
) -> PageResult {
    let report = find(&state, *id).await?;
    let name = title(&page, &report);
    let ended = Ended {
        object: format!("report {name}"),
        before: Some(json!({ "params": report.params })),
        name,
        to: PATH.to_owned(),
    };
    let id = report.id;
    DELETE
        .end(&page, &state, ended, move |c, _entry| {
            Box::pin(async move { reports::delete(c, id).await.map(drop) })
        })
        .await
}

/// A file to take away; who took it is noted.
async fn file(
    page: Page<Look>,
    state: web::Data<WebState>,
    path: web::Path<(i64, String)>,
) -> PageResult {
    let (id, name) = path.into_inner();
    let report = find(&state, id).await?;
    let asked = name.clone();
    let content = state
        .db
        .read(move |c| Box::pin(async move { reports::content(c, id, &asked).await }))
        .await?;
    let content = content.ok_or(PageError::NotFound)?;
    let entry = change(
        &page,
        &state,
        "report.download",
        format!("report {}", title(&page, &report)),
        Some(json!({ "file": name })),
    );
    state
        .db
        .write(move |c| Box::pin(async move { changes::note(c, &entry).await }))
        .await?;
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    Ok(attached::serve(&name, ending, content))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_report_is_about_is_read_back() {
        assert_eq!(scope(""), Some(Scope::Everyone));
        assert_eq!(scope("user:7"), Some(Scope::User(7)));
        assert_eq!(scope("key:3"), Some(Scope::Key(3)));
        assert_eq!(scope("tag:a:b"), Some(Scope::Tag("a:b".to_owned())));
        assert_eq!(scope("key:x"), None);
        assert_eq!(scope("all"), None);
    }
}
