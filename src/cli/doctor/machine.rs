//! The data directory and the disk under it.

use rustix::fs::{Access, access};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use super::Check;
use crate::app::files;
use crate::disk;
use crate::secrets::MASTER_KEY_FILE;

const LITTLE: u64 = 1 << 30;
const TOO_LITTLE: u64 = 100 << 20;

/// Whether the data directory is there, writable, and closed to others.
pub(super) fn data_dir(dir: &Path) -> Vec<Check> {
    let name = "data directory";
    let shown = dir.display();
    let Ok(metadata) = std::fs::metadata(dir) else {
        return vec![Check::warning(
            name,
            format!("{shown} does not exist yet"),
            "it is made at the first start; set DATA_DIR if it should be elsewhere",
        )];
    };
    if !metadata.is_dir() {
        let advice = "set DATA_DIR to a directory";
        return vec![Check::wrong(
            name,
            format!("{shown} is not a directory"),
            advice,
        )];
    }
    if access(dir, Access::WRITE_OK | Access::EXEC_OK).is_err() {
        let (uid, gid) = (metadata.uid(), metadata.gid());
        return vec![Check::wrong(
            name,
            format!("{shown} (of user {uid}, group {gid}) is not writable for this user"),
            format!("give it to the user that runs the gateway: chown -R USER {shown}"),
        )];
    }
    let mode = metadata.permissions().mode() & 0o777;
    let mut checks = vec![if mode & 0o002 == 0 {
        Check::ok(name, format!("{shown} is writable (mode {mode:04o})"))
    } else {
        Check::warning(
            name,
            format!("{shown} has mode {mode:04o}: everybody can write there"),
            format!("chmod 0750 {shown}"),
        )
    }];
    checks.extend(key_file(dir));
    checks
}

fn key_file(dir: &Path) -> Option<Check> {
    let path = dir.join(MASTER_KEY_FILE);
    let mode = std::fs::metadata(&path).ok()?.permissions().mode() & 0o777;
    let shown = path.display();
    Some(if mode.trailing_zeros() >= 6 {
        Check::ok("master key file", format!("{shown} (mode {mode:04o})"))
    } else {
        Check::wrong(
            "master key file",
            format!("{shown} has mode {mode:04o}: others can read it"),
            format!("chmod 600 {shown}"),
        )
    })
}

/// Whether as many calls as may be open find enough sockets.
pub(super) fn open_files(max_open_requests: u64) -> Check {
    let name = "open files";
    let needed = files::needed(max_open_requests);
    match files::limit() {
        Some(limit) if limit < needed => Check::warning(
            name,
            format!("at most {limit}; {max_open_requests} open calls need {needed}"),
            format!(
                "raise the hard limit (LimitNOFILE={needed} in systemd, ulimit -Hn elsewhere) or lower MODELGATE_MAX_OPEN_REQUESTS"
            ),
        ),
        Some(limit) => Check::ok(name, format!("at most {limit}")),
        None => Check::ok(name, "not bounded"),
    }
}

/// Free space where the database and the journal grow.
pub(super) fn disk(dir: &Path) -> Option<Check> {
    let free = disk::free(dir)?;
    let found = format!("{} MiB free under {}", free >> 20, dir.display());
    let advice = "make room: the journal and the embedded database grow there";
    Some(match free {
        _ if free < TOO_LITTLE => Check::wrong("disk", found, advice),
        _ if free < LITTLE => Check::warning("disk", found, advice),
        _ => Check::ok("disk", found),
    })
}
