//! Lays a report out: which chapters it has, and what stands in them.

mod appendix;
mod busy;
mod money;
mod names;
mod reliability;
mod splits;
pub(super) mod summary;
mod tables;
mod trends;

use super::blocks::{Block, Report};
use super::figures::Figures;
use super::findings::Narrative;
use super::params::Scope;
use super::templates::Section;
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
    let sections = figures.params.template.sections().iter().copied();
    let is_used = figures.now.requests() > 0;
    sections
        .filter(|section| is_used || section.is_always_there())
        .flat_map(|section| chapter(section, figures, narrative, words))
        .collect()
}

fn chapter(section: Section, figures: &Figures, narrative: &Narrative, words: Words) -> Vec<Block> {
    let is_of_one_key = matches!(figures.params.scope, Scope::Key(_));
    match section {
        Section::Summary => summary::chapter(figures, narrative, words),
        Section::Advice => summary::advice(narrative, words),
        Section::Trends => trends::chapter(figures, words),
        Section::People | Section::Keys if is_of_one_key => Vec::new(),
        Section::People => splits::people(figures, words),
        Section::Keys => appendix::keys(figures, words),
        Section::Models => splits::models_and_providers(figures, words),
        Section::Money => money::chapter(figures, words),
        Section::Reliability => reliability::chapter(figures, words),
        Section::Limits => reliability::limits(figures, words),
        Section::Hours => busy::chapter(figures, words),
        Section::Awards if figures.awards.is_empty() => Vec::new(),
        Section::Awards => summary::awards(figures, words),
        Section::Appendix => appendix::chapter(figures, words),
    }
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
