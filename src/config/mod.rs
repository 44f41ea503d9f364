//! Settings from the environment: one typed registry of names, defaults, bounds and help.
//!
//! Nothing else in the program reads the environment. What a saved setting may override at run time is
//! merged in [`Effective`].

mod effective;
mod env;
mod given;
mod otlp;
mod parse;
mod policy;
mod registry;
mod report;
mod retention;
mod site;
mod variable;

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use modelgate_domain::Secret;

pub use effective::{Effective, LiveSettings, Runtime, Setting};
pub use env::{DotEnvError, Env, MapEnv, Origin, ProcessEnv};
pub use given::{ConfigError, Given};
pub use otlp::{Otlp, Sampler};
pub use parse::{nearest, redact_database_url, username};
pub use policy::{Policy, Thresholds};
pub use registry::{registry, setting};
pub use report::Reports;
pub use retention::Retention;
pub use site::{PRODUCT_USER_AGENT, Site};
pub use variable::{Fallback, Kind, Variable};

/// The effective start-up configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// `DATABASE_URL`: `sqlite:PATH` or `postgres://…`; may hold a password.
    pub database_url: Secret,
    /// `REDIS_URL`: `redis://…` or `rediss://…`; may hold a password.
    pub redis_url: Option<Secret>,
    /// `HOST`.
    pub host: IpAddr,
    /// `PORT`.
    pub port: u16,
    /// `ADMIN_USERS`, or `ADMIN_USERNAME` with `ADMIN_PASSWORD`: accounts to create when missing.
    pub admin_users: Vec<(String, Secret)>,
    /// `LOG_LEVEL`: a tracing filter.
    pub log_level: String,
    /// `LOG_FORMAT`.
    pub log_format: LogFormat,
    /// `SECRET_KEY`.
    pub secret_key: Option<Secret>,
    /// `SECRET_KEY_PREVIOUS`: opens what it sealed until `modelgate secrets rotate` has run.
    pub secret_key_previous: Option<Secret>,
    /// `DATA_DIR`.
    pub data_dir: PathBuf,
    /// `BASE_PATH`: empty, or begins with a slash and does not end with one.
    pub base_path: String,
    /// `TRUSTED_PROXIES`: whose forwarded addresses are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// `TZ`: the business time zone.
    pub time_zone: chrono_tz::Tz,
    /// `ICP_NUMBER`.
    pub icp_number: Option<String>,
    /// `BODY_LIMIT` in bytes.
    pub body_limit: usize,
    /// `WORKERS`: serving threads.
    pub workers: usize,
    /// `PUBLIC_URL`: what links that leave the house begin with; no trailing slash.
    pub public_url: Option<String>,
    /// `DRAIN_DELAY`.
    pub drain_delay: Duration,
    /// `DRAIN_TIMEOUT`: how long running calls get to end.
    pub drain_timeout: Duration,
    /// `MODELGATE_CORS_ORIGINS`: origins that browsers may call `/v1` from; `*` for any.
    pub cors_origins: Vec<String>,
    /// `MODELGATE_METRICS_ALLOW`: who may read `/metrics` without a token.
    pub metrics_allow: Vec<IpNet>,
    /// `MODELGATE_METRICS_TOKEN`: a bearer token that opens `/metrics` to anyone who has it.
    pub metrics_token: Option<Secret>,
    /// `MODELGATE_JOURNAL_MAX_BYTES`.
    pub journal_max_bytes: u64,
    /// `MODELGATE_JOURNAL_FULL`.
    pub journal_full: JournalFull,
    /// `MODELGATE_SLOW_MS`: from when a call counts as slow on the overview.
    pub slow_ms: u64,
    /// `MODELGATE_RETRY_BUDGET_MS`: how long a call may wait between its attempts, in all.
    pub retry_budget: Duration,
    /// `MODELGATE_USER_AGENT`: what vendors see unless their provider has its own.
    pub user_agent: String,
    /// `MODELGATE_ANALYSIS_MODEL`: a model's name, `auto` or `off`.
    pub analysis_model: String,
    /// `MODELGATE_ATTACHMENT_MAX_BYTES`.
    pub attachment_max_bytes: u64,
    /// What the pages show of the house.
    pub site: Site,
    /// Rules of admission that hold for everybody.
    pub policy: Policy,
    /// How long things are kept that grow with time.
    pub retention: Retention,
    /// `MODELGATE_BACKUP_DIR`; absent where no backups are made by the clock.
    pub backup_dir: Option<PathBuf>,
    /// Reports that are made by themselves.
    pub reports: Reports,
    /// `MODELGATE_SLOW_READER_TIMEOUT`: when the call of a caller who does not read is broken off.
    pub slow_reader_timeout: Duration,
    /// `MODELGATE_LOOP_GUARD`: ends a stream after so many events that say the same; 0 never does.
    pub loop_guard: u64,
    /// `MODELGATE_MAX_OPEN_REQUESTS`: how many calls may run at once.
    pub max_open_requests: u64,
    /// `MODELGATE_MAX_MEMORY` in bytes; 0 for no bound.
    pub max_memory: u64,
    /// `MODELGATE_QUEUE_DEADLINE`: how long a call may wait for a free credential; zero refuses it at once.
    pub queue_deadline: Duration,
    /// `MODELGATE_QUEUE_LIMIT`: how many calls may wait for each credential.
    pub queue_limit: usize,
    /// `OTEL_…`: traces and metrics by OTLP.
    pub otlp: Otlp,
    /// Every registered name with its text and where that came from.
    pub given: Given,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// What happens to calls when the journal has reached its bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JournalFull {
    /// Refuse calls until records have drained.
    Stop,
    /// Serve calls without a record.
    ServeWithoutRecord,
}

