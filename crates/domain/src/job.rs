//! The work the gateway does by itself: the table of jobs, and when a cron expression says that one is due.

use chrono::{DateTime, Offset as _, Utc};
use chrono_tz::Tz;
use croner::parser::{CronParser, Seconds, Year};

use crate::closed_set::closed_set;

closed_set! {
    /// A job. What each does is in `src/scheduler`, one file each.
    Job {
        /// Ends requests whose process is gone.
        #[default]
        TimeoutCleanup = "timeout_cleanup",
        /// Holds the sums of past days against the request log and repairs them.
        DailyAggregation = "daily_aggregation",
        /// Moves old rows of the request log to its history.
        Archiving = "archiving",
        /// Deletes what is older than the settings keep.
        Retention = "retention",
        /// Writes down what went wrong yesterday, and what else somebody asked for.
        ErrorReports = "error_reports",
        /// Lets the database look after itself, and notes how large it is.
        DatabaseCare = "database_care",
        /// Copies the database into a file.
        Backup = "backup",
        /// Makes the reports of use that were asked for, and those of the schedule.
        Reports = "reports",
    }
}

closed_set! {
    /// Why a job runs.
    JobTrigger {
        /// Its hour has come.
        #[default]
        Schedule = "schedule",
        /// Its hour passed while no gateway ran.
        CatchUp = "catch_up",
        /// Its last run was interrupted.
        Resume = "resume",
        /// Somebody asked for it.
        Operator = "operator",
    }
}

closed_set! {
    /// How a run stands.
    JobOutcome {
        /// It runs.
        #[default]
        Running = "running",
        /// It did all it had to.
        Success = "success",
        /// It met an error, which its row names.
        Failed = "failed",
        /// It outlasted its deadline.
        TimedOut = "timed_out",
        /// Somebody stopped it.
        Cancelled = "cancelled",
        /// Its process ended before it did.
        Interrupted = "interrupted",
    }
}

closed_set! {
    /// What a step of a run did; how many of it stands beside.
    JobStep {
        /// Requests of dead processes were ended.
        #[default]
        RequestsEnded = "requests_ended",
        /// Days were held against the request log.
        DaysChecked = "days_checked",
        /// Sums were wrong, and are right now.
        SumsRepaired = "sums_repaired",
        /// By so many requests.
        DriftRequests = "drift_requests",
        /// By so many tokens.
        DriftTokens = "drift_tokens",
        /// By so much money, in nano-units of whatever currency.
        DriftCostNanos = "drift_cost_nanos",
        /// So many durations were counted in the wrong bucket or in none.
        DriftDurations = "drift_durations",
        /// Rows of the request log moved to its history.
        RowsArchived = "rows_archived",
        /// Rows of the history, on PostgreSQL whole months, were deleted.
        HistoryDeleted = "history_deleted",
        /// Sums by the minute were deleted.
        MinutesDeleted = "minutes_deleted",
        /// Sums by the quarter of an hour were deleted.
        QuartersDeleted = "quarters_deleted",
        /// Runs of jobs were deleted.
        RunsDeleted = "runs_deleted",
        /// Lines of the audit log were deleted.
        AuditDeleted = "audit_deleted",
        /// Numbers of past configurations were deleted.
        GenerationsDeleted = "generations_deleted",
        /// Notices were deleted.
        NoticesDeleted = "notices_deleted",
        /// Lines of vendors' health were deleted.
        HealthDeleted = "health_deleted",
        /// Sessions that had ended were deleted.
        SessionsDeleted = "sessions_deleted",
        /// Reports on errors were deleted.
        ErrorReportsDeleted = "error_reports_deleted",
        /// One-time links that had ended were deleted.
        LinksDeleted = "links_deleted",
        /// Reports on errors were written.
        ReportsWritten = "reports_written",
        /// Reports were asked for by the schedule.
        ReportsScheduled = "reports_scheduled",
        /// Reports were made.
        ReportsMade = "reports_made",
        /// Reports were stopped or could not be made.
        ReportsGivenUp = "reports_given_up",
        /// Reports with their files were deleted.
        ReportsDeleted = "reports_deleted",
        /// Pages of the database's write-ahead log were put in their place.
        PagesCheckpointed = "pages_checkpointed",
        /// Tables got new statistics.
        TablesAnalyzed = "tables_analyzed",
        /// Sizes of tables were noted.
        TablesMeasured = "tables_measured",
        /// Sizes of past days were deleted.
        SizesDeleted = "sizes_deleted",
        /// A backup of so many bytes was made.
        BackupBytes = "backup_bytes",
        /// Old backups were removed.
        BackupsRemoved = "backups_removed",
    }
}

