//! The whole preparation against a real database: what it wrote adds up.

use std::time::Instant;

use modelgate_domain::ReportState;
use modelgate_store::error_reports;
use modelgate_store::request_logs::{self, LogFilter};
use modelgate_store::usage::{self, UsageFilter};
use modelgate_store::{Db, StoreError};

use super::prepare::{self, Secrets};
use crate::config::MapEnv;

#[test]
fn the_history_is_in_the_rows_and_in_the_roll_ups() {
    let folder = tempfile::tempdir().unwrap();
    let secrets = Secrets::deal().unwrap();
    let config = prepare::configuration(&MapEnv::default(), folder.path(), &secrets).unwrap();
    let vendors = prepare::vendors().unwrap();
    let began = Instant::now();
    let count = prepare::fill(&config, &vendors, &secrets).unwrap();
    eprintln!("{count} rows in {:?}", began.elapsed());
    assert!((15_000..60_000).contains(&count), "{count} rows");

    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let db = Db::open(&config.database_url, runtime.handle().clone())
            .await
            .unwrap();
        let filter = UsageFilter {
            from_ms: 0,
            to_ms: i64::MAX,
            ..UsageFilter::default()
        };
        let totals = db
            .read(move |c| Box::pin(async move { usage::totals(c, &filter).await }))
            .await;
        let totals = totals.unwrap_or_else(|e: StoreError| panic!("{e}"));
        assert_eq!(usize::try_from(totals.requests()).unwrap(), count);

        let reports = db.read(|c| Box::pin(error_reports::list(c))).await.unwrap();
        assert_eq!(reports.len(), 2, "yesterday in two languages");
        assert!(
            reports
                .iter()
                .all(|report| report.state == ReportState::Done)
        );

        let mut before = None;
        let (mut rows, mut prompt) = (0, 0);
        loop {
            let filter = LogFilter {
                before,
                limit: 500,
                ..LogFilter::default()
            };
            let page = db
                .read(move |c| Box::pin(async move { request_logs::list(c, &filter).await }))
                .await;
            let page = page.unwrap_or_else(|e: StoreError| panic!("{e}"));
            let Some(last) = page.rows.last() else { break };
            before = Some(last.record.id);
            rows += page.rows.len();
            prompt += page.rows.iter().map(|r| r.record.usage.prompt).sum::<i64>();
        }
        assert_eq!(rows, count);
        assert_eq!(prompt, totals.prompt_tokens);
    });
}
