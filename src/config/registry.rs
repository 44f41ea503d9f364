//! The table of every setting: name, kind and bounds, default, help.
//!
//! Parsing, `modelgate config`, the documentation and the settings page all read this table.

pub(super) use super::site::{
    ATTACHMENT_MAX_BYTES, LANDING_TEXT, LANDING_TEXT_ZH, LANGUAGE, LANGUAGES, SITE_NAME, THEME,
    USER_AGENT,
};
use super::variable::{Fallback, Kind, Variable, variable};
use super::{otlp, report, retention};

/// What new names begin with; unknown names that begin so are refused.
pub(super) const PREFIX: &str = "MODELGATE_";

pub(super) const DATA_DIR: Variable = variable(
    "DATA_DIR",
    Kind::Path,
    Fallback::Text("data"),
    "Directory of the embedded database, the master key and the journal. Made at first start.",
);
pub(super) const DATABASE_URL: Variable = variable(
    "DATABASE_URL",
    Kind::Database,
    Fallback::Computed {
        says: "sqlite:DATA_DIR/modelgate.db",
        make: |given| {
            let dir = given.find(&DATA_DIR).map_or("data", |(text, _)| text);
            format!("sqlite:{}/modelgate.db", dir.trim_end_matches('/'))
        },
    },
    "sqlite:PATH for the embedded database, or postgres://user:password@host/name (sslmode=require or verify-full for TLS).",
)
.secret();
pub(super) const REDIS_URL: Variable = variable(
    "REDIS_URL",
    Kind::Redis,
    Fallback::None,
    "Redis or Valkey, through which several instances share limits, budgets and vendors' health: redis://user:password@host:6379/0, or rediss:// for TLS. Unset, each instance takes its share of every limit.",
)
.secret();
pub(super) const HOST: Variable = variable(
    "HOST",
    Kind::Address,
    Fallback::Text("127.0.0.1"),
    "Address to listen on; 0.0.0.0 for every interface.",
);
pub(super) const PORT: Variable = variable(
    "PORT",
    Kind::Integer {
        min: 0,
        max: 65_535,
    },
    Fallback::Text("8765"),
    "Port to listen on; 0 takes a free one.",
);
pub(super) const ADMIN_USERS: Variable = variable(
    "ADMIN_USERS",
    Kind::Accounts,
    Fallback::None,
    "Administrators to create when missing: name:password,name:password. A password that exists is never overwritten.",
)
.secret();
pub(super) const ADMIN_USERNAME: Variable = variable(
    "ADMIN_USERNAME",
    Kind::Username,
    Fallback::None,
    "One administrator to create when missing, with ADMIN_PASSWORD.",
);
pub(super) const ADMIN_PASSWORD: Variable = variable(
    "ADMIN_PASSWORD",
    Kind::Secret { min: 1 },
    Fallback::None,
    "The password for ADMIN_USERNAME (admin where that is not set).",
)
.secret();
pub(super) const LOG_LEVEL: Variable = variable(
    "LOG_LEVEL",
    Kind::LogFilter,
    Fallback::Text("info"),
    "error, warn, info, debug or off; also by module, as in info,modelgate::proxy=debug. trace is the same as debug.",
);
pub(super) const LOG_FORMAT: Variable = variable(
    "LOG_FORMAT",
    Kind::Choice(&["text", "json"]),
    Fallback::Text("text"),
    "How log lines look: text for people, json for programs.",
);
pub(super) const SECRET_KEY: Variable = variable(
    "SECRET_KEY",
    Kind::Secret { min: 32 },
    Fallback::None,
    "The master key that seals vendor credentials. PostgreSQL needs it; with SQLite a key file is made in DATA_DIR instead.",
)
.secret();
pub(super) const SECRET_KEY_PREVIOUS: Variable = variable(
    "SECRET_KEY_PREVIOUS",
    Kind::Secret { min: 32 },
    Fallback::None,
    "The master key before SECRET_KEY: opens what it sealed until `modelgate secrets rotate` has run.",
)
.secret();
pub(super) const BASE_PATH: Variable = variable(
    "BASE_PATH",
    Kind::BasePath,
    Fallback::None,
    "Serve everything under this path behind a reverse proxy, as in /gateway.",
);
pub(super) const PUBLIC_URL: Variable = variable(
    "PUBLIC_URL",
    Kind::Link,
    Fallback::None,
    "What links that leave the house begin with, as in https://ai.example.com.",
)
.setting("public_url");
pub(super) const TRUSTED_PROXIES: Variable = variable(
    "TRUSTED_PROXIES",
    Kind::Networks,
    Fallback::None,
    "Addresses or CIDRs of reverse proxies between commas; only their forwarded addresses are believed.",
);
pub(super) const TZ: Variable = variable(
    "TZ",
    Kind::TimeZone,
    Fallback::Text("UTC"),
    "The business time zone: what a day is in charts and budgets.",
);
pub(super) const ICP_NUMBER: Variable = variable(
    "ICP_NUMBER",
    Kind::Text { max: 100 },
    Fallback::None,
    "ICP filing number shown at the foot of public pages.",
)
.setting("icp_number");
pub(super) const BODY_LIMIT: Variable = variable(
    "BODY_LIMIT",
    Kind::Bytes {
        min: 1 << 10,
        max: 1 << 30,
    },
    Fallback::Text("32MiB"),
    "Largest request body that is taken.",
);
pub(super) const WORKERS: Variable = variable(
    "WORKERS",
    Kind::Integer { min: 1, max: 512 },
    Fallback::Computed {
        says: "one per core",
        make: |_given| {
            std::thread::available_parallelism()
                .map_or(1, usize::from)
                .to_string()
        },
    },
    "Serving threads.",
);
pub(super) const DRAIN_DELAY: Variable = variable(
    "DRAIN_DELAY",
    Kind::Seconds { min: 0, max: 300 },
    Fallback::Text("3"),
    "Seconds between not being ready any more and not taking connections any more, so that a load balancer notices.",
)
.setting("drain_delay");
pub(super) const DRAIN_TIMEOUT: Variable = variable(
    "DRAIN_TIMEOUT",
    Kind::Seconds { min: 0, max: 3_600 },
    Fallback::Text("30"),
    "Seconds that running calls get to end once no connection is taken any more; then they are told that the gateway stops.",
);
pub(super) const CORS_ORIGINS: Variable = variable(
    "MODELGATE_CORS_ORIGINS",
    Kind::Origins,
    Fallback::None,
    "Web origins between commas whose pages may call /v1 from a browser; * for any.",
)
.setting("cors_origins");
pub(super) const METRICS_ALLOW: Variable = variable(
    "MODELGATE_METRICS_ALLOW",
    Kind::Networks,
    Fallback::Text("127.0.0.0/8,::1/128"),
    "Addresses or CIDRs that may read /metrics without a token.",
);
pub(super) const METRICS_TOKEN: Variable = variable(
    "MODELGATE_METRICS_TOKEN",
    Kind::Secret { min: 16 },
    Fallback::None,
    "A bearer token that opens /metrics to anyone who has it.",
)
.secret();
pub(super) const JOURNAL_MAX_BYTES: Variable = variable(
    "MODELGATE_JOURNAL_MAX_BYTES",
    Kind::Bytes {
        min: 64 << 10,
        max: 1 << 40,
    },
    Fallback::Text("1GiB"),
    "Largest journal while the database is away.",
);
pub(super) const JOURNAL_FULL: Variable = variable(
    "MODELGATE_JOURNAL_FULL",
    Kind::Choice(&["stop", "serve-without-record"]),
    Fallback::Text("stop"),
    "What happens to calls when the journal is full: stop refuses them, serve-without-record serves them unrecorded.",
)
.setting("journal_full");
pub(super) const SLOW_MS: Variable = variable(
    "MODELGATE_SLOW_MS",
    Kind::Integer {
        min: 1,
        max: 3_600_000,
    },
    Fallback::Text("10000"),
    "From how many milliseconds a call counts as slow on the overview.",
)
.setting("slow_ms");