/// When and how a job runs unless somebody says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Five fields, in the business time zone.
    pub cron: &'static str,
    /// A run is ended after so many seconds.
    pub deadline_s: u64,
    /// Whether it runs late where its hour passed while no gateway ran.
    pub catches_up: bool,
}

impl Job {
    /// The table. All of these may be repeated at any time and go on where an interrupted run stopped.
    pub const fn plan(self) -> Plan {
        let (cron, deadline_s, catches_up) = match self {
            // Ten minutes after its last sign of life an instance counts as dead.
            Self::TimeoutCleanup => ("*/10 * * * *", 300, false),
            // The day is over, and its last calls have mostly ended.
            Self::DailyAggregation => ("5 0 * * *", 3_600, true),
            // After the sums were held against the rows that now move.
            Self::Archiving => ("20 0 * * *", 7_200, true),
            // After rows have moved to where they are kept longest.
            Self::Retention => ("50 0 * * *", 3_600, true),
            // After the sums of the day were held against its rows; nothing of it is deleted yet.
            Self::ErrorReports => ("30 0 * * *", 1_800, true),
            // When the fewest people work, after the day's deletions.
            Self::DatabaseCare => ("30 3 * * *", 3_600, false),
            // Between the deletions, whose rows need not be kept, and the care.
            Self::Backup => ("10 2 * * *", 14_400, true),
            // The day's sums have been proved. What somebody asks for is made at once.
            Self::Reports => ("10 1 * * *", 3_600, true),
        };
        Plan {
            cron,
            deadline_s,
            catches_up,
        }
    }
}

/// A change of the clock further away does not matter for the next time.
const CHANGE_MS: i64 = 3 * 3_600_000;

/// A cron expression of five fields (minute, hour, day, month, weekday; 0 and 7 are Sunday), as crontab(5) has them.
///
/// Daylight saving: a time of day that is skipped comes right after the gap, one that comes twice counts once; what
/// repeats within the day goes by the clock on the wall.
#[derive(Clone, Debug)]
pub struct Cron(croner::Cron);

/// The expression is not of five fields, or one of them is out of bounds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadCron(String);

impl std::str::FromStr for Cron {
    type Err = BadCron;

    fn from_str(text: &str) -> Result<Self, BadCron> {
        let fields = text.split_whitespace().count();
        if fields != 5 {
            return Err(BadCron(format!("{fields} fields instead of 5")));
        }
        let parser = CronParser::builder()
            .seconds(Seconds::Disallowed)
            .year(Year::Disallowed)
            .build();
        let cron = parser.parse(text).map_err(|bad| BadCron(bad.to_string()))?;
        let cron = Self(cron);
        // The thirtieth of February parses.
        if cron.after(0, Tz::UTC).is_none() {
            return Err(BadCron("a time that never comes".to_owned()));
        }
        Ok(cron)
    }
}

