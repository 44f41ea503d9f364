//! Composition root: builds the state, starts the server, ends it in good order.
//!
//! [`Server::start`] is the whole gateway inside a running program (tests, the demo, benchmarks); [`run`] is the
//! process of its own, with signals.

mod admission;
mod before;
mod bootstrap;
mod drain;
mod errands;
mod error;
pub mod files;
mod health;
mod instances;
mod keeper;
mod lookout;
mod memory;
mod newsroom;
pub(crate) mod otlp;
mod parts;
mod pulse;
mod scheduler;
mod server;

pub use errands::client as http_client;
pub use error::AppError;
pub use server::{Handle, Server};

use std::io::Write as _;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::config::Config;

/// Serves until SIGTERM or SIGINT, then ends in good order; a second signal ends at once.
pub fn run(config: Config) -> Result<(), AppError> {
    files::raise();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(AppError::Runtime)?;
    runtime.block_on(async {
        let mut stop = Stop::listen()?;
        let max_open_requests = config.max_open_requests;
        let server = Server::start(config).await?;
        files::tell(max_open_requests);
        tracing::info!(address = %server.addr(), version = env!("CARGO_PKG_VERSION"), "serving");
        if let Some(link) = server.setup_link() {
            say(&format!(
                "There is no administrator yet. This link makes the first one, once:\n\n    {link}\n"
            ));
        }
        let signal = stop.next().await;
        tracing::info!(signal, "ending: calls that run may finish");
        crate::telemetry::ending();
        tokio::select! {
            () = server.shut_down() => tracing::info!("ended"),
            signal = stop.next() => tracing::warn!(signal, "ended at once by a second signal"),
        }
        Ok(())
    })
}

/// The signals that ask for an end; a terminal that is closed sends the last.
struct Stop {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Stop {
    fn listen() -> Result<Self, AppError> {
        Ok(Self {
            terminate: signal(SignalKind::terminate()).map_err(AppError::Runtime)?,
            interrupt: signal(SignalKind::interrupt()).map_err(AppError::Runtime)?,
            hang_up: signal(SignalKind::hangup()).map_err(AppError::Runtime)?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.hang_up.recv() => "SIGHUP",
        }
    }
}

/// A message for the person at the console, beside the log.
fn say(text: &str) {
    // Where nobody reads it, the server runs all the same.
    drop(writeln!(std::io::stdout(), "{text}"));
}
