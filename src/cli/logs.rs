//! `modelgate logs`: the request log, newest last, and what arrives after it.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use modelgate_domain::{ApiKeyId, ModelId, ProviderId, Status, money};
use modelgate_store::request_logs::{self, LogFilter, LogRow, States};
use modelgate_store::{Conn, Db, StoreError, api_keys, models, providers};
use serde_json::{Value, json};

use super::args::LogsArgs;
use super::output::Output;
use super::{CliError, Session};

const POLL: Duration = Duration::from_millis(500);
const BATCH: i64 = 500;

/// Ids to names, deleted things included.
#[derive(Default)]
struct Names {
    keys: BTreeMap<ApiKeyId, String>,
    models: BTreeMap<ModelId, String>,
    providers: BTreeMap<ProviderId, String>,
}

impl Names {
    async fn load(c: &mut Conn) -> Result<Self, StoreError> {
        Ok(Self {
            keys: api_keys::names(c).await?.into_iter().collect(),
            models: models::names(c).await?.into_iter().collect(),
            providers: providers::names(c).await?.into_iter().collect(),
        })
    }
}

/// Runs the command.
pub(super) async fn run(
    session: &Session,
    args: &LogsArgs,
    out: &mut Output,
) -> Result<(), CliError> {
    let db = session.open_existing().await?;
    let mut names = names(&db).await?;
    let mut filter = filter(session, args, &names)?;
    let mut last = db
        .read(|c| Box::pin(async move { request_logs::last_seq(c).await }))
        .await?;
    filter.limit = args.limit;
    if args.limit > 0 {
        let mut rows = page(&db, &filter).await?;
        rows.reverse();
        if rows.is_empty() && !args.follow {
            out.say("no request fits")?;
        }
        for row in &rows {
            print(out, row, &names)?;
        }
        last = rows.iter().map(|r| r.seq).fold(last, i64::max);
    }
    if !args.follow {
        return Ok(());
    }
    filter.limit = BATCH;
    loop {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => return Ok(()),
            () = tokio::time::sleep(POLL) => {}
        }
        filter.after_seq = Some(last);
        let mut rows = page(&db, &filter).await?;
        rows.sort_by_key(|row| row.seq);
        if rows
            .iter()
            .any(|row| !names.keys.contains_key(&row.record.api_key_id))
        {
            names = self::names(&db).await?;
        }
        for row in &rows {
            last = last.max(row.seq);
            print(out, row, &names)?;
        }
    }
}

async fn names(db: &Db) -> Result<Names, CliError> {
    Ok(db
        .read(|c| Box::pin(async move { Names::load(c).await }))
        .await?)
}

async fn page(db: &Db, filter: &LogFilter) -> Result<Vec<LogRow>, CliError> {
    let filter = filter.clone();
    let page = db
        .read(move |c| Box::pin(async move { request_logs::list(c, &filter).await }))
        .await?;
    Ok(page.rows)
}

fn filter(session: &Session, args: &LogsArgs, names: &Names) -> Result<LogFilter, CliError> {
    let status = match &args.status {
        None => None,
        Some(text) => Some(text.parse::<Status>().map_err(|_name| {
            let all: Vec<&str> = Status::ALL.iter().map(|s| s.as_str()).collect();
            CliError::Usage(format!("--status must be one of {}", all.join(", ")))
        })?),
    };
    let now = session.clock.now_ms();
    let time = |name: &str, text: &Option<String>| {
        match text {
        None => Ok(None),
        Some(text) => moment(text, now).map(Some).ok_or_else(|| {
            CliError::Usage(format!(
                "{name} must be an age such as 15m, 2h or 7d, or a time such as 2026-11-20T08:00:00Z"
            ))
        }),
    }
    };
    Ok(LogFilter {
        api_key_id: id_of("API key", args.key.as_ref(), &names.keys)?,
        model_id: id_of("model", args.model.as_ref(), &names.models)?,
        provider_id: id_of("provider", args.provider.as_ref(), &names.providers)?,
        states: status.map_or(States::All, States::One),
        from_ms: time("--since", &args.since)?,
        to_ms: time("--until", &args.until)?,
        ..LogFilter::default()
    })
}

