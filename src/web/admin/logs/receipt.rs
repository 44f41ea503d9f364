//! What a request cost, line by line.

use modelgate_domain::{Price, RequestRecord};

use crate::i18n::format;
use crate::web::shell::Shell;

/// A receipt, or why there is none.
pub(in crate::web) struct Receipt {
    pub(in crate::web) lines: Vec<Line>,
    pub(in crate::web) total: String,
    /// When the price began to hold.
    pub(in crate::web) since: String,
    /// Why there is no price, or that the tokens were counted here.
    pub(in crate::web) note: String,
}

/// One bucket of tokens.
pub(in crate::web) struct Line {
    pub(in crate::web) name: String,
    pub(in crate::web) tokens: String,
    pub(in crate::web) price: String,
    pub(in crate::web) cost: String,
}

pub(super) fn receipt(page: &Shell, record: &RequestRecord, price: Option<&Price>) -> Receipt {
    let lines = price.map_or_else(
        || counted(page, record),
        |price| priced(page, record, price),
    );
    Receipt {
        total: record
            .cost_nanos
            .map(|nanos| format::money_exact(&record.currency, nanos))
            .unwrap_or_default(),
        since: price
            .map(|price| format::timestamp(price.effective_from_ms, page.zone))
            .unwrap_or_default(),
        note: note(page, record),
        lines,
    }
}

fn note(page: &Shell, record: &RequestRecord) -> String {
    if record.usage.total() == 0 {
        page.t("admin-logs-receipt-nothing")
    } else if record.usage.estimated {
        page.t("admin-logs-receipt-estimated")
    } else if record.cost_nanos.is_none() {
        page.t("admin-logs-receipt-unpriced")
    } else {
        String::new()
    }
}

fn priced(page: &Shell, record: &RequestRecord, price: &Price) -> Vec<Line> {
    let mut lines: Vec<Line> = price
        .receipt(&record.usage)
        .iter()
        .filter(|line| line.tokens > 0)
        .map(|line| Line {
            name: page.t_code("bucket-", line.bucket),
            tokens: format::integer(line.tokens),
            price: format::money_exact(&price.currency, line.price),
            cost: format::money_exact(&price.currency, line.nanos),
        })
        .collect();
    if price.per_request_nanos > 0 {
        lines.push(Line {
            name: page.t("admin-logs-receipt-request"),
            tokens: String::new(),
            price: String::new(),
            cost: format::money_exact(&price.currency, price.per_request_nanos),
        });
    }
    lines
}

fn counted(page: &Shell, record: &RequestRecord) -> Vec<Line> {
    let usage = &record.usage;
    [
        ("prompt", usage.prompt),
        ("cached", usage.cached),
        ("cache_write", usage.cache_write),
        ("completion", usage.completion),
        ("reasoning", usage.reasoning),
    ]
    .into_iter()
    .filter(|(_, tokens)| *tokens > 0)
    .map(|(bucket, tokens)| Line {
        name: page.t_code("bucket-", bucket),
        tokens: format::integer(tokens),
        price: String::new(),
        cost: String::new(),
    })
    .collect()
}
