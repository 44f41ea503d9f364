//! The audit log. Lines are written by [`crate::changes`].

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::columns::At;
use crate::conn::db;
use crate::schema::audit_log;
use crate::{Conn, Page, StoreError};

/// A row of `audit_log`.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = audit_log)]
pub struct Entry {
    /// The row.
    pub id: i64,
    /// When.
    #[diesel(deserialize_as = At)]
    pub at: DateTime<Utc>,
    /// Who.
    pub actor: String,
    /// From where.
    pub actor_address: String,
    /// Noun and verb: `provider.update`.
    pub action: String,
    /// Which.
    pub object: String,
    /// JSON of the state before, secrets redacted.
    pub before: Option<String>,
    /// JSON of the state after, secrets redacted.
    pub after: Option<String>,
    /// The configuration's generation afterwards.
    pub generation: i64,
}

/// Entries, newest first, older than the row `before`.
pub async fn list(
    c: &mut Conn,
    before: Option<i64>,
    limit: i64,
) -> Result<Page<Entry>, StoreError> {
    let limit = limit.clamp(1, 500);
    let rows = db!(c, |c| {
        audit_log::table
            .filter(audit_log::id.lt(before.unwrap_or(i64::MAX)))
            .order(audit_log::id.desc())
            .limit(limit + 1)
            .select(Entry::as_select())
            .load(c)
            .await
    })?;
    Ok(Page::cut(rows, limit))
}

/// The newest entry about each of these objects.
pub async fn newest_of(c: &mut Conn, objects: &[String]) -> Result<Vec<Entry>, StoreError> {
    let ids: Vec<Option<i64>> = db!(c, |c| {
        audit_log::table
            .filter(audit_log::object.eq_any(objects))
            .group_by(audit_log::object)
            .select(diesel::dsl::max(audit_log::id))
            .load(c)
            .await
    })?;
    let ids: Vec<i64> = ids.into_iter().flatten().collect();
    Ok(db!(c, |c| {
        audit_log::table
            .filter(audit_log::id.eq_any(&ids))
            .order(audit_log::id)
            .select(Entry::as_select())
            .load(c)
            .await
    })?)
}