impl Cron {
    /// The first time after `ms`, both in epoch milliseconds; absent where there is none for years.
    pub fn after(&self, ms: i64, zone: Tz) -> Option<i64> {
        // The library carries parts of a second over.
        let ms = ms.div_euclid(1_000).saturating_mul(1_000);
        let local = |ms| Some(DateTime::<Utc>::from_timestamp_millis(ms)?.with_timezone(&zone));
        let (before, from, later) = (local(ms - CHANGE_MS)?, local(ms)?, local(ms + CHANGE_MS)?);
        let offset = |at: &DateTime<Tz>| at.offset().fix().local_minus_utc();
        if offset(&before) <= offset(&later) {
            let next = self.0.find_next_occurrence(&from, false).ok()?;
            return Some(next.timestamp_millis()).filter(|next| *next > ms);
        }
        // The clock goes back: the library tells both times of a pair one after the other, not in their order.
        let around = self.0.iter_after(before).map(|at| at.timestamp_millis());
        let mut next = None;
        for at in around.filter(|at| *at > ms) {
            next = Some(next.map_or(at, |next: i64| next.min(at)));
            if at > ms + CHANGE_MS {
                break;
            }
        }
        next
    }

    /// The next `count` times after `ms`.
    pub fn upcoming(&self, ms: i64, zone: Tz, count: usize) -> Vec<i64> {
        let first = self.after(ms, zone);
        std::iter::successors(first, |last| self.after(*last, zone))
            .take(count)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(cron: &str, from: &str, zone: Tz, count: usize) -> Vec<String> {
        let from = DateTime::parse_from_rfc3339(from).unwrap();
        let cron: Cron = cron.parse().unwrap();
        let shown = |ms: &i64| {
            let at = DateTime::<Utc>::from_timestamp_millis(*ms).unwrap();
            at.with_timezone(&zone).to_rfc3339()
        };
        let next = cron.upcoming(from.timestamp_millis(), zone, count);
        next.iter().map(shown).collect()
    }

    #[test]
    fn every_plan_has_a_next_time() {
        for job in Job::ALL {
            let cron: Cron = job.plan().cron.parse().unwrap();
            assert_eq!(cron.upcoming(0, Tz::UTC, 5).len(), 5, "{job}");
        }
    }

    #[test]
    fn days_begin_in_the_business_time_zone() {
        let zone = chrono_tz::Asia::Shanghai;
        assert_eq!(
            times("5 0 * * *", "2026-11-20T15:00:00Z", zone, 2),
            ["2026-11-21T00:05:00+08:00", "2026-11-22T00:05:00+08:00"]
        );
        let cron: Cron = "* * * * *".parse().unwrap();
        assert_eq!(cron.after(59_173, zone), Some(60_000), "whole minutes");
        assert_eq!(
            times("0 9 * * 7", "2026-11-20T15:00:00Z", zone, 1),
            ["2026-11-22T09:00:00+08:00"]
        );
    }

    #[test]
    fn a_skipped_hour_comes_after_the_gap_and_a_doubled_one_once() {
        let zone = chrono_tz::Europe::Berlin;
        assert_eq!(
            times("30 2 * * *", "2026-03-28T12:00:00Z", zone, 2),
            ["2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"]
        );
        assert_eq!(
            times("30 2 * * *", "2026-10-24T12:00:00Z", zone, 2),
            ["2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"]
        );
        assert_eq!(
            times("*/30 * * * *", "2026-10-24T23:59:00Z", zone, 5),
            [
                "2026-10-25T02:00:00+02:00",
                "2026-10-25T02:30:00+02:00",
                "2026-10-25T02:00:00+01:00",
                "2026-10-25T02:30:00+01:00",
                "2026-10-25T03:00:00+01:00"
            ]
        );
    }

    #[test]
    fn a_bad_expression_says_what_is_wrong() {
        for bad in [
            "",
            "5 0 * *",
            "5 0 * * * *",
            "61 0 * * *",
            "5 0 30 2 *",
            "@daily",
            "soon",
        ] {
            assert!(bad.parse::<Cron>().is_err(), "{bad}");
        }
    }
}
