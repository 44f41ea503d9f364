//! Moves the journal's records into the database: rows, attempts, roll-ups, budgets, last uses and the journal's
//! position in the caller's one transaction.
//!
//! Nothing is counted twice, whatever is replayed: the position only moves forward from where the batch begins, and
//! the roll-ups count only rows that this very call brought to an end.

pub mod durations;
mod kept;
#[cfg(test)]
mod orphan_tests;
mod orphans;
pub mod reconcile;
mod rollups;
mod row;
mod rows;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use chrono_tz::Tz;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use modelgate_domain::period::BudgetSum;
use modelgate_domain::{AttemptRecord, RequestId, RequestRecord};

use crate::budgets::{self, Cost};
use crate::conn::db;
use crate::schema::{api_keys, journal_positions};
use crate::{Conn, StoreError};
use rollups::{Counted, Rollups};

pub use orphans::{ORPHAN_MS, end_lost, expire, held};

/// Records of one journal, in the order they were written.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// The journal's name.
    pub instance: String,
    /// Where the batch begins and ends in each segment it touches.
    pub positions: Vec<Position>,
    /// The records.
    pub entries: Vec<Entry>,
}

/// A stretch of one segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The segment.
    pub segment: u64,
    /// Where the batch begins.
    pub from: u64,
    /// Where it ends.
    pub to: u64,
}

/// One record.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// A vendor is about to be called.
    Started(Arc<RequestRecord>),
    /// The request ended; its vendor calls where there was more than one.
    Ended(Arc<RequestRecord>, Vec<AttemptRecord>),
    /// More refusals like the one recorded as `of`.
    Again {
        /// The row that counts them.
        of: RequestId,
        /// How many.
        count: i64,
    },
}

/// What became of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is in the database; `ended` requests came to their end by it.
    Applied {
        /// How many rows became terminal.
        ended: usize,
        /// What is spent now of the budgets that they count in.
        budgets: Vec<BudgetSum>,
    },
    /// Part of it is in the database already; nothing was written. Holds where each segment stands.
    Stale(Vec<(u64, u64)>),
}

/// Writes a batch. Budgets and the sums of days follow the calendar of `zone`. Call it through [`crate::Db::write`].
pub async fn apply(c: &mut Conn, batch: &Batch, zone: Tz) -> Result<Outcome, StoreError> {
    if behind(c, batch).await? {
        return Ok(Outcome::Stale(positions(c, &batch.instance).await?));
    }
    for position in &batch.positions {
        advance(c, &batch.instance, position).await?;
    }
    let counted = rows::write(c, &batch.entries).await?;
    let ended = counted.iter().filter(|row| !row.repeated).count();
    let mut rollups = Rollups::default();
    for row in &counted {
        rollups.add(row);
    }
    let last_uses = rollups.last_uses();
    rollups.write(c, zone).await?;
    for (key, used_ms) in last_uses {
        touch(c, key, used_ms).await?;
    }
    let costs: Vec<Cost> = counted.iter().filter_map(Counted::cost).collect();
    let budgets = budgets::add(c, &costs, zone).await?;
    Ok(Outcome::Applied { ended, budgets })
}

/// Where each segment of a journal stands.
pub async fn positions(c: &mut Conn, instance: &str) -> Result<Vec<(u64, u64)>, StoreError> {
    let rows: Vec<(String, i64)> = db!(c, |c| journal_positions::table
        .filter(journal_positions::instance.eq(instance))
        .select((journal_positions::segment, journal_positions::offset))
        .load(c)
        .await)?;
    let read = |(segment, offset): (String, i64)| {
        Some((segment.parse().ok()?, u64::try_from(offset).ok()?))
    };
    Ok(rows.into_iter().filter_map(read).collect())
}

/// Forgets where deleted segments stood.
pub async fn forget(c: &mut Conn, instance: &str, segments: &[u64]) -> Result<(), StoreError> {
    let names: Vec<String> = segments.iter().map(u64::to_string).collect();
    db!(c, |c| diesel::delete(
        journal_positions::table
            .filter(journal_positions::instance.eq(instance))
            .filter(journal_positions::segment.eq_any(&names))
    )
    .execute(c)
    .await)?;
    Ok(())
}

/// Forgets a journal that is no more.
pub async fn forget_all(c: &mut Conn, instance: &str) -> Result<(), StoreError> {
    db!(c, |c| diesel::delete(
        journal_positions::table.filter(journal_positions::instance.eq(instance))
    )
    .execute(c)
    .await)?;
    Ok(())
}

/// Whether a segment stands further than the batch believes: a commit whose answer was lost.
async fn behind(c: &mut Conn, batch: &Batch) -> Result<bool, StoreError> {
    // Waits for a transaction of the same journal that is still running on another connection.
    if let crate::conn::Inner::Pg(pg) = &mut c.0 {
        diesel::sql_query("select pg_advisory_xact_lock(hashtext($1))")
            .bind::<diesel::sql_types::Text, _>(&batch.instance)
            .execute(&mut **pg)
            .await?;
    }
    let stands = positions(c, &batch.instance).await?;
    Ok(batch.positions.iter().any(|wanted| {
        stands
            .iter()
            .any(|(segment, offset)| *segment == wanted.segment && *offset > wanted.from)
    }))
}

async fn advance(c: &mut Conn, instance: &str, position: &Position) -> Result<(), StoreError> {
    let offset = i64::try_from(position.to).unwrap_or(i64::MAX);
    db!(c, |c| diesel::insert_into(journal_positions::table)
        .values((
            journal_positions::instance.eq(instance),
            journal_positions::segment.eq(position.segment.to_string()),
            journal_positions::offset.eq(offset),
        ))
        .on_conflict((journal_positions::instance, journal_positions::segment))
        .do_update()
        .set(journal_positions::offset.eq(offset))
        .execute(c)
        .await)?;
    Ok(())
}

async fn touch(c: &mut Conn, key: i64, used_ms: i64) -> Result<(), StoreError> {
    let Some(used_at) = chrono::DateTime::from_timestamp_millis(used_ms) else {
        return Ok(());
    };
    let used_at = used_at.naive_utc();
    let older = api_keys::last_used_at
        .is_null()
        .or(api_keys::last_used_at.lt(used_at));
    db!(c, |c| diesel::update(
        api_keys::table.filter(api_keys::id.eq(key)).filter(older)
    )
    .set(api_keys::last_used_at.eq(used_at))
    .execute(c)
    .await)?;
    Ok(())
}