pub(super) const RETRY_BUDGET_MS: Variable = variable(
    "MODELGATE_RETRY_BUDGET_MS",
    Kind::Integer {
        min: 0,
        max: 600_000,
    },
    Fallback::Text("30000"),
    "How many milliseconds a call may wait between its attempts, in all; a vendor's retry-after beyond that goes back to the caller.",
)
.setting("retry_budget_ms");

pub(super) const UNPRICED: Variable = variable(
    "MODELGATE_UNPRICED",
    Kind::Choice(&["allow", "refuse"]),
    Fallback::Text("allow"),
    "Whether keys under a budget may make calls whose cost is not known: allow serves them uncounted, refuse answers with 402.",
)
.setting("unpriced");
pub(super) const BUDGET_OUTPUT_FACTOR: Variable = variable(
    "MODELGATE_BUDGET_OUTPUT_FACTOR",
    Kind::Integer {
        min: 10,
        max: 1_000,
    },
    Fallback::Text("100"),
    "How much is held back of budgets and token limits while a call runs, in percent of what 95 of 100 answers of the model stay within.",
)
.setting("budget_output_factor");
pub(super) const BUSYNESS_ACTIVE_KEYS: Variable = variable(
    "MODELGATE_BUSYNESS_ACTIVE_KEYS",
    Kind::Integer {
        min: 0,
        max: 1_000_000,
    },
    Fallback::Text("10"),
    "The gateway is busy when more keys than this called within ten minutes and the share of 429 is above its bound.",
)
.setting("busyness_active_keys");
pub(super) const BUSYNESS_429_PERCENT: Variable = variable(
    "MODELGATE_BUSYNESS_429_PERCENT",
    Kind::Integer { min: 0, max: 100 },
    Fallback::Text("50"),
    "The gateway is busy when more than so many of 100 answers within ten minutes were 429 and enough keys called.",
)
.setting("busyness_429_percent");
pub(super) const BUSYNESS_RESTING_BUSY: Variable = variable(
    "MODELGATE_BUSYNESS_RESTING_BUSY",
    Kind::Integer { min: 1, max: 1_000 },
    Fallback::Text("1"),
    "So many providers that rest make a busy gateway very busy.",
)
.setting("busyness_resting_busy");
pub(super) const BUSYNESS_RESTING_CRITICAL: Variable = variable(
    "MODELGATE_BUSYNESS_RESTING_CRITICAL",
    Kind::Integer { min: 1, max: 1_000 },
    Fallback::Text("2"),
    "So many providers that rest make a busy gateway extremely busy.",
)
.setting("busyness_resting_critical");

