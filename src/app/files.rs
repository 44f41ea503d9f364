//! How many files and sockets the process may have open at once.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The caller's connection and the vendor's.
const FOR_EACH_CALL: u64 = 2;
/// Database, journal, and what else is open.
const FOR_THE_REST: u64 = 256;

/// Lifts the soft limit as far as the hard one allows.
pub(super) fn raise() {
    let limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        return;
    }
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "cannot raise the limit of open files");
    }
}

/// Says how many there may be, and when that is less than so many open calls need.
pub(super) fn tell(max_open_requests: u64) {
    let Some(open_files) = getrlimit(Resource::Nofile).current else {
        tracing::info!("open files: as many as there are");
        return;
    };
    let needed = needed(max_open_requests);
    if open_files < needed {
        tracing::warn!(
            open_files,
            needed,
            max_open_requests,
            "the limit of open files is lower than the calls that may be open need"
        );
    } else {
        tracing::info!(open_files, "open files are bounded by the system");
    }
}

/// What the process may have open once it has started; `None` where nothing bounds it.
pub fn limit() -> Option<u64> {
    getrlimit(Resource::Nofile).maximum
}

/// What so many open calls need.
pub const fn needed(max_open_requests: u64) -> u64 {
    max_open_requests
        .saturating_mul(FOR_EACH_CALL)
        .saturating_add(FOR_THE_REST)
}
