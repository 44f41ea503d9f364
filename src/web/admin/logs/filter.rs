//! The filters as they stand in the address.

use std::collections::BTreeMap;

use chrono::{NaiveDateTime, TimeZone};
use chrono_tz::Tz;
use modelgate_domain::{RequestId, Status};
use modelgate_store::request_logs::LogFilter;
use serde::Deserialize;

use crate::web::encode_query;
use crate::web::shell::Shell;

/// Rows of one page.
const ROWS: i64 = 50;

/// Errors and timeouts together: what the figures call errors.
const FAILED: &str = "failed";

/// The query string. What does not parse filters nothing, so that an old link still opens.
#[derive(Debug, Default, Deserialize)]
pub(in crate::web) struct Query {
    pub(super) q: Option<String>,
    pub(super) key: Option<String>,
    pub(super) model: Option<String>,
    pub(super) provider: Option<String>,
    pub(super) status: Option<String>,
    pub(super) from: Option<String>,
    pub(super) to: Option<String>,
    pub(super) before: Option<String>,
}

/// An option of a filter.
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) text: String,
    pub(super) is_chosen: bool,
}

impl Query {
    /// The request somebody looks for by its id.
    pub(super) fn sought_id(&self) -> Option<RequestId> {
        self.q.as_deref()?.parse().ok()
    }

    /// What the search field shows.
    pub(super) fn sought(&self) -> &str {
        self.q.as_deref().unwrap_or("")
    }

    /// The value of the field for the beginning.
    pub(super) fn begin_text(&self) -> &str {
        self.from.as_deref().unwrap_or("")
    }

    /// The value of the field for the end.
    pub(super) fn end_text(&self) -> &str {
        self.to.as_deref().unwrap_or("")
    }

    /// For the store; local times are in the business time zone.
    pub(super) fn filter(&self, zone: Tz) -> LogFilter {
        let id = |text: &Option<String>| text.as_deref().and_then(|t| t.parse::<i64>().ok());
        LogFilter {
            api_key_id: id(&self.key).map(Into::into),
            model_id: id(&self.model).map(Into::into),
            provider_id: id(&self.provider).map(Into::into),
            status: self
                .status
                .as_deref()
                .and_then(|text| text.parse::<Status>().ok()),
            failed: self.status.as_deref() == Some(FAILED),
            from_ms: local_ms(self.from.as_deref(), zone),
            to_ms: local_ms(self.to.as_deref(), zone),
            before: self.before.as_deref().and_then(|text| text.parse().ok()),
            after_seq: None,
            limit: ROWS,
        }
    }

    /// Whether anything is filtered out.
    pub(super) fn is_filtered(&self) -> bool {
        self.pairs().next().is_some()
    }

    /// The address with these filters, from a cursor on.
    pub(super) fn address(&self, before: Option<RequestId>) -> String {
        let mut parts: Vec<String> = self
            .pairs()
            .map(|(name, value)| format!("{name}={}", encode_query(value)))
            .collect();
        parts.extend(before.map(|id| format!("before={id}")));
        if parts.is_empty() {
            "/admin/logs".to_owned()
        } else {
            format!("/admin/logs?{}", parts.join("&"))
        }
    }

    fn pairs(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("q", &self.q),
            ("key", &self.key),
            ("model", &self.model),
            ("provider", &self.provider),
            ("status", &self.status),
            ("from", &self.from),
            ("to", &self.to),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.as_deref()?)))
        .filter(|(_, value)| !value.is_empty())
    }
}

/// A `datetime-local` value as a moment; the earlier one where the clocks go back.
fn local_ms(text: Option<&str>, zone: Tz) -> Option<i64> {
    let text = text?;
    let time = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M")
        .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S"))
        .ok()?;
    zone.from_local_datetime(&time)
        .earliest()
        .map(|moment| moment.timestamp_millis())
}

/// Names to choose from, by name.
pub(super) fn choices(names: &BTreeMap<i64, String>, chosen: Option<&str>) -> Vec<Choice> {
    let mut found: Vec<Choice> = names
        .iter()
        .map(|(id, name)| Choice {
            is_chosen: chosen == Some(&*id.to_string()),
            value: id.to_string(),
            text: name.clone(),
        })
        .collect();
    found.sort_by(|a, b| a.text.cmp(&b.text));
    found
}

/// The states to choose from.
pub(super) fn statuses(page: &Shell, chosen: Option<&str>) -> Vec<Choice> {
    let failed = Choice {
        value: FAILED.to_owned(),
        text: page.t("admin-logs-failed"),
        is_chosen: chosen == Some(FAILED),
    };
    Status::ALL
        .iter()
        .map(|status| Choice {
            value: status.as_str().to_owned(),
            text: page.t_code("status-", status.as_str()),
            is_chosen: chosen == Some(status.as_str()),
        })
        .chain(Some(failed))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_survive_the_address() {
        let query = Query {
            status: Some("error".to_owned()),
            from: Some("2026-11-21T06:41".to_owned()),
            key: Some(String::new()),
            ..Query::default()
        };
        let address = query.address(Some(RequestId(1)));
        assert_eq!(
            address,
            "/admin/logs?status=error&from=2026-11-21T06%3A41&before=req_0000000000001"
        );
        let filter = query.filter(chrono_tz::Asia::Shanghai);
        assert_eq!((filter.status, filter.failed), (Some(Status::Error), false));
        let failed = Query {
            status: Some(FAILED.to_owned()),
            ..Query::default()
        };
        assert!(failed.filter(Tz::UTC).failed);
        assert_eq!(filter.from_ms, Some(1_795_214_460_000));
        assert_eq!(Query::default().address(None), "/admin/logs");
    }

    #[test]
    fn nonsense_filters_nothing() {
        let query = Query {
            key: Some("' or 1=1".to_owned()),
            status: Some("x".to_owned()),
            from: Some("soon".to_owned()),
            before: Some("req_".to_owned()),
            ..Query::default()
        };
        let filter = query.filter(Tz::UTC);
        let nothing = LogFilter {
            limit: ROWS,
            ..LogFilter::default()
        };
        assert_eq!(filter, nothing);
    }
}