pub(super) const SLOW_READER_TIMEOUT: Variable = variable(
    "MODELGATE_SLOW_READER_TIMEOUT",
    Kind::Seconds { min: 1, max: 3_600 },
    Fallback::Text("60"),
    "Seconds after which the call of a caller who does not read its answer is broken off.",
)
.setting("slow_reader_timeout");
pub(super) const LOOP_GUARD: Variable = variable(
    "MODELGATE_LOOP_GUARD",
    Kind::Integer {
        min: 0,
        max: 1_000_000,
    },
    Fallback::Text("0"),
    "Ends a stream after so many events in a row that say the same; 0 never does.",
)
.setting("loop_guard");
pub(super) const MAX_OPEN_REQUESTS: Variable = variable(
    "MODELGATE_MAX_OPEN_REQUESTS",
    Kind::Integer {
        min: 1,
        max: 1_000_000,
    },
    Fallback::Text("20000"),
    "How many calls may run at once; beyond it new ones are refused with 503 while those that run finish.",
)
.setting("max_open_requests");
pub(super) const MAX_MEMORY: Variable = variable(
    "MODELGATE_MAX_MEMORY",
    Kind::Bytes {
        min: 0,
        max: 1 << 44,
    },
    Fallback::Text("0"),
    "Memory of the process beyond which new calls are refused with 503 while others run; 0 for no such bound.",
)
.setting("max_memory");

