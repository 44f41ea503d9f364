//! The rows of `request_logs` and `request_attempts`: inserted while pending, ended once.

use std::collections::{BTreeMap, HashMap, HashSet};

use diesel::dsl::max;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use modelgate_domain::{AttemptRecord, RequestRecord, Usage};

use super::Entry;
use super::rollups::Counted;
use crate::budgets::LOCK;
use crate::conn::{db, db_batch};
use crate::schema::{request_attempts, request_logs};
use crate::{Conn, StoreError};

/// More than any real request, and few enough that sums of them fit into 64 bits.
const MOST_TOKENS: i64 = 1 << 40;
const MOST_NANOS: i64 = 1 << 50;

#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = request_logs, treat_none_as_default_value = false)]
struct Row {
    id: i64,
    seq: i64,
    api_key_id: i64,
    user_id: i64,
    session_id: String,
    repeats: i64,
    endpoint: String,
    dialect: String,
    requested_model: String,
    stream: bool,
    client_ip: String,
    user_agent: String,
    request_bytes: i64,
    model_id: i64,
    provider_id: i64,
    provider_key_id: i64,
    upstream_model: String,
    attempts: i64,
    route_reason: String,
    price_id: i64,
    status: &'static str,
    fault_owner: &'static str,
    error_code: String,
    error_message: String,
    http_status: i64,
    upstream_status: i64,
    finish_reason: String,
    started_ms: i64,
    finished_ms: i64,
    queue_ms: Option<i64>,
    connect_ms: Option<i64>,
    ttft_ms: Option<i64>,
    latency_ms: Option<i64>,
    max_gap_ms: Option<i64>,
    prompt_tokens: i64,
    cached_tokens: i64,
    cache_write_tokens: i64,
    completion_tokens: i64,
    reasoning_tokens: i64,
    usage_estimated: bool,
    cost_nanos: Option<i64>,
    currency: String,
    queue_position: Option<i64>,
    asked_model_id: i64,
    phases: String,
    observed: String,
}

#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = request_attempts, treat_none_as_default_value = false)]
struct AttemptRow {
    request_id: i64,
    number: i64,
    provider_id: i64,
    provider_key_id: i64,
    upstream_status: i64,
    error_code: String,
    started_ms: i64,
    duration_ms: i64,
}

type Ended<'a> = (&'a RequestRecord, &'a [AttemptRecord]);

/// Writes what the entries say; returns what is to be counted.
pub(super) async fn write(c: &mut Conn, entries: &[Entry]) -> Result<Vec<Counted>, StoreError> {
    let mut started: BTreeMap<i64, &RequestRecord> = BTreeMap::new();
    let mut ended: BTreeMap<i64, Ended<'_>> = BTreeMap::new();
    let mut again: BTreeMap<i64, i64> = BTreeMap::new();
    for entry in entries {
        match entry {
            Entry::Started(record) => {
                started.insert(record.id.0, record);
            }
            Entry::Ended(record, attempts) => {
                ended.entry(record.id.0).or_insert((record, attempts));
            }
            Entry::Again { of, count } => *again.entry(of.0).or_default() += count,
        }
    }
    started.retain(|id, _| !ended.contains_key(id));
    let mut seq = next_seq(c).await?;
    let mut row = |record: &RequestRecord| {
        seq += 1;
        Row::new(record, seq - 1)
    };
    let ended_rows = ended.values().map(|(record, _)| row(record)).collect();
    let started_rows = started.values().map(|record| row(record)).collect();
    insert_pending(c, started_rows).await?;
    let ids = end(c, ended_rows).await?;
    let counts = |id: &i64| ids.contains(id);
    let attempts = ended.iter().filter(|(id, _)| counts(id));
    insert_attempts(
        c,
        attempts
            .flat_map(|(id, e)| attempt_rows(*id, e.1))
            .collect(),
    )
    .await?;
    let mut counted: Vec<Counted> = ended
        .iter()
        .filter(|(id, _)| counts(id))
        .map(|(_, (record, _))| Counted::from(*record))
        .collect();
    for (id, count) in again {
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
    Ok(last.unwrap_or(0) + 1)
}

async fn insert_pending(c: &mut Conn, rows: Vec<Row>) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let statement = diesel::insert_into(request_logs::table)
        .values(rows)
        .on_conflict(request_logs::id)
        .do_nothing();
    db_batch!(c, execute(statement))?;
    Ok(())
}

/// Brings rows to their end unless they are there; returns those that ended by it.
///
/// A pending row makes room for its end, so what stands in the way of the insert has ended before. (Diesel has no
/// batched `on conflict do update … where … returning` for SQLite.) Whoever does the same at once on PostgreSQL
/// waits for this transaction and then finds the ended row.
async fn end(c: &mut Conn, rows: Vec<Row>) -> Result<HashSet<i64>, StoreError> {
    use request_logs as t;
    if rows.is_empty() {
        return Ok(HashSet::new());
    }
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    db!(c, |c| diesel::delete(
        t::table
            .filter(t::id.eq_any(&ids))
            .filter(t::status.eq("pending"))
    )
    .execute(c)
    .await)?;
    let statement = diesel::insert_into(t::table)
        .values(rows)
        .on_conflict(t::id)
        .do_nothing()
        .returning(t::id);
    let ended: Vec<i64> = db_batch!(c, get_results(statement))?;
    Ok(ended.into_iter().collect())
}

