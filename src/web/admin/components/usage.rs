//! How much of limits is used at this moment.

use modelgate_domain::money::format_nanos;
use modelgate_domain::{ApiKeyId, Currency, Limit, LimitKind, ModelId};

use super::summary;
use crate::admission::{Admission, price_at};
use crate::catalog::{Catalog, Model};
use crate::i18n::{ToArg, format};
use crate::web::shell::{Moment, Shell};
use crate::web::svg;

/// Models that a sentence names at most.
const MOST_NAMED: usize = 5;

/// How much of some limits is used, as the page shows it.
#[derive(Clone)]
pub(in crate::web) struct Usage {
    pub(in crate::web) lines: Vec<Line>,
    /// Whether this is what this instance uses alone.
    pub(in crate::web) is_partial: bool,
    /// A sentence for each budget that does not count the calls of some models.
    pub(in crate::web) uncounted: Vec<String>,
}

/// One limit.
#[derive(Clone)]
pub(in crate::web) struct Line {
    /// The limit in words.
    pub(in crate::web) what: String,
    pub(in crate::web) used: String,
    pub(in crate::web) limit: String,
    /// What is not used of it.
    pub(in crate::web) left: String,
    /// How wide the bar is, percent.
    pub(in crate::web) width: String,
    pub(in crate::web) colour: &'static str,
    /// When all of it is free again; nothing where that is not known, or all of it is.
    pub(in crate::web) reset: Option<Moment>,
}

/// The limits with what is used of them; `model` says what a model is called.
pub(in crate::web) async fn of(
    page: &Shell,
    admission: &Admission,
    limits: &[Limit],
    model: &dyn Fn(ModelId) -> String,
) -> Usage {
    let all: Vec<&Limit> = limits.iter().collect();
    let used = admission.used_by_all(&all, page.now_ms).await;
    let line = |(limit, used): (&Limit, i64)| {
        let reset_ms = match limit.period {
            Some(period) => period.bounds(page.business, page.now_ms).end_ms,
            None => Some(admission.reset_ms(limit, page.now_ms))
                .filter(|wait| *wait > 0)
                .map(|wait| page.now_ms.saturating_add(wait)),
        };
        Line {
            what: summary::of_limit(page.lang, limit, model),
            used: amount(limit, used),
            limit: amount(limit, limit.amount),
            left: amount(limit, limit.amount.saturating_sub(used).max(0)),
            width: svg::share(used.min(limit.amount), limit.amount),
            colour: match used {
                used if used >= limit.amount => "red",
                used if used >= limit.amount.saturating_sub(limit.amount / 5) => "amber",
                _ => "green",
            },
            reset: reset_ms.map(|at| page.moment(at)),
        }
    };
    Usage {
        lines: limits.iter().zip(used).map(line).collect(),
        is_partial: !admission.knows_all(),
        uncounted: Vec::new(),
    }
}

/// A sentence for each budget of a key in another currency than models are priced in that the key may use.
pub(in crate::web) fn uncounted(
    page: &Shell,
    catalog: &Catalog,
    key: ApiKeyId,
    limits: &[Limit],
) -> Vec<String> {
    let Some(key) = catalog.keys.values().find(|known| known.id == key) else {
        return Vec::new();
    };
    let told = |limit: &Limit| {
        let models = catalog.models.values();
        let meant = models.filter(|model| {
            (limit.model_id.is_none() || limit.model_id == model.id) && key.may_use(model, None)
        });
        let other = meant.filter(|model| is_priced_otherwise(model, &limit.currency, page.now_ms));
        let mut names: Vec<&str> = other.map(|model| &*model.name).collect();
        names.sort_unstable();
        names.truncate(MOST_NAMED);
        let (currency, models) = (limit.currency.as_str(), names.join(", "));
        let args: [(&str, &dyn ToArg); 2] = [("currency", &currency), ("models", &models)];
        (!models.is_empty()).then(|| page.t_with("rules-usage-uncounted", &args))
    };
    let budgets = limits
        .iter()
        .filter(|limit| limit.kind == LimitKind::Budget);
    budgets.filter_map(told).collect()
}

fn is_priced_otherwise(model: &Model, currency: &Currency, now_ms: i64) -> bool {
    let prices = model.targets.iter();
    let mut prices = prices
        .filter_map(|target| price_at(model, target, now_ms))
        .peekable();
    prices.peek().is_some() && prices.all(|price| price.currency != *currency)
}

fn amount(limit: &Limit, value: i64) -> String {
    match limit.kind {
        LimitKind::Budget => format!("{} {}", limit.currency, format_nanos(value)),
        _ => format::integer(value),
    }
}
