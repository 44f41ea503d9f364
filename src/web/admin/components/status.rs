//! The colour of a state.

use modelgate_domain::Status;

/// The badge's kind.
pub(in crate::web) fn status_kind(status: Status) -> &'static str {
    match status {
        Status::Success => "success",
        Status::Error | Status::Timeout => "danger",
        Status::RateLimited => "warning",
        Status::Pending => "info",
        Status::Cancelled => "muted",
    }
}
