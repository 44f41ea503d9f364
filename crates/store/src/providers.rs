//! Vendor endpoints.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use modelgate_domain::ProviderId;

use crate::columns::{At, MaybeAt, at};
use crate::conn::db;
use crate::schema::providers;
use crate::{Conn, StoreError};

/// A row of `providers`.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = providers)]
pub struct Provider {
    /// The row.
    #[diesel(deserialize_as = i64)]
    pub id: ProviderId,
    /// Unique slug, the prefix in `provider/model`.
    pub name: String,
    /// What people read; empty means the slug.
    pub display_name: String,
    /// Which preset it was made from, empty for none.
    pub template: String,
    /// `openai`, `anthropic`.
    pub protocol: String,
    /// Joined with endpoint paths as it stands.
    pub base_url: String,
    /// Headers sent with every call, sealed; `[]` for none.
    pub extra_headers: String,
    /// Sent as `user-agent`, the product's own where absent.
    pub user_agent: Option<String>,
    /// Outbound proxy, sealed.
    pub proxy_url: Option<String>,
    /// Until the connection stands.
    pub connect_timeout_ms: i64,
    /// Until the first byte or event.
    pub first_byte_timeout_ms: i64,
    /// Between two reads.
    pub idle_timeout_ms: i64,
    /// Whether calls may go there.
    pub enabled: bool,
    /// When it was made.
    #[diesel(deserialize_as = At)]
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    #[diesel(deserialize_as = At)]
    pub updated_at: DateTime<Utc>,
    /// When it was deleted; history keeps its name.
    #[diesel(deserialize_as = MaybeAt)]
    pub deleted_at: Option<DateTime<Utc>>,
}

/// What an operator decides about a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderData {
    /// Unique slug.
    pub name: String,
    /// What people read; empty means the slug.
    pub display_name: String,
    /// Which preset it was made from, empty for none.
    pub template: String,
    /// `openai`, `anthropic`.
    pub protocol: String,
    /// Joined with endpoint paths as it stands.
    pub base_url: String,
    /// Sent as `user-agent`.
    pub user_agent: Option<String>,
    /// Until the connection stands.
    pub connect_timeout_ms: i64,
    /// Until the first byte or event.
    pub first_byte_timeout_ms: i64,
    /// Between two reads.
    pub idle_timeout_ms: i64,
    /// Whether calls may go there.
    pub enabled: bool,
}

impl From<Provider> for ProviderData {
    fn from(p: Provider) -> Self {
        Self {
            name: p.name,
            display_name: p.display_name,
            template: p.template,
            protocol: p.protocol,
            base_url: p.base_url,
            user_agent: p.user_agent,
            connect_timeout_ms: p.connect_timeout_ms,
            first_byte_timeout_ms: p.first_byte_timeout_ms,
            idle_timeout_ms: p.idle_timeout_ms,
            enabled: p.enabled,
        }
    }
}

#[derive(Insertable, AsChangeset)]
#[diesel(table_name = providers, treat_none_as_null = true)]
struct Values<'a> {
    name: &'a str,
    display_name: &'a str,
    template: &'a str,
    protocol: &'a str,
    base_url: &'a str,
    user_agent: Option<String>,
    connect_timeout_ms: i64,
    first_byte_timeout_ms: i64,
    idle_timeout_ms: i64,
    enabled: bool,
}

impl ProviderData {
    fn values(&self) -> Values<'_> {
        Values {
            name: &self.name,
            display_name: &self.display_name,
            template: &self.template,
            protocol: &self.protocol,
            base_url: &self.base_url,
            user_agent: self.user_agent.clone(),
            connect_timeout_ms: self.connect_timeout_ms,
            first_byte_timeout_ms: self.first_byte_timeout_ms,
            idle_timeout_ms: self.idle_timeout_ms,
            enabled: self.enabled,
        }
    }
}

