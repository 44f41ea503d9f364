//! A row's values as CSV and as a line of JSON.

use serde_json::Value;

use crate::csv;
use crate::i18n::format;

/// A row: names and values, in the order of the columns.
pub(in crate::web) type Cells = Vec<(&'static str, Value)>;

/// As what a file is taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::web) enum Format {
    /// For spreadsheets.
    Csv,
    /// For programs.
    Jsonl,
}

impl Format {
    /// The format of a name in an address; CSV where it names none.
    pub(in crate::web) fn parse(text: &str) -> Self {
        if text == "jsonl" {
            Self::Jsonl
        } else {
            Self::Csv
        }
    }

    /// The ending of a file's name.
    pub(in crate::web) const fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
        }
    }

    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Jsonl => "application/x-ndjson; charset=utf-8",
        }
    }

    /// What stands before the rows. Spreadsheets take a file for UTF-8 by its mark alone.
    pub(super) fn head(self, names: &[&'static str]) -> String {
        match self {
            Self::Csv => format!("\u{feff}{}\r\n", names.join(",")),
            Self::Jsonl => String::new(),
        }
    }

    pub(super) fn rows(self, rows: &[Cells]) -> String {
        let mut out = String::with_capacity(rows.len() * 400);
        for row in rows {
            match self {
                Self::Csv => csv_row(row, &mut out),
                Self::Jsonl => json_row(row, &mut out),
            }
        }
        out
    }
}

/// A moment as files give it, nothing for one that has not come.
pub(in crate::web) fn moment(epoch_ms: i64) -> Value {
    if epoch_ms == 0 {
        Value::Null
    } else {
        Value::from(format::machine_time(epoch_ms))
    }
}

fn csv_row(row: &Cells, out: &mut String) {
    for (n, (_, value)) in row.iter().enumerate() {
        if n > 0 {
            out.push(',');
        }
        match value {
            Value::Null => {}
            Value::String(text) => csv::cell(text, out),
            // Numbers and truth values hold nothing to be quoted.
            other => out.push_str(&other.to_string()),
        }
    }
    out.push_str("\r\n");
}

fn json_row(row: &Cells, out: &mut String) {
    out.push('{');
    for (n, (name, value)) in row.iter().enumerate() {
        if n > 0 {
            out.push(',');
        }
        out.push('"');
        out.push_str(name);
        out.push_str("\":");
        out.push_str(&value.to_string());
    }
    out.push_str("}\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted_where_they_must_be() {
        let row: Cells = vec![
            ("a", Value::from("plain")),
            ("b", Value::from("a \"b\", c\nd")),
            ("c", Value::Null),
            ("d", Value::from(-5)),
            ("e", Value::from(true)),
        ];
        let rows = [row];
        assert_eq!(
            Format::Csv.rows(&rows),
            "plain,\"a \"\"b\"\", c\nd\",,-5,true\r\n"
        );
        assert_eq!(
            Format::Jsonl.rows(&rows),
            "{\"a\":\"plain\",\"b\":\"a \\\"b\\\", c\\nd\",\"c\":null,\"d\":-5,\"e\":true}\n"
        );
        assert_eq!(Format::Csv.head(&["a", "b"]), "\u{feff}a,b\r\n");
        assert_eq!(Format::Jsonl.head(&["a"]), "");
    }
}
