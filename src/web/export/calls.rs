//! The request log as rows of a file: what its pages show, never what was said.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::{Stream, stream};
use modelgate_domain::RequestRecord;
use modelgate_domain::money::format_nanos;
use modelgate_store::request_logs::{self, LogFilter};
use modelgate_store::{Db, StoreError};
use serde_json::Value;

use super::cells::{Cells, moment};
use crate::web::admin::components::names::Names;

/// Rows that are held at once.
const BATCH: i64 = 500;

/// For whom a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::web) enum Reader {
    /// Those who run the gateway.
    Operator,
    /// Those who use it: no credential of a vendor is named.
    Holder,
}

/// The columns, and the rows that the filter lets through, newest first.
pub(in crate::web) fn calls(
    db: Db,
    mut filter: LogFilter,
    names: Names,
    reader: Reader,
) -> (
    Vec<&'static str>,
    impl Stream<Item = Result<Vec<Cells>, StoreError>>,
) {
    let columns = cells(&RequestRecord::default(), &names, reader);
    let columns = columns.into_iter().map(|(name, _)| name).collect();
    filter.limit = BATCH;
    let names = Arc::new(names);
    let batches = stream::try_unfold(Some(filter), move |filter| {
        let (db, names) = (db.clone(), Arc::clone(&names));
        async move {
            let Some(filter) = filter else {
                return Ok(None);
            };
            let asked = filter.clone();
            let page = db
                .read(move |c| Box::pin(async move { request_logs::list(c, &asked).await }))
                .await?;
            let last = page.rows.last().filter(|_| page.more);
            let next = last.map(|row| LogFilter {
                before: Some(row.record.id),
                ..filter
            });
            let rows = page.rows.iter();
            let rows = rows.map(|row| cells(&row.record, &names, reader)).collect();
            Ok::<_, StoreError>(Some((rows, next)))
        }
    });
    (columns, batches)
}

fn cells(record: &RequestRecord, names: &Names, reader: Reader) -> Cells {
    let cost = record.cost_nanos.map(format_nanos);
    let mut cells: Cells = vec![
        ("id", record.id.to_string().into()),
        ("started_at", moment(record.started_ms)),
        ("finished_at", moment(record.finished_ms)),
        ("status", record.status.as_str().into()),
        ("fault_owner", record.fault_owner.as_str().into()),
        ("error_code", text(&record.error_code)),
        ("error_message", text(&record.error_message)),
        ("http_status", number(record.http_status)),
        ("repeats", record.repeats.into()),
        ("key", name(&names.keys, record.api_key_id.0)),
        ("requested_model", text(&record.requested_model)),
        ("model", name(&names.models, record.model_id.0)),
        ("provider", name(&names.providers, record.provider_id.0)),
    ];
    if reader == Reader::Operator {
        let credential = name(&names.credentials, record.provider_key_id.0);
        cells.push(("credential", credential));
    }
    cells.extend([
        ("upstream_model", text(&record.upstream_model)),
        ("upstream_status", number(record.upstream_status)),
        ("attempts", record.attempts.into()),
        ("route_reason", text(&record.route_reason)),
        ("finish_reason", text(&record.finish_reason)),
        ("endpoint", text(&record.endpoint)),
        ("dialect", text(&record.dialect)),
        ("stream", record.stream.into()),
        ("session_id", text(&record.session_id)),
        ("client_ip", text(&record.client_ip)),
        ("user_agent", text(&record.user_agent)),
        ("request_bytes", record.request_bytes.into()),
        ("queue_ms", record.queue_ms.into()),
        ("connect_ms", record.connect_ms.into()),
        ("ttft_ms", record.ttft_ms.into()),
        ("latency_ms", record.latency_ms.into()),
        ("max_gap_ms", record.max_gap_ms.into()),
        ("prompt_tokens", record.usage.prompt.into()),
        ("cached_tokens", record.usage.cached.into()),
        ("cache_write_tokens", record.usage.cache_write.into()),
        ("completion_tokens", record.usage.completion.into()),
        ("reasoning_tokens", record.usage.reasoning.into()),
        ("usage_estimated", record.usage.estimated.into()),
        ("cost", cost.into()),
        ("currency", text(record.currency.as_str())),
    ]);
    cells
}

/// What a thing is called, its number where nobody knows, nothing where there is none.
pub(super) fn name(names: &BTreeMap<i64, String>, id: i64) -> Value {
    match names.get(&id) {
        Some(name) => Value::from(name.as_str()),
        None if id == 0 => Value::Null,
        None => Value::from(format!("#{id}")),
    }
}

fn text(text: &str) -> Value {
    if text.is_empty() {
        Value::Null
    } else {
        Value::from(text)
    }
}

fn number(value: i64) -> Value {
    Some(value).filter(|value| *value != 0).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_operators_read_which_credential_served() {
        let names = Names {
            credentials: [(1, "main".to_owned())].into(),
            ..Names::default()
        };
        let record = RequestRecord {
            provider_key_id: 1.into(),
            cost_nanos: Some(1_500_000),
            ..RequestRecord::default()
        };
        let of = |reader| -> BTreeMap<&str, Value> {
            cells(&record, &names, reader).into_iter().collect()
        };
        assert_eq!(of(Reader::Operator)["credential"], "main");
        assert_eq!(of(Reader::Operator)["cost"], "0.0015");
        assert!(!of(Reader::Holder).contains_key("credential"));
    }
}
