//! One-time links: the holder of the one on the console makes the first administrator, the holder of any other chooses
//! the password of the account that an administrator made for them.

use actix_session::Session;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};
use modelgate_domain::{Permission, Role, Secret, UserId};
use modelgate_store::changes::{self, Change};
use modelgate_store::users::{self, NewUser, User};
use modelgate_store::{Conn, StoreError, sessions, setup_links};
use serde_json::json;

use crate::config::username;
use crate::secrets::{BadPassword, MIN_PASSWORD, check_password, hash_key, hash_password};
use crate::web::error::PageError;
use crate::web::flash::Toast;
use crate::web::form::{Form, FormState};
use crate::web::page::{Page, PageResult, Visitor};
use crate::web::session;
use crate::web::shell::{Shell, home_of};
use crate::web::state::WebState;

/// A link for the first administrator works this long: whoever is late starts the gateway again.
const FIRST_HOURS: i64 = 24;
/// A link for an account works this long.
pub(in crate::web) const INVITE_HOURS: i64 = 72;

/// Opens `/setup/<token>` for an account, or with [`UserId::NONE`] for the first administrator. Only the token's hash is
/// kept.
pub async fn open(
    c: &mut Conn,
    token: &Secret,
    user: UserId,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let hours = if user.is_none() {
        FIRST_HOURS
    } else {
        INVITE_HOURS
    };
    let end = now.checked_add_signed(TimeDelta::hours(hours));
    let hash = hash_key(token.expose());
    setup_links::insert(c, &hash, user, now, end.unwrap_or(now)).await
}

#[derive(Template)]
#[template(path = "public/setup.html")]
struct SetupView<'a> {
    page: &'a Shell,
    is_open: bool,
    /// The account; empty for the first administrator, who chooses the name as well.
    username: String,
    fields: FormState,
    hint: String,
}

impl<'a> SetupView<'a> {
    fn new(page: &'a Shell, open: Option<&Opens>, fields: FormState) -> Self {
        Self {
            hint: page.t1("public-setup-hint", "count", MIN_PASSWORD),
            page,
            is_open: open.is_some(),
            username: match open {
                Some(Opens::Account(user)) => user.username.clone(),
                _ => String::new(),
            },
            fields,
        }
    }
}

/// What a link that works is for.
enum Opens {
    First,
    Account(Box<User>),
}

/// `GET /setup/{token}`
pub(in crate::web) async fn get(
    page: Page<Visitor>,
    state: web::Data<WebState>,
    token: web::Path<String>,
) -> PageResult {
    match find(&state, &token).await? {
        Some(opens) => page.show(&SetupView::new(
            page.shell(),
            Some(&opens),
            FormState::default(),
        )),
        None => gone(&page),
    }
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
    let Some(opens) = find(&state, &token).await? else {
        return gone(&page);
    };
    let fields = validate(&page, &form, &opens);
    if !fields.is_valid() {
        let view = SetupView::new(page.shell(), Some(&opens), fields);
        return page.respond(StatusCode::UNPROCESSABLE_ENTITY, &view);
    }
    let password = form.secret("password");
    let hash = web::block(move || hash_password(&password))
        .await
        .map_err(PageError::internal)?
        .map_err(PageError::internal)?;
    let (done, to) = match opens {
        Opens::First => {
            let made = create(&page, &state, form.text("username"), hash).await;
            if made
                .as_ref()
                .is_err_and(|e| e.is_conflict("users", "username"))
            {
                let mut fields = form.state();
                fields.fail("username", page.t("public-setup-taken"));
                let view = SetupView::new(page.shell(), Some(&opens), fields);
                return page.respond(StatusCode::UNPROCESSABLE_ENTITY, &view);
            }
            (made?, "/admin/start")
        }
        Opens::Account(user) => {
            let to = home_of(user.role);
            (choose(&page, &state, (*user, &token), hash).await?, to)
        }
    };
    let Some((id, text)) = done else {
        return gone(&page);
    };
    session::start(&session, id, &page.peer, &request)?;
    page.redirect_with(to, &Toast::success(page.t(text)))
}

