//! The first start: a link printed on the console lets its holder choose the first administrator, once.

use std::sync::Arc;

use actix_session::Session;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use arc_swap::ArcSwapOption;
use askama::Template;
use modelgate_domain::{Role, Secret, UserId};
use modelgate_store::StoreError;
use modelgate_store::changes::{self, Change};
use modelgate_store::users::{self, NewUser};
use serde_json::json;

use crate::config::username;
use crate::secrets::{
    BadPassword, MIN_PASSWORD, SecretsError, check_password, constant_time_eq, hash_key,
    hash_password, random_token,
};
use crate::web::error::PageError;
use crate::web::flash::Toast;
use crate::web::form::{Form, FormState};
use crate::web::page::{Page, PageResult, Visitor};
use crate::web::session;
use crate::web::shell::Shell;
use crate::web::state::WebState;

/// The hash of the one-time token, as long as there is one. In memory: a restart makes a new link.
#[derive(Debug, Default)]
pub struct SetupGate(ArcSwapOption<[u8; 32]>);

impl SetupGate {
    /// Opens the gate and hands out the token for the link `/setup/<token>`; only its hash stays here.
    pub fn open(&self) -> Result<Secret, SecretsError> {
        let token = random_token()?;
        self.0.store(Some(Arc::new(hash_key(token.expose()))));
        Ok(token)
    }

    /// Whether this token opens the gate.
    fn admits(&self, token: &str) -> bool {
        self.0
            .load()
            .as_ref()
            .is_some_and(|hash| constant_time_eq(hash.as_slice(), &hash_key(token)))
    }

    fn close(&self) {
        self.0.store(None);
    }
}

#[derive(Template)]
#[template(path = "public/setup.html")]
struct SetupView<'a> {
    page: &'a Shell,
    is_open: bool,
    fields: FormState,
    hint: String,
}

impl<'a> SetupView<'a> {
    fn new(page: &'a Shell, is_open: bool, fields: FormState) -> Self {
        Self {
            hint: page.t1("public-setup-hint", "count", MIN_PASSWORD),
            page,
            is_open,
            fields,
        }
    }
}

/// `GET /setup/{token}`
pub(in crate::web) async fn get(
    page: Page<Visitor>,
    state: web::Data<WebState>,
    token: web::Path<String>,
) -> PageResult {
    if !is_open(&state, &token).await? {
        return gone(&page);
    }
    page.show(&SetupView::new(page.shell(), true, FormState::default()))
}

/// `POST /setup/{token}`
pub(in crate::web) async fn post(
    page: Page<Visitor>,
    state: web::Data<WebState>,
    token: web::Path<String>,
    session: Session,
    request: HttpRequest,
    form: Form,
) -> PageResult {
    if !is_open(&state, &token).await? {
        return gone(&page);
    }
    let fields = validate(&page, &form);
    if !fields.is_valid() {
        let view = SetupView::new(page.shell(), true, fields);
        return page.respond(StatusCode::UNPROCESSABLE_ENTITY, &view);
    }
    let password = form.secret("password");
    let hash = web::block(move || hash_password(&password))
        .await
        .map_err(PageError::internal)?
        .map_err(PageError::internal)?;
    let made = create(&page, &state, form.text("username"), hash).await?;
    state.setup.close();
    let Some(id) = made else {
        return gone(&page);
    };
    session::start(&session, id, &page.peer, &request)?;
    let toast = Toast::success(page.t("public-setup-done"));
    page.redirect_with("/admin/home", &toast)
}

/// The link works as long as its token is the present one and no administrator exists, wherever one was made.
async fn is_open(state: &WebState, token: &str) -> Result<bool, PageError> {
    if !state.setup.admits(token) {
        return Ok(false);
    }
    let admins = state.db.read(|c| Box::pin(users::count_running(c))).await?;
    if admins > 0 {
        state.setup.close();
    }
    Ok(admins == 0)
}

fn gone(page: &Page<Visitor>) -> PageResult {
    let view = SetupView::new(page.shell(), false, FormState::default());
    page.respond(StatusCode::GONE, &view)
}

fn validate(page: &Page<Visitor>, form: &Form) -> FormState {
    let mut fields = form.state();
    if username(form.text("username")).is_err() {
        fields.fail("username", page.t("user-account-username-invalid"));
    }
    check_new_password(page, form, "password", &mut fields);
    fields
}

/// The rules for a new password typed twice: `<name>` and `<name>_again`.
pub(in crate::web) fn check_new_password(
    page: &Shell,
    form: &Form,
    name: &str,
    fields: &mut FormState,
) {
    let password = form.secret(name);
    match check_password(&password) {
        Err(BadPassword::TooShort) => {
            fields.fail(
                name,
                page.t1("user-account-password-short", "count", MIN_PASSWORD),
            );
        }
        Err(BadPassword::TooLong) => fields.fail(name, page.t("user-account-password-long")),
        Ok(()) if password != form.secret(&format!("{name}_again")) => {
            fields.fail(
                &format!("{name}_again"),
                page.t("user-account-password-differ"),
            );
        }
        Ok(()) => {}
    }
}

/// Makes the administrator unless one exists by now; counting and making are one transaction.
async fn create(
    page: &Page<Visitor>,
    state: &WebState,
    username: &str,
    hash: String,
) -> Result<Option<UserId>, PageError> {
    let change = Change {
        at: state.clock.now(),
        actor: username.to_owned(),
        actor_address: page.peer.address.to_string(),
        action: "user.create".to_owned(),
        object: format!("user {username}"),
        before: None,
        after: Some(json!({ "username": username, "role": Role::Owner })),
        reason: "first set-up".to_owned(),
    };
    let user = NewUser {
        username: username.to_owned(),
        email: None,
        display_name: String::new(),
        password_hash: Some(Secret::new(hash)),
        role: Role::Owner,
    };
    let made = state
        .db
        .write(move |c| {
            Box::pin(async move {
                if users::count_running(c).await? > 0 {
                    return Ok::<_, StoreError>(None);
                }
                let id = users::insert(c, &user, change.at).await?;
                changes::record(c, &change).await?;
                Ok(Some(id))
            })
        })
        .await?;
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Lang;

    #[test]
    fn only_the_present_token_opens() {
        let gate = SetupGate::default();
        assert!(!gate.admits(""));
        let first = gate.open().unwrap();
        assert!(gate.admits(first.expose()));
        let second = gate.open().unwrap();
        assert!(!gate.admits(first.expose()) && gate.admits(second.expose()));
        gate.close();
        assert!(!gate.admits(second.expose()));
    }

    #[test]
    fn renders_open_and_gone() {
        for lang in Lang::ALL {
            let page = Shell::sample(lang);
            for is_open in [true, false] {
                let html = SetupView::new(&page, is_open, FormState::default())
                    .render()
                    .unwrap();
                assert_eq!(html.contains("new-password"), is_open);
            }
        }
    }
}
