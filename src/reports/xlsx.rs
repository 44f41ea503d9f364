//! The figures of a report as a workbook: the tables of [`super::csv`], a sheet each, and the summary in front. Rows go
//! to a temporary file as they come, so that many days need no memory.

use rust_xlsxwriter::{Color, Format, Workbook, Worksheet, XlsxError};

use super::blocks::{Report, clean};
use super::compose::summary::by_model;
use super::csv::{Cell, Sheet};
use super::figures::Figures;
use super::findings::Narrative;
use super::words::Words;

const WIDE: f64 = 16.0;
const WIDER: f64 = 28.0;
/// The most rows that a sheet can have.
const MOST_ROWS: u32 = 1_048_576;

/// The whole file.
pub fn write(
    figures: &Figures,
    narrative: &Narrative,
    report: &Report,
    words: Words,
) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    summary(
        book.add_worksheet_with_constant_memory()?,
        narrative,
        report,
        words,
    )?;
    for sheet in Sheet::ALL {
        fill(
            book.add_worksheet_with_constant_memory()?,
            figures,
            sheet,
            words,
        )?;
    }
    book.save_to_buffer()
}

fn summary(
    sheet: &mut Worksheet,
    narrative: &Narrative,
    report: &Report,
    words: Words,
) -> Result<(), XlsxError> {
    sheet.set_name(words.t("report-sheet-summary"))?;
    sheet.set_column_width(0, WIDER)?;
    sheet.set_column_width(1, 100.0)?;
    let strong = Format::new().set_bold();
    sheet.write_string_with_format(
        0,
        0,
        clean(&report.title),
        &strong.clone().set_font_size(16),
    )?;
    let mut row = 1;
    for (what, how) in &report.facts {
        sheet.write_string_with_format(row, 0, clean(what), &strong)?;
        sheet.write_string(row, 1, clean(how))?;
        row += 1;
    }
    row += 1;
    for sentence in &narrative.summary {
        sheet.write_string(row, 0, clean(sentence))?;
        row += 1;
    }
    if let Some(by) = by_model(&narrative.summary_by, words) {
        sheet.write_string_with_format(row, 0, clean(&by), &Format::new().set_italic())?;
        row += 1;
    }
    if let Some(by) = by_model(&narrative.advice_by, words) {
        row += 1;
        sheet.write_string_with_format(row, 0, clean(&by), &Format::new().set_italic())?;
    }
    for advice in &narrative.advice {
        row += 1;
        sheet.write_string_with_format(row, 0, clean(&advice.title), &strong)?;
        sheet.write_string(row, 1, clean(&advice.text))?;
    }
    Ok(())
}

fn fill(
    sheet: &mut Worksheet,
    figures: &Figures,
    of: Sheet,
    words: Words,
) -> Result<(), XlsxError> {
    sheet.set_name(words.t(&format!("report-sheet-{}", of.as_str())))?;
    sheet.set_freeze_panes(1, 0)?;
    let head = Format::new()
        .set_bold()
        .set_font_color(Color::White)
        .set_background_color(Color::RGB(0x0020_6BC4));
    let columns = of.columns();
    for (at, name) in columns.iter().enumerate() {
        let at = u16::try_from(at).unwrap_or(u16::MAX);
        sheet.set_column_width(
            at,
            if matches!(*name, "key" | "user" | "model" | "cost") {
                WIDER
            } else {
                WIDE
            },
        )?;
        sheet.write_string_with_format(0, at, *name, &head)?;
    }
    let mut row = 0_u32;
    let mut written = Ok(());
    of.rows(figures, |cells| {
        row += 1;
        if row < MOST_ROWS && written.is_ok() {
            written = cells
                .iter()
                .zip(0_u16..)
                .try_for_each(|(cell, at)| put(sheet, (row, at), cell));
        }
    });
    written
}

#[allow(
    clippy::cast_precision_loss,
    reason = "a spreadsheet's numbers are floating: whole ones are exact to nine thousand billions"
)]
fn put(sheet: &mut Worksheet, (row, column): (u32, u16), cell: &Cell) -> Result<(), XlsxError> {
    match cell {
        Cell::None => {}
        Cell::Text(text) => {
            sheet.write_string(row, column, text.as_str())?;
        }
        Cell::Number(number) => {
            sheet.write_number(row, column, *number as f64)?;
        }
    }
    Ok(())
}
