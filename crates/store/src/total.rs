//! `sum(…)` of a `BIGINT` column as a `BIGINT`, 0 over no rows: diesel and PostgreSQL would make it a NUMERIC.

use diesel::backend::Backend;
use diesel::expression::{Expression, ValidGrouping, is_aggregate};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::BigInt;

/// The fragment around a column.
#[derive(Clone, Copy, Debug, QueryId)]
pub(crate) struct Total<C>(C);

/// Sums a column.
pub(crate) fn total<C: Expression<SqlType = BigInt>>(column: C) -> Total<C> {
    Total(column)
}

impl<C> Expression for Total<C> {
    type SqlType = BigInt;
}

impl<C, G> ValidGrouping<G> for Total<C> {
    type IsAggregate = is_aggregate::Yes;
}

impl<C: AppearsOnTable<T>, T> AppearsOnTable<T> for Total<C> {}
impl<C: AppearsOnTable<T>, T> SelectableExpression<T> for Total<C> {}

impl<C: QueryFragment<DB>, DB: Backend> QueryFragment<DB> for Total<C> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("cast(coalesce(sum(");
        self.0.walk_ast(out.reborrow())?;
        out.push_sql("), 0) as bigint)");
        Ok(())
    }
}