/// A link works until its end, and only as long as nobody used it: for the first administrator that is while none
/// exists, wherever one was made.
async fn find(state: &WebState, token: &str) -> Result<Option<Opens>, PageError> {
    let (hash, now) = (hash_key(token), state.clock.now());
    let found = state
        .db
        .read(move |c| Box::pin(async move { what_opens(c, &hash, now).await }))
        .await?;
    Ok(found)
}

async fn what_opens(
    c: &mut Conn,
    hash: &[u8; 32],
    now: DateTime<Utc>,
) -> Result<Option<Opens>, StoreError> {
    match setup_links::find(c, hash, now).await? {
        None => Ok(None),
        Some(user) if user.is_none() => {
            let admins = users::count_who_may(c, Permission::Accounts).await?;
            Ok((admins == 0).then_some(Opens::First))
        }
        Some(user) => {
            let user = users::find(c, user).await?;
            let may = user.filter(|user| user.enabled && user.deleted_at.is_none());
            Ok(may.map(|user| Opens::Account(Box::new(user))))
        }
    }
}

fn gone(page: &Page<Visitor>) -> PageResult {
    let view = SetupView::new(page.shell(), None, FormState::default());
    page.respond(StatusCode::GONE, &view)
}

fn validate(page: &Page<Visitor>, form: &Form, opens: &Opens) -> FormState {
    let mut fields = form.state();
    if matches!(opens, Opens::First) && username(form.text("username")).is_err() {
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

/// Whose password it is now, and what to tell them.
type Done = (UserId, &'static str);

/// Makes the administrator unless one exists by now; counting and making are one transaction.
async fn create(
    page: &Page<Visitor>,
    state: &WebState,
    username: &str,
    hash: String,
) -> Result<Option<Done>, StoreError> {
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
        must_change_password: false,
        role: Role::Owner,
    };
    state
        .db
        .write(move |c| {
            Box::pin(async move {
                if users::count_who_may(c, Permission::Accounts).await? > 0 {
                    return Ok(None);
                }
                let id = users::insert(c, &user, change.at).await?;
                setup_links::delete_of(c, UserId::NONE).await?;
                changes::record(c, &change).await?;
                Ok(Some((id, "public-setup-done")))
            })
        })
        .await
}

/// Gives an account its password, ends its sessions and its links. Nothing where another was faster.
async fn choose(
    page: &Page<Visitor>,
    state: &WebState,
    (user, token): (User, &str),
    hash: String,
) -> Result<Option<Done>, PageError> {
    let change = Change {
        at: state.clock.now(),
        actor: user.username.clone(),
        actor_address: page.peer.address.to_string(),
        action: "user.password".to_owned(),
        object: format!("user {}", user.username),
        before: None,
        after: None,
        reason: "by a one-time link".to_owned(),
    };
    let (token, hash) = (hash_key(token), Secret::new(hash));
    let done = state
        .db
        .write(move |c| {
            Box::pin(async move {
                let link = setup_links::find(c, &token, change.at).await?;
                if link != Some(user.id) {
                    return Ok::<_, StoreError>(None);
                }
                setup_links::delete_of(c, user.id).await?;
                users::set_password(c, user.id, &hash, false, change.at).await?;
                sessions::delete_of(c, user.id, None).await?;
                changes::note(c, &change).await?;
                Ok(Some((user.id, "public-setup-chosen")))
            })
        })
        .await?;
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Lang;

    #[test]
    fn renders_open_and_gone() {
        for lang in Lang::ALL {
            let page = Shell::sample(lang);
            for opens in [Some(Opens::First), None] {
                let html = SetupView::new(&page, opens.as_ref(), FormState::default())
                    .render()
                    .unwrap();
                assert_eq!(html.contains("new-password"), opens.is_some());
            }
        }
    }
}
