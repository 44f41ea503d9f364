//! The request log and the roll-ups, as the drain writes them.

use modelgate_domain::{
    ApiKeyId, AttemptRecord, Currency, FaultOwner, ModelId, ProviderId, ProviderKeyId, RequestId,
    RequestRecord, Status, Usage,
};
use modelgate_store::drain::{Batch, Entry, Outcome};
use modelgate_store::request_logs::{LogFilter, States};
use modelgate_store::usage::{Dimension, QUARTER_MS, UsageFilter};
use modelgate_store::{Db, drain, latency, request_logs, usage};

use crate::support::{each_engine, read, write};

const START: i64 = 1_999_999 * QUARTER_MS;

/// Request number `n`, one a minute; every fifth by another key, every tenth an error, unpriced.
fn record(n: i64) -> RequestRecord {
    let started_ms = START + n * 60_000;
    let failed = n % 10 == 0;
    RequestRecord {
        id: RequestId(RequestId::lower_bound(started_ms).0 + 1),
        api_key_id: ApiKeyId(if n % 5 == 0 { 2 } else { 1 }),
        repeats: 1,
        endpoint: "chat_completions".to_owned(),
        dialect: "openai".to_owned(),
        requested_model: "gpt-x".to_owned(),
        model_id: ModelId(3),
        provider_id: ProviderId(4),
        provider_key_id: ProviderKeyId(5),
        attempts: 2,
        status: if failed {
            Status::Error
        } else {
            Status::Success
        },
        fault_owner: if failed {
            FaultOwner::Caller
        } else {
            FaultOwner::None
        },
        http_status: 200,
        started_ms,
        finished_ms: started_ms + n,
        ttft_ms: Some(n / 2),
        latency_ms: Some(n),
        usage: Usage {
            prompt: 10,
            cached: 5,
            completion: 20,
            ..Usage::default()
        },
        cost_nanos: (!failed).then_some(100),
        currency: if failed {
            Currency::unpriced()
        } else {
            Currency::parse(if n % 2 == 0 { "CNY" } else { "USD" }).unwrap()
        },
        ..RequestRecord::default()
    }
}

fn attempt(number: i64) -> AttemptRecord {
    AttemptRecord {
        number,
        provider_id: ProviderId(4),
        error_code: "upstream_500".to_owned(),
        upstream_status: 500,
        duration_ms: 7,
        ..AttemptRecord::default()
    }
}

async fn fill(db: &Db, count: i64) {
    let entries = (1..=count)
        .map(|n| Entry::Ended(std::sync::Arc::new(record(n)), vec![attempt(1), attempt(2)]))
        .collect();
    let batch = Batch {
        entries,
        ..Batch::default()
    };
    let outcome = write!(db, |c| drain::apply(c, &batch, chrono_tz::UTC)).unwrap();
    assert_eq!(
        outcome,
        Outcome::Applied {
            ended: usize::try_from(count).unwrap(),
            budgets: Vec::new(),
        }
    );
}

