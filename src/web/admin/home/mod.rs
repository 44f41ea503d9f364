//! The overview: what happened, what runs, what is slow, and one sentence when something is wrong.

mod data;
mod figures;
mod panels;
mod span;
mod trend;

use actix_web::web;
use askama::Template;
use serde::Deserialize;

use crate::web::page::{Look, Page, PageResult};
use crate::web::shell::Shell;
use crate::web::state::WebState;

use data::Data;
use figures::Figure;
use panels::{Notice, ShareRow, SlowRow};
use span::Span;
use trend::Trend;

#[derive(Template)]
#[template(path = "admin/home.html", blocks = ["live"])]
struct HomeView<'a> {
    page: &'a Shell,
    range: &'static str,
    /// Name, text, and whether it is the present one.
    ranges: Vec<(&'static str, String, bool)>,
    notices: Vec<Notice>,
    figures: Vec<Figure>,
    slow: Vec<SlowRow>,
    slow_from: String,
    providers: Vec<ShareRow>,
    models: Vec<ShareRow>,
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

#[derive(Debug, Deserialize)]
pub(in crate::web) struct Query {
    range: Option<String>,
}

/// `GET /admin/home`
pub(in crate::web) async fn get(
    page: Page<Look>,
    state: web::Data<WebState>,
    query: web::Query<Query>,
) -> PageResult {
    let span = Span::parse(query.range.as_deref().unwrap_or_default());
    let data = Data::read(&state, span, page.now_ms).await?;
    let view = view(page.shell(), &state, span, &data);
    page.show_or(&view, &view.as_live())
}

fn view<'a>(page: &'a Shell, state: &WebState, span: Span, data: &Data) -> HomeView<'a> {
    let live = state.admission.live();
    HomeView {
        range: span.as_str(),
        ranges: Span::ALL
            .into_iter()
            .map(|s| {
                let text = page.t(&format!("admin-home-range-{}", s.as_str()));
                (s.as_str(), text, s == span)
            })
            .collect(),
        notices: panels::left_out(page, &state.catalog.load().notes)
            .into_iter()
            .chain(panels::notices(page, data, &state.journal.stats()))
            .collect(),
        figures: figures::figures(page, data, &live),
        slow: panels::slow(page, data),
        slow_from: page.duration(&data.slow_ms),
        providers: panels::providers(page, data),
        models: panels::models(page, data),
        keys: panels::keys(page, data, &live),
        trend: trend::trend(page, span, data),
        is_new: data.is_new,
        steps: steps(page, data),
        page,
    }
}

fn steps(page: &Shell, data: &Data) -> Vec<Step> {
    [
        (
            "/admin/config/providers",
            "admin-home-step-provider",
            data.providers > 0,
        ),
        (
            "/admin/config/models",
            "admin-home-step-model",
            data.models > 0,
        ),
        ("/admin/api-keys", "admin-home-step-key", data.keys > 0),
        ("/admin/logs", "admin-home-step-call", !data.is_new),
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

    fn render(data: &Data, lang: Lang) -> (String, String) {
        let page = Shell::sample(lang);
        let stats = JournalStats {
            last_error: Some("<script>away</script>".to_owned()),
            ..JournalStats::default()
        };
        let live = crate::admission::LiveCounters::default();
        let view = HomeView {
            range: "today",
            ranges: vec![("today", "Today".to_owned(), true)],
            notices: panels::notices(&page, data, &stats),
            figures: figures::figures(&page, data, &live),
            slow: panels::slow(&page, data),
            slow_from: "10 s".to_owned(),
            providers: panels::providers(&page, data),
            models: panels::models(&page, data),
            keys: panels::keys(&page, data, &live),
            trend: trend::trend(&page, Span::Today, data),
            is_new: data.is_new,
            steps: steps(&page, data),
            page: &page,
        };
        (view.render().unwrap(), view.as_live().render().unwrap())
    }

    #[test]
    fn renders_empty_and_busy_in_both_languages() {
        for lang in Lang::ALL {
            let (whole, block) = render(&Data::sample_empty(), lang);
            assert!(whole.contains("<html") && !block.contains("<html"));
            for data in [Data::sample_empty(), Data::sample_busy()] {
                let (whole, _) = render(&data, lang);
                assert!(!whole.contains("<script>"), "hostile text is escaped");
                assert!(!whole.contains(" style="));
                assert!(!whole.contains("admin-home-"), "no key without a text");
            }
        }
    }

    #[test]
    fn the_live_block_is_a_part_of_the_page() {
        let (whole, block) = render(&Data::sample_busy(), Lang::En);
        assert!(whole.contains(block.trim()));
    }
}
