//! The one place that prints.

use std::fmt::Display;
use std::io::{self, Write};

use serde::Serialize;

use super::CliError;

/// Standard output, for people or for programs.
pub(super) struct Output {
    out: Box<dyn Write + Send>,
    json: bool,
}

impl Output {
    /// Standard output.
    pub(super) fn stdout(json: bool) -> Self {
        Self {
            out: Box::new(io::stdout()),
            json,
        }
    }

    /// Whether a program reads this.
    pub(super) fn is_json(&self) -> bool {
        self.json
    }

    /// A line for people; programs do not get it.
    pub(super) fn say(&mut self, text: impl Display) -> Result<(), CliError> {
        if !self.json {
            writeln!(self.out, "{text}")?;
        }
        Ok(())
    }

    /// One JSON document in one line, for programs; people do not get it.
    pub(super) fn json(&mut self, value: &impl Serialize) -> Result<(), CliError> {
        if self.json {
            let text = serde_json::to_string(value)?;
            writeln!(self.out, "{text}")?;
            self.out.flush()?;
        }
        Ok(())
    }

    /// Text as it stands, whoever reads it.
    pub(super) fn raw(&mut self, text: &str) -> Result<(), CliError> {
        self.out.write_all(text.as_bytes())?;
        Ok(self.out.flush()?)
    }

    /// Rows under a heading, in columns as wide as they need to be.
    pub(super) fn table(&mut self, heading: &[&str], rows: &[Vec<String>]) -> Result<(), CliError> {
        let wide = |i: usize| {
            let cells = rows.iter().filter_map(|row| row.get(i).map(|c| width(c)));
            cells.chain(heading.get(i).map(|h| width(h))).max()
        };
        let widths: Vec<usize> = (0..heading.len()).map(|i| wide(i).unwrap_or(0)).collect();
        let heading: Vec<String> = heading.iter().map(|h| (*h).to_owned()).collect();
        for row in std::iter::once(&heading).chain(rows) {
            let mut line = String::new();
            for (cell, wide) in row.iter().zip(&widths) {
                line.push_str(cell);
                line.push_str(&" ".repeat(wide.saturating_sub(width(cell)) + 2));
            }
            self.say(line.trim_end())?;
        }
        Ok(())
    }
}

/// Columns on a terminal: Chinese and other wide characters take two.
fn width(text: &str) -> usize {
    let wide = |c: char| matches!(u32::from(c), 0x1100..=0x115f | 0x2e80..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff | 0xfe30..=0xfe6f | 0xff00..=0xff60 | 0xffe0..=0xffe6 | 0x1f300..=0x1faff);
    text.chars().map(|c| if wide(c) { 2 } else { 1 }).sum()
}

/// One sentence on standard error.
pub(super) fn complain(text: impl Display) {
    // Where nobody can read it, the exit code has to do.
    drop(writeln!(io::stderr(), "modelgate: {text}"));
}

/// A question on standard error, without a line end.
pub(super) fn ask(text: impl Display) -> io::Result<()> {
    let mut err = io::stderr();
    write!(err, "{text}")?;
    err.flush()
}
