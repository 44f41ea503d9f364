//! What vendors' errors mean: the table that operators may edit.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use modelgate_domain::{Meaning, ProviderId};

use crate::columns::{Name, at};
use crate::conn::db;
use crate::schema::error_rules;
use crate::{Conn, StoreError};

/// A row of `error_rules`.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = error_rules)]
pub struct ErrorRule {
    /// The row.
    pub id: i64,
    /// The first rule that fits decides, the lowest first.
    pub position: i64,
    /// Only for providers of this protocol; any where empty.
    pub protocol: String,
    /// Only for this provider; 0 for any.
    #[diesel(deserialize_as = i64)]
    pub provider_id: ProviderId,
    /// Only for this HTTP status; 0 for any.
    pub status: i64,
    /// Where in the JSON body the code stands; empty where the status is enough.
    pub path: String,
    /// What stands there; `*` stands for any text.
    pub value: String,
    /// What that means.
    #[diesel(deserialize_as = Name<Meaning>)]
    pub meaning: Meaning,
    /// Where in the JSON body the time stands at which the vendor serves again; may be empty.
    pub reset_path: String,
    /// The IANA zone of that time; UTC where empty.
    pub reset_zone: String,
    /// Whose error it is, for people.
    pub note: String,
    /// Whether it holds.
    pub enabled: bool,
}

/// What is written of a rule.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = error_rules)]
struct Values<'a> {
    position: i64,
    protocol: &'a str,
    provider_id: i64,
    status: i64,
    path: &'a str,
    value: &'a str,
    meaning: &'static str,
    reset_path: &'a str,
    reset_zone: &'a str,
    note: &'a str,
    enabled: bool,
}

impl<'a> Values<'a> {
    fn of(rule: &'a ErrorRule) -> Self {
        Self {
            position: rule.position,
            protocol: &rule.protocol,
            provider_id: rule.provider_id.0,
            status: rule.status,
            path: &rule.path,
            value: &rule.value,
            meaning: rule.meaning.as_str(),
            reset_path: &rule.reset_path,
            reset_zone: &rule.reset_zone,
            note: &rule.note,
            enabled: rule.enabled,
        }
    }
}

/// All rules, in the order in which they decide.
pub async fn list(c: &mut Conn) -> Result<Vec<ErrorRule>, StoreError> {
    Ok(db!(c, |c| {
        error_rules::table
            .order((error_rules::position, error_rules::id))
            .select(ErrorRule::as_select())
            .load(c)
            .await
    })?)
}

/// Makes a rule; its `id` is not looked at. Gives the row.
pub async fn insert(c: &mut Conn, rule: &ErrorRule, now: DateTime<Utc>) -> Result<i64, StoreError> {
    let now = at(now);
    Ok(db!(c, |c| {
        diesel::insert_into(error_rules::table)
            .values((
                Values::of(rule),
                error_rules::created_at.eq(now),
                error_rules::updated_at.eq(now),
            ))
            .returning(error_rules::id)
            .get_result(c)
            .await
    })?)
}

/// Changes everything of a rule. False where there is no such row.
pub async fn update(
    c: &mut Conn,
    rule: &ErrorRule,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let now = at(now);
    let rows = db!(c, |c| {
        diesel::update(error_rules::table.find(rule.id))
            .set((Values::of(rule), error_rules::updated_at.eq(now)))
            .execute(c)
            .await
    })?;
    Ok(rows > 0)
}

/// Deletes a rule. False where there is no such row.
pub async fn delete(c: &mut Conn, id: i64) -> Result<bool, StoreError> {
    let rows = db!(c, |c| {
        diesel::delete(error_rules::table.find(id)).execute(c).await
    })?;
    Ok(rows > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::each_engine;
    use futures_util::FutureExt as _;

    #[tokio::test(flavor = "multi_thread")]
    async fn the_vendors_rules_are_there_and_can_be_edited() {
        each_engine(async |db| {
            let (seeded, after) = db
                .write::<_, StoreError, _>(|c| {
                    async move {
                        let seeded = list(c).await?;
                        let mut rule = seeded[0].clone();
                        rule.position = 1_000_000;
                        rule.meaning = Meaning::Refused;
                        rule.note = "edited".to_owned();
                        let now = DateTime::UNIX_EPOCH;
                        rule.id = insert(c, &rule, now).await?;
                        rule.enabled = false;
                        assert!(update(c, &rule, now).await?);
                        assert!(delete(c, seeded[0].id).await?);
                        assert!(!delete(c, seeded[0].id).await?);
                        Ok((seeded, list(c).await?))
                    }
                    .boxed()
                })
                .await
                .unwrap();
            assert_eq!(after.len(), seeded.len());
            let last = after.last().unwrap();
            assert_eq!((last.note.as_str(), last.enabled), ("edited", false));
            let zhipu = seeded.iter().find(|rule| rule.value == "1113").unwrap();
            assert_eq!(zhipu.meaning, Meaning::Exhausted);
        })
        .await;
    }
}
