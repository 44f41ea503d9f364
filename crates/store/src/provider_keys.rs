//! Vendor credentials. The secret is ciphertext here; only the caller can seal and open it.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use modelgate_domain::{CredentialState, ProviderId, ProviderKeyId, Secret, StateBy};

use crate::columns::{At, Hidden, MaybeAt, Name, at};
use crate::conn::db;
use crate::schema::provider_keys;
use crate::{Conn, StoreError};

/// A row of `provider_keys`.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = provider_keys)]
pub struct ProviderKey {
    /// The row.
    #[diesel(deserialize_as = i64)]
    pub id: ProviderKeyId,
    /// Whose credential.
    #[diesel(deserialize_as = i64)]
    pub provider_id: ProviderId,
    /// Unique within the provider.
    pub label: String,
    /// Ciphertext, bound to this table and row.
    #[diesel(deserialize_as = Hidden)]
    pub secret: Secret,
    /// The last characters of the plain secret.
    pub secret_last4: String,
    /// Share of calls among the provider's credentials; 0 = never.
    pub weight: i64,
    /// Whether it may be used.
    #[diesel(deserialize_as = Name<CredentialState>)]
    pub state: CredentialState,
    /// Why it is in that state.
    pub state_reason: String,
    /// Who put it there.
    #[diesel(deserialize_as = Name<StateBy>)]
    pub state_by: StateBy,
    /// Until when, where that is known.
    pub state_until_ms: Option<i64>,
    /// When it last worked.
    #[diesel(deserialize_as = MaybeAt)]
    pub last_ok_at: Option<DateTime<Utc>>,
    /// What went wrong last, empty after a success.
    pub last_error: String,
    /// When it was made.
    #[diesel(deserialize_as = At)]
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    #[diesel(deserialize_as = At)]
    pub updated_at: DateTime<Utc>,
}

/// The state of a credential and its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewState {
    /// The state.
    pub state: CredentialState,
    /// Why.
    pub reason: String,
    /// Who says so.
    pub by: StateBy,
    /// Until when, where that is known.
    pub until_ms: Option<i64>,
}

/// All credentials that are not deleted, by provider and row.
pub async fn list(c: &mut Conn) -> Result<Vec<ProviderKey>, StoreError> {
    Ok(db!(c, |c| {
        provider_keys::table
            .filter(provider_keys::deleted_at.is_null())
            .order((provider_keys::provider_id, provider_keys::id))
            .select(ProviderKey::as_select())
            .load(c)
            .await
    })?)
}

/// The credentials of one provider that are not deleted, by row.
pub async fn list_of(c: &mut Conn, provider: ProviderId) -> Result<Vec<ProviderKey>, StoreError> {
    Ok(db!(c, |c| {
        provider_keys::table
            .filter(provider_keys::provider_id.eq(provider.0))
            .filter(provider_keys::deleted_at.is_null())
            .order(provider_keys::id)
            .select(ProviderKey::as_select())
            .load(c)
            .await
    })?)
}

/// Whose each credential is, deleted ones included.
pub async fn owners(c: &mut Conn) -> Result<Vec<(ProviderKeyId, ProviderId)>, StoreError> {
    let rows: Vec<(i64, i64)> = db!(c, |c| {
        provider_keys::table
            .select((provider_keys::id, provider_keys::provider_id))
            .load(c)
            .await
    })?;
    Ok(rows
        .into_iter()
        .map(|(id, provider)| (id.into(), provider.into()))
        .collect())
}

/// Labels of all credentials, deleted ones included: history points to them.
pub async fn names(c: &mut Conn) -> Result<Vec<(ProviderKeyId, String)>, StoreError> {
    let rows: Vec<(i64, String)> = db!(c, |c| {
        provider_keys::table
            .select((provider_keys::id, provider_keys::label))
            .order(provider_keys::id)
            .load(c)
            .await
    })?;
    Ok(rows.into_iter().map(|(id, n)| (id.into(), n)).collect())
}

/// One credential, deleted or not.
pub async fn find(c: &mut Conn, id: ProviderKeyId) -> Result<Option<ProviderKey>, StoreError> {
    Ok(db!(c, |c| {
        provider_keys::table
            .find(id.0)
            .select(ProviderKey::as_select())
            .first(c)
            .await
            .optional()
    })?)
}

