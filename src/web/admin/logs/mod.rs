//! The request log: filters in the address, pages by cursor, and one request with everything known about it.

pub(in crate::web) mod detail;
mod filter;
mod receipt;
mod timeline;

use actix_web::http::header::LOCATION;
use actix_web::{HttpResponse, web};
use askama::Template;
use modelgate_domain::RequestId;
use modelgate_store::request_logs::{self, LogRow};
use modelgate_store::{StoreError, prices};

use crate::i18n::format;
use crate::web::admin::components::names::Names;
use crate::web::admin::components::status::status_kind;
use crate::web::error::PageError;
use crate::web::page::{Look, Page, PageResult};
use crate::web::shell::{Moment, Shell};
use crate::web::state::WebState;

use detail::Detail;
use filter::{Choice, Query};

#[derive(Template)]
#[template(path = "admin/logs.html", blocks = ["results"])]
struct LogsView<'a> {
    page: &'a Shell,
    query: &'a Query,
    keys: Vec<Choice>,
    models: Vec<Choice>,
    providers: Vec<Choice>,
    statuses: Vec<Choice>,
    rows: Vec<Row>,
    shown: String,
    newest: String,
    older: String,
    is_filtered: bool,
}

/// One line of the log.
struct Row {
    href: String,
    at: Moment,
    status: String,
    kind: &'static str,
    repeats: String,
    model: String,
    provider: String,
    key: String,
    input: String,
    output: String,
    cost: String,
    first_token: String,
    total: String,
}

#[derive(Template)]
#[template(path = "admin/log.html", blocks = ["detail"])]
struct OneView<'a> {
    page: &'a Shell,
    one: Detail,
}

/// `GET /admin/logs`
pub(in crate::web) async fn get(
    page: Page<Look>,
    state: web::Data<WebState>,
    query: web::Query<Query>,
) -> PageResult {
    if let Some(id) = query.sought_id() {
        let to = page.url(&format!("/admin/logs/{id}"));
        return Ok(HttpResponse::SeeOther()
            .insert_header((LOCATION, to))
            .finish());
    }
    let filter = query.filter(page.zone);
    let (found, names) = state
        .db
        .read_snapshot(move |c| {
            Box::pin(async move {
                let found = request_logs::list(c, &filter).await?;
                Ok::<_, StoreError>((found, Names::read(c).await?))
            })
        })
        .await?;
    let last = found.rows.last().map(|row| row.record.id);
    let older = last
        .filter(|_| found.more)
        .map(|id| query.address(Some(id)));
    let view = LogsView {
        keys: filter::choices(&names.keys, query.key.as_deref()),
        models: filter::choices(&names.models, query.model.as_deref()),
        providers: filter::choices(&names.providers, query.provider.as_deref()),
        statuses: filter::statuses(&page, query.status.as_deref()),
        rows: found
            .rows
            .iter()
            .map(|row| line(&page, row, &names))
            .collect(),
        shown: shown(&page, found.rows.len()),
        newest: query
            .before
            .as_ref()
            .map(|_| page.url(&query.address(None)))
            .unwrap_or_default(),
        older: older.map(|path| page.url(&path)).unwrap_or_default(),
        is_filtered: query.is_filtered(),
        query: &query,
        page: page.shell(),
    };
    page.show_or(&view, &view.as_results())
}

/// `GET /admin/logs/{id}`: a page of its own, or the panel beside the list.
pub(in crate::web) async fn get_one(
    page: Page<Look>,
    state: web::Data<WebState>,
    id: web::Path<String>,
) -> PageResult {
    let id: RequestId = id.parse().map_err(|_bad_id| PageError::NotFound)?;
    let found = state
        .db
        .read_snapshot(move |c| {
            Box::pin(async move {
                let Some((row, attempts)) = request_logs::find(c, id).await? else {
                    return Ok::<_, StoreError>(None);
                };
                let price = prices::find(c, row.record.price_id).await?;
                Ok(Some((row, attempts, price, Names::read(c).await?)))
            })
        })
        .await?;
    let (row, attempts, price, names) = found.ok_or(PageError::NotFound)?;
    let price = price.map(|row| row.price);
    let one = Detail::new(&page, &row.record, &attempts, price.as_ref(), &names);
    let view = OneView {
        page: page.shell(),
        one,
    };
    page.show_or(&view, &view.as_detail())
}