/// All providers that are not deleted, by name.
pub async fn list(c: &mut Conn) -> Result<Vec<Provider>, StoreError> {
    Ok(db!(c, |c| {
        providers::table
            .filter(providers::deleted_at.is_null())
            .order(providers::name)
            .select(Provider::as_select())
            .load(c)
            .await
    })?)
}

/// Names of all providers, deleted ones included: history points to them.
pub async fn names(c: &mut Conn) -> Result<Vec<(ProviderId, String)>, StoreError> {
    let rows: Vec<(i64, String)> = db!(c, |c| {
        providers::table
            .select((providers::id, providers::name))
            .order(providers::id)
            .load(c)
            .await
    })?;
    Ok(rows.into_iter().map(|(id, n)| (id.into(), n)).collect())
}

/// One provider, deleted or not.
pub async fn find(c: &mut Conn, id: ProviderId) -> Result<Option<Provider>, StoreError> {
    Ok(db!(c, |c| {
        providers::table
            .find(id.0)
            .select(Provider::as_select())
            .first(c)
            .await
            .optional()
    })?)
}

/// Makes a provider.
pub async fn insert(
    c: &mut Conn,
    data: &ProviderData,
    now: DateTime<Utc>,
) -> Result<ProviderId, StoreError> {
    let (values, now) = (data.values(), at(now));
    let times = (providers::created_at.eq(now), providers::updated_at.eq(now));
    let id: i64 = db!(c, |c| {
        diesel::insert_into(providers::table)
            .values((values, times))
            .returning(providers::id)
            .get_result(c)
            .await
    })?;
    Ok(id.into())
}

/// Replaces what an operator decided. False where there is no such row.
pub async fn update(
    c: &mut Conn,
    id: ProviderId,
    data: &ProviderData,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let (values, now) = (data.values(), at(now));
    let rows = db!(c, |c| {
        diesel::update(providers::table.find(id.0))
            .filter(providers::deleted_at.is_null())
            .set((values, providers::updated_at.eq(now)))
            .execute(c)
            .await
    })?;
    Ok(rows > 0)
}

/// What goes with every call and may be secret, sealed for the provider's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedOutbound {
    /// `[]` for none.
    pub extra_headers: String,
    /// Absent for none.
    pub proxy_url: Option<String>,
}

/// Replaces a provider's headers and proxy. False where there is no such row.
pub async fn set_outbound(
    c: &mut Conn,
    id: ProviderId,
    sealed: &SealedOutbound,
) -> Result<bool, StoreError> {
    let rows = db!(c, |c| diesel::update(providers::table.find(id.0))
        .filter(providers::deleted_at.is_null())
        .set((
            providers::extra_headers.eq(&sealed.extra_headers),
            providers::proxy_url.eq(sealed.proxy_url.as_deref()),
        ))
        .execute(c)
        .await)?;
    Ok(rows > 0)
}

/// Deletes a provider with its credentials and targets; history keeps their names. False where there is no such row.
pub async fn delete(c: &mut Conn, id: ProviderId, now: DateTime<Utc>) -> Result<bool, StoreError> {
    use crate::schema::{provider_keys, targets};
    let time = at(now);
    db!(c, |c| {
        diesel::update(provider_keys::table)
            .filter(provider_keys::provider_id.eq(id.0))
            .filter(provider_keys::deleted_at.is_null())
            .set((
                provider_keys::secret.eq(""),
                provider_keys::deleted_at.eq(time),
            ))
            .execute(c)
            .await
    })?;
    db!(c, |c| {
        diesel::update(targets::table)
            .filter(targets::provider_id.eq(id.0))
            .filter(targets::deleted_at.is_null())
            .set(targets::deleted_at.eq(time))
            .execute(c)
            .await
    })?;
    let rows = db!(c, |c| {
        diesel::update(providers::table.find(id.0))
            .filter(providers::deleted_at.is_null())
            .set(providers::deleted_at.eq(time))
            .execute(c)
            .await
    })?;
    Ok(rows > 0)
}
