//! Log-in sessions, known by the hash of their id.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use modelgate_domain::{ApiKeyId, UserId};

use crate::columns::{At, Hash, MaybeId, at, to_hex};
use crate::conn::db;
use crate::schema::sessions;
use crate::{Conn, StoreError};

/// A row of `sessions`.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = sessions)]
pub struct Session {
    /// SHA-256 of the id in the cookie.
    #[diesel(deserialize_as = Hash)]
    pub id_hash: [u8; 32],
    /// Whose it is, 0 where it is a key's.
    #[diesel(deserialize_as = MaybeId)]
    pub user_id: UserId,
    /// The key that it was begun with, 0 where it is an account's.
    #[diesel(deserialize_as = MaybeId)]
    pub api_key_id: ApiKeyId,
    /// What the web layer keeps in it.
    pub state: String,
    /// When it was made.
    #[diesel(deserialize_as = At)]
    pub created_at: DateTime<Utc>,
    /// When it was last used, roughly.
    #[diesel(deserialize_as = At)]
    pub last_seen_at: DateTime<Utc>,
    /// When it ends by itself.
    #[diesel(deserialize_as = At)]
    pub expires_at: DateTime<Utc>,
    /// Where it was last used from.
    pub address: String,
    /// With which browser.
    pub user_agent: String,
}

/// The session with this hash, unless it has expired.
pub async fn find(
    c: &mut Conn,
    id_hash: &[u8; 32],
    now: DateTime<Utc>,
) -> Result<Option<Session>, StoreError> {
    let (id, now) = (to_hex(id_hash), at(now));
    Ok(db!(c, |c| {
        sessions::table
            .find(id)
            .filter(sessions::expires_at.gt(now))
            .select(Session::as_select())
            .first(c)
            .await
            .optional()
    })?)
}

/// The sessions of one account that have not expired, last used first.
pub async fn list_of(
    c: &mut Conn,
    user: UserId,
    now: DateTime<Utc>,
) -> Result<Vec<Session>, StoreError> {
    let now = at(now);
    Ok(db!(c, |c| {
        sessions::table
            .filter(sessions::user_id.eq(user.0))
            .filter(sessions::expires_at.gt(now))
            .order(sessions::last_seen_at.desc())
            .select(Session::as_select())
            .load(c)
            .await
    })?)
}

/// Ends the sessions that were begun with a key itself; how many there were.
pub async fn delete_of_key(c: &mut Conn, key: ApiKeyId) -> Result<usize, StoreError> {
    Ok(db!(c, |c| {
        diesel::delete(sessions::table.filter(sessions::api_key_id.eq(key.0)))
            .execute(c)
            .await
    })?)
}

/// Makes a session, or replaces the one with the same hash.
pub async fn save(c: &mut Conn, session: &Session) -> Result<(), StoreError> {
    let user = Some(session.user_id.0).filter(|id| *id != 0);
    let key = Some(session.api_key_id.0).filter(|id| *id != 0);
    let rest = (
        sessions::user_id.eq(user),
        sessions::api_key_id.eq(key),
        sessions::state.eq(&session.state),
        sessions::last_seen_at.eq(at(session.last_seen_at)),
        sessions::expires_at.eq(at(session.expires_at)),
        sessions::address.eq(&session.address),
        sessions::user_agent.eq(&session.user_agent),
    );
    db!(c, |c| {
        diesel::insert_into(sessions::table)
            .values((
                sessions::id_hash.eq(to_hex(&session.id_hash)),
                sessions::created_at.eq(at(session.created_at)),
                rest,
            ))
            .on_conflict(sessions::id_hash)
            .do_update()
            .set(rest)
            .execute(c)
            .await
    })?;
    Ok(())
}

/// Moves the end of a session and notes its use. False where there is no such session.
pub async fn touch(
    c: &mut Conn,
    id_hash: &[u8; 32],
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let (id, now, end) = (to_hex(id_hash), at(now), at(expires_at));
    let rows = db!(c, |c| {
        diesel::update(sessions::table.find(id))
            .set((sessions::last_seen_at.eq(now), sessions::expires_at.eq(end)))
            .execute(c)
            .await
    })?;
    Ok(rows > 0)
}

/// Ends a session. False where there is no such session.
pub async fn delete(c: &mut Conn, id_hash: &[u8; 32]) -> Result<bool, StoreError> {
    let id = to_hex(id_hash);
    let rows = db!(c, |c| {
        diesel::delete(sessions::table.find(id)).execute(c).await
    })?;
    Ok(rows > 0)
}

/// Ends all sessions of an account but the one to keep, and returns how many.
pub async fn delete_of(
    c: &mut Conn,
    user: UserId,
    keep: Option<&[u8; 32]>,
) -> Result<usize, StoreError> {
    let keep = keep.map(to_hex).unwrap_or_default();
    Ok(db!(c, |c| {
        diesel::delete(sessions::table)
            .filter(sessions::user_id.eq(user.0))
            .filter(sessions::id_hash.ne(keep))
            .execute(c)
            .await
    })?)
}

/// Removes expired sessions and returns how many.
pub async fn purge(c: &mut Conn, now: DateTime<Utc>) -> Result<usize, StoreError> {
    let now = at(now);
    Ok(db!(c, |c| {
        diesel::delete(sessions::table)
            .filter(sessions::expires_at.le(now))
            .execute(c)
            .await
    })?)
}
