//! Blocks as elements of docx-rs, and the pages they come to lie on.

use std::sync::{Mutex, PoisonError};

use docx_rs::{
    Docx, Footer, Header, HeightRule, LineSpacing, LineSpacingType, PageMargin, Paragraph, Pic,
    Run, Shading, ShdType, XMLDocx,
};

use super::cells::{cell, field, row, run, table, words};
use super::complete::{Alternatives, FIGURES};
use super::contents::contents;
use super::plan::{SHORT, plan, widths};
use super::sizes;
use super::{DocxError, Frame, Setting};
use crate::reports::blocks::{Block, Card, Heat, Prize, Report, Table, Tone};
use crate::reports::charts::Chart;

/// docx-rs numbers pictures by a counter of the process that is not safe when two documents are made at once.
static PICTURES: Mutex<()> = Mutex::new(());

const BLUE: &str = "206BC4";
const DEEP: &str = "12355B";
const PALE: &str = "F3F6FA";
/// From no requests to the most.
const SHADES: [&str; 7] = [
    "F8FAFC", "DCE9F8", "B6D3F2", "86B6E8", "5494D9", "206BC4", "12355B",
];
const EMU: usize = 635;

/// The parts that docx-rs writes, and what completes them.
pub(super) struct Rendered {
    pub(super) parts: XMLDocx,
    pub(super) alternatives: Alternatives,
}

/// Renders everything.
pub(super) fn render(
    report: &Report,
    frame: &Frame,
    setting: Setting,
) -> Result<Rendered, DocxError> {
    let _one_at_a_time = PICTURES.lock().unwrap_or_else(PoisonError::into_inner);
    let width = sizes::width(setting.paper);
    let entries = plan(report, setting);
    let mut page = Page {
        docx: sheet(report, frame, setting),
        width,
        marks: entries
            .iter()
            .map(|entry| entry.mark.clone())
            .collect::<Vec<_>>()
            .into_iter(),
        mark: 0,
        alternatives: Alternatives::default(),
        after_table: false,
    };
    page.cover(report);
    for paragraph in contents(&frame.contents, &entries) {
        page.add(paragraph);
    }
    for block in &report.blocks {
        page.block(block)?;
    }
    page.end_table();
    Ok(Rendered {
        parts: page.docx.build(),
        alternatives: page.alternatives,
    })
}

/// An empty document with its pages, header and footer.
fn sheet(report: &Report, frame: &Frame, setting: Setting) -> Docx {
    let (wide, high) = sizes::page(setting.paper);
    let size = |twips: usize| u32::try_from(twips).unwrap_or(0);
    let space = |twips: usize| i32::try_from(twips).unwrap_or(0);
    let header = Paragraph::new()
        .style("Header")
        .add_run(run(&format!("{} · {}", report.site, report.title)))
        .add_run(Run::new().add_tab())
        .add_run(run(&report.subtitle));
    let [before, between, after] = &frame.page;
    let mut footer = Paragraph::new()
        .style("Footer")
        .add_run(run(&frame.made))
        .add_run(Run::new().add_tab())
        .add_run(run(before));
    for part in field("PAGE", "1", false) {
        footer = footer.add_run(part);
    }
    footer = footer.add_run(run(between));
    for part in field("NUMPAGES", "1", false) {
        footer = footer.add_run(part);
    }
    footer = footer.add_run(run(after));
    Docx::new()
        .page_size(size(wide), size(high))
        .page_margin(
            PageMargin::new()
                .left(space(sizes::SIDE))
                .right(space(sizes::SIDE))
                .top(space(sizes::TOP))
                .bottom(space(sizes::BOTTOM))
                .header(700)
                .footer(600),
        )
        .header(Header::new().add_paragraph(header))
        .footer(Footer::new().add_paragraph(footer))
        .title_pg()
}

struct Page {
    docx: Docx,
    width: usize,
    /// Names of the bookmarks of headings to come.
    marks: std::vec::IntoIter<String>,
    mark: usize,
    alternatives: Alternatives,
    /// Whether a table was the last thing added.
    after_table: bool,
}

impl Page {
    fn with(&mut self, change: impl FnOnce(Docx) -> Docx) {
        self.docx = change(std::mem::take(&mut self.docx));
    }

    fn add(&mut self, paragraph: Paragraph) {
        self.end_table();
        self.with(|docx| docx.add_paragraph(paragraph));
    }

    fn add_table(&mut self, table: docx_rs::Table) {
        self.end_table();
        self.with(|docx| docx.add_table(table));
        self.after_table = true;
    }

    /// Word wants a paragraph between two tables, and after the last one.
    fn end_table(&mut self) {
        if std::mem::take(&mut self.after_table) {
            self.with(|docx| docx.add_paragraph(Paragraph::new().style("TableEnd")));
        }
    }

