//! The command line: names, arguments, help.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::simulate::SimulateArgs;

const AFTER: &str = "\
Exit codes:
  0  done
  1  failed: the request could not be carried out, or doctor found something wrong
  2  configuration or usage: a bad argument, variable or file, a wrong key, a database
     that cannot be reached or is newer than this program; nothing was started or changed

Settings come from the environment and from .env in the working directory; `modelgate config` lists them.";

/// The gateway between people, their tools and every model vendor.
#[derive(Debug, Parser)]
#[command(name = "modelgate", version, after_help = AFTER, max_term_width = 100)]
pub(super) struct Arguments {
    /// What to do; without one, serve.
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Serve the gateway (what happens without a command)
    Serve,
    /// Try it: simulated vendors, sample people and thirty days of history, thrown away at the end
    Demo,
    /// Bring the database to the schema of this version
    Migrate(MigrateArgs),
    /// Apply a provisioning file: providers, models, prices, API keys
    Apply(ApplyArgs),
    /// Print the present providers, models, prices and API keys as a provisioning file, without secrets
    Export(Json),
    /// Administrators' accounts
    #[command(subcommand)]
    Admin(AdminCommand),
    /// API keys
    #[command(subcommand)]
    Key(KeyCommand),
    /// What the gateway does by itself
    #[command(subcommand)]
    Job(JobCommand),
    /// Write a backup of the database into a new file, beside a running server
    Backup(BackupArgs),
    /// Put a backup back: proved first, then in place at once or not at all
    Restore(RestoreArgs),
    /// Move an installation from SQLite to PostgreSQL or back, into an empty database
    Transfer(TransferArgs),
    /// Write a report to a file
    #[command(subcommand)]
    Report(ReportCommand),
    /// Show or follow the request log
    Logs(Box<LogsArgs>),
    /// Check database, secrets, clock, disk, journal and vendors, and say what to do
    Doctor(DoctorArgs),
    /// Try a provider: a dozen cases in each client dialect, through the running gateway; costs some 40,000 tokens
    Selftest(SelftestArgs),
    /// Print every setting with its value in force and where that comes from; secrets are hidden
    Config(ConfigArgs),
    /// The master key
    #[command(subcommand)]
    Secrets(SecretsCommand),
    /// Ask the server of the same settings whether it is healthy, for containers
    Healthcheck,
    /// Print shell completions
    Completions {
        /// For which shell
        shell: clap_complete::Shell,
    },
    /// Print the man page
    #[command(hide = true)]
    Man,
    /// The simulated vendor alone, for tests and benchmarks
    #[command(hide = true)]
    Simulate(SimulateArgs),
}

/// For programs.
#[derive(Args, Clone, Copy, Debug)]
pub(super) struct Json {
    /// Print JSON, for programs
    #[arg(long)]
    pub(super) json: bool,
}

/// `migrate`.
#[derive(Args, Debug)]
pub(super) struct MigrateArgs {
    /// Only show what was applied and what is pending
    #[arg(long)]
    pub(super) status: bool,
    #[command(flatten)]
    pub(super) json: Json,
}

/// `apply`.
#[derive(Args, Debug)]
pub(super) struct ApplyArgs {
    /// The TOML file; - reads standard input
    pub(super) file: PathBuf,
    /// Print what would change, and change nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    #[command(flatten)]
    pub(super) json: Json,
}

/// `admin`.
#[derive(Debug, Subcommand)]
pub(super) enum AdminCommand {
    /// Make an administrator; the password is asked for, or read from standard input
    Create(AdminArgs),
    /// Give an administrator another password and end their sessions
    ResetPassword(AdminArgs),
}

/// Which administrator.
#[derive(Args, Debug)]
pub(super) struct AdminArgs {
    /// The account's name
    pub(super) username: String,
    #[command(flatten)]
    pub(super) json: Json,
}

/// `backup`.
#[derive(Args, Debug)]
pub(super) struct BackupArgs {
    /// The file to make; its directory needs room for the database and the backup
    pub(super) file: PathBuf,
    #[command(flatten)]
    pub(super) json: Json,
}

