//! What goes wrong today: counted by what it has in common, judged by rules, and the reports of other days.

use std::sync::Arc;

use actix_web::web;
use askama::Template;
use modelgate_domain::{Job, ReportState, RequestRecord, Status};
use modelgate_store::error_reports::{self, Asked, ErrorReport};
use modelgate_store::failures::{Failures, WINDOW};
use modelgate_store::request_logs::{self, LogFilter, LogRow, States};
use modelgate_store::{StoreError, changes, jobs};
use serde_json::json;

use super::components::fields::{Dot, change};
use super::components::status::status_kind;
use crate::analysis::{Day, Reached, band_name, findings, risks};
use crate::i18n::{Lang, format};
use crate::web::encode_query;
use crate::web::error::PageError;
use crate::web::figures::{self, Card, Drill, card};
use crate::web::flash::Toast;
use crate::web::form::Form;
use crate::web::page::{Look, Operate, Page, PageResult};
use crate::web::shell::{Moment, Shell};
use crate::web::state::WebState;
use crate::web::svg;

pub(super) const PATH: &str = "/admin/errors";
/// Requests on the page.
const LAST: i64 = 50;
/// Rows of a list of hotspots.
const SPOTS: usize = 5;
/// Rows of the table of contexts.
const RISKS: usize = 12;

#[derive(Template)]
#[template(path = "admin/errors.html", blocks = ["live"])]
struct ErrorsView<'a> {
    page: &'a Shell,
    at: String,
    cards: Vec<Card>,
    findings: Vec<Told>,
    spots: Vec<Spots>,
    risks: Vec<RiskRow>,
    last: Vec<Row>,
    log: String,
    /// How many of each kind were looked at, where there were more.
    cut: String,
    reports: Vec<Report>,
    is_writing: bool,
    languages: Vec<(&'static str, &'static str, bool)>,
}

/// A finding with what to do about it.
struct Told {
    says: String,
    action: String,
    href: String,
}

/// What failures have in common: one way to count them.
struct Spots {
    title: String,
    rows: Vec<Spot>,
}

struct Spot {
    name: String,
    count: String,
    width: String,
    href: String,
}

/// A model's calls of one length of context.
struct RiskRow {
    model: String,
    href: String,
    band: String,
    calls: String,
    mean: String,
    p95: String,
    timeouts: String,
    errors: String,
    marks: Vec<String>,
}

struct Row {
    href: String,
    at: Moment,
    model: String,
    provider: String,
    status: Dot,
    fault: String,
    code: String,
}

/// A report of some day.
pub(super) struct Report {
    href: String,
    title: String,
    language: &'static str,
    state: Dot,
    by: String,
    at: Moment,
    is_done: bool,
}

/// Everything the page reads.
struct Read {
    day: Arc<Day>,
    last: Vec<LogRow>,
    reports: Vec<ErrorReport>,
}

async fn read(state: &WebState) -> Result<Read, StoreError> {
    let day = state.errors().await?;
    let last = LogFilter {
        states: States::Failed,
        from_ms: Some(day.from_ms),
        limit: LAST,
        ..LogFilter::default()
    };
    let (last, reports) = state
        .db
        .read_snapshot(move |c| {
            Box::pin(async move {
                let last = request_logs::list(c, &last).await?.rows;
                Ok::<_, StoreError>((last, error_reports::list(c).await?))
            })
        })
        .await?;
    Ok(Read { day, last, reports })
}

/// `GET /admin/errors`
pub(super) async fn get(page: Page<Look>, state: web::Data<WebState>) -> PageResult {
    let read = read(&state).await?;
    let languages = state.settings.load().runtime.site.languages.clone();
    let view = view(&page, &read, &languages);
    page.show_or(&view, &view.as_live())
}

