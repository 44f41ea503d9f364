//! How long things are kept that grow with time.

use super::registry as r;
use super::{ConfigError, Given, Variable};

/// In days.
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
    /// `MODELGATE_NOTICE_DAYS`: notices, after what they tell of happened last.
    pub notice_days: i64,
}

impl Retention {
    pub(super) fn read(given: &Given) -> Result<Self, ConfigError> {
        let days = |variable| Ok::<_, ConfigError>(whole(given.integer(variable)?));
        Ok(Self {
            log_days: days(&r::LOG_DAYS)?,
            history_days: days(&r::LOG_HISTORY_DAYS)?,
            quarter_days: days(&r::QUARTER_DAYS)?,
            audit_days: days(&r::AUDIT_DAYS)?,
            health_days: days(&r::HEALTH_DAYS)?,
            job_run_days: days(&r::JOB_RUN_DAYS)?,
            notice_days: days(&r::NOTICE_DAYS)?,
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
            "notice_days" => &mut self.notice_days,
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

fn whole(days: u64) -> i64 {
    i64::try_from(days).unwrap_or(i64::MAX)
}
