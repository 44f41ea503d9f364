//! Reading TOML field by field, so that every error names file, line and field and says what is right.
//!
//! No error shows a value or a source line: either may be a secret.

use std::borrow::Cow;
use std::fmt;
use std::ops::{Range, RangeInclusive};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::config::nearest;

/// Where something stands in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file's name as the operator gave it; empty for an argument of the command line.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// As in `providers[0].keys[1].weight`; empty for the file as a whole.
    pub field: String,
}

impl Place {
    /// An error at this place.
    pub(super) fn problem(&self, right: impl Into<String>) -> Problem {
        Problem {
            place: self.clone(),
            right: right.into(),
        }
    }
}

/// What is wrong with a file: where, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Problem {
    /// Where.
    pub place: Place,
    /// What would be right.
    pub right: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { file, line, field } = &self.place;
        if file.is_empty() {
            return write!(f, "{field}: {}", self.right);
        }
        let colon = if field.is_empty() { "" } else { ": " };
        write!(f, "{file}:{line}: {field}{colon}{}", self.right)
    }
}

/// A value with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Placed<T> {
    /// The value.
    pub(super) value: T,
    /// Where it stands.
    pub(super) place: Place,
}

/// A file's name and text.
#[derive(Clone, Copy)]
pub struct Document<'a> {
    /// As the operator gave it.
    pub name: &'a str,
    /// The TOML.
    pub text: &'a str,
}

impl Document<'_> {
    fn place(&self, span: &Range<usize>, field: &str) -> Place {
        let before = self.text.as_bytes().iter().take(span.start);
        Place {
            file: self.name.to_owned(),
            line: 1 + before.filter(|b| **b == b'\n').count(),
            field: field.to_owned(),
        }
    }

    /// Parses the text and hands its root table, whose fields are `known`, to `read`.
    pub(super) fn read<R>(
        self,
        known: &'static [&'static str],
        read: impl FnOnce(&Table<'_>) -> Result<R, Problem>,
    ) -> Result<R, Problem> {
        let root = DeTable::parse(self.text).map_err(|e| {
            let place = self.place(&e.span().unwrap_or(0..0), "");
            place.problem(format!("not valid TOML: {}", e.message()))
        })?;
        read(&Table::new(
            self,
            String::new(),
            root.span(),
            root.get_ref(),
            known,
        )?)
    }
}

/// One table of a file. Every field that is not known was refused when it was made.
pub(super) struct Table<'t> {
    document: Document<'t>,
    path: String,
    span: Range<usize>,
    entries: &'t DeTable<'t>,
    known: &'static [&'static str],
}

type Field<'t> = (&'t Spanned<DeValue<'t>>, Place);

