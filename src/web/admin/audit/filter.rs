//! The filters of the audit log as they stand in the address.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use modelgate_store::audit::AuditFilter;
use serde::Deserialize;

use crate::web::admin::logs::local_ms;
use crate::web::encode_query;

/// Rows of one page.
const ROWS: i64 = 50;

/// The query string. What does not parse filters nothing, so that an old link still opens.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct Query {
    who: String,
    what: String,
    object: String,
    from: String,
    to: String,
    pub(super) before: Option<String>,
    /// As what a file is asked for.
    pub(super) format: String,
}

impl Query {
    /// By whom.
    pub(super) fn who(&self) -> &str {
        &self.who
    }

    /// An action, or the beginning of several.
    pub(super) fn what(&self) -> &str {
        &self.what
    }

    /// What the field for the object shows.
    pub(super) fn object(&self) -> &str {
        &self.object
    }

    /// What the field for the beginning shows.
    pub(super) fn begin_text(&self) -> &str {
        &self.from
    }

    /// What the field for the end shows.
    pub(super) fn end_text(&self) -> &str {
        &self.to
    }

    /// For the store.
    pub(super) fn filter(&self, zone: Tz) -> AuditFilter {
        AuditFilter {
            actor: self.who.clone(),
            action: self.what.clone(),
            object: self.object.trim().to_owned(),
            from: moment(&self.from, zone),
            to: moment(&self.to, zone),
            before: self.before.as_deref().and_then(|id| id.parse().ok()),
            limit: ROWS,
        }
    }

    /// Whether anything is filtered out.
    pub(super) fn is_filtered(&self) -> bool {
        self.pairs().next().is_some()
    }

    /// An address with these filters, from a row on.
    pub(super) fn address(&self, path: &str, before: Option<i64>) -> String {
        let pairs = self.pairs();
        let pairs = pairs.map(|(name, value)| format!("{name}={}", encode_query(value)));
        let cursor = before.map(|id| format!("before={id}"));
        let parts: Vec<_> = pairs.chain(cursor).collect();
        format!("{path}?{}", parts.join("&"))
    }

    fn pairs(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("who", &self.who),
            ("what", &self.what),
            ("object", &self.object),
            ("from", &self.from),
            ("to", &self.to),
        ]
        .into_iter()
        .map(|(name, value)| (name, value.as_str()))
        .filter(|(_, value)| !value.is_empty())
    }
}

fn moment(text: &str, zone: Tz) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(local_ms(text, zone)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_survive_the_address() {
        let query = Query {
            who: "root".to_owned(),
            object: "a b".to_owned(),
            from: "2026-11-21T06:41".to_owned(),
            before: Some("x".to_owned()),
            ..Query::default()
        };
        assert_eq!(
            query.address("/admin/audit", Some(7)),
            "/admin/audit?who=root&object=a%20b&from=2026-11-21T06%3A41&before=7"
        );
        let filter = query.filter(chrono_tz::Asia::Shanghai);
        assert_eq!(filter.from.unwrap().timestamp_millis(), 1_795_214_460_000);
        assert_eq!((filter.to, filter.before), (None, None));
    }
}
