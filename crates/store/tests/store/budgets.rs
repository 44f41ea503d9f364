//! What is spent of budgets: whenever they are set, and however records arrive, the rows say what the records say.

use chrono_tz::Asia::Shanghai;
use modelgate_domain::period::BudgetSum;
use modelgate_domain::{
    ApiKeyId, Currency, Limit, LimitKind, LimitMode, LimitScope, ModelId, Period, ProviderKeyId,
    RequestId, RequestRecord, Status,
};
use modelgate_store::drain::{Batch, Entry, Outcome};
use modelgate_store::{Db, budgets, drain, limits};

use crate::support::{each_engine, read, write};

/// Noon in Shanghai on a Wednesday in the middle of a month.
const NOON: i64 = 1_794_974_400_000;
const DAY: i64 = 86_400_000;

fn record(n: i64, started_ms: i64, currency: &str) -> RequestRecord {
    RequestRecord {
        id: RequestId(n),
        api_key_id: ApiKeyId(n % 2 + 1),
        model_id: ModelId(n % 3 + 1),
        provider_key_id: ProviderKeyId(5),
        repeats: 1,
        status: Status::Success,
        started_ms,
        cost_nanos: Some(n),
        currency: Currency::parse(currency).unwrap(),
        ..RequestRecord::default()
    }
}

fn budget(scope: LimitScope, scope_id: i64, period: Period) -> Limit {
    Limit {
        scope,
        scope_id,
        model_id: ModelId::NONE,
        kind: LimitKind::Budget,
        amount: 1,
        currency: Currency::parse("USD").unwrap(),
        period: Some(period),
        mode: LimitMode::Enforce,
    }
}

async fn set(db: &Db, wanted: Vec<Limit>) {
    let (scope, scope_id) = (wanted[0].scope, wanted[0].scope_id);
    write!(db, |c| limits::replace(c, scope, scope_id, &wanted)).unwrap();
}

async fn drained(db: &Db, records: Vec<RequestRecord>) -> Vec<i64> {
    let ended = |record: RequestRecord| Entry::Ended(record.into(), Vec::new());
    let batch = Batch {
        entries: records.into_iter().map(ended).collect(),
        ..Batch::default()
    };
    match write!(db, |c| drain::apply(c, &batch, Shanghai)).unwrap() {
        Outcome::Applied { budgets, .. } => sorted(&budgets),
        stale @ Outcome::Stale(_) => panic!("{stale:?}"),
    }
}

fn sorted(sums: &[BudgetSum]) -> Vec<i64> {
    let mut spent: Vec<i64> = sums.iter().map(|sum| sum.spent_nanos).collect();
    spent.sort_unstable();
    spent
}

async fn current(db: &Db) -> (Vec<i64>, usize) {
    let found = read!(db, |c| budgets::current(c, Shanghai, NOON));
    (sorted(&found.sums), found.missing)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_budget_counts_what_concerns_it_once() {
    each_engine(async |db| {
        let mut pair = budget(LimitScope::ApiKey, 1, Period::Day);
        pair.model_id = ModelId(3);
        set(&db, vec![budget(LimitScope::ApiKey, 1, Period::Day), pair]).await;
        set(&db, vec![budget(LimitScope::Model, 2, Period::Total)]).await;
        set(&db, vec![budget(LimitScope::ProviderKey, 5, Period::Week)]).await;
        assert_eq!(current(&db).await, (vec![0; 4], 4));
        let filled = write!(db, |c| budgets::fill(c, Shanghai, NOON)).unwrap();
        assert_eq!((filled, current(&db).await), (4, (vec![0; 4], 0)));
        // of 1 to 6 key 1 has the even ones, model 2 has 1 and 4, model 3 has 2 and 5; euros do not count
        let mut records: Vec<_> = (1..=6).map(|n| record(n, NOON, "USD")).collect();
        records.push(record(100, NOON, "EUR"));
        let spent = vec![2, 5, 12, 21];
        assert_eq!(drained(&db, records.clone()).await, spent);
        assert_eq!(current(&db).await, (spent.clone(), 0));
        assert_eq!(drained(&db, records).await, Vec::<i64>::new(), "replayed");
        assert_eq!(current(&db).await, (spent, 0));
        // yesterday was in the same week, a week ago was not
        let late = vec![
            record(1_000, NOON - DAY, "USD"),
            record(10_000, NOON - 7 * DAY, "USD"),
        ];
        drained(&db, late).await;
        // 1,000 and 10,000 are calls of model 2 by key 1
        assert_eq!(current(&db).await, (vec![2, 12, 1_021, 11_005], 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_that_is_set_later_or_put_back_counts_what_came_before() {
    each_engine(async |db| {
        drained(&db, (1..=6).map(|n| record(n, NOON, "USD")).collect()).await;
        let key = budget(LimitScope::ApiKey, 1, Period::Month);
        set(&db, vec![key.clone()]).await;
        assert_eq!(current(&db).await, (vec![12], 1));
        // the first record after it makes the row, from everything in the period
        assert_eq!(drained(&db, vec![record(8, NOON, "USD")]).await, [20]);
        assert_eq!(current(&db).await, (vec![20], 0));
        let mut tightened = key.clone();
        tightened.amount = 7;
        set(&db, vec![tightened]).await;
        assert_eq!(
            current(&db).await,
            (vec![20], 0),
            "an amount changes nothing else"
        );
        let mut other = key.clone();
        other.period = Some(Period::Day);
        set(&db, vec![other]).await;
        drained(&db, vec![record(10, NOON, "USD")]).await;
        set(&db, vec![key]).await;
        assert_eq!(current(&db).await.0, [30], "also what was spent in between");
    })
    .await;
}
