//! Deletes what is older than somebody wants to keep, a bounded piece at a time.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::columns::at;
use crate::conn::db;
use crate::schema::{
    audit_log, busyness_minutes, config_generations, error_reports, health_events, job_runs,
    latency_quarter_hour, notices, reports, sessions, setup_links, storage_sizes, usage_minute,
    usage_quarter_hour,
};
use crate::{Conn, StoreError};

/// So much of a table of sums goes at once.
const STEP_MS: i64 = 6 * 3_600_000;
/// So many rows of other tables.
const ROWS: i64 = 2_000;

/// What grows with time and may be forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Sums by the minute.
    UsageMinutes,
    /// Sums by the quarter of an hour.
    UsageQuarters,
    /// Durations by the quarter of an hour.
    LatencyQuarters,
    /// How busy the gateway was.
    BusynessMinutes,
    /// What jobs did.
    JobRuns,
    /// Who changed what.
    AuditLog,
    /// Which configurations there were, but for the present one.
    Generations,
    /// What people were told, by when it last happened.
    Notices,
    /// What went wrong on a day, written down.
    ErrorReports,
    /// How vendors fared.
    HealthEvents,
    /// Reports of use, with their files.
    Reports,
    /// Sessions that have ended by themselves.
    Sessions,
    /// One-time links that nobody followed.
    SetupLinks,
    /// How large tables were.
    StorageSizes,
}

