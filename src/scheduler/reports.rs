//! Makes the reports that were asked for, one after the other, and asks for those that the schedule wants.
//!
//! A report whose process died is taken up again: what was read is read anew, which is quick, and files that are there
//! stay; what a model has phrased stays as well. One that fails again and again is given up, so that it never stands in the way of others.

mod phrase;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use chrono::{Datelike as _, Days, NaiveDate};
use modelgate_domain::{JobStep, UsageReportState};
use modelgate_store::reports::{self, Asked, Report, ReportStep};

use super::context::Context;
use crate::i18n::Lang;
use crate::notices::{Kind, News};
use crate::reports::gather::{GatherError, gather};
use crate::reports::{Format, Params, Source, Template, Told};

/// So often a step is begun at most.
const TRIES: u32 = 3;
/// How often it is written down how far reading is, and looked whether it is to stop.
const EVERY: Duration = Duration::from_secs(1);
/// The name of the first step; the others are those of files.
const GATHER: &str = "gather";

pub(super) async fn run(context: &Context) -> anyhow::Result<()> {
    schedule(context).await?;
    let mut failed = None;
    while !context.stopped() {
        let next = context.db.read(|c| Box::pin(reports::next(c))).await?;
        let Some(report) = next else { break };
        let id = report.id;
        match make(context, report).await {
            Ok(End::Left) => break,
            Ok(End::With(state)) => end(context, id, (state, "")).await?,
            Err(error) => {
                let why = format!("{error:#}");
                end(context, id, (UsageReportState::Failed, &why)).await?;
                failed.get_or_insert(why);
            }
        }
    }
    // The others have been made: now those who run the gateway hear of it.
    match failed {
        Some(why) => anyhow::bail!("a report could not be made: {why}"),
        None => Ok(()),
    }
}

/// How the work on a report ends here.
enum End {
    With(UsageReportState),
    /// The process ends: somebody else goes on.
    Left,
}

async fn end(
    context: &Context,
    id: i64,
    (state, error): (UsageReportState, &str),
) -> anyhow::Result<()> {
    let (now_ms, error) = (context.clock.now_ms(), error.to_owned());
    context
        .db
        .write(move |c| {
            Box::pin(async move { reports::finish(c, id, (state, &error), now_ms).await })
        })
        .await?;
    let step = match state {
        UsageReportState::Done => JobStep::ReportsMade,
        _ => JobStep::ReportsGivenUp,
    };
    context.tell(step, 1);
    Ok(())
}

/// `usage-2026-11-01-2026-11-20.docx`, `usage-2026-11-01-2026-11-20-days.csv`
fn file_name(params: &Params, format: Format) -> String {
    let (stem, ending) = (params.file_stem(), format.extension());
    match format {
        Format::Csv(sheet) => format!("{stem}-{}.{ending}", sheet.as_str()),
        _ => format!("{stem}.{ending}"),
    }
}

async fn make(context: &Context, report: Report) -> anyhow::Result<End> {
    let params: Params = serde_json::from_str(&report.params)?;
    let mut work = Work {
        context,
        id: report.id,
        steps: report.steps,
    };
    if !work.begin(GATHER).await? {
        return Ok(End::With(UsageReportState::Cancelled));
    }
    let Some(mut told) = work.gather(&params).await? else {
        if context.stopped() {
            work.leave(GATHER).await?;
            return Ok(End::Left);
        }
        return Ok(End::With(UsageReportState::Cancelled));
    };
    if let Some(end) = phrase::phrase(&mut work, &mut told).await? {
        return Ok(end);
    }
    let told = Arc::new(told);
    let kept = context
        .db
        .read(move |c| Box::pin(async move { reports::files(c, &[report.id]).await }))
        .await?;
    for format in Format::ALL {
        let name = file_name(&params, format);
        if kept.iter().any(|file| file.name == name) {
            continue;
        }
        if context.stopped() {
            return Ok(End::Left);
        }
        if !work.begin(&name).await? {
            return Ok(End::With(UsageReportState::Cancelled));
        }
        work.file(Arc::clone(&told), format, name).await?;
    }
    if !report.asked_by.is_empty() {
        return Ok(End::With(UsageReportState::Done));
    }
    announce(context, &params);
    Ok(End::With(UsageReportState::Done))
}

/// A report that is being made.
struct Work<'a> {
    context: &'a Context,
    id: i64,
    steps: Vec<ReportStep>,
}

