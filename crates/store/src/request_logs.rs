//! The request log: one row per accepted request, newest first.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use modelgate_domain::{
    ApiKeyId, AttemptRecord, ModelId, ProviderId, RequestId, RequestRecord, Status,
};

use crate::archive;
use crate::conn::db;
use crate::log_row::{AttemptRow, Row};
use crate::schema::{request_attempts_all, request_logs, request_logs_all, request_logs_history};
use crate::{Conn, Page, StoreError};

/// How many of the newest rows [`slow`] looks at.
const SLOW_WINDOW: i64 = 20_000;

/// How many of the newest rows [`recent_outputs`] looks at.
const OUTPUTS_WINDOW: i64 = 10_000;

/// How many of the newest rows [`user_agents`] looks at.
pub const AGENTS_WINDOW: i64 = 20_000;

/// Which rows; filters add up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogFilter {
    /// Of this key.
    pub api_key_id: Option<ApiKeyId>,
    /// Of this model.
    pub model_id: Option<ModelId>,
    /// Served by this provider.
    pub provider_id: Option<ProviderId>,
    /// In this state.
    pub status: Option<Status>,
    /// Ended by an error or a timeout.
    pub failed: bool,
    /// Started at or after, epoch milliseconds.
    pub from_ms: Option<i64>,
    /// Started before, epoch milliseconds.
    pub to_ms: Option<i64>,
    /// Older than this request: the cursor of a list.
    pub before: Option<RequestId>,
    /// Written after this `seq`, oldest first: the cursor of a live tail.
    pub after_seq: Option<i64>,
    /// At most this many rows, 1 to 500; 0 means 50.
    pub limit: i64,
}

/// A row of `request_logs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRow {
    /// Order of arrival in the database.
    pub seq: i64,
    /// The request.
    pub record: RequestRecord,
}

impl LogFilter {
    fn rows(&self) -> i64 {
        match self.limit {
            0 => 50,
            limit => limit.clamp(1, 500),
        }
    }

    /// The states to ask for, one by one: the rows of each lie in order in an index, those of two together do not.
    fn states(&self) -> Vec<Option<Status>> {
        if !self.failed {
            return vec![self.status];
        }
        [Status::Error, Status::Timeout]
            .into_iter()
            .filter(|failed| self.status.is_none_or(|status| status == *failed))
            .map(Some)
            .collect()
    }
}

/// How long the newest whole answers were: model and tokens out, oldest first. One read of the end of the table.
pub async fn recent_outputs(c: &mut Conn) -> Result<Vec<(ModelId, i64)>, StoreError> {
    use request_logs as t;
    let newest: Vec<(i64, String, i64, i64)> = db!(c, |c| {
        t::table
            .order(t::id.desc())
            .limit(OUTPUTS_WINDOW)
            .select((
                t::model_id,
                t::status,
                t::completion_tokens,
                t::reasoning_tokens,
            ))
            .load(c)
            .await
    })?;
    let whole = newest
        .into_iter()
        .filter(|(_, status, ..)| status == Status::Success.as_str());
    let mut lengths: Vec<_> = whole
        .map(|(model, _, answer, thought)| (ModelId(model), answer.saturating_add(thought)))
        .collect();
    lengths.reverse();
    Ok(lengths)
}

/// The rows of a table that a filter and one state let through, before any order.
macro_rules! matching {
    ($table:ident, $filter:expr, $status:expr) => {{
        use $table as t;
        let filter: &LogFilter = $filter;
        let mut query = t::table.into_boxed::<DB>();
        if let Some(id) = filter.api_key_id {
            query = query.filter(t::api_key_id.eq(id.0));
        }
        if let Some(id) = filter.model_id {
            query = query.filter(t::model_id.eq(id.0));
        }
        if let Some(id) = filter.provider_id {
            query = query.filter(t::provider_id.eq(id.0));
        }
        let status: Option<Status> = $status;
        if let Some(status) = status {
            query = query.filter(t::status.eq(status.as_str()));
        }
        if status.is_some_and(|status| status != Status::Success) {
            query = query.filter(not_success());
        }
        // The id holds the time, so the primary key serves time ranges too.
        if let Some(ms) = filter.from_ms {
            query = query.filter(t::id.ge(RequestId::lower_bound(ms).0));
        }
        if let Some(ms) = filter.to_ms {
            query = query.filter(t::id.lt(RequestId::lower_bound(ms).0));
        }
        if let Some(id) = filter.before {
            query = query.filter(t::id.lt(id.0));
        }
        query
    }};
}

