//! Views of the request log: filters and columns under a name, one's own or shared.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use modelgate_domain::UserId;

use crate::columns::at;
use crate::conn::db;
use crate::schema::{log_views, users};
use crate::{Conn, StoreError};

/// A row of `log_views`, with whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogView {
    /// The row.
    pub id: i64,
    /// Whose.
    pub user_id: UserId,
    /// Its owner's name to log in with.
    pub owner: String,
    /// Unique among the views of its owner.
    pub name: String,
    /// The query string of the page.
    pub query: String,
    /// Whether others see it too.
    pub shared: bool,
}

/// A view to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLogView {
    /// Whose.
    pub user_id: UserId,
    /// Replaces the view of this name that its owner has.
    pub name: String,
    /// The query string of the page.
    pub query: String,
    /// Whether others see it too.
    pub shared: bool,
}

/// The views that an account sees: its own and the shared ones of others, by name.
pub async fn list(c: &mut Conn, user: UserId) -> Result<Vec<LogView>, StoreError> {
    let rows: Vec<(i64, i64, String, String, String, bool)> = db!(c, |c| {
        log_views::table
            .inner_join(users::table)
            .filter(log_views::user_id.eq(user.0).or(log_views::shared))
            .order((log_views::name, log_views::id))
            .select((
                log_views::id,
                log_views::user_id,
                users::username,
                log_views::name,
                log_views::query,
                log_views::shared,
            ))
            .load(c)
            .await
    })?;
    let view = |(id, user_id, owner, name, query, shared): (i64, i64, _, _, _, _)| LogView {
        id,
        user_id: user_id.into(),
        owner,
        name,
        query,
        shared,
    };
    Ok(rows.into_iter().map(view).collect())
}

/// Keeps a view, in place of its owner's view of the same name, and returns its row id.
pub async fn save(c: &mut Conn, view: &NewLogView, now: DateTime<Utc>) -> Result<i64, StoreError> {
    let now = at(now);
    Ok(db!(c, |c| {
        diesel::insert_into(log_views::table)
            .values((
                log_views::user_id.eq(view.user_id.0),
                log_views::name.eq(&view.name),
                log_views::query.eq(&view.query),
                log_views::shared.eq(view.shared),
                log_views::created_at.eq(now),
                log_views::updated_at.eq(now),
            ))
            .on_conflict((log_views::user_id, log_views::name))
            .do_update()
            .set((
                log_views::query.eq(&view.query),
                log_views::shared.eq(view.shared),
                log_views::updated_at.eq(now),
            ))
            .returning(log_views::id)
            .get_result(c)
            .await
    })?)
}

/// Deletes a view of this owner, also where it opens with somebody's page. False where the owner has none of that id.
pub async fn delete(c: &mut Conn, user: UserId, id: i64) -> Result<bool, StoreError> {
    let rows = db!(c, |c| {
        diesel::delete(log_views::table.find(id))
            .filter(log_views::user_id.eq(user.0))
            .execute(c)
            .await
    })?;
    if rows == 0 {
        return Ok(false);
    }
    db!(c, |c| {
        diesel::update(users::table.filter(users::log_view_id.eq(id)))
            .set(users::log_view_id.eq(None::<i64>))
            .execute(c)
            .await
    })?;
    Ok(true)
}

/// The view that opens with the page, where the account chose one.
pub async fn default_of(c: &mut Conn, user: UserId) -> Result<Option<i64>, StoreError> {
    let found: Option<Option<i64>> = db!(c, |c| {
        users::table
            .find(user.0)
            .select(users::log_view_id)
            .first(c)
            .await
            .optional()
    })?;
    Ok(found.flatten())
}

/// Chooses the view that opens with the page, or none.
pub async fn set_default(c: &mut Conn, user: UserId, view: Option<i64>) -> Result<(), StoreError> {
    db!(c, |c| {
        diesel::update(users::table.find(user.0))
            .set(users::log_view_id.eq(view))
            .execute(c)
            .await
    })?;
    Ok(())
}
