//! What happened that somebody should know. The same thing within a while is one row that counts.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use modelgate_domain::{ApiKeyId, Severity, UserId};

use crate::columns::{Json, Name, json};
use crate::conn::db;
use crate::schema::{notice_reads, notices};
use crate::{Conn, Page, StoreError};

/// Held while rows are counted up, so that two instances do not both make one.
const LOCK: i64 = 0x6d67_0014;
/// More than these are not counted.
pub const COUNTED: i64 = 100;
/// How many unread ones one click reads at most.
const AT_ONCE: i64 = 10_000;

/// Values of a notice's text, by name.
pub type Args = BTreeMap<String, String>;

/// Whom a notice is for, or who has read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// All who may look around the console.
    Operators,
    /// An account.
    User(UserId),
    /// Whoever is logged in with a key.
    Key(ApiKeyId),
}

impl std::fmt::Display for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Operators => f.write_str("operators"),
            Self::User(id) => write!(f, "user:{id}"),
            Self::Key(id) => write!(f, "key:{id}"),
        }
    }
}

/// A piece of news.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// What it is about: the same within a while is one row.
    pub subject: String,
    /// A stable short code; its text is the pages' business.
    pub kind: String,
    /// How much it matters.
    pub severity: Severity,
    /// What its text names.
    pub args: Args,
    /// Whom it is for.
    pub to: Reader,
    /// When, epoch milliseconds.
    pub at_ms: i64,
}

/// A row of `notices`.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = notices)]
pub struct Notice {
    /// The row.
    pub id: i64,
    /// A stable short code.
    pub kind: String,
    /// How much it matters.
    #[diesel(deserialize_as = Name<Severity>)]
    pub severity: Severity,
    /// What its text names.
    #[diesel(deserialize_as = Json<Args>)]
    pub args: Args,
    /// When it happened first, epoch milliseconds.
    pub first_ms: i64,
    /// When it happened last, epoch milliseconds.
    pub last_ms: i64,
    /// How often.
    pub times: i64,
}

/// Which notices a reader looks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this weight only.
    pub severity: Option<Severity>,
    /// Unread ones only.
    pub unread: bool,
    /// Older than this row: the cursor of a list.
    pub before: Option<i64>,
    /// At most so many.
    pub limit: i64,
}

/// Writes news down: what happened again within `window_ms` counts up; without a window it is told once for good.
pub async fn insert(c: &mut Conn, news: &News, window_ms: Option<i64>) -> Result<(), StoreError> {
    c.advisory_lock(LOCK).await?;
    let since = window_ms.map_or(i64::MIN, |window| news.at_ms.saturating_sub(window));
    let args = json(&news.args)?;
    let known: Option<i64> = db!(c, |c| {
        notices::table
            .filter(notices::subject.eq(&news.subject))
            .filter(notices::last_ms.gt(since))
            .order(notices::id.desc())
            .select(notices::id)
            .first(c)
            .await
            .optional()
    })?;
    match known {
        Some(_) if window_ms.is_none() => 0,
        Some(id) => db!(c, |c| {
            diesel::update(notices::table.find(id))
                .set((
                    notices::last_ms.eq(news.at_ms),
                    notices::times.eq(notices::times + 1),
                    notices::severity.eq(news.severity.as_str()),
                    notices::args.eq(&args),
                ))
                .execute(c)
                .await
        })?,
        None => db!(c, |c| {
            diesel::insert_into(notices::table)
                .values((
                    notices::subject.eq(&news.subject),
                    notices::kind.eq(&news.kind),
                    notices::severity.eq(news.severity.as_str()),
                    notices::args.eq(&args),
                    notices::reader.eq(news.to.to_string()),
                    notices::first_ms.eq(news.at_ms),
                    notices::last_ms.eq(news.at_ms),
                ))
                .execute(c)
                .await
        })?,
    };
    Ok(())
}

/// A page of what is for one of `boxes`, newest first, each with whether `reader` has read it.
pub async fn list(
    c: &mut Conn,
    (boxes, reader): (&[Reader], Reader),
    filter: &Filter,
) -> Result<Page<(Notice, bool)>, StoreError> {
    let limit = filter.limit.clamp(1, 200);
    let boxes = names(boxes);
    let rows: Vec<Notice> = db!(c, |c| {
        let mut query = notices::table
            .filter(notices::reader.eq_any(&boxes))
            .into_boxed::<DB>();
        if let Some(severity) = filter.severity {
            query = query.filter(notices::severity.eq(severity.as_str()));
        }
        if filter.unread {
            query = query.filter(diesel::dsl::not(diesel::dsl::exists(read_by(
                reader.to_string(),
            ))));
        }
        if let Some(before) = filter.before {
            query = query.filter(notices::id.lt(before));
        }
        query
            .order(notices::id.desc())
            .limit(limit + 1)
            .select(Notice::as_select())
            .load(c)
            .await
    })?;
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let read: Vec<i64> = db!(c, |c| {
        notice_reads::table
            .filter(notice_reads::notice_id.eq_any(&ids))
            .filter(notice_reads::reader.eq(reader.to_string()))
            .select(notice_reads::notice_id)
            .load(c)
            .await
    })?;
    let rows = rows.into_iter().map(|row| {
        let is_read = read.contains(&row.id);
        (row, is_read)
    });
    Ok(Page::cut(rows.collect(), limit))
}

