//! Moves an installation from one engine to the other, table by table. How far it is stands in the target, written with
//! the rows themselves, so that a transfer that was killed goes on where it was.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel_async::RunQueryDsl;
use serde_json::Value as Json;

use crate::conn::db;
use crate::contents::{Contents, Value, quoted};
use crate::copies::there;
use crate::tables::{self, ColumnKind, Table};
use crate::{Conn, Db, Engine, StoreError, archive, instances, secrets_check};

/// Where the target keeps how far the transfer is; gone once it is done.
const STATE: &str = "__transfer";
/// The row of it that says which installation this is.
const SOURCE: &str = "!source";
/// Rows in one transaction.
const ROWS: usize = 500;
/// Of tables whose rows may be large: those with bytes, and whole texts.
const LARGE_ROWS: usize = 4;
/// Tables that a new schema has rows in.
const SEEDED: [&str; 1] = ["error_rules"];

/// Why nothing moves.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// Both are of one engine.
    #[error(
        "both databases are {0}: a transfer goes from one engine to the other; `modelgate backup` and `restore` move within one"
    )]
    SameEngine(Engine),
    /// The source lacks migrations.
    #[error("the source is older than this program: run `modelgate migrate` on it first")]
    OldSource,
    /// A gateway is at work on one of them.
    #[error(
        "a gateway serves the {0}: stop it first (one that was killed counts as running for a minute)"
    )]
    Running(&'static str),
    /// The target holds something else.
    #[error(
        "the target holds rows that are not from this transfer, in {0}: give an empty database"
    )]
    NotEmpty(String),
    /// The target is half of another transfer.
    #[error("the target holds a part of another installation's transfer: give an empty database")]
    OtherSource,
    /// What arrived is not what was sent.
    #[error(
        "the two databases differ in {0}: something wrote to one of them meanwhile; begin again with an empty database"
    )]
    Differs(String),
    /// A database error.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A transfer whose two ends have been looked at.
pub struct Transfer {
    from: Db,
    to: Db,
}

/// How far a table is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Place {
    /// The key of the last row that has arrived, as JSON; empty before the first.
    cursor: String,
    rows: i64,
}

#[derive(QueryableByName)]
struct PlaceRow {
    #[diesel(sql_type = Text)]
    cursor: String,
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

/// Looks at both ends without changing either: which tables there are to move, with what they hold.
pub async fn survey(from: &Db, to: &Db, now_ms: i64) -> Result<Contents, TransferError> {
    if from.engine() == to.engine() {
        return Err(TransferError::SameEngine(from.engine()));
    }
    if from.migrations().await?.iter().any(|m| !m.applied) {
        return Err(TransferError::OldSource);
    }
    to.migrations().await?;
    for (db, which) in [(from, "source"), (to, "target")] {
        let living = db.read(move |c| {
            Box::pin(async move {
                if there(c, "instances").await? {
                    instances::living(c, now_ms).await
                } else {
                    Ok(Vec::new())
                }
            })
        });
        if !living.await?.is_empty() {
            return Err(TransferError::Running(which));
        }
    }
    let source = source_of(from).await?;
    let known = to.read(move |c| Box::pin(check_target(c, source)));
    known.await?;
    Ok(from.contents().await?)
}

/// By which an installation is known.
async fn source_of(from: &Db) -> Result<String, StoreError> {
    let check = from.read(|c| Box::pin(secrets_check::find(c)));
    Ok(check.await?.unwrap_or_else(|| "without a key".to_owned()))
}

/// Whether the target is a part of this transfer already; refuses one with anything else in it.
async fn check_target(c: &mut Conn, source: String) -> Result<bool, TransferError> {
    if there(c, STATE).await? {
        let known = place(c, SOURCE).await?;
        return if known.cursor == source {
            Ok(true)
        } else {
            Err(TransferError::OtherSource)
        };
    }
    for table in tables::all() {
        if SEEDED.contains(&table.name) || !there(c, table.name).await? {
            continue;
        }
        let some = format!("select 'x' as value from {} limit 1", quoted(table.name)?);
        let found: Option<Value> = db!(c, |c| diesel::sql_query(some)
            .get_result(c)
            .await
            .optional())
        .map_err(StoreError::from)?;
        if found.is_some() {
            return Err(TransferError::NotEmpty(table.name.to_owned()));
        }
    }
    Ok(false)
}

async fn place(c: &mut Conn, table: &str) -> Result<Place, StoreError> {
    let query = format!("select cursor, rows from {STATE} where name = '{table}'");
    let found: Option<PlaceRow> = db!(c, |c| diesel::sql_query(query)
        .get_result(c)
        .await
        .optional())?;
    Ok(found.map_or_else(Place::default, |row| Place {
        cursor: row.cursor,
        rows: row.rows,
    }))
}

async fn run(c: &mut Conn, statement: String) -> Result<usize, StoreError> {
    Ok(db!(c, |c| diesel::sql_query(statement).execute(c).await)?)
}

async fn keep(c: &mut Conn, table: &str, place: &Place) -> Result<(), StoreError> {
    let statement = format!(
        "insert into {STATE} (name, cursor, rows) values ('{table}', '{}', {}) \
         on conflict (name) do update set cursor = excluded.cursor, rows = excluded.rows",
        place.cursor.replace('\'', "''"),
        place.rows
    );
    run(c, statement).await.map(drop)
}

impl Transfer {
    /// Looks at both ends and makes the target ready: its schema, and the note of which transfer this is.
    pub async fn begin(from: Db, to: Db, now_ms: i64) -> Result<(Self, Contents), TransferError> {
        let contents = survey(&from, &to, now_ms).await?;
        to.migrate().await?;
        let source = source_of(&from).await?;
        to.write(move |c| {
            Box::pin(async move {
                if check_target(c, source.clone()).await? {
                    return Ok(());
                }
                let make = format!(
                    "create table {STATE} (name text primary key, cursor text not null, rows bigint not null)"
                );
                run(c, make).await?;
                for table in SEEDED {
                    run(c, format!("delete from {table}")).await?;
                }
                let mark = Place {
                    cursor: source,
                    rows: 0,
                };
                keep(c, SOURCE, &mark).await?;
                Ok::<_, TransferError>(())
            })
        })
        .await?;
        Ok((Self { from, to }, contents))
    }

