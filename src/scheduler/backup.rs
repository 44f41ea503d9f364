//! Writes a backup into the directory that the settings name, and removes all but the newest ones there.

use std::os::unix::fs::DirBuilderExt as _;

use anyhow::Context as _;
use modelgate_domain::JobStep;

use super::context::Context;
use crate::backup;

pub(super) async fn run(context: &Context) -> anyhow::Result<()> {
    let Some(directory) = context.backup_dir.clone() else {
        return Ok(());
    };
    let made = std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&directory);
    made.with_context(|| directory.display().to_string())?;
    let now = context.clock.now();
    let file = directory.join(backup::name(now));
    let made = backup::make(&context.db, &file, now.timestamp_millis()).await?;
    let bytes = usize::try_from(made.bytes).unwrap_or(usize::MAX);
    context.tell(JobStep::BackupBytes, bytes);
    let keep = context.settings.load().runtime.retention.backups;
    let removed = backup::rotate(&directory, usize::try_from(keep).unwrap_or(usize::MAX))?;
    context.tell(JobStep::BackupsRemoved, removed);
    Ok(())
}
