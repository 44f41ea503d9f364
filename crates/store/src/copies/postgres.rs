//! Copies of a PostgreSQL database, by PostgreSQL's own programs: `pg_dump`, `pg_restore` and `psql`.
//!
//! Where to connect goes to them by their environment variables
//! (<https://www.postgresql.org/docs/current/libpq-envars.html>), so that no list of processes shows a password.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use diesel::OptionalExtension as _;
use diesel_async::{RunQueryDsl as _, SimpleAsyncConnection as _};
use modelgate_domain::Secret;
use tokio::io::AsyncWriteExt as _;
use tokio::process::{ChildStdin, Command};

use super::{Copied, RestoreError};
use crate::contents::{Contents, SNAPSHOT, UNBOUNDED, Value};
use crate::postgres::PgTarget;
use crate::{StoreError, secrets_check, tables};

/// Views, and diesel's own table.
const BESIDE: [&str; 3] = [
    "request_logs_all",
    "request_attempts_all",
    "__diesel_schema_migrations",
];

/// One moment: what is counted and what `pg_dump` sees are of the same snapshot.
pub(super) async fn copy(target: &PgTarget, to: &Path) -> Result<Copied, StoreError> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(to)
        .map_err(|error| StoreError::Unavailable(format!("{}: {error}", to.display())))?;
    let mut c = target.connect().await?;
    c.batch_execute(&format!("{UNBOUNDED}; {SNAPSHOT}")).await?;
    let export = diesel::sql_query("select pg_export_snapshot() as value");
    let snapshot: Value = export.get_result(&mut c).await?;
    let versions = "select version::text as value from __diesel_schema_migrations order by version";
    let migrations: Vec<Value> = diesel::sql_query(versions).load(&mut c).await?;
    let check = format!(
        "select value from settings where key = '{}'",
        secrets_check::KEY
    );
    let check: Option<Value> = diesel::sql_query(check)
        .get_result(&mut c)
        .await
        .optional()?;
    let contents = Contents::of_postgres(&mut c).await?;
    let mut dump = program("pg_dump", target);
    dump.args([
        "--format=custom",
        "--no-owner",
        "--no-privileges",
        "--no-password",
    ])
    .arg(format!("--snapshot={}", snapshot.value))
    .arg("--file")
    .arg(to);
    for table in tables::all() {
        // Partitions have names of their own.
        let more = if table.name.ends_with("_history") {
            "*"
        } else {
            ""
        };
        dump.arg(format!("--table=public.{}{more}", table.name));
    }
    for name in BESIDE {
        dump.arg(format!("--table=public.{name}"));
    }
    ended("pg_dump", dump.output().await)?;
    Ok(Copied {
        migrations: migrations.into_iter().map(|row| row.value).collect(),
        secrets_check: check.and_then(|row| super::check_value(&row.value)),
        contents,
    })
}

/// What `pg_dump` says of itself.
pub(super) async fn version(target: &PgTarget) -> Result<String, StoreError> {
    let output = program("pg_dump", target).arg("--version").output().await;
    let said = output
        .as_ref()
        .map(|o| String::from_utf8_lossy(&o.stdout).trim().to_owned());
    let said = said.unwrap_or_default();
    ended("pg_dump", output)?;
    Ok(said)
}

/// A program of PostgreSQL's client, the one in `PATH` or the newest that Debian has beside it.
fn program(name: &str, target: &PgTarget) -> Command {
    let mut newest: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|version| version.path().join("bin").join(name))
        .filter(|path| path.exists())
        .collect();
    newest.sort_by_key(|path| {
        path.iter()
            .nth(4)
            .and_then(|v| v.to_str()?.parse::<u32>().ok())
    });
    let path = newest.pop().unwrap_or_else(|| name.into());
    let mut command = Command::new(path);
    command
        .envs(target.environment())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

