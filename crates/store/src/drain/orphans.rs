//! Pending rows whose instance is gone for good.

use std::collections::HashMap;

use chrono_tz::Tz;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use modelgate_domain::{FaultOwner, Status};

use super::rollups::{Counted, Rollups};
use super::rows::next_seq;
use crate::conn::db;
use crate::instances::{self, Instance};
use crate::schema::request_logs;
use crate::{Conn, StoreError};

/// How long after its last sign of life an instance's requests count as lost. Its journal, should it turn up
/// later, changes them no more.
pub const ORPHAN_MS: i64 = 10 * 60_000;
const PAGE: i64 = 500;

/// What the roll-ups need of a pending row.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = request_logs)]
struct Pending {
    id: i64,
    started_ms: i64,
    api_key_id: i64,
    model_id: i64,
    provider_id: i64,
    provider_key_id: i64,
}

/// Ends pending rows as `instance_died`; returns how many. Sums of days follow the calendar of `zone`. Call it through [`crate::Db::write`].
pub async fn expire(c: &mut Conn, now_ms: i64, zone: Tz) -> Result<usize, StoreError> {
    let before_ms = now_ms.saturating_sub(ORPHAN_MS);
    let holders: HashMap<i64, Instance> = instances::list(c)
        .await?
        .into_iter()
        .map(|row| (row.lease, row))
        .collect();
    let mut lost = Vec::new();
    let mut after = 0;
    loop {
        let page = pending(c, after, before_ms).await?;
        let Some(last) = page.last() else { break };
        after = last.id;
        lost.extend(
            page.into_iter()
                .filter(|row| is_lost(row, &holders, before_ms)),
        );
    }
    let mut rollups = Rollups::default();
    let mut ended = 0;
    for row in lost {
        if end(c, &row, now_ms).await? {
            rollups.add(&row.counted());
            ended += 1;
        }
    }
    rollups.write(c, zone).await?;
    Ok(ended)
}

/// The lease is the nine bits above the sequence of an id.
fn is_lost(row: &Pending, holders: &HashMap<i64, Instance>, before_ms: i64) -> bool {
    let lease = (row.id >> 12) & 511;
    holders.get(&lease).is_none_or(|holder| {
        holder.heartbeat_ms < before_ms
            || (row.started_ms < holder.started_ms && holder.started_ms < before_ms)
    })
}

async fn pending(c: &mut Conn, after: i64, before_ms: i64) -> Result<Vec<Pending>, StoreError> {
    Ok(db!(c, |c| request_logs::table
        .filter(request_logs::status.eq("pending"))
        // Written out for the partial index.
        .filter(request_logs::status.ne("success"))
        .filter(request_logs::id.gt(after))
        .filter(request_logs::started_ms.lt(before_ms))
        .order(request_logs::id)
        .limit(PAGE)
        .select(Pending::as_select())
        .load(c)
        .await)?)
}

async fn end(c: &mut Conn, row: &Pending, now_ms: i64) -> Result<bool, StoreError> {
    use request_logs as t;
    let seq = next_seq(c).await?;
    let updated = db!(c, |c| diesel::update(
        t::table
            .filter(t::id.eq(row.id))
            .filter(t::status.eq("pending"))
    )
    .set((
        t::seq.eq(seq),
        t::status.eq(Status::Error.as_str()),
        t::fault_owner.eq(FaultOwner::Gateway.as_str()),
        t::error_code.eq("instance_died"),
        t::error_message.eq("the gateway process ended before the answer did"),
        t::finished_ms.eq(now_ms),
    ))
    .execute(c)
    .await)?;
    Ok(updated == 1)
}

impl Pending {
    fn counted(&self) -> Counted {
        Counted {
            started_ms: self.started_ms,
            api_key_id: self.api_key_id,
            model_id: self.model_id,
            provider_id: self.provider_id,
            provider_key_id: self.provider_key_id,
            status: Status::Error,
            fault_owner: FaultOwner::Gateway,
            count: 1,
            ..Counted::default()
        }
    }
}
