//! One-time links about an API key, known by the hash of their token.
//!
//! One that shows the key holds it sealed, and only while it lives: whoever takes the link takes the row with it.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use modelgate_domain::{ApiKeyId, Secret};

use crate::columns::{at, to_hex};
use crate::conn::db;
use crate::schema::key_links;
use crate::{Conn, StoreError};

/// What a link does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Shows the key, once.
    Reveal,
    /// Opens the set-up of a tool, once.
    Setup,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Reveal => "reveal",
            Self::Setup => "setup",
        }
    }
}

/// A link that is made. Whoever makes it keeps the token.
#[derive(Clone, Debug)]
pub struct NewLink {
    /// SHA-256 of the token.
    pub token_hash: [u8; 32],
    /// Which key it is about.
    pub api_key_id: ApiKeyId,
    /// What it does.
    pub kind: Kind,
    /// The key, sealed; empty where the link does not show it.
    pub sealed: Secret,
    /// From when it works no more.
    pub expires_at: DateTime<Utc>,
}

/// Makes a link, and forgets those that have expired.
pub async fn insert(c: &mut Conn, link: &NewLink, now: DateTime<Utc>) -> Result<(), StoreError> {
    purge(c, now).await?;
    let now = at(now);
    db!(c, |c| {
        diesel::insert_into(key_links::table)
            .values((
                key_links::token_hash.eq(to_hex(&link.token_hash)),
                key_links::api_key_id.eq(link.api_key_id.0),
                key_links::kind.eq(link.kind.as_str()),
                key_links::sealed.eq(link.sealed.expose()),
                key_links::created_at.eq(now),
                key_links::expires_at.eq(at(link.expires_at)),
            ))
            .execute(c)
            .await
    })?;
    Ok(())
}

/// Whether a link works; looking at it does not use it up.
pub async fn find(
    c: &mut Conn,
    token_hash: &[u8; 32],
    kind: Kind,
    now: DateTime<Utc>,
) -> Result<Option<ApiKeyId>, StoreError> {
    let (hash, now) = (to_hex(token_hash), at(now));
    let found: Option<i64> = db!(c, |c| {
        key_links::table
            .find(hash)
            .filter(key_links::kind.eq(kind.as_str()))
            .filter(key_links::expires_at.gt(now))
            .select(key_links::api_key_id)
            .first(c)
            .await
            .optional()
    })?;
    Ok(found.map(ApiKeyId))
}

/// Takes a link: of several who ask at once, one gets it. The sealed key is empty where the link does not show it.
pub async fn take(
    c: &mut Conn,
    token_hash: &[u8; 32],
    kind: Kind,
    now: DateTime<Utc>,
) -> Result<Option<(ApiKeyId, Secret)>, StoreError> {
    let (hash, now) = (to_hex(token_hash), at(now));
    let taken: Option<(i64, String)> = db!(c, |c| {
        diesel::delete(key_links::table.find(hash))
            .filter(key_links::kind.eq(kind.as_str()))
            .filter(key_links::expires_at.gt(now))
            .returning((key_links::api_key_id, key_links::sealed))
            .get_result(c)
            .await
            .optional()
    })?;
    Ok(taken.map(|(id, sealed)| (id.into(), Secret::new(sealed))))
}

/// When the last of a key's links that show it expires; nothing where there is none.
pub async fn open_until(
    c: &mut Conn,
    key: ApiKeyId,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    let now = at(now);
    let last: Option<chrono::NaiveDateTime> = db!(c, |c| {
        key_links::table
            .filter(key_links::api_key_id.eq(key.0))
            .filter(key_links::kind.eq(Kind::Reveal.as_str()))
            .filter(key_links::expires_at.gt(now))
            .select(diesel::dsl::max(key_links::expires_at))
            .first(c)
            .await
    })?;
    Ok(last.map(|at| at.and_utc()))
}

/// Ends the links of a key that do this; how many there were.
pub async fn delete_of(c: &mut Conn, key: ApiKeyId, kind: Kind) -> Result<usize, StoreError> {
    Ok(db!(c, |c| {
        diesel::delete(key_links::table.filter(key_links::api_key_id.eq(key.0)))
            .filter(key_links::kind.eq(kind.as_str()))
            .execute(c)
            .await
    })?)
}

/// Ends every link of a key; how many there were.
pub async fn delete_all_of(c: &mut Conn, key: ApiKeyId) -> Result<usize, StoreError> {
    Ok(db!(c, |c| {
        diesel::delete(key_links::table.filter(key_links::api_key_id.eq(key.0)))
            .execute(c)
            .await
    })?)
}

/// Forgets the links that have expired, and what was sealed in them.
pub async fn purge(c: &mut Conn, now: DateTime<Utc>) -> Result<usize, StoreError> {
    let now = at(now);
    Ok(db!(c, |c| {
        diesel::delete(key_links::table.filter(key_links::expires_at.le(now)))
            .execute(c)
            .await
    })?)
}

/// Ends every link that shows a key: what is sealed in them belongs to a master key that goes.
pub async fn delete_sealed(c: &mut Conn) -> Result<usize, StoreError> {
    Ok(db!(c, |c| {
        diesel::delete(key_links::table.filter(key_links::sealed.ne("")))
            .execute(c)
            .await
    })?)
}
