//! The monitor: what a range is made of, where it goes wrong, how busy it was, and how long answers took.

mod busyness;
pub(super) mod export;
mod heat;
mod hotspots;
mod shares;
mod speed;

use actix_web::web;
use askama::Template;
use modelgate_domain::Range;
use modelgate_store::StoreError;
use modelgate_store::busyness_history::Minutes;
use modelgate_store::usage::Dimension;
use serde::Deserialize;

use crate::web::admin::components::names::Names;
use crate::web::figures::{self, Card, Drill, Figures, RangeQuery, Ranges, Times, Trend, address};
use crate::web::page::{Look, Page, PageResult};
use crate::web::shell::Shell;
use crate::web::state::WebState;

use heat::Heat;
use hotspots::Spot;
use shares::{Panel, ShareBy};
use speed::SpeedRow;

const PATH: &str = "/admin/monitor";

#[derive(Template)]
#[template(path = "admin/monitor.html", blocks = ["live"])]
struct MonitorView<'a> {
    page: &'a Shell,
    ranges: Ranges,
    /// This page with its range and measure.
    here: String,
    /// Where the same range is to be had as a file.
    files: String,
    cards: Vec<Card>,
    trend: Trend,
    /// Without rows where nothing was noted.
    busyness: Trend,
    /// Address, text, and whether it is the present one.
    measures: Vec<(String, String, bool)>,
    panels: Vec<Panel>,
    errors: Vec<Spot>,
    timeouts: Vec<Spot>,
    speeds: Vec<SpeedRow>,
    heat: Heat,
    heat_days: String,
    is_empty: bool,
}

#[derive(Debug, Deserialize)]
pub(in crate::web) struct ByQuery {
    by: Option<String>,
}

/// What stands behind the page.
struct Read<'a> {
    figures: &'a Figures,
    times: &'a Times,
    names: &'a Names,
    busyness: &'a [Minutes],
}

/// `GET /admin/monitor`
pub(in crate::web) async fn get(
    page: Page<Look>,
    state: web::Data<WebState>,
    query: web::Query<RangeQuery>,
    by: web::Query<ByQuery>,
) -> PageResult {
    let range = query.range();
    let figures = state.figures(range, page.zone, 0).await?;
    let times = state.times(range, page.zone).await?;
    let busyness = state.busyness(range, page.zone).await?;
    let names = state
        .db
        .read(|c| Box::pin(async move { Names::read(c).await }));
    let names = names.await.map_err(|error: StoreError| error)?;
    let read = Read {
        figures: &figures,
        times: &times,
        names: &names,
        busyness: &busyness,
    };
    let by = ShareBy::parse(by.by.as_deref().unwrap_or_default());
    let view = view(page.shell(), range, by, &read);
    page.show_or(&view, &view.as_live())
}

fn view<'a>(page: &'a Shell, range: Range, by: ShareBy, read: &Read<'_>) -> MonitorView<'a> {
    let along = [("by", by.as_str())];
    let measures = ShareBy::ALL.into_iter().map(|one| {
        let text = page.t_code("admin-monitor-by-", one.as_str());
        let to = address(page, PATH, range, &[("by", one.as_str())]);
        (to, text, one == by)
    });
    let drill = Drill::new(page, &read.figures.window);
    let mut cards = figures::cards(page, read.figures, &drill);
    cards.extend(speed::cards(page, read));
    MonitorView {
        ranges: Ranges::new(page, PATH, range, &read.figures.window, &along),
        here: address(page, PATH, range, &along),
        files: address(page, "/admin/monitor/export", range, &[]),
        cards,
        trend: figures::trend(page, read.figures),
        busyness: busyness::chart(page, &read.figures.window, read.busyness),
        measures: measures.collect(),
        panels: shares::panels(page, read, by),
        errors: hotspots::errors(page, read),
        timeouts: hotspots::timeouts(page, read),
        speeds: speed::rows(page, read),
        heat: Heat::new(page, read),
        heat_days: figures::HOURS_OF_DAYS.to_string(),
        is_empty: read.figures.now.requests() == 0,
        page,
    }
}

impl Read<'_> {
    /// What a row of a dimension is called.
    fn name(&self, dimension: Dimension, id: i64) -> String {
        let names = match dimension {
            Dimension::ApiKey => &self.names.keys,
            Dimension::Model => &self.names.models,
            Dimension::Provider => &self.names.providers,
            Dimension::ProviderKey => &self.names.credentials,
        };
        let name = names.get(&id).cloned().unwrap_or_else(|| format!("#{id}"));
        if dimension != Dimension::ProviderKey {
            return name;
        }
        // Labels repeat among providers: each credential is one provider's.
        let of = self.figures.cube.within(dimension, id, Dimension::Provider);
        let provider = of
            .first()
            .map(|(id, _)| self.name(Dimension::Provider, *id));
        provider.map_or(name.clone(), |provider| format!("{provider} / {name}"))
    }

    /// The filter of the request log for a row.
    fn filter(dimension: Dimension, id: i64) -> String {
        let name = match dimension {
            Dimension::ApiKey => "key",
            Dimension::Model => "model",
            Dimension::Provider => "provider",
            Dimension::ProviderKey => "credential",
        };
        format!("{name}={id}")
    }

    fn drill(&self, page: &Shell) -> Drill {
        Drill::new(page, &self.figures.window)
    }
}

#[cfg(test)]
mod tests {
    use modelgate_domain::Busyness;

    use super::*;
    use crate::i18n::Lang;

    #[test]
    fn renders_empty_and_busy_in_both_languages() {
        let hostile = "\"><script>مرحبا</script>".to_owned() + &"x".repeat(200);
        let names = Names {
            providers: [(1, hostile.clone())].into(),
            models: [(1, hostile.clone())].into(),
            keys: [(1, hostile)].into(),
            ..Names::default()
        };
        let mut hours = [(0, 0); 24];
        (hours[9], hours[15]) = ((12_000, 10), (90_000, 3));
        let many = Times {
            hours: [(1, hours), (7, hours)].into(),
            ..Times::default()
        };
        let minutes = [Vec::new(), vec![(Busyness::Busy, 3)]];
        for lang in Lang::ALL {
            let page = Shell::sample(lang);
            for (figures, times) in [
                (Figures::sample_empty(), Times::default()),
                (Figures::sample_busy(), many.clone()),
            ] {
                let read = Read {
                    figures: &figures,
                    times: &times,
                    names: &names,
                    busyness: &minutes,
                };
                for by in ShareBy::ALL {
                    let view = view(&page, Range::Today, by, &read);
                    let (whole, block) = (view.render().unwrap(), view.as_live().render().unwrap());
                    assert!(whole.contains(block.trim()) && !block.contains("<html"));
                    assert!(!whole.contains("<script>"), "hostile text is escaped");
                    assert!(!whole.contains(" style="));
                    for prefix in ["admin-monitor-", "figures-"] {
                        assert!(!whole.contains(prefix), "no key without a text");
                    }
                }
            }
        }
    }
}
