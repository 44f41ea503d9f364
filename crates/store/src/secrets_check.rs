//! The value by which a start notices that it was given the wrong master key.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::{Conn, StoreError, settings};

/// Lives among the settings, under a name that the registry cannot have.
pub(crate) const KEY: &str = "!secrets_check";

/// The stored check value, absent on a new database.
pub async fn find(c: &mut Conn) -> Result<Option<String>, StoreError> {
    match settings::find(c, KEY).await? {
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(StoreError::Corrupt("the key check is no text".to_owned())),
        None => Ok(None),
    }
}

/// Stores the check value.
pub async fn set(c: &mut Conn, value: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
    settings::set(c, KEY, &Value::String(value.to_owned()), now).await
}
