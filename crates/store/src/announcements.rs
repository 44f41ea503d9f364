//! What operators tell those who use the gateway, from and until; everyone may put it away.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use modelgate_domain::Severity;

use crate::columns::{At, MaybeAt, Name, at};
use crate::conn::db;
use crate::notices::Reader;
use crate::schema::{announcement_reads, announcements};
use crate::{Conn, StoreError};

/// No list is longer.
const MOST: i64 = 500;
/// More are not shown at once.
const SHOWN: i64 = 5;

/// A row of `announcements`.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = announcements)]
pub struct Announcement {
    /// The row.
    pub id: i64,
    /// In English, Markdown; may be empty.
    pub text_en: String,
    /// In Chinese, Markdown; may be empty.
    pub text_zh: String,
    /// How much it matters.
    #[diesel(deserialize_as = Name<Severity>)]
    pub severity: Severity,
    /// From when it is shown.
    #[diesel(deserialize_as = At)]
    pub starts_at: DateTime<Utc>,
    /// Until when; absent where nobody knows.
    #[diesel(deserialize_as = MaybeAt)]
    pub ends_at: Option<DateTime<Utc>>,
    /// Who changed it last.
    pub updated_by: String,
}

/// What is written of an announcement.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = announcements)]
#[diesel(treat_none_as_null = true)]
struct Values<'a> {
    text_en: &'a str,
    text_zh: &'a str,
    severity: &'static str,
    starts_at: chrono::NaiveDateTime,
    ends_at: Option<chrono::NaiveDateTime>,
    updated_by: &'a str,
}

impl<'a> Values<'a> {
    fn of(row: &'a Announcement) -> Self {
        Self {
            text_en: &row.text_en,
            text_zh: &row.text_zh,
            severity: row.severity.as_str(),
            starts_at: at(row.starts_at),
            ends_at: row.ends_at.map(at),
            updated_by: &row.updated_by,
        }
    }
}

/// All of them, the newest first.
pub async fn list(c: &mut Conn) -> Result<Vec<Announcement>, StoreError> {
    Ok(db!(c, |c| {
        announcements::table
            .order(announcements::id.desc())
            .limit(MOST)
            .select(Announcement::as_select())
            .load(c)
            .await
    })?)
}

/// Those that hold now and that the reader has not put away, the newest first.
pub async fn present(
    c: &mut Conn,
    reader: Reader,
    now: DateTime<Utc>,
) -> Result<Vec<Announcement>, StoreError> {
    let (now, reader) = (at(now), reader.to_string());
    let away = announcement_reads::table
        .filter(announcement_reads::announcement_id.eq(announcements::id))
        .filter(announcement_reads::reader.eq(reader));
    Ok(db!(c, |c| {
        announcements::table
            .filter(announcements::starts_at.le(now))
            .filter(
                announcements::ends_at
                    .is_null()
                    .or(announcements::ends_at.gt(now)),
            )
            .filter(diesel::dsl::not(diesel::dsl::exists(away)))
            .order(announcements::id.desc())
            .limit(SHOWN)
            .select(Announcement::as_select())
            .load(c)
            .await
    })?)
}

/// One of them.
pub async fn find(c: &mut Conn, id: i64) -> Result<Option<Announcement>, StoreError> {
    Ok(db!(c, |c| {
        announcements::table
            .find(id)
            .select(Announcement::as_select())
            .first(c)
            .await
            .optional()
    })?)
}

/// Makes one; its `id` is not looked at. Gives the row.
pub async fn insert(
    c: &mut Conn,
    row: &Announcement,
    now: DateTime<Utc>,
) -> Result<i64, StoreError> {
    let now = at(now);
    Ok(db!(c, |c| {
        diesel::insert_into(announcements::table)
            .values((
                Values::of(row),
                announcements::created_at.eq(now),
                announcements::updated_at.eq(now),
            ))
            .returning(announcements::id)
            .get_result(c)
            .await
    })?)
}

/// Changes everything of one. False where there is no such row.
pub async fn update(
    c: &mut Conn,
    row: &Announcement,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let now = at(now);
    let rows = db!(c, |c| {
        diesel::update(announcements::table.find(row.id))
            .set((Values::of(row), announcements::updated_at.eq(now)))
            .execute(c)
            .await
    })?;
    Ok(rows > 0)
}

/// Deletes one. False where there is no such row.
pub async fn delete(c: &mut Conn, id: i64) -> Result<bool, StoreError> {
    let rows = db!(c, |c| {
        diesel::delete(announcements::table.find(id))
            .execute(c)
            .await
    })?;
    Ok(rows > 0)
}

/// Puts one away for a reader. Does nothing where there is no such row.
pub async fn put_away(c: &mut Conn, id: i64, reader: Reader) -> Result<(), StoreError> {
    if find(c, id).await?.is_none() {
        return Ok(());
    }
    db!(c, |c| {
        diesel::insert_into(announcement_reads::table)
            .values((
                announcement_reads::announcement_id.eq(id),
                announcement_reads::reader.eq(reader.to_string()),
            ))
            .on_conflict_do_nothing()
            .execute(c)
            .await
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::each_engine;
    use futures_util::FutureExt as _;
    use modelgate_domain::UserId;

    #[tokio::test(flavor = "multi_thread")]
    async fn they_are_there_from_until_and_unless_put_away() {
        each_engine(async |db| {
            db.write::<_, StoreError, _>(|c| {
                async move {
                    let time = |s| DateTime::from_timestamp(s, 0).unwrap();
                    let mut row = Announcement {
                        id: 0,
                        text_en: "text".to_owned(),
                        text_zh: String::new(),
                        severity: Severity::Warning,
                        starts_at: time(100),
                        ends_at: Some(time(200)),
                        updated_by: "root".to_owned(),
                    };
                    row.id = insert(c, &row, time(0)).await?;
                    let (anna, ben) = (Reader::User(UserId(1)), Reader::User(UserId(2)));
                    for (now, shown) in [(99, 0), (100, 1), (199, 1), (200, 0)] {
                        assert_eq!(present(c, anna, time(now)).await?.len(), shown, "{now}");
                    }
                    row.ends_at = None;
                    assert!(update(c, &row, time(1)).await?);
                    assert_eq!(find(c, row.id).await?.unwrap(), row);
                    put_away(c, row.id, anna).await?;
                    put_away(c, row.id, anna).await?;
                    put_away(c, row.id + 1, anna).await?;
                    assert_eq!(present(c, anna, time(300)).await?.len(), 0);
                    assert_eq!(present(c, ben, time(300)).await?.len(), 1);
                    assert!(delete(c, row.id).await? && !delete(c, row.id).await?);
                    assert!(list(c).await?.is_empty());
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
