//! API keys and their allow-lists. Only a hash of a key is stored.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use modelgate_domain::{ApiKeyId, ModelId, TargetId, UserId};

use crate::columns::{At, Hash, Json, MaybeAt, MaybeHash, MaybeId, at, json, to_hex};
use crate::conn::{db, db_batch};
use crate::schema::{api_key_models, api_keys};
use crate::{Conn, StoreError, key_links, sessions};

/// A row of `api_keys`.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = api_keys)]
pub struct ApiKey {
    /// The row.
    #[diesel(deserialize_as = i64)]
    pub id: ApiKeyId,
    /// Whose it is, 0 where it stands alone.
    #[diesel(deserialize_as = MaybeId)]
    pub user_id: UserId,
    /// What operators call it; unique.
    pub name: String,
    /// SHA-256 of the key.
    #[diesel(deserialize_as = Hash)]
    pub key_hash: [u8; 32],
    /// The public beginning of the key.
    pub key_prefix: String,
    /// The public end of the key, empty for short ones.
    pub key_last4: String,
    /// Whether it works at all.
    pub enabled: bool,
    /// From when it works no more.
    #[diesel(deserialize_as = MaybeAt)]
    pub expires_at: Option<DateTime<Utc>>,
    /// Whether it may use every model; otherwise its allow-list decides.
    pub all_models: bool,
    /// The operator's note.
    pub note: String,
    /// The time zone of its time rules; empty = the business time zone.
    pub time_zone: String,
    /// Networks it may be used from; empty = from everywhere.
    #[diesel(deserialize_as = Json<Vec<String>>)]
    pub allowed_cidrs: Vec<String>,
    /// Whether fallback models may answer its calls.
    pub fallbacks: bool,
    /// Whether rules of busyness leave it alone.
    pub bypass_busyness: bool,
    /// Whether what a vendor's dialect has nothing for is refused instead of left out.
    pub strict_conversion: bool,
    /// When it was last used, as of the last drained record.
    #[diesel(deserialize_as = MaybeAt)]
    pub last_used_at: Option<DateTime<Utc>>,
    /// When it was made.
    #[diesel(deserialize_as = At)]
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    #[diesel(deserialize_as = At)]
    pub updated_at: DateTime<Utc>,
    /// When it was revoked.
    #[diesel(deserialize_as = MaybeAt)]
    pub deleted_at: Option<DateTime<Utc>>,
    /// What operators sort it by.
    #[diesel(deserialize_as = Json<Vec<String>>)]
    pub tags: Vec<String>,
    /// SHA-256 of the secret before this one.
    #[diesel(deserialize_as = MaybeHash)]
    pub previous_hash: Option<[u8; 32]>,
    /// The public ends of that secret.
    pub previous_shown: String,
    /// From when that secret works no more.
    #[diesel(deserialize_as = MaybeAt)]
    pub previous_until: Option<DateTime<Utc>>,
}

impl ApiKey {
    /// The public ends of the key.
    pub fn shown(&self) -> String {
        format!("{}…{}", self.key_prefix, self.key_last4)
    }
}

/// What an operator decides about a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKeyData {
    /// Whose it is, 0 where it stands alone.
    pub user_id: UserId,
    /// What operators call it; unique.
    pub name: String,
    /// Whether it works at all.
    pub enabled: bool,
    /// From when it works no more.
    pub expires_at: Option<DateTime<Utc>>,
    /// Whether it may use every model.
    pub all_models: bool,
    /// The operator's note.
    pub note: String,
    /// The time zone of its time rules; empty = the business time zone.
    pub time_zone: String,
    /// Networks it may be used from; empty = from everywhere.
    pub allowed_cidrs: Vec<String>,
    /// Whether fallback models may answer its calls.
    pub fallbacks: bool,
    /// Whether rules of busyness leave it alone.
    pub bypass_busyness: bool,
    /// Whether what a vendor's dialect has nothing for is refused instead of left out.
    pub strict_conversion: bool,
    /// What operators sort it by.
    pub tags: Vec<String>,
}

