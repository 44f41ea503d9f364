//! How large the database and its tables are, and were on past days.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel_async::RunQueryDsl;

use crate::conn::db;
use crate::schema::storage_sizes;
use crate::{Conn, StoreError};

/// What the size of the whole database is called among those of its tables.
pub const DATABASE: &str = "database";
const DAY_MS: i64 = 86_400_000;

/// How large something is.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct Size {
    /// A table, or [`DATABASE`].
    #[diesel(sql_type = Text)]
    pub name: String,
    /// On disk, with its indexes.
    #[diesel(sql_type = BigInt)]
    pub bytes: i64,
}

/// How large something was on a day: a row of `storage_sizes`.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = storage_sizes)]
pub struct SizeOfDay {
    /// The day's first moment in UTC, epoch milliseconds.
    pub day_ms: i64,
    /// A table, or [`DATABASE`].
    pub name: String,
    /// On disk, with its indexes.
    pub bytes: i64,
}

/// Pages of SQLite's file (<https://www.sqlite.org/pragma.html#pragma_page_count>); what the file has free counts too, for
/// it never shrinks.
const TOTAL_SQLITE: &str = "select 'database' as name, page_count * page_size as bytes \
    from pragma_page_count(), pragma_page_size()";
const TOTAL_POSTGRES: &str =
    "select 'database'::text as name, pg_database_size(current_database()) as bytes";
/// <https://www.sqlite.org/dbstat.html>: looks at every page.
const TABLES_SQLITE: &str = "select s.tbl_name as name, cast(sum(d.pgsize) as bigint) as bytes \
    from dbstat('main', 1) as d join sqlite_schema as s on s.name = d.name \
    where s.tbl_name not like '\\_\\_%' escape '\\' group by s.tbl_name";
/// Partitions count for their table.
const TABLES_POSTGRES: &str = "select coalesce(parent.relname, c.relname)::text as name, \
    sum(pg_total_relation_size(c.oid))::bigint as bytes \
    from pg_class as c left join pg_inherits as i on i.inhrelid = c.oid \
    left join pg_class as parent on parent.oid = i.inhparent \
    where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p') \
    and c.relname not like '\\_\\_%' group by 1";

async fn query(c: &mut Conn, of_sqlite: &str, of_postgres: &str) -> Result<Vec<Size>, StoreError> {
    let text = if c.is_postgres() {
        of_postgres
    } else {
        of_sqlite
    };
    Ok(db!(c, |c| diesel::sql_query(text).load(c).await)?)
}

/// How large the whole database is now, in bytes.
pub async fn total(c: &mut Conn) -> Result<i64, StoreError> {
    let found = query(c, TOTAL_SQLITE, TOTAL_POSTGRES).await?;
    Ok(found.into_iter().next().map_or(0, |size| size.bytes))
}

/// How large the database and each table are now. On SQLite every page of the file is looked at: not for pages that
/// people wait for.
pub async fn measure(c: &mut Conn) -> Result<Vec<Size>, StoreError> {
    let mut sizes = query(c, TOTAL_SQLITE, TOTAL_POSTGRES).await?;
    sizes.extend(query(c, TABLES_SQLITE, TABLES_POSTGRES).await?);
    Ok(sizes)
}

/// Notes sizes for the day of `now_ms`, in place of those noted on it before. Call it through [`crate::Db::write`].
pub async fn keep(c: &mut Conn, now_ms: i64, sizes: &[Size]) -> Result<(), StoreError> {
    use storage_sizes as t;
    let day_ms = now_ms - now_ms.rem_euclid(DAY_MS);
    db!(c, |c| diesel::delete(t::table.filter(t::day_ms.eq(day_ms)))
        .execute(c)
        .await)?;
    for size in sizes {
        let row = SizeOfDay {
            day_ms,
            name: size.name.clone(),
            bytes: size.bytes,
        };
        db!(c, |c| diesel::insert_into(t::table)
            .values(&row)
            .execute(c)
            .await)?;
    }
    Ok(())
}

/// What was noted since, oldest first.
pub async fn since(c: &mut Conn, from_ms: i64) -> Result<Vec<SizeOfDay>, StoreError> {
    use storage_sizes as t;
    Ok(db!(c, |c| t::table
        .filter(t::day_ms.ge(from_ms))
        .order((t::day_ms, t::name))
        .select(SizeOfDay::as_select())
        .load(c)
        .await)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::each_engine;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_day_has_one_size_of_each_table() {
        each_engine(async |db| {
            let sizes = db.read(|c| Box::pin(measure(c))).await.unwrap();
            let of = |name: &str| sizes.iter().find(|size| size.name == name).unwrap().bytes;
            assert!(of("request_logs") > 0 && of(DATABASE) >= of("request_logs"));
            assert!(sizes.iter().any(|size| size.name == "request_logs_history"));
            assert!(
                !sizes.iter().any(|size| size.name.contains("_p2")),
                "partitions count for their table: {sizes:?}"
            );
            for now_ms in [5 * DAY_MS, 5 * DAY_MS + 7, 6 * DAY_MS] {
                let sizes = sizes.clone();
                db.write(move |c| Box::pin(async move { keep(c, now_ms, &sizes).await }))
                    .await
                    .unwrap();
            }
            let kept = db.read(|c| Box::pin(since(c, 6 * DAY_MS))).await.unwrap();
            assert_eq!(kept.len(), sizes.len());
            let all = db.read(|c| Box::pin(since(c, 0))).await.unwrap();
            assert_eq!(all.len(), 2 * sizes.len());
            let now = db.read(|c| Box::pin(total(c))).await.unwrap();
            assert!(now >= of(DATABASE));
        })
        .await;
    }
}
