//! Whose a key is, for what is told about past use: revoked keys and deleted accounts included.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use modelgate_domain::{ApiKeyId, UserId};

use crate::columns::Json;
use crate::conn::db;
use crate::schema::{api_keys, users};
use crate::{Conn, StoreError};

/// A key and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyOwner {
    /// The key.
    pub id: ApiKeyId,
    /// What it is called.
    pub name: String,
    /// Whose it is.
    pub user_id: UserId,
    /// What people call the account.
    pub user: String,
    /// What the key is marked with.
    pub tags: Vec<String>,
    /// Whether it may be used: neither revoked nor switched off.
    pub usable: bool,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = api_keys)]
struct KeyRow {
    id: i64,
    user_id: Option<i64>,
    name: String,
    enabled: bool,
    deleted_at: Option<chrono::NaiveDateTime>,
    #[diesel(deserialize_as = Json<Vec<String>>)]
    tags: Vec<String>,
}

/// Every key there ever was, by its number.
pub async fn list(c: &mut Conn) -> Result<Vec<KeyOwner>, StoreError> {
    let people: Vec<(i64, String, String)> = db!(c, |c| users::table
        .select((users::id, users::username, users::display_name))
        .load(c)
        .await)?;
    let people: BTreeMap<i64, String> = people
        .into_iter()
        .map(|(id, username, shown)| (id, if shown.is_empty() { username } else { shown }))
        .collect();
    let rows: Vec<KeyRow> = db!(c, |c| api_keys::table
        .order(api_keys::id)
        .select(KeyRow::as_select())
        .load(c)
        .await)?;
    let owner = |row: KeyRow| KeyOwner {
        id: row.id.into(),
        name: row.name,
        user_id: row.user_id.unwrap_or(0).into(),
        user: row
            .user_id
            .and_then(|id| people.get(&id).cloned())
            .unwrap_or_default(),
        tags: row.tags,
        usable: row.enabled && row.deleted_at.is_none(),
    };
    Ok(rows.into_iter().map(owner).collect())
}
