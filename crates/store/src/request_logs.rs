//! The request log: one row per accepted request, newest first.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use modelgate_domain::{
    ApiKeyId, AttemptRecord, FaultOwner, ModelId, ProviderId, ProviderKeyId, RequestId,
    RequestRecord, Status,
};

use crate::archive;
use crate::conn::db;
use crate::log_filter::{Branch, By, leading, matching, not_success};
use crate::log_row::{AttemptRow, Row};
use crate::schema::{request_attempts_all, request_logs, request_logs_all, request_logs_history};
use crate::{Conn, Page, StoreError};

pub use crate::log_filter::{LogFilter, States};

/// How many of the newest rows [`slow`] looks at.
const SLOW_WINDOW: i64 = 20_000;

/// How many of the newest rows [`recent_outputs`] looks at.
const OUTPUTS_WINDOW: i64 = 10_000;

/// How many of the newest rows that fit one condition [`look`] holds against the others.
pub const LOOK: i64 = 5_000;

/// How many of the newest rows [`user_agents`] looks at.
pub const AGENTS_WINDOW: i64 = 20_000;

/// A row of `request_logs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRow {
    /// Order of arrival in the database.
    pub seq: i64,
    /// The request.
    pub record: RequestRecord,
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

/// A page of the log that somebody waits for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// Newest first.
    pub rows: Vec<LogRow>,
    /// Whether another page follows.
    pub more: bool,
    /// Where the look ended with room left on the page: nothing older was looked at, and more may be there.
    pub looked_to: Option<RequestId>,
}

/// One page of rows: newest first, or in order of arrival where `after_seq` is given. However long it takes.
pub async fn list(c: &mut Conn, filter: &LogFilter) -> Result<Page<LogRow>, StoreError> {
    let limit = filter.rows();
    let mut rows = Vec::new();
    for branch in filter.states.branches() {
        rows.append(&mut of_branch(c, filter, branch, (limit + 1, i64::MAX)).await?.0);
    }
    sort(&mut rows, filter);
    Ok(Page::cut(rows, limit))
}

/// The same for a page, newest first: of what fits one condition only the newest [`LOOK`] rows are held against the
/// others, and where that is not enough for a page, the caller asks on from where the look ended.
pub async fn look(c: &mut Conn, filter: &LogFilter) -> Result<Look, StoreError> {
    let limit = filter.rows();
    let (mut rows, mut looked_to) = (Vec::new(), None);
    for branch in filter.states.branches() {
        let (mut found, reached) = of_branch(c, filter, branch, (limit + 1, LOOK)).await?;
        rows.append(&mut found);
        looked_to = looked_to.max(reached);
    }
    sort(&mut rows, filter);
    rows.retain(|row: &LogRow| looked_to.is_none_or(|floor| row.record.id.0 >= floor));
    let page = Page::cut(rows, limit);
    Ok(Look {
        looked_to: looked_to.filter(|_| !page.more).map(RequestId),
        more: page.more,
        rows: page.rows,
    })
}

fn sort(rows: &mut [LogRow], filter: &LogFilter) {
    if filter.after_seq.is_some() {
        rows.sort_by_key(|row| row.seq);
    } else {
        rows.sort_by_key(|row| std::cmp::Reverse(row.record.id));
    }
}

/// The newest rows of a branch, and where the look ended, if before the rows did.
async fn of_branch(
    c: &mut Conn,
    filter: &LogFilter,
    branch: Branch,
    (limit, most): (i64, i64),
) -> Result<(Vec<LogRow>, Option<i64>), StoreError> {
    let (by, mut floor) = leading!(c, request_logs, filter, branch, most);
    let mut rows: Vec<Row> = db!(c, |c| {
        let query = matching!(request_logs, filter, branch, by, floor);
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
        let (by, older_floor) = leading!(c, request_logs_history, filter, branch, most);
        floor = floor.max(older_floor);
        let mut older: Vec<Row> = db!(c, |c| {
            let query = matching!(request_logs_history, filter, branch, by, floor);
            let query = query.order(t::id.desc()).limit(limit);
            query.select(t::all_columns).load(c).await
        })?;
        // What has not ended stays in the log while younger rows move.
        rows.append(&mut older);
        rows.sort_by_key(|row| std::cmp::Reverse(row.id));
        rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    }
    let is_full = i64::try_from(rows.len()).is_ok_and(|rows| rows >= limit);
    let rows: Result<Vec<_>, _> = rows.into_iter().map(Row::into_log).collect();
    Ok((rows?, floor.filter(|_| !is_full)))
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
    for branch in filter.states.branches() {
        let of: i64 = db!(c, |c| {
            matching!(request_logs, filter, branch, None, None)
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

/// What there is of a column to choose from.
#[derive(QueryableByName)]
struct Value {
    #[diesel(sql_type = diesel::sql_types::Text)]
    value: String,
}

/// What the log has to filter by that no table of the configuration lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Values {
    /// Codes of errors.
    pub error_codes: Vec<String>,
    /// What vendors call the models that served.
    pub upstream_models: Vec<String>,
    /// HTTP statuses of what did not succeed.
    pub http_statuses: Vec<String>,
    /// HTTP statuses of vendors, of what did not succeed.
    pub upstream_statuses: Vec<String>,
}

/// Values to choose from are so many at most.
const VALUES: usize = 200;

/// What there is to filter by: each value costs one step in an index.
pub async fn values(c: &mut Conn) -> Result<Values, StoreError> {
    let failed = "status <> 'success'";
    Ok(Values {
        error_codes: values_of(c, ("error_code", "''"), failed).await?,
        upstream_models: values_of(c, ("upstream_model", "''"), "true").await?,
        http_statuses: values_of(c, ("http_status", "0"), failed).await?,
        upstream_statuses: values_of(c, ("upstream_status", "0"), failed).await?,
    })
}

/// The values of a column above one that says nothing, in order, of the log and its history.
async fn values_of(
    c: &mut Conn,
    (column, above): (&str, &str),
    condition: &str,
) -> Result<Vec<String>, StoreError> {
    let mut found = std::collections::BTreeSet::new();
    for table in ["request_logs", "request_logs_history"] {
        let next = |than: &str| {
            format!("select min({column}) from {table} where {condition} and {column} > {than}")
        };
        let statement = format!(
            "with recursive steps(value) as (select ({}) union all select ({}) from steps where steps.value is not null) \
             select cast(value as text) as value from steps where value is not null limit {VALUES}",
            next(above),
            next("steps.value"),
        );
        let rows: Vec<Value> = db!(c, |c| diesel::sql_query(statement).load(c).await)?;
        found.extend(rows.into_iter().map(|row| row.value));
    }
    Ok(found.into_iter().take(VALUES).collect())
}
