//! `modelgate doctor`: is everything in order, and if not, what to do.
//!
//! Changes nothing, and works beside a running gateway: journals are only measured, never opened.

mod beside;
mod collector;
mod database;
mod machine;
mod vendors;

use serde::Serialize;
use serde_json::json;

use super::args::DoctorArgs;
use super::output::Output;
use super::{CliError, Session};

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Ok,
    Warning,
    Wrong,
}

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize)]
struct Check {
    name: String,
    verdict: Verdict,
    /// What was found.
    found: String,
    /// What to do about it; empty when all is well.
    advice: String,
}

impl Check {
    fn ok(name: impl Into<String>, found: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            verdict: Verdict::Ok,
            found: found.into(),
            advice: String::new(),
        }
    }

    fn warning(
        name: impl Into<String>,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self {
            verdict: Verdict::Warning,
            advice: advice.into(),
            ..Self::ok(name, found)
        }
    }

    fn wrong(name: impl Into<String>, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Wrong,
            advice: advice.into(),
            ..Self::ok(name, found)
        }
    }
}

/// Runs the command.
pub(super) async fn run(
    session: &Session,
    args: &DoctorArgs,
    out: &mut Output,
) -> Result<(), CliError> {
    let mut checks = vec![Check::ok("configuration", "every setting is usable")];
    checks.extend(machine::data_dir(&session.config.data_dir));
    checks.extend(machine::disk(&session.config.data_dir));
    checks.push(machine::open_files(session.config.max_open_requests));
    let (found, opened) = database::open(session).await;
    checks.extend(found);
    if let Some((db, keyring)) = opened {
        checks.push(database::clock(session, &db).await);
        checks.push(database::journal(session, &db).await);
        checks.extend(beside::copier(&session.config, &db).await);
        let vendors = vendors::check(&session.config, &db, keyring.as_ref(), args.offline);
        checks.extend(vendors.await);
    }
    checks.extend(beside::redis(session.config.redis_url.as_ref()).await);
    checks.extend(collector::check(&session.config.otlp, args.offline).await);
    for check in &checks {
        let mark = match check.verdict {
            Verdict::Ok => "ok     ",
            Verdict::Warning => "warning",
            Verdict::Wrong => "WRONG  ",
        };
        out.say(format_args!("{mark}  {}: {}", check.name, check.found))?;
        if !check.advice.is_empty() {
            out.say(format_args!("         → {}", check.advice))?;
        }
    }
    let wrong = checks
        .iter()
        .filter(|c| c.verdict == Verdict::Wrong)
        .count();
    out.json(&json!({ "ok": wrong == 0, "checks": checks }))?;
    if wrong > 0 {
        out.say(format_args!(
            "\n{wrong} of {} checks found something wrong",
            checks.len()
        ))?;
        return Err(CliError::Told);
    }
    out.say("\nnothing is wrong")
}
