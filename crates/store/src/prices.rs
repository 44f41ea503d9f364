//! Prices: never edited, only superseded by a newer row.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use modelgate_domain::{ModelId, Price, PriceId, TargetId};

use crate::columns::{at, at_ms, currency};
use crate::conn::db;
use crate::schema::prices;
use crate::{Conn, StoreError};

/// What a price is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PriceOf {
    /// A model at any provider.
    Model(ModelId),
    /// A model at one provider; goes before the model's own price.
    Target(TargetId),
}

/// A row of `prices`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceRow {
    /// What it is for.
    pub of: PriceOf,
    /// The price itself.
    pub price: Price,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = prices)]
struct Row {
    id: i64,
    model_id: i64,
    target_id: i64,
    currency: String,
    input: i64,
    cached_input: Option<i64>,
    cache_write: Option<i64>,
    output: i64,
    reasoning: Option<i64>,
    per_request_nanos: i64,
    effective_from: chrono::NaiveDateTime,
}

impl From<Row> for PriceRow {
    fn from(row: Row) -> Self {
        Self {
            of: if row.target_id == 0 {
                PriceOf::Model(row.model_id.into())
            } else {
                PriceOf::Target(row.target_id.into())
            },
            price: Price {
                id: row.id.into(),
                currency: currency(&row.currency),
                input: row.input,
                cached_input: row.cached_input,
                cache_write: row.cache_write,
                output: row.output,
                reasoning: row.reasoning,
                per_request_nanos: row.per_request_nanos,
                effective_from_ms: row.effective_from.and_utc().timestamp_millis(),
            },
        }
    }
}

fn columns(of: PriceOf) -> (i64, i64) {
    match of {
        PriceOf::Model(id) => (id.0, 0),
        PriceOf::Target(id) => (0, id.0),
    }
}

/// All prices, newest first.
pub async fn list(c: &mut Conn) -> Result<Vec<PriceRow>, StoreError> {
    let rows: Vec<Row> = db!(c, |c| {
        prices::table
            .order((prices::effective_from.desc(), prices::id.desc()))
            .select(Row::as_select())
            .load(c)
            .await
    })?;
    Ok(rows.into_iter().map(PriceRow::from).collect())
}

/// The prices of one model or target, newest first.
pub async fn list_of(c: &mut Conn, of: PriceOf) -> Result<Vec<Price>, StoreError> {
    let (model, target) = columns(of);
    let rows: Vec<Row> = db!(c, |c| {
        prices::table
            .filter(prices::model_id.eq(model))
            .filter(prices::target_id.eq(target))
            .order((prices::effective_from.desc(), prices::id.desc()))
            .select(Row::as_select())
            .load(c)
            .await
    })?;
    Ok(rows.into_iter().map(|r| PriceRow::from(r).price).collect())
}

/// One price: what a log row's `price_id` means.
pub async fn find(c: &mut Conn, id: PriceId) -> Result<Option<PriceRow>, StoreError> {
    let row: Option<Row> = db!(c, |c| {
        prices::table
            .find(id.0)
            .select(Row::as_select())
            .first(c)
            .await
            .optional()
    })?;
    Ok(row.map(PriceRow::from))
}

/// Adds a price, which supersedes older ones from `price.effective_from_ms` on. `price.id` is ignored.
pub async fn insert(
    c: &mut Conn,
    of: PriceOf,
    price: &Price,
    now: DateTime<Utc>,
) -> Result<PriceId, StoreError> {
    let ((model, target), now) = (columns(of), at(now));
    let from = at_ms(price.effective_from_ms);
    let id: i64 = db!(c, |c| {
        diesel::insert_into(prices::table)
            .values((
                prices::model_id.eq(model),
                prices::target_id.eq(target),
                prices::currency.eq(price.currency.as_str()),
                prices::input.eq(price.input),
                prices::cached_input.eq(price.cached_input),
                prices::cache_write.eq(price.cache_write),
                prices::output.eq(price.output),
                prices::reasoning.eq(price.reasoning),
                prices::per_request_nanos.eq(price.per_request_nanos),
                prices::effective_from.eq(from),
                prices::created_at.eq(now),
            ))
            .returning(prices::id)
            .get_result(c)
            .await
    })?;
    Ok(id.into())
}
