//! One-time links by which an account gets its password, known by the hash of their token.
//!
//! A link for no account makes the first administrator. Rows, not memory: every instance knows every link, and a
//! restart ends none.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use modelgate_domain::UserId;

use crate::columns::{at, to_hex};
use crate::conn::db;
use crate::schema::setup_links;
use crate::{Conn, StoreError};

/// Makes a link for an account, or with [`UserId::NONE`] for the first administrator, and forgets those that have
/// expired.
pub async fn insert(
    c: &mut Conn,
    token_hash: &[u8; 32],
    user: UserId,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let (now, user) = (at(now), Some(user.0).filter(|id| *id != 0));
    db!(c, |c| {
        diesel::delete(setup_links::table)
            .filter(setup_links::expires_at.le(now))
            .execute(c)
            .await
    })?;
    db!(c, |c| {
        diesel::insert_into(setup_links::table)
            .values((
                setup_links::token_hash.eq(to_hex(token_hash)),
                setup_links::user_id.eq(user),
                setup_links::created_at.eq(now),
                setup_links::expires_at.eq(at(expires_at)),
            ))
            .execute(c)
            .await
    })?;
    Ok(())
}

/// Whose link this is ([`UserId::NONE`]: the first administrator's), unless there is none or it has expired.
pub async fn find(
    c: &mut Conn,
    token_hash: &[u8; 32],
    now: DateTime<Utc>,
) -> Result<Option<UserId>, StoreError> {
    let (hash, now) = (to_hex(token_hash), at(now));
    let user: Option<Option<i64>> = db!(c, |c| {
        setup_links::table
            .find(hash)
            .filter(setup_links::expires_at.gt(now))
            .select(setup_links::user_id)
            .first(c)
            .await
            .optional()
    })?;
    Ok(user.map(|id| UserId(id.unwrap_or(0))))
}

/// Ends all links of an account, or with [`UserId::NONE`] those for the first administrator.
pub async fn delete_of(c: &mut Conn, user: UserId) -> Result<(), StoreError> {
    db!(c, |c| {
        if user.is_none() {
            diesel::delete(setup_links::table.filter(setup_links::user_id.is_null()))
                .execute(c)
                .await
        } else {
            diesel::delete(setup_links::table.filter(setup_links::user_id.eq(user.0)))
                .execute(c)
                .await
        }
    })?;
    Ok(())
}