pub(super) const QUEUE_DEADLINE: Variable = variable(
    "MODELGATE_QUEUE_DEADLINE",
    Kind::Seconds { min: 0, max: 3_600 },
    Fallback::Text("10"),
    "How many seconds a call may wait for a free credential; 0 refuses it at once.",
)
.setting("queue_deadline");
pub(super) const QUEUE_LIMIT: Variable = variable(
    "MODELGATE_QUEUE_LIMIT",
    Kind::Integer {
        min: 0,
        max: 100_000,
    },
    Fallback::Text("100"),
    "How many calls may wait for each credential; further ones are refused with queue_full.",
)
.setting("queue_limit");

pub(super) const ANALYSIS_MODEL: Variable = variable(
    "MODELGATE_ANALYSIS_MODEL",
    Kind::Text { max: 200 },
    Fallback::Text("off"),
    "The model that helps to write reports and the advice to key holders: a model of this gateway by name, auto for the one that works best, off for none. Figures and samples of failed requests, without names of callers and without what was said, go to its vendor.",
)
.setting("analysis_model");

static REGISTRY: [Variable; 77] = [
    DATA_DIR,
    DATABASE_URL,
    REDIS_URL,
    SECRET_KEY,
    SECRET_KEY_PREVIOUS,
    HOST,
    PORT,
    WORKERS,
    BASE_PATH,
    PUBLIC_URL,
    TRUSTED_PROXIES,
    ADMIN_USERS,
    ADMIN_USERNAME,
    ADMIN_PASSWORD,
    LOG_LEVEL,
    LOG_FORMAT,
    TZ,
    ICP_NUMBER,
    SITE_NAME,
    THEME,
    LANGUAGES,
    LANGUAGE,
    LANDING_TEXT,
    LANDING_TEXT_ZH,
    ATTACHMENT_MAX_BYTES,
    USER_AGENT,
    BODY_LIMIT,
    DRAIN_DELAY,
    DRAIN_TIMEOUT,
    CORS_ORIGINS,
    METRICS_ALLOW,
    METRICS_TOKEN,
    JOURNAL_MAX_BYTES,
    JOURNAL_FULL,
    SLOW_MS,
    RETRY_BUDGET_MS,
    SLOW_READER_TIMEOUT,
    LOOP_GUARD,
    MAX_OPEN_REQUESTS,
    MAX_MEMORY,
    UNPRICED,
    BUDGET_OUTPUT_FACTOR,
    BUSYNESS_ACTIVE_KEYS,
    BUSYNESS_429_PERCENT,
    BUSYNESS_RESTING_BUSY,
    BUSYNESS_RESTING_CRITICAL,
    QUEUE_DEADLINE,
    QUEUE_LIMIT,
    retention::LOG_DAYS,
    retention::LOG_HISTORY_DAYS,
    retention::QUARTER_DAYS,
    retention::AUDIT_DAYS,
    retention::HEALTH_DAYS,
    retention::JOB_RUN_DAYS,
    retention::NOTICE_DAYS,
    retention::REPORT_DAYS,
    retention::ERROR_REPORT_DAYS,
    ANALYSIS_MODEL,
    retention::BACKUP_DIR,
    retention::BACKUP_KEEP,
    report::SCHEDULE,
    report::LANGUAGE,
    report::TEMPLATE,
    otlp::ENDPOINT,
    otlp::TRACES_ENDPOINT,
    otlp::METRICS_ENDPOINT,
    otlp::TRACES_EXPORTER,
    otlp::METRICS_EXPORTER,
    otlp::PROTOCOL,
    otlp::HEADERS,
    otlp::TIMEOUT,
    otlp::SERVICE_NAME,
    otlp::RESOURCE_ATTRIBUTES,
    otlp::SAMPLER,
    otlp::SAMPLER_ARG,
    otlp::SCHEDULE_DELAY,
    otlp::METRIC_INTERVAL,
];

/// Every setting, in the order that people read.
pub fn registry() -> &'static [Variable] {
    &REGISTRY
}

/// The setting that the row `key` of `settings` overrides.
pub fn setting(key: &str) -> Option<&'static Variable> {
    REGISTRY.iter().find(|v| v.setting == Some(key))
}
