//! What a line of the log shows, and which of it somebody wants to see.

use std::collections::BTreeMap;

use modelgate_domain::{RequestRecord, Status};
use modelgate_store::request_logs::LogRow;

use crate::i18n::format;
use crate::web::admin::components::names::Names;
use crate::web::admin::components::status::status_kind;
use crate::web::shell::{Moment, Shell};

/// A column. The time is always there: it leads to the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::web) enum Column {
    Status,
    Model,
    Key,
    Input,
    Output,
    Cost,
    FirstToken,
    Total,
    Asked,
    Error,
    Fault,
    Attempts,
    Queue,
    Endpoint,
    Finish,
    Session,
    Address,
    Client,
}

/// How a column is laid out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    Words,
    Number,
    /// A number that makes room for the panel beside the list, which tells it as well.
    Spare,
}

impl Column {
    /// In the order in which they stand.
    pub(super) const ALL: [Self; 18] = [
        Self::Status,
        Self::Model,
        Self::Key,
        Self::Asked,
        Self::Error,
        Self::Fault,
        Self::Input,
        Self::Output,
        Self::Cost,
        Self::Attempts,
        Self::Queue,
        Self::FirstToken,
        Self::Total,
        Self::Endpoint,
        Self::Finish,
        Self::Session,
        Self::Address,
        Self::Client,
    ];

    /// What is shown to who chose nothing.
    pub(super) fn usual() -> Vec<Self> {
        vec![
            Self::Status,
            Self::Model,
            Self::Key,
            Self::Input,
            Self::Output,
            Self::Cost,
            Self::FirstToken,
            Self::Total,
        ]
    }

    /// The name in addresses; `admin-logs-` and it is the key of its text.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Model => "model",
            Self::Key => "key",
            Self::Input => "input",
            Self::Output => "output",
            Self::Cost => "cost",
            Self::FirstToken => "first-token",
            Self::Total => "total",
            Self::Asked => "asked",
            Self::Error => "error",
            Self::Fault => "fault",
            Self::Attempts => "tries",
            Self::Queue => "queue",
            Self::Endpoint => "endpoint",
            Self::Finish => "finish",
            Self::Session => "session",
            Self::Address => "address",
            Self::Client => "client",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|column| column.as_str() == text)
    }

    pub(super) fn title(self, page: &Shell) -> String {
        page.t_code("admin-logs-", self.as_str())
    }

    /// The classes of its cells.
    pub(super) fn class(self) -> &'static str {
        match self.layout() {
            Layout::Words => "",
            Layout::Number => "num",
            Layout::Spare => "num mg-spare",
        }
    }

    fn layout(self) -> Layout {
        match self {
            Self::Input
            | Self::Output
            | Self::Cost
            | Self::FirstToken
            | Self::Attempts
            | Self::Queue => Layout::Spare,
            Self::Total => Layout::Number,
            _ => Layout::Words,
        }
    }
}

/// One line of the log.
pub(super) struct Line {
    pub(super) href: String,
    pub(super) at: Moment,
    pub(super) cells: Vec<Cell>,
}

/// One value of a line.
#[derive(Default)]
pub(super) struct Cell {
    pub(super) title: String,
    pub(super) class: &'static str,
    /// The kind of badge around the text; empty for plain text.
    pub(super) badge: &'static str,
    pub(super) text: String,
    /// Said below, smaller.
    pub(super) below: String,
    /// How long a call runs by now, where it does: the page counts on from there.
    pub(super) waited: Option<i64>,
}

/// A row with the columns that are wanted.
pub(super) fn line(page: &Shell, row: &LogRow, names: &Names, columns: &[Column]) -> Line {
    let record = &row.record;
    let cells = columns.iter().map(|column| Cell {
        title: column.title(page),
        class: column.class(),
        ..cell(page, record, names, *column)
    });
    Line {
        href: page.url(&format!("/admin/logs/{}", record.id)),
        at: page.moment(record.started_ms),
        cells: cells.collect(),
    }
}

fn cell(page: &Shell, record: &RequestRecord, names: &Names, column: Column) -> Cell {
    match column {
        Column::Status => Cell {
            badge: status_kind(record.status),
            text: page.t_code("status-", record.status.as_str()),
            below: match record.repeats {
                2.. => format!("× {}", format::integer(record.repeats)),
                _ => String::new(),
            },
            ..Cell::default()
        },
        Column::Model => Cell {
            text: name(&names.models, record.model_id.0)
                .unwrap_or_else(|| record.requested_model.clone()),
            below: name(&names.providers, record.provider_id.0).unwrap_or_default(),
            ..Cell::default()
        },
        Column::Total if record.status == Status::Pending => {
            let waited = page.now_ms.saturating_sub(record.started_ms).max(0);
            Cell {
                text: format::seconds(waited),
                waited: Some(waited),
                ..Cell::default()
            }
        }
        _ => Cell {
            text: text(page, record, names, column),
            ..Cell::default()
        },
    }
}

fn text(page: &Shell, record: &RequestRecord, names: &Names, column: Column) -> String {
    match column {
        Column::Key => shown(name(&names.keys, record.api_key_id.0).unwrap_or_default()),
        Column::Input => count(record.usage.input()),
        Column::Output => count(record.usage.output()),
        Column::Cost => match record.cost_nanos {
            Some(nanos) => format::money(&record.currency, nanos),
            None if record.usage.total() > 0 => page.t("admin-logs-unpriced"),
            None => shown(String::new()),
        },
        Column::FirstToken => seconds(record.ttft_ms),
        Column::Total => seconds(record.latency_ms),
        Column::Queue => seconds(record.queue_ms.filter(|ms| *ms > 0)),
        Column::Attempts => count(record.attempts),
        Column::Fault => page.t_code("fault-", record.fault_owner.as_str()),
        Column::Asked => shown(record.requested_model.clone()),
        Column::Error => shown(record.error_code.clone()),
        Column::Endpoint => shown(record.endpoint.clone()),
        Column::Finish => shown(record.finish_reason.clone()),
        Column::Session => shown(record.session_id.clone()),
        Column::Address => shown(record.client_ip.clone()),
        Column::Client => shown(record.user_agent.clone()),
        Column::Status | Column::Model => String::new(),
    }
}

fn name(names: &BTreeMap<i64, String>, id: i64) -> Option<String> {
    names.get(&id).cloned()
}

fn seconds(ms: Option<i64>) -> String {
    ms.map_or_else(|| shown(String::new()), format::seconds)
}

fn count(value: i64) -> String {
    if value == 0 {
        shown(String::new())
    } else {
        format::integer(value)
    }
}

/// A text, or the sign for none.
fn shown(text: String) -> String {
    if text.is_empty() {
        "—".to_owned()
    } else {
        text
    }
}