impl Default for ApiKeyData {
    /// A key without a name that works everywhere.
    fn default() -> Self {
        Self {
            user_id: UserId::NONE,
            name: String::new(),
            enabled: true,
            expires_at: None,
            all_models: true,
            note: String::new(),
            time_zone: String::new(),
            allowed_cidrs: Vec::new(),
            fallbacks: true,
            bypass_busyness: false,
            strict_conversion: false,
            tags: Vec::new(),
        }
    }
}

impl From<ApiKey> for ApiKeyData {
    fn from(k: ApiKey) -> Self {
        Self {
            user_id: k.user_id,
            name: k.name,
            enabled: k.enabled,
            expires_at: k.expires_at,
            all_models: k.all_models,
            note: k.note,
            time_zone: k.time_zone,
            allowed_cidrs: k.allowed_cidrs,
            fallbacks: k.fallbacks,
            bypass_busyness: k.bypass_busyness,
            strict_conversion: k.strict_conversion,
            tags: k.tags,
        }
    }
}

/// What is kept of the key itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyMaterial {
    /// SHA-256 of the key.
    pub hash: [u8; 32],
    /// The public beginning.
    pub prefix: String,
    /// The public end.
    pub last4: String,
}

/// An allow-list entry: a model everywhere, or at one provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Allowed {
    /// The model at every provider.
    Model(ModelId),
    /// The model at one provider.
    Target(TargetId),
}

#[derive(Insertable, AsChangeset)]
#[diesel(table_name = api_keys, treat_none_as_null = true)]
struct Values<'a> {
    user_id: Option<i64>,
    name: &'a str,
    enabled: bool,
    expires_at: Option<chrono::NaiveDateTime>,
    all_models: bool,
    note: &'a str,
    time_zone: &'a str,
    allowed_cidrs: String,
    fallbacks: bool,
    bypass_busyness: bool,
    strict_conversion: bool,
    tags: String,
}

impl ApiKeyData {
    fn values(&self) -> Result<Values<'_>, StoreError> {
        Ok(Values {
            user_id: Some(self.user_id.0).filter(|id| *id != 0),
            name: &self.name,
            enabled: self.enabled,
            expires_at: self.expires_at.map(at),
            all_models: self.all_models,
            note: &self.note,
            time_zone: &self.time_zone,
            allowed_cidrs: json(&self.allowed_cidrs)?,
            fallbacks: self.fallbacks,
            bypass_busyness: self.bypass_busyness,
            strict_conversion: self.strict_conversion,
            tags: json(&self.tags)?,
        })
    }
}

/// All keys that are not revoked, by name.
pub async fn list(c: &mut Conn) -> Result<Vec<ApiKey>, StoreError> {
    Ok(db!(c, |c| {
        api_keys::table
            .filter(api_keys::deleted_at.is_null())
            .order(api_keys::name)
            .select(ApiKey::as_select())
            .load(c)
            .await
    })?)
}

/// Names of all keys, revoked ones included: history points to them.
pub async fn names(c: &mut Conn) -> Result<Vec<(ApiKeyId, String)>, StoreError> {
    let rows: Vec<(i64, String)> = db!(c, |c| {
        api_keys::table
            .select((api_keys::id, api_keys::name))
            .order(api_keys::id)
            .load(c)
            .await
    })?;
    Ok(rows.into_iter().map(|(id, n)| (id.into(), n)).collect())
}