    fn cover(&mut self, report: &Report) {
        let title = vec![
            words("CoverSite", &report.site),
            words("Title", &report.title),
            words("Subtitle", &report.subtitle),
        ];
        let panel = row(vec![cell(self.width, DEEP, title)])
            .row_height(6_200.0)
            .height_rule(HeightRule::Exact);
        let stripe = row(vec![cell(
            self.width,
            "F59F00",
            vec![Paragraph::new().style("TableEnd")],
        )])
        .row_height(160.0)
        .height_rule(HeightRule::Exact);
        self.add_table(table("Plain", &[self.width], vec![panel, stripe]));
        let widths = sizes::columns(&[3, 7], self.width);
        let facts = report.facts.iter().map(|(what, how)| {
            row(vec![
                cell(widths[0], "", vec![words("CoverLabel", what)]),
                cell(widths[1], "", vec![words("CoverFact", how)]),
            ])
        });
        self.add_table(table("Plain", &widths, facts.collect()));
    }

    fn heading(&mut self, heading: Paragraph, title: &str) {
        self.mark += 1;
        let name = self.marks.next().unwrap_or_default();
        let heading = heading
            .add_bookmark_start(self.mark, name)
            .add_run(run(title))
            .add_bookmark_end(self.mark);
        self.add(heading);
    }

    fn block(&mut self, block: &Block) -> Result<(), DocxError> {
        match block {
            Block::Chapter(title) => {
                let heading = Paragraph::new().style("Heading1").page_break_before(true);
                // What ends a table could be alone on a page, where the table fills the one before.
                self.after_table = false;
                self.heading(heading, title);
            }
            Block::ShortChapter(title) => {
                let heading = Paragraph::new().style("Heading1").line_spacing(short());
                self.heading(heading, title);
            }
            Block::Section(title) => self.heading(Paragraph::new().style("Heading2"), title),
            Block::Text(text) => self.add(words("Normal", text)),
            Block::Note(text) => self.add(words("Note", text)),
            Block::Cards(cards) => self.cards(cards),
            Block::Table(table) => self.figures(table),
            Block::Chart {
                caption,
                alt,
                chart,
                legend,
            } => {
                self.add(words("Caption", caption));
                self.alternatives
                    .pictures
                    .push(crate::reports::blocks::clean(alt));
                self.chart(chart)?;
                self.legend(legend);
            }
            Block::Heat(heat) => self.heat(heat),
            Block::Advice(title, text) => {
                self.add(words("AdviceTitle", title));
                self.add(words("AdviceText", text));
            }
            Block::Definition(term, meaning) => {
                self.add(words("Term", term));
                self.add(words("Meaning", meaning));
            }
            Block::Prizes(prizes) => self.prizes(prizes),
        }
        Ok(())
    }

    /// Four to a row, with room between them.
    fn cards(&mut self, cards: &[Card]) {
        let gap = 140;
        let wide = (self.width - 3 * gap) / 4;
        let widths = [
            wide,
            gap,
            wide,
            gap,
            wide,
            gap,
            self.width - 3 * (wide + gap),
        ];
        let nothing = |width| cell(width, "", vec![Paragraph::new().style("TableEnd")]);
        let mut rows = Vec::new();
        for (at, four) in cards.chunks(4).enumerate() {
            if at > 0 {
                let space = widths.iter().map(|width| nothing(*width)).collect();
                rows.push(row(space).row_height(140.0).height_rule(HeightRule::Exact));
            }
            let cells = widths.iter().enumerate().map(|(column, width)| {
                match four.get(column / 2).filter(|_| column % 2 == 0) {
                    Some(card) => cell(*width, PALE, card_text(card)),
                    None => nothing(*width),
                }
            });
            rows.push(row(cells.collect()));
        }
        self.add_table(table("Plain", &widths, rows));
    }

    fn figures(&mut self, of: &Table) {
        self.add(words("Caption", &of.caption));
        self.alternatives
            .tables
            .push(crate::reports::blocks::clean(&of.caption));
        let widths = widths(of, self.width);
        let head = of.columns.iter().zip(&widths).map(|(column, width)| {
            let style = if column.is_figure {
                "TableHeadFigure"
            } else {
                "TableHead"
            };
            cell(*width, BLUE, vec![words(style, &column.title)])
        });
        let mut rows = vec![row(head.collect())];
        for (at, cells) in of.rows.iter().enumerate() {
            let fill = if at % 2 == 1 { PALE } else { "" };
            let cells = of
                .columns
                .iter()
                .zip(cells)
                .zip(&widths)
                .map(|((column, text), width)| {
                    let style = if column.is_figure {
                        "TableFigure"
                    } else {
                        "TableText"
                    };
                    cell(*width, fill, vec![words(style, text)])
                });
            rows.push(row(cells.collect()));
        }
        self.add_table(table(FIGURES, &widths, rows));
    }

