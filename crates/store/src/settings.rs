//! Values saved in the portal, as JSON; what is not saved is not here.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;

use crate::columns::{At, Json, at, json};
use crate::conn::db;
use crate::schema::settings;
use crate::{Conn, StoreError};

/// A row of `settings`.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = settings)]
pub struct Setting {
    /// The name in the registry.
    pub key: String,
    /// The value.
    #[diesel(deserialize_as = Json<Value>)]
    pub value: Value,
    /// When it was saved.
    #[diesel(deserialize_as = At)]
    pub updated_at: DateTime<Utc>,
}

/// All saved settings, by name.
pub async fn list(c: &mut Conn) -> Result<Vec<Setting>, StoreError> {
    Ok(db!(c, |c| {
        settings::table
            .filter(settings::key.ne(crate::secrets_check::KEY))
            .order(settings::key)
            .select(Setting::as_select())
            .load(c)
            .await
    })?)
}

/// One saved value.
pub async fn find(c: &mut Conn, key: &str) -> Result<Option<Value>, StoreError> {
    let row: Option<Setting> = db!(c, |c| {
        settings::table
            .find(key)
            .select(Setting::as_select())
            .first(c)
            .await
            .optional()
    })?;
    Ok(row.map(|r| r.value))
}

/// Saves a value.
pub async fn set(
    c: &mut Conn,
    key: &str,
    value: &Value,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let (text, now) = (json(value)?, at(now));
    db!(c, |c| {
        diesel::insert_into(settings::table)
            .values((
                settings::key.eq(key),
                settings::value.eq(&text),
                settings::updated_at.eq(now),
            ))
            .on_conflict(settings::key)
            .do_update()
            .set((settings::value.eq(&text), settings::updated_at.eq(now)))
            .execute(c)
            .await
    })?;
    Ok(())
}

/// Forgets a saved value. False where there was none.
pub async fn delete(c: &mut Conn, key: &str) -> Result<bool, StoreError> {
    let rows = db!(c, |c| {
        diesel::delete(settings::table.find(key)).execute(c).await
    })?;
    Ok(rows > 0)
}