fn view<'a>(page: &'a Shell, read: &Read, languages: &[Lang]) -> ErrorsView<'a> {
    let day = &read.day;
    let drill = Drill::between(page, day.from_ms, i64::MAX);
    let told = findings(day).into_iter().map(|finding| Told {
        says: finding.says(page.lang),
        action: finding.action(page.lang),
        href: match finding.link.split_once("/admin/logs?") {
            Some((_, filters)) => drill.to(filters),
            None if finding.link.is_empty() => String::new(),
            None => page.url(&finding.link),
        },
    });
    ErrorsView {
        at: page.url(PATH),
        cards: cards(page, day, &drill),
        findings: told.collect(),
        spots: spots(page, day, &drill),
        risks: risk_rows(page, day),
        last: read
            .last
            .iter()
            .map(|row| line(page, day, &row.record))
            .collect(),
        log: drill.to("status=failed"),
        cut: if day.is_cut {
            page.t1("admin-errors-cut", "count", format::integer(WINDOW))
        } else {
            String::new()
        },
        is_writing: read
            .reports
            .iter()
            .any(|row| row.state != ReportState::Done),
        reports: read.reports.iter().map(|row| report(page, row)).collect(),
        languages: languages
            .iter()
            .map(|lang| (lang.code(), lang.own_name(), *lang == page.lang))
            .collect(),
        page,
    }
}

fn cards(page: &Shell, day: &Day, drill: &Drill) -> Vec<Card> {
    let figure = |label: &str, colour, now: i64, before: i64, filter: &str| {
        let (change, change_colour) = figures::relative(page, now, before, figures::More::IsBad);
        Card {
            value: format::integer(now),
            change,
            change_colour,
            href: drill.to(filter),
            ..card(page, label, colour, &[])
        }
    };
    let (now, before) = (&day.now, &day.before);
    let (wrong, of) = now.error_rate();
    let mut cards = vec![
        figure(
            "figures-errors",
            "red",
            now.error,
            before.error,
            "status=error",
        ),
        figure(
            "figures-timeouts",
            "amber",
            now.timeout,
            before.timeout,
            "status=timeout",
        ),
        Card {
            value: format::percent(wrong, of),
            href: drill.to("status=wrong"),
            ..card(page, "figures-error-rate", "red", &[])
        },
        figure(
            "figures-rate-limited",
            "amber",
            now.rate_limited,
            before.rate_limited,
            "status=rate_limited",
        ),
    ];
    cards.extend(worst(page, day, drill));
    cards
}

/// Where most went wrong.
fn worst(page: &Shell, day: &Day, drill: &Drill) -> Vec<Card> {
    let words = |label: &str, value: Option<String>, more: String| Card {
        value: value.unwrap_or_else(|| "—".to_owned()),
        is_words: true,
        more,
        ..card(page, label, "gray", &[])
    };
    let counted = |n: Option<i64>| n.map(format::integer).unwrap_or_default();
    let provider = Day::count(day.errors(), |g| {
        (g.provider_id != 0).then_some(g.provider_id)
    });
    let status = Day::count(day.errors(), |g| {
        (g.upstream_status != 0).then_some(g.upstream_status)
    });
    let tokens = |n: i64| format::compact(page.lang, n);
    let context = day.context(|g| g.status != Status::RateLimited);
    let late = day.context(|g| g.status == Status::Timeout);
    vec![
        Card {
            href: provider.first().map_or_else(String::new, |(id, _)| {
                drill.to(&format!("status=failed&provider={id}"))
            }),
            ..words(
                "admin-errors-top-provider",
                provider
                    .first()
                    .map(|(id, _)| day.names.provider(*id).to_owned()),
                counted(provider.first().map(|(_, n)| *n)),
            )
        },
        Card {
            href: status.first().map_or_else(String::new, |(status, _)| {
                drill.to(&format!("status=failed&vendor-http={status}"))
            }),
            ..words(
                "admin-errors-top-status",
                status.first().map(|(status, _)| status.to_string()),
                counted(status.first().map(|(_, n)| *n)),
            )
        },
        words(
            "admin-errors-context",
            context.map(|(_, max)| tokens(max)),
            late.map(|(mean, _)| page.t1("admin-errors-context-late", "tokens", tokens(mean)))
                .unwrap_or_default(),
        ),
    ]
}

