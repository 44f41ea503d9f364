//! The filters and columns as they stand in the address.

use std::collections::BTreeMap;

use chrono::{NaiveDateTime, TimeZone};
use chrono_tz::Tz;
use modelgate_domain::{FaultOwner, RequestId, Status};
use modelgate_store::request_logs::{LogFilter, States};
use serde::Deserialize;

use super::columns::Column;
use crate::web::encode_query;
use crate::web::shell::Shell;

/// Rows of one page.
const ROWS: i64 = 50;
const PATH: &str = "/admin/logs";
/// The address of everything: the bare path opens the view that somebody chose.
pub(super) const EVERYTHING: &str = "/admin/logs?view=all";

/// Several states under one name; `admin-logs-` and it is the key of its text.
const STATES: [(&str, States); 4] = [
    ("ended", States::Ended),
    ("failed", States::Failed),
    ("wrong", States::Wrong),
    ("unanswered", States::Unanswered),
];

/// How far back, by name, with the time in milliseconds.
const RANGES: [(&str, i64); 4] = [
    ("1h", 3_600_000),
    ("24h", 86_400_000),
    ("7d", 7 * 86_400_000),
    ("30d", 30 * 86_400_000),
];

/// A query string as it came.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub(in crate::web) struct Pairs(Vec<(String, String)>);

impl Pairs {
    /// The first value of a name; empty where there is none.
    pub(super) fn value(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(n, _)| n == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    /// Whether nothing at all is asked for.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What is asked for. What does not parse filters nothing, so that an old link still opens.
#[derive(Clone, Debug, Default)]
pub(in crate::web) struct Query {
    /// Name and value of every filter that is set.
    filters: Vec<(&'static str, String)>,
    /// None are the usual ones.
    chosen: Vec<Column>,
    pub(super) before: Option<RequestId>,
    /// Whether the page follows what happens.
    pub(super) is_live: bool,
}

/// An option of a filter.
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) text: String,
    pub(super) is_chosen: bool,
}

const FILTERS: [&str; 14] = [
    "q",
    "status",
    "model",
    "key",
    "provider",
    "range",
    "from",
    "to",
    "fault",
    "code",
    "credential",
    "upstream",
    "http",
    "vendor-http",
];

/// The filters that most who look have no need of.
pub(super) const FURTHER: [&str; 6] = [
    "fault",
    "code",
    "credential",
    "upstream",
    "http",
    "vendor-http",
];

impl From<&Pairs> for Query {
    fn from(pairs: &Pairs) -> Self {
        let value = |name: &str| pairs.value(name);
        let filters = FILTERS.into_iter();
        let filters = filters.map(|name| (name, value(name).to_owned()));
        let chosen = pairs.0.iter().filter(|(name, _)| name == "column");
        let chosen: Vec<_> = chosen.filter_map(|(_, c)| Column::parse(c)).collect();
        let mut chosen: Vec<_> = Column::ALL
            .into_iter()
            .filter(|column| chosen.contains(column))
            .collect();
        if chosen == Column::usual() {
            chosen.clear();
        }
        Self {
            filters: filters.filter(|(_, value)| !value.is_empty()).collect(),
            chosen,
            before: value("before").parse().ok(),
            is_live: value("live") == "1",
        }
    }
}

impl Query {
    /// Of a query string that was kept.
    pub(super) fn parse(text: &str) -> Self {
        let pairs = actix_web::web::Query::<Pairs>::from_query(text);
        pairs.map_or_else(|_| Self::default(), |pairs| Self::from(&*pairs))
    }

    /// The request somebody looks for by its id.
    pub(super) fn sought_id(&self) -> Option<RequestId> {
        self.value("q").parse().ok()
    }

    /// What a field shows.
    pub(super) fn value(&self, name: &str) -> &str {
        let found = self.filters.iter().find(|(n, _)| *n == name);
        found.map_or("", |(_, value)| value)
    }

    /// What the rows show.
    pub(super) fn columns(&self) -> Vec<Column> {
        if self.chosen.is_empty() {
            Column::usual()
        } else {
            self.chosen.clone()
        }
    }