    /// Moves what is left; tells `told` the table and how many of its rows have arrived, after each piece.
    pub async fn run(&self, mut told: impl FnMut(&str, i64)) -> Result<(), TransferError> {
        for table in tables::all() {
            let mut place = self
                .to
                .read(move |c| Box::pin(place(c, table.name)))
                .await?;
            loop {
                let cursor = place.cursor.clone();
                let rows = self
                    .from
                    .read(move |c| Box::pin(read(c, table, cursor)))
                    .await?;
                let Some(last) = rows.last() else { break };
                let next = Place {
                    cursor: key_of(table, last)?,
                    rows: place.rows + i64::try_from(rows.len()).unwrap_or(i64::MAX),
                };
                let kept = next.clone();
                self.to
                    .write(move |c| {
                        Box::pin(async move {
                            insert(c, table, &rows).await?;
                            keep(c, table.name, &kept).await
                        })
                    })
                    .await?;
                place = next;
                told(table.name, place.rows);
            }
        }
        Ok(())
    }

    /// Holds both ends against each other, sets the numbers of new rows right, and removes the note of the transfer.
    pub async fn finish(self) -> Result<Contents, TransferError> {
        let (sent, arrived) = (self.from.contents().await?, self.to.contents().await?);
        let differing = sent.differing(&arrived);
        if !differing.is_empty() {
            return Err(TransferError::Differs(differing.join(", ")));
        }
        self.to
            .write(|c| {
                Box::pin(async move {
                    let numbered = tables::all().iter().filter(|table| table.key == ["id"]);
                    for table in numbered.filter(|_| c.is_postgres()).collect::<Vec<_>>() {
                        let name = table.name;
                        let next = format!(
                            "select setval(pg_get_serial_sequence('{name}', 'id'), last) from \
                             (select max(id) as last from {name}) as newest \
                             where last is not null and pg_get_serial_sequence('{name}', 'id') is not null"
                        );
                        run(c, next).await?;
                    }
                    run(c, format!("drop table {STATE}")).await
                })
            })
            .await?;
        Ok(arrived)
    }
}

/// The next rows after the cursor, each a JSON list of its columns.
async fn read(
    c: &mut Conn,
    table: &'static Table,
    cursor: String,
) -> Result<Vec<String>, StoreError> {
    let postgres = c.is_postgres();
    let mut columns = Vec::new();
    for (name, kind) in &table.columns {
        columns.push(sent(&quoted(name)?, *kind, postgres));
    }
    let columns = columns.join(", ");
    let row = if postgres {
        format!("json_build_array({columns})::text")
    } else {
        format!("json_array({columns})")
    };
    let key = table
        .key
        .iter()
        .map(|name| quoted(name))
        .collect::<Result<Vec<_>, _>>()?;
    let key = key.join(", ");
    let after = if cursor.is_empty() {
        String::new()
    } else {
        format!("where ({key}) > ({})", literals(&cursor)?)
    };
    let is_large = |(_, kind): &(&str, ColumnKind)| *kind == ColumnKind::Bytes;
    let limit = if table.name == "documents" || table.columns.iter().any(is_large) {
        LARGE_ROWS
    } else {
        ROWS
    };
    let query = format!(
        "select {row} as value from {} {after} order by {key} limit {limit}",
        quoted(table.name)?
    );
    let rows: Vec<Value> = db!(c, |c| diesel::sql_query(query).load(c).await)?;
    Ok(rows.into_iter().map(|row| row.value).collect())
}

/// How a column goes into JSON. Times are as diesel writes them into SQLite: a space, and 0, 3 or 6 digits of a second.
fn sent(name: &str, kind: ColumnKind, postgres: bool) -> String {
    match (kind, postgres) {
        (ColumnKind::Bytes, true) => format!("encode({name}, 'hex')"),
        (ColumnKind::Bytes, false) => {
            format!("case when {name} is null then null else hex({name}) end")
        }
        (ColumnKind::Time, true) => {
            let shown = |digits: &str| format!("to_char({name}, 'YYYY-MM-DD HH24:MI:SS{digits}')");
            let micros = format!("extract(microseconds from {name})::bigint");
            format!(
                "case when {micros} % 1000000 = 0 then {} when {micros} % 1000 = 0 then {} else {} end",
                shown(""),
                shown(".MS"),
                shown(".US")
            )
        }
        _ => name.to_owned(),
    }
}

/// The key of a row as JSON.
fn key_of(table: &Table, row: &str) -> Result<String, StoreError> {
    let values: Vec<Json> = serde_json::from_str(row).map_err(|error| corrupt(&error))?;
    let place = |key: &&str| table.columns.iter().position(|(name, _)| name == key);
    let key: Option<Vec<&Json>> = table
        .key
        .iter()
        .map(|key| values.get(place(key)?))
        .collect();
    serde_json::to_string(&key.unwrap_or_default()).map_err(|error| corrupt(&error))
}

fn corrupt(error: &serde_json::Error) -> StoreError {
    StoreError::Corrupt(error.to_string())
}

/// A key as it stands in a query.
fn literals(cursor: &str) -> Result<String, StoreError> {
    let values: Vec<Json> = serde_json::from_str(cursor).map_err(|error| corrupt(&error))?;
    let literal = |value: &Json| match value {
        Json::String(text) => format!("'{}'", text.replace('\'', "''")),
        other => other.to_string(),
    };
    Ok(values.iter().map(literal).collect::<Vec<_>>().join(", "))
}

async fn insert(c: &mut Conn, table: &'static Table, rows: &[String]) -> Result<(), StoreError> {
    let postgres = c.is_postgres();
    if postgres && table.name.ends_with("_history") {
        let first = |row: &String| {
            let values: Option<Vec<Json>> = serde_json::from_str(row).ok();
            values.and_then(|values| values.as_slice().first()?.as_i64())
        };
        let ids = rows
            .first()
            .and_then(first)
            .zip(rows.last().and_then(first));
        if let Some((first, last)) = ids {
            archive::make_partitions_of(c, first, last).await?;
        }
    }
    let mut names = Vec::new();
    let mut values = Vec::new();
    for (place, (name, kind)) in table.columns.iter().enumerate() {
        names.push(quoted(name)?);
        values.push(received(place, *kind, postgres));
    }
    let from = if postgres {
        "json_array_elements($1::json) as sent(item)"
    } else {
        "json_each(?) as sent"
    };
    let statement = format!(
        "insert into {} ({}) select {} from {from}",
        quoted(table.name)?,
        names.join(", "),
        values.join(", ")
    );
    let list = format!("[{}]", rows.join(","));
    let written = db!(c, |c| diesel::sql_query(statement)
        .bind::<Text, _>(list)
        .execute(c)
        .await)?;
    if written != rows.len() {
        let why = format!("{}: {written} of {} rows arrived", table.name, rows.len());
        return Err(StoreError::Query(why));
    }
    Ok(())
}

/// How a column comes out of JSON.
fn received(place: usize, kind: ColumnKind, postgres: bool) -> String {
    if postgres {
        let item = format!("(sent.item ->> {place})");
        return match kind {
            ColumnKind::Integer => format!("{item}::bigint"),
            ColumnKind::Text => item,
            ColumnKind::Boolean => format!("{item}::boolean"),
            ColumnKind::Bytes => format!("decode({item}, 'hex')"),
            ColumnKind::Time => format!("{item}::timestamp"),
        };
    }
    let item = format!("json_extract(sent.value, '$[{place}]')");
    match kind {
        ColumnKind::Bytes => format!("unhex({item})"),
        _ => item,
    }
}
