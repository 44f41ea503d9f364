//! When API keys may be used.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use modelgate_domain::{ApiKeyId, TimeRule, When};

use crate::conn::{db, db_batch};
use crate::schema::api_key_time_rules;
use crate::{Conn, StoreError};

#[derive(Queryable, Selectable)]
#[diesel(table_name = api_key_time_rules)]
struct Row {
    api_key_id: i64,
    kind: String,
    allowed: bool,
    start_time: Option<String>,
    end_time: Option<String>,
    start_date: Option<String>,
    end_date: Option<String>,
    weekdays: String,
}

impl Row {
    fn read(self) -> Result<(ApiKeyId, TimeRule), StoreError> {
        let text = |part: &Option<String>| part.clone().unwrap_or_default();
        let when = match self.kind.as_str() {
            "time_range" => When::time_range(&text(&self.start_time), &text(&self.end_time)),
            "date_range" => When::date_range(&text(&self.start_date), &text(&self.end_date)),
            _ => {
                When::weekdays(serde_json::from_str::<Vec<i64>>(&self.weekdays).unwrap_or_default())
            }
        };
        let when = when.map_err(|bad| StoreError::Corrupt(format!("api_key_time_rules: {bad}")))?;
        let allowed = self.allowed;
        Ok((self.api_key_id.into(), TimeRule { allowed, when }))
    }
}

/// The rules of all keys, by key and in the order they were given.
pub async fn list(c: &mut Conn) -> Result<Vec<(ApiKeyId, TimeRule)>, StoreError> {
    let rows: Vec<Row> = db!(c, |c| api_key_time_rules::table
        .order((api_key_time_rules::api_key_id, api_key_time_rules::id))
        .select(Row::as_select())
        .load(c)
        .await)?;
    rows.into_iter().map(Row::read).collect()
}

/// The rules of one key, in the order they were given.
pub async fn of(c: &mut Conn, key: ApiKeyId) -> Result<Vec<TimeRule>, StoreError> {
    let rows: Vec<Row> = db!(c, |c| api_key_time_rules::table
        .filter(api_key_time_rules::api_key_id.eq(key.0))
        .order(api_key_time_rules::id)
        .select(Row::as_select())
        .load(c)
        .await)?;
    let rules = rows.into_iter().map(|row| Ok(row.read()?.1));
    rules.collect()
}

/// Replaces the rules of one key.
pub async fn set(c: &mut Conn, key: ApiKeyId, rules: &[TimeRule]) -> Result<(), StoreError> {
    use api_key_time_rules as t;
    db!(c, |c| diesel::delete(
        t::table.filter(t::api_key_id.eq(key.0))
    )
    .execute(c)
    .await)?;
    if rules.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = rules.iter().map(|rule| values(key, rule)).collect();
    db_batch!(c, execute(diesel::insert_into(t::table).values(rows)))?;
    Ok(())
}

#[derive(Insertable)]
#[diesel(table_name = api_key_time_rules, treat_none_as_default_value = false)]
struct Values {
    api_key_id: i64,
    kind: &'static str,
    allowed: bool,
    start_time: Option<String>,
    end_time: Option<String>,
    start_date: Option<String>,
    end_date: Option<String>,
    weekdays: String,
}

fn values(key: ApiKeyId, rule: &TimeRule) -> Values {
    let mut row = Values {
        api_key_id: key.0,
        kind: rule.when.kind(),
        allowed: rule.allowed,
        start_time: None,
        end_time: None,
        start_date: None,
        end_date: None,
        weekdays: "[]".to_owned(),
    };
    match rule.when {
        When::TimeRange { start, end } => {
            row.start_time = Some(start.to_string());
            row.end_time = Some(end.to_string());
        }
        When::DateRange { start, end } => {
            row.start_date = Some(start.to_string());
            row.end_date = Some(end.to_string());
        }
        When::Weekday(days) => row.weekdays = serde_json::json!(days.numbers()).to_string(),
    }
    row
}
