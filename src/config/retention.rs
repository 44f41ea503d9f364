//! How long things are kept that grow with time.

use std::path::PathBuf;

use super::variable::{Fallback, Kind, Variable, variable};
use super::{ConfigError, Given};

pub(super) const LOG_DAYS: Variable = variable(
    "MODELGATE_LOG_DAYS",
    Kind::Integer {
        min: 1,
        max: 3_650,
    },
    Fallback::Text("30"),
    "How many days calls stay in the request log itself; then they move to its history, where lists and details still find them.",
)
.setting("log_days");
pub(super) const LOG_HISTORY_DAYS: Variable = variable(
    "MODELGATE_LOG_HISTORY_DAYS",
    Kind::Integer {
        min: 1,
        max: 36_500,
    },
    Fallback::Text("400"),
    "How many days calls are kept in all; on PostgreSQL whole months go at once.",
)
.setting("log_history_days");
pub(super) const QUARTER_DAYS: Variable = variable(
    "MODELGATE_QUARTER_DAYS",
    Kind::Integer {
        min: 400,
        max: 36_500,
    },
    Fallback::Text("400"),
    "How many days sums by the quarter of an hour are kept; further back figures follow whole days of the business time zone.",
)
.setting("quarter_days");
pub(super) const AUDIT_DAYS: Variable = variable(
    "MODELGATE_AUDIT_DAYS",
    Kind::Integer {
        min: 1,
        max: 36_500,
    },
    Fallback::Text("1100"),
    "How many days it is kept who changed what.",
)
.setting("audit_days");
pub(super) const HEALTH_DAYS: Variable = variable(
    "MODELGATE_HEALTH_DAYS",
    Kind::Integer {
        min: 1,
        max: 36_500,
    },
    Fallback::Text("90"),
    "How many days the history of vendors' health is kept.",
)
.setting("health_days");
pub(super) const JOB_RUN_DAYS: Variable = variable(
    "MODELGATE_JOB_RUN_DAYS",
    Kind::Integer {
        min: 1,
        max: 36_500,
    },
    Fallback::Text("90"),
    "How many days it is kept what scheduled jobs did.",
)
.setting("job_run_days");
pub(super) const NOTICE_DAYS: Variable = variable(
    "MODELGATE_NOTICE_DAYS",
    Kind::Integer {
        min: 1,
        max: 36_500,
    },
    Fallback::Text("90"),
    "How many days notifications are kept after what they tell of happened last.",
)
.setting("notice_days");
pub(super) const REPORT_DAYS: Variable = variable(
    "MODELGATE_REPORT_DAYS",
    Kind::Integer {
        min: 1,
        max: 36_500,
    },
    Fallback::Text("400"),
    "How many days reports and their files are kept.",
)
.setting("report_days");
pub(super) const ERROR_REPORT_DAYS: Variable = variable(
    "MODELGATE_ERROR_REPORT_DAYS",
    Kind::Integer {
        min: 1,
        max: 36_500,
    },
    Fallback::Text("400"),
    "How many days reports on errors are kept.",
)
.setting("error_report_days");

pub(super) const BACKUP_DIR: Variable = variable(
    "MODELGATE_BACKUP_DIR",
    Kind::Path,
    Fallback::None,
    "Directory for the backup of every night; none are made where it is not set. Several instances need one that all of them see.",
);
pub(super) const BACKUP_KEEP: Variable = variable(
    "MODELGATE_BACKUP_KEEP",
    Kind::Integer { min: 1, max: 1_000 },
    Fallback::Text("7"),
    "How many backups of the night are kept.",
)
.setting("backup_keep");

/// In days, but for the backups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// `MODELGATE_LOG_DAYS`: rows of the request log before they move to its history.
    pub log_days: i64,
    /// `MODELGATE_LOG_HISTORY_DAYS`: rows of the request log, in all.
    pub history_days: i64,
    /// `MODELGATE_QUARTER_DAYS`: sums by the quarter of an hour.
    pub quarter_days: i64,
    /// `MODELGATE_AUDIT_DAYS`: lines of the audit log.
    pub audit_days: i64,
    /// `MODELGATE_HEALTH_DAYS`: lines of vendors' health.
    pub health_days: i64,
    /// `MODELGATE_JOB_RUN_DAYS`: runs of jobs.
    pub job_run_days: i64,
    /// `MODELGATE_REPORT_DAYS`: reports of use and their files.
    pub report_days: i64,
    /// `MODELGATE_NOTICE_DAYS`: notices, after what they tell of happened last.
    pub notice_days: i64,
    /// `MODELGATE_ERROR_REPORT_DAYS`: reports on errors.
    pub error_report_days: i64,
    /// `MODELGATE_BACKUP_KEEP`: backups of the night, in files.
    pub backups: i64,
}

impl Retention {
    pub(super) fn read(given: &Given) -> Result<Self, ConfigError> {
        let days = |variable| Ok::<_, ConfigError>(whole(given.integer(variable)?));
        Ok(Self {
            log_days: days(&LOG_DAYS)?,
            history_days: days(&LOG_HISTORY_DAYS)?,
            quarter_days: days(&QUARTER_DAYS)?,
            audit_days: days(&AUDIT_DAYS)?,
            health_days: days(&HEALTH_DAYS)?,
            job_run_days: days(&JOB_RUN_DAYS)?,
            report_days: days(&REPORT_DAYS)?,
            notice_days: days(&NOTICE_DAYS)?,
            error_report_days: days(&ERROR_REPORT_DAYS)?,
            backups: days(&BACKUP_KEEP)?,
        })
    }

    /// The field of a setting.
    fn field(&mut self, setting: &str) -> Option<&mut i64> {
        Some(match setting {
            "log_days" => &mut self.log_days,
            "log_history_days" => &mut self.history_days,
            "quarter_days" => &mut self.quarter_days,
            "audit_days" => &mut self.audit_days,
            "health_days" => &mut self.health_days,
            "job_run_days" => &mut self.job_run_days,
            "report_days" => &mut self.report_days,
            "notice_days" => &mut self.notice_days,
            "error_report_days" => &mut self.error_report_days,
            "backup_keep" => &mut self.backups,
            _ => return None,
        })
    }

    /// Puts a saved text, which is in order, into its field. False where it has none here.
    pub(super) fn set(&mut self, variable: &Variable, text: &str) -> Result<bool, String> {
        let Some(field) = variable.setting.and_then(|setting| self.field(setting)) else {
            return Ok(false);
        };
        *field = whole(variable.kind.integer(text)?);
        Ok(true)
    }
}

/// `MODELGATE_BACKUP_DIR`.
pub(super) fn backup_dir(given: &Given) -> Option<PathBuf> {
    given.optional(&BACKUP_DIR).map(PathBuf::from)
}

fn whole(days: u64) -> i64 {
    i64::try_from(days).unwrap_or(i64::MAX)
}