impl<'t> Table<'t> {
    fn new(
        document: Document<'t>,
        path: String,
        span: Range<usize>,
        entries: &'t DeTable<'t>,
        known: &'static [&'static str],
    ) -> Result<Self, Problem> {
        let table = Self {
            document,
            path,
            span,
            entries,
            known,
        };
        for key in table.entries.keys() {
            let name: &str = key.get_ref();
            if !known.contains(&name) {
                let place = document.place(&key.span(), &table.path_of(name));
                let hint = nearest(name, known.iter().copied());
                return Err(place.problem(match hint {
                    Some(hint) => format!("unknown field; did you mean {hint}?"),
                    None => format!("unknown field; known here: {}", known.join(", ")),
                }));
            }
        }
        Ok(table)
    }

    /// The table itself.
    pub(super) fn place(&self) -> Place {
        self.document.place(&self.span, &self.path)
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    fn find(&self, key: &str) -> Option<Field<'t>> {
        let value = self.entries.get(key)?;
        let place = self.document.place(&value.span(), &self.path_of(key));
        Some((value, place))
    }

    /// The error for a field that has to be there.
    pub(super) fn missing(&self, key: &str, right: &str) -> Problem {
        self.document
            .place(&self.span, &self.path_of(key))
            .problem(format!("missing: {right}"))
    }

    /// Whether the field may be here at all.
    pub(super) fn knows(&self, key: &str) -> bool {
        self.known.contains(&key)
    }

    /// Whether the field is here.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// A text.
    pub(super) fn text(&self, key: &str) -> Result<Option<Placed<String>>, Problem> {
        let Some((value, place)) = self.find(key) else {
            return Ok(None);
        };
        match value.get_ref().as_str() {
            Some(text) => Ok(Some(Placed {
                value: text.to_owned(),
                place,
            })),
            None => Err(place.problem("must be text in quotes")),
        }
    }

    /// A text that has to be there.
    pub(super) fn required(&self, key: &str, right: &str) -> Result<Placed<String>, Problem> {
        self.text(key)?.ok_or_else(|| self.missing(key, right))
    }

    /// A whole number within bounds.
    pub(super) fn integer(
        &self,
        key: &str,
        bounds: RangeInclusive<i64>,
    ) -> Result<Option<i64>, Problem> {
        let Some((value, place)) = self.find(key) else {
            return Ok(None);
        };
        value
            .get_ref()
            .as_integer()
            .and_then(|n| i64::from_str_radix(n.as_str(), n.radix()).ok())
            .filter(|n| bounds.contains(n))
            .map(Some)
            .ok_or_else(|| {
                let (from, to) = (bounds.start(), bounds.end());
                place.problem(format!("must be a whole number from {from} to {to}"))
            })
    }

    /// `true` or `false`.
    pub(super) fn boolean(&self, key: &str) -> Result<Option<bool>, Problem> {
        let Some((value, place)) = self.find(key) else {
            return Ok(None);
        };
        let value = value.get_ref().as_bool();
        value
            .map(Some)
            .ok_or_else(|| place.problem("must be true or false"))
    }

    /// A list of texts.
    pub(super) fn texts(&self, key: &str) -> Result<Option<Vec<Placed<String>>>, Problem> {
        let Some((value, place)) = self.find(key) else {
            return Ok(None);
        };
        let wrong = |place: &Place| place.problem("must be a list of texts, as in [\"a\", \"b\"]");
        let list = value.get_ref().as_array().ok_or_else(|| wrong(&place))?;
        let items = list.iter().enumerate().map(|(i, item)| {
            let path = format!("{}[{i}]", place.field);
            let place = self.document.place(&item.span(), &path);
            match item.get_ref().as_str() {
                Some(text) => Ok(Placed {
                    value: text.to_owned(),
                    place,
                }),
                None => Err(wrong(&place)),
            }
        });
        items.collect::<Result<_, _>>().map(Some)
    }

    /// Where a list holds both texts and something else.
    pub(super) fn mixed(&self, key: &str) -> Option<Place> {
        let (value, place) = self.find(key)?;
        let list = value.get_ref().as_array()?;
        let texts = list.iter().filter(|item| item.get_ref().as_str().is_some());
        (1..list.len()).contains(&texts.count()).then_some(place)
    }

    /// A list of tables: `[[key]]`, or `key = [ { … } ]`.
    pub(super) fn tables(
        &self,
        key: &str,
        known: &'static [&'static str],
    ) -> Result<Option<Vec<Table<'t>>>, Problem> {
        let Some((value, place)) = self.find(key) else {
            return Ok(None);
        };
        let shape: Cow<'_, str> = if self.path.is_empty() {
            format!("must be tables, each beginning with [[{key}]]").into()
        } else {
            "must be a list of tables, as in [ { … }, { … } ]".into()
        };
        let list = value.get_ref().as_array();
        let list = list.ok_or_else(|| place.problem(shape.clone()))?;
        let tables = list.iter().enumerate().map(|(i, item)| {
            let path = format!("{}[{i}]", place.field);
            match item.get_ref().as_table() {
                Some(t) => Table::new(self.document, path, item.span(), t, known),
                None => Err(self
                    .document
                    .place(&item.span(), &path)
                    .problem(shape.clone())),
            }
        });
        tables.collect::<Result<_, _>>().map(Some)
    }

    /// A list of whole numbers.
    pub(super) fn integers(&self, key: &str) -> Result<Option<Vec<i64>>, Problem> {
        let Some((value, place)) = self.find(key) else {
            return Ok(None);
        };
        let number = |item: &Spanned<DeValue<'_>>| {
            let n = item.get_ref().as_integer()?;
            i64::from_str_radix(n.as_str(), n.radix()).ok()
        };
        let list = value.get_ref().as_array();
        list.and_then(|list| list.iter().map(number).collect())
            .map(Some)
            .ok_or_else(|| place.problem("must be a list of whole numbers, as in [6, 7]"))
    }

    /// A single table, or a list of such tables.
    pub(super) fn table_or_tables(
        &self,
        key: &str,
        known: &'static [&'static str],
    ) -> Result<Option<Vec<Table<'t>>>, Problem> {
        match self.find(key) {
            Some((value, _)) if value.get_ref().is_array() => self.tables(key, known),
            _ => Ok(self.table(key, known)?.map(|table| vec![table])),
        }
    }

    /// A single table: `key = { … }`.
    pub(super) fn table(
        &self,
        key: &str,
        known: &'static [&'static str],
    ) -> Result<Option<Table<'t>>, Problem> {
        let Some((value, place)) = self.find(key) else {
            return Ok(None);
        };
        match value.get_ref().as_table() {
            Some(t) => Table::new(self.document, place.field, value.span(), t, known).map(Some),
            None => Err(place.problem("must be a table, as in { … }")),
        }
    }
}