/// The newest row of this name: an older one may have been deleted.
fn id_of<I: Copy + Ord>(
    what: &str,
    name: Option<&String>,
    names: &BTreeMap<I, String>,
) -> Result<Option<I>, CliError> {
    let Some(name) = name else { return Ok(None) };
    let newest = names
        .iter()
        .filter(|(_, n)| *n == name)
        .map(|(id, _)| *id)
        .max();
    newest
        .map(Some)
        .ok_or_else(|| CliError::Usage(format!("there is no {what} {name}")))
}

/// An age before `now_ms`, or a time, as epoch milliseconds.
fn moment(text: &str, now_ms: i64) -> Option<i64> {
    let unit = text.chars().last()?;
    let scale = match unit {
        's' => 1_000,
        'm' => 60_000,
        'h' => 3_600_000,
        'd' => 86_400_000,
        _ => {
            let time = DateTime::parse_from_rfc3339(text).ok()?;
            return Some(time.timestamp_millis());
        }
    };
    let number: i64 = text.strip_suffix(unit)?.parse().ok().filter(|n| *n >= 0)?;
    now_ms.checked_sub(number.checked_mul(scale)?)
}

fn print(out: &mut Output, row: &LogRow, names: &Names) -> Result<(), CliError> {
    let r = &row.record;
    let key = names.keys.get(&r.api_key_id).map_or("-", String::as_str);
    let provider = names
        .providers
        .get(&r.provider_id)
        .map_or("-", String::as_str);
    let time = DateTime::<Utc>::from_timestamp_millis(r.started_ms).unwrap_or_default();
    let time = time.to_rfc3339_opts(SecondsFormat::Millis, true);
    let cost = r
        .cost_nanos
        .map(|nanos| format!("{}{}", r.currency.sign(), money::format_nanos(nanos)));
    let repeats = if r.repeats > 1 {
        format!(" ×{}", r.repeats)
    } else {
        String::new()
    };
    let error = if r.error_code.is_empty() {
        String::new()
    } else {
        format!(
            "  {} ({}): {}",
            r.error_code, r.fault_owner, r.error_message
        )
    };
    let ms = |value: Option<i64>| value.map_or_else(|| "-".to_owned(), |ms| format!("{ms}ms"));
    out.say(format_args!(
        "{time}  {}  {key}  {} → {provider}  {}{repeats} {}  {}  ttft {}  tokens {}+{}  {}{error}",
        r.id,
        r.requested_model,
        r.status,
        r.http_status,
        ms(r.latency_ms),
        ms(r.ttft_ms),
        r.usage.prompt + r.usage.cached + r.usage.cache_write,
        r.usage.completion + r.usage.reasoning,
        cost.as_deref().unwrap_or("unpriced"),
    ))?;
    let mut value = serde_json::to_value(r)?;
    if let Value::Object(map) = &mut value {
        map.insert("seq".to_owned(), json!(row.seq));
        map.insert("api_key".to_owned(), json!(names.keys.get(&r.api_key_id)));
        map.insert("model".to_owned(), json!(names.models.get(&r.model_id)));
        map.insert(
            "provider".to_owned(),
            json!(names.providers.get(&r.provider_id)),
        );
    }
    out.json(&value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_and_times_are_understood() {
        assert_eq!(moment("15m", 1_000_000), Some(100_000));
        assert_eq!(moment("0s", 5), Some(5));
        assert_eq!(moment("1970-01-01T00:00:01Z", 9), Some(1000));
        for bad in ["", "m", "-1m", "1w", "yesterday", "99999999999999999d"] {
            assert_eq!(moment(bad, 0), None, "{bad}");
        }
    }
}
