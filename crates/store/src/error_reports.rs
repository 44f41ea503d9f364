//! Reports on what went wrong on a day, one for each language and asking.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use modelgate_domain::ReportState;

use crate::columns::Name;
use crate::conn::db;
use crate::schema::error_reports;
use crate::{Conn, StoreError};

/// No list is longer.
const MOST: i64 = 60;

/// A row of `error_reports`.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = error_reports)]
pub struct ErrorReport {
    /// The row.
    pub id: i64,
    /// The day's first moment in the business time zone, epoch milliseconds.
    pub day_ms: i64,
    /// `en` or `zh`.
    pub language: String,
    /// The how manieth of its day and language, from 1.
    pub number: i64,
    /// How far it is.
    #[diesel(deserialize_as = Name<ReportState>)]
    pub state: ReportState,
    /// Who asked for it; empty where its hour did.
    pub asked_by: String,
    /// The model that had a part in it; empty where rules alone wrote it.
    pub model: String,
    /// Why a model that should have had a part had none.
    pub problem: String,
    /// The report, Markdown; empty until it is done.
    pub markdown: String,
    /// When somebody asked, epoch milliseconds.
    pub created_ms: i64,
    /// When it was done.
    pub finished_ms: Option<i64>,
}

/// Who asks for which report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The day's first moment in the business time zone.
    pub day_ms: i64,
    /// `en` or `zh`.
    pub language: String,
    /// Who; empty for its hour, which asks once for a day and language.
    pub by: String,
    /// When, epoch milliseconds.
    pub now_ms: i64,
}

/// Asks for a report and returns its row: a new one, or the one of that day and language that is not written yet. What
/// its hour asks for is made once. Call it through [`crate::Db::write`].
pub async fn ask(c: &mut Conn, asked: &Asked) -> Result<i64, StoreError> {
    use error_reports as t;
    let same: Vec<(i64, i64, String, String)> = db!(c, |c| t::table
        .filter(t::day_ms.eq(asked.day_ms))
        .filter(t::language.eq(&asked.language))
        .order(t::number.desc())
        .select((t::id, t::number, t::state, t::asked_by))
        .load(c)
        .await)?;
    let open = |state: &str| {
        [ReportState::Waiting, ReportState::Writing]
            .iter()
            .any(|open| open.as_str() == state)
    };
    let found = same
        .iter()
        .find(|(_, _, state, by)| open(state) || (asked.by.is_empty() && by.is_empty()));
    if let Some((id, ..)) = found {
        return Ok(*id);
    }
    let number = same.as_slice().first().map_or(1, |(_, last, ..)| last + 1);
    let row = (
        t::day_ms.eq(asked.day_ms),
        t::language.eq(&asked.language),
        t::number.eq(number),
        t::state.eq(ReportState::Waiting.as_str()),
        t::asked_by.eq(&asked.by),
        t::created_ms.eq(asked.now_ms),
    );
    Ok(db!(c, |c| diesel::insert_into(t::table)
        .values(row)
        .returning(t::id)
        .get_result(c)
        .await)?)
}

/// All of them, the newest first, the text left out; no list is longer than 60.
pub async fn list(c: &mut Conn) -> Result<Vec<ErrorReport>, StoreError> {
    use error_reports as t;
    let mut rows: Vec<ErrorReport> = db!(c, |c| t::table
        .order(t::id.desc())
        .limit(MOST)
        .select(ErrorReport::as_select())
        .load(c)
        .await)?;
    for row in &mut rows {
        row.markdown.clear();
    }
    Ok(rows)
}

/// Those that somebody waits for, the oldest first; one that was being written when its process ended is among them.
pub async fn waiting(c: &mut Conn) -> Result<Vec<ErrorReport>, StoreError> {
    use error_reports as t;
    let open = [ReportState::Waiting.as_str(), ReportState::Writing.as_str()];
    Ok(db!(c, |c| t::table
        .filter(t::state.eq_any(open))
        .order(t::id)
        .limit(MOST)
        .select(ErrorReport::as_select())
        .load(c)
        .await)?)
}

/// One of them.
pub async fn find(c: &mut Conn, id: i64) -> Result<Option<ErrorReport>, StoreError> {
    Ok(db!(c, |c| error_reports::table
        .find(id)
        .select(ErrorReport::as_select())
        .first(c)
        .await
        .optional())?)
}

/// The newest report of a day and language that can be read.
pub async fn newest(
    c: &mut Conn,
    day_ms: i64,
    language: &str,
) -> Result<Option<ErrorReport>, StoreError> {
    use error_reports as t;
    Ok(db!(c, |c| t::table
        .filter(t::day_ms.eq(day_ms))
        .filter(t::language.eq(language))
        .filter(t::state.eq(ReportState::Done.as_str()))
        .order(t::number.desc())
        .select(ErrorReport::as_select())
        .first(c)
        .await
        .optional())?)
}

/// Says that a report is being written.
pub async fn begin(c: &mut Conn, id: i64) -> Result<(), StoreError> {
    use error_reports as t;
    db!(c, |c| diesel::update(t::table.find(id))
        .set(t::state.eq(ReportState::Writing.as_str()))
        .execute(c)
        .await)?;
    Ok(())
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// The report, Markdown.
    pub markdown: String,
    /// The model that had a part in it, or nothing.
    pub model: String,
    /// Why a model that should have had a part had none, or nothing.
    pub problem: String,
}

/// Keeps a report.
pub async fn finish(
    c: &mut Conn,
    id: i64,
    written: &Written,
    now_ms: i64,
) -> Result<(), StoreError> {
    use error_reports as t;
    db!(c, |c| diesel::update(t::table.find(id))
        .set((
            t::state.eq(ReportState::Done.as_str()),
            t::markdown.eq(&written.markdown),
            t::model.eq(&written.model),
            t::problem.eq(&written.problem),
            t::finished_ms.eq(now_ms),
        ))
        .execute(c)
        .await)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::each_engine;

    fn asked(by: &str) -> Asked {
        Asked {
            day_ms: 5,
            language: "en".to_owned(),
            by: by.to_owned(),
            now_ms: 9,
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn one_that_is_not_written_yet_is_not_asked_for_again() {
        each_engine(async |db| {
            db.write(|c| {
                Box::pin(async move {
                    let first = ask(c, &asked("")).await?;
                    assert_eq!(ask(c, &asked("root")).await?, first, "it comes anyway");
                    begin(c, first).await?;
                    assert_eq!(waiting(c).await?.len(), 1, "until it is done");
                    let written = Written {
                        markdown: "# x".to_owned(),
                        ..Written::default()
                    };
                    finish(c, first, &written, 10).await?;
                    assert_eq!(ask(c, &asked("")).await?, first, "its hour asks once");
                    let second = ask(c, &asked("root")).await?;
                    finish(c, second, &written, 11).await?;
                    let third = ask(c, &asked("root")).await?;
                    let rows = list(c).await?;
                    let numbers: Vec<i64> = rows.iter().map(|row| row.number).collect();
                    assert_eq!(numbers, [3, 2, 1]);
                    assert_eq!(rows[0].id, third);
                    let kept = find(c, first).await?.unwrap();
                    assert_eq!(
                        (kept.markdown.as_str(), kept.finished_ms),
                        ("# x", Some(10))
                    );
                    Ok::<_, StoreError>(())
                })
            })
            .await
            .unwrap();
        })
        .await;
    }
}
