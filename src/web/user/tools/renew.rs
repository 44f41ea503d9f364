//! A secret that has just been issued, filled in everywhere: for whoever owns the key by an account.

use actix_web::web;
use chrono::TimeDelta;
use modelgate_store::api_keys;
use modelgate_store::changes::{self, Change};
use serde_json::json;

use super::super::own::Own;
use super::setup::actor;
use super::{Query, Said, may_renew, show};
use crate::secrets::new_api_key;
use crate::web::admin::api_key_secret::{material, replace};
use crate::web::error::PageError;
use crate::web::flash::Toast;
use crate::web::form::Form;
use crate::web::page::{Holder, Page, PageResult};
use crate::web::state::WebState;

/// How long the secret before goes on working: time to put the new one into every tool.
const OVERLAP_HOURS: i64 = 24;

/// `POST /user/tools/renew`
pub(in crate::web) async fn post(
    page: Page<Holder>,
    state: web::Data<WebState>,
    form: Form,
) -> PageResult {
    let query = Query::of(&form);
    let own = Own::of(&page.who, &state.catalog.load_full(), query.key);
    let own = own
        .filter(|own| may_renew(&page.who, own))
        .ok_or(PageError::NotFound)?;
    let key = new_api_key().map_err(PageError::internal)?;
    let (new, now) = (material(&key), state.clock.now());
    let until = now
        .checked_add_signed(TimeDelta::hours(OVERLAP_HOURS))
        .unwrap_or(now);
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
                change.before = Some(json!({ "key": row.shown() }));
                let done = replace(c, &row, &new, (until, now)).await?;
                if done {
                    changes::record(c, &change).await?;
                }
                Ok::<_, PageError>(done)
            })
        })
        .await?;
    if !done {
        let told = Toast::error(page.t("admin-api-key-rotated-meanwhile"));
        return page.redirect_with("/user/tools", &told);
    }
    let said = Said {
        secret: Some(key.expose().to_owned()),
        ..Said::default()
    };
    show(&page, &state, &query, said)
}
