//! The tables as plain data, each after those it refers to: what a copy of an installation consists of. Read from
//! `schema.rs`, which a test holds against the database, so that no table can be forgotten.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

const SCHEMA: &str = include_str!("schema.rs");

/// What a column holds: the types that both engines have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnKind {
    /// A whole number of 64 bits.
    Integer,
    /// Text.
    Text,
    /// Yes or no.
    Boolean,
    /// Bytes.
    Bytes,
    /// A time in UTC, to the microsecond.
    Time,
}

/// A table.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    /// The columns of its primary key.
    pub(crate) key: Vec<&'static str>,
    pub(crate) columns: Vec<(&'static str, ColumnKind)>,
}

/// Every table but diesel's own.
pub(crate) fn all() -> &'static [Table] {
    static ALL: LazyLock<Vec<Table>> =
        LazyLock::new(|| ordered(parsed(SCHEMA), &references(SCHEMA)));
    &ALL
}

fn parsed(schema: &'static str) -> Vec<Table> {
    let mut tables: Vec<Table> = Vec::new();
    for line in schema.lines() {
        if let Some((name, kind)) = line.split_once(" -> ") {
            let (name, indent) = (name.trim_start(), name.len() - name.trim_start().len());
            if let Some(table) = tables.last_mut().filter(|_| indent == 8) {
                table.columns.push((name, kind_of(kind)));
            }
        } else if let Some((name, key)) = line.strip_suffix(") {").and_then(|l| l.split_once(" ("))
        {
            tables.push(Table {
                name: name.trim_start(),
                key: key.split(", ").collect(),
                columns: Vec::new(),
            });
        }
    }
    // The views over a table and its history hold nothing of their own.
    tables.retain(|table| !table.name.ends_with("_all"));
    tables
}

fn kind_of(kind: &str) -> ColumnKind {
    match kind
        .trim_start_matches("Nullable<")
        .trim_end_matches(['>', ','])
    {
        "Int8" => ColumnKind::Integer,
        "Bool" => ColumnKind::Boolean,
        "Bytea" => ColumnKind::Bytes,
        "Timestamp" => ColumnKind::Time,
        _ => ColumnKind::Text,
    }
}

/// Which table refers to which.
fn references(schema: &'static str) -> Vec<(&'static str, &'static str)> {
    let line = |line: &'static str| {
        let (from, to) = line
            .strip_prefix("diesel::joinable!(")?
            .split_once(" -> ")?;
        Some((from, to.split_once(' ')?.0))
    };
    schema.lines().filter_map(line).collect()
}

fn ordered(mut rest: Vec<Table>, references: &[(&str, &str)]) -> Vec<Table> {
    let mut done: Vec<Table> = Vec::new();
    let mut names: BTreeSet<&str> = BTreeSet::new();
    while !rest.is_empty() {
        let (ready, waiting): (Vec<Table>, Vec<Table>) = rest.into_iter().partition(|table| {
            let mut needed = references.iter().filter(|(from, _)| *from == table.name);
            needed.all(|(_, to)| names.contains(to))
        });
        if ready.is_empty() {
            done.extend(waiting);
            break;
        }
        names.extend(ready.iter().map(|table| table.name));
        done.extend(ready);
        rest = waiting;
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_is_there_with_key_and_columns() {
        let whole = SCHEMA.matches("diesel::table! {").count();
        let views = SCHEMA.matches("_all (").count();
        assert_eq!(all().len() + views, whole);
        for table in all() {
            assert!(table.columns.len() > 1, "{}", table.name);
            for key in &table.key {
                assert!(table.columns.iter().any(|(name, _)| name == key), "{key}");
            }
        }
        let known = ["Int8", "Text", "Bool", "Bytea", "Timestamp"];
        for (_, kind) in SCHEMA.lines().filter_map(|line| line.split_once(" -> ")) {
            let kind = kind
                .trim_start_matches("Nullable<")
                .trim_end_matches(['>', ',']);
            assert!(known.contains(&kind) || kind.ends_with(");"), "{kind}");
        }
    }

    #[test]
    fn what_is_referred_to_comes_first() {
        let place = |name: &str| all().iter().position(|t| t.name == name).unwrap();
        assert!(!references(SCHEMA).is_empty());
        for (from, to) in references(SCHEMA) {
            assert!(place(to) < place(from), "{from} refers to {to}");
        }
    }
}
