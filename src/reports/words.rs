//! The texts and figures of a report in its language and time zone.

use chrono_tz::Tz;
use modelgate_domain::Currency;
use modelgate_store::usage::Totals;

use crate::i18n::{self, Lang, ToArg, format};

/// The language and the time zone of a report.
#[derive(Clone, Copy, Debug)]
pub struct Words {
    /// The language.
    pub lang: Lang,
    /// The time zone.
    pub zone: Tz,
}

impl Words {
    /// The text of a key.
    pub fn t(&self, key: &str) -> String {
        i18n::t(self.lang, key)
    }

    /// The text of a key with its arguments.
    pub fn t_with(&self, key: &str, args: &[(&str, &dyn ToArg)]) -> String {
        i18n::t_with(self.lang, key, args)
    }

    /// The text of a key about a count, which is `$count` for the plural and `$value` to be read.
    pub fn tn(&self, key: &str, count: i64) -> String {
        self.t_with(key, &[("count", &count), ("value", &self.big(count))])
    }

    /// A count, in full as far as that can be read.
    pub fn big(&self, value: i64) -> String {
        format::compact_from(self.lang, value, 10_000_000)
    }

    /// A day.
    pub fn day(&self, ms: i64) -> String {
        format::field_date(ms, self.zone)
    }

    /// A moment, to the minute.
    pub fn moment(&self, ms: i64) -> String {
        format!(
            "{} {}",
            format::field_date(ms, self.zone),
            format::hour_minute(ms, self.zone)
        )
    }

    /// A duration; a dash for none.
    pub fn duration(&self, ms: Option<i64>) -> String {
        ms.map_or_else(|| "–".to_owned(), |ms| format::duration(self.lang, ms))
    }

    /// An amount, whose sign stays on its line.
    pub fn amount(&self, currency: &Currency, nanos: i64) -> String {
        format::money(currency, nanos).replace(' ', "\u{a0}")
    }

    /// What was spent, each currency for itself; a dash for nothing.
    pub fn money(&self, totals: &Totals) -> String {
        let costs = totals.cost_nanos.iter();
        let costs: Vec<String> = costs
            .map(|(currency, nanos)| self.amount(currency, *nanos))
            .collect();
        if costs.is_empty() {
            return "–".to_owned();
        }
        costs.join(" · ")
    }

    /// A name within a sentence.
    pub fn quoted(&self, name: &str) -> String {
        self.t_with("report-quoted", &[("name", &name)])
    }

    /// `+12 %` against before, as on the pages; empty where there was nothing, then and now.
    pub fn change(&self, now: i64, before: i64) -> String {
        format::change(self.lang, now, before)
    }
}
