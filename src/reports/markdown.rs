//! A report as Markdown: everything but its pictures.

use std::fmt::Write as _;

use super::blocks::{Block, Card, Column, Heat, Prize, Report, Table, clean};

/// Hours that stand in one column of the map of the week.
const HOURS: usize = 4;

/// The whole text.
pub fn write(report: &Report) -> String {
    let mut out = format!("# {} · {}\n\n", text(&report.title), text(&report.subtitle));
    for (what, how) in &report.facts {
        let _ = writeln!(out, "- **{}**: {}", text(what), text(how));
    }
    for block in &report.blocks {
        self::block(block, &mut out);
    }
    out
}

fn block(block: &Block, out: &mut String) {
    let piece = match block {
        Block::Chapter(title) | Block::ShortChapter(title) => format!("\n## {}\n\n", text(title)),
        Block::Section(title) => format!("\n### {}\n\n", text(title)),
        Block::Text(words) => format!("{}\n\n", text(words)),
        Block::Note(words) => format!("*{}*\n\n", text(words)),
        Block::Cards(cards) => cards.iter().map(card).chain([String::from("\n")]).collect(),
        Block::Table(of) => table(of),
        // Its figures stand in tables; what it shows at a glance is told.
        Block::Chart { alt, .. } => format!("{}\n\n", text(alt)),
        Block::Heat(of) => heat(of),
        Block::Advice(title, words) => format!("- **{}** {}\n", text(title), text(words)),
        Block::Definition(term, meaning) => format!("- **{}**: {}\n", text(term), text(meaning)),
        Block::Prizes(prizes) => prizes
            .iter()
            .map(prize)
            .chain([String::from("\n")])
            .collect(),
    };
    out.push_str(&piece);
}

fn card(card: &Card) -> String {
    let more = [&card.more, &card.change];
    let more: Vec<String> = more
        .iter()
        .filter(|part| !part.is_empty())
        .map(|part| text(part))
        .collect();
    let more = if more.is_empty() {
        String::new()
    } else {
        format!(" ({})", more.join("; "))
    };
    format!("- **{}**: {}{more}\n", text(&card.label), text(&card.value))
}

fn prize(prize: &Prize) -> String {
    let value = if prize.value.is_empty() {
        String::new()
    } else {
        format!(", {}", text(&prize.value))
    };
    format!(
        "- **{}**: {}{value}. *{}*\n",
        text(&prize.title),
        text(&prize.winner),
        text(&prize.rule)
    )
}

fn table(table: &Table) -> String {
    let mut out = format!("**{}**\n\n", text(&table.caption));
    line(
        table.columns.iter().map(|column| text(&column.title)),
        &mut out,
    );
    let rule = |column: &Column| String::from(if column.is_figure { "---:" } else { "---" });
    line(table.columns.iter().map(rule), &mut out);
    for row in &table.rows {
        line(row.iter().map(|cell| text(cell)), &mut out);
    }
    out.push('\n');
    out
}

fn heat(heat: &Heat) -> String {
    let mut out = format!("**{}**\n\n", text(&heat.caption));
    let parts = (0..24)
        .step_by(HOURS)
        .map(|hour| format!("{hour:02}–{:02}", hour + HOURS));
    line(std::iter::once(String::new()).chain(parts), &mut out);
    line(
        (0..=24 / HOURS).map(|at| String::from(if at == 0 { "---" } else { "---:" })),
        &mut out,
    );
    for (day, hours) in &heat.rows {
        let sums = hours
            .chunks(HOURS)
            .map(|part| part.iter().sum::<i64>().to_string());
        line(std::iter::once(text(day)).chain(sums), &mut out);
    }
    out.push('\n');
    out
}

fn line(cells: impl Iterator<Item = String>, out: &mut String) {
    for cell in cells {
        out.push_str("| ");
        out.push_str(&cell);
        out.push(' ');
    }
    out.push_str("|\n");
}

/// A text that means nothing but itself.
fn text(words: &str) -> String {
    let mut out = String::with_capacity(words.len());
    for sign in clean(words).chars() {
        match sign {
            '<' => out.push_str("&lt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '!' => {
                out.push('\\');
                out.push(sign);
            }
            sign => out.push(sign),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_mean_nothing_but_themselves() {
        assert_eq!(text("<script>|a|*b*"), "&lt;script>\\|a\\|\\*b\\*");
    }
}
