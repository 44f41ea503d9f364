//! What a database is given at the start: the first accounts, and the sums of days where it has none.

use modelgate_domain::{Permission, Role, Secret, UserId};
use modelgate_store::changes::{self, Change};
use modelgate_store::users::{self, NewUser};
use modelgate_store::{Db, StoreError, daily};
use serde_json::json;

use super::AppError;
use crate::clock::Clock;
use crate::config::Config;
use crate::secrets::{hash_password, random_token};
use crate::web::public::setup;

/// Makes the administrators of `ADMIN_USERS` that are missing; never touches one that is there.
pub(super) async fn accounts(config: &Config, db: &Db, clock: &Clock) -> Result<(), AppError> {
    for (username, password) in &config.admin_users {
        let name = username.clone();
        let found = db
            .read(move |c| Box::pin(async move { users::find_by_username(c, &name).await }))
            .await?;
        if found.is_none() {
            create(db, clock, username, password).await?;
        }
    }
    Ok(())
}

/// Adds days up in a database from before they were kept.
pub(super) async fn days(config: &Config, db: &Db) -> Result<(), AppError> {
    let zone = config.time_zone;
    let days = db
        .write(move |c| Box::pin(async move { daily::fill(c, zone).await }))
        .await?;
    if days > 0 {
        tracing::info!(days, "the sums of days were made from those of quarters");
    }
    Ok(())
}

/// Opens the one-time set-up page where nobody can administer this gateway yet. Links of other instances and of starts
/// before stay good until they expire: any instance may be asked for any of them.
pub(super) async fn setup_token(db: &Db, clock: &Clock) -> Result<Option<Secret>, AppError> {
    let admins = db
        .read(|c| Box::pin(async move { users::count_who_may(c, Permission::Accounts).await }))
        .await?;
    if admins > 0 {
        return Ok(None);
    }
    let token = random_token()?;
    let (link, now) = (token.clone(), clock.now());
    let opened: Result<(), StoreError> = db
        .write(move |c| Box::pin(async move { setup::open(c, &link, UserId::NONE, now).await }))
        .await;
    opened?;
    Ok(Some(token))
}

async fn create(db: &Db, clock: &Clock, username: &str, password: &Secret) -> Result<(), AppError> {
    let secret = password.clone();
    let hash = db.runtime().spawn_blocking(move || hash_password(&secret));
    let hash = hash
        .await
        .map_err(|died| StoreError::Task(died.to_string()))??;
    let user = NewUser {
        username: username.to_owned(),
        email: None,
        display_name: String::new(),
        password_hash: Some(Secret::new(hash)),
        must_change_password: false,
        role: Role::Owner,
    };
    let now = clock.now();
    let change = Change {
        at: now,
        actor: "ADMIN_USERS".to_owned(),
        actor_address: String::new(),
        action: "user.create".to_owned(),
        object: format!("user {username}"),
        before: None,
        after: Some(json!({ "username": username, "role": Role::Owner })),
        reason: "named in the environment and missing".to_owned(),
    };
    let made: Result<(), StoreError> = db
        .write(move |c| {
            Box::pin(async move {
                users::insert(c, &user, now).await?;
                changes::record(c, &change).await?;
                Ok(())
            })
        })
        .await;
    match made {
        // Another instance made it in the same moment.
        Err(error) if error.is_conflict("users", "username") => Ok(()),
        Err(error) => Err(error.into()),
        Ok(()) => {
            tracing::info!(username, "made the administrator named in the environment");
            Ok(())
        }
    }
}
