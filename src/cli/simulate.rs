//! `modelgate simulate`: the simulated vendor alone, for tests written in other languages and for the benchmark.

use std::io::{self, Write};
use std::time::Duration;

use clap::Args;

use crate::simulator::{Fast, Options, Reply, Simulator};

/// What the simulated vendor is told.
#[derive(Args, Clone, Debug)]
pub struct SimulateArgs {
    /// Loopback port; 0 picks a free one.
    #[arg(long, default_value_t = 9100)]
    port: u16,
    /// Accept only this key (may be repeated).
    #[arg(long = "key")]
    keys: Vec<String>,
    /// Only this model exists (may be repeated).
    #[arg(long = "model")]
    models: Vec<String>,
    /// Milliseconds between two events of a stream.
    #[arg(long, default_value_t = 0)]
    pace: u64,
    /// Milliseconds between the header and the first event.
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// How many tokens an answer has.
    #[arg(long)]
    tokens: Option<usize>,
    /// Prepared answers without books or script, for measuring.
    #[arg(long)]
    fast: bool,
}

/// Serves until the process ends.
pub fn run(args: SimulateArgs, out: &mut dyn Write) -> io::Result<()> {
    let pace = Duration::from_millis(args.pace);
    let simulator = Simulator::start(Options {
        port: args.port,
        keys: args.keys,
        models: args.models,
        reply: Reply {
            pace,
            first: Duration::from_millis(args.first),
            tokens: args.tokens,
            ..Reply::default()
        },
        fast: args.fast.then(|| Fast {
            events: args.tokens.unwrap_or(64),
            pace,
        }),
    })?;
    writeln!(out, "simulated vendor on {}", simulator.base_url())?;
    out.flush()?;
    simulator.join();
    Ok(())
}
