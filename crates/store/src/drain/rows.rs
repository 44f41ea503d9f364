//! Writes the rows of `request_logs` and `request_attempts`: inserted while pending, ended once.

use std::collections::BTreeMap;

use diesel::SqliteConnection;
use diesel::dsl::max;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use modelgate_domain::{AttemptRecord, RequestRecord};

use super::Entry;
use super::kept::Kept as _;
use super::rollups::Counted;
use super::row::{AttemptRow, Row, attempt_rows};
use crate::archive;
use crate::budgets::LOCK;
use crate::conn::{Inner, db};
use crate::schema::{request_attempts, request_logs};
use crate::{Conn, StoreError};

/// Rows in one statement on PostgreSQL, which numbers parameters with 16 bits.
const PG_ROWS: usize = 500;

type Ended<'a> = (&'a RequestRecord, &'a [AttemptRecord]);

/// What entries say, by request.
#[derive(Default)]
struct Sorted<'a> {
    started: BTreeMap<i64, &'a RequestRecord>,
    ended: BTreeMap<i64, Ended<'a>>,
    again: BTreeMap<i64, i64>,
}

impl<'a> Sorted<'a> {
    fn of(entries: &'a [Entry]) -> Self {
        let mut sorted = Self::default();
        for entry in entries {
            match entry {
                Entry::Started(record) => {
                    sorted.started.insert(record.id.0, record);
                }
                Entry::Ended(record, attempts) => {
                    let ended = sorted.ended.entry(record.id.0);
                    ended.or_insert((record, attempts));
                }
                Entry::Again { of, count } => *sorted.again.entry(of.0).or_default() += count,
            }
        }
        let Self { started, ended, .. } = &mut sorted;
        started.retain(|id, _| !ended.contains_key(id));
        sorted
    }

    /// The rows that end and those that are pending, numbered from `seq` on.
    fn rows(&self, seq: i64) -> (Vec<Row<'a>>, Vec<Row<'a>>) {
        let mut seq = seq..;
        let mut row = |record| Row::new(record, seq.next().unwrap_or(i64::MAX));
        let ended = self.ended.values().map(|(record, _)| row(record)).collect();
        let pending = self.started.values().map(|record| row(record)).collect();
        (ended, pending)
    }

    fn attempts(&self, id: i64) -> Vec<AttemptRow<'a>> {
        self.ended
            .get(&id)
            .map_or_else(Vec::new, |(_, attempts)| attempt_rows(id, attempts))
    }

    fn counted(&self, ended: &[i64]) -> Vec<Counted> {
        let records = ended.iter().filter_map(|id| self.ended.get(id));
        records.map(|(record, _)| Counted::from(*record)).collect()
    }
}

/// Writes what the entries say; returns what is to be counted.
pub(super) async fn write(c: &mut Conn, entries: &[Entry]) -> Result<Vec<Counted>, StoreError> {
    let seq = next_seq(c).await?;
    let mut counted = match &mut c.0 {
        Inner::Pg(c) => {
            let sorted = Sorted::of(entries);
            let ended = postgres(c, &sorted, seq).await?;
            sorted.counted(&ended)
        }
        Inner::Lite(c) => {
            let entries = entries.to_vec();
            c.spawn_blocking(move |c| {
                let sorted = Sorted::of(&entries);
                let ended = sqlite(c, &sorted, seq)?;
                Ok(sorted.counted(&ended))
            })
            .await?
        }
    };
    for (id, count) in Sorted::of(entries).again {
        counted.extend(repeat(c, id, count).await?);
    }
    Ok(counted)
}

/// The number of the next row in order of arrival. Instances take turns, so that who follows the order misses nothing.
pub(super) async fn next_seq(c: &mut Conn) -> Result<i64, StoreError> {
    c.advisory_lock(LOCK).await?;
    let last: Option<i64> = db!(c, |c| request_logs::table
        .select(max(request_logs::seq))
        .first(c)
        .await)?;
    // A log whose rows have all moved to its history goes on from there.
    let last = match last {
        Some(last) => last,
        None => archive::last_seq(c).await?,
    };
    Ok(last + 1)
}

