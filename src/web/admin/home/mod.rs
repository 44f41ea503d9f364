//! The overview: what happened, what runs, what is slow, and one sentence when something is wrong.

mod cards;
mod live;
mod panels;

use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::web;
use askama::Template;
use modelgate_domain::Range;

use crate::web::error::PageError;
use crate::web::events;
use crate::web::figures::{self, Card, Figures, RangeQuery, Ranges, Trend, address};
use crate::web::page::{Look, Page, PageResult};
use crate::web::shell::Shell;
use crate::web::state::WebState;

use live::Busy;
pub(in crate::web) use live::Live;
use panels::{ActiveRow, Notice, ShareRow, SlowRow};

const PATH: &str = "/admin/home";
/// How old what a stream shows may be: all who watch share one reading.
const STREAM_MS: i64 = 1_900;

#[derive(Template)]
#[template(path = "admin/home.html", blocks = ["live"])]
struct HomeView<'a> {
    page: &'a Shell,
    ranges: Ranges,
    /// This page with its range.
    here: String,
    notices: Vec<Notice>,
    cards: Vec<Card>,
    active: Vec<ActiveRow>,
    slow: Vec<SlowRow>,
    slow_from: String,
    providers: Vec<ShareRow>,
    keys: Vec<ShareRow>,
    trend: Trend,
    /// Nothing was ever asked of this gateway.
    is_new: bool,
    steps: Vec<Step>,
}

/// What to do first, and whether it is done.
struct Step {
    href: String,
    title: String,
    done: bool,
}

/// `GET /admin/home`: the page, its live part, or a stream of live parts for who accepts events.
pub(in crate::web) async fn get(
    page: Page<Look>,
    state: web::Data<WebState>,
    query: web::Query<RangeQuery>,
    request: HttpRequest,
) -> PageResult {
    let range = query.range();
    if events::is_wanted(&request) {
        let part = LivePart {
            state: state.clone(),
            range,
        };
        return Ok(events::stream(&page, state, part));
    }
    let (figures, live) = read(&state, page.shell(), range, 0).await?;
    let view = view(page.shell(), &state, range, &figures, &live);
    page.show_or(&view, &view.as_live())
}

/// The live part as a stream: for each range one reading serves all who watch.
struct LivePart {
    state: web::Data<WebState>,
    range: Range,
}

impl events::Part for LivePart {
    async fn now(&mut self, page: &Shell) -> Option<String> {
        let read = read(&self.state, page, self.range, STREAM_MS).await;
        let (figures, live) = read.ok()?;
        let view = view(page, &self.state, self.range, &figures, &live);
        view.as_live().render().ok()
    }
}

/// What everybody who looks at this range sees.
async fn read(
    state: &WebState,
    page: &Shell,
    range: Range,
    at_least_ms: i64,
) -> Result<(Arc<Figures>, Arc<Live>), PageError> {
    let figures = state.figures(range, page.zone, at_least_ms).await?;
    let live = state.live(at_least_ms).await?;
    Ok((figures, live))
}

fn view<'a>(
    page: &'a Shell,
    state: &WebState,
    range: Range,
    figures: &Figures,
    live: &Live,
) -> HomeView<'a> {
    let busy = Busy::now(state, live);
    let left_out = panels::left_out(page, &state.catalog.load().notes);
    let notices = panels::notices(page, live, &busy, &state.journal.stats());
    assemble(
        page,
        range,
        (figures, live, &busy),
        left_out.into_iter().chain(notices).collect(),
    )
}

fn assemble<'a>(
    page: &'a Shell,
    range: Range,
    (figures, live, busy): (&Figures, &Live, &Busy),
    notices: Vec<Notice>,
) -> HomeView<'a> {
    HomeView {
        ranges: Ranges::new(page, PATH, range, &figures.window, &[]),
        here: address(page, PATH, range, &[]),
        notices,
        cards: cards::cards(page, figures, live, busy),
        active: panels::active(page, live, busy),
        slow: panels::slow(page, live),
        slow_from: page.duration(&live.slow_ms),
        providers: panels::providers(page, figures, live),
        keys: panels::keys(page, figures, live),
        trend: figures::trend(page, figures),
        is_new: live.is_new,
        steps: steps(page, live),
        page,
    }
}

fn steps(page: &Shell, live: &Live) -> Vec<Step> {
    [
        (
            "/admin/config/providers",
            "admin-home-step-provider",
            live.providers > 0,
        ),
        (
            "/admin/config/models",
            "admin-home-step-model",
            live.models > 0,
        ),
        ("/admin/api-keys", "admin-home-step-key", live.keys > 0),
        ("/admin/logs", "admin-home-step-call", !live.is_new),
    ]
    .into_iter()
    .map(|(path, key, done)| Step {
        href: page.url(path),
        title: page.t(key),
        done,
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Lang;
    use crate::journal::JournalStats;

    fn render(figures: &Figures, live: &Live, lang: Lang) -> (String, String) {
        let page = Shell::sample(lang);
        let stats = JournalStats {
            last_error: Some("<script>away</script>".to_owned()),
            ..JournalStats::default()
        };
        let busy = Busy::sample();
        let notices = panels::notices(&page, live, &busy, &stats);
        let view = assemble(&page, Range::Today, (figures, live, &busy), notices);
        (view.render().unwrap(), view.as_live().render().unwrap())
    }

    #[test]
    fn renders_empty_and_busy_in_both_languages() {
        for lang in Lang::ALL {
            let none = (Figures::sample_empty(), Live::sample_empty());
            let many = (Figures::sample_busy(), Live::sample_busy());
            for (figures, live) in [none, many] {
                let (whole, block) = render(&figures, &live, lang);
                assert!(whole.contains("<html") && !block.contains("<html"));
                assert!(whole.contains(block.trim()));
                assert!(!whole.contains("<script>"), "hostile text is escaped");
                assert!(!whole.contains(" style="));
                for prefix in ["admin-home-", "figures-"] {
                    assert!(!whole.contains(prefix), "no key without a text");
                }
            }
        }
    }
}
