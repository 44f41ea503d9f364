//! `modelgate admin`: administrators' accounts.

use modelgate_domain::{Role, Secret};
use modelgate_store::users::{self, NewUser};
use modelgate_store::{Db, changes, sessions};
use serde_json::json;

use super::args::{AdminArgs, AdminCommand};
use super::output::Output;
use super::{CliError, Session, password};
use crate::config::username;
use crate::secrets::hash_password;

/// Runs one of the commands.
pub(super) async fn run(
    session: &Session,
    command: &AdminCommand,
    out: &mut Output,
) -> Result<(), CliError> {
    match command {
        AdminCommand::Create(args) => create(session, args, out).await,
        AdminCommand::ResetPassword(args) => reset(session, args, out).await,
    }
}

async fn create(session: &Session, args: &AdminArgs, out: &mut Output) -> Result<(), CliError> {
    let name = username(&args.username).map_err(CliError::Usage)?;
    let password = password::read_new()?;
    let db = session.open_migrated().await?;
    let user = NewUser {
        username: name.clone(),
        email: None,
        display_name: String::new(),
        password_hash: Some(hash(&db, password).await?),
        must_change_password: true,
        role: Role::Owner,
    };
    let now = session.clock.now();
    let mut change = session.change("user.create", format!("user {name}"));
    change.after = Some(json!({ "username": name, "role": Role::Owner }));
    let taken = format!(
        "there is an account {name} already; `modelgate admin reset-password {name}` gives it another password"
    );
    db.write(move |c| {
        Box::pin(async move {
            if users::is_taken(c, &user.username).await? {
                return Err(CliError::Failed(taken));
            }
            users::insert(c, &user, now).await?;
            changes::record(c, &change).await?;
            Ok(())
        })
    })
    .await?;
    out.say(format_args!(
        "made the administrator {name}, who chooses another password at the first log-in"
    ))?;
    out.json(&json!({ "username": name, "created": true }))
}

async fn reset(session: &Session, args: &AdminArgs, out: &mut Output) -> Result<(), CliError> {
    let name = username(&args.username).map_err(CliError::Usage)?;
    let db = session.open_migrated().await?;
    let wanted = name.clone();
    let user = db
        .read(move |c| Box::pin(async move { users::find_by_username(c, &wanted).await }))
        .await?;
    let Some(user) = user else {
        return Err(CliError::Failed(format!(
            "there is no account {name}; `modelgate admin create {name}` makes an administrator"
        )));
    };
    let hash = hash(&db, password::read_new()?).await?;
    let now = session.clock.now();
    let change = session.change("user.reset_password", format!("user {name}"));
    let ended = db
        .write(move |c| {
            Box::pin(async move {
                users::set_password(c, user.id, &hash, true, now).await?;
                let ended = sessions::delete_of(c, user.id, None).await?;
                changes::note(c, &change).await?;
                Ok::<_, CliError>(ended)
            })
        })
        .await?;
    out.say(format_args!(
        "changed the password of {name}, who chooses another at the next log-in; {ended} sessions were ended"
    ))?;
    out.json(&json!({ "username": name, "sessions_ended": ended }))
}

async fn hash(db: &Db, password: Secret) -> Result<Secret, CliError> {
    let hashed = db
        .runtime()
        .spawn_blocking(move || hash_password(&password));
    let hashed = hashed
        .await
        .map_err(|e| CliError::Failed(e.to_string()))??;
    Ok(Secret::new(hashed))
}
