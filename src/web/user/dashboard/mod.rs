//! What a key holder opens first: the key's figures, what is left of its limits, its last calls, and how the gateway does.

mod active;
mod data;
pub(super) mod health;
mod shares;

use actix_web::web;
use askama::Template;
use modelgate_domain::{ModelId, Range, RequestRecord};
use serde::Deserialize;

use self::active::Active;
use self::data::Data;
use self::health::Score;
use self::shares::Share;
use super::own::Own;
use crate::admission::schedule;
use crate::catalog::ApiKey;
use crate::i18n::format;
use crate::web::admin::components::status::status_kind;
use crate::web::admin::components::usage::{self, Line};
use crate::web::error::PageError;
use crate::web::figures::{self, Card, Drill, Trend};
use crate::web::page::{Holder, Page, PageResult};
use crate::web::shell::{Moment, Shell};
use crate::web::state::WebState;
use crate::web::svg;

#[derive(Template)]
#[template(path = "user/dashboard.html", blocks = ["live"])]
struct DashboardView<'a> {
    page: &'a Shell,
    at: String,
    /// Name, text, whether it is the present one.
    ranges: Vec<(&'static str, String, bool)>,
    range: &'static str,
    /// Id, name, whether it is the present one; empty where there is nothing to choose.
    keys: Vec<(i64, String, bool)>,
    key: Option<KeyView>,
    trend: Trend,
}

/// One key.
struct KeyView {
    id: i64,
    name: String,
    /// Why it cannot be used at this moment; empty where it can.
    notice: String,
    figures: Vec<Card>,
    limits: Vec<Line>,
    last: Vec<Row>,
    models: Vec<Share>,
    system: System,
    active: Active,
}

/// How the gateway does for everybody.
struct System {
    score: i64,
    word: String,
    kind: &'static str,
    busyness: String,
    parts: Vec<Part>,
}

/// One part of the score.
struct Part {
    name: String,
    weight: &'static str,
    score: String,
    figures: String,
    width: String,
    colour: &'static str,
}

/// One of the last calls.
struct Row {
    href: String,
    at: Moment,
    model: String,
    status: String,
    kind: &'static str,
    fault: String,
    tokens: String,
    cost: String,
    total: String,
}

/// What an address of the portal may ask for.
#[derive(Debug, Default, Deserialize)]
pub(in crate::web) struct Query {
    /// A range by name.
    #[serde(default)]
    range: String,
    /// One of the holder's keys.
    pub(super) key: Option<i64>,
}

const RANGES: [Range; 3] = [Range::Today, Range::Week, Range::Days30];

/// `GET /user`
pub(in crate::web) async fn entrance(page: Page<Holder>) -> PageResult {
    Ok(page.redirect("/user/dashboard"))
}

/// `GET /user/dashboard`
pub(in crate::web) async fn get(
    page: Page<Holder>,
    state: web::Data<WebState>,
    query: web::Query<Query>,
) -> PageResult {
    let catalog = state.catalog.load_full();
    let own = Own::of(&page.who, &catalog, query.key)?;
    let range = Range::parse(&query.range, "", "");
    let range = if RANGES.contains(&range) {
        range
    } else {
        Range::Today
    };
    let found = match &own {
        Some(own) => Some(of_key(&page, &state, &own.key, range).await?),
        None => None,
    };
    let (key, trend) = found.unzip();
    let view = DashboardView {
        page: page.shell(),
        at: page.url("/user/dashboard"),
        ranges: RANGES
            .iter()
            .map(|r| {
                (
                    r.as_str(),
                    page.t_code("user-dashboard-range-", r.as_str()),
                    *r == range,
                )
            })
            .collect(),
        range: range.as_str(),
        keys: choices(own.as_ref()),
        key,
        trend: trend.unwrap_or_default(),
    };
    page.show_or(&view, &view.as_live())
}

