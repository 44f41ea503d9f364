//! Lays a report out: which chapters it has, and what stands in them.

mod appendix;
mod busy;
mod money;
mod names;
mod reliability;
mod splits;
mod summary;
mod tables;
mod trends;

use super::blocks::{Block, Report};
use super::figures::Figures;
use super::findings::Narrative;
use super::params::Scope;
use super::words::Words;

/// The whole report.
pub fn compose(figures: &Figures, narrative: &Narrative, words: Words) -> Report {
    let last_ms = figures.window.to_ms().saturating_sub(1);
    let range = [
        ("from", words.day(figures.window.from_ms())),
        ("to", words.day(last_ms)),
    ];
    let subtitle = words.t_with(
        "report-range",
        &[(range[0].0, &range[0].1), (range[1].0, &range[1].1)],
    );
    Report {
        title: words.t("report-title"),
        subtitle: subtitle.clone(),
        site: figures.site.clone(),
        facts: facts(figures, words, subtitle),
        blocks: blocks(figures, narrative, words),
    }
}

fn blocks(figures: &Figures, narrative: &Narrative, words: Words) -> Vec<Block> {
    let mut blocks = summary::chapter(figures, narrative, words);
    blocks.extend(summary::advice(narrative, words));
    if figures.now.requests() > 0 {
        blocks.extend(trends::chapter(figures, words));
        if !matches!(figures.params.scope, Scope::Key(_)) {
            blocks.extend(splits::people(figures, words));
        }
        blocks.extend(splits::models_and_providers(figures, words));
        blocks.extend(money::chapter(figures, words));
        blocks.extend(reliability::chapter(figures, words));
        blocks.extend(reliability::limits(figures, words));
        blocks.extend(busy::chapter(figures, words));
        if !figures.awards.is_empty() {
            blocks.extend(summary::awards(figures, words));
        }
    }
    blocks.extend(appendix::chapter(figures, words));
    blocks
}

/// What the cover says.
fn facts(figures: &Figures, words: Words, range: String) -> Vec<(String, String)> {
    let scope = match &figures.params.scope {
        Scope::Everyone => words.t("report-scope-everyone"),
        Scope::User(_) => words.t_with("report-scope-user", &[("name", &figures.about)]),
        Scope::Key(_) => words.t_with("report-scope-key", &[("name", &figures.about)]),
        Scope::Tag(_) => words.t_with("report-scope-tag", &[("name", &figures.about)]),
    };
    let left_out = i64::try_from(figures.left_out).unwrap_or(i64::MAX);
    let scope = if left_out > 0 {
        words.t_with(
            "report-scope-without",
            &[
                ("scope", &scope),
                ("keys", &words.tn("report-count-keys", left_out)),
            ],
        )
    } else {
        scope
    };
    let (from, to) = figures.window.before;
    let before = words.t_with(
        "report-range",
        &[
            ("from", &words.day(from)),
            ("to", &words.day(to.saturating_sub(1))),
        ],
    );
    vec![
        (words.t("report-fact-range"), range),
        (words.t("report-fact-zone"), words.zone.name().to_owned()),
        (words.t("report-fact-scope"), scope),
        (words.t("report-fact-before"), before),
        (words.t("report-fact-made"), words.moment(figures.made_ms)),
    ]
}