impl Work<'_> {
    /// Counts a try of a step; false where the report is to stop.
    async fn begin(&mut self, name: &str) -> anyhow::Result<bool> {
        let at = self.steps.iter().position(|step| step.name == name);
        let at = at.unwrap_or_else(|| {
            self.steps.push(ReportStep {
                name: name.to_owned(),
                ..ReportStep::default()
            });
            self.steps.len() - 1
        });
        let step = &mut self.steps[at];
        anyhow::ensure!(
            step.attempts < TRIES,
            "{name} was tried {TRIES} times and never came to its end"
        );
        step.attempts += 1;
        self.tell().await
    }

    /// A step that is left because the process ends was not tried.
    async fn leave(&mut self, name: &str) -> anyhow::Result<()> {
        if let Some(step) = self.steps.iter_mut().find(|step| step.name == name) {
            step.attempts = step.attempts.saturating_sub(1);
            step.percent = 0;
        }
        self.tell().await.map(drop)
    }

    /// Keeps what a step came to, or why it came to nothing.
    async fn came_to(&mut self, name: &str, what: Result<String, String>) -> anyhow::Result<()> {
        if let Some(step) = self.steps.iter_mut().find(|step| step.name == name) {
            step.percent = 100;
            match what {
                Ok(artefact) => step.artefact = artefact,
                Err(why) => step.note = why,
            }
        }
        self.tell().await.map(drop)
    }

    /// Writes down how far it is; false where it is to stop.
    async fn tell(&self) -> anyhow::Result<bool> {
        let (id, steps, now_ms) = (self.id, self.steps.clone(), self.context.clock.now_ms());
        let go_on = self
            .context
            .db
            .write(move |c| Box::pin(async move { reports::tell(c, id, &steps, now_ms).await }))
            .await?;
        Ok(go_on)
    }

    fn reached(&mut self, name: &str, percent: u32) {
        if let Some(step) = self.steps.iter_mut().find(|step| step.name == name) {
            step.percent = percent;
        }
    }

    /// Reads everything, telling how far it is; nothing where it was stopped.
    async fn gather(&mut self, params: &Params) -> anyhow::Result<Option<Told>> {
        let context = self.context;
        let (percent, stop) = (AtomicU32::new(0), AtomicBool::new(false));
        let go_on = |done: usize, of: usize| {
            let now = u32::try_from(done * 100 / of.max(1)).unwrap_or(100);
            percent.store(now, Ordering::Relaxed);
            !stop.load(Ordering::Relaxed) && !context.stopped()
        };
        let source = Source {
            db: &context.db,
            business: context.zone,
            site: context.settings.load().runtime.site.name.clone(),
            now_ms: context.clock.now_ms(),
            go_on: &go_on,
        };
        let mut reading = std::pin::pin!(gather(&source, params));
        let read = loop {
            tokio::select! {
                read = &mut reading => break read,
                () = tokio::time::sleep(EVERY) => {
                    self.reached(GATHER, percent.load(Ordering::Relaxed));
                    if !self.tell().await? {
                        stop.store(true, Ordering::Relaxed);
                    }
                }
            }
        };
        self.reached(GATHER, 100);
        match read {
            Ok(data) => Ok(Some(Told::of(&data))),
            Err(GatherError::Stopped) => Ok(None),
            Err(GatherError::Store(error)) => Err(error.into()),
        }
    }

    /// Writes a file and keeps it.
    async fn file(&mut self, told: Arc<Told>, format: Format, name: String) -> anyhow::Result<()> {
        let written = tokio::task::spawn_blocking(move || {
            let mut out = Vec::new();
            told.write(format, &mut out).map(|()| out)
        });
        let content = written.await??;
        let (id, kept) = (self.id, name.clone());
        self.context
            .db
            .write(move |c| {
                Box::pin(async move { reports::keep_file(c, id, &kept, &content).await })
            })
            .await?;
        self.reached(&name, 100);
        self.tell().await?;
        Ok(())
    }
}

/// Asks for the report of the last whole week or month, once.
async fn schedule(context: &Context) -> anyhow::Result<()> {
    let wanted = context.settings.load().runtime.reports.clone();
    let now_ms = context.clock.now_ms();
    let today = context
        .clock
        .now()
        .with_timezone(&context.zone)
        .date_naive();
    let Some((from, to)) = last_whole(&wanted.schedule, today) else {
        return Ok(());
    };
    let lang = Lang::parse(&wanted.language).unwrap_or_default();
    let params = Params {
        template: Template::parse(&wanted.template).unwrap_or_default(),
        ..Params::new(from, to, lang)
    };
    let params = serde_json::to_string(&params.tidied())?;
    let new = context
        .db
        .write(move |c| {
            Box::pin(async move {
                if reports::was_scheduled(c, &params).await? {
                    return Ok(false);
                }
                let asked = Asked {
                    params,
                    by: String::new(),
                    at_ms: now_ms,
                };
                Ok::<_, modelgate_store::StoreError>(reports::ask(c, &asked).await?.1)
            })
        })
        .await?;
    context.tell(JobStep::ReportsScheduled, usize::from(new));
    Ok(())
}

/// The last week from Monday to Sunday, or the last calendar month.
fn last_whole(schedule: &str, today: NaiveDate) -> Option<(NaiveDate, NaiveDate)> {
    let (next, from) = match schedule {
        "weekly" => {
            let monday = today - Days::new(u64::from(today.weekday().num_days_from_monday()));
            (monday, monday - Days::new(7))
        }
        "monthly" => {
            let first = today.with_day(1)?;
            (first, (first - Days::new(1)).with_day(1)?)
        }
        _ => return None,
    };
    Some((from, next - Days::new(1)))
}

/// Tells those who run the gateway that a report of the schedule is there.
fn announce(context: &Context, params: &Params) {
    let (from, to) = (params.from.to_string(), params.to.to_string());
    let news = News::new(
        Kind::ReportMade,
        format!("{from} {to}"),
        context.clock.now_ms(),
    );
    context.teller.tell(news.with("from", from).with("to", to));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_whole_week_or_month_is_told() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let of = |schedule, today| last_whole(schedule, day(today));
        let week = Some((day("2026-11-09"), day("2026-11-15")));
        assert_eq!(of("weekly", "2026-11-16"), week);
        assert_eq!(of("weekly", "2026-11-22"), week);
        let month = Some((day("2026-02-01"), day("2026-02-28")));
        assert_eq!(of("monthly", "2026-03-01"), month);
        assert_eq!(of("monthly", "2026-03-31"), month);
        assert_eq!(of("off", "2026-03-31"), None);
    }
}
