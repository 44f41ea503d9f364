//! The one-time link by which the holder of a key gets it: looking at the link uses nothing up, taking the key does.
//!
//! Until then the key lies sealed in the link's row, bound to the link and to the key's row.

use actix_web::http::StatusCode;
use actix_web::web;
use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};
use data_encoding::HEXLOWER;
use modelgate_domain::{ApiKeyId, Secret};
use modelgate_store::api_keys::ApiKey;
use modelgate_store::changes::{self, Change};
use modelgate_store::key_links::{self, Kind, NewLink};
use modelgate_store::{Conn, StoreError, api_keys};

use super::landing::root_url;
use crate::secrets::{Keyring, hash_key};
use crate::web::error::PageError;
use crate::web::form::Form;
use crate::web::page::{Page, PageResult, Visitor};
use crate::web::session::is_usable;
use crate::web::shell::Shell;
use crate::web::state::WebState;

/// How many hours a link may work.
pub(in crate::web) const HOURS: [i64; 3] = [1, 24, 72];

#[derive(Template)]
#[template(path = "public/handover.html")]
struct HandoverView<'a> {
    page: &'a Shell,
    /// The key's name; empty where the link does not work.
    name: String,
    /// The key itself, this once.
    secret: Option<String>,
    base_url: String,
}

/// Opens `/handover/<token>`, behind which `key` lies sealed.
pub(in crate::web) async fn open(
    c: &mut Conn,
    keyring: &Keyring,
    (token, hours): (&Secret, i64),
    (id, key): (ApiKeyId, &str),
    now: DateTime<Utc>,
) -> Result<(), PageError> {
    let token_hash = hash_key(token.expose());
    let sealed = keyring
        .seal(&sealed_in(&token_hash), id.0, &Secret::new(key))
        .map_err(PageError::internal)?;
    let end = now.checked_add_signed(TimeDelta::hours(hours));
    let link = NewLink {
        token_hash,
        api_key_id: id,
        kind: Kind::Reveal,
        sealed: Secret::new(sealed),
        expires_at: end.unwrap_or(now),
    };
    key_links::insert(c, &link, now).await?;
    Ok(())
}

/// What a sealed key is bound to, beside the key's row.
fn sealed_in(token_hash: &[u8; 32]) -> String {
    format!("key_links/{}", HEXLOWER.encode(token_hash))
}

/// `GET /handover/{token}`: programs that look at links before people do take nothing away.
pub(in crate::web) async fn get(
    page: Page<Visitor>,
    state: web::Data<WebState>,
    token: web::Path<String>,
) -> PageResult {
    let (hash, now) = (hash_key(&token), state.clock.now());
    let found = state
        .db
        .read(move |c| Box::pin(async move { behind(c, &hash, now).await }))
        .await?;
    match found {
        Some(key) => page.show(&view(&page, &state, key.name, None)),
        None => gone(&page, &state),
    }
}

/// `POST /handover/{token}`
pub(in crate::web) async fn post(
    page: Page<Visitor>,
    state: web::Data<WebState>,
    token: web::Path<String>,
    _form: Form,
) -> PageResult {
    let (hash, now) = (hash_key(&token), state.clock.now());
    let address = page.peer.address.to_string();
    let taken = state
        .db
        .write(move |c| Box::pin(async move { take(c, &hash, address, now).await }))
        .await?;
    let Some((key, sealed)) = taken else {
        return gone(&page, &state);
    };
    let Ok(secret) = state
        .keyring
        .open(&sealed_in(&hash), key.id.0, sealed.expose())
    else {
        tracing::warn!(key = %key.name, "a one-time link was sealed with another master key");
        return gone(&page, &state);
    };
    tracing::info!(key = %key.name, address = %page.peer.address, "a key was handed over");
    let secret = Some(secret.expose().to_owned());
    page.show(&view(&page, &state, key.name, secret))
}

/// The key behind a link, if both work.
async fn behind(
    c: &mut Conn,
    hash: &[u8; 32],
    now: DateTime<Utc>,
) -> Result<Option<ApiKey>, StoreError> {
    let Some(id) = key_links::find(c, hash, Kind::Reveal, now).await? else {
        return Ok(None);
    };
    let key = api_keys::find(c, id).await?;
    Ok(key.filter(|key| is_usable(key, now)))
}

/// Takes the key out: of several who come at once, one gets it.
async fn take(
    c: &mut Conn,
    hash: &[u8; 32],
    actor_address: String,
    now: DateTime<Utc>,
) -> Result<Option<(ApiKey, Secret)>, StoreError> {
    let Some(key) = behind(c, hash, now).await? else {
        return Ok(None);
    };
    let Some((_, sealed)) = key_links::take(c, hash, Kind::Reveal, now).await? else {
        return Ok(None);
    };
    let change = Change {
        at: now,
        actor: format!("holder of {}", key.name),
        actor_address,
        action: "api_key.hand_over".to_owned(),
        object: format!("api_key {}", key.name),
        before: None,
        after: None,
        reason: "by a one-time link".to_owned(),
    };
    changes::note(c, &change).await?;
    Ok(Some((key, sealed)))
}

fn view<'a>(
    page: &'a Page<Visitor>,
    state: &WebState,
    name: String,
    secret: Option<String>,
) -> HandoverView<'a> {
    HandoverView {
        page: page.shell(),
        name,
        secret,
        base_url: format!("{}/v1", root_url(page, state)),
    }
}

fn gone(page: &Page<Visitor>, state: &WebState) -> PageResult {
    page.respond(StatusCode::GONE, &view(page, state, String::new(), None))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Lang;

    #[test]
    fn renders_ready_taken_and_gone() {
        for lang in Lang::ALL {
            let page = Shell::sample(lang);
            for (name, secret) in [("<b>", None), ("<b>", Some("sk-mg-x")), ("", None)] {
                let html = HandoverView {
                    page: &page,
                    name: name.to_owned(),
                    secret: secret.map(str::to_owned),
                    base_url: "https://gate.example/v1".to_owned(),
                }
                .render()
                .unwrap();
                assert_eq!(html.contains("sk-mg-x"), secret.is_some());
                assert!(!html.contains("<b>") && !html.contains("public-handover-"));
            }
        }
    }
}