/// How many of what is for one of `boxes` the reader has not read; not more than [`COUNTED`].
pub async fn count_unread(
    c: &mut Conn,
    boxes: &[Reader],
    reader: Reader,
) -> Result<i64, StoreError> {
    let ids = unread(c, boxes, reader, COUNTED).await?;
    Ok(i64::try_from(ids.len()).unwrap_or(COUNTED))
}

async fn unread(
    c: &mut Conn,
    boxes: &[Reader],
    reader: Reader,
    limit: i64,
) -> Result<Vec<i64>, StoreError> {
    let boxes = names(boxes);
    Ok(db!(c, |c| {
        notices::table
            .filter(notices::reader.eq_any(&boxes))
            .filter(diesel::dsl::not(diesel::dsl::exists(read_by(
                reader.to_string(),
            ))))
            .limit(limit)
            .select(notices::id)
            .load(c)
            .await
    })?)
}

/// Notes that the reader has read `id` of what is for one of `boxes`, or all of it.
pub async fn mark_read(
    c: &mut Conn,
    (boxes, reader): (&[Reader], Reader),
    id: Option<i64>,
) -> Result<(), StoreError> {
    let mut ids = unread(c, boxes, reader, AT_ONCE).await?;
    ids.retain(|one| id.is_none_or(|id| id == *one));
    for id in ids {
        db!(c, |c| {
            diesel::insert_into(notice_reads::table)
                .values((
                    notice_reads::notice_id.eq(id),
                    notice_reads::reader.eq(reader.to_string()),
                ))
                .on_conflict_do_nothing()
                .execute(c)
                .await
        })?;
    }
    Ok(())
}

fn names(boxes: &[Reader]) -> Vec<String> {
    boxes.iter().map(ToString::to_string).collect()
}

#[diesel::dsl::auto_type]
fn read_by(reader: String) -> _ {
    notice_reads::table
        .filter(notice_reads::notice_id.eq(notices::id))
        .filter(notice_reads::reader.eq(reader))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::retention;
    use crate::testing::each_engine;
    use futures_util::FutureExt as _;

    const HOUR: i64 = 3_600_000;

    fn news(subject: &str, to: Reader, at_ms: i64) -> News {
        News {
            subject: subject.to_owned(),
            kind: "credential_rejected".to_owned(),
            severity: Severity::Danger,
            args: Args::from([("provider".to_owned(), "<b>".to_owned())]),
            to,
            at_ms,
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_same_within_a_while_is_one_row_and_each_reads_for_themselves() {
        each_engine(async |db| {
            db.write::<_, StoreError, _>(|c| {
                async move {
                    let ops = [Reader::Operators];
                    let (anna, ben) = (Reader::User(UserId(1)), Reader::User(UserId(2)));
                    for at_ms in [10, 20, 30] {
                        insert(c, &news("a", Reader::Operators, at_ms), Some(HOUR)).await?;
                    }
                    insert(c, &news("a", Reader::Operators, 40 + HOUR), Some(HOUR)).await?;
                    insert(c, &news("b", Reader::Key(ApiKeyId(7)), 50), Some(HOUR)).await?;
                    insert(c, &news("c", anna, 60), None).await?;
                    insert(c, &news("c", anna, 60 + HOUR), None).await?;
                    let filter = Filter {
                        limit: 50,
                        ..Filter::default()
                    };
                    let all = list(c, (&ops, anna), &filter).await?.rows;
                    let times: Vec<_> = all.iter().map(|(n, read)| (n.times, *read)).collect();
                    assert_eq!(times, [(1, false), (3, false)]);
                    assert_eq!(all[1].0.args["provider"], "<b>");
                    let own = [anna, Reader::Key(ApiKeyId(7))];
                    assert_eq!(list(c, (&own, anna), &filter).await?.rows.len(), 2);
                    mark_read(c, (&ops, anna), Some(all[0].0.id)).await?;
                    mark_read(c, (&ops, anna), Some(all[0].0.id)).await?;
                    assert_eq!(count_unread(c, &ops, anna).await?, 1);
                    assert_eq!(count_unread(c, &ops, ben).await?, 2);
                    let unread = Filter {
                        unread: true,
                        ..filter.clone()
                    };
                    let left = list(c, (&ops, anna), &unread).await?.rows;
                    assert_eq!((left.len(), left[0].0.id), (1, all[1].0.id));
                    mark_read(c, (&ops, anna), None).await?;
                    assert_eq!(count_unread(c, &ops, anna).await?, 0);
                    assert_eq!(count_unread(c, &own, anna).await?, 2, "not another box");
                    let before = chrono::DateTime::from_timestamp_millis(55).unwrap();
                    assert_eq!(
                        retention::batch(c, retention::Kind::Notices, before).await?,
                        2
                    );
                    Ok(())
                }
                .boxed()
            })
            .await
            .unwrap();
        })
        .await;
    }
}
