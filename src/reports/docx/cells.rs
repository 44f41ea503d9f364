//! Paragraphs, fields, cells and tables of docx-rs as this house sets them: by style, with no look of their own.

use docx_rs::{
    FieldCharType, InstrText, Paragraph, Run, Shading, ShdType, Table, TableCell, TableLayoutType,
    TableRow, VAlignType, WidthType,
};

use crate::reports::blocks::clean;

/// A paragraph of a style.
pub(super) fn words(style: &str, text: &str) -> Paragraph {
    Paragraph::new().style(style).add_run(run(text))
}

/// A run of text that may come from anywhere.
pub(super) fn run(text: &str) -> Run {
    Run::new().add_text(clean(text))
}

/// A field with what it shows until it is worked out; a `dirty` one is worked out when the document is opened.
pub(super) fn field(code: &str, shown: &str, dirty: bool) -> [Run; 5] {
    [
        Run::new().add_field_char(FieldCharType::Begin, dirty),
        Run::new().add_instr_text(InstrText::Unsupported(code.to_owned())),
        Run::new().add_field_char(FieldCharType::Separate, false),
        Run::new().add_text(shown),
        Run::new().add_field_char(FieldCharType::End, false),
    ]
}

/// A cell of a width with its paragraphs; `fill` is a colour, or empty for none.
pub(super) fn cell(width: usize, fill: &str, paragraphs: Vec<Paragraph>) -> TableCell {
    let mut cell = TableCell::new()
        .width(width, WidthType::Dxa)
        .vertical_align(VAlignType::Center);
    if !fill.is_empty() {
        cell = cell.shading(
            Shading::new()
                .shd_type(ShdType::Clear)
                .color("auto")
                .fill(fill),
        );
    }
    for paragraph in paragraphs {
        cell = cell.add_paragraph(paragraph);
    }
    cell
}

/// A row that is not split between pages.
pub(super) fn row(cells: Vec<TableCell>) -> TableRow {
    TableRow::new(cells).cant_split()
}

/// A table of a style whose columns are as wide as they say.
pub(super) fn table(style: &str, widths: &[usize], rows: Vec<TableRow>) -> Table {
    Table::without_borders(rows)
        .style(style)
        .width(widths.iter().sum(), WidthType::Dxa)
        .layout(TableLayoutType::Fixed)
        .set_grid(widths.to_vec())
}
