//! Pending rows that nobody ends any more: their instance is gone for good, or lost how they ended.

use std::collections::HashMap;

use chrono_tz::Tz;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use modelgate_domain::{FaultOwner, RequestId, Status};

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
/// Ids in one statement: SQLite takes some thirty thousand values, PostgreSQL any number.
const MOST_IDS: usize = 5_000;

/// How a row ends whose process ended before its answer did.
const DIED: End = End {
    status: Status::Error,
    code: "instance_died",
    message: "the gateway process ended before the answer did",
};

/// How a row ends that its living process no longer knows of.
const LOST: End = End {
    status: Status::Timeout,
    code: "record_lost",
    message: "how the request ended was lost before it was written down",
};

/// What is written where nobody knows what happened; the gateway's own fault.
#[derive(Clone, Copy, Debug)]
struct End {
    status: Status,
    code: &'static str,
    message: &'static str,
}

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
    end_all(c, &lost, (DIED, now_ms), zone).await
}

/// Pending requests that the living `instance` took in and that began before `before_ms`. None where its number has
/// been given away; what an earlier holder of the number left is not its own.
pub async fn held(
    c: &mut Conn,
    instance: &str,
    before_ms: i64,
) -> Result<Vec<RequestId>, StoreError> {
    let all = instances::list(c).await?;
    let Some(holder) = all.into_iter().find(|row| row.instance == instance) else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    let mut after = 0;
    loop {
        let page = pending(c, after, before_ms).await?;
        let Some(last) = page.last() else { break };
        after = last.id;
        let own =
            |row: &&Pending| row.lease() == holder.lease && row.started_ms >= holder.started_ms;
        found.extend(page.iter().filter(own).map(|row| RequestId(row.id)));
    }
    Ok(found)
}

/// Ends those of `requests` that are pending as timeouts of which the record was lost; returns how many. Sums of days
/// follow the calendar of `zone`. Call it through [`crate::Db::write`].
pub async fn end_lost(
    c: &mut Conn,
    requests: &[RequestId],
    now_ms: i64,
    zone: Tz,
) -> Result<usize, StoreError> {
    let mut rows = Vec::new();
    for ids in requests.chunks(MOST_IDS) {
        let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
        let found: Vec<Pending> = db!(c, |c| request_logs::table
            .filter(request_logs::id.eq_any(&ids))
            .order(request_logs::id)
            .select(Pending::as_select())
            .load(c)
            .await)?;
        rows.extend(found);
    }
    end_all(c, &rows, (LOST, now_ms), zone).await
}

/// Ends the rows that are pending still.
async fn end_all(
    c: &mut Conn,
    rows: &[Pending],
    (how, now_ms): (End, i64),
    zone: Tz,
) -> Result<usize, StoreError> {
    let mut rollups = Rollups::default();
    let mut ended = 0;
    for row in rows {
        if end(c, row, how, now_ms).await? {
            rollups.add(&row.counted(how.status));
            ended += 1;
        }
    }
    rollups.write(c, zone).await?;
    Ok(ended)
}

fn is_lost(row: &Pending, holders: &HashMap<i64, Instance>, before_ms: i64) -> bool {
    holders.get(&row.lease()).is_none_or(|holder| {
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

async fn end(c: &mut Conn, row: &Pending, how: End, now_ms: i64) -> Result<bool, StoreError> {
    use request_logs as t;
    let seq = next_seq(c).await?;
    let updated = db!(c, |c| diesel::update(
        t::table
            .filter(t::id.eq(row.id))
            .filter(t::status.eq("pending"))
    )
    .set((
        t::seq.eq(seq),
        t::status.eq(how.status.as_str()),
        t::fault_owner.eq(FaultOwner::Gateway.as_str()),
        t::error_code.eq(how.code),
        t::error_message.eq(how.message),
        t::finished_ms.eq(now_ms),
    ))
    .execute(c)
    .await)?;
    Ok(updated == 1)
}

impl Pending {
    /// Of whoever took the request in: the nine bits above the sequence of its id.
    fn lease(&self) -> i64 {
        (self.id >> 12) & 511
    }

    fn counted(&self, status: Status) -> Counted {
        Counted {
            started_ms: self.started_ms,
            api_key_id: self.api_key_id,
            model_id: self.model_id,
            provider_id: self.provider_id,
            provider_key_id: self.provider_key_id,
            status,
            fault_owner: FaultOwner::Gateway,
            count: 1,
            ..Counted::default()
        }
    }
}
