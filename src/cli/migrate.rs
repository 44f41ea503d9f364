//! `modelgate migrate`: bring the database to this version's schema, or show where it stands.

use serde_json::json;

use super::args::MigrateArgs;
use super::output::Output;
use super::{CliError, Session};

/// Runs the command.
pub(super) async fn run(
    session: &Session,
    args: &MigrateArgs,
    out: &mut Output,
) -> Result<(), CliError> {
    if args.status {
        return status(session, out).await;
    }
    let db = session.open().await?;
    let ran = db.migrate().await?;
    for name in &ran {
        out.say(format_args!("applied {name}"))?;
    }
    if ran.is_empty() {
        out.say("nothing to do: the database is at the schema of this version")?;
    }
    out.json(&json!({ "applied": ran }))
}

async fn status(session: &Session, out: &mut Output) -> Result<(), CliError> {
    if !session.has_database() {
        out.say("there is no database yet: `modelgate migrate` makes it")?;
        return out.json(&json!({ "database": false, "migrations": [] }));
    }
    let migrations = session.open().await?.migrations().await?;
    for migration in &migrations {
        let state = if migration.applied {
            "applied"
        } else {
            "pending"
        };
        out.say(format_args!("{state}  {}", migration.name))?;
    }
    let list: Vec<_> = migrations
        .iter()
        .map(|m| json!({ "name": m.name, "applied": m.applied }))
        .collect();
    out.json(&json!({ "database": true, "migrations": list }))
}
