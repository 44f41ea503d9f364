//! `modelgate report`: what was used over a range, as a document, a workbook, text or a table. Works beside a running
//! server: it only reads.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use chrono_tz::Tz;
use modelgate_store::{Db, key_owners};
use serde_json::json;

use super::args::{ReportCommand, ReportUsageArgs};
use super::config::saved_in;
use super::output::Output;
use super::{CliError, Session, report_errors};
use crate::config::Effective;
use crate::i18n::Lang;
use crate::reports::csv::Sheet;
use crate::reports::gather::{GatherError, gather};
use crate::reports::{Format, Paper, Params, Scope, Source, Template, Told};

/// Runs one of the commands.
pub(super) async fn run(
    session: &Session,
    command: &ReportCommand,
    out: &mut Output,
) -> Result<(), CliError> {
    match command {
        ReportCommand::Usage(args) => usage(session, args, out).await,
        ReportCommand::Errors(args) => report_errors::run(session, args, out).await,
    }
}

async fn usage(
    session: &Session,
    args: &ReportUsageArgs,
    out: &mut Output,
) -> Result<(), CliError> {
    let format = format(args)?;
    let db = session.open_existing().await?;
    let params = params(args, &db).await?;
    let (now_ms, business) = (session.clock.now_ms(), session.config.time_zone);
    params
        .check(now_ms, business)
        .map_err(|bad| CliError::Usage(bad.to_string()))?;
    let told = told(session, &db, &params, now_ms, business).await?;
    write(&args.out, |file| {
        told.write(format, file)
            .map_err(|error| CliError::Failed(error.to_string()))
    })?;
    out.say(format_args!("wrote {}", args.out.display()))?;
    out.json(
        &json!({ "file": args.out, "from": params.from, "to": params.to, "language": params.lang }),
    )
}

async fn told(
    session: &Session,
    db: &Db,
    params: &Params,
    now_ms: i64,
    business: Tz,
) -> Result<Told, CliError> {
    let site = site(session, db).await?;
    let source = Source {
        db,
        business,
        site,
        now_ms,
        go_on: &|_, _| true,
    };
    let data = gather(&source, params).await.map_err(|error| match error {
        GatherError::Store(error) => error.into(),
        stopped @ GatherError::Stopped => CliError::Failed(stopped.to_string()),
    })?;
    Ok(Told::of(&data))
}

/// What the pages call this gateway.
pub(super) async fn site(session: &Session, db: &Db) -> Result<String, CliError> {
    let saved = saved_in(db).await?;
    let saved = saved
        .iter()
        .map(|(key, text)| (key.as_str(), text.as_str()));
    Ok(Effective::merge(&session.config, saved).runtime.site.name)
}

/// By the ending of the file's name.
fn format(args: &ReportUsageArgs) -> Result<Format, CliError> {
    let ending = args
        .out
        .extension()
        .and_then(|ending| ending.to_str())
        .unwrap_or("");
    match ending.to_ascii_lowercase().as_str() {
        "docx" => Ok(Format::Docx),
        "xlsx" => Ok(Format::Xlsx),
        "md" => Ok(Format::Markdown),
        "csv" => {
            let known = Sheet::ALL.map(Sheet::as_str).join(", ");
            let sheet = Sheet::parse(&args.table);
            Ok(Format::Csv(sheet.ok_or_else(|| {
                CliError::Usage(format!("--table must be one of {known}"))
            })?))
        }
        _ => Err(CliError::Usage(
            "--out must end in .docx, .xlsx, .md or .csv".to_owned(),
        )),
    }
}

async fn params(args: &ReportUsageArgs, db: &Db) -> Result<Params, CliError> {
    let day = |name: &str, text: &str| {
        let bad = || CliError::Usage(format!("{name} must be a day such as 2026-11-20"));
        text.parse::<NaiveDate>().map_err(|_unreadable| bad())
    };
    let lang = Lang::parse(&args.lang)
        .ok_or_else(|| CliError::Usage("--lang must be en or zh".to_owned()))?;
    let owners = db.read(|c| Box::pin(key_owners::list(c))).await?;
    let key = |name: &String| {
        let newest = owners.iter().rev().find(|owner| owner.name == *name);
        let missing = || CliError::Usage(format!("there is no API key {name}"));
        newest.map(|owner| owner.id.0).ok_or_else(missing)
    };
    let scope = match (&args.key, &args.user, &args.tag) {
        (Some(name), ..) => Scope::Key(key(name)?),
        (None, Some(name), _) => {
            let of_user = owners.iter().find(|owner| owner.user == *name);
            let missing = || CliError::Usage(format!("there is no account {name} with a key"));
            Scope::User(of_user.map(|owner| owner.user_id.0).ok_or_else(missing)?)
        }
        (None, None, Some(tag)) => Scope::Tag(tag.clone()),
        (None, None, None) => Scope::Everyone,
    };
    let template = Template::parse(&args.template).ok_or_else(|| {
        let known = Template::ALL.map(Template::as_str).join(", ");
        CliError::Usage(format!("--template must be one of {known}"))
    })?;
    let mut params = Params {
        template,
        zone: args.time_zone.clone().unwrap_or_default(),
        scope,
        paper: if args.letter {
            Paper::Letter
        } else {
            Paper::A4
        },
        ..Params::new(day("--from", &args.from)?, day("--to", &args.to)?, lang)
    };
    for name in &args.without {
        if !params.leave_out(name, &owners) {
            let missing = format!("there is no API key or account {name}");
            return Err(CliError::Usage(missing));
        }
    }
    Ok(params.tidied())
}

/// Writes beside the file first: nobody finds half of one.
pub(super) fn write(
    path: &Path,
    fill: impl FnOnce(&mut dyn std::io::Write) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let failed = |error: std::io::Error| CliError::Failed(format!("{}: {error}", path.display()));
    let mut beside = path.as_os_str().to_owned();
    beside.push(".part");
    let beside = PathBuf::from(beside);
    let filled = File::create(&beside).map_err(failed).and_then(|file| {
        let mut file = BufWriter::new(file);
        fill(&mut file)?;
        file.flush().map_err(failed)
    });
    let done = filled.and_then(|()| std::fs::rename(&beside, path).map_err(failed));
    if done.is_err() {
        drop(std::fs::remove_file(&beside));
    }
    done
}