/// In statements of many rows, since each is a round trip. Returns the requests that ended by it.
///
/// A pending row makes room for its end, so what stands in the way of the insert has ended before. Whoever does the
/// same at once waits for this transaction and then finds the ended row.
async fn postgres(
    c: &mut AsyncPgConnection,
    sorted: &Sorted<'_>,
    seq: i64,
) -> Result<Vec<i64>, StoreError> {
    use request_logs as t;
    let (ending, pending) = sorted.rows(seq);
    for rows in pending.chunks(PG_ROWS) {
        let insert = diesel::insert_into(t::table).values(rows);
        let insert = insert.on_conflict(t::id).do_nothing();
        insert.execute(c).await?;
    }
    let mut ended = Vec::with_capacity(ending.len());
    for rows in ending.chunks(PG_ROWS) {
        let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
        let open = t::table.filter(t::id.eq_any(&ids).and(t::status.eq("pending")));
        diesel::delete(open).execute(c).await?;
        let insert = diesel::insert_into(t::table).values(rows);
        let insert = insert.on_conflict(t::id).do_nothing().returning(t::id);
        ended.extend(insert.get_results::<i64>(c).await?);
    }
    let attempts: Vec<_> = ended.iter().flat_map(|id| sorted.attempts(*id)).collect();
    for rows in attempts.chunks(PG_ROWS) {
        let insert = diesel::insert_into(request_attempts::table).values(rows);
        let same = (request_attempts::request_id, request_attempts::number);
        insert.on_conflict(same).do_nothing().execute(c).await?;
    }
    Ok(ended)
}

/// Row by row, by statements that are prepared once: there is no round trip to save, and a statement of many rows
/// would be compiled anew for each batch. Returns the requests that ended by it.
fn sqlite(c: &mut SqliteConnection, sorted: &Sorted<'_>, seq: i64) -> QueryResult<Vec<i64>> {
    let (ending, pending) = sorted.rows(seq);
    for row in &pending {
        row.insert(c)?;
    }
    let mut ended = Vec::with_capacity(ending.len());
    for row in &ending {
        // A pending row makes room for its end; one that has ended does not.
        let inserted = row.insert(c)? || (delete_pending(c, row.id)? && row.insert(c)?);
        if !inserted {
            continue;
        }
        ended.push(row.id);
        for attempt in sorted.attempts(row.id) {
            attempt.insert(c)?;
        }
    }
    Ok(ended)
}

fn delete_pending(c: &mut SqliteConnection, id: i64) -> QueryResult<bool> {
    use request_logs as t;
    let pending = t::table.filter(t::id.eq(id).and(t::status.eq("pending")));
    let deleted = diesel::RunQueryDsl::execute(diesel::delete(pending), c)?;
    Ok(deleted == 1)
}

/// Raises the `repeats` of a refusal; nothing is counted where its row is gone.
async fn repeat(c: &mut Conn, id: i64, count: i64) -> Result<Option<Counted>, StoreError> {
    use request_logs as t;
    type Dimensions = (i64, i64, i64, i64, i64, String, String);
    let row: Option<Dimensions> = db!(c, |c| diesel::update(t::table.filter(t::id.eq(id)))
        .set(t::repeats.eq(t::repeats + count))
        .returning((
            t::started_ms,
            t::api_key_id,
            t::model_id,
            t::provider_id,
            t::provider_key_id,
            t::status,
            t::fault_owner,
        ))
        .get_result(c)
        .await
        .optional())?;
    Ok(row.map(
        |(started_ms, key, model, provider, credential, status, owner)| Counted {
            started_ms,
            api_key_id: key,
            model_id: model,
            provider_id: provider,
            provider_key_id: credential,
            status: status.parse().unwrap_or_default(),
            fault_owner: owner.parse().unwrap_or_default(),
            count,
            repeated: true,
            ..Counted::default()
        },
    ))
}
