//! `modelgate transfer`: moves an installation from one engine to the other.

use modelgate_domain::Secret;
use modelgate_store::transfer::{self, Transfer, TransferError};
use modelgate_store::{Contents, Db, Engine};
use serde_json::json;
use tokio::runtime::Handle;

use super::args::TransferArgs;
use super::output::Output;
use super::{CliError, Session};

impl From<TransferError> for CliError {
    fn from(error: TransferError) -> Self {
        match error {
            TransferError::SameEngine(_) | TransferError::OldSource => {
                Self::Usage(error.to_string())
            }
            TransferError::Store(error) => error.into(),
            _ => Self::Failed(error.to_string()),
        }
    }
}

/// Runs the command.
pub(super) async fn run(
    session: &Session,
    args: &TransferArgs,
    out: &mut Output,
) -> Result<(), CliError> {
    let from = end("--from", &args.from).await?;
    let to = end("--to", &args.to).await?;
    let now_ms = session.clock.now_ms();
    if args.dry_run {
        let contents = transfer::survey(&from, &to, now_ms).await?;
        figures(&contents, out)?;
        out.say("nothing was changed")?;
        return out.json(&json!({ "done": false, "tables": listed(&contents) }));
    }
    let (transfer, _contents) = Transfer::begin(from, to, now_ms).await?;
    let mut broken = None;
    transfer
        .run(|table, rows| {
            if broken.is_none() {
                broken = out.say(format_args!("{table}: {rows}")).err();
            }
        })
        .await?;
    if let Some(error) = broken {
        return Err(error);
    }
    let contents = transfer.finish().await?;
    figures(&contents, out)?;
    out.say("both databases hold the same, to the row and the sum of every column")?;
    out.say("next: set DATABASE_URL to the target and keep SECRET_KEY; where the key was master.key in DATA_DIR, PostgreSQL wants its text as SECRET_KEY")?;
    out.json(&json!({ "done": true, "tables": listed(&contents) }))
}

/// Opens one end. A source that is not there is not made.
async fn end(option: &str, url: &str) -> Result<Db, CliError> {
    let url = Secret::new(url);
    let wrong = |why: String| CliError::Usage(format!("{option}: {why}"));
    let engine = Engine::of(&url)
        .map_err(|_bad| wrong("it begins with sqlite: or postgres://".to_owned()))?;
    let path = url.expose().trim_start_matches("sqlite:");
    if option == "--from" && engine == Engine::Sqlite && !std::path::Path::new(path).exists() {
        return Err(wrong(format!("{path} is not there")));
    }
    let opened = Db::open(&url, Handle::current()).await;
    opened.map_err(|error| wrong(error.to_string().replace("DATABASE_URL: ", "")))
}

/// The sums that people know, of a table that has them.
const SUMS: [&str; 3] = ["prompt_tokens", "completion_tokens", "cost_nanos"];

fn figures(contents: &Contents, out: &mut Output) -> Result<(), CliError> {
    let rows: Vec<Vec<String>> = contents
        .tables
        .iter()
        .map(|table| {
            let sum = |column: &&str| table.sum(column).map(|sum| format!("{column} {sum}"));
            let sums: Vec<String> = SUMS.iter().filter_map(sum).collect();
            vec![
                table.name.clone(),
                table.rows().to_string(),
                sums.join(", "),
            ]
        })
        .collect();
    out.table(&["TABLE", "ROWS", "SUMS"], &rows)
}

fn listed(contents: &Contents) -> Vec<serde_json::Value> {
    let table = |table: &modelgate_store::TableContents| {
        let sums: serde_json::Map<String, serde_json::Value> = table
            .columns
            .iter()
            .filter_map(|(name, _)| Some((name.clone(), json!(table.sum(name)?.to_string()))))
            .collect();
        json!({ "table": table.name, "rows": table.rows(), "sums": sums })
    };
    contents.tables.iter().map(table).collect()
}