fn spots(page: &Shell, day: &Day, drill: &Drill) -> Vec<Spots> {
    let log = |filter: String| drill.to(&filter);
    let table = |title: &str, rows: Vec<(String, i64, String)>| {
        let most = rows.first().map_or(1, |(_, count, _)| *count);
        let spot = |(name, count, href): (String, i64, String)| Spot {
            name,
            count: format::integer(count),
            width: svg::share(count, most),
            href,
        };
        Spots {
            title: page.t(title),
            rows: rows.into_iter().take(SPOTS).map(spot).collect(),
        }
    };
    let by_id = |of: fn(&Failures) -> i64, name: &str, called: &dyn Fn(i64) -> String| {
        let counted = Day::count(day.errors(), |g| Some(of(g)).filter(|id| *id != 0));
        let row = |(id, count)| (called(id), count, log(format!("status=failed&{name}={id}")));
        counted.into_iter().map(row).collect::<Vec<_>>()
    };
    let owners = day.by_owner().into_iter();
    let owners = owners.map(|(owner, n)| {
        let href = log(format!("status=failed&fault={owner}"));
        (page.t_code("fault-", owner.as_str()), n, href)
    });
    let codes = Day::count(day.groups.iter(), |g| Some(g.error_code.clone()));
    let codes = codes.into_iter().map(|(code, n)| {
        let href = match code.as_str() {
            "" => String::new(),
            _ => log(format!("status=unanswered&code={}", encode_query(&code))),
        };
        (code, n, href)
    });
    let states = Day::count(day.groups.iter(), |g| Some(g.status.as_str()));
    let states = states.into_iter().map(|(state, n)| {
        (
            page.t_code("status-", state),
            n,
            log(format!("status={state}")),
        )
    });
    let vendor = Day::count(day.groups.iter(), |g| {
        Some(g.upstream_status).filter(|s| *s != 0)
    });
    let vendor = vendor.into_iter().map(|(status, n)| {
        let href = log(format!("status=unanswered&vendor-http={status}"));
        (status.to_string(), n, href)
    });
    vec![
        table("admin-errors-by-owner", owners.collect()),
        table(
            "admin-errors-by-provider",
            by_id(|g| g.provider_id, "provider", &|id| {
                day.names.provider(id).to_owned()
            }),
        ),
        table(
            "admin-errors-by-model",
            by_id(|g| g.model_id, "model", &|id| {
                day.names.model(id).to_owned()
            }),
        ),
        table("admin-errors-by-code", codes.collect()),
        table("admin-errors-by-state", states.collect()),
        table("admin-errors-by-vendor-status", vendor.collect()),
    ]
}

fn risk_rows(page: &Shell, day: &Day) -> Vec<RiskRow> {
    let all = risks(&day.bands);
    let rows = all.iter().flat_map(|risk| {
        risk.bands.iter().map(|band| {
            let mark = |kind: &Reached| page.t_code("analysis-reached-", kind.code());
            RiskRow {
                model: day.names.model(risk.model_id).to_owned(),
                href: page.url(&format!("/admin/config/models/{}", risk.model_id)),
                band: band_name(band.band),
                calls: format::integer(band.calls),
                mean: page.duration(&(band.latency_sum_ms / band.calls.max(1))),
                p95: page.duration(&band.p95_ms()),
                timeouts: format::percent(band.timeouts, band.calls),
                errors: format::percent(band.errors, band.calls),
                marks: crate::analysis::reached(band).iter().map(mark).collect(),
            }
        })
    });
    rows.take(RISKS).collect()
}

fn line(page: &Shell, day: &Day, record: &RequestRecord) -> Row {
    let model = day.names.models.get(&record.model_id.0);
    Row {
        href: page.url(&format!("/admin/logs/{}", record.id)),
        at: page.moment(record.started_ms),
        model: model.unwrap_or(&record.requested_model).clone(),
        provider: day.names.provider(record.provider_id.0).to_owned(),
        status: Dot::new(
            status_kind(record.status),
            page.t_code("status-", record.status.as_str()),
        ),
        fault: page.t_code("fault-", record.fault_owner.as_str()),
        code: record.error_code.clone(),
    }
}