async fn ids(db: &Db, filter: LogFilter) -> (Vec<i64>, bool) {
    let page = read!(db, |c| request_logs::list(c, &filter));
    let number = |r: &request_logs::LogRow| (r.record.started_ms - START) / 60_000;
    (page.rows.iter().map(number).collect(), page.more)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_pages_by_cursor_and_filters_add_up() {
    each_engine(async |db| {
        fill(&db, 60).await;
        let (first, more) = ids(&db, LogFilter::default()).await;
        assert_eq!((first.len(), first[0], first[49], more), (50, 60, 11, true));
        let before = Some(record(11).id);
        let (rest, more) = ids(
            &db,
            LogFilter {
                before,
                ..LogFilter::default()
            },
        )
        .await;
        assert_eq!((rest, more), ((1..=10).rev().collect(), false));

        let of_key = LogFilter {
            api_key_id: Some(ApiKeyId(2)),
            ..LogFilter::default()
        };
        assert_eq!(ids(&db, of_key.clone()).await.0.len(), 12);
        let failed = LogFilter {
            states: States::One(Status::Error),
            ..of_key.clone()
        };
        assert_eq!(ids(&db, failed.clone()).await.0, [60, 50, 40, 30, 20, 10]);
        let range = LogFilter {
            from_ms: Some(START + 20 * 60_000),
            to_ms: Some(START + 40 * 60_000),
            ..failed
        };
        assert_eq!(ids(&db, range.clone()).await.0, [30, 20]);
        let nothing = LogFilter {
            provider_id: Some(ProviderId(9)),
            ..range.clone()
        };
        assert!(ids(&db, nothing).await.0.is_empty());
        let other_model = LogFilter {
            model_id: Some(ModelId(9)),
            ..range
        };
        assert!(ids(&db, other_model).await.0.is_empty());
        let (few, more) = ids(&db, LogFilter { limit: 2, ..of_key }).await;
        assert_eq!((few, more), (vec![60, 55], true));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_follows_the_order_of_arrival() {
    each_engine(async |db| {
        fill(&db, 5).await;
        let last = read!(db, |c| request_logs::last_seq(c));
        assert_eq!(last, 5);
        let tail = LogFilter {
            after_seq: Some(3),
            ..LogFilter::default()
        };
        let page = read!(db, |c| request_logs::list(c, &tail));
        assert_eq!(page.rows.iter().map(|r| r.seq).collect::<Vec<_>>(), [4, 5]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_request_is_kept_whole() {
    each_engine(async |db| {
        fill(&db, 3).await;
        let (row, attempts) = read!(db, |c| request_logs::find(c, record(2).id)).unwrap();
        assert_eq!(row.record, record(2));
        assert_eq!(attempts, [attempt(1), attempt(2)]);
        assert_eq!(read!(db, |c| request_logs::find(c, RequestId(1))), None);
        let slow = read!(db, |c| request_logs::slow(c, 2, START, 10));
        assert_eq!(
            slow.iter().map(|r| r.record.latency_ms).collect::<Vec<_>>(),
            [Some(3), Some(2)]
        );
    })
    .await;
}

fn all() -> UsageFilter {
    UsageFilter {
        from_ms: START,
        to_ms: START + 8 * QUARTER_MS,
        ..UsageFilter::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn totals_come_from_roll_ups_and_currencies_stay_apart() {
    each_engine(async |db| {
        fill(&db, 60).await;
        let totals = read!(db, |c| usage::totals(c, &all()));
        assert_eq!(
            (totals.requests(), totals.success, totals.error),
            (60, 54, 6)
        );
        assert_eq!((totals.error_caller, totals.unpriced), (6, 6));
        assert_eq!(totals.error_rate(), (0, 54));
        assert_eq!((totals.prompt_tokens, totals.tokens()), (600, 60 * 35));
        assert_eq!(totals.latency_mean_ms(), Some((1830 - 210) / 54));
        let cost: Vec<(&str, i64)> = totals
            .cost_nanos
            .iter()
            .map(|(c, n)| (c.as_str(), *n))
            .collect();
        assert_eq!(cost, [("CNY", 2400), ("USD", 3000)]);
        let one_key = UsageFilter {
            api_key_id: Some(ApiKeyId(2)),
            ..all()
        };
        assert_eq!(read!(db, |c| usage::totals(c, &one_key)).requests(), 12);
        let other = UsageFilter {
            model_id: Some(ModelId(9)),
            ..all()
        };
        assert_eq!(
            read!(db, |c| usage::totals(c, &other)),
            usage::Totals::default()
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn series_and_tops_split_the_totals() {
    each_engine(async |db| {
        fill(&db, 60).await;
        let edges: Vec<i64> = [0, 1, 2, 4, 8]
            .iter()
            .map(|n| START + n * QUARTER_MS)
            .collect();
        let series = read!(db, |c| usage::series(c, &all(), &edges));
        let counts: Vec<i64> = series.iter().map(usage::Totals::requests).collect();
        assert_eq!(counts, [14, 15, 30, 1]);
        assert_eq!(read!(db, |c| usage::series(c, &all(), &[])), []);

        let by_key = read!(db, |c| usage::top(c, &all(), Dimension::ApiKey, 10));
        let counts: Vec<(i64, i64)> = by_key.iter().map(|(id, t)| (*id, t.requests())).collect();
        assert_eq!(counts, [(1, 48), (2, 12)]);
        for (dimension, id) in [
            (Dimension::Model, 3),
            (Dimension::Provider, 4),
            (Dimension::ProviderKey, 5),
        ] {
            let top = read!(db, |c| usage::top(c, &all(), dimension, 1));
            assert_eq!((top[0].0, top[0].1.requests()), (id, 60));
        }
    })
    .await;
}

/// Whole days around everything, which is then read from the sums of days.
fn whole() -> UsageFilter {
    let day = 86_400_000;
    let first = START.div_euclid(day) * day;
    UsageFilter::between(first - day, first + 2 * day, chrono_tz::UTC)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cube_says_the_same_in_every_split_from_quarters_and_from_days() {
    each_engine(async |db| {
        fill(&db, 60).await;
        let cube = read!(db, |c| usage::cube(c, &all()));
        let totals = read!(db, |c| usage::totals(c, &all()));
        assert_eq!(cube.totals(), totals);
        for dimension in [Dimension::ApiKey, Dimension::Model, Dimension::Provider] {
            let mut sum = usage::Totals::default();
            for (_, part) in cube.by(dimension) {
                sum.add(&part);
            }
            assert_eq!(sum, totals, "{dimension:?}");
        }
        let of_key = cube.within(Dimension::ApiKey, 1, Dimension::Model);
        assert_eq!((of_key[0].0, of_key[0].1.requests()), (3, 48));

        assert!(whole().days.is_some());
        assert_eq!(read!(db, |c| usage::cube(c, &whole())), cube);
        assert_eq!(read!(db, |c| usage::totals(c, &whole())), totals);
        let edges = [
            whole().from_ms,
            whole().days.unwrap().1 - 86_400_000,
            whole().to_ms,
        ];
        let series = read!(db, |c| usage::series(c, &whole(), &edges));
        assert_eq!(
            (series[0].clone(), series[1].requests()),
            (totals.clone(), 0)
        );
        // The same range a quarter of an hour longer is days and quarters together.
        let longer = UsageFilter {
            to_ms: whole().to_ms + QUARTER_MS,
            ..whole()
        };
        assert_eq!(read!(db, |c| usage::totals(c, &longer)), totals);
        let from = START.div_euclid(60_000) * 60_000;
        let minutes = read!(db, |c| usage::minutes(c, from, from + 7_200_000));
        assert_eq!(minutes.totals(), totals);
        let by_model = read!(db, |c| usage::quarters_by_model(c, &all()));
        assert_eq!(
            by_model.iter().map(|(_, _, t)| t.requests()).sum::<i64>(),
            60
        );
        assert_eq!(
            read!(db, |c| latency::spreads(c, &whole())),
            read!(db, |c| latency::spreads(c, &all()))
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn percentiles_come_from_buckets() {
    each_engine(async |db| {
        fill(&db, 60).await;
        let latency = read!(db, |c| latency::distribution(
            c,
            &all(),
            latency::Measure::Latency
        ));
        assert_eq!((latency.count, latency.min_ms, latency.max_ms), (54, 1, 59));
        assert_eq!(latency.percentile(1000), Some(59));
        let median = latency.percentile(500).unwrap();
        assert!((29..=31).contains(&median), "{median}");
        let first = read!(db, |c| latency::distribution(
            c,
            &all(),
            latency::Measure::Ttft
        ));
        assert_eq!((first.count, first.max_ms), (60, 30));
        let nobody = UsageFilter {
            api_key_id: Some(ApiKeyId(9)),
            ..all()
        };
        let none = read!(db, |c| latency::distribution(
            c,
            &nobody,
            latency::Measure::Latency
        ));
        assert_eq!(none.percentile(500), None);
    })
    .await;
}
