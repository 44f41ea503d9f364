//! Reports that were asked for: how far they are, and the files they came to.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use modelgate_domain::UsageReportState;
use serde::{Deserialize, Serialize};

use crate::columns::{Json, Name, json};
use crate::conn::db;
use crate::schema::{report_files, reports};
use crate::{Conn, StoreError};

/// Held while it is looked whether the same report is being made, so that two instances do not both begin one.
const LOCK: i64 = 0x6d67_0021;
/// The newest so many are listed.
const MOST: i64 = 200;
/// What is still to come.
const OPEN: [&str; 2] = [
    UsageReportState::Waiting.as_str(),
    UsageReportState::Running.as_str(),
];

/// A report.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = reports)]
pub struct Report {
    /// The row.
    pub id: i64,
    /// What it is about, as JSON.
    pub params: String,
    /// How it stands.
    #[diesel(deserialize_as = Name<UsageReportState>)]
    pub state: UsageReportState,
    /// Who asked; empty for the schedule.
    pub asked_by: String,
    /// What was done, in order.
    #[diesel(deserialize_as = Json<Vec<ReportStep>>)]
    pub steps: Vec<ReportStep>,
    /// Why it failed; empty where it did not.
    pub error: String,
    /// When it was asked for, epoch milliseconds.
    pub created_ms: i64,
    /// When it was begun first, epoch milliseconds.
    pub started_ms: Option<i64>,
    /// When it ended, epoch milliseconds.
    pub finished_ms: Option<i64>,
}

/// A step of a report: reading, or a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportStep {
    /// `gather`, `summary`, `advice`, or the name of a file.
    pub name: String,
    /// How often it was begun.
    pub attempts: u32,
    /// How far it is, in hundredths.
    pub percent: u32,
    /// What it came to, where that is no file; empty where it is one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub artefact: String,
    /// What whoever looks at the report is told of it; empty where that is nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// A file of a report, without what is in it.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = report_files)]
pub struct ReportFile {
    /// The row.
    pub id: i64,
    /// Of which report.
    pub report_id: i64,
    /// Its name, safe in every file system.
    pub name: String,
    /// How large it is.
    pub size_bytes: i64,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// What it is about, as JSON.
    pub params: String,
    /// Who asks; empty for the schedule.
    pub by: String,
    /// When, epoch milliseconds.
    pub at_ms: i64,
}

/// Asks for a report, and returns its row and whether it is new: the one of the same parameters is returned where it is
/// still to come. Call it through [`crate::Db::write`].
pub async fn ask(c: &mut Conn, asked: &Asked) -> Result<(i64, bool), StoreError> {
    c.advisory_lock(LOCK).await?;
    let same: Option<i64> = db!(c, |c| reports::table
        .filter(reports::params.eq(&asked.params))
        .filter(reports::state.eq_any(OPEN))
        .select(reports::id)
        .first(c)
        .await
        .optional())?;
    if let Some(id) = same {
        return Ok((id, false));
    }
    let id = db!(c, |c| diesel::insert_into(reports::table)
        .values((
            reports::params.eq(&asked.params),
            reports::state.eq(UsageReportState::Waiting.as_str()),
            reports::asked_by.eq(&asked.by),
            reports::created_ms.eq(asked.at_ms),
        ))
        .returning(reports::id)
        .get_result(c)
        .await)?;
    Ok((id, true))
}

/// Whether the schedule has ever asked for this.
pub async fn was_scheduled(c: &mut Conn, params: &str) -> Result<bool, StoreError> {
    Ok(db!(c, |c| diesel::select(diesel::dsl::exists(
        reports::table
            .filter(reports::params.eq(params))
            .filter(reports::asked_by.eq(""))
    ))
    .get_result(c)
    .await)?)
}

/// The reports that are not deleted, newest first.
pub async fn list(c: &mut Conn) -> Result<Vec<Report>, StoreError> {
    Ok(db!(c, |c| reports::table
        .filter(reports::state.ne(UsageReportState::Deleted.as_str()))
        .order(reports::id.desc())
        .limit(MOST)
        .select(Report::as_select())
        .load(c)
        .await)?)
}

