//! Accounts of people.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use modelgate_domain::{Permission, Role, Secret, UserId};

use crate::columns::{At, MaybeAt, MaybeHidden, Name, at};
use crate::conn::db;
use crate::schema::users;
use crate::{Conn, StoreError};

/// A row of `users`.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = users)]
pub struct User {
    /// The row.
    #[diesel(deserialize_as = i64)]
    pub id: UserId,
    /// Unique among accounts that are not deleted.
    pub username: String,
    /// Where notices go.
    pub email: Option<String>,
    /// What people read; empty means the username.
    pub display_name: String,
    /// Argon2id; absent for accounts that log in with a key only.
    #[diesel(deserialize_as = MaybeHidden)]
    pub password_hash: Option<Secret>,
    /// What it may do.
    #[diesel(deserialize_as = Name<Role>)]
    pub role: Role,
    /// Whether it may log in, and its keys be used.
    pub enabled: bool,
    /// Whether somebody else chose its password: it is changed before anything else.
    pub must_change_password: bool,
    /// Language of the pages; the browser's where absent.
    pub locale: Option<String>,
    /// `light` or `dark`; the system's where absent.
    pub theme: Option<String>,
    /// The time zone it reads in; the business time zone where absent.
    pub time_zone: Option<String>,
    /// When it last logged in.
    #[diesel(deserialize_as = MaybeAt)]
    pub last_login_at: Option<DateTime<Utc>>,
    /// When it was made.
    #[diesel(deserialize_as = At)]
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    #[diesel(deserialize_as = At)]
    pub updated_at: DateTime<Utc>,
    /// When it was deleted.
    #[diesel(deserialize_as = MaybeAt)]
    pub deleted_at: Option<DateTime<Utc>>,
}

/// A new account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewUser {
    /// Unique among accounts that are not deleted.
    pub username: String,
    /// Where notices go.
    pub email: Option<String>,
    /// What people read; empty means the username.
    pub display_name: String,
    /// Argon2id; absent until its owner chooses one.
    pub password_hash: Option<Secret>,
    /// Whether somebody else chose it.
    pub must_change_password: bool,
    /// What it may do.
    pub role: Role,
}

/// What an administrator decides about an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserData {
    /// Unique among accounts that are not deleted.
    pub username: String,
    /// What people read; empty means the username.
    pub display_name: String,
    /// What it may do.
    pub role: Role,
    /// Whether it may log in, and its keys be used.
    pub enabled: bool,
}

impl From<User> for UserData {
    fn from(user: User) -> Self {
        Self {
            username: user.username,
            display_name: user.display_name,
            role: user.role,
            enabled: user.enabled,
        }
    }
}

/// All accounts that are not deleted, by name.
pub async fn list(c: &mut Conn) -> Result<Vec<User>, StoreError> {
    Ok(db!(c, |c| {
        users::table
            .filter(users::deleted_at.is_null())
            .order(users::username)
            .select(User::as_select())
            .load(c)
            .await
    })?)
}

/// One account, deleted or not.
pub async fn find(c: &mut Conn, id: UserId) -> Result<Option<User>, StoreError> {
    Ok(db!(c, |c| {
        users::table
            .find(id.0)
            .select(User::as_select())
            .first(c)
            .await
            .optional()
    })?)
}

/// The account of this name that is not deleted.
pub async fn find_by_username(c: &mut Conn, username: &str) -> Result<Option<User>, StoreError> {
    Ok(db!(c, |c| {
        users::table
            .filter(users::username.eq(username))
            .filter(users::deleted_at.is_null())
            .select(User::as_select())
            .first(c)
            .await
            .optional()
    })?)
}

/// Whether an account has this name, or one that differs by capital letters only.
pub async fn is_taken(c: &mut Conn, username: &str) -> Result<bool, StoreError> {
    let wanted = username.to_lowercase();
    // the engines fold letters differently, and accounts are few
    let all = list(c).await?;
    Ok(all
        .iter()
        .any(|user| user.username.to_lowercase() == wanted))
}

