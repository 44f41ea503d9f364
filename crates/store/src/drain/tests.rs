//! Whatever is replayed, in whatever pieces: every request is counted once.

use modelgate_domain::{
    ApiKeyId, AttemptRecord, Currency, FaultOwner, ModelId, ProviderId, RequestId, RequestRecord,
    Status, Usage,
};

use super::*;
use crate::Db;
use crate::schema::{
    latency_quarter_hour, request_attempts, request_logs, usage_minute, usage_quarter_hour,
};
use crate::testing::each_engine;

pub(super) const START_MS: i64 = 1_800_000_000_000;

pub(super) fn record(n: i64) -> RequestRecord {
    RequestRecord {
        id: RequestId(n),
        api_key_id: ApiKeyId(n % 3 + 1),
        model_id: ModelId(n % 2 + 1),
        provider_id: ProviderId(1),
        requested_model: "gpt-x".into(),
        repeats: 1,
        started_ms: START_MS + n * 7_000,
        ..RequestRecord::default()
    }
}

pub(super) fn ended(n: i64) -> RequestRecord {
    RequestRecord {
        status: Status::Success,
        attempts: 1,
        finished_ms: START_MS + n * 7_000 + 900,
        latency_ms: Some(900 + n),
        ttft_ms: Some(90),
        usage: Usage::from_openai(100, 40, 50, 20),
        cost_nanos: Some(1_000),
        currency: Currency::parse("USD").unwrap(),
        ..record(n)
    }
}

fn refused(n: i64) -> RequestRecord {
    RequestRecord {
        status: Status::RateLimited,
        fault_owner: FaultOwner::Policy,
        error_code: "rate_limited".into(),
        ..record(n)
    }
}

fn start(n: i64) -> Entry {
    Entry::Started(Arc::new(record(n)))
}

fn end(n: i64) -> Entry {
    Entry::Ended(Arc::new(ended(n)), Vec::new())
}

pub(super) fn batch(from: u64, to: u64, entries: Vec<Entry>) -> Batch {
    let instance = "a".to_owned();
    let positions = vec![Position {
        segment: 1,
        from,
        to,
    }];
    Batch {
        instance,
        positions,
        entries,
    }
}

pub(super) async fn apply(db: &Db, batch: Batch) -> Outcome {
    db.write(move |c| Box::pin(async move { super::apply(c, &batch, chrono_tz::UTC).await }))
        .await
        .unwrap()
}

type LatencyRow = (i64, i64, i64, String, i64, i64, i64, i64);

/// Everything that is counted: rows by status, sums over both usage tables, latency counts, positions.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) rows: Vec<(i64, String, i64)>,
    pub(super) minute: Vec<Vec<i64>>,
    quarter: Vec<Vec<i64>>,
    latency: Vec<LatencyRow>,
}

macro_rules! usage {
    ($c:expr, $table:ident, $period:ident) => {{
        use $table as t;
        let mut rows: Vec<(Vec<i64>, String)> = Vec::new();
        let first: Vec<(i64, i64, i64, i64, String, i64, i64, i64, i64)> = t::table
            .select((
                t::$period,
                t::api_key_id,
                t::model_id,
                t::provider_id,
                t::currency,
                t::success,
                t::error,
                t::timeout,
                t::rate_limited,
            ))
            .order((t::$period, t::api_key_id, t::model_id, t::currency))
            .load($c)
            .await?;
        let second: Vec<(i64, i64, i64, i64, i64, i64, i64, i64, i64, i64)> = t::table
            .select((
                t::error_gateway,
                t::prompt_tokens,
                t::cached_tokens,
                t::completion_tokens,
                t::reasoning_tokens,
                t::cost_nanos,
                t::latency_sum_ms,
                t::ttft_sum_ms,
                t::ttft_count,
                t::cancelled,
            ))
            .order((t::$period, t::api_key_id, t::model_id, t::currency))
            .load($c)
            .await?;
        for (a, b) in first.into_iter().zip(second) {
            rows.push((
                vec![
                    a.0, a.1, a.2, a.3, a.5, a.6, a.7, a.8, b.0, b.1, b.2, b.3, b.4, b.5, b.6, b.7,
                    b.8, b.9,
                ],
                a.4,
            ));
        }
        rows.into_iter().map(|(row, _)| row).collect::<Vec<_>>()
    }};
}

