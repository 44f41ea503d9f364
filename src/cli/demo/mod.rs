//! `modelgate demo`: the whole gateway with simulated vendors and made-up history, in a database that is thrown away.

mod calendar;
mod cast;
mod dice;
mod fill;
mod folder;
mod greeting;
mod history;
#[cfg(test)]
mod history_tests;
mod prepare;
#[cfg(test)]
mod prepare_tests;
mod report;
mod tell;
mod trickle;

use std::io::Write;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use crate::app;
use crate::config::Env;
use crate::simulator::Simulator;
use crate::telemetry;
use folder::Folder;
use prepare::Secrets;

/// The seed of the history: every demo begins alike.
const SEED: u64 = 2026;
/// How long the server may take until it answers.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs the demo until it is interrupted.
pub(super) fn run(env: &dyn Env, mut out: impl Write + Send + 'static) -> anyhow::Result<()> {
    let secrets = Secrets::deal()?;
    let folder = Folder::create(&secrets.unique).context("no temporary directory can be made")?;
    let config = prepare::configuration(env, folder.path(), &secrets)?;
    telemetry::init(config.log_format, &config.log_level);
    let port = config.port;
    // taken ports are told before the work, not after it
    let free = TcpListener::bind((config.host, port));
    drop(free.with_context(|| format!("port {port} cannot be used; choose another with PORT"))?);
    let vendors = Arc::new(prepare::vendors()?);
    writeln!(
        out,
        "Making up thirty days of history in {} ...",
        folder.path().display()
    )?;
    let rows = prepare::fill(&config, &vendors, &secrets)?;
    let address = SocketAddr::new(reachable(config.host), port);
    let text = greeting::greeting(port, rows, &secrets);
    let people = std::thread::Builder::new().name("demo".to_owned());
    people.spawn(move || {
        if answers(address) {
            let _closed_terminal = writeln!(out, "{text}").and_then(|()| out.flush());
            live(address, &secrets, &vendors);
        }
    })?;
    Ok(app::run(config)?)
}

/// Where a server that listens on `host` can be called from this machine.
fn reachable(host: IpAddr) -> IpAddr {
    match host {
        IpAddr::V4(v4) if v4.is_unspecified() => IpAddr::from([127, 0, 0, 1]),
        IpAddr::V6(v6) if v6.is_unspecified() => IpAddr::V6(std::net::Ipv6Addr::LOCALHOST),
        other => other,
    }
}

/// Waits until somebody listens; false where nobody does in time.
fn answers(address: SocketAddr) -> bool {
    let step = Duration::from_millis(100);
    (0..PATIENCE.as_millis() / step.as_millis()).any(|_| {
        let there = TcpStream::connect_timeout(&address, step).is_ok();
        if !there {
            std::thread::park_timeout(step);
        }
        there
    })
}

/// Lets the people call until the process ends.
fn live(address: SocketAddr, secrets: &Secrets, vendors: &[Simulator]) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => {
            let base_url = format!("http://{address}/v1");
            runtime.block_on(trickle::run(&base_url, &secrets.people, vendors, SEED));
        }
        Err(error) => tracing::warn!(%error, "nobody calls in the background"),
    }
}