/// How many accounts with this permission can log in: they may, and have a password.
pub async fn count_who_may(c: &mut Conn, asked: Permission) -> Result<i64, StoreError> {
    let roles = Role::ALL.iter().filter(|role| role.may(asked));
    let roles: Vec<&str> = roles.map(|role| role.as_str()).collect();
    Ok(db!(c, |c| {
        users::table
            .filter(users::role.eq_any(&roles))
            .filter(users::enabled)
            .filter(users::password_hash.is_not_null())
            .filter(users::deleted_at.is_null())
            .count()
            .get_result(c)
            .await
    })?)
}

/// Makes an account. A taken name is a conflict of `users.username`.
pub async fn insert(c: &mut Conn, new: &NewUser, now: DateTime<Utc>) -> Result<UserId, StoreError> {
    let now = at(now);
    let id: i64 = db!(c, |c| {
        diesel::insert_into(users::table)
            .values((
                users::username.eq(&new.username),
                users::email.eq(new.email.as_deref()),
                users::display_name.eq(&new.display_name),
                users::password_hash.eq(new.password_hash.as_ref().map(Secret::expose)),
                users::must_change_password.eq(new.must_change_password),
                users::role.eq(new.role.as_str()),
                users::created_at.eq(now),
                users::updated_at.eq(now),
            ))
            .returning(users::id)
            .get_result(c)
            .await
    })?;
    Ok(id.into())
}

/// Changes the password; `must_change` says that its owner did not choose it. False where there is no such account.
pub async fn set_password(
    c: &mut Conn,
    id: UserId,
    hash: &Secret,
    must_change: bool,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let now = at(now);
    let rows = db!(c, |c| {
        diesel::update(users::table.find(id.0))
            .filter(users::deleted_at.is_null())
            .set((
                users::password_hash.eq(hash.expose()),
                users::must_change_password.eq(must_change),
                users::updated_at.eq(now),
            ))
            .execute(c)
            .await
    })?;
    Ok(rows > 0)
}

/// Changes what an administrator decides. False where there is no such account; a taken name is a conflict of
/// `users.username`.
pub async fn update(
    c: &mut Conn,
    id: UserId,
    data: &UserData,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let now = at(now);
    let rows = db!(c, |c| {
        diesel::update(users::table.find(id.0))
            .filter(users::deleted_at.is_null())
            .set((
                users::username.eq(&data.username),
                users::display_name.eq(&data.display_name),
                users::role.eq(data.role.as_str()),
                users::enabled.eq(data.enabled),
                users::updated_at.eq(now),
            ))
            .execute(c)
            .await
    })?;
    Ok(rows > 0)
}

/// Deletes an account: nobody logs in with it any more, and its name is free. What points to it stays. False where there
/// is no such account.
pub async fn delete(c: &mut Conn, id: UserId, now: DateTime<Utc>) -> Result<bool, StoreError> {
    let now = at(now);
    let rows = db!(c, |c| {
        diesel::update(users::table.find(id.0))
            .filter(users::deleted_at.is_null())
            .set((
                users::password_hash.eq(None::<&str>),
                users::enabled.eq(false),
                users::updated_at.eq(now),
                users::deleted_at.eq(now),
            ))
            .execute(c)
            .await
    })?;
    Ok(rows > 0)
}

/// Saves language and theme; absent means "as the browser says".
pub async fn set_preferences(
    c: &mut Conn,
    id: UserId,
    locale: Option<&str>,
    theme: Option<&str>,
) -> Result<(), StoreError> {
    db!(c, |c| {
        diesel::update(users::table.find(id.0))
            .set((users::locale.eq(locale), users::theme.eq(theme)))
            .execute(c)
            .await
    })?;
    Ok(())
}

/// Saves the time zone; absent means the business time zone.
pub async fn set_time_zone(c: &mut Conn, id: UserId, zone: Option<&str>) -> Result<(), StoreError> {
    db!(c, |c| {
        diesel::update(users::table.find(id.0))
            .set(users::time_zone.eq(zone))
            .execute(c)
            .await
    })?;
    Ok(())
}

/// Notes a log-in.
pub async fn set_last_login(
    c: &mut Conn,
    id: UserId,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let now = at(now);
    db!(c, |c| {
        diesel::update(users::table.find(id.0))
            .set(users::last_login_at.eq(now))
            .execute(c)
            .await
    })?;
    Ok(())
}