pub(super) async fn totals(db: &Db) -> Totals {
    db.read(|c| {
        Box::pin(async move {
            db!(c, |c| Ok::<_, StoreError>(Totals {
                rows: request_logs::table
                    .select((
                        request_logs::id,
                        request_logs::status,
                        request_logs::repeats
                    ))
                    .order(request_logs::id)
                    .load(c)
                    .await?,
                minute: usage!(c, usage_minute, minute_ms),
                quarter: usage!(c, usage_quarter_hour, quarter_ms),
                latency: {
                    use latency_quarter_hour as t;
                    t::table
                        .select((
                            t::quarter_ms,
                            t::api_key_id,
                            t::model_id,
                            t::measure,
                            t::bucket,
                            t::count,
                            t::min_ms,
                            t::max_ms,
                        ))
                        .order((
                            t::quarter_ms,
                            t::api_key_id,
                            t::model_id,
                            t::measure,
                            t::bucket,
                        ))
                        .load::<(i64, i64, i64, String, i64, i64, i64, i64)>(c)
                        .await?
                },
            }))
        })
    })
    .await
    .unwrap()
}

pub(super) fn sum(rows: &[Vec<i64>], column: usize) -> i64 {
    rows.iter().map(|row| row[column]).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_counted_once_whatever_is_replayed() {
    each_engine(async |db| {
        let entries: Vec<Entry> = (1..=40).flat_map(|n| [start(n), end(n)]).collect();
        let first = batch(16, 900, entries.clone());
        assert_eq!(
            apply(&db, first.clone()).await,
            Outcome::Applied {
                ended: 40,
                budgets: Vec::new()
            }
        );
        let once = totals(&db).await;
        assert_eq!(sum(&once.minute, 4), 40, "successes");
        assert_eq!(sum(&once.quarter, 9), 40 * 60, "prompt tokens");
        assert_eq!(sum(&once.quarter, 13), 40 * 1_000, "cost");
        let latencies = once.latency.iter().filter(|row| row.3 == "latency");
        assert_eq!(latencies.map(|row| row.5).sum::<i64>(), 40);

        // The same batch: its commit was answered with silence.
        assert_eq!(apply(&db, first).await, Outcome::Stale(vec![(1, 900)]));
        // The same records by another way: a second drain, a replayed journal.
        let other = Batch {
            instance: "b".into(),
            ..batch(16, 900, entries)
        };
        assert_eq!(
            apply(&db, other).await,
            Outcome::Applied {
                ended: 0,
                budgets: Vec::new()
            }
        );
        assert_eq!(totals(&db).await, once);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_cut_into_batches_gives_the_same_totals() {
    each_engine(async |db| {
        let entries: Vec<Entry> = (1..=12)
            .map(start)
            .chain((1..=9).rev().map(end))
            .chain((10..=12).map(end))
            .collect();
        let mut seed = 7_u64;
        let mut expected: Option<Totals> = None;
        for _round in 0..4 {
            let mut at = 0;
            while at < entries.len() {
                // A fixed pseudo-random walk; now and then a piece is replayed.
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let size = 1 + usize::try_from(seed >> 60).unwrap() % 6;
                let piece = entries[at..entries.len().min(at + size)].to_vec();
                let unplaced = Batch {
                    positions: Vec::new(),
                    ..batch(0, 0, piece)
                };
                if seed >> 63 == 1 {
                    apply(&db, unplaced.clone()).await;
                }
                apply(&db, unplaced).await;
                at += size;
            }
            let found = totals(&db).await;
            assert_eq!(sum(&found.minute, 4), 12);
            assert!(found.rows.iter().all(|row| row.1 == "success"));
            if let Some(expected) = &expected {
                assert_eq!(&found, expected);
            }
            expected = Some(found);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pending_row_shows_until_it_ends_and_never_comes_back() {
    each_engine(async |db| {
        apply(&db, batch(16, 20, vec![start(1)])).await;
        assert_eq!(totals(&db).await.rows, [(1, "pending".to_owned(), 1)]);
        assert_eq!(totals(&db).await.minute, Vec::<Vec<i64>>::new());
        apply(&db, batch(20, 30, vec![end(1)])).await;
        apply(&db, batch(30, 40, vec![start(1)])).await;
        let died = RequestRecord {
            status: Status::Error,
            fault_owner: FaultOwner::Gateway,
            ..record(1)
        };
        apply(
            &db,
            batch(40, 50, vec![Entry::Ended(Arc::new(died), Vec::new())]),
        )
        .await;
        let found = totals(&db).await;
        assert_eq!(found.rows, [(1, "success".to_owned(), 1)]);
        assert_eq!((sum(&found.minute, 4), sum(&found.minute, 5)), (1, 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_refusals_share_a_row_and_are_all_counted() {
    each_engine(async |db| {
        let row = Entry::Ended(Arc::new(refused(1)), Vec::new());
        let again = |count| Entry::Again {
            of: RequestId(1),
            count,
        };
        apply(&db, batch(16, 20, vec![row, again(1), again(1)])).await;
        let second = batch(20, 30, vec![again(3)]);
        apply(&db, second.clone()).await;
        apply(&db, second).await;
        let found = totals(&db).await;
        assert_eq!(found.rows, [(1, "rate_limited".to_owned(), 6)]);
        assert_eq!((sum(&found.minute, 7), sum(&found.quarter, 7)), (6, 6));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attempts_and_odd_values_are_kept_within_bounds() {
    each_engine(async |db| {
        let attempt = |number| AttemptRecord {
            number,
            upstream_status: 503,
            ..AttemptRecord::default()
        };
        let odd = RequestRecord {
            requested_model: "nul\0here".into(),
            usage: Usage {
                prompt: i64::MAX,
                completion: -5,
                ..Usage::default()
            },
            cost_nanos: Some(i64::MAX),
            ..ended(1)
        };
        let attempts = vec![attempt(1), attempt(2), attempt(2)];
        for n in 1..=3 {
            let odd = RequestRecord {
                id: RequestId(n),
                ..odd.clone()
            };
            let entry = Entry::Ended(Arc::new(odd), attempts.clone());
            let batch = batch(10 + n.unsigned_abs(), 11 + n.unsigned_abs(), vec![entry]);
            assert_eq!(
                apply(&db, batch).await,
                Outcome::Applied {
                    ended: 1,
                    budgets: Vec::new()
                }
            );
        }
        let (count, prompt): (i64, i64) = db
            .read(|c| {
                Box::pin(async move {
                    db!(c, |c| Ok::<_, StoreError>((
                        request_attempts::table.count().get_result(c).await?,
                        request_logs::table
                            .select(request_logs::prompt_tokens)
                            .first(c)
                            .await?,
                    )))
                })
            })
            .await
            .unwrap();
        assert_eq!((count, prompt), (6, 1 << 40));
        assert_eq!(sum(&totals(&db).await.quarter, 9), 3 << 40);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn positions_are_remembered_and_forgotten() {
    each_engine(async |db| {
        apply(&db, batch(16, 99, Vec::new())).await;
        let stands = |instance: &'static str| {
            let db = db.clone();
            async move {
                db.read(move |c| Box::pin(async move { positions(c, instance).await }))
                    .await
                    .unwrap()
            }
        };
        assert_eq!(stands("a").await, [(1, 99)]);
        assert_eq!(stands("b").await, []);
        db.write(|c| Box::pin(async move { forget(c, "a", &[1]).await }))
            .await
            .unwrap();
        assert_eq!(stands("a").await, []);
    })
    .await;
}