/// One report that is not deleted.
pub async fn find(c: &mut Conn, id: i64) -> Result<Option<Report>, StoreError> {
    Ok(db!(c, |c| reports::table
        .find(id)
        .filter(reports::state.ne(UsageReportState::Deleted.as_str()))
        .select(Report::as_select())
        .first(c)
        .await
        .optional())?)
}

/// The oldest report that is still to come: one that was begun and left comes before one that waits.
pub async fn next(c: &mut Conn) -> Result<Option<Report>, StoreError> {
    for state in [UsageReportState::Running, UsageReportState::Waiting] {
        let found = db!(c, |c| reports::table
            .filter(reports::state.eq(state.as_str()))
            .order(reports::id)
            .select(Report::as_select())
            .first(c)
            .await
            .optional())?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// Writes down how far a report is; false where it has ended: somebody stopped it.
pub async fn tell(
    c: &mut Conn,
    id: i64,
    steps: &[ReportStep],
    now_ms: i64,
) -> Result<bool, StoreError> {
    let steps = json(&steps)?;
    let row = reports::table
        .filter(reports::id.eq(id))
        .filter(reports::state.eq_any(OPEN));
    let changed = db!(c, |c| diesel::update(row)
        .set((
            reports::steps.eq(&steps),
            reports::state.eq(UsageReportState::Running.as_str()),
        ))
        .execute(c)
        .await)?;
    let unbegun = reports::table
        .filter(reports::id.eq(id))
        .filter(reports::started_ms.is_null());
    db!(c, |c| diesel::update(unbegun)
        .set(reports::started_ms.eq(now_ms))
        .execute(c)
        .await)?;
    Ok(changed == 1)
}

/// Ends a report that is still to come: done, failed, or stopped. False where it has ended.
pub async fn finish(
    c: &mut Conn,
    id: i64,
    (state, error): (UsageReportState, &str),
    now_ms: i64,
) -> Result<bool, StoreError> {
    let row = reports::table
        .filter(reports::id.eq(id))
        .filter(reports::state.eq_any(OPEN));
    let changed = db!(c, |c| diesel::update(row)
        .set((
            reports::state.eq(state.as_str()),
            reports::error.eq(error),
            reports::finished_ms.eq(now_ms),
        ))
        .execute(c)
        .await)?;
    Ok(changed == 1)
}

/// Deletes the files of a report that has ended; its row stays, so that the schedule does not ask for it again. False
/// where it is still to come or there is none. Call it through [`crate::Db::write`].
pub async fn delete(c: &mut Conn, id: i64) -> Result<bool, StoreError> {
    let row = reports::table
        .filter(reports::id.eq(id))
        .filter(reports::state.ne_all(OPEN));
    let changed = db!(c, |c| diesel::update(row)
        .set(reports::state.eq(UsageReportState::Deleted.as_str()))
        .execute(c)
        .await)?;
    if changed == 1 {
        let files = report_files::table.filter(report_files::report_id.eq(id));
        db!(c, |c| diesel::delete(files).execute(c).await)?;
    }
    Ok(changed == 1)
}

/// Keeps a file of a report that is still to come, in place of one of the same name. Call it through
/// [`crate::Db::write`].
pub async fn keep_file(
    c: &mut Conn,
    report: i64,
    name: &str,
    content: &[u8],
) -> Result<(), StoreError> {
    let row = reports::table
        .filter(reports::id.eq(report))
        .filter(reports::state.eq_any(OPEN));
    let is_open: bool = db!(c, |c| diesel::select(diesel::dsl::exists(row))
        .get_result(c)
        .await)?;
    if !is_open {
        return Ok(());
    }
    let old = report_files::table
        .filter(report_files::report_id.eq(report))
        .filter(report_files::name.eq(name));
    db!(c, |c| diesel::delete(old).execute(c).await)?;
    let size = i64::try_from(content.len()).unwrap_or(i64::MAX);
    db!(c, |c| diesel::insert_into(report_files::table)
        .values((
            report_files::report_id.eq(report),
            report_files::name.eq(name),
            report_files::size_bytes.eq(size),
            report_files::content.eq(content),
        ))
        .execute(c)
        .await)?;
    Ok(())
}

/// The files of these reports, without what is in them, in the order they were made.
pub async fn files(c: &mut Conn, reports: &[i64]) -> Result<Vec<ReportFile>, StoreError> {
    Ok(db!(c, |c| report_files::table
        .filter(report_files::report_id.eq_any(reports))
        .order(report_files::id)
        .select(ReportFile::as_select())
        .load(c)
        .await)?)
}

/// What is in a file of a report.
pub async fn content(c: &mut Conn, report: i64, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
    Ok(db!(c, |c| report_files::table
        .filter(report_files::report_id.eq(report))
        .filter(report_files::name.eq(name))
        .select(report_files::content)
        .first(c)
        .await
        .optional())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::each_engine;

    fn asked(params: &str, by: &str) -> Asked {
        Asked {
            params: params.to_owned(),
            by: by.to_owned(),
            at_ms: 1_000,
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_same_report_is_made_once_at_a_time() {
        each_engine(async |db| {
            db.write(|c| {
                Box::pin(async move {
                    let (one, new) = ask(c, &asked("{}", "ann")).await?;
                    assert!(new);
                    assert_eq!(ask(c, &asked("{}", "bob")).await?, (one, false));
                    let (other, new) = ask(c, &asked("{\"a\":1}", "")).await?;
                    assert!(new && other != one);
                    assert!(was_scheduled(c, "{\"a\":1}").await?);
                    assert!(!was_scheduled(c, "{}").await?);
                    assert_eq!(next(c).await?.unwrap().id, one);
                    let steps = [ReportStep {
                        name: "gather".to_owned(),
                        attempts: 1,
                        percent: 40,
                        ..ReportStep::default()
                    }];
                    assert!(tell(c, other, &steps, 2_000).await?);
                    let begun = next(c).await?.unwrap();
                    assert_eq!(
                        (begun.id, begun.started_ms),
                        (other, Some(2_000)),
                        "what was begun goes on first"
                    );
                    assert_eq!(begun.steps, steps);
                    keep_file(c, other, "a.docx", b"one").await?;
                    keep_file(c, other, "a.docx", b"two!").await?;
                    let kept = files(c, &[one, other]).await?;
                    assert_eq!((kept.len(), kept[0].size_bytes), (1, 4));
                    assert_eq!(content(c, other, "a.docx").await?.unwrap(), b"two!");
                    assert!(!delete(c, other).await?, "it is still being made");
                    assert!(finish(c, other, (UsageReportState::Done, ""), 3_000).await?);
                    assert!(
                        ask(c, &asked("{\"a\":1}", "ann")).await?.1,
                        "it may be made again"
                    );
                    assert!(delete(c, other).await?);
                    assert_eq!(content(c, other, "a.docx").await?, None);
                    assert_eq!(find(c, other).await?, None);
                    assert!(
                        was_scheduled(c, "{\"a\":1}").await?,
                        "deleted, not forgotten"
                    );
                    Ok::<_, StoreError>(())
                })
            })
            .await
            .unwrap();
        })
        .await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn one_that_was_stopped_takes_nothing_more() {
        each_engine(async |db| {
            db.write(|c| {
                Box::pin(async move {
                    let (waiting, _) = ask(c, &asked("1", "ann")).await?;
                    let (running, _) = ask(c, &asked("2", "ann")).await?;
                    assert!(tell(c, running, &[], 1).await?);
                    let stopped = (UsageReportState::Cancelled, "");
                    assert!(finish(c, waiting, stopped, 2).await?);
                    assert!(finish(c, running, stopped, 2).await?);
                    assert!(!tell(c, running, &[], 3).await?, "told to stop");
                    keep_file(c, running, "late.docx", b"late").await?;
                    assert_eq!(files(c, &[running]).await?, []);
                    assert!(!finish(c, running, (UsageReportState::Done, ""), 4).await?);
                    let state = find(c, running).await?.unwrap().state;
                    assert_eq!(state, UsageReportState::Cancelled);
                    assert_eq!(next(c).await?, None);
                    assert!(ask(c, &asked("2", "ann")).await?.1, "it may be made again");
                    Ok::<_, StoreError>(())
                })
            })
            .await
            .unwrap();
        })
        .await;
    }
}