/// One page of rows: newest first, or in order of arrival where `after_seq` is given.
pub async fn list(c: &mut Conn, filter: &LogFilter) -> Result<Page<LogRow>, StoreError> {
    let limit = filter.rows();
    let mut rows = Vec::new();
    for status in filter.states() {
        rows.append(&mut of_status(c, filter, status, limit + 1).await?);
    }
    if filter.after_seq.is_some() {
        rows.sort_by_key(|row| row.seq);
    } else {
        rows.sort_by_key(|row| std::cmp::Reverse(row.record.id));
    }
    Ok(Page::cut(rows, limit))
}

async fn of_status(
    c: &mut Conn,
    filter: &LogFilter,
    status: Option<Status>,
    limit: i64,
) -> Result<Vec<LogRow>, StoreError> {
    let mut rows: Vec<Row> = db!(c, |c| {
        let query = matching!(request_logs, filter, status);
        let query = match filter.after_seq {
            Some(seq) => query
                .filter(request_logs::seq.gt(seq))
                .order(request_logs::seq),
            None => query.order(request_logs::id.desc()),
        };
        query.limit(limit).select(Row::as_select()).load(c).await
    })?;
    if reaches_history(c, filter, &rows, limit).await? {
        use request_logs_history as t;
        let mut older: Vec<Row> = db!(c, |c| {
            let query = matching!(request_logs_history, filter, status);
            let query = query.order(t::id.desc()).limit(limit);
            query.select(t::all_columns).load(c).await
        })?;
        // What has not ended stays in the log while younger rows move.
        rows.append(&mut older);
        rows.sort_by_key(|row| std::cmp::Reverse(row.id));
        rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    }
    rows.into_iter().map(Row::into_log).collect()
}

/// Whether rows of the history belong on a page that has these of the log.
async fn reaches_history(
    c: &mut Conn,
    filter: &LogFilter,
    rows: &[Row],
    limit: i64,
) -> Result<bool, StoreError> {
    if filter.after_seq.is_some() {
        return Ok(false);
    }
    let Some(newest) = archive::newest(c).await? else {
        return Ok(false);
    };
    let from = filter.from_ms.map(RequestId::lower_bound);
    let has_room = i64::try_from(rows.len()).is_ok_and(|rows| rows < limit);
    let goes_below = rows.last().is_some_and(|row| row.id < newest.0);
    Ok(from.is_none_or(|from| from <= newest) && (has_room || goes_below))
}

/// How many calls ended and were written after one `seq`, up to another: what a live tail announces.
pub async fn count_ended(
    c: &mut Conn,
    filter: &LogFilter,
    (after, up_to): (i64, i64),
) -> Result<i64, StoreError> {
    let mut count: i64 = 0;
    for status in filter.states() {
        let of: i64 = db!(c, |c| {
            matching!(request_logs, filter, status)
                .filter(request_logs::seq.gt(after))
                .filter(request_logs::seq.le(up_to))
                .filter(request_logs::status.ne(Status::Pending.as_str()))
                .count()
                .get_result(c)
                .await
        })?;
        count = count.saturating_add(of);
    }
    Ok(count)
}

/// One request with its attempts, which exist only where there was more than one; from the history too.
pub async fn find(
    c: &mut Conn,
    id: RequestId,
) -> Result<Option<(LogRow, Vec<AttemptRecord>)>, StoreError> {
    let row: Option<Row> = db!(c, |c| {
        use request_logs_all as t;
        let one = t::table.filter(t::id.eq(id.0));
        one.select(t::all_columns).first(c).await.optional()
    })?;
    let Some(row) = row else { return Ok(None) };
    let attempts: Vec<AttemptRow> = db!(c, |c| {
        use request_attempts_all as t;
        t::table
            .filter(t::request_id.eq(id.0))
            .order(t::number)
            .select((
                t::number,
                t::provider_id,
                t::provider_key_id,
                t::upstream_status,
                t::error_code,
                t::started_ms,
                t::duration_ms,
            ))
            .load(c)
            .await
    })?;
    let attempts = attempts.into_iter().map(AttemptRecord::from).collect();
    Ok(Some((row.into_log()?, attempts)))
}