/// One key, revoked or not.
pub async fn find(c: &mut Conn, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError> {
    Ok(db!(c, |c| {
        api_keys::table
            .find(id.0)
            .select(ApiKey::as_select())
            .first(c)
            .await
            .optional()
    })?)
}

/// The key of this name that is not revoked.
pub async fn find_by_name(c: &mut Conn, name: &str) -> Result<Option<ApiKey>, StoreError> {
    Ok(db!(c, |c| {
        api_keys::table
            .filter(api_keys::name.eq(name))
            .filter(api_keys::deleted_at.is_null())
            .select(ApiKey::as_select())
            .first(c)
            .await
            .optional()
    })?)
}

/// The key with this hash that is not revoked, or whose secret before this one has the hash and still works.
pub async fn find_by_hash(
    c: &mut Conn,
    hash: &[u8; 32],
    now: DateTime<Utc>,
) -> Result<Option<ApiKey>, StoreError> {
    let (hash, now) = (to_hex(hash), at(now));
    let previous = api_keys::previous_hash
        .eq(&hash)
        .and(api_keys::previous_until.gt(now))
        .assume_not_null();
    Ok(db!(c, |c| {
        api_keys::table
            .filter(api_keys::key_hash.eq(&hash).or(previous))
            .filter(api_keys::deleted_at.is_null())
            .order(api_keys::id)
            .select(ApiKey::as_select())
            .first(c)
            .await
            .optional()
    })?)
}

/// Whether a revoked key had this hash: it stays taken for good.
pub async fn was_revoked(c: &mut Conn, hash: &[u8; 32]) -> Result<bool, StoreError> {
    let hash = to_hex(hash);
    let rows: i64 = db!(c, |c| {
        api_keys::table
            .filter(api_keys::key_hash.eq(hash))
            .filter(api_keys::deleted_at.is_not_null())
            .count()
            .get_result(c)
            .await
    })?;
    Ok(rows > 0)
}

/// Makes a key. A name or a key that is in use already is a conflict of `api_keys.name` or `api_keys.key_hash`.
pub async fn insert(
    c: &mut Conn,
    data: &ApiKeyData,
    key: &KeyMaterial,
    now: DateTime<Utc>,
) -> Result<ApiKeyId, StoreError> {
    let (values, now) = (data.values()?, at(now));
    let rest = (
        api_keys::key_hash.eq(to_hex(&key.hash)),
        api_keys::key_prefix.eq(&key.prefix),
        api_keys::key_last4.eq(&key.last4),
        api_keys::created_at.eq(now),
        api_keys::updated_at.eq(now),
    );
    let id: i64 = db!(c, |c| {
        diesel::insert_into(api_keys::table)
            .values((values, rest))
            .returning(api_keys::id)
            .get_result(c)
            .await
    })?;
    Ok(id.into())
}

/// Replaces what an operator decided. False where there is no such row.
pub async fn update(
    c: &mut Conn,
    id: ApiKeyId,
    data: &ApiKeyData,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let (values, now) = (data.values()?, at(now));
    let rows = db!(c, |c| {
        diesel::update(api_keys::table.find(id.0))
            .filter(api_keys::deleted_at.is_null())
            .set((values, api_keys::updated_at.eq(now)))
            .execute(c)
            .await
    })?;
    Ok(rows > 0)
}

/// Gives the row another key: those before stop working. False where there is no such row.
pub async fn set_key(
    c: &mut Conn,
    id: ApiKeyId,
    key: &KeyMaterial,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let now = at(now);
    let rows = db!(c, |c| {
        diesel::update(api_keys::table.find(id.0))
            .filter(api_keys::deleted_at.is_null())
            .set((
                api_keys::key_hash.eq(to_hex(&key.hash)),
                api_keys::key_prefix.eq(&key.prefix),
                api_keys::key_last4.eq(&key.last4),
                api_keys::updated_at.eq(now),
                api_keys::previous_hash.eq(None::<String>),
                api_keys::previous_shown.eq(""),
                api_keys::previous_until.eq(None::<chrono::NaiveDateTime>),
            ))
            .execute(c)
            .await
    })?;
    Ok(rows > 0)
}

/// Gives `old`, as it was read, another key; its own goes on working until `until`. The one before that stops at once.
/// False where somebody else was faster, or there is no such row.
pub async fn rotate(
    c: &mut Conn,
    old: &ApiKey,
    key: &KeyMaterial,
    until: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let (until, now) = (at(until), at(now));
    let was = to_hex(&old.key_hash);
    let rows = db!(c, |c| {
        diesel::update(api_keys::table.find(old.id.0))
            .filter(api_keys::deleted_at.is_null())
            .filter(api_keys::key_hash.eq(&was))
            .set((
                api_keys::key_hash.eq(to_hex(&key.hash)),
                api_keys::key_prefix.eq(&key.prefix),
                api_keys::key_last4.eq(&key.last4),
                api_keys::updated_at.eq(now),
                api_keys::previous_hash.eq(Some(&was)),
                api_keys::previous_shown.eq(old.shown()),
                api_keys::previous_until.eq(Some(until)),
            ))
            .execute(c)
            .await
    })?;
    Ok(rows > 0)
}

/// Ends the secret before the present one now, where it still works. False where it does not.
pub async fn end_previous(
    c: &mut Conn,
    id: ApiKeyId,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let now = at(now);
    let rows = db!(c, |c| {
        diesel::update(api_keys::table.find(id.0))
            .filter(api_keys::previous_until.gt(now))
            .set((
                api_keys::previous_until.eq(Some(now)),
                api_keys::updated_at.eq(now),
            ))
            .execute(c)
            .await
    })?;
    Ok(rows > 0)
}

/// Revokes a key for good, with its sessions and links; history keeps its name. False where there is no such row.
pub async fn revoke(c: &mut Conn, id: ApiKeyId, now: DateTime<Utc>) -> Result<bool, StoreError> {
    let rows = db!(c, |c| {
        diesel::update(api_keys::table.find(id.0))
            .filter(api_keys::deleted_at.is_null())
            .set(api_keys::deleted_at.eq(at(now)))
            .execute(c)
            .await
    })?;
    sessions::delete_of_key(c, id).await?;
    key_links::delete_all_of(c, id).await?;
    Ok(rows > 0)
}

/// The allow-lists of all keys.
pub async fn all_allowed(c: &mut Conn) -> Result<Vec<(ApiKeyId, Allowed)>, StoreError> {
    let rows: Vec<(i64, i64, i64)> = db!(c, |c| {
        api_key_models::table
            .select(api_key_models::all_columns)
            .order((
                api_key_models::api_key_id,
                api_key_models::model_id,
                api_key_models::target_id,
            ))
            .load(c)
            .await
    })?;
    Ok(rows
        .into_iter()
        .map(|(key, model, target)| (key.into(), allowed(model, target)))
        .collect())
}

/// The allow-list of one key.
pub async fn allowed_of(c: &mut Conn, id: ApiKeyId) -> Result<Vec<Allowed>, StoreError> {
    let rows: Vec<(i64, i64)> = db!(c, |c| {
        api_key_models::table
            .filter(api_key_models::api_key_id.eq(id.0))
            .select((api_key_models::model_id, api_key_models::target_id))
            .order((api_key_models::model_id, api_key_models::target_id))
            .load(c)
            .await
    })?;
    Ok(rows.into_iter().map(|(m, t)| allowed(m, t)).collect())
}

/// Replaces the allow-list of one key; `entries` hold no duplicates.
pub async fn set_allowed(
    c: &mut Conn,
    id: ApiKeyId,
    entries: &[Allowed],
) -> Result<(), StoreError> {
    db!(c, |c| {
        diesel::delete(api_key_models::table.filter(api_key_models::api_key_id.eq(id.0)))
            .execute(c)
            .await
    })?;
    if entries.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = entries
        .iter()
        .map(|entry| {
            let (model, target) = match entry {
                Allowed::Model(model) => (model.0, 0),
                Allowed::Target(target) => (0, target.0),
            };
            (
                api_key_models::api_key_id.eq(id.0),
                api_key_models::model_id.eq(model),
                api_key_models::target_id.eq(target),
            )
        })
        .collect();
    db_batch!(
        c,
        execute(diesel::insert_into(api_key_models::table).values(rows))
    )?;
    Ok(())
}

fn allowed(model: i64, target: i64) -> Allowed {
    if target == 0 {
        Allowed::Model(model.into())
    } else {
        Allowed::Target(target.into())
    }
}
