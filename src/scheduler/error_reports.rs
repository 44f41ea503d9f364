//! Writes down what went wrong: yesterday, in each language of the pages, and whatever else somebody asked for.

use modelgate_domain::JobStep;
use modelgate_domain::range::{day_of, next_day_of};
use modelgate_store::error_reports::{self, Asked, ErrorReport, Written};
use modelgate_store::failures::REPORT_WINDOW;
use modelgate_store::request_logs::{self, LogFilter, States};
use modelgate_store::usage::{self, UsageFilter};

use super::context::Context;
use crate::analysis::{Day, SAMPLES, markdown, narrate};
use crate::assistant::{Said, Silent};
use crate::i18n::Lang;

pub(super) async fn run(context: &Context) -> anyhow::Result<()> {
    ask_for_yesterday(context).await?;
    while !context.stopped() {
        let waiting = context
            .db
            .read(|c| Box::pin(error_reports::waiting(c)))
            .await?;
        let Some(report) = waiting.into_iter().next() else {
            break;
        };
        write(context, report).await?;
        context.tell(JobStep::ReportsWritten, 1);
    }
    Ok(())
}

/// A day without calls needs no report.
async fn ask_for_yesterday(context: &Context) -> anyhow::Result<()> {
    let now_ms = context.clock.now_ms();
    let day_ms = day_of(day_of(now_ms, context.zone) - 1, context.zone);
    let filter = UsageFilter::between(day_ms, next_day_of(day_ms, context.zone), context.zone);
    let languages = context.settings.load().runtime.site.languages.clone();
    context
        .db
        .write(move |c| {
            Box::pin(async move {
                if usage::totals(c, &filter).await?.requests() == 0 {
                    return Ok(());
                }
                for lang in languages {
                    let asked = Asked {
                        day_ms,
                        language: lang.code().to_owned(),
                        by: String::new(),
                        now_ms,
                    };
                    error_reports::ask(c, &asked).await?;
                }
                Ok::<_, modelgate_store::StoreError>(())
            })
        })
        .await?;
    Ok(())
}

async fn write(context: &Context, report: ErrorReport) -> anyhow::Result<()> {
    let (id, zone) = (report.id, context.zone);
    context
        .db
        .write(move |c| Box::pin(error_reports::begin(c, id)))
        .await?;
    let now_ms = context.clock.now_ms();
    let day = context
        .db
        .read_snapshot(move |c| {
            Box::pin(async move { Day::read(c, report.day_ms, now_ms, zone, REPORT_WINDOW).await })
        })
        .await?;
    let lang = Lang::parse(&report.language).unwrap_or_default();
    let told = told(context, &day, lang).await?;
    let (narrative, problem) = match &told {
        Ok(said) => (
            Some((said.value.as_str(), said.model.as_str())),
            String::new(),
        ),
        Err(Silent::Off) => (None, String::new()),
        Err(why) => (None, why.to_string()),
    };
    let written = Written {
        markdown: markdown(&day, lang, zone, narrative),
        model: narrative
            .map(|(_, model)| model.to_owned())
            .unwrap_or_default(),
        problem,
    };
    context
        .db
        .write(move |c| {
            Box::pin(async move { error_reports::finish(c, id, &written, now_ms).await })
        })
        .await?;
    Ok(())
}

/// What a model makes of the day, where one is to be asked and there is anything to ask about.
async fn told(
    context: &Context,
    day: &Day,
    lang: Lang,
) -> anyhow::Result<Result<Said<String>, Silent>> {
    let Some(assistant) = context.assistant.as_ref() else {
        return Ok(Err(Silent::Off));
    };
    if day.errors().next().is_none() {
        return Ok(Err(Silent::Off));
    }
    let failed = LogFilter {
        states: States::Failed,
        from_ms: Some(day.from_ms),
        to_ms: Some(day.to_ms),
        limit: SAMPLES,
        ..LogFilter::default()
    };
    let failed = context
        .db
        .read(move |c| Box::pin(async move { request_logs::list(c, &failed).await }))
        .await?;
    Ok(narrate(assistant, day, &failed.rows, lang, context.zone).await)
}