    fn chart(&mut self, chart: &Chart) -> Result<(), DocxError> {
        let (wide, high) = Chart::pixels();
        let emu = |pixels: u32| {
            let twips = self.width * usize::try_from(pixels).unwrap_or(0)
                / usize::try_from(wide).unwrap_or(1).max(1);
            u32::try_from(twips * EMU).unwrap_or(0)
        };
        let picture = Pic::new_with_dimensions(chart.png()?, wide, high).size(emu(wide), emu(high));
        self.add(
            Paragraph::new()
                .style("Figure")
                .add_run(Run::new().add_image(picture)),
        );
        Ok(())
    }

    /// Colours and their names; an empty line keeps the distance where there is but one.
    fn legend(&mut self, legend: &[(&'static str, String)]) {
        let mut line = Paragraph::new().style("Legend");
        for (colour, name) in legend {
            let square = swatch(colour.trim_start_matches('#'));
            line = line
                .add_run(square)
                .add_run(run(&format!("  {name}        ")));
        }
        self.add(line);
    }

    fn heat(&mut self, heat: &Heat) {
        self.add(words("Caption", &heat.caption));
        let hour = (self.width - 1_100) / 24;
        let mut widths = vec![self.width - 24 * hour];
        widths.extend([hour; 24]);
        let most = heat
            .rows
            .iter()
            .flat_map(|(_, values)| values)
            .copied()
            .max()
            .unwrap_or(0);
        let mut head = vec![cell(
            widths[0],
            "",
            vec![Paragraph::new().style("HeatHour")],
        )];
        head.extend((0..24).map(|at| cell(hour, "", vec![words("HeatHour", &format!("{at:02}"))])));
        let mut rows = vec![row(head)];
        for (day, values) in &heat.rows {
            let mut cells = vec![cell(widths[0], "", vec![words("HeatDay", day)])];
            let shaded = values.iter().map(|value| {
                cell(
                    hour,
                    shade(*value, most),
                    vec![Paragraph::new().style("HeatHour")],
                )
            });
            cells.extend(shaded);
            rows.push(row(cells));
        }
        self.add_table(table("Plain", &widths, rows));
        let mut line = Paragraph::new()
            .style("Legend")
            .add_run(run(&format!("{}  ", heat.legend.0)));
        for colour in SHADES {
            line = line.add_run(swatch(colour));
        }
        self.add(line.add_run(run(&format!("  {}", heat.legend.1))));
    }

    fn prizes(&mut self, prizes: &[Prize]) {
        let widths = sizes::columns(&[7, 3], self.width);
        let rows = prizes.iter().enumerate().map(|(at, prize)| {
            let fill = if at % 2 == 0 { PALE } else { "" };
            let told = vec![
                words("PrizeTitle", &prize.title),
                words("PrizeWinner", &prize.winner),
                words("PrizeRule", &prize.rule),
            ];
            row(vec![
                cell(widths[0], fill, told),
                cell(widths[1], fill, vec![words("PrizeValue", &prize.value)]),
            ])
        });
        self.add_table(table("Plain", &widths, rows.collect()));
    }
}

/// As the style of chapters has it, with more room above.
fn short() -> LineSpacing {
    LineSpacing::new()
        .before(u32::try_from(SHORT).unwrap_or(0))
        .after(280)
        .line(520)
        .line_rule(LineSpacingType::Exact)
}

fn card_text(card: &Card) -> Vec<Paragraph> {
    let style = match card.tone {
        Tone::Neutral => "Muted",
        Tone::Good => "Good",
        Tone::Bad => "Bad",
    };
    let change = Paragraph::new()
        .style("CardChange")
        .add_run(run(&card.change).style(style));
    vec![
        words("CardLabel", &card.label),
        words("CardValue", &card.value),
        words("CardMore", &card.more),
        change,
    ]
}

/// A small area of a colour: a sign would be of another size in each font.
fn swatch(colour: &str) -> Run {
    Run::new().add_text("\u{a0}\u{a0}\u{a0}\u{a0}").shading(
        Shading::new()
            .shd_type(ShdType::Clear)
            .color("auto")
            .fill(colour),
    )
}

fn shade(value: i64, most: i64) -> &'static str {
    let steps = i64::try_from(SHADES.len() - 1).unwrap_or(1);
    let at = match value {
        0 => 0,
        value => 1 + (value.saturating_mul(steps) - 1).max(0) / most.max(1),
    };
    let at = usize::try_from(at).unwrap_or(0).min(SHADES.len() - 1);
    SHADES[at]
}
