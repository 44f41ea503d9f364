//! How much room a file system has.

use std::path::Path;

/// Free for this process where `path` lies, or will lie, in bytes; `None` where the system does not tell.
pub fn free(path: &Path) -> Option<u64> {
    let existing = path
        .ancestors()
        .find(|one| one.exists())
        .unwrap_or(Path::new("."));
    let stat = rustix::fs::statvfs(existing).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}
