//! Self-tests of providers: what was tried, when, and how it went.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use modelgate_domain::ProviderId;
use modelgate_domain::selftest::{Trial, count};

use crate::columns::{Json, json};
use crate::conn::db;
use crate::schema::self_tests;
use crate::{Conn, StoreError};

/// How many of a provider are kept.
pub const KEPT: i64 = 10;

/// A row of `self_tests`.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = self_tests)]
pub struct SelfTest {
    /// The row.
    pub id: i64,
    /// Of which provider.
    #[diesel(deserialize_as = i64)]
    pub provider_id: ProviderId,
    /// The model's public name.
    pub model: String,
    /// When it began, epoch milliseconds.
    pub started_ms: i64,
    /// How long it took, milliseconds.
    pub took_ms: i64,
    /// Cases that went as they should.
    pub passed: i64,
    /// Cases that did not.
    pub failed: i64,
    /// Cases that were not tried.
    pub skipped: i64,
    /// Every case in every dialect.
    #[diesel(deserialize_as = Json<Vec<Trial>>)]
    pub trials: Vec<Trial>,
}

/// What a self-test was about and found out.
#[derive(Clone, Debug)]
pub struct Tested {
    /// The provider.
    pub provider_id: ProviderId,
    /// The model's public name.
    pub model: String,
    /// When it began, epoch milliseconds.
    pub started_ms: i64,
    /// How long it took, milliseconds.
    pub took_ms: i64,
    /// Every case in every dialect.
    pub trials: Vec<Trial>,
}

/// Keeps a self-test, and of the provider's older ones the newest [`KEPT`] with it. Call it through
/// [`crate::Db::write`].
pub async fn insert(c: &mut Conn, tested: &Tested) -> Result<i64, StoreError> {
    use self_tests as t;
    let [passed, failed, skipped] = count(&tested.trials);
    let row = (
        t::provider_id.eq(tested.provider_id.0),
        t::model.eq(&tested.model),
        t::started_ms.eq(tested.started_ms),
        t::took_ms.eq(tested.took_ms),
        t::passed.eq(passed),
        t::failed.eq(failed),
        t::skipped.eq(skipped),
        t::trials.eq(json(&tested.trials)?),
    );
    let id = db!(c, |c| diesel::insert_into(t::table)
        .values(&row)
        .returning(t::id)
        .get_result(c)
        .await)?;
    let kept: Vec<i64> = db!(c, |c| t::table
        .filter(t::provider_id.eq(tested.provider_id.0))
        .order(t::id.desc())
        .limit(KEPT)
        .select(t::id)
        .load(c)
        .await)?;
    let of = t::provider_id.eq(tested.provider_id.0);
    db!(c, |c| diesel::delete(
        t::table.filter(of).filter(t::id.ne_all(&kept))
    )
    .execute(c)
    .await)?;
    Ok(id)
}

/// Those of a provider, the newest first; no more than [`KEPT`].
pub async fn list(c: &mut Conn, provider: ProviderId) -> Result<Vec<SelfTest>, StoreError> {
    use self_tests as t;
    Ok(db!(c, |c| t::table
        .filter(t::provider_id.eq(provider.0))
        .order(t::id.desc())
        .limit(KEPT)
        .select(SelfTest::as_select())
        .load(c)
        .await)?)
}