fn not_started(name: &str, error: &std::io::Error) -> StoreError {
    StoreError::Query(if error.kind() == std::io::ErrorKind::NotFound {
        format!(
            "{name} is not installed: install the client of PostgreSQL (Debian: postgresql-client), not older than the server"
        )
    } else {
        format!("{name}: {error}")
    })
}

fn ended(name: &str, output: std::io::Result<Output>) -> Result<(), StoreError> {
    let output = output.map_err(|error| not_started(name, &error))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said: Vec<&str> = said
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let said = said.join(" ");
    Err(StoreError::Query(format!(
        "{name} failed ({}): {said}",
        output.status
    )))
}

/// All in one transaction of `psql`: what is there goes, what `pg_restore` reads out of the file comes, and the figures
/// are compared; a difference, a failure or an end on the way takes all of it back.
pub(super) async fn restore(
    url: &Secret,
    file: &Path,
    expected: &Copied,
) -> Result<(), RestoreError> {
    let target = PgTarget::parse(url.expose())?;
    let last = tail(expected)?;
    let mut reader = program("pg_restore", &target);
    let mut reader = reader
        .args(["--no-owner", "--no-privileges", "--file=-"])
        .arg(file)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| not_started("pg_restore", &error))?;
    let mut writer = program("psql", &target);
    let mut writer = writer
        .args([
            "--no-psqlrc",
            "--quiet",
            "--no-password",
            "--set=ON_ERROR_STOP=1",
            "--file=-",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| not_started("psql", &error))?;
    let (Some(mut script), Some(mut into)) = (reader.stdout.take(), writer.stdin.take()) else {
        return Err(StoreError::Task("a pipe is missing".to_owned()).into());
    };
    let feed = async move {
        // Where psql has given up, its own words say why.
        let begun = into.write_all(head().as_bytes()).await.is_ok();
        let fed = begun && tokio::io::copy(&mut script, &mut into).await.is_ok();
        drop(script);
        let read = ended("pg_restore", reader.wait_with_output().await);
        if fed && read.is_ok() {
            finish(into, &last).await;
        }
        read
    };
    let (read, written) = tokio::join!(feed, writer.wait_with_output());
    // A file that cannot be read leaves psql at its end without a commit, which is no failure of its own.
    read.map_err(|error| RestoreError::Damaged(error.to_string()))?;
    match ended("psql", written) {
        Err(StoreError::Query(said)) if said.contains(UNLIKE) => Err(RestoreError::Damaged(said)),
        other => Ok(other?),
    }
}

async fn finish(mut into: ChildStdin, last: &str) {
    drop(into.write_all(last.as_bytes()).await);
    drop(into.shutdown().await);
}

const UNLIKE: &str = "not as its manifest says";

fn head() -> String {
    let mut text = String::from("begin;\nset local client_min_messages = warning;\n");
    for name in tables::all()
        .iter()
        .map(|table| table.name)
        .chain([BESIDE[2]])
    {
        // With the views, partitions and references that hang on it.
        let _ = writeln!(text, "drop table if exists public.\"{name}\" cascade;");
    }
    text
}

fn tail(expected: &Copied) -> Result<String, StoreError> {
    let mut text = String::from("\n");
    let mut check = |query: &str, value: &str, what: &str| {
        let value = value.replace('\'', "''");
        let _ = writeln!(
            text,
            "do $check$ begin if (select value from ({query}) as found) is distinct from '{value}' then \
             raise exception '{UNLIKE}: {what}'; end if; end $check$;"
        );
    };
    check(
        "select string_agg(version::text, ',' order by version) as value from public.__diesel_schema_migrations",
        &expected.migrations.join(","),
        "its migrations",
    );
    for table in &expected.contents.tables {
        let figures: Vec<String> = table.figures.iter().map(ToString::to_string).collect();
        check(&table.query("public.")?, &figures.join(","), &table.name);
    }
    text.push_str("commit;\n");
    Ok(text)
}
