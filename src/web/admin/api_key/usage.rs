//! How much of a key's limits is used at this moment.

use modelgate_domain::money::format_nanos;
use modelgate_domain::{Limit, LimitKind};

use crate::admission::Admission;
use crate::i18n::format;
use crate::web::admin::api_keys::form::Choices;
use crate::web::admin::components::summary;
use crate::web::shell::{Moment, Shell};
use crate::web::svg;

/// One limit, as the page shows it.
pub(super) struct Line {
    /// The limit in words.
    pub(super) what: String,
    pub(super) used: String,
    pub(super) limit: String,
    /// How wide the bar is, percent.
    pub(super) width: String,
    pub(super) colour: &'static str,
    /// When all of it is free again; nothing where that is not known, or all of it is.
    pub(super) reset: Option<Moment>,
}

/// The limits of a key with what is used of them here.
pub(super) fn lines(
    page: &Shell,
    admission: &Admission,
    limits: &[Limit],
    choices: &Choices,
) -> Vec<Line> {
    let line = |limit: &Limit| {
        let used = admission.used(limit, page.now_ms);
        let reset_ms = match limit.period {
            Some(period) => period.bounds(page.zone, page.now_ms).end_ms,
            None => Some(admission.reset_ms(limit, page.now_ms))
                .filter(|wait| *wait > 0)
                .map(|wait| page.now_ms.saturating_add(wait)),
        };
        Line {
            what: summary::of_limit(page.lang, limit, &|id| choices.model_name(id)),
            used: amount(limit, used),
            limit: amount(limit, limit.amount),
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