/// Where the newest `window` rows begin, or those since `since_ms` where they are fewer.
async fn newest(c: &mut Conn, window: i64, since_ms: i64) -> Result<i64, StoreError> {
    newest_before(c, window, (since_ms, i64::MAX)).await
}

/// The same of rows that started before `to_ms`.
pub(crate) async fn newest_before(
    c: &mut Conn,
    window: i64,
    (since_ms, to_ms): (i64, i64),
) -> Result<i64, StoreError> {
    let end = RequestId::lower_bound(to_ms).0;
    let floor: Option<i64> = db!(c, |c| {
        request_logs::table
            .filter(request_logs::id.lt(end))
            .order(request_logs::id.desc())
            .offset(window - 1)
            .select(request_logs::id)
            .first(c)
            .await
            .optional()
    })?;
    let since = RequestId::lower_bound(since_ms).0;
    Ok(floor.map_or(since, |floor| floor.max(since)))
}

/// The slowest requests since `since_ms` that took at least `min_latency_ms`, slowest first, among the last 20,000.
pub async fn slow(
    c: &mut Conn,
    min_latency_ms: i64,
    since_ms: i64,
    limit: i64,
) -> Result<Vec<LogRow>, StoreError> {
    let floor = newest(c, SLOW_WINDOW, since_ms).await?;
    let rows: Vec<Row> = db!(c, |c| {
        request_logs::table
            .filter(request_logs::id.ge(floor))
            .filter(request_logs::latency_ms.ge(min_latency_ms))
            .order((request_logs::latency_ms.desc(), request_logs::id.desc()))
            .limit(limit)
            .select(Row::as_select())
            .load(c)
            .await
    })?;
    rows.into_iter().map(Row::into_log).collect()
}

/// Requests that have not ended, as far as the database knows: oldest first.
pub async fn running(c: &mut Conn, limit: i64) -> Result<Vec<LogRow>, StoreError> {
    let rows: Vec<Row> = db!(c, |c| {
        request_logs::table
            .filter(request_logs::status.eq("pending"))
            .filter(not_success())
            .order(request_logs::id)
            .limit(limit)
            .select(Row::as_select())
            .load(c)
            .await
    })?;
    rows.into_iter().map(Row::into_log).collect()
}

/// Said literally, so that both engines see that their partial index holds all that is asked for.
fn not_success() -> diesel::expression::SqlLiteral<diesel::sql_types::Bool> {
    diesel::dsl::sql("status <> 'success'")
}

/// The `seq` of the row written last, 0 for an empty log: where a live tail begins.
pub async fn last_seq(c: &mut Conn) -> Result<i64, StoreError> {
    let last: Option<i64> = db!(c, |c| {
        request_logs::table
            .select(diesel::dsl::max(request_logs::seq))
            .first(c)
            .await
    })?;
    Ok(last.unwrap_or(0))
}

/// What the programs that called since `since_ms` say they are, with how many calls of each, the most first: among the
/// last 20,000 rows.
pub async fn user_agents(
    c: &mut Conn,
    since_ms: i64,
    limit: i64,
) -> Result<Vec<(String, i64)>, StoreError> {
    let floor = newest(c, AGENTS_WINDOW, since_ms).await?;
    Ok(db!(c, |c| {
        request_logs::table
            .filter(request_logs::id.ge(floor))
            .group_by(request_logs::user_agent)
            .order((
                diesel::dsl::count_star().desc(),
                request_logs::user_agent.asc(),
            ))
            .limit(limit)
            .select((request_logs::user_agent, diesel::dsl::count_star()))
            .load(c)
            .await
    })?)
}