async fn insert_attempts(c: &mut Conn, rows: Vec<AttemptRow>) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let statement = diesel::insert_into(request_attempts::table)
        .values(rows)
        .on_conflict((request_attempts::request_id, request_attempts::number))
        .do_nothing();
    db_batch!(c, execute(statement))?;
    Ok(())
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

fn attempt_rows(id: i64, attempts: &[AttemptRecord]) -> Vec<AttemptRow> {
    let row = |a: &AttemptRecord| AttemptRow {
        request_id: id,
        number: a.number,
        provider_id: a.provider_id.0,
        provider_key_id: a.provider_key_id.0,
        upstream_status: a.upstream_status,
        error_code: text(&a.error_code),
        started_ms: a.started_ms,
        duration_ms: a.duration_ms,
    };
    // A number given twice would make the one statement contradict itself.
    let numbered: HashMap<i64, &AttemptRecord> = attempts.iter().map(|a| (a.number, a)).collect();
    numbered.into_values().map(row).collect()
}

/// PostgreSQL keeps no NUL in a text, and callers choose some of these texts.
fn text(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// A request's buckets within what sums can hold.
fn bounded(usage: Usage) -> Usage {
    let tokens = |n: i64| n.clamp(0, MOST_TOKENS);
    Usage {
        prompt: tokens(usage.prompt),
        cached: tokens(usage.cached),
        cache_write: tokens(usage.cache_write),
        completion: tokens(usage.completion),
        reasoning: tokens(usage.reasoning),
        estimated: usage.estimated,
    }
}

fn cost(record: &RequestRecord) -> Option<i64> {
    record.cost_nanos.map(|n| n.clamp(0, MOST_NANOS))
}

impl Row {
    fn new(r: &RequestRecord, seq: i64) -> Self {
        let usage = bounded(r.usage);
        Self {
            id: r.id.0,
            seq,
            api_key_id: r.api_key_id.0,
            user_id: r.user_id.0,
            session_id: text(&r.session_id),
            repeats: r.repeats.max(1),
            endpoint: text(&r.endpoint),
            dialect: text(&r.dialect),
            requested_model: text(&r.requested_model),
            stream: r.stream,
            client_ip: text(&r.client_ip),
            user_agent: text(&r.user_agent),
            request_bytes: r.request_bytes,
            model_id: r.model_id.0,
            provider_id: r.provider_id.0,
            provider_key_id: r.provider_key_id.0,
            upstream_model: text(&r.upstream_model),
            attempts: r.attempts,
            route_reason: text(&r.route_reason),
            price_id: r.price_id.0,
            status: r.status.as_str(),
            fault_owner: r.fault_owner.as_str(),
            error_code: text(&r.error_code),
            error_message: text(&r.error_message),
            http_status: r.http_status,
            upstream_status: r.upstream_status,
            finish_reason: text(&r.finish_reason),
            started_ms: r.started_ms,
            finished_ms: r.finished_ms,
            queue_ms: r.queue_ms,
            connect_ms: r.connect_ms,
            ttft_ms: r.ttft_ms,
            latency_ms: r.latency_ms,
            max_gap_ms: r.max_gap_ms,
            prompt_tokens: usage.prompt,
            cached_tokens: usage.cached,
            cache_write_tokens: usage.cache_write,
            completion_tokens: usage.completion,
            reasoning_tokens: usage.reasoning,
            usage_estimated: usage.estimated,
            cost_nanos: cost(r),
            currency: cost(r).map(|_| r.currency.to_string()).unwrap_or_default(),
            queue_position: r.queue_position,
            asked_model_id: r.asked_model_id.0,
            phases: text(&r.phases),
            observed: text(&r.observed),
        }
    }
}

impl From<&RequestRecord> for Counted {
    fn from(r: &RequestRecord) -> Self {
        let ms = |n: i64| n.max(0);
        Self {
            started_ms: r.started_ms,
            api_key_id: r.api_key_id.0,
            user_id: r.user_id.0,
            model_id: r.model_id.0,
            provider_id: r.provider_id.0,
            provider_key_id: r.provider_key_id.0,
            currency: cost(r).map(|_| r.currency.to_string()).unwrap_or_default(),
            status: r.status,
            fault_owner: r.fault_owner,
            count: r.repeats.max(1),
            usage: bounded(r.usage),
            cost_nanos: cost(r).unwrap_or(0),
            latency_ms: r.latency_ms.map(ms),
            ttft_ms: r.ttft_ms.map(ms),
            repeated: false,
        }
    }
}