/// Deletes some of what is from before `before`, oldest first; returns how many rows, 0 once nothing is left. Call it
/// through [`crate::Db::write`].
pub async fn batch(c: &mut Conn, kind: Kind, before: DateTime<Utc>) -> Result<usize, StoreError> {
    let before_ms = before.timestamp_millis();
    /// Sums have no number of their own: the oldest hours of them go.
    macro_rules! oldest_hours {
        ($table:ident, $period:ident) => {{
            use $table as t;
            let first: Option<i64> = db!(c, |c| t::table
                .select(diesel::dsl::min(t::$period))
                .first(c)
                .await)?;
            let Some(first) = first.filter(|first| *first < before_ms) else {
                return Ok(0);
            };
            let until = first.saturating_add(STEP_MS).min(before_ms);
            db!(c, |c| diesel::delete(t::table.filter(t::$period.lt(until)))
                .execute(c)
                .await)?
        }};
    }
    macro_rules! oldest_rows {
        ($table:ident, $key:ident: $type:ty, $old:expr) => {{
            use $table as t;
            let some = t::table.filter($old).order(t::$key).limit(ROWS);
            let keys: Vec<$type> = db!(c, |c| some.select(t::$key).load(c).await)?;
            db!(c, |c| diesel::delete(
                t::table.filter(t::$key.eq_any(&keys))
            )
            .execute(c)
            .await)?
        }};
    }
    Ok(match kind {
        Kind::UsageMinutes => oldest_hours!(usage_minute, minute_ms),
        Kind::UsageQuarters => oldest_hours!(usage_quarter_hour, quarter_ms),
        Kind::LatencyQuarters => oldest_hours!(latency_quarter_hour, quarter_ms),
        Kind::BusynessMinutes => oldest_hours!(busyness_minutes, quarter_ms),
        Kind::StorageSizes => oldest_hours!(storage_sizes, day_ms),
        Kind::JobRuns => oldest_rows!(job_runs, id: i64, job_runs::started_ms.lt(before_ms)),
        Kind::AuditLog => oldest_rows!(audit_log, id: i64, audit_log::at.lt(at(before))),
        Kind::Generations => {
            let present = crate::changes::generation(c).await?;
            let old = config_generations::at.lt(at(before));
            oldest_rows!(config_generations, number: i64, old.and(config_generations::number.lt(present)))
        }
        Kind::ErrorReports => {
            oldest_rows!(error_reports, id: i64, error_reports::day_ms.lt(before_ms))
        }
        Kind::Notices => oldest_rows!(notices, id: i64, notices::last_ms.lt(before_ms)),
        Kind::HealthEvents => {
            oldest_rows!(health_events, id: i64, health_events::at_ms.lt(before_ms))
        }
        Kind::Reports => oldest_rows!(reports, id: i64, reports::created_ms.lt(before_ms)),
        Kind::Sessions => {
            oldest_rows!(sessions, id_hash: String, sessions::expires_at.lt(at(before)))
        }
        Kind::SetupLinks => {
            oldest_rows!(setup_links, token_hash: String, setup_links::expires_at.lt(at(before)))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::each_engine;

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_old_goes_piece_by_piece_and_the_rest_stays() {
        each_engine(async |db| {
            db.write(|c| {
                Box::pin(async move {
                    let hour = STEP_MS / 6;
                    for n in 0..30 {
                        let at = n * hour;
                        let zeros = "0, ".repeat(18);
                        let zeros = zeros.trim_end_matches(", ");
                        let minute =
                            format!("insert into usage_minute values ({at}, 1, 1, 1, 1, '', {zeros})");
                        db!(c, |c| diesel::sql_query(minute).execute(c).await)?;
                        let event = format!(
                            "insert into health_events (at_ms, instance, provider_id, provider_key_id, target_id, \
                             from_state, to_state, reason, detail, actor) \
                             values ({at}, 'i', 1, 0, 0, 'well', 'resting', '', '', '')"
                        );
                        db!(c, |c| diesel::sql_query(event).execute(c).await)?;
                    }
                    let before = DateTime::from_timestamp_millis(20 * hour).unwrap();
                    for statement in [
                        "insert into notices (id, subject, kind, severity, reader, first_ms, last_ms) values \
                         (1, 'old', 'k', 'info', 'operators', 0, 1), (2, 'new', 'k', 'info', 'operators', 0, 999999999)",
                        "insert into notice_reads values (1, 'user 1'), (2, 'user 1')",
                        "insert into config_generations values \
                         (1, '1970-01-01 00:00:00', 'a', '', ''), (2, '1970-01-01 00:00:01', 'a', '', '')",
                    ] {
                        db!(c, |c| diesel::sql_query(statement).execute(c).await)?;
                    }
                    assert_eq!(batch(c, Kind::Notices, before).await?, 1);
                    let reads: i64 = db!(c, |c| crate::schema::notice_reads::table
                        .count()
                        .get_result(c)
                        .await)?;
                    assert_eq!(reads, 1, "who read it goes with it");
                    assert_eq!(batch(c, Kind::Generations, before).await?, 1);
                    assert_eq!(crate::changes::generation(c).await?, 2, "the present one stays");
                    let mut steps = Vec::new();
                    while let n @ 1.. = batch(c, Kind::UsageMinutes, before).await? {
                        steps.push(n);
                    }
                    assert_eq!(steps, [6, 6, 6, 2]);
                    assert_eq!(batch(c, Kind::HealthEvents, before).await?, 20);
                    let busy = "insert into busyness_minutes values (0, 'busy', 3), (900000, 'busy', 3)";
                    db!(c, |c| diesel::sql_query(busy).execute(c).await)?;
                    assert_eq!(batch(c, Kind::BusynessMinutes, before).await?, 2);
                    for kind in [
                        Kind::HealthEvents,
                        Kind::UsageQuarters,
                        Kind::LatencyQuarters,
                        Kind::BusynessMinutes,
                        Kind::JobRuns,
                        Kind::AuditLog,
                        Kind::Reports,
                        Kind::Generations,
                        Kind::Notices,
                        Kind::ErrorReports,
                        Kind::Sessions,
                        Kind::SetupLinks,
                    ] {
                        assert_eq!(batch(c, kind, before).await?, 0, "{kind:?}");
                    }
                    Ok::<_, StoreError>(())
                })
            })
            .await
            .unwrap();
        })
        .await;
    }
}
