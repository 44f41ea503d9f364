//! Log output and metrics. No request writes a log line of its own: what happened to it is its record.

mod metrics;
pub mod otlp;
mod trace;

use std::io::{self, IsTerminal as _};

use tracing_subscriber::EnvFilter;

pub use metrics::{Gauges, Metrics};
pub use trace::CallTrace;

use crate::config::LogFormat;

/// Comes before the filter, which wins: libraries tell at `info` what their threads do.
const QUIET: &str = "actix_server=warn,tokio_cron_scheduler=warn";

/// Sends log lines to standard error from now on. The first call in a process wins; `filter` is a tracing filter.
pub fn init(format: LogFormat, filter: &str) {
    let filter = EnvFilter::try_new(format!("{QUIET},{filter}"))
        .unwrap_or_else(|_refused| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt()
        .with_ansi(io::stderr().is_terminal())
        .with_env_filter(filter)
        .with_writer(io::stderr);
    let first = match format {
        LogFormat::Text => lines.with_target(false).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    if first.is_err() {
        tracing::debug!("logging was set up before");
    }
}
