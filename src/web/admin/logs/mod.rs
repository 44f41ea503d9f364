//! The request log: filters and columns in the address, pages by cursor, views under a name, a tail that follows what
//! happens, and one request with everything known about it.

mod columns;
mod count;
pub(in crate::web) mod detail;
mod export;
mod filter;
mod receipt;
mod tail;
mod timeline;
mod views;

use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use modelgate_domain::RequestId;
use modelgate_store::log_views::{self, LogView};
use modelgate_store::request_logs::{self, Look as Found, Values};
use modelgate_store::{StoreError, prices};

use crate::i18n::format;
use crate::web::admin::components::names::Names;
use crate::web::error::PageError;
use crate::web::events;
use crate::web::page::{Known as _, Look, Page, PageResult};
use crate::web::routes::Routes;
use crate::web::shell::Shell;
use crate::web::state::WebState;

use columns::{Column, Line, line};
use detail::Detail;
pub(in crate::web::admin) use filter::local_ms;
use filter::{Choice, EVERYTHING, Pairs, Query};
use tail::Tail;
use views::Views;

#[derive(Template)]
#[template(path = "admin/logs.html", blocks = ["results"])]
struct LogsView<'a> {
    page: &'a Shell,
    query: &'a Query,
    selects: Vec<Select>,
    /// The lists that most have no need of, and whether one of them is in use.
    further: Vec<Select>,
    is_further: bool,
    views: Views,
    /// Value, title, whether it is shown.
    columns: Vec<(&'static str, String, bool)>,
    heads: Vec<(String, &'static str)>,
    rows: Vec<Line>,
    /// How many match; where that is not known yet, how many are shown, and where to ask.
    shown: String,
    count: String,
    /// How far back was looked, where the look ended before the page was full.
    looked: String,
    /// What happened since the page follows it.
    news: String,
    newest: String,
    older: String,
    everything: String,
    /// Where the same rows are to be had as a file.
    files: String,
}

/// One list to choose a filter from.
struct Select {
    name: &'static str,
    label: String,
    choices: Vec<Choice>,
}

#[derive(Template)]
#[template(path = "admin/log.html", blocks = ["detail"])]
struct OneView<'a> {
    page: &'a Shell,
    one: Detail,
}

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes
        .get("/admin/logs", get)
        .get("/admin/logs/count", count::get)
        .get("/admin/logs/export", export::get)
        .post("/admin/logs/views", views::save)
        .post("/admin/logs/views/opening", views::open_with)
        .post("/admin/logs/views/{id}/delete", views::delete)
        .get("/admin/logs/{id}", get_one);
}

/// What a page of the log is made of.
struct Read {
    found: Found,
    values: Values,
    names: Names,
    views: Vec<LogView>,
    opening: Option<i64>,
}

/// `GET /admin/logs`: the page, its rows, or a stream of its newest rows for who accepts events.
async fn get(
    page: Page<Look>,
    state: web::Data<WebState>,
    pairs: web::Query<Pairs>,
    request: HttpRequest,
) -> PageResult {
    let query = Query::from(&*pairs);
    if let Some(id) = query.sought_id() {
        let to = page.url(&format!("/admin/logs/{id}"));
        return Ok(HttpResponse::SeeOther()
            .insert_header((LOCATION, to))
            .finish());
    }
    if events::is_wanted(&request) {
        let tail = Tail::new(state.clone(), query, page.zone);
        return Ok(events::stream(&page, state, tail));
    }
    let read = read(&page, &state, &query).await?;
    let opening = read.views.iter().find(|view| Some(view.id) == read.opening);
    if let Some(view) = opening.filter(|_| pairs.is_empty() && !page.partial) {
        return Ok(page.redirect(&Query::parse(&view.query).address(None)));
    }
    let view = view(&page, &query, &read, String::new());
    page.show_or(&view, &view.as_results())
}

async fn read(page: &Page<Look>, state: &WebState, query: &Query) -> Result<Read, PageError> {
    let (filter, user) = (query.filter(page.zone, page.now_ms), page.who.user().id);
    let read = state.db.read_snapshot(move |c| {
        Box::pin(async move {
            Ok::<_, StoreError>(Read {
                found: request_logs::look(c, &filter).await?,
                values: request_logs::values(c).await?,
                names: Names::read(c).await?,
                views: log_views::list(c, user).await?,
                opening: log_views::default_of(c, user).await?,
            })
        })
    });
    Ok(read.await?)
}

