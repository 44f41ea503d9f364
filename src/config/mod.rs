//! Settings from the environment: one typed registry of names, defaults, bounds and help.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use modelgate_domain::Secret;

/// The effective start-up configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// `DATABASE_URL`: `sqlite:PATH` or `postgres://…`; may hold a password.
    pub database_url: Secret,
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
