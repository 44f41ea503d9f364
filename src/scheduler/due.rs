//! Whether a job is to run now: a pure function of how it stands and what time it is.

use chrono_tz::Tz;
use modelgate_domain::{Cron, Job, JobTrigger};
use modelgate_store::jobs::JobState;

/// A run that begins so much after its hour is late.
const LATE_MS: i64 = 120_000;

/// What is to be done about a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Nothing.
    No,
    /// Its hour passes without a run.
    Skip { next_ms: i64 },
    /// It runs.
    Run { trigger: JobTrigger, next_ms: i64 },
}

/// When the hour of a job comes after `ms`; never, where its expression cannot be read.
pub(super) fn next_ms(job: Job, cron: &str, ms: i64, zone: Tz) -> i64 {
    let text = if cron.is_empty() {
        job.plan().cron
    } else {
        cron
    };
    let cron = text.parse::<Cron>().ok();
    cron.and_then(|cron| cron.after(ms, zone))
        .unwrap_or(i64::MAX)
}

pub(super) fn due(state: &JobState, now_ms: i64, zone: Tz) -> Due {
    let come = state.next_ms <= now_ms;
    let next_ms = if come {
        next_ms(state.job, &state.cron, now_ms, zone)
    } else {
        state.next_ms
    };
    let skip = || if come { Due::Skip { next_ms } } else { Due::No };
    if !state.locked_by.is_empty() {
        return skip();
    }
    if let Ok(trigger) = state.asked.parse() {
        return Due::Run { trigger, next_ms };
    }
    if !come || state.paused {
        return skip();
    }
    let late = now_ms.saturating_sub(state.next_ms) > LATE_MS;
    let trigger = match (late, state.job.plan().catches_up) {
        (false, _) => JobTrigger::Schedule,
        (true, true) => JobTrigger::CatchUp,
        (true, false) => return skip(),
    };
    Due::Run { trigger, next_ms }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: i64 = 3_600_000;
    const DAY_MS: i64 = 24 * HOUR_MS;
    const TEN_MINUTES: i64 = HOUR_MS / 6;

    fn state(job: Job) -> JobState {
        JobState {
            job,
            cron: String::new(),
            paused: false,
            next_ms: next_ms(job, "", 0, Tz::UTC),
            asked: String::new(),
            asked_by: String::new(),
            cancelled: false,
            locked_by: String::new(),
            locked_until_ms: 0,
        }
    }

    fn at(state: &JobState, now_ms: i64) -> Due {
        due(state, now_ms, Tz::UTC)
    }

    #[test]
    fn a_job_runs_at_its_hour_and_not_before() {
        let job = state(Job::TimeoutCleanup);
        assert_eq!(at(&job, TEN_MINUTES - 1), Due::No);
        let run = |trigger, next_ms| Due::Run { trigger, next_ms };
        let (by, then) = (JobTrigger::Schedule, 2 * TEN_MINUTES);
        assert_eq!(at(&job, TEN_MINUTES), run(by, then));
        assert_eq!(at(&job, TEN_MINUTES + LATE_MS), run(by, then));
    }

    #[test]
    fn a_missed_hour_is_made_up_once_where_the_job_says_so() {
        let often = state(Job::TimeoutCleanup);
        let skipped = Due::Skip {
            next_ms: HOUR_MS + TEN_MINUTES,
        };
        assert_eq!(at(&often, HOUR_MS), skipped);
        let nightly = state(Job::Archiving);
        let weeks_later = 20 * DAY_MS + HOUR_MS;
        let made_up = Due::Run {
            trigger: JobTrigger::CatchUp,
            next_ms: 21 * DAY_MS + 20 * 60_000,
        };
        assert_eq!(at(&nightly, weeks_later), made_up);
    }

    #[test]
    fn a_paused_job_runs_only_when_asked() {
        let mut job = state(Job::Retention);
        job.paused = true;
        assert_eq!(at(&job, 0), Due::No);
        assert!(matches!(at(&job, DAY_MS), Due::Skip { .. }));
        job.asked = "operator".to_owned();
        let asked = Due::Run {
            trigger: JobTrigger::Operator,
            next_ms: job.next_ms,
        };
        assert_eq!(at(&job, 0), asked);
    }

    #[test]
    fn a_running_job_lets_its_hour_pass() {
        let mut job = state(Job::TimeoutCleanup);
        job.locked_by = "somebody".to_owned();
        job.asked = "operator".to_owned();
        assert_eq!(at(&job, 0), Due::No);
        assert!(matches!(at(&job, TEN_MINUTES), Due::Skip { .. }));
    }

    #[test]
    fn an_expression_that_cannot_be_read_never_comes() {
        assert_eq!(next_ms(Job::Retention, "soon", 0, Tz::UTC), i64::MAX);
    }
}
