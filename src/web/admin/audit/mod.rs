//! The audit log: who changed what, when and from where, and how it was before and after.

mod diff;
mod export;
mod filter;

use actix_web::web;
use askama::Template;
use modelgate_store::audit::{self, Entry};
use modelgate_store::{Page as Rows, StoreError};

use super::components::places;
use crate::web::page::{Look, Page, PageResult};
use crate::web::routes::Routes;
use crate::web::shell::{Moment, Shell};
use crate::web::state::WebState;

use diff::{Difference, differences};
use filter::Query;

const PATH: &str = "/admin/audit";
/// Differences that are shown without being asked for.
const FEW: usize = 4;

#[derive(Template)]
#[template(path = "admin/audit.html", blocks = ["results"])]
struct AuditView<'a> {
    page: &'a Shell,
    query: &'a Query,
    /// Value, text, whether it is chosen.
    actors: Vec<(String, String, bool)>,
    actions: Vec<(String, String, bool)>,
    rows: Vec<Row>,
    newest: String,
    older: String,
    files: String,
}

/// One line.
struct Row {
    at: Moment,
    actor: String,
    address: String,
    verb: String,
    kind: &'static str,
    noun: String,
    object: String,
    differences: Vec<Difference>,
    /// How many there are, in words.
    count: String,
    is_short: bool,
}

/// What the page is made of.
struct Read {
    found: Rows<Entry>,
    actors: Vec<String>,
    actions: Vec<String>,
}

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes
        .get(PATH, get)
        .get("/admin/audit/export", export::get);
}

async fn get(page: Page<Look>, state: web::Data<WebState>, query: web::Query<Query>) -> PageResult {
    let filter = query.filter(page.zone);
    let read = state.db.read_snapshot(move |c| {
        Box::pin(async move {
            Ok::<_, StoreError>(Read {
                found: audit::search(c, &filter).await?,
                actors: audit::actors(c).await?,
                actions: audit::actions(c).await?,
            })
        })
    });
    let read = read.await?;
    let view = view(&page, &query, read);
    page.show_or(&view, &view.as_results())
}

fn view<'a>(page: &'a Shell, query: &'a Query, read: Read) -> AuditView<'a> {
    let older = read.found.rows.last().filter(|_| read.found.more);
    AuditView {
        actors: read
            .actors
            .into_iter()
            .map(|actor| (actor.clone(), actor.clone(), query.who() == actor))
            .collect(),
        actions: actions(page, query, &read.actions),
        newest: match query.before {
            Some(_) => page.url(&query.address(PATH, None)),
            None => String::new(),
        },
        older: older
            .map(|row| page.url(&query.address(PATH, Some(row.id))))
            .unwrap_or_default(),
        files: page.url(&query.address("/admin/audit/export", None)),
        rows: read.found.rows.iter().map(|row| line(page, row)).collect(),
        query,
        page,
    }
}

/// Each kind of thing, and what was done to it.
fn actions(page: &Shell, query: &Query, known: &[String]) -> Vec<(String, String, bool)> {
    let mut out: Vec<(String, String, bool)> = Vec::new();
    let mut last = "";
    for action in known {
        let (noun, verb) = action.split_once('.').unwrap_or((action, ""));
        if noun != last {
            last = noun;
            let all = format!("{noun}.");
            let is_chosen = query.what() == all;
            out.push((all, page.t_code("admin-audit-noun-", noun), is_chosen));
        }
        let text = format!(
            "{} · {}",
            page.t_code("admin-audit-noun-", noun),
            page.t_code("admin-audit-verb-", verb)
        );
        out.push((action.clone(), text, query.what() == action));
    }
    out
}

fn line(page: &Shell, entry: &Entry) -> Row {
    let (noun, verb) = entry.action.split_once('.').unwrap_or((&entry.action, ""));
    let differences = differences(entry.before.as_deref(), entry.after.as_deref());
    let count = i64::try_from(differences.len()).unwrap_or(i64::MAX);
    Row {
        at: page.moment(entry.at.timestamp_millis()),
        actor: entry.actor.clone(),
        address: entry.actor_address.clone(),
        verb: page.t_code("admin-audit-verb-", verb),
        kind: match verb {
            "create" | "import" => "success",
            "delete" | "revoke" => "danger",
            "export" => "warning",
            _ => "info",
        },
        noun: page.t_code("admin-audit-noun-", noun),
        object: entry.object.clone(),
        count: page.counted("admin-audit-differences", count),
        is_short: differences.len() <= FEW,
        differences: differences.iter().map(|one| told(page, one)).collect(),
    }
}

/// A difference in words: the way to it, and what is on or off.
fn told(page: &Shell, one: &Difference) -> Difference {
    let place = match one.place.as_str() {
        // the thing is nothing but its value
        "" => places::told(page, std::iter::once("value")),
        way => places::told(page, way.split(' ')),
    };
    Difference {
        place,
        before: places::value(page, &one.before),
        after: places::value(page, &one.after),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Lang;

    #[test]
    fn renders_none_and_many_in_every_language() {
        let evil = "\"><script>alert(1)</script>مرحبا";
        let entry = Entry {
            id: 1,
            at: chrono::DateTime::from_timestamp_millis(1_795_214_400_000).unwrap(),
            actor: evil.to_owned(),
            actor_address: evil.to_owned(),
            action: "provider.update".to_owned(),
            object: evil.to_owned(),
            before: Some(serde_json::json!({ "a": evil, "b": [1, 2, { "c": evil }] }).to_string()),
            after: Some("no JSON <script>".to_owned()),
            generation: 4,
        };
        for lang in Lang::ALL {
            let page = Shell::sample(lang);
            for count in [0, 1, 50] {
                let query = Query::default();
                let read = Read {
                    found: Rows {
                        rows: vec![entry.clone(); count],
                        more: count > 1,
                    },
                    actors: vec![evil.to_owned()],
                    actions: vec!["provider.update".to_owned(), evil.to_owned()],
                };
                let view = view(&page, &query, read);
                let html = view.render().unwrap();
                assert!(!html.contains("<script>"), "hostile text is escaped");
                assert!(!html.contains("admin-audit-"), "no key without a text");
                assert!(html.contains(view.as_results().render().unwrap().trim()));
            }
        }
    }
}