impl Config {
    /// Reads the process environment and, for what is not there, `.env` in the working directory.
    pub fn load() -> Result<Self, ConfigError> {
        let env = ProcessEnv::read(std::path::Path::new(".env"))?;
        Self::from_env(&env)
    }

    /// Reads any environment: the tests' door.
    pub fn from_env(env: &dyn Env) -> Result<Self, ConfigError> {
        use registry as r;
        let given = Given::read(env)?;
        Ok(Self {
            database_url: Secret::new(given.parse(&r::DATABASE_URL, parse::database_url)?),
            redis_url: given.optional(&r::REDIS_URL).map(Secret::new),
            host: given.parse(&r::HOST, parse::address)?,
            port: given.integer(&r::PORT)?,
            admin_users: given.accounts()?,
            log_level: given.parse(&r::LOG_LEVEL, parse::log_filter)?,
            log_format: given.parse(&r::LOG_FORMAT, parse::log_format)?,
            secret_key: given.optional(&r::SECRET_KEY).map(Secret::new),
            secret_key_previous: given.optional(&r::SECRET_KEY_PREVIOUS).map(Secret::new),
            data_dir: given.parse(&r::DATA_DIR, parse::path)?,
            base_path: given.parse(&r::BASE_PATH, parse::base_path)?,
            trusted_proxies: given.parse(&r::TRUSTED_PROXIES, parse::networks)?,
            time_zone: given.parse(&r::TZ, parse::time_zone)?,
            icp_number: given.optional(&r::ICP_NUMBER),
            body_limit: given.integer(&r::BODY_LIMIT)?,
            workers: given.integer(&r::WORKERS)?,
            public_url: given.parse(&r::PUBLIC_URL, parse::optional_link)?,
            drain_delay: Duration::from_secs(given.integer(&r::DRAIN_DELAY)?),
            drain_timeout: Duration::from_secs(given.integer(&r::DRAIN_TIMEOUT)?),
            cors_origins: given.parse(&r::CORS_ORIGINS, parse::origins)?,
            metrics_allow: given.parse(&r::METRICS_ALLOW, parse::networks)?,
            metrics_token: given.optional(&r::METRICS_TOKEN).map(Secret::new),
            journal_max_bytes: given.integer(&r::JOURNAL_MAX_BYTES)?,
            journal_full: given.parse(&r::JOURNAL_FULL, parse::journal_full)?,
            slow_ms: given.integer(&r::SLOW_MS)?,
            retry_budget: Duration::from_millis(given.integer(&r::RETRY_BUDGET_MS)?),
            user_agent: given.optional(&r::USER_AGENT).unwrap_or_default(),
            analysis_model: given.optional(&r::ANALYSIS_MODEL).unwrap_or_default(),
            attachment_max_bytes: given.integer(&r::ATTACHMENT_MAX_BYTES)?,
            site: Site::read(&given),
            policy: Policy::read(&given)?,
            retention: Retention::read(&given)?,
            backup_dir: retention::backup_dir(&given),
            reports: Reports::read(&given)?,
            slow_reader_timeout: Duration::from_secs(given.integer(&r::SLOW_READER_TIMEOUT)?),
            loop_guard: given.integer(&r::LOOP_GUARD)?,
            max_open_requests: given.integer(&r::MAX_OPEN_REQUESTS)?,
            max_memory: given.integer(&r::MAX_MEMORY)?,
            queue_deadline: Duration::from_secs(given.integer(&r::QUEUE_DEADLINE)?),
            queue_limit: given.integer(&r::QUEUE_LIMIT)?,
            otlp: Otlp::read(&given)?,
            given,
        })
    }

    /// Whether `DATABASE_URL` names the embedded engine.
    pub fn embedded_database(&self) -> bool {
        self.database_url.expose().starts_with("sqlite:")
    }

    /// The directory that SQLite's file lies in; `None` with a database server.
    pub fn database_dir(&self) -> Option<&Path> {
        let file = self.database_url.expose().strip_prefix("sqlite:")?;
        Path::new(file).parent()
    }
}
