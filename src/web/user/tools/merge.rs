//! This gateway put into an `opencode.json` that somebody has; the file goes through and is kept nowhere.

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::{HttpResponse, web};
use serde_json::Value;

use super::super::own::Own;
use super::{OPENCODE, Query, Said, show};
use crate::web::error::PageError;
use crate::web::page::{Holder, Page, PageResult};
use crate::web::shell::Shell;
use crate::web::state::WebState;
use crate::web::tools::{self, Bad, merge};
use crate::web::upload::Upload;

/// No configuration that a person wrote is longer.
const MOST_BYTES: usize = 256 * 1024;

/// `POST /user/tools/merge`: the merged file, or the page again with what was wrong.
pub(in crate::web) async fn post(
    page: Page<Holder>,
    state: web::Data<WebState>,
    query: web::Query<Query>,
    file: Upload,
) -> PageResult {
    let own = Own::must(&page.who, &state.catalog.load_full(), query.key)?;
    let values = tools::values(&page, &state, &own.key.allowed, ("", &query.model));
    let (Some(values), Some(tool)) = (values, tools::find(OPENCODE)) else {
        return Err(PageError::NotFound);
    };
    let ours: Value = serde_json::from_str(&tool.text(&values)).map_err(PageError::internal)?;
    let provider = &ours["provider"]["modelgate"];
    let refused = |problem: String| {
        let said = Said {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            problem,
            ..Said::default()
        };
        show(&page, &state, &query, said)
    };
    if file.is_too_long || file.content.len() > MOST_BYTES {
        return refused(page.t("user-tools-merge-long"));
    }
    let Ok(text) = String::from_utf8(file.content) else {
        return refused(page.t("user-tools-merge-no-text"));
    };
    match merge(&text, provider, values.model()) {
        Err(bad) => refused(problem(&page, bad)),
        Ok(merged) if merged.lost_comments => refused(page.t("user-tools-merge-comments")),
        Ok(merged) => Ok(HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, "application/json; charset=utf-8"))
            .insert_header((
                CONTENT_DISPOSITION,
                "attachment; filename=\"opencode.json\"",
            ))
            .body(merged.text)),
    }
}

fn problem(page: &Shell, bad: Bad) -> String {
    match bad {
        Bad::NotAnObject => page.t("user-tools-merge-no-object"),
        Bad::Provider => page.t("user-tools-merge-provider"),
        Bad::Syntax { line, column } => {
            let (line, column) = (line.to_string(), column.to_string());
            page.t_with(
                "user-tools-merge-broken",
                &[("line", &line), ("column", &column)],
            )
        }
    }
}
