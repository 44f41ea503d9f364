//! When the work is done: a map of the week.

use crate::reports::blocks::{Block, Heat};
use crate::reports::figures::Figures;
use crate::reports::words::Words;

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// The chapter.
pub(super) fn chapter(figures: &Figures, words: Words) -> Vec<Block> {
    let mut blocks = vec![Block::ShortChapter(words.t("report-chapter-hours"))];
    let most = figures.hours.iter().copied().max().unwrap_or(0);
    if most == 0 {
        blocks.push(Block::Text(words.t("report-hours-forgotten")));
        return blocks;
    }
    let at = figures
        .hours
        .iter()
        .position(|count| *count == most)
        .unwrap_or(0);
    let day = |day: usize| words.t(&format!("report-day-{}", DAYS[day % 7]));
    let (hour, next) = (at % 24, at % 24 + 1);
    blocks.push(Block::Text(words.t_with(
        "report-hours-intro",
        &[
            ("day", &day(at / 24)),
            ("from", &format!("{hour:02}:00")),
            ("to", &format!("{next:02}:00")),
            ("requests", &words.big(most)),
            ("zone", &words.zone.name()),
        ],
    )));
    let rows = figures.hours.chunks(24).enumerate();
    blocks.push(Block::Heat(Heat {
        caption: words.t("report-hours-caption"),
        rows: rows.map(|(at, hours)| (day(at), hours.to_vec())).collect(),
        legend: (words.big(0), words.big(most)),
    }));
    blocks
}