/// `restore`.
#[derive(Args, Debug)]
pub(super) struct RestoreArgs {
    /// A file that `modelgate backup` or the nightly job made
    pub(super) file: PathBuf,
    /// Even where the database holds an installation already, which is replaced
    #[arg(long)]
    pub(super) replace: bool,
    #[command(flatten)]
    pub(super) json: Json,
}

/// `transfer`.
#[derive(Args, Debug)]
pub(super) struct TransferArgs {
    /// What moves: sqlite:PATH or postgres://…; the variable keeps a password out of the list of processes
    #[arg(long, env = "TRANSFER_FROM", hide_env_values = true)]
    pub(super) from: String,
    /// Where it goes, the same way; what was begun there goes on
    #[arg(long, env = "TRANSFER_TO", hide_env_values = true)]
    pub(super) to: String,
    /// Look at both ends and print what would move, and change nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    #[command(flatten)]
    pub(super) json: Json,
}

/// `job`.
#[derive(Debug, Subcommand)]
pub(super) enum JobCommand {
    /// List scheduled jobs with their last runs
    List(Json),
    /// Run a job now and wait for it: on a running server, else here
    Run(JobRunArgs),
    /// Let the hours of a job pass without a run
    Pause(JobPauseArgs),
    /// Let a paused job run at its hours again
    Resume(JobPauseArgs),
}

/// `job run`.
#[derive(Args, Debug)]
pub(super) struct JobRunArgs {
    /// Its name, as `job list` shows it
    pub(super) job: String,
    #[command(flatten)]
    pub(super) json: Json,
}

/// `job pause` and `job resume`.
#[derive(Args, Debug)]
pub(super) struct JobPauseArgs {
    /// Its name, as `job list` shows it
    pub(super) job: String,
    #[command(flatten)]
    pub(super) json: Json,
}

/// `report`.
#[derive(Debug, Subcommand)]
pub(super) enum ReportCommand {
    /// What was used over a range: a document (.docx), a workbook (.xlsx), text (.md) or a table (.csv)
    Usage(Box<ReportUsageArgs>),
    /// What went wrong on a day, as text or as a document, beside a running server
    Errors(ReportErrorsArgs),
}

/// `report usage`.
#[derive(Args, Debug)]
pub(super) struct ReportUsageArgs {
    /// The first day, such as 2026-11-01
    #[arg(long)]
    pub(super) from: String,
    /// The last day, included
    #[arg(long)]
    pub(super) to: String,
    /// The file; its ending says as what it is written
    #[arg(long)]
    pub(super) out: PathBuf,
    /// The language: en or zh
    #[arg(long, default_value = "en")]
    pub(super) lang: String,
    /// Whose days these are, such as Europe/Berlin; the business time zone when absent
    #[arg(long)]
    pub(super) time_zone: Option<String>,
    /// Only of this API key
    #[arg(long, conflicts_with_all = ["user", "tag"])]
    pub(super) key: Option<String>,
    /// Only of the API keys of this account
    #[arg(long, conflicts_with = "tag")]
    pub(super) user: Option<String>,
    /// Only of the API keys with this tag
    #[arg(long)]
    pub(super) tag: Option<String>,
    /// API keys and accounts to leave out, between commas
    #[arg(long, value_delimiter = ',')]
    pub(super) without: Vec<String>,
    /// Which chapters it has: full, brief or people
    #[arg(long, default_value = "full")]
    pub(super) template: String,
    /// Pages of 8.5 by 11 inches instead of A4
    #[arg(long)]
    pub(super) letter: bool,
    /// For .csv, which table: keys, days, models, providers or statuses
    #[arg(long, default_value = "keys")]
    pub(super) table: String,
    #[command(flatten)]
    pub(super) json: Json,
}

/// `report errors`.
#[derive(Args, Debug)]
pub(super) struct ReportErrorsArgs {
    /// The day in the business time zone, such as 2026-11-20
    #[arg(long)]
    pub(super) date: String,
    /// The file: .md or .docx
    #[arg(long)]
    pub(super) out: PathBuf,
    /// The language: en or zh
    #[arg(long, default_value = "en")]
    pub(super) lang: String,
    /// Pages of 8.5 by 11 inches instead of A4
    #[arg(long)]
    pub(super) letter: bool,
    #[command(flatten)]
    pub(super) json: Json,
}