/// Makes a credential without a secret: sealing needs the row, so [`set_secret`] follows in the same transaction.
pub async fn insert(
    c: &mut Conn,
    provider: ProviderId,
    label: &str,
    weight: i64,
    now: DateTime<Utc>,
) -> Result<ProviderKeyId, StoreError> {
    let now = at(now);
    let id: i64 = db!(c, |c| {
        diesel::insert_into(provider_keys::table)
            .values((
                provider_keys::provider_id.eq(provider.0),
                provider_keys::label.eq(label),
                provider_keys::secret.eq(""),
                provider_keys::weight.eq(weight),
                provider_keys::created_at.eq(now),
                provider_keys::updated_at.eq(now),
            ))
            .returning(provider_keys::id)
            .get_result(c)
            .await
    })?;
    Ok(id.into())
}

/// Replaces the ciphertext and the shown last characters. False where there is no such row.
pub async fn set_secret(
    c: &mut Conn,
    id: ProviderKeyId,
    ciphertext: &str,
    last4: &str,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let now = at(now);
    let rows = db!(c, |c| {
        diesel::update(provider_keys::table.find(id.0))
            .filter(provider_keys::deleted_at.is_null())
            .set((
                provider_keys::secret.eq(ciphertext),
                provider_keys::secret_last4.eq(last4),
                provider_keys::updated_at.eq(now),
            ))
            .execute(c)
            .await
    })?;
    Ok(rows > 0)
}

/// Changes label and weight. False where there is no such row.
pub async fn update(
    c: &mut Conn,
    id: ProviderKeyId,
    label: &str,
    weight: i64,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let now = at(now);
    let rows = db!(c, |c| {
        diesel::update(provider_keys::table.find(id.0))
            .filter(provider_keys::deleted_at.is_null())
            .set((
                provider_keys::label.eq(label),
                provider_keys::weight.eq(weight),
                provider_keys::updated_at.eq(now),
            ))
            .execute(c)
            .await
    })?;
    Ok(rows > 0)
}

/// Puts a credential into a state. What an operator disabled, only an operator enables again: then, and where
/// there is no such row, false.
pub async fn set_state(
    c: &mut Conn,
    id: ProviderKeyId,
    new: &NewState,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let now = at(now);
    let by_system = new.by == StateBy::System;
    let rows = db!(c, |c| {
        diesel::update(provider_keys::table.find(id.0))
            .filter(provider_keys::deleted_at.is_null())
            .filter(diesel::dsl::not(
                provider_keys::state
                    .eq(CredentialState::Disabled.as_str())
                    .and(provider_keys::state_by.eq(StateBy::Admin.as_str()))
                    .and(by_system.into_sql::<diesel::sql_types::Bool>()),
            ))
            .set((
                provider_keys::state.eq(new.state.as_str()),
                provider_keys::state_reason.eq(&new.reason),
                provider_keys::state_by.eq(new.by.as_str()),
                provider_keys::state_until_ms.eq(new.until_ms),
                provider_keys::updated_at.eq(now),
            ))
            .execute(c)
            .await
    })?;
    Ok(rows > 0)
}

/// Notes the outcome of a test: when it worked, or the error.
pub async fn set_tested(
    c: &mut Conn,
    id: ProviderKeyId,
    outcome: Result<DateTime<Utc>, &str>,
) -> Result<(), StoreError> {
    let (ok_at, error) = match outcome {
        Ok(time) => (Some(at(time)), ""),
        Err(error) => (None, error),
    };
    db!(c, |c| {
        diesel::update(provider_keys::table.find(id.0))
            .set((
                // `None` leaves the column alone.
                ok_at.map(|time| provider_keys::last_ok_at.eq(time)),
                provider_keys::last_error.eq(error),
            ))
            .execute(c)
            .await
    })?;
    Ok(())
}

/// Forgets how the last tests of a credential ended: they were those of another secret.
pub async fn forget_tests(c: &mut Conn, id: ProviderKeyId) -> Result<(), StoreError> {
    let never = None.map(at);
    db!(c, |c| {
        diesel::update(provider_keys::table.find(id.0))
            .set((
                provider_keys::last_ok_at.eq(never),
                provider_keys::last_error.eq(""),
            ))
            .execute(c)
            .await
    })?;
    Ok(())
}

/// Deletes a credential and wipes its secret. False where there is no such row.
pub async fn delete(
    c: &mut Conn,
    id: ProviderKeyId,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let now = at(now);
    let rows = db!(c, |c| {
        diesel::update(provider_keys::table.find(id.0))
            .filter(provider_keys::deleted_at.is_null())
            .set((
                provider_keys::secret.eq(""),
                provider_keys::deleted_at.eq(now),
            ))
            .execute(c)
            .await
    })?;
    Ok(rows > 0)
}
