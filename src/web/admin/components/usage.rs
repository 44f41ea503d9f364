//! How much of limits is used at this moment.

use modelgate_domain::money::format_nanos;
use modelgate_domain::{Limit, LimitKind, ModelId};

use super::summary;
use crate::admission::Admission;
use crate::i18n::format;
use crate::web::shell::{Moment, Shell};
use crate::web::svg;

/// One limit, as the page shows it.
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

/// Limits with what is used of them, from the counters that refuse calls.
pub(in crate::web) fn lines(
    page: &Shell,
    admission: &Admission,
    limits: &[Limit],
    model: &dyn Fn(ModelId) -> String,
) -> Vec<Line> {
    let line = |limit: &Limit| {
        let used = admission.used(limit, page.now_ms);
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
    limits.iter().map(line).collect()
}

fn amount(limit: &Limit, value: i64) -> String {
    match limit.kind {
        LimitKind::Budget => format!("{} {}", limit.currency, format_nanos(value)),
        _ => format::integer(value),
    }
}
