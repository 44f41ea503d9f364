//! `schema.sql` and `schema.rs` are what PostgreSQL has after all migrations. `UPDATE_SCHEMA=1` rewrites both.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;

use crate::support::{TestDatabase, connect, open, program, run, server};

#[tokio::test(flavor = "multi_thread")]
async fn the_schema_files_are_the_migrated_schema() {
    let Some(server) = server() else { return };
    let database = TestDatabase::create(&server).await;
    open(&database.url).await.unwrap().migrate().await.unwrap();
    let sql = dump(&database.url);
    let rust = tables(&database.url).await;
    database.remove().await;
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    for (path, text) in [("schema.sql", sql), ("crates/store/src/schema.rs", rust)] {
        let path = root.join(path);
        if std::env::var("UPDATE_SCHEMA").is_ok() {
            std::fs::write(&path, &text).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept == text,
            "{} is not the migrated schema: run this test with UPDATE_SCHEMA=1",
            path.display()
        );
    }
}

/// The dump without what depends on the version or only speaks to psql.
fn dump(url: &str) -> String {
    let mut pg_dump = Command::new(program("pg_dump"));
    let text = run(pg_dump.args(["--schema-only", "--no-owner", "--no-privileges", url]));
    let noise = ["--", "SET ", "SELECT pg_catalog.set_config", "\\"];
    let mut out = String::from(
        "-- The PostgreSQL schema after all migrations, as pg_dump shows it. Written by a test of crates/store.\n",
    );
    let mut gap = true;
    for line in text.lines() {
        if line.is_empty() || noise.iter().any(|n| line.starts_with(n)) {
            gap = true;
            continue;
        }
        if gap {
            out.push('\n');
        }
        gap = false;
        out.push_str(line);
        out.push('\n');
    }
    out
}

/// The tables in diesel's words, in the form that `diesel print-schema` and rustfmt give them.
#[allow(clippy::too_many_lines, reason = "three queries and their text")]
async fn tables(url: &str) -> String {
    let client = connect(url).await;
    let columns = client
        .query(
            // A view does not say which of its columns may be null: the table that it begins with does.
            "select c.table_name::text, c.column_name::text, c.data_type::text, coalesce(b.is_nullable, c.is_nullable)::text
             from information_schema.columns c
             left join information_schema.columns b
                 on b.table_schema = 'public' and b.table_name || '_all' = c.table_name and b.column_name = c.column_name
             where c.table_schema = 'public' and c.table_name not like '\\_\\_%'
             order by c.table_name collate \"C\", c.ordinal_position",
            &[],
        )
        .await
        .unwrap();
    let keys = client
        .query(
            "select t.relname::text, string_agg(a.attname::text, ', ' order by k.place)
             from pg_index i
             join pg_class t on t.oid = i.indrelid
             join pg_namespace n on n.oid = t.relnamespace
             cross join unnest(i.indkey) with ordinality k(number, place)
             join pg_attribute a on a.attrelid = t.oid and a.attnum = k.number
             where i.indisprimary and n.nspname = 'public'
             group by 1",
            &[],
        )
        .await
        .unwrap();
    let joins = client
        .query(
            "select c.conrelid::regclass::text, c.confrelid::regclass::text, a.attname::text
             from pg_constraint c
             join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
             where c.contype = 'f'
             order by c.conrelid::regclass::text collate \"C\", c.confrelid::regclass::text collate \"C\"",
            &[],
        )
        .await
        .unwrap();
    let mut out = String::from(
        "//! The tables, generated from PostgreSQL after all migrations; a test keeps them equal.\n",
    );
    let mut names: Vec<String> = Vec::new();
    for row in &columns {
        let (table, column): (String, String) = (row.get(0), row.get(1));
        if names.last() != Some(&table) {
            if !names.is_empty() {
                out.push_str("    }\n}\n");
            }
            // A view has the key of the table that it begins with.
            let keyed = table.strip_suffix("_all").unwrap_or(&table);
            let key = keys
                .iter()
                .find(|k| k.get::<_, String>(0) == keyed)
                .unwrap();
            let key: String = key.get(1);
            write!(out, "\ndiesel::table! {{\n    {table} ({key}) {{\n").unwrap();
            names.push(table);
        }
        let kind = match row.get::<_, String>(2).as_str() {
            "bigint" => "Int8",
            "text" => "Text",
            "boolean" => "Bool",
            "bytea" => "Bytea",
            "timestamp without time zone" => "Timestamp",
            other => panic!("{column}: {other} is not portable"),
        };
        if row.get::<_, String>(3) == "YES" {
            writeln!(out, "        {column} -> Nullable<{kind}>,").unwrap();
        } else {
            writeln!(out, "        {column} -> {kind},").unwrap();
        }
    }
    out.push_str("    }\n}\n\n");
    for row in &joins {
        let (from, to, column): (String, String, String) = (row.get(0), row.get(1), row.get(2));
        writeln!(out, "diesel::joinable!({from} -> {to} ({column}));").unwrap();
    }
    out.push_str("\ndiesel::allow_tables_to_appear_in_same_query!(\n");
    for name in &names {
        writeln!(out, "    {name},").unwrap();
    }
    out.push_str(");\n");
    out
}