    /// For the store; local times are in the reader's time zone.
    pub(super) fn filter(&self, zone: Tz, now_ms: i64) -> LogFilter {
        let id = |name: &str| self.value(name).parse::<i64>().ok();
        let text = |name: &str| Some(self.value(name).to_owned()).filter(|text| !text.is_empty());
        let back = RANGES.iter().find(|(name, _)| *name == self.value("range"));
        let back = back.map(|(_, ms)| now_ms.saturating_sub(*ms));
        LogFilter {
            api_key_id: id("key").map(Into::into),
            model_id: id("model").map(Into::into),
            provider_id: id("provider").map(Into::into),
            provider_key_id: id("credential").map(Into::into),
            upstream_model: text("upstream"),
            states: self.states(),
            fault_owner: self.value("fault").parse::<FaultOwner>().ok(),
            error_code: text("code"),
            http_status: id("http"),
            upstream_status: id("vendor-http"),
            from_ms: local_ms(self.value("from"), zone).or(back),
            to_ms: local_ms(self.value("to"), zone).filter(|_| !self.is_live),
            before: self.before.filter(|_| !self.is_live),
            after_seq: None,
            limit: ROWS,
        }
    }

    /// The states that are asked for by name.
    fn states(&self) -> States {
        let asked = self.value("status");
        let several = STATES.iter().find(|(name, _)| *name == asked);
        match (several, asked.parse::<Status>()) {
            (Some((_, states)), _) => *states,
            (None, Ok(status)) => States::One(status),
            (None, Err(_)) => States::All,
        }
    }

    /// Whether a filter is set that most have no need of.
    pub(super) fn is_further(&self) -> bool {
        FURTHER.iter().any(|name| !self.value(name).is_empty())
    }

    /// The address that counts what matches.
    pub(super) fn count(&self) -> String {
        format!("/admin/logs/count?{}", self.canonical())
    }

    /// Whether anything is filtered out.
    pub(super) fn is_filtered(&self) -> bool {
        !self.filters.is_empty()
    }

    /// Filters and columns as a query string, always the same for the same choice.
    pub(super) fn canonical(&self) -> String {
        let pairs = self.pairs();
        let parts = pairs.iter();
        let parts = parts.map(|(name, value)| format!("{name}={}", encode_query(value)));
        parts.collect::<Vec<_>>().join("&")
    }

    /// The address with these filters, from a cursor on.
    pub(super) fn address(&self, before: Option<RequestId>) -> String {
        let cursor = before.map(|id| format!("before={id}"));
        self.with(PATH, cursor.as_deref())
    }

    /// The address of what follows what happens, or of what does not.
    pub(super) fn followed(&self, is_live: bool) -> String {
        self.with(PATH, is_live.then_some("live=1"))
    }

    /// The address of all rows as a file.
    pub(super) fn export(&self) -> String {
        format!("/admin/logs/export?{}", self.canonical())
    }

    fn with(&self, path: &str, more: Option<&str>) -> String {
        let parts = [self.canonical(), more.unwrap_or_default().to_owned()];
        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        if parts.is_empty() {
            EVERYTHING.to_owned()
        } else {
            format!("{path}?{}", parts.join("&"))
        }
    }

    fn pairs(&self) -> Vec<(&'static str, &str)> {
        let mut pairs = self.kept_filters();
        pairs.extend(self.kept_columns());
        pairs
    }

    /// The filters, for a form about something else.
    pub(super) fn kept_filters(&self) -> Vec<(&'static str, &str)> {
        let filters = self.filters.iter();
        filters.map(|(name, value)| (*name, &**value)).collect()
    }

