//! `modelgate apply` and `modelgate export`.

use std::io::Read as _;
use std::path::Path;

use serde_json::json;

use super::apply::{self, Document};
use super::args::ApplyArgs;
use super::output::Output;
use super::{CliError, Session};
use crate::secrets::unlock_known;

/// Applies a file, or says what that would do.
pub(super) async fn apply(
    session: &Session,
    args: &ApplyArgs,
    out: &mut Output,
) -> Result<(), CliError> {
    let name = args.file.display().to_string();
    let text = read(&args.file).map_err(|e| CliError::Usage(format!("cannot read {name}: {e}")))?;
    let document = Document {
        name: &name,
        text: &text,
    };
    if args.dry_run {
        return plan(session, document, out).await;
    }
    // A file that is wrong in itself must not even make an empty database.
    apply::check(document, session.env.as_ref())?;
    let db = session.open_migrated().await?;
    let keyring = session.unlock(&db).await?;
    let env = session.env.as_ref();
    let outcome = apply::apply(&db, &keyring, &session.clock, document, env).await?;
    tell(out, &outcome)?;
    match outcome.generation {
        None => out.say("nothing to do: everything is as the file says")?,
        Some(generation) => {
            let count = outcome.differences.len();
            out.say(format_args!(
                "applied {count} changes (generation {generation})"
            ))?;
        }
    }
    for made in &outcome.made {
        out.say(format_args!(
            "\nnew API key {}, shown this once:\n  {}",
            made.name,
            made.key.expose()
        ))?;
    }
    let made: Vec<_> = outcome
        .made
        .iter()
        .map(|m| json!({ "name": m.name, "key": m.key.expose() }))
        .collect();
    out.json(&json!({
        "dry_run": false,
        "changes": outcome.differences,
        "warnings": outcome.warnings,
        "made": made,
        "generation": outcome.generation,
    }))
}

async fn plan(session: &Session, document: Document<'_>, out: &mut Output) -> Result<(), CliError> {
    let fresh = !session.has_database();
    let db = if fresh {
        None
    } else {
        Some(session.open().await?)
    };
    let mut keyring = None;
    let mut readable = None;
    if let Some(db) = &db {
        let migrations = db.migrations().await?;
        // A server's empty database is as good as none.
        if migrations.iter().any(|m| m.applied) {
            if migrations.iter().any(|m| !m.applied) {
                return Err(CliError::Failed(
                    "the database is older than this program: run `modelgate migrate` first"
                        .to_owned(),
                ));
            }
            keyring = unlock_known(&session.config, db).await?;
            readable = Some(db);
        }
    }
    let env = session.env.as_ref();
    let outcome = apply::plan(readable, keyring, &session.clock, document, env).await?;
    tell(out, &outcome)?;
    out.say(match outcome.differences.len() {
        0 => "nothing would change".to_owned(),
        count => format!("{count} changes; nothing was changed (--dry-run)"),
    })?;
    out.json(&json!({ "dry_run": true, "changes": outcome.differences, "warnings": outcome.warnings, "made": [], "generation": null }))
}

fn tell(out: &mut Output, outcome: &apply::Outcome) -> Result<(), CliError> {
    outcome.differences.iter().try_for_each(|d| out.say(d))?;
    let mut warnings = outcome.warnings.iter();
    warnings.try_for_each(|warning| out.say(format_args!("warning: {warning}")))
}

fn read(path: &Path) -> std::io::Result<String> {
    if path.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        return Ok(text);
    }
    std::fs::read_to_string(path)
}

/// Prints the present state as a file.
pub(super) async fn export(session: &Session, out: &mut Output) -> Result<(), CliError> {
    let db = session.open_existing().await?;
    let text = apply::export(&db, &session.clock).await?;
    if out.is_json() {
        let value: toml::Value = toml::from_str(&text)
            .map_err(|_toml| CliError::Failed("the export is not valid TOML".to_owned()))?;
        return out.json(&value);
    }
    out.raw(&text)
}
