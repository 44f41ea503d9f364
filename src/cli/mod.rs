//! The commands: one file each.

mod admin;
pub mod apply;
mod args;
mod backup;
mod config;
mod demo;
mod doctor;
mod error;
pub mod healthcheck;
mod job;
mod key;
mod logs;
mod migrate;
mod output;
mod password;
mod provision;
mod report;
mod report_errors;
mod secrets;
mod selftest;
mod session;
pub mod simulate;
mod transfer;

use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

use args::{
    AdminCommand, Arguments, Command, JobCommand, KeyCommand, ReportCommand, SecretsCommand,
};
pub use error::CliError;
use output::Output;
use session::Session;

use crate::config::ProcessEnv;

/// Parses the command line, runs the command, and says on standard error why it did not succeed.
pub fn main() -> ExitCode {
    let command = Arguments::parse().command.unwrap_or(Command::Serve);
    match run(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if !matches!(error, CliError::Told | CliError::Closed) {
                output::complain(&error);
            }
            error.exit_code()
        }
    }
}

fn run(command: Command) -> Result<(), CliError> {
    match command {
        Command::Serve => serve(),
        Command::Demo => demo(),
        Command::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "modelgate", &mut text);
            Output::stdout(false).raw(&String::from_utf8_lossy(&text))
        }
        Command::Man => {
            let mut text = Vec::new();
            clap_mangen::Man::new(Arguments::command()).render(&mut text)?;
            Output::stdout(false).raw(&String::from_utf8_lossy(&text))
        }
        Command::Simulate(args) => Ok(simulate::run(args, &mut std::io::stdout())?),
        Command::Healthcheck => {
            let failed =
                |e| CliError::Failed(format!("the server does not answer as it should: {e}"));
            healthcheck::run(&Session::new()?.config).map_err(failed)
        }
        other => {
            let session = Session::new()?;
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()?;
            let mut out = Output::stdout(wants_json(&other));
            runtime.block_on(work(&session, &other, &mut out))
        }
    }
}

/// Serves until a signal. What stops it from starting is a matter of configuration.
fn serve() -> Result<(), CliError> {
    let config = Session::new()?.config;
    crate::telemetry::init(config.log_format, &config.log_level);
    crate::app::run(config).map_err(|error| CliError::Usage(error.to_string()))
}

/// Reads the environment but not the configuration: that of a real gateway is none of the demo's business.
fn demo() -> Result<(), CliError> {
    let env = ProcessEnv::read(Path::new(".env")).map_err(|e| CliError::Usage(e.to_string()))?;
    demo::run(&env, std::io::stdout()).map_err(|error| CliError::Usage(format!("{error:#}")))
}

async fn work(session: &Session, command: &Command, out: &mut Output) -> Result<(), CliError> {
    match command {
        Command::Migrate(args) => migrate::run(session, args, out).await,
        Command::Apply(args) => provision::apply(session, args, out).await,
        Command::Export(_) => provision::export(session, out).await,
        Command::Admin(command) => admin::run(session, command, out).await,
        Command::Key(command) => key::run(session, command, out).await,
        Command::Job(command) => job::run(session, command, out).await,
        Command::Backup(args) => backup::make(session, args, out).await,
        Command::Restore(args) => backup::restore(session, args, out).await,
        Command::Transfer(args) => transfer::run(session, args, out).await,
        Command::Report(command) => report::run(session, command, out).await,
        Command::Logs(args) => logs::run(session, args, out).await,
        Command::Doctor(args) => doctor::run(session, args, out).await,
        Command::Selftest(args) => selftest::run(session, args, out).await,
        Command::Config(args) => config::run(session, args, out).await,
        Command::Secrets(command) => secrets::run(session, command, out).await,
        Command::Serve
        | Command::Demo
        | Command::Completions { .. }
        | Command::Healthcheck
        | Command::Man
        | Command::Simulate(_) => Ok(()),
    }
}

fn wants_json(command: &Command) -> bool {
    match command {
        Command::Migrate(args) => args.json.json,
        Command::Apply(args) => args.json.json,
        Command::Admin(AdminCommand::Create(args) | AdminCommand::ResetPassword(args)) => {
            args.json.json
        }
        Command::Key(KeyCommand::Create(args)) => args.json.json,
        Command::Key(KeyCommand::Revoke(args)) => args.json.json,
        Command::Job(JobCommand::Run(args)) => args.json.json,
        Command::Job(JobCommand::Pause(args) | JobCommand::Resume(args)) => args.json.json,
        Command::Report(ReportCommand::Usage(args)) => args.json.json,
        Command::Report(ReportCommand::Errors(args)) => args.json.json,
        Command::Job(JobCommand::List(json))
        | Command::Export(json)
        | Command::Key(KeyCommand::List(json))
        | Command::Secrets(SecretsCommand::Rotate(json)) => json.json,
        Command::Secrets(SecretsCommand::Reset(args)) => args.json.json,
        Command::Backup(args) => args.json.json,
        Command::Restore(args) => args.json.json,
        Command::Transfer(args) => args.json.json,
        Command::Logs(args) => args.json.json,
        Command::Doctor(args) => args.json.json,
        Command::Selftest(args) => args.json.json,
        Command::Config(args) => args.json.json,
        Command::Serve
        | Command::Demo
        | Command::Completions { .. }
        | Command::Healthcheck
        | Command::Man
        | Command::Simulate(_) => false,
    }
}
