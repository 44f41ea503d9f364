//! How busy the gateway was: minutes at each level, by the quarter of an hour, of all instances together.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use modelgate_domain::Busyness;
use modelgate_domain::range::QUARTER_MS;

use crate::conn::db;
use crate::schema::busyness_minutes;
use crate::{Conn, StoreError};

/// Minutes at each level that there was, the busiest first.
pub type Minutes = Vec<(Busyness, i64)>;

/// Adds a minute at a level to the quarter of an hour that holds `at_ms`. Call it through [`crate::Db::write`].
pub async fn add(c: &mut Conn, at_ms: i64, level: Busyness) -> Result<(), StoreError> {
    use busyness_minutes as t;
    let quarter_ms = at_ms.div_euclid(QUARTER_MS).saturating_mul(QUARTER_MS);
    db!(c, |c| diesel::insert_into(t::table)
        .values((
            t::quarter_ms.eq(quarter_ms),
            t::level.eq(level.as_str()),
            t::minutes.eq(1_i64),
        ))
        .on_conflict((t::quarter_ms, t::level))
        .do_update()
        .set(t::minutes.eq(t::minutes + 1))
        .execute(c)
        .await)?;
    Ok(())
}

/// The minutes of each period that begins at one of `edges` and ends at the next; edges lie on quarters of an hour.
pub async fn series(c: &mut Conn, edges: &[i64]) -> Result<Vec<Minutes>, StoreError> {
    use busyness_minutes as t;
    let mut periods = vec![Minutes::new(); edges.len().saturating_sub(1)];
    let (Some(first), Some(last)) = (edges.first(), edges.last()) else {
        return Ok(periods);
    };
    let rows: Vec<(i64, String, i64)> = db!(c, |c| t::table
        .filter(t::quarter_ms.ge(first))
        .filter(t::quarter_ms.lt(last))
        .select((t::quarter_ms, t::level, t::minutes))
        .load(c)
        .await)?;
    for (quarter_ms, level, more) in rows {
        // A level that a later version knows is left out.
        let Ok(level) = level.parse::<Busyness>() else {
            continue;
        };
        let begun = edges.partition_point(|edge| *edge <= quarter_ms);
        let Some(minutes) = periods.get_mut(begun.saturating_sub(1)) else {
            continue;
        };
        match minutes.iter_mut().find(|(there, _)| *there == level) {
            Some((_, minutes)) => *minutes = minutes.saturating_add(more),
            None => minutes.push((level, more)),
        }
    }
    for minutes in &mut periods {
        minutes.sort_unstable_by_key(|(level, _)| level.level());
    }
    Ok(periods)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::each_engine;

    const HOUR_MS: i64 = 4 * QUARTER_MS;

    #[tokio::test(flavor = "multi_thread")]
    async fn minutes_add_up_by_quarter_and_period() {
        each_engine(async |db| {
            db.write(|c| {
                Box::pin(async move {
                    for minute in 0..20 {
                        add(c, HOUR_MS + minute * 60_000, Busyness::Normal).await?;
                    }
                    // another instance, and a busier minute
                    add(c, HOUR_MS + 5 * 60_000, Busyness::Normal).await?;
                    add(c, HOUR_MS + QUARTER_MS, Busyness::VeryBusy).await?;
                    add(c, 3 * HOUR_MS, Busyness::Quiet).await?;
                    let quarter = HOUR_MS + QUARTER_MS;
                    let found = series(c, &[0, HOUR_MS, quarter, 2 * HOUR_MS, 3 * HOUR_MS]).await?;
                    let second = vec![(Busyness::VeryBusy, 1), (Busyness::Normal, 5)];
                    assert_eq!(
                        found,
                        [vec![], vec![(Busyness::Normal, 16)], second, vec![]]
                    );
                    assert!(series(c, &[]).await?.is_empty());
                    Ok::<_, StoreError>(())
                })
            })
            .await
            .unwrap();
        })
        .await;
    }
}