/// `selftest`.
#[derive(Args, Debug)]
pub(super) struct SelftestArgs {
    /// The provider's name
    pub(super) provider: String,
    /// Which of its models, by its name here or at the vendor; the first chat model when absent
    #[arg(long)]
    pub(super) model: Option<String>,
    /// Where the gateway answers, with its base path; when absent, where these settings let it listen on this machine
    #[arg(long)]
    pub(super) url: Option<String>,
    #[command(flatten)]
    pub(super) json: Json,
}

/// `key`.
#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    /// Make an API key and print it, once
    Create(KeyCreateArgs),
    /// List API keys
    List(Json),
    /// Revoke an API key for good
    Revoke(KeyRevokeArgs),
}

/// `key create`.
#[derive(Args, Debug)]
pub(super) struct KeyCreateArgs {
    /// What you call it
    pub(super) name: String,
    /// Models it may use, between commas: names, or provider/model for one provider's; all when absent
    #[arg(long, value_delimiter = ',')]
    pub(super) models: Option<Vec<String>>,
    /// A note
    #[arg(long, default_value = "")]
    pub(super) note: String,
    #[command(flatten)]
    pub(super) json: Json,
}

/// `key revoke`.
#[derive(Args, Debug)]
pub(super) struct KeyRevokeArgs {
    /// Its name
    pub(super) name: String,
    #[command(flatten)]
    pub(super) json: Json,
}

/// `logs`.
#[derive(Args, Debug)]
pub(super) struct LogsArgs {
    /// Go on printing what arrives
    #[arg(long, short)]
    pub(super) follow: bool,
    /// Only of this API key
    #[arg(long)]
    pub(super) key: Option<String>,
    /// Only of this model
    #[arg(long)]
    pub(super) model: Option<String>,
    /// Only served by this provider
    #[arg(long)]
    pub(super) provider: Option<String>,
    /// Only with this outcome: success, error, timeout, cancelled, `rate_limited` or pending
    #[arg(long)]
    pub(super) status: Option<String>,
    /// Only from then on: an age such as 15m, 2h or 7d, or a time such as 2026-11-20T08:00:00Z
    #[arg(long)]
    pub(super) since: Option<String>,
    /// Only until then, in the same forms
    #[arg(long)]
    pub(super) until: Option<String>,
    /// How many of the newest to show
    #[arg(long, short = 'n', default_value_t = 50, value_parser = clap::value_parser!(i64).range(0..=500))]
    pub(super) limit: i64,
    #[command(flatten)]
    pub(super) json: Json,
}

/// `doctor`.
#[derive(Args, Debug)]
pub(super) struct DoctorArgs {
    /// Do not call the vendors
    #[arg(long)]
    pub(super) offline: bool,
    #[command(flatten)]
    pub(super) json: Json,
}

/// `config`.
#[derive(Args, Debug)]
pub(super) struct ConfigArgs {
    /// Print the settings as a table for the documentation
    #[arg(long, hide = true, conflicts_with = "json")]
    pub(super) markdown: bool,
    #[command(flatten)]
    pub(super) json: Json,
}

/// `secrets`.
#[derive(Debug, Subcommand)]
pub(super) enum SecretsCommand {
    /// Seal every vendor credential anew with `SECRET_KEY`, opening them with `SECRET_KEY_PREVIOUS` (the text of master.key, where that was the key)
    Rotate(Json),
    /// For a master key that is lost for good: drop what only it could open (vendor credentials, providers' headers and proxies), so that the gateway starts again with the present key
    Reset(ResetArgs),
}

/// `secrets reset`.
#[derive(Args, Debug)]
pub(super) struct ResetArgs {
    /// Do it: without this only what would be dropped is listed
    #[arg(long)]
    pub(super) yes: bool,
    #[command(flatten)]
    pub(super) json: Json,
}