/// The keys to choose from; none where there is but one.
pub(super) fn choices(own: Option<&Own>) -> Vec<(i64, String, bool)> {
    let Some(own) = own.filter(|own| own.choices.len() > 1) else {
        return Vec::new();
    };
    let choices = own.choices.iter();
    choices
        .map(|(id, name)| (id.0, name.clone(), *id == own.key.id))
        .collect()
}

async fn of_key(
    page: &Shell,
    state: &WebState,
    key: &ApiKey,
    range: Range,
) -> Result<(KeyView, Trend), PageError> {
    let window = range.window(page.now_ms, page.zone, page.business);
    let data = Data::read(state, key.id, window).await?;
    let limits: Vec<_> = key
        .limits
        .iter()
        .chain(key.user_limits.iter())
        .cloned()
        .collect();
    let name = |id: ModelId| data.models.get(&id.0).cloned().unwrap_or_default();
    let visible = state.catalog.load().visible_models(key);
    let visible = visible.iter().map(|model| model.id.0).collect();
    let running = state.admission.live().active_requests;
    let health = health::Figures::new(&data.minutes, running);
    let trend = figures::trend(page, &data.figures);
    let view = KeyView {
        id: key.id.0,
        name: key.name.to_string(),
        notice: notice(page, key),
        figures: figures::cards(page, &data.figures, &Drill::nowhere()),
        limits: usage::of(page, &state.admission, &limits, &name)
            .await
            .lines,
        last: data
            .last
            .iter()
            .map(|row| line(page, &row.record, &data))
            .collect(),
        models: shares::shares(page, &data),
        system: system(page, state, &health),
        active: active::active(page, &data, key.id, &visible),
    };
    Ok((view, trend))
}

/// Why the key cannot be used now, and from when it can.
fn notice(page: &Shell, key: &ApiKey) -> String {
    if !key.enabled {
        return page.t("user-dashboard-key-off");
    }
    if key.expires_at_ms.is_some_and(|end| end <= page.now_ms) {
        return page.t("user-dashboard-key-expired");
    }
    let (rules, zone) = (
        &key.rules.time_rules,
        key.rules.time_zone.unwrap_or(page.business),
    );
    if schedule::allows(rules, zone, page.now_ms) {
        return String::new();
    }
    match schedule::next_allowed(rules, zone, page.now_ms) {
        Some(at) => page.t1("user-dashboard-key-rests", "from", page.moment(at).short),
        None => page.t("user-dashboard-key-never"),
    }
}

fn line(page: &Shell, record: &RequestRecord, data: &Data) -> Row {
    let dash = || "—".to_owned();
    let model = data.models.get(&record.model_id.0);
    Row {
        href: page.url(&format!("/user/requests/{}", record.id)),
        at: page.moment(record.started_ms),
        model: model.unwrap_or(&record.requested_model).clone(),
        status: page.t_code("status-", record.status.as_str()),
        kind: status_kind(record.status),
        fault: page.t_code("fault-", record.fault_owner.as_str()),
        tokens: match record.usage.total() {
            0 => dash(),
            total => format::integer(total),
        },
        cost: match record.cost_nanos {
            Some(nanos) => format::money(&record.currency, nanos),
            None => dash(),
        },
        total: record.latency_ms.map_or_else(dash, |ms| page.duration(&ms)),
    }
}

fn system(page: &Shell, state: &WebState, figures: &health::Figures) -> System {
    let score = figures.score();
    let is_alone = state.admission.living() <= 1;
    System {
        score: score.total,
        word: page.t_code("user-dashboard-health-", score.word),
        kind: kind(&score),
        busyness: page.t_code("admin-busyness-level-", state.admission.busyness().as_str()),
        parts: parts(page, figures, &score, is_alone),
    }
}

fn kind(score: &Score) -> &'static str {
    match score.word {
        "busy" => "warning",
        "degraded" => "danger",
        _ => "success",
    }
}

