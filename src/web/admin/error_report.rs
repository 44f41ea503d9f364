//! One report on the errors of a day: to read, to compare with its neighbours, and as a file.

use actix_web::web;
use askama::Template;
use modelgate_domain::ReportState;
use modelgate_store::error_reports::{self, ErrorReport};

use super::errors::{PATH, title};
use crate::i18n::{Lang, format};
use crate::reports::{Paper, Prose, document};
use crate::web::attached;
use crate::web::error::PageError;
use crate::web::markdown::{Places, SafeHtml, to_html};
use crate::web::page::{Look, Page, PageResult};
use crate::web::routes::Routes;
use crate::web::shell::{Moment, Shell};
use crate::web::state::WebState;

#[derive(Template)]
#[template(path = "admin/error_report.html", blocks = ["report"])]
struct ErrorReportView<'a> {
    page: &'a Shell,
    list: String,
    at: String,
    title: String,
    html: SafeHtml,
    is_done: bool,
    finished: Option<Moment>,
    model: String,
    problem: String,
    /// Reports of the same language before and after it: text and address.
    older: Option<(String, String)>,
    newer: Option<(String, String)>,
}

pub(super) fn routes(routes: &mut Routes<'_>) {
    let at = format!("{PATH}/{{report}}");
    routes
        .get(&at, get)
        .get(&format!("{at}/markdown"), markdown)
        .get(&format!("{at}/document"), as_document);
}

async fn load(state: &WebState, id: i64) -> Result<ErrorReport, PageError> {
    let found = state
        .db
        .read(move |c| Box::pin(error_reports::find(c, id)))
        .await?;
    found.ok_or(PageError::NotFound)
}

async fn get(page: Page<Look>, state: web::Data<WebState>, id: web::Path<i64>) -> PageResult {
    let report = load(&state, *id).await?;
    let others = state.db.read(|c| Box::pin(error_reports::list(c))).await?;
    let view = view(&page, &report, &others);
    page.show_or(&view, &view.as_report())
}

fn view<'a>(page: &'a Shell, report: &ErrorReport, others: &[ErrorReport]) -> ErrorReportView<'a> {
    let own = (report.day_ms, report.number);
    let alike = others
        .iter()
        .filter(|other| other.language == report.language && other.state == ReportState::Done);
    let when = |other: &&ErrorReport| (other.day_ms, other.number);
    let link = |other: &ErrorReport| {
        (
            title(page, other),
            page.url(&format!("{PATH}/{}", other.id)),
        )
    };
    ErrorReportView {
        list: page.url(PATH),
        at: page.url(&format!("{PATH}/{}", report.id)),
        title: title(page, report),
        html: to_html(&here(page, &report.markdown), &Places::default()),
        is_done: report.state == ReportState::Done,
        finished: report.finished_ms.map(|ms| page.moment(ms)),
        model: report.model.clone(),
        problem: report.problem.clone(),
        older: alike
            .clone()
            .filter(|o| when(o) < own)
            .max_by_key(when)
            .map(link),
        newer: alike.filter(|o| when(o) > own).min_by_key(when).map(link),
        page,
    }
}

/// The text with its links leading into this portal, wherever it is mounted.
fn here(page: &Shell, markdown: &str) -> String {
    markdown.replace("](/admin/", &format!("]({}", page.url("/admin/")))
}

/// One that can be read, and the beginning of its file's name.
async fn written(
    page: &Page<Look>,
    state: &WebState,
    id: i64,
) -> Result<(ErrorReport, String), PageError> {
    let report = load(state, id).await?;
    if report.state != ReportState::Done {
        return Err(PageError::NotFound);
    }
    let day = format::field_date(report.day_ms, page.business);
    let stem = format!("errors-{day}-{}-{}", report.language, report.number);
    Ok((report, stem))
}

async fn markdown(page: Page<Look>, state: web::Data<WebState>, id: web::Path<i64>) -> PageResult {
    let (report, stem) = written(&page, &state, *id).await?;
    let name = format!("{stem}.md");
    Ok(attached::serve(&name, "md", report.markdown.into_bytes()))
}

async fn as_document(
    page: Page<Look>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
) -> PageResult {
    let (report, stem) = written(&page, &state, *id).await?;
    let about = Prose {
        site: state.settings.load().runtime.site.name.clone(),
        of: format::field_date(report.day_ms, page.business),
        lang: Lang::parse(&report.language).unwrap_or_default(),
        zone: page.business,
        paper: Paper::A4,
        made_ms: report.finished_ms.unwrap_or(report.created_ms),
    };
    let content = web::block(move || document(&report.markdown, &about))
        .await
        .map_err(PageError::internal)?
        .map_err(PageError::internal)?;
    Ok(attached::serve(&format!("{stem}.docx"), "docx", content))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(id: i64, state: ReportState, markdown: &str) -> ErrorReport {
        ErrorReport {
            id,
            day_ms: 1_795_190_400_000,
            language: "en".to_owned(),
            number: id,
            state,
            asked_by: String::new(),
            model: "m".to_owned(),
            problem: "the model did not answer".to_owned(),
            markdown: markdown.to_owned(),
            created_ms: 0,
            finished_ms: Some(1),
        }
    }

    #[test]
    fn renders_in_every_language_and_what_models_write_stays_harmless() {
        let hostile = "# x\n<script>alert(1)</script> [a](javascript:alert(1))";
        let all: Vec<_> = (1..4).map(|id| report(id, ReportState::Done, "")).collect();
        for lang in Lang::ALL {
            let page = Shell::sample(lang);
            let done = report(2, ReportState::Done, hostile);
            let view = view(&page, &done, &all);
            let html = view.render().unwrap();
            assert!(!html.contains("<script>alert") && !html.contains("href=\"javascript"));
            assert!(!html.contains("admin-error-report-"), "{html}");
            assert!(html.contains("/admin/errors/1\"") && html.contains("/admin/errors/3\""));
            let waiting = report(1, ReportState::Waiting, "");
            let html = super::view(&page, &waiting, &[]).render().unwrap();
            assert!(
                html.contains("every 2s"),
                "it is looked at until it is done"
            );
        }
    }
}