    /// The columns, for a form about something else.
    pub(super) fn kept_columns(&self) -> Vec<(&'static str, &'static str)> {
        let chosen = self.chosen.iter();
        chosen.map(|column| ("column", column.as_str())).collect()
    }
}

/// A `datetime-local` value as a moment; the earlier one where the clocks go back.
pub(in crate::web::admin) fn local_ms(text: &str, zone: Tz) -> Option<i64> {
    let time = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M")
        .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S"))
        .ok()?;
    zone.from_local_datetime(&time)
        .earliest()
        .map(|moment| moment.timestamp_millis())
}

/// Names to choose from, by name.
pub(super) fn choices(names: &BTreeMap<i64, String>, chosen: &str) -> Vec<Choice> {
    let mut found: Vec<Choice> = names
        .iter()
        .map(|(id, name)| choice(id.to_string(), name.clone(), chosen))
        .collect();
    found.sort_by(|a, b| a.text.cmp(&b.text));
    with_chosen(found, chosen)
}

/// Values to choose from.
pub(super) fn values(values: &[String], chosen: &str) -> Vec<Choice> {
    let values = values.iter();
    let values = values.map(|value| choice(value.clone(), value.clone(), chosen));
    with_chosen(values.collect(), chosen)
}

/// How far back one may ask.
pub(super) fn ranges(page: &Shell, chosen: &str) -> Vec<Choice> {
    let text = |name: &str| page.t_code("admin-logs-range-", name);
    let ranges = RANGES.iter();
    ranges
        .map(|(name, _)| choice((*name).to_owned(), text(name), chosen))
        .collect()
}

/// The states to choose from.
pub(super) fn statuses(page: &Shell, chosen: &str) -> Vec<Choice> {
    let one = Status::ALL
        .iter()
        .map(|status| (status.as_str(), page.t_code("status-", status.as_str())));
    let several = STATES
        .iter()
        .map(|(name, _)| (*name, page.t_code("admin-logs-", name)));
    one.chain(several)
        .map(|(name, text)| choice(name.to_owned(), text, chosen))
        .collect()
}

/// Whose fault it may have been.
pub(super) fn faults(page: &Shell, chosen: &str) -> Vec<Choice> {
    let owners = FaultOwner::ALL.iter();
    owners
        .filter(|owner| **owner != FaultOwner::None)
        .map(|owner| {
            let text = page.t_code("fault-", owner.as_str());
            choice(owner.as_str().to_owned(), text, chosen)
        })
        .collect()
}

fn choice(value: String, text: String, chosen: &str) -> Choice {
    Choice {
        is_chosen: value == chosen,
        value,
        text,
    }
}

/// What is asked for is among the choices, also where nothing of the kind is left.
fn with_chosen(mut choices: Vec<Choice>, chosen: &str) -> Vec<Choice> {
    if !chosen.is_empty() && !choices.iter().any(|choice| choice.is_chosen) {
        choices.push(choice(chosen.to_owned(), chosen.to_owned(), chosen));
    }
    choices
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_survive_the_address() {
        let query = Query::parse("status=error&from=2026-11-21T06:41&key=&x=y");
        let address = query.address(Some(RequestId(1)));
        assert_eq!(
            address,
            "/admin/logs?status=error&from=2026-11-21T06%3A41&before=req_0000000000001"
        );
        let filter = query.filter(chrono_tz::Asia::Shanghai, 0);
        assert_eq!(filter.states, States::One(Status::Error));
        let failed = Query::parse("status=failed").filter(Tz::UTC, 0);
        assert_eq!(failed.states, States::Failed);
        let served = Query::parse("vendor-http=503&upstream=a%2Fb&credential=7&fault=upstream");
        let filter_of = served.filter(Tz::UTC, 0);
        assert_eq!(filter_of.upstream_status, Some(503));
        assert_eq!(filter_of.upstream_model.as_deref(), Some("a/b"));
        assert_eq!(filter_of.provider_key_id, Some(7.into()));
        assert_eq!(filter_of.fault_owner, Some(FaultOwner::Upstream));
        assert_eq!(
            served.canonical(),
            "fault=upstream&credential=7&upstream=a/b&vendor-http=503"
        );
        assert_eq!(filter.from_ms, Some(1_795_214_460_000));
        assert_eq!(Query::default().address(None), EVERYTHING);
        let recent = Query::parse("range=24h").filter(Tz::UTC, 90_000_000);
        assert_eq!(recent.from_ms, Some(3_600_000));
    }

    #[test]
    fn columns_survive_the_address() {
        let query = Query::parse("column=cost&column=key&column=nonsense&status=error");
        assert_eq!(query.columns(), [Column::Key, Column::Cost]);
        assert_eq!(query.canonical(), "status=error&column=key&column=cost");
        let files = "/admin/logs/export?status=error&column=key&column=cost";
        assert_eq!(query.export(), files);
        let usual: Vec<_> = Column::usual()
            .iter()
            .map(|c| format!("column={}", c.as_str()))
            .collect();
        assert_eq!(Query::parse(&usual.join("&")).canonical(), "");
    }

    #[test]
    fn what_is_live_has_no_end() {
        let query = Query::parse("live=1&to=2026-11-21T06:41&before=req_0000000000001");
        let filter = query.filter(Tz::UTC, 0);
        assert_eq!((filter.to_ms, filter.before), (None, None));
        assert_eq!(
            query.followed(true),
            "/admin/logs?to=2026-11-21T06%3A41&live=1"
        );
    }

    #[test]
    fn nonsense_filters_nothing() {
        let query = Query::parse(
            "key=' or 1=1&status=x&from=soon&range=ever&before=req_&http=x&fault=y&credential=z&%zz=%ff",
        );
        let nothing = LogFilter {
            limit: ROWS,
            ..LogFilter::default()
        };
        assert_eq!(query.filter(Tz::UTC, 0), nothing);
    }
}