fn shown(page: &Shell, count: usize) -> String {
    page.counted("admin-logs-shown", i64::try_from(count).unwrap_or(i64::MAX))
}

fn line(page: &Shell, row: &LogRow, names: &Names) -> Row {
    let record = &row.record;
    let dash = || "—".to_owned();
    let name = |known: &std::collections::BTreeMap<i64, String>, id: i64| known.get(&id).cloned();
    let seconds = |ms: Option<i64>| ms.map_or_else(dash, format::seconds);
    let tokens = |count: i64| {
        if count == 0 {
            dash()
        } else {
            format::integer(count)
        }
    };
    Row {
        href: page.url(&format!("/admin/logs/{}", record.id)),
        at: page.moment(record.started_ms),
        status: page.t_code("status-", record.status.as_str()),
        kind: status_kind(record.status),
        repeats: if record.repeats > 1 {
            format!("× {}", format::integer(record.repeats))
        } else {
            String::new()
        },
        model: name(&names.models, record.model_id.0)
            .unwrap_or_else(|| record.requested_model.clone()),
        provider: name(&names.providers, record.provider_id.0).unwrap_or_default(),
        key: name(&names.keys, record.api_key_id.0).unwrap_or_else(dash),
        input: tokens(record.usage.input()),
        output: tokens(record.usage.output()),
        cost: match record.cost_nanos {
            Some(nanos) => format::money(&record.currency, nanos),
            None if record.usage.total() > 0 => page.t("admin-logs-unpriced"),
            None => dash(),
        },
        first_token: seconds(record.ttft_ms),
        total: seconds(record.latency_ms),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Lang;
    use modelgate_domain::{Currency, FaultOwner, RequestRecord, Status, Usage};

    pub(super) fn hostile() -> RequestRecord {
        RequestRecord {
            id: RequestId::lower_bound(1_795_214_480_000),
            requested_model: "<script>alert(1)</script>".to_owned(),
            user_agent: "\"><img src=x>".to_owned(),
            error_message: "<b>مرحبا</b>".to_owned(),
            status: Status::RateLimited,
            fault_owner: FaultOwner::Policy,
            repeats: 12_345,
            usage: Usage {
                prompt: 1_204,
                ..Usage::default()
            },
            cost_nanos: Some(341_400),
            currency: Currency::parse("USD").unwrap(),
            ..RequestRecord::default()
        }
    }

    #[test]
    fn renders_none_and_many_rows() {
        for lang in Lang::ALL {
            for count in [0, 1, 50] {
                let page = Shell::sample(lang);
                let query = Query::default();
                let row = LogRow {
                    seq: 1,
                    record: hostile(),
                };
                let names = Names::default();
                let view = LogsView {
                    page: &page,
                    query: &query,
                    keys: Vec::new(),
                    models: Vec::new(),
                    providers: Vec::new(),
                    statuses: filter::statuses(&page, None),
                    rows: (0..count).map(|_| line(&page, &row, &names)).collect(),
                    shown: shown(&page, count),
                    newest: String::new(),
                    older: String::new(),
                    is_filtered: count == 0,
                };
                let html = view.render().unwrap();
                assert!(!html.contains("<script>alert") && !html.contains("admin-logs-"));
                assert!(html.contains(view.as_results().render().unwrap().trim()));
            }
        }
    }

    #[test]
    fn the_panel_is_a_part_of_the_page() {
        for lang in Lang::ALL {
            let page = Shell::sample(lang);
            for status in Status::ALL {
                let record = RequestRecord {
                    status: *status,
                    ..hostile()
                };
                let one = Detail::new(&page, &record, &[], None, &Names::default());
                let view = OneView { page: &page, one };
                let (whole, block) = (view.render().unwrap(), view.as_detail().render().unwrap());
                assert!(whole.contains(block.trim()) && !block.contains("<html"));
                assert!(!whole.contains("<img src=x") && !whole.contains("<b>"));
                assert!(!block.contains("admin-logs-"), "{block}");
            }
        }
    }
}
