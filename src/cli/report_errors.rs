//! `modelgate report errors`: the errors of a day as text or as a document, beside a running server. The newest report
//! that was written of the day, or else one by rules alone, which is not kept.

use chrono::{NaiveDate, NaiveTime, TimeZone as _};
use chrono_tz::Tz;
use modelgate_domain::range::day_of;
use modelgate_store::{Db, error_reports, failures};
use serde_json::json;

use super::args::ReportErrorsArgs;
use super::output::Output;
use super::report::{site, write};
use super::{CliError, Session};
use crate::analysis::{Day, markdown};
use crate::i18n::Lang;
use crate::reports::{Paper, Prose, document};

/// Writes the report.
pub(super) async fn run(
    session: &Session,
    args: &ReportErrorsArgs,
    out: &mut Output,
) -> Result<(), CliError> {
    let ending = args.out.extension().and_then(|ending| ending.to_str());
    let is_document = match ending.unwrap_or("").to_ascii_lowercase().as_str() {
        "docx" => true,
        "md" => false,
        _ => return Err(CliError::Usage("--out must end in .docx or .md".to_owned())),
    };
    let lang = Lang::parse(&args.lang)
        .ok_or_else(|| CliError::Usage("--lang must be en or zh".to_owned()))?;
    let (now_ms, zone) = (session.clock.now_ms(), session.config.time_zone);
    let day_ms = day_ms(&args.date, zone)?;
    if day_ms > now_ms {
        return Err(CliError::Usage("the day has not come yet".to_owned()));
    }
    let db = session.open_existing().await?;
    let (text, made_ms) = text(&db, (day_ms, now_ms), lang, zone).await?;
    let content = if is_document {
        let about = Prose {
            site: site(session, &db).await?,
            of: args.date.clone(),
            lang,
            zone,
            paper: if args.letter {
                Paper::Letter
            } else {
                Paper::A4
            },
            made_ms,
        };
        document(&text, &about).map_err(|error| CliError::Failed(error.to_string()))?
    } else {
        text.into_bytes()
    };
    write(&args.out, |file| {
        file.write_all(&content)
            .map_err(|error| CliError::Failed(error.to_string()))
    })?;
    out.say(format_args!("wrote {}", args.out.display()))?;
    out.json(&json!({ "file": args.out, "date": args.date, "language": lang.code() }))
}

/// The first moment of a day.
fn day_ms(date: &str, zone: Tz) -> Result<i64, CliError> {
    let bad = || CliError::Usage("--date must be a day such as 2026-11-20".to_owned());
    let day: NaiveDate = date.parse().map_err(|_unreadable| bad())?;
    // Noon is on its day everywhere, whatever the clocks do at night.
    let noon = day.and_time(NaiveTime::from_hms_opt(12, 0, 0).unwrap_or_default());
    let noon = zone.from_local_datetime(&noon).earliest().ok_or_else(bad)?;
    Ok(day_of(noon.timestamp_millis(), zone))
}

/// The text and when it was made.
async fn text(
    db: &Db,
    (day_ms, now_ms): (i64, i64),
    lang: Lang,
    zone: Tz,
) -> Result<(String, i64), CliError> {
    let written = db
        .read(move |c| Box::pin(async move { error_reports::newest(c, day_ms, lang.code()).await }))
        .await?;
    if let Some(report) = written {
        return Ok((report.markdown, report.finished_ms.unwrap_or(now_ms)));
    }
    let day = db
        .read_snapshot(move |c| {
            Box::pin(
                async move { Day::read(c, day_ms, now_ms, zone, failures::REPORT_WINDOW).await },
            )
        })
        .await?;
    Ok((markdown(&day, lang, zone, None), now_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_midnight_of_the_business_time_zone() {
        let shanghai = chrono_tz::Asia::Shanghai;
        assert_eq!(day_ms("2026-11-21", shanghai).unwrap(), 1_795_190_400_000);
        assert!(day_ms("soon", shanghai).is_err());
    }
}
