//! Filters of the request log: whatever they are, the rows and their number are those that fit, wherever they are kept.

use modelgate_domain::{FaultOwner, RequestId, RequestRecord, Status};
use modelgate_store::drain::{Batch, Entry};
use modelgate_store::request_logs::{self, LOOK, LogFilter, LogRow, States};
use modelgate_store::usage::QUARTER_MS;
use modelgate_store::{Db, StoreError, archive, drain, log_count};

use crate::support::{each_engine, read, write};

const START: i64 = 1_999_999 * QUARTER_MS;
const MINUTE: i64 = 60_000;

/// Request number `n`, one a minute, of every kind in turn.
fn record(n: i64) -> RequestRecord {
    let started_ms = START + n * MINUTE;
    let (status, fault_owner, error_code, http_status, upstream_status) = match n % 8 {
        0 => (Status::Error, FaultOwner::Caller, "bad_request", 400, 0),
        1 => (
            Status::Error,
            FaultOwner::Upstream,
            "upstream_error",
            502,
            503,
        ),
        2 => (Status::Timeout, FaultOwner::Upstream, "timeout", 504, 0),
        3 => (Status::RateLimited, FaultOwner::Policy, "limit", 429, 0),
        4 => (Status::Cancelled, FaultOwner::Caller, "left", 0, 200),
        5 => (Status::Error, FaultOwner::Gateway, "internal", 500, 0),
        _ => (Status::Success, FaultOwner::None, "", 200, 200),
    };
    RequestRecord {
        id: RequestId(RequestId::lower_bound(started_ms).0 + 1),
        api_key_id: (n % 3).into(),
        model_id: (n % 2 + 1).into(),
        provider_id: (n % 5).into(),
        provider_key_id: (n % 4).into(),
        upstream_model: format!("up/{}", n % 3),
        repeats: if status == Status::RateLimited { 7 } else { 1 },
        status,
        fault_owner,
        error_code: error_code.to_owned(),
        http_status,
        upstream_status,
        started_ms,
        finished_ms: started_ms + 1,
        ..RequestRecord::default()
    }
}

async fn fill(db: &Db, records: Vec<RequestRecord>) {
    for chunk in records.chunks(1_000) {
        let entries = chunk.iter().map(|record| {
            let record = std::sync::Arc::new(record.clone());
            match record.status {
                Status::Pending => Entry::Started(record),
                _ => Entry::Ended(record, Vec::new()),
            }
        });
        let batch = Batch {
            entries: entries.collect(),
            ..Batch::default()
        };
        write!(db, |c| drain::apply(c, &batch, chrono_tz::UTC)).unwrap();
    }
}

/// What a filter means, said once more and simply.
fn fits(filter: &LogFilter, record: &RequestRecord) -> bool {
    let by_vendor = !matches!(record.fault_owner, FaultOwner::Caller | FaultOwner::Policy);
    let failed = matches!(record.status, Status::Error | Status::Timeout);
    let state = match filter.states {
        States::All => true,
        States::One(status) => record.status == status,
        States::Ended => record.status != Status::Pending,
        States::Failed => failed,
        States::Wrong => failed && (by_vendor || record.status == Status::Timeout),
        States::Unanswered => failed || record.status == Status::RateLimited,
    };
    state
        && filter.api_key_id.is_none_or(|id| id == record.api_key_id)
        && filter.model_id.is_none_or(|id| id == record.model_id)
        && filter.provider_id.is_none_or(|id| id == record.provider_id)
        && filter
            .provider_key_id
            .is_none_or(|id| id == record.provider_key_id)
        && filter
            .fault_owner
            .is_none_or(|owner| owner == record.fault_owner)
        && filter
            .error_code
            .as_ref()
            .is_none_or(|code| *code == record.error_code)
        && filter
            .upstream_model
            .as_ref()
            .is_none_or(|name| *name == record.upstream_model)
        && filter
            .http_status
            .is_none_or(|status| status == record.http_status)
        && filter
            .upstream_status
            .is_none_or(|status| status == record.upstream_status)
        && filter.from_ms.is_none_or(|from| record.started_ms >= from)
        && filter.to_ms.is_none_or(|to| record.started_ms < to)
}

/// Conditions alone, and some together.
fn conditions() -> Vec<LogFilter> {
    let none = LogFilter::default;
    vec![
        none(),
        LogFilter {
            api_key_id: Some(1.into()),
            ..none()
        },
        LogFilter {
            model_id: Some(2.into()),
            ..none()
        },
        LogFilter {
            provider_id: Some(3.into()),
            ..none()
        },
        LogFilter {
            provider_key_id: Some(2.into()),
            ..none()
        },
        LogFilter {
            upstream_model: Some("up/1".to_owned()),
            ..none()
        },
        LogFilter {
            fault_owner: Some(FaultOwner::Upstream),
            ..none()
        },
        LogFilter {
            error_code: Some("internal".to_owned()),
            ..none()
        },
        LogFilter {
            http_status: Some(429),
            ..none()
        },
        LogFilter {
            http_status: Some(200),
            ..none()
        },
        LogFilter {
            upstream_status: Some(503),
            ..none()
        },
        LogFilter {
            upstream_status: Some(200),
            api_key_id: Some(2.into()),
            ..none()
        },
        LogFilter {
            fault_owner: Some(FaultOwner::Caller),
            provider_key_id: Some(0.into()),
            ..none()
        },
        LogFilter {
            error_code: Some("nothing of the kind".to_owned()),
            ..none()
        },
    ]
}

