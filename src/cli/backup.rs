//! `modelgate backup` and `modelgate restore`.

use modelgate_domain::money::format_nanos;
use modelgate_store::{Engine, changes};
use serde_json::json;

use super::args::{BackupArgs, RestoreArgs};
use super::output::Output;
use super::{CliError, Session};
use crate::backup::{self, BackupError, Manifest};
use crate::i18n::format;

const BESIDES: &str = "the master key (SECRET_KEY, or master.key in DATA_DIR) and the journal in DATA_DIR are not in it: keep the key elsewhere, without it no vendor's credential can be opened";

impl From<BackupError> for CliError {
    fn from(error: BackupError) -> Self {
        let text = error.to_string();
        match error {
            BackupError::Newer(_) | BackupError::OtherEngine { .. } => Self::Usage(text),
            BackupError::Store(error) => error.into(),
            _ => Self::Failed(text),
        }
    }
}

/// Writes a backup beside running work.
pub(super) async fn make(
    session: &Session,
    args: &BackupArgs,
    out: &mut Output,
) -> Result<(), CliError> {
    let db = session.open_existing().await?;
    let made = backup::make(&db, &args.file, session.clock.now_ms()).await?;
    let shown = args.file.display().to_string();
    let entry = session.change("backup.make", format!("file {shown}"));
    db.write(move |c| Box::pin(async move { changes::note(c, &entry).await }))
        .await?;
    let size = format::bytes(i64::try_from(made.bytes).unwrap_or(i64::MAX));
    out.say(format_args!("{shown}: {size}, {}", holds(&made.manifest)))?;
    out.say(BESIDES)?;
    out.json(&json!({ "file": shown, "bytes": made.bytes, "holds": counted(&made.manifest) }))
}

fn holds(manifest: &Manifest) -> String {
    let totals = manifest.totals();
    let money = i64::try_from(totals.cost_nanos).map_or_else(|_big| "?".to_owned(), format_nanos);
    format!(
        "{} tables, {} calls, {} tokens, {money} spent in all currencies",
        totals.tables, totals.requests, totals.tokens
    )
}

fn counted(manifest: &Manifest) -> serde_json::Value {
    let totals = manifest.totals();
    json!({
        "tables": totals.tables,
        "requests": totals.requests,
        "tokens": totals.tokens.to_string(),
        "cost_nanos": totals.cost_nanos.to_string(),
    })
}

/// Looks a backup through and puts it into the configured database.
pub(super) async fn restore(
    session: &Session,
    args: &RestoreArgs,
    out: &mut Output,
) -> Result<(), CliError> {
    let url = &session.config.database_url;
    let manifest = backup::open(&args.file, Engine::of(url)?)?;
    manifest.check_key(&session.config)?;
    let now_ms = session.clock.now_ms();
    let restored = backup::restore(&args.file, &manifest, url, args.replace, now_ms).await?;
    let shown = args.file.display();
    out.say(format_args!(
        "restored {shown}: {}; every figure is as it was backed up",
        holds(&manifest)
    ))?;
    let kept = restored.kept.map(|path| path.display().to_string());
    if let Some(kept) = &kept {
        out.say(format_args!("the database that was there is {kept}"))?;
    }
    out.say("the journal in DATA_DIR stays as it is: calls that wait there are written when the gateway starts")?;
    out.json(&json!({ "version": manifest.version, "holds": counted(&manifest), "kept": kept }))
}
