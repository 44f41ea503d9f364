//! How much is in each table, and the sum of each of its columns: by these a copy is proved to be the whole.

use std::path::Path;

use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection as _};
use serde::{Deserialize, Serialize};

use crate::pool::Pools;
use crate::tables::{self, ColumnKind};
use crate::{Db, StoreError};

/// Columns of whole numbers are added up in two parts, which cannot run over.
const PART: i64 = 1_000_000_000;

/// A connection of its own, for work that takes as long as it takes.
pub(crate) const UNBOUNDED: &str =
    "set statement_timeout = 0; set idle_in_transaction_session_timeout = 0";
pub(crate) const SNAPSHOT: &str = "begin isolation level repeatable read read only";

/// What a database holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// Every table.
    pub tables: Vec<TableContents>,
}

/// What a table holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableContents {
    /// Its name.
    pub name: String,
    /// Its columns.
    pub columns: Vec<(String, ColumnKind)>,
    /// The number of rows, then two figures for each column: what its numbers, the lengths of its texts and bytes,
    /// its yeses, or its times that are there come to; numbers in billions and the rest.
    pub figures: Vec<i64>,
}

#[derive(QueryableByName)]
pub(crate) struct Value {
    #[diesel(sql_type = Text)]
    pub(crate) value: String,
}

impl TableContents {
    /// A table whose figures are not known yet.
    fn unread(table: &tables::Table) -> Self {
        let columns = table.columns.iter();
        Self {
            name: table.name.to_owned(),
            columns: columns
                .map(|(name, kind)| ((*name).to_owned(), *kind))
                .collect(),
            figures: Vec::new(),
        }
    }

    /// How many rows.
    pub fn rows(&self) -> i64 {
        self.figures.first().copied().unwrap_or(0)
    }

    /// The sum of a column, where there is one of this name.
    pub fn sum(&self, column: &str) -> Option<i128> {
        let place = self.columns.iter().position(|(name, _)| name == column)?;
        let [high, low] = self.figures.get(1 + 2 * place..3 + 2 * place)? else {
            return None;
        };
        Some(i128::from(*high) * i128::from(PART) + i128::from(*low))
    }

    /// The query of one text with all figures, for either engine; `schema` stands before the table's name.
    pub(crate) fn query(&self, schema: &str) -> Result<String, StoreError> {
        let mut parts = vec!["cast(count(*) as text)".to_owned()];
        for (name, kind) in &self.columns {
            let name = quoted(name)?;
            let (high, low) = match kind {
                ColumnKind::Integer => (
                    format!("coalesce(sum({name} / {PART}), 0)"),
                    format!("coalesce(sum({name} % {PART}), 0)"),
                ),
                ColumnKind::Text | ColumnKind::Bytes => {
                    zero(format!("coalesce(sum(length({name})), 0)"))
                }
                ColumnKind::Boolean => zero(format!("count(case when {name} then 1 end)")),
                ColumnKind::Time => zero(format!("count({name})")),
            };
            parts.push(format!("cast({high} as text)"));
            parts.push(format!("cast({low} as text)"));
        }
        let table = quoted(&self.name)?;
        Ok(format!(
            "select {} as value from {schema}{table}",
            parts.join(" || ',' || ")
        ))
    }

    fn read(&mut self, value: &str) -> Result<(), StoreError> {
        let figures: Result<_, _> = value.split(',').map(str::parse).collect();
        self.figures =
            figures.map_err(|_bad| StoreError::Corrupt(format!("{}: {value}", self.name)))?;
        Ok(())
    }
}

/// What does not run over has no billions.
fn zero(low: String) -> (String, String) {
    ("0".to_owned(), low)
}

/// The name of a table or column in a query. A backup's manifest may come from anywhere.
pub(crate) fn quoted(name: &str) -> Result<String, StoreError> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    if name.is_empty() || !name.bytes().all(plain) {
        return Err(StoreError::Corrupt(format!(
            "{name:?} is no name of a table or column"
        )));
    }
    Ok(format!("\"{name}\""))
}

impl Contents {
    /// The tables of this version, unread.
    fn unread() -> Self {
        let tables = tables::all().iter().map(TableContents::unread);
        Self {
            tables: tables.collect(),
        }
    }

    /// A table by its name.
    pub fn table(&self, name: &str) -> Option<&TableContents> {
        self.tables.iter().find(|table| table.name == name)
    }

