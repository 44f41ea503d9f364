//! Log output and metrics. No request writes a log line of its own: what happened to it is its record.

mod metrics;
pub mod otlp;
mod trace;

use std::io::{self, IsTerminal as _};
use std::sync::atomic::{AtomicBool, Ordering};

use tracing_subscriber::filter::{FilterExt as _, dynamic_filter_fn};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, fmt};

pub use metrics::{Gauges, Metrics};
pub use trace::CallTrace;

use crate::config::LogFormat;

/// Comes before the filter, which wins: libraries tell at `info` what their threads do.
const QUIET: &str = "actix_server=warn,tokio_cron_scheduler=warn";

/// Who takes connections. Its complaints count until the end begins.
const DOOR: &str = "actix_server::accept";
static ENDING: AtomicBool = AtomicBool::new(false);

/// Sends log lines to standard error from now on. The first call in a process wins; `filter` is a tracing filter.
pub fn init(format: LogFormat, filter: &str) {
    let filter = EnvFilter::try_new(format!("{QUIET},{filter}"))
        .unwrap_or_else(|_refused| EnvFilter::new("info"));
    let filter = filter.and(dynamic_filter_fn(|line, _| {
        line.target() != DOOR || !ENDING.load(Ordering::Relaxed)
    }));
    let lines = fmt::layer()
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr);
    let all = tracing_subscriber::registry();
    let first = match format {
        LogFormat::Text => all
            .with(lines.with_target(false).with_filter(filter))
            .try_init(),
        LogFormat::Json => all
            .with(lines.json().flatten_event(true).with_filter(filter))
            .try_init(),
    };
    if first.is_err() {
        tracing::debug!("logging was set up before");
    }
}

/// From now on the server's door may fail in silence: it is being closed, and says so as an error.
pub fn ending() {
    ENDING.store(true, Ordering::Relaxed);
}
