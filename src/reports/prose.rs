//! A text in Markdown as the pieces of a document, for those who want on paper what the portal shows.

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::blocks::{Block, Column, Table};

/// How wide a column is at least and at most among the others, in characters.
const NARROW: usize = 6;
const WIDE: usize = 22;

/// The first heading of a text, and its pieces. Marks within a line are left out; raw HTML stays text.
pub(super) fn read(markdown: &str) -> (String, Vec<Block>) {
    let mut reader = Reader::default();
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        reader.hear(event);
    }
    reader.end_line();
    (reader.title, reader.blocks)
}

#[derive(Default)]
struct Reader {
    title: String,
    blocks: Vec<Block>,
    /// What was read of the present line.
    line: String,
    /// Whether it begins a point of a list.
    is_point: bool,
    /// The last heading, which tables are named after.
    heading: String,
    row: Vec<String>,
    /// The head of a table and what follows.
    rows: Vec<Vec<String>>,
}

impl Reader {
    fn hear(&mut self, event: Event<'_>) {
        match event {
            Event::Text(text) | Event::Code(text) | Event::Html(text) | Event::InlineHtml(text) => {
                self.line.push_str(&text);
            }
            Event::SoftBreak | Event::HardBreak => self.line.push(' '),
            Event::Start(Tag::Item) => {
                self.end_line();
                self.is_point = true;
            }
            Event::Start(Tag::Table(_)) => self.rows.clear(),
            Event::End(TagEnd::Heading(level)) => self.end_heading(level),
            Event::End(TagEnd::TableCell) => self.row.push(std::mem::take(&mut self.line)),
            Event::End(TagEnd::TableHead | TagEnd::TableRow) => {
                self.rows.push(std::mem::take(&mut self.row));
            }
            Event::End(TagEnd::Table) => self.end_table(),
            Event::End(
                TagEnd::Paragraph | TagEnd::Item | TagEnd::CodeBlock | TagEnd::HtmlBlock,
            ) => self.end_line(),
            _ => {}
        }
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let line = line.trim();
        if line.is_empty() {
            return;
        }
        let mark = if std::mem::take(&mut self.is_point) {
            "• "
        } else {
            ""
        };
        self.blocks.push(Block::Text(format!("{mark}{line}")));
    }

    fn end_heading(&mut self, level: HeadingLevel) {
        let title = std::mem::take(&mut self.line);
        self.heading.clone_from(&title);
        match level {
            HeadingLevel::H1 if self.title.is_empty() => self.title = title,
            HeadingLevel::H1 | HeadingLevel::H2 if self.blocks.is_empty() => {
                self.blocks.push(Block::Chapter(title));
            }
            HeadingLevel::H1 | HeadingLevel::H2 => self.blocks.push(Block::ShortChapter(title)),
            _ => self.blocks.push(Block::Section(title)),
        }
    }

    fn end_table(&mut self) {
        let mut rows = std::mem::take(&mut self.rows).into_iter();
        let head = rows.next().unwrap_or_default();
        let rows: Vec<Vec<String>> = rows.collect();
        let columns = head.into_iter().enumerate().map(|(at, title)| {
            let cells = rows.iter().filter_map(|row| row.get(at));
            let longest = cells
                .clone()
                .chain([&title])
                .map(|text| text.chars().count());
            Column {
                weight: longest.max().unwrap_or(0).clamp(NARROW, WIDE),
                is_figure: !rows.is_empty() && cells.into_iter().all(|cell| is_figure(cell)),
                title,
            }
        });
        let columns = columns.collect();
        self.blocks.push(Block::Table(Table {
            caption: self.heading.clone(),
            columns,
            rows,
        }));
    }
}

/// Whether a cell holds a figure, or nothing in place of one.
fn is_figure(cell: &str) -> bool {
    let is_nothing = ["", "—", "–"].contains(&cell);
    is_nothing || cell.starts_with(|c: char| c.is_ascii_digit() || "<+-−".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# Errors of 2026-11-20\n\n## Summary\n\nacme **was** down:\n`503`.\n\n\
        - first\n- second [here](https://x.example)\n\n| Model | Calls |\n| --- | --- |\n| gpt\\_x | 1,204 |\n| — | 3 |\n\n\
        ## What to do\n\n<script>alert(1)</script>\n";

    #[test]
    fn what_the_portal_shows_becomes_pieces() {
        let (title, blocks) = read(TEXT);
        assert_eq!(title, "Errors of 2026-11-20");
        let told: Vec<String> = blocks
            .iter()
            .map(|block| match block {
                Block::Chapter(title) | Block::ShortChapter(title) => format!("## {title}"),
                Block::Text(text) => text.clone(),
                Block::Table(table) => {
                    let columns = table.columns.iter();
                    let columns: Vec<_> =
                        columns.map(|c| (c.title.as_str(), c.is_figure)).collect();
                    assert_eq!(columns, [("Model", false), ("Calls", true)]);
                    format!("{}: {:?}", table.caption, table.rows)
                }
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(
            told,
            [
                "## Summary",
                "acme was down: 503.",
                "• first",
                "• second here",
                "Summary: [[\"gpt_x\", \"1,204\"], [\"—\", \"3\"]]",
                "## What to do",
                "<script>alert(1)</script>",
            ]
        );
    }
}
