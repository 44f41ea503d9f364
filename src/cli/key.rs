//! `modelgate key`: API keys.

use modelgate_store::{api_keys, changes};
use serde_json::json;

use super::apply::{self, NewKey};
use super::args::{KeyCommand, KeyCreateArgs, KeyRevokeArgs};
use super::output::Output;
use super::{CliError, Session};

/// Runs one of the commands.
pub(super) async fn run(
    session: &Session,
    command: &KeyCommand,
    out: &mut Output,
) -> Result<(), CliError> {
    match command {
        KeyCommand::Create(args) => create(session, args, out).await,
        KeyCommand::List(_) => list(session, out).await,
        KeyCommand::Revoke(args) => revoke(session, args, out).await,
    }
}

async fn create(session: &Session, args: &KeyCreateArgs, out: &mut Output) -> Result<(), CliError> {
    let db = session.open_migrated().await?;
    let keyring = session.unlock(&db).await?;
    let new = NewKey {
        name: args.name.clone(),
        note: args.note.clone(),
        models: args.models.clone(),
    };
    let made = apply::create_key(&db, &keyring, &session.clock, new).await?;
    out.say(format_args!("new API key {}, shown this once:", made.name))?;
    out.say(made.key.expose())?;
    out.json(&json!({ "name": made.name, "key": made.key.expose() }))
}

async fn list(session: &Session, out: &mut Output) -> Result<(), CliError> {
    let db = session.open_existing().await?;
    let keys = db
        .read(|c| Box::pin(async move { api_keys::list(c).await }))
        .await?;
    let time = |at: Option<chrono::DateTime<chrono::Utc>>| {
        at.map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))
    };
    let dash = || "-".to_owned();
    let state = |key: &api_keys::ApiKey| match key.expires_at {
        _ if !key.enabled => "disabled",
        Some(at) if at <= session.clock.now() => "expired",
        _ => "active",
    };
    let rows: Vec<Vec<String>> = keys
        .iter()
        .map(|key| {
            vec![
                key.name.clone(),
                key.shown(),
                state(key).to_owned(),
                if key.all_models { "all" } else { "listed" }.to_owned(),
                time(key.last_used_at).unwrap_or_else(dash),
            ]
        })
        .collect();
    out.table(&["NAME", "KEY", "STATE", "MODELS", "LAST USED"], &rows)?;
    let list: Vec<_> = keys
        .iter()
        .map(|key| {
            json!({
                "name": key.name,
                "key": key.shown(),
                "state": state(key),
                "all_models": key.all_models,
                "expires_at": time(key.expires_at),
                "last_used_at": time(key.last_used_at),
                "created_at": time(Some(key.created_at)),
                "note": key.note,
                "tags": key.tags,
            })
        })
        .collect();
    out.json(&json!({ "keys": list }))
}

async fn revoke(session: &Session, args: &KeyRevokeArgs, out: &mut Output) -> Result<(), CliError> {
    let db = session.open_existing().await?;
    let (name, now) = (args.name.clone(), session.clock.now());
    let mut change = session.change("api_key.revoke", format!("API key {name}"));
    db.write(move |c| {
        Box::pin(async move {
            let Some(key) = api_keys::find_by_name(c, &name).await? else {
                return Err(CliError::Failed(format!(
                    "there is no API key {name}; `modelgate key list` shows them"
                )));
            };
            api_keys::revoke(c, key.id, now).await?;
            change.before = Some(json!({ "name": name, "prefix": key.key_prefix }));
            changes::record(c, &change).await?;
            Ok(())
        })
    })
    .await?;
    let name = &args.name;
    out.say(format_args!("revoked the API key {name}"))?;
    out.json(&json!({ "name": name, "revoked": true }))
}