/// Running calls are those of this instance: where it is not alone, the page says so.
fn parts(page: &Shell, figures: &health::Figures, score: &Score, is_alone: bool) -> Vec<Part> {
    let latency = figures.latency_ms;
    let texts = [
        (
            "user-dashboard-part-error",
            "45 %",
            score.error,
            page.t_with(
                "user-dashboard-part-error-figures",
                &[
                    ("rate", &format::percent(figures.errors, figures.completed)),
                    ("count", &format::integer(figures.completed)),
                ],
            ),
        ),
        (
            "user-dashboard-part-latency",
            "35 %",
            score.latency,
            latency.map_or_else(|| "—".to_owned(), |ms| page.duration(&ms)),
        ),
        (
            "user-dashboard-part-load",
            "20 %",
            score.load,
            page.t_with(
                if is_alone {
                    "user-dashboard-part-load-figures"
                } else {
                    "user-dashboard-part-load-figures-here"
                },
                &[
                    ("keys", &format::integer(figures.active_keys)),
                    ("running", &format::integer(figures.pending)),
                ],
            ),
        ),
    ];
    let part = |(name, weight, score, figures): (&str, &'static str, i64, String)| Part {
        name: page.t(name),
        weight,
        score: (score / 10).to_string(),
        figures,
        width: svg::share(score, 1000),
        colour: match score {
            700.. => "green",
            400..=699 => "amber",
            _ => "red",
        },
    };
    texts.into_iter().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Lang;
    use modelgate_domain::{FaultOwner, RequestId, Status};
    use modelgate_store::request_logs::LogRow;
    use modelgate_store::usage::{Cube, Totals};

    fn shown(page: &Shell, count: usize) -> KeyView {
        let hostile = "<script>alert(1)</script>مرحبا".to_owned();
        let totals = Totals {
            success: 7,
            error: 3,
            ..Totals::default()
        };
        let row = LogRow {
            seq: 1,
            record: RequestRecord {
                id: RequestId::lower_bound(page.now_ms),
                requested_model: hostile.clone(),
                status: Status::Error,
                fault_owner: FaultOwner::Upstream,
                ..RequestRecord::default()
            },
        };
        let cells = (0..count).map(|at| ([1, i64::try_from(at).unwrap(), 0, 0], totals.clone()));
        let minutes = (0..count).map(|at| {
            let at = i64::try_from(at).unwrap();
            ([at, at % 3, 0, 0], totals.clone())
        });
        let data = Data {
            figures: figures::Figures {
                now: totals.clone(),
                cube: Cube::of(cells.collect::<Vec<_>>()),
                ..figures::Figures::sample_empty()
            },
            last: vec![row; count],
            models: [(1, hostile.clone())].into(),
            minutes: Cube::of(minutes.collect::<Vec<_>>()).into(),
        };
        let health = health::Figures::default();
        KeyView {
            id: 1,
            name: hostile,
            notice: page.t("user-dashboard-key-off"),
            figures: figures::cards(page, &data.figures, &Drill::nowhere()),
            limits: Vec::new(),
            last: data
                .last
                .iter()
                .map(|row| line(page, &row.record, &data))
                .collect(),
            models: shares::shares(page, &data),
            system: System {
                score: 100,
                word: "x".to_owned(),
                kind: "success",
                busyness: "x".to_owned(),
                parts: parts(page, &health, &health.score(), count == 0),
            },
            active: active::active(page, &data, modelgate_domain::ApiKeyId(1), &[1].into()),
        }
    }

    #[test]
    fn renders_without_a_key_with_none_and_many_calls() {
        for lang in Lang::ALL {
            let page = Shell::sample(lang);
            for key in [None, Some(0), Some(1), Some(30)] {
                let view = DashboardView {
                    page: &page,
                    at: page.url("/user/dashboard"),
                    ranges: vec![("today", "x".to_owned(), true)],
                    range: "today",
                    keys: vec![(1, "<b>".to_owned(), true), (2, "two".to_owned(), false)],
                    key: key.map(|count| shown(&page, count)),
                    trend: Trend::default(),
                };
                let html = view.render().unwrap();
                assert!(!html.contains("<script>alert") && !html.contains("<b>"));
                assert!(!html.contains("user-dashboard-"), "{html}");
                assert!(html.contains(view.as_live().render().unwrap().trim()));
            }
        }
    }
}
