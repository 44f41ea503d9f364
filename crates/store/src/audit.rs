//! The audit log. Lines are written by [`crate::changes`].

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::columns::{At, at};
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

/// Which entries; filters add up, and what is empty filters nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// By exactly this actor.
    pub actor: String,
    /// Of exactly this action, or, with a dot at the end, of all that begin so: `provider.`.
    pub action: String,
    /// Whose object holds this text, upper and lower case alike.
    pub object: String,
    /// At or after.
    pub from: Option<DateTime<Utc>>,
    /// Before.
    pub to: Option<DateTime<Utc>>,
    /// Older than this row: the cursor of a list.
    pub before: Option<i64>,
    /// At most this many rows, 1 to 500.
    pub limit: i64,
}

diesel::define_sql_function! {
    fn lower(text: diesel::sql_types::Text) -> diesel::sql_types::Text;
}

/// Entries of every kind, newest first, older than the row `before`.
pub async fn list(
    c: &mut Conn,
    before: Option<i64>,
    limit: i64,
) -> Result<Page<Entry>, StoreError> {
    let filter = AuditFilter {
        before,
        limit,
        ..AuditFilter::default()
    };
    search(c, &filter).await
}

/// The entries that a filter lets through, newest first.
pub async fn search(c: &mut Conn, filter: &AuditFilter) -> Result<Page<Entry>, StoreError> {
    let limit = filter.limit.clamp(1, 500);
    let rows = db!(c, |c| {
        use audit_log::dsl;
        let mut query = dsl::audit_log.into_boxed::<DB>();
        if !filter.actor.is_empty() {
            query = query.filter(dsl::actor.eq(&filter.actor));
        }
        if filter.action.ends_with('.') {
            let pattern = format!("{}%", escaped(&filter.action));
            query = query.filter(dsl::action.like(pattern).escape('\\'));
        } else if !filter.action.is_empty() {
            query = query.filter(dsl::action.eq(&filter.action));
        }
        if !filter.object.is_empty() {
            let pattern = format!("%{}%", escaped(&filter.object.to_lowercase()));
            query = query.filter(lower(dsl::object).like(pattern).escape('\\'));
        }
        if let Some(from) = filter.from {
            query = query.filter(dsl::at.ge(at(from)));
        }
        if let Some(to) = filter.to {
            query = query.filter(dsl::at.lt(at(to)));
        }
        if let Some(id) = filter.before {
            query = query.filter(dsl::id.lt(id));
        }
        query
            .order(dsl::id.desc())
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

/// The newest entry about any of these objects that says how it was afterwards: what only used one, or showed it, says
/// nothing.
pub async fn newest_change(c: &mut Conn, objects: &[String]) -> Result<Option<Entry>, StoreError> {
    Ok(db!(c, |c| {
        audit_log::table
            .filter(audit_log::object.eq_any(objects))
            .filter(audit_log::after.is_not_null())
            .order(audit_log::id.desc())
            .select(Entry::as_select())
            .first(c)
            .await
            .optional()
    })?)
}

/// Everybody who stands in the log, by name.
pub async fn actors(c: &mut Conn) -> Result<Vec<String>, StoreError> {
    Ok(db!(c, |c| {
        audit_log::table
            .select(audit_log::actor)
            .distinct()
            .order(audit_log::actor)
            .load(c)
            .await
    })?)
}

/// Everything that was ever done, by name.
pub async fn actions(c: &mut Conn) -> Result<Vec<String>, StoreError> {
    Ok(db!(c, |c| {
        audit_log::table
            .select(audit_log::action)
            .distinct()
            .order(audit_log::action)
            .load(c)
            .await
    })?)
}

/// A text of which every sign stands for itself in a pattern.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for sign in text.chars() {
        if matches!(sign, '%' | '_' | '\\') {
            out.push('\\');
        }
        out.push(sign);
    }
    out
}