fn view<'a>(page: &'a Shell, query: &'a Query, read: &Read, news: String) -> LogsView<'a> {
    let (found, names) = (&read.found, &read.names);
    let last = found.rows.last().filter(|_| found.more);
    let older = last.map(|row| row.record.id).or(found.looked_to);
    let older = older
        .filter(|_| !query.is_live)
        .map(|id| query.address(Some(id)));
    let columns = query.columns();
    let is_whole = older.is_none() && query.before.is_none();
    LogsView {
        selects: selects(page, query, names),
        further: further(page, query, read),
        is_further: query.is_further(),
        views: Views::new(page, query, &read.views, read.opening),
        columns: Column::ALL
            .into_iter()
            .map(|column| {
                (
                    column.as_str(),
                    column.title(page),
                    columns.contains(&column),
                )
            })
            .collect(),
        heads: columns
            .iter()
            .map(|column| (column.title(page), column.class()))
            .collect(),
        rows: found
            .rows
            .iter()
            .map(|row| line(page, row, names, &columns))
            .collect(),
        shown: count::shown(page, &found.rows, is_whole),
        count: if is_whole || query.is_live {
            String::new()
        } else {
            page.url(&query.count())
        },
        looked: found.looked_to.map_or_else(String::new, |id| {
            let back_to = page.moment(id.epoch_ms()).short;
            page.t_with(
                "admin-logs-looked",
                &[
                    ("most", &format::integer(request_logs::LOOK)),
                    ("time", &back_to),
                ],
            )
        }),
        news,
        newest: query
            .before
            .map(|_| page.url(&query.address(None)))
            .unwrap_or_default(),
        older: older
            .map(|path: String| page.url(&path))
            .unwrap_or_default(),
        everything: page.url(EVERYTHING),
        files: page.url(&query.export()),
        query,
        page,
    }
}

/// `GET /admin/logs/{id}`: a page of its own, or the panel beside the list.
async fn get_one(
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

/// The lists to choose from that everybody needs.
fn selects(page: &Shell, query: &Query, names: &Names) -> Vec<Select> {
    let of = |name: &'static str, choices: Vec<Choice>| select(page, name, choices);
    vec![
        of("status", filter::statuses(page, query.value("status"))),
        of(
            "model",
            filter::choices(&names.models, query.value("model")),
        ),
        of("key", filter::choices(&names.keys, query.value("key"))),
        of(
            "provider",
            filter::choices(&names.providers, query.value("provider")),
        ),
        of("range", filter::ranges(page, query.value("range"))),
    ]
}

/// The others: what went wrong, and what exactly served.
fn further(page: &Shell, query: &Query, read: &Read) -> Vec<Select> {
    let credentials = read.names.credentials_in_full();
    let there = &read.values;
    filter::FURTHER
        .into_iter()
        .map(|name| {
            let chosen = query.value(name);
            let choices = match name {
                "fault" => filter::faults(page, chosen),
                "credential" => filter::choices(&credentials, chosen),
                "code" => filter::values(&there.error_codes, chosen),
                "upstream" => filter::values(&there.upstream_models, chosen),
                "http" => filter::values(&there.http_statuses, chosen),
                _ => filter::values(&there.upstream_statuses, chosen),
            };
            select(page, name, choices)
        })
        .collect()
}

fn select(page: &Shell, name: &'static str, choices: Vec<Choice>) -> Select {
    Select {
        name,
        label: page.t_code("admin-logs-", name),
        choices,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Lang;
    use modelgate_domain::{Currency, FaultOwner, RequestRecord, Status, Usage, UserId};
    use modelgate_store::request_logs::LogRow;

    fn hostile() -> RequestRecord {
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

    fn read_of(count: usize) -> Read {
        let row = LogRow {
            seq: 1,
            record: hostile(),
        };
        Read {
            found: Found {
                rows: vec![row; count],
                more: count > 1,
                looked_to: (count == 0).then_some(RequestId(1)),
            },
            values: Values {
                error_codes: vec!["<script>alert(3)</script>".to_owned()],
                ..Values::default()
            },
            names: Names::default(),
            views: vec![LogView {
                id: 1,
                user_id: UserId(1),
                owner: "root".to_owned(),
                name: "<script>alert(2)</script>".to_owned(),
                query: "status=error".to_owned(),
                shared: true,
            }],
            opening: None,
        }
    }

    #[test]
    fn renders_none_and_many_rows() {
        let everything: Vec<_> = Column::ALL
            .iter()
            .map(|c| format!("column={}", c.as_str()))
            .collect();
        let everything = everything.join("&");
        for lang in Lang::ALL {
            let page = Shell::sample(lang);
            for count in [0, 1, 50] {
                for asked in ["", "status=error", "live=1", &everything] {
                    let (query, read) = (Query::parse(asked), read_of(count));
                    let view = view(&page, &query, &read, "news".to_owned());
                    let html = view.render().unwrap();
                    assert!(!html.contains("<script>alert") && !html.contains("<img src=x"));
                    assert!(!html.contains("admin-logs-"), "no key without a text");
                    assert!(html.contains(view.as_results().render().unwrap().trim()));
                }
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