/// A report as a row of the list.
fn report(page: &Shell, row: &ErrorReport) -> Report {
    let kind = match row.state {
        ReportState::Waiting => "muted",
        ReportState::Writing => "info",
        ReportState::Done => "success",
    };
    Report {
        href: page.url(&format!("{PATH}/{}", row.id)),
        title: title(page, row),
        language: Lang::parse(&row.language).unwrap_or_default().own_name(),
        state: Dot::new(kind, page.t_code("admin-errors-state-", row.state.as_str())),
        by: match row.asked_by.as_str() {
            "" => page.t("admin-errors-by-hour"),
            who => who.to_owned(),
        },
        at: page.moment(row.finished_ms.unwrap_or(row.created_ms)),
        is_done: row.state == ReportState::Done,
    }
}

/// What a report is called: its day and its number.
pub(super) fn title(page: &Shell, row: &ErrorReport) -> String {
    let day = format::field_date(row.day_ms, page.business);
    page.t_with(
        "admin-errors-report",
        &[("day", &day), ("number", &row.number.to_string())],
    )
}

/// `POST /admin/errors`: asks for a report on today.
pub(super) async fn post(
    page: Page<Operate>,
    state: web::Data<WebState>,
    form: Form,
) -> PageResult {
    let lang = Lang::parse(form.text("language")).ok_or(PageError::BadRequest)?;
    let day_ms = modelgate_domain::range::day_of(page.now_ms, page.business);
    let asked = Asked {
        day_ms,
        language: lang.code().to_owned(),
        by: page.actor().to_owned(),
        now_ms: page.now_ms,
    };
    let after = json!({ "language": lang.code() });
    let object = format!("errors of {}", format::field_date(day_ms, page.business));
    let entry = change(&page, &state, "error_report.create", object, Some(after));
    state
        .db
        .write(move |c| {
            Box::pin(async move {
                error_reports::ask(c, &asked).await?;
                jobs::ask(c, Job::ErrorReports, &asked.by).await?;
                changes::note(c, &entry).await
            })
        })
        .await?;
    page.redirect_with(PATH, &Toast::success(page.t("admin-errors-asked")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use modelgate_domain::{FaultOwner, RequestId};
    use modelgate_store::failures::Band;

    #[test]
    fn renders_a_quiet_and_a_bad_day_in_every_language() {
        let hostile = "<script>alert(1)</script>مرحبا".to_owned();
        let mut bad = Day::default();
        bad.names.models = [(1, hostile.clone())].into();
        bad.names.providers = [(1, hostile.clone())].into();
        (bad.now.success, bad.now.error, bad.now.error_upstream) = (90, 10, 10);
        bad.is_cut = true;
        bad.groups = vec![Failures {
            status: Status::Error,
            fault_owner: FaultOwner::Upstream,
            provider_id: 1,
            model_id: 1,
            error_code: "upstream_error".to_owned(),
            upstream_status: 503,
            count: 10,
            context_sum: 10,
            context_max: 10,
        }];
        bad.bands = vec![Band {
            model_id: 1,
            calls: 10,
            errors: 10,
            seconds: vec![(1, 10)],
            ..Band::default()
        }];
        for lang in Lang::ALL {
            let page = Shell::sample(lang);
            let record = RequestRecord {
                id: RequestId::lower_bound(page.now_ms),
                requested_model: hostile.clone(),
                status: Status::Error,
                ..RequestRecord::default()
            };
            let report = ErrorReport {
                id: 1,
                day_ms: page.now_ms,
                language: "zh".to_owned(),
                number: 1,
                state: ReportState::Writing,
                asked_by: hostile.clone(),
                model: String::new(),
                problem: String::new(),
                markdown: String::new(),
                created_ms: page.now_ms,
                finished_ms: None,
            };
            for (day, count) in [(Day::default(), 0), (bad.clone(), 3)] {
                let read = Read {
                    day: Arc::new(day),
                    last: vec![
                        LogRow {
                            seq: 1,
                            record: record.clone()
                        };
                        count
                    ],
                    reports: vec![report.clone(); count],
                };
                let view = view(&page, &read, &Lang::ALL);
                let html = view.render().unwrap();
                assert!(!html.contains("<script>alert"));
                assert!(
                    !html.contains("admin-errors-") && !html.contains("analysis-"),
                    "{html}"
                );
                assert!(html.contains(view.as_live().render().unwrap().trim()));
            }
        }
    }
}