    /// The names of the tables that are not the same in `other`.
    pub fn differing(&self, other: &Self) -> Vec<String> {
        let differs = |table: &&TableContents| other.table(&table.name) != Some(table);
        let mut names: Vec<String> = self
            .tables
            .iter()
            .filter(differs)
            .map(|table| table.name.clone())
            .collect();
        let missing = other
            .tables
            .iter()
            .filter(|table| self.table(&table.name).is_none());
        names.extend(missing.map(|table| table.name.clone()));
        names
    }

    /// The same tables and columns, read from an open SQLite database.
    pub(crate) fn of_sqlite(
        like: Option<&Self>,
        c: &mut SqliteConnection,
    ) -> Result<Self, StoreError> {
        let mut contents = like.map_or_else(Self::unread, Self::clone);
        for table in &mut contents.tables {
            let found: Value = diesel::sql_query(table.query("")?).get_result(c)?;
            table.read(&found.value)?;
        }
        Ok(contents)
    }

    /// All tables of PostgreSQL, in whatever transaction the connection is in.
    pub(crate) async fn of_postgres(c: &mut AsyncPgConnection) -> Result<Self, StoreError> {
        let mut contents = Self::unread();
        for table in &mut contents.tables {
            let query = diesel::sql_query(table.query("")?);
            let found: Value = diesel_async::RunQueryDsl::get_result(query, c).await?;
            table.read(&found.value)?;
        }
        Ok(contents)
    }
}

/// Opens a SQLite file as it lies there.
pub(crate) fn open_sqlite(path: &Path) -> Result<SqliteConnection, StoreError> {
    let path = if path.is_absolute() {
        path.to_owned()
    } else {
        Path::new(".").join(path)
    };
    let mut c = SqliteConnection::establish(&path.to_string_lossy())?;
    diesel::connection::SimpleConnection::batch_execute(&mut c, "pragma busy_timeout = 5000")?;
    Ok(c)
}

impl Db {
    /// Counts and adds up every table at one moment. Reads everything: minutes, where there is much.
    pub async fn contents(&self) -> Result<Contents, StoreError> {
        match &*self.pools {
            Pools::Lite { target, .. } => {
                let path = target.path().to_owned();
                self.blocking(move || {
                    let mut c = open_sqlite(&path)?;
                    c.transaction(|c| Contents::of_sqlite(None, c))
                })
                .await
            }
            Pools::Pg { target, .. } => {
                let target = target.clone();
                self.spawn(async move {
                    let mut c = target.connect().await?;
                    c.batch_execute(&format!("{UNBOUNDED}; {SNAPSHOT}")).await?;
                    Contents::of_postgres(&mut c).await
                })
                .await
            }
        }
    }

    /// Does blocking work on the database runtime.
    pub(crate) async fn blocking<R: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<R, StoreError> + Send + 'static,
    ) -> Result<R, StoreError> {
        match self.runtime().spawn_blocking(work).await {
            Ok(outcome) => outcome,
            Err(died) => Err(StoreError::Task(died.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::each_engine;

    #[tokio::test(flavor = "multi_thread")]
    async fn sums_are_exact_and_the_same_on_both_engines() {
        each_engine(async |db| {
            let insert = "insert into budget_usage values \
                 ('key', 9223372036854775807, -7, 'USD', 'day', 1, 5), ('user', 9223372036854775807, 0, 'EUR', 'day', 1, 6)";
            db.write(move |c| {
                Box::pin(async move {
                    let insert = diesel::sql_query(insert);
                    crate::conn::db!(c, |c| diesel_async::RunQueryDsl::execute(insert, c).await)?;
                    Ok::<_, StoreError>(())
                })
            })
            .await
            .unwrap();
            let contents = db.contents().await.unwrap();
            let table = contents.table("budget_usage").unwrap();
            assert_eq!(table.rows(), 2);
            assert_eq!(table.sum("scope_id"), Some(2 * i128::from(i64::MAX)));
            assert_eq!(table.sum("model_id"), Some(-7));
            assert_eq!(table.sum("scope"), Some(7));
            assert_eq!(table.sum("nothing"), None);
            let mut other = contents.clone();
            other.tables[0].figures[0] += 1;
            assert_eq!(contents.differing(&other), [contents.tables[0].name.as_str()]);
        })
        .await;
    }

    #[test]
    fn a_name_is_no_query() {
        for bad in ["", "a b", "x\"; drop table users; --", "A"] {
            assert!(quoted(bad).is_err(), "{bad}");
        }
        assert_eq!(quoted("offset").unwrap(), "\"offset\"");
    }
}
