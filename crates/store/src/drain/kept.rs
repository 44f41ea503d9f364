//! Inserts that SQLite prepares once and keeps.
//!
//! Diesel keeps a prepared statement under the type of its query, but not one with `on conflict`: that one is written
//! out and looked up by its text for every row. And it walks all parts of a row four times for each insert. Together
//! that cost as much as the insert itself, so a row that is written for every request writes its statement here,
//! from the same columns.

use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sqlite::Sqlite;
use diesel::{QueryResult, RunQueryDsl, SqliteConnection};

/// Inserts a row on SQLite, unless one with the same key is there.
pub(super) struct Insert<'a, Row>(&'a Row);

/// A row of which SQLite keeps the insert.
pub(super) trait Kept {
    /// The same type for every lifetime: the statement is kept under it.
    type Name: 'static;

    /// The whole statement.
    fn walk<'b>(&'b self, out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()>;

    /// False where a row with the same key is there.
    fn insert(&self, c: &mut SqliteConnection) -> QueryResult<bool>
    where
        Self: Sized,
    {
        Ok(Insert(self).execute(c)? == 1)
    }
}

impl<Row: Kept> QueryId for Insert<'_, Row> {
    type QueryId = Row::Name;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<Row: Kept> QueryFragment<Sqlite> for Insert<'_, Row> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        self.0.walk(out)
    }
}

impl<Row> RunQueryDsl<SqliteConnection> for Insert<'_, Row> {}

/// Declares a row of `$table` with the columns that make its key: an `Insertable` for PostgreSQL, and [`Kept`].
macro_rules! kept {
    (
        $(#[$doc:meta])*
        pub(super) struct $name:ident<'a> of $table:ident ($key:ident $(, $keys:ident)*) {
            $first:ident: $first_type:ty,
            $($column:ident: $type:ty,)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Insertable)]
        #[diesel(table_name = $table, treat_none_as_default_value = false)]
        pub(super) struct $name<'a> {
            pub(super) $first: $first_type,
            $($column: $type,)*
        }

        impl $crate::drain::kept::Kept for $name<'_> {
            type Name = $name<'static>;

            fn walk<'b>(
                &'b self,
                mut out: diesel::query_builder::AstPass<'_, 'b, diesel::sqlite::Sqlite>,
            ) -> QueryResult<()> {
                use $table as t;
                out.push_sql(concat!("insert into ", stringify!($table), " ("));
                out.push_identifier(t::$first::NAME)?;
                $(
                    out.push_sql(", ");
                    out.push_identifier(t::$column::NAME)?;
                )*
                out.push_sql(") values (");
                out.push_bind_param::<diesel::dsl::SqlTypeOf<t::$first>, _>(&self.$first)?;
                $(
                    out.push_sql(", ");
                    out.push_bind_param::<diesel::dsl::SqlTypeOf<t::$column>, _>(&self.$column)?;
                )*
                out.push_sql(") on conflict (");
                out.push_identifier(t::$key::NAME)?;
                $(
                    out.push_sql(", ");
                    out.push_identifier(t::$keys::NAME)?;
                )*
                out.push_sql(") do nothing");
                Ok(())
            }
        }
    };
}
pub(super) use kept;
