//! Logging in and out.
//!
//! A wrong name and a wrong password look the same and take the same time; guessing is slowed (`throttle`).

use actix_session::Session;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use modelgate_domain::Secret;
use modelgate_store::users::{self, User};
use serde::Deserialize;

use crate::i18n::format;
use crate::secrets::{hash_password, verify_password};
use crate::web::error::PageError;
use crate::web::flash::Toast;
use crate::web::form::{Form, FormState};
use crate::web::page::{Page, PageResult, Visitor};
use crate::web::shell::{Shell, home_of};
use crate::web::state::WebState;
use crate::web::throttle::SLOWED;
use crate::web::{local_path, session};

/// When to try again where too many passwords wait to be looked at, in seconds.
const BUSY_S: i64 = 5;

#[derive(Template)]
#[template(path = "public/login.html")]
struct LoginView<'a> {
    page: &'a Shell,
    fields: FormState,
}

#[derive(Debug, Deserialize)]
pub(in crate::web) struct Query {
    to: Option<String>,
}

/// `GET /login`
pub(in crate::web) async fn get(page: Page<Visitor>, query: web::Query<Query>) -> PageResult {
    let to = local_path(query.to.as_deref().unwrap_or_default(), page.home());
    if page.user.is_some() {
        return Ok(page.redirect(&to));
    }
    page.show(&LoginView {
        page: page.shell(),
        fields: FormState::default().with("to", query.to.as_deref().unwrap_or_default()),
    })
}

/// `POST /login`
pub(in crate::web) async fn post(
    page: Page<Visitor>,
    state: web::Data<WebState>,
    session: Session,
    request: HttpRequest,
    form: Form,
) -> PageResult {
    let (name, now_ms) = (form.text("username").to_owned(), state.clock.now_ms());
    let address = page.peer.address;
    let tried = match state.throttle.begin(&name, address, now_ms) {
        Ok(tried) => tried,
        Err(wait_s) => return refuse_for_now(&page, &form, wait_s),
    };
    if tried.is_slowed && !state.sleeps(SLOWED).await {
        return refuse_for_now(&page, &form, 1);
    }
    let Some(_turn) = state.throttle.turn().await else {
        return refuse_for_now(&page, &form, BUSY_S);
    };
    let sought = name.clone();
    let user = state
        .db
        .read(move |c| Box::pin(async move { users::find_by_username(c, &sought).await }))
        .await?;
    let Some(user) = check(user, form.secret("password")).await? else {
        if tried.is_last {
            state.tell_of_sign_ins(&name, address);
        }
        tracing::warn!(user = %name.escape_debug(), %address, "log-in failed");
        let mut fields = form.state();
        fields.fail("", page.t("public-login-wrong"));
        let view = LoginView {
            page: page.shell(),
            fields,
        };
        return page.respond(StatusCode::UNPROCESSABLE_ENTITY, &view);
    };
    state.throttle.succeeded(&name, address);
    let (id, at) = (user.id, state.clock.now());
    state
        .db
        .write(move |c| Box::pin(users::set_last_login(c, id, at)))
        .await?;
    session::start(&session, id, &page.peer, &request)?;
    tracing::info!(user = %user.username, %address, "logged in");
    Ok(page.redirect(&local_path(form.text("to"), home_of(user.role))))
}

/// `POST /logout`: of an account or of a key.
pub(in crate::web) async fn log_out(
    page: Page<Visitor>,
    session: Session,
    _form: Form,
) -> PageResult {
    session.purge();
    let toast = Toast::success(page.t("public-login-out"));
    let to = if page.key.is_some() {
        "/user/login"
    } else {
        "/login"
    };
    page.redirect_with(to, &toast)
}

/// 429 with the time to wait, before any password is looked at.
fn refuse_for_now(page: &Page<Visitor>, form: &Form, wait_s: i64) -> PageResult {
    let wait = format::duration(page.lang, wait_s.saturating_mul(1_000));
    let mut fields = form.state();
    fields.fail("", page.t1("public-login-wait", "wait", wait));
    let view = LoginView {
        page: page.shell(),
        fields,
    };
    let mut response: HttpResponse = page.respond(StatusCode::TOO_MANY_REQUESTS, &view)?;
    if let Ok(value) = wait_s.to_string().parse() {
        let headers = response.headers_mut();
        headers.insert(actix_web::http::header::RETRY_AFTER, value);
    }
    Ok(response)
}

/// The account, if it may log in and the password is its own. Hashes in any case, off the serving threads.
async fn check(user: Option<User>, password: Secret) -> Result<Option<User>, PageError> {
    web::block(move || {
        let user = user.filter(|user| user.enabled);
        let stored = user.as_ref().and_then(|user| user.password_hash.as_ref());
        match stored {
            Some(hash) => verify_password(&password, hash.expose())
                .then_some(user)
                .flatten(),
            None => {
                let _ = hash_password(&password);
                None
            }
        }
    })
    .await
    .map_err(PageError::internal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Lang;

    #[test]
    fn what_was_typed_comes_back_escaped_and_without_the_password() {
        for lang in Lang::ALL {
            let mut fields = FormState::default()
                .with("username", "\"><script>alert(1)</script>")
                .with("to", "/admin/logs");
            fields.fail("", "wrong".to_owned());
            let page = Shell::sample(lang);
            let html = LoginView {
                page: &page,
                fields,
            }
            .render()
            .unwrap();
            assert!(!html.contains("<script>alert"));
            assert!(html.contains("role=\"alert\""));
            assert!(html.contains("name=\"csrf\" value=\"token\""));
        }
    }
}
