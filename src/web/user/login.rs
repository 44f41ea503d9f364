//! Logging in with an API key. The key is exchanged for a session and kept nowhere.
//!
//! A key that is unknown and one that cannot be used now look the same; a right one is let in whatever was tried before it.

use std::net::IpAddr;

use actix_session::Session;
use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use actix_web::{HttpRequest, web};
use askama::Template;
use data_encoding::HEXLOWER;
use modelgate_store::api_keys::{self, ApiKey};
use modelgate_store::{StoreError, users};
use serde::Deserialize;

use crate::i18n::format;
use crate::secrets::hash_key;
use crate::web::error::PageError;
use crate::web::form::Form;
use crate::web::page::{Page, PageResult, Visitor};
use crate::web::session::{Subject, may_come_from};
use crate::web::shell::{PORTAL, Shell};
use crate::web::state::WebState;
use crate::web::{local_path, session};

#[derive(Template)]
#[template(path = "user/login.html")]
struct LoginView<'a> {
    page: &'a Shell,
    to: &'a str,
    error: String,
}

#[derive(Debug, Deserialize)]
pub(in crate::web) struct Query {
    to: Option<String>,
}

/// `GET /user/login`
pub(in crate::web) async fn get(page: Page<Visitor>, query: web::Query<Query>) -> PageResult {
    let to = local_path(query.to.as_deref().unwrap_or(PORTAL), PORTAL);
    if page.user.is_some() || page.key.is_some() {
        return Ok(page.redirect(&to));
    }
    page.show(&LoginView {
        page: page.shell(),
        to: &to,
        error: String::new(),
    })
}

/// `POST /user/login`
pub(in crate::web) async fn post(
    page: Page<Visitor>,
    state: web::Data<WebState>,
    session: Session,
    request: HttpRequest,
    form: Form,
) -> PageResult {
    let to = local_path(form.text("to"), PORTAL);
    let refuse = |status: StatusCode, error: String| {
        let view = LoginView {
            page: page.shell(),
            to: &to,
            error,
        };
        page.respond(status, &view)
    };
    let hash = hash_key(form.secret("key").expose().trim());
    let address = page.peer.address;
    let Some(key) = find(&state, hash, address).await? else {
        tracing::warn!(%address, "log-in with a key failed");
        let wrong = state.throttle.wrong_key(address, state.clock.now_ms());
        if wrong.is_last {
            let subject = format!("key {}", HEXLOWER.encode(&hash[..8]));
            state.tell_of_sign_ins(&subject, address);
        }
        let Some(wait_s) = wrong.wait_s else {
            return refuse(StatusCode::UNPROCESSABLE_ENTITY, page.t("user-login-wrong"));
        };
        let wait = format::duration(page.lang, wait_s.saturating_mul(1_000));
        let text = page.t1("user-login-wrong-often", "wait", wait);
        let mut response = refuse(StatusCode::TOO_MANY_REQUESTS, text)?;
        if let Ok(value) = wait_s.to_string().parse() {
            response.headers_mut().insert(RETRY_AFTER, value);
        }
        return Ok(response);
    };
    session::start(&session, Subject::Key(key.id, hash), &page.peer, &request)?;
    tracing::info!(key = %key.name, %address, "logged in with a key");
    Ok(page.redirect(&to))
}

/// The key, if somebody at this address may log in with it.
async fn find(
    state: &WebState,
    hash: [u8; 32],
    address: IpAddr,
) -> Result<Option<ApiKey>, PageError> {
    let now = state.clock.now();
    let found = state
        .db
        .read(move |c| {
            Box::pin(async move {
                let Some(key) = api_keys::find_by_hash(c, &hash, now).await? else {
                    return Ok::<_, StoreError>(None);
                };
                let owner = users::find(c, key.user_id).await?;
                Ok(Some((key, owner)))
            })
        })
        .await?;
    Ok(found.and_then(|(key, owner)| {
        let owner_is_in = key.user_id.is_none()
            || owner.is_some_and(|user| user.enabled && user.deleted_at.is_none());
        let ok = session::is_usable(&key, now)
            && owner_is_in
            && may_come_from(&key.allowed_cidrs, address);
        ok.then_some(key)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Lang;

    #[test]
    fn the_first_form_has_one_password_field_and_it_is_empty() {
        for lang in Lang::ALL {
            let page = Shell::sample(lang);
            let html = LoginView {
                page: &page,
                to: "\"><script>alert(1)</script>",
                error: page.t("user-login-wrong"),
            }
            .render()
            .unwrap();
            assert!(!html.contains("<script>alert"));
            let (_, form) = html.split_once("<form").unwrap();
            let (form, _) = form.split_once("</form>").unwrap();
            assert!(form.contains("name=\"key\" value=\"\""));
            assert_eq!(form.matches("type=\"password\"").count(), 1);
        }
    }
}
