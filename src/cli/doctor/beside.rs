//! What stands beside the database: Redis, and the programs that copy a PostgreSQL database.

use modelgate_domain::Secret;
use modelgate_store::Db;

use super::Check;
use crate::config::Config;
use crate::shared;

/// Whether Redis answers; nothing where none is configured.
pub(super) async fn redis(url: Option<&Secret>) -> Option<Check> {
    let url = url?;
    Some(match shared::answers(url).await {
        Ok(()) => Check::ok("Redis", "answers"),
        Err(why) => Check::warning(
            "Redis",
            why,
            "check REDIS_URL and that Redis runs; meanwhile instances share limits by parts, as DEPLOY.md says",
        ),
    })
}

/// Whether the nightly backup can be made; nothing where none is wanted, or no program is needed for it.
pub(super) async fn copier(config: &Config, db: &Db) -> Option<Check> {
    config.backup_dir.as_ref()?;
    Some(match db.copier().await? {
        Ok(version) => Check::ok("backup", version),
        Err(why) => Check::wrong(
            "backup",
            format!("MODELGATE_BACKUP_DIR is set, but pg_dump cannot be run: {why}"),
            "install PostgreSQL's client programs (Debian: postgresql-client), not older than the server",
        ),
    })
}