/// Every condition with every state and time.
fn filters() -> Vec<LogFilter> {
    let mut states = vec![
        States::All,
        States::Ended,
        States::Failed,
        States::Wrong,
        States::Unanswered,
    ];
    states.extend(Status::ALL.iter().map(|status| States::One(*status)));
    let times = [
        (None, None),
        (Some(START + 17 * MINUTE), Some(START + 99 * MINUTE)),
        (Some(START + QUARTER_MS), None),
    ];
    let mut all = Vec::new();
    for condition in &conditions() {
        for states in &states {
            for (from_ms, to_ms) in times {
                all.push(LogFilter {
                    states: *states,
                    from_ms,
                    to_ms,
                    limit: 11,
                    ..condition.clone()
                });
            }
        }
    }
    all
}

async fn all_of(db: &Db, filter: &LogFilter) -> Vec<LogRow> {
    let (mut rows, mut filter) = (Vec::new(), filter.clone());
    loop {
        let asked = filter.clone();
        let found = read!(db, |c| request_logs::look(c, &asked));
        let last = found.rows.last().map(|row| row.record.id);
        rows.extend(found.rows);
        filter.before = match (found.more, found.looked_to) {
            (true, _) => last,
            (false, Some(to)) => Some(to),
            (false, None) => return rows,
        };
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_and_their_number_are_those_that_fit() {
    each_engine(async |db| {
        let mut records: Vec<_> = (0..120).map(record).collect();
        let running = RequestRecord {
            status: Status::Pending,
            fault_owner: FaultOwner::None,
            ..record(121)
        };
        records.push(RequestRecord {
            error_code: String::new(),
            http_status: 0,
            upstream_status: 0,
            ..running
        });
        fill(&db, records.clone()).await;
        let moved = write!(db, |c| archive::batch(c, START + 60 * MINUTE, 500))
            .unwrap_or_else(|e: StoreError| panic!("{e}"));
        assert!(moved > 50);
        let now = (START + 122 * MINUTE, chrono_tz::UTC);
        for filter in filters() {
            let fitting: Vec<_> = records
                .iter()
                .rev()
                .filter(|record| fits(&filter, record))
                .collect();
            let rows = all_of(&db, &filter).await;
            let ids: Vec<_> = rows.iter().map(|row| row.record.id).collect();
            assert_eq!(
                ids,
                fitting.iter().map(|r| r.id).collect::<Vec<_>>(),
                "{filter:?}"
            );
            let asked = LogFilter {
                limit: 500,
                ..filter.clone()
            };
            assert_eq!(
                read!(db, |c| request_logs::list(c, &asked)).rows,
                rows,
                "{filter:?}"
            );
            let asked = filter.clone();
            let counted = read!(db, |c| log_count::count(c, &asked, now));
            let requests: i64 = fitting.iter().map(|record| record.repeats).sum();
            assert_eq!(
                (counted.requests, counted.is_more),
                (requests, false),
                "{filter:?}"
            );
        }
        let values = read!(db, |c| request_logs::values(c));
        assert_eq!(
            values.error_codes,
            [
                "bad_request",
                "internal",
                "left",
                "limit",
                "timeout",
                "upstream_error"
            ]
        );
        assert_eq!(values.upstream_models, ["up/0", "up/1", "up/2"]);
        assert_eq!(values.http_statuses, ["400", "429", "500", "502", "504"]);
        assert_eq!(values.upstream_statuses, ["200", "503"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_ends_in_time_and_goes_on_from_there() {
    each_engine(async |db| {
        let of = |n: i64| RequestRecord {
            id: RequestId(RequestId::lower_bound(START).0 + 1 + n),
            api_key_id: if n < LOOK + 5 { 1 } else { 2 }.into(),
            model_id: if n > 2 && n < LOOK + 5 { 3 } else { 4 }.into(),
            repeats: 1,
            status: Status::Success,
            started_ms: START,
            finished_ms: START,
            ..RequestRecord::default()
        };
        // Key 1 has called model 4 three times, long ago; since then both have many rows, never together.
        fill(&db, (0..2 * LOOK + 10).map(of).collect()).await;
        let both = LogFilter {
            api_key_id: Some(1.into()),
            model_id: Some(4.into()),
            ..LogFilter::default()
        };
        let asked = both.clone();
        let first = read!(db, |c| request_logs::look(c, &asked));
        assert!(first.rows.is_empty() && !first.more, "{first:?}");
        assert!(
            first.looked_to.is_some(),
            "more may be there, and it is said"
        );
        assert_eq!(all_of(&db, &both).await.len(), 3);
        let one = LogFilter {
            api_key_id: Some(1.into()),
            ..LogFilter::default()
        };
        let found = read!(db, |c| request_logs::look(c, &one));
        assert_eq!(
            (found.rows.len(), found.more, found.looked_to),
            (50, true, None)
        );
    })
    .await;
}
