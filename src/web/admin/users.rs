//! The list of accounts, the form that makes one, and the one-time link by which its owner chooses a password.

use actix_web::web;
use askama::Template;
use modelgate_domain::{Limit, LimitScope, Permission, Role, UserId, naming};
use modelgate_store::users::{NewUser, User, UserData};
use modelgate_store::{StoreError, changes, limits, users};

use super::components::fields::{Dot, Fields, Refused, change, save};
use super::components::summary;
use crate::config::username;
use crate::secrets::random_token;
use crate::web::error::PageError;
use crate::web::form::{Form, FormState};
use crate::web::page::{Accounts, Look, Page, PageResult};
use crate::web::public::landing::root_url;
use crate::web::public::setup::{self, INVITE_HOURS};
use crate::web::routes::Routes;
use crate::web::shell::{Moment, Shell};
use crate::web::state::WebState;

pub(super) const PATH: &str = "/admin/users";

#[derive(Template)]
#[template(path = "admin/users.html")]
struct UsersView<'a> {
    page: &'a Shell,
    rows: Vec<Row>,
}

struct Row {
    href: String,
    username: String,
    display_name: String,
    role: String,
    /// Limits and budgets in a sentence; empty where there is none.
    rules: String,
    last_login: Option<Moment>,
    state: Dot,
}

#[derive(Template)]
#[template(path = "admin/user_new.html")]
struct NewView<'a> {
    page: &'a Shell,
    fields: FormState,
    roles: Vec<(String, String)>,
    /// The one-time link, this once, and for whom it is.
    link: Option<(String, String)>,
    hours: String,
}

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes
        .get(PATH, get)
        .post(PATH, post)
        .get("/admin/users/new", new);
}

async fn get(page: Page<Look>, state: web::Data<WebState>) -> PageResult {
    let (all, limits) = state
        .db
        .read(|c| {
            Box::pin(
                async move { Ok::<_, StoreError>((users::list(c).await?, limits::list(c).await?)) },
            )
        })
        .await?;
    let row = |user: User| {
        let own = limits
            .iter()
            .filter(|l| l.scope == LimitScope::User && l.scope_id == user.id.0);
        let own: Vec<Limit> = own.cloned().collect();
        Row {
            href: page.url(&format!("{PATH}/{}", user.id)),
            role: page.t_code("admin-users-role-", user.role.as_str()),
            rules: summary::of_limits(page.lang, &own),
            last_login: user
                .last_login_at
                .map(|at| page.moment(at.timestamp_millis())),
            state: state_of(&page, &user),
            username: user.username,
            display_name: user.display_name,
        }
    };
    let rows = all.into_iter().map(row).collect();
    page.show(&UsersView { page: &page, rows })
}

pub(super) fn state_of(page: &Shell, user: &User) -> Dot {
    if !user.enabled {
        Dot::new("muted", page.t("admin-users-off"))
    } else if user.password_hash.is_none() {
        Dot::new("warning", page.t("admin-users-invited"))
    } else {
        Dot::new("success", page.t("admin-users-active"))
    }
}

/// Whether the person may decide about accounts of this role.
pub(super) fn may_touch(page: &Shell, role: Role) -> bool {
    page.may(if role.runs_the_gateway() {
        Permission::Owners
    } else {
        Permission::Accounts
    })
}

/// The roles that the person may give, for a form.
pub(super) fn roles(page: &Shell) -> Vec<(String, String)> {
    let all = Role::ALL.iter().filter(|role| may_touch(page, **role));
    all.map(|role| {
        let text = page.t_code("admin-users-role-", role.as_str());
        (role.to_string(), text)
    })
    .collect()
}

/// What the form of an account says of it; the name stands for itself.
pub(super) fn read(fields: &mut Fields<'_>, page: &Shell, username: String) -> UserData {
    let role = fields.state.value("role").parse().unwrap_or_default();
    if !may_touch(page, role) {
        fields.fail("role", "admin-users-bad-role");
    }
    let short = |text: &str| match text {
        "" => Ok(()),
        text => naming::label(text),
    };
    UserData {
        username,
        display_name: fields.text("display_name", short, "admin-users-bad-display-name"),
        role,
        enabled: fields.state.is_checked("enabled"),
    }
}

async fn new(page: Page<Accounts>) -> PageResult {
    let fields = FormState::default().with("role", Role::User.as_str());
    page.show(&new_view(&page, fields, None))
}

fn new_view(page: &Shell, fields: FormState, link: Option<(String, String)>) -> NewView<'_> {
    NewView {
        page,
        fields,
        roles: roles(page),
        link,
        hours: page.counted("admin-users-link-body", INVITE_HOURS),
    }
}

async fn post(page: Page<Accounts>, state: web::Data<WebState>, form: Form) -> PageResult {
    let again = |fields: FormState| {
        let view = new_view(&page, fields, None);
        page.invalid_or(&view, &view)
    };
    let mut fields = Fields::new(&page, &form);
    let name = fields.text(
        "username",
        |text| username(text).map(drop),
        "user-account-username-invalid",
    );
    let data = read(&mut fields, &page, name);
    let data = match fields.finish(data) {
        Ok(data) => data,
        Err(fields) => return again(fields),
    };
    let user = NewUser {
        username: data.username,
        email: None,
        display_name: data.display_name,
        password_hash: None,
        must_change_password: false,
        role: data.role,
    };
    let after = serde_json::json!({
        "username": user.username, "display_name": user.display_name, "role": user.role,
    });
    let (name, token) = (
        user.username.clone(),
        random_token().map_err(PageError::internal)?,
    );
    let link = address(&page, &state, token.expose());
    let entry = change(
        &page,
        &state,
        "user.create",
        format!("user {name}"),
        Some(after),
    );
    let made = save(&page, &state, &form, move |c| {
        Box::pin(async move {
            if users::is_taken(c, &user.username).await? {
                return Err(Refused::Field("username", "admin-users-taken-username"));
            }
            let id = users::insert(c, &user, entry.at).await?;
            setup::open(c, &token, id, entry.at).await?;
            changes::record(c, &entry).await?;
            Ok(())
        })
    })
    .await?;
    match made {
        Ok(()) => page.show(&new_view(&page, FormState::default(), Some((name, link)))),
        Err(fields) => again(fields),
    }
}

/// Makes another link for an account, in place of those before, and shows it once.
pub(super) async fn invite(page: &Page<Accounts>, state: &WebState, user: User) -> PageResult {
    let token = random_token().map_err(PageError::internal)?;
    let link = address(page, state, token.expose());
    let (id, name): (UserId, String) = (user.id, user.username);
    let entry = change(page, state, "user.invite", format!("user {name}"), None);
    state
        .db
        .write(move |c| {
            Box::pin(async move {
                modelgate_store::setup_links::delete_of(c, id).await?;
                setup::open(c, &token, id, entry.at).await?;
                changes::note(c, &entry).await
            })
        })
        .await
        .map_err(|error: StoreError| PageError::from(error))?;
    page.show(&new_view(page, FormState::default(), Some((name, link))))
}

fn address(page: &Page<Accounts>, state: &WebState, token: &str) -> String {
    format!("{}/setup/{token}", root_url(page, state))
}
