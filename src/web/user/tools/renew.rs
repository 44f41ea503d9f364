//! A secret that has just been issued, filled in everywhere: for whoever owns the key by an account.

use actix_web::web;
use chrono::{DateTime, TimeDelta, Utc};
use modelgate_domain::ApiKeyId;
use modelgate_store::api_keys::{self, ApiKey};
use modelgate_store::changes::{self, Change};
use serde_json::json;

use super::super::own::Own;
use super::setup::actor;
use super::{Query, Said, here, may_renew, show};
use crate::secrets::new_api_key;
use crate::web::admin::api_key_secret::{material, replace};
use crate::web::admin::components::confirm::{self, Question};
use crate::web::error::PageError;
use crate::web::flash::Toast;
use crate::web::form::Form;
use crate::web::page::{Holder, Page, PageResult};
use crate::web::shell::Shell;
use crate::web::state::WebState;

/// How long the secret before goes on working: time to put the new one into every tool.
const OVERLAP_HOURS: i64 = 24;

/// The key that another secret may be issued for.
fn renewable(page: &Page<Holder>, state: &WebState, query: &Query) -> Result<Own, PageError> {
    let own = Own::must(&page.who, &state.catalog.load_full(), query.key)?;
    if may_renew(&page.who, &own) {
        Ok(own)
    } else {
        Err(PageError::NotFound)
    }
}

/// The key as it is now.
pub(super) async fn present(state: &WebState, id: ApiKeyId) -> Result<ApiKey, PageError> {
    let found = state
        .db
        .read(move |c| Box::pin(async move { api_keys::find(c, id).await }))
        .await?;
    let found = found.filter(|row| row.deleted_at.is_none());
    found.ok_or(PageError::NotFound)
}

fn overlap_end(now: DateTime<Utc>) -> DateTime<Utc> {
    let end = now.checked_add_signed(TimeDelta::hours(OVERLAP_HOURS));
    end.unwrap_or(now)
}

/// `GET /user/tools/renew`: what would end, and when.
pub(in crate::web) async fn get(
    page: Page<Holder>,
    state: web::Data<WebState>,
    query: web::Query<Query>,
) -> PageResult {
    let own = renewable(&page, &state, &query)?;
    let row = present(&state, own.key.id).await?;
    confirm::ask(&page, &question(&page, &query, &row, state.clock.now()))
}

fn question(page: &Shell, query: &Query, row: &ApiKey, now: DateTime<Utc>) -> Question {
    let until = page.moment(overlap_end(now).timestamp_millis()).full;
    let (present, previous) = (row.shown(), &row.previous_shown);
    let body = if row.previous_until.is_some_and(|until| now < until) {
        page.t_with(
            "user-tools-renew-body-again",
            &[
                ("present", &present),
                ("previous", previous),
                ("until", &until),
            ],
        )
    } else {
        page.t_with(
            "user-tools-renew-body",
            &[("present", &present), ("until", &until)],
        )
    };
    Question {
        title: page.t1("user-tools-renew-title", "name", row.name.as_str()),
        body,
        button: page.t("user-tools-renew"),
        action: page.url("/user/tools/renew"),
        back: page.url(&here(query)),
        typed: String::new(),
        typed_error: String::new(),
        along: vec![
            ("key", row.id.to_string()),
            ("model", query.model.clone()),
            ("of", present),
        ],
        choice: None,
    }
}

/// `POST /user/tools/renew`
pub(in crate::web) async fn post(
    page: Page<Holder>,
    state: web::Data<WebState>,
    form: Form,
) -> PageResult {
    let query = Query::of(&form);
    let own = renewable(&page, &state, &query)?;
    let key = new_api_key().map_err(PageError::internal)?;
    let (new, now) = (material(&key), state.clock.now());
    let (until, of) = (overlap_end(now), form.text("of").to_owned());
    let mut change = Change {
        at: now,
        actor: actor(&page.who),
        actor_address: page.peer.address.to_string(),
        action: "api_key.rotate".to_owned(),
        object: format!("api_key {}", own.key.name),
        before: None,
        after: Some(
            json!({ "key": format!("{}…{}", new.prefix, new.last4), "previous_until": until }),
        ),
        reason: "by its owner".to_owned(),
    };
    let (id, owner) = (own.key.id, own.key.user_id);
    let done = state
        .db
        .write(move |c| {
            Box::pin(async move {
                let row = api_keys::find(c, id).await?;
                let is_own =
                    |row: &api_keys::ApiKey| row.user_id == owner && row.deleted_at.is_none();
                let row = row.filter(is_own).ok_or(PageError::NotFound)?;
                // the question was about another one: a second press ends nothing
                if row.shown() != of {
                    return Ok::<_, PageError>(false);
                }
                change.before = Some(json!({ "key": row.shown() }));
                let done = replace(c, &row, &new, (until, now)).await?;
                if done {
                    changes::record(c, &change).await?;
                }
                Ok(done)
            })
        })
        .await?;
    if !done {
        let told = Toast::error(page.t("admin-api-key-rotated-meanwhile"));
        return page.redirect_with(&here(&query), &told);
    }
    let said = Said {
        secret: Some(key.expose().to_owned()),
        ..Said::default()
    };
    show(&page, &state, &query, said)
}
