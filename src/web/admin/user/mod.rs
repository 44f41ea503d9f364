//! One account: what it may do, how much of its limits is used, its keys, and another link for its password.

mod delete;

use actix_web::web;
use askama::Template;
use modelgate_domain::{Limit, LimitScope, Permission, UserId};
use modelgate_store::users::{User, UserData};
use modelgate_store::{Conn, api_keys, changes, limits, users};
use serde_json::{Value, json};

use super::components::allowances::{self, Allowances, Subject};
use super::components::fields::{Dot, Fields, Refused, answer, change, save};
use super::components::usage::{self, Usage};
use super::components::version::{self, Opened};
use super::components::{rows, summary};
use super::users::{PATH, invite, may_touch, read, roles, state_of};
use crate::web::error::PageError;
use crate::web::form::{Form, FormState};
use crate::web::page::{Accounts, Look, Page, PageResult};
use crate::web::routes::Routes;
use crate::web::shell::{Moment, Shell};
use crate::web::state::WebState;

#[derive(Template)]
#[template(path = "admin/user.html", blocks = ["usage"])]
struct UserView<'a> {
    page: &'a Shell,
    username: String,
    role: String,
    user_state: Dot,
    last_login: Option<Moment>,
    at: String,
    /// Its limits in a sentence; empty where it has none.
    summary: String,
    usage: Usage,
    /// Address and name of each of its API keys.
    keys: Vec<(String, String)>,
    fields: FormState,
    roles: Vec<(String, String)>,
    allowances: Allowances,
    /// Whether the person may change this account.
    may_change: bool,
    /// Whether he may delete it: not his own.
    may_end: bool,
}

struct Loaded {
    user: User,
    limits: Vec<Limit>,
    keys: Vec<(i64, String)>,
}

/// Limits of an account are on all models together.
const SUBJECT: Subject<'static> = Subject {
    scope: LimitScope::User,
    models: &[],
};

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes
        .get("/admin/users/{id}", get)
        .post("/admin/users/{id}", post)
        .get("/admin/users/{id}/delete", delete::ask)
        .post("/admin/users/{id}/delete", delete::post)
        .post("/admin/users/{id}/link", link);
}

async fn load(state: &WebState, id: i64) -> Result<Loaded, PageError> {
    let read = state
        .db
        .read(move |c| Box::pin(async move { Loaded::read(c, UserId(id)).await }));
    read.await
}

impl Loaded {
    async fn read(c: &mut Conn, id: UserId) -> Result<Self, PageError> {
        let user = users::find(c, id)
            .await?
            .filter(|user| user.deleted_at.is_none())
            .ok_or(PageError::NotFound)?;
        let keys = api_keys::list(c).await?.into_iter();
        let own = keys.filter(|key| key.user_id == id);
        Ok(Self {
            user,
            limits: limits::of(c, LimitScope::User, id.0).await?,
            keys: own.map(|key| (key.id.0, key.name)).collect(),
        })
    }

    /// What the audit log calls it.
    fn object(&self) -> String {
        format!("user {}", self.user.username)
    }

    /// The fields of what is stored.
    fn stored(&self) -> FormState {
        let state = FormState::default()
            .with("display_name", &self.user.display_name)
            .with("role", self.user.role.as_str())
            .ticked("enabled", self.user.enabled);
        allowances::stored(state, &self.limits, SUBJECT)
    }
}

/// The same for somebody who may change the account.
async fn load_to_change(
    page: &Page<Accounts>,
    state: &WebState,
    id: i64,
) -> Result<Loaded, PageError> {
    let loaded = load(state, id).await?;
    if may_touch(page, loaded.user.role) {
        Ok(loaded)
    } else {
        Err(PageError::Forbidden)
    }
}

async fn get(page: Page<Look>, state: web::Data<WebState>, id: web::Path<i64>) -> PageResult {
    let loaded = load(&state, *id).await?;
    let stored = version::stamped(loaded.stored(), &loaded.object());
    let usage = usage::of(&page, &state.admission, &loaded.limits, &|_| String::new()).await;
    let view = view(&page, (&loaded, usage), stored);
    page.show_or(&view, &view.as_usage())
}

fn view<'a>(page: &'a Shell, (loaded, usage): (&Loaded, Usage), fields: FormState) -> UserView<'a> {
    let user = &loaded.user;
    let keys = loaded.keys.iter();
    let may_change = page.may(Permission::Accounts) && may_touch(page, user.role);
    UserView {
        page,
        username: user.username.clone(),
        role: page.t_code("admin-users-role-", user.role.as_str()),
        user_state: state_of(page, user),
        last_login: user
            .last_login_at
            .map(|at| page.moment(at.timestamp_millis())),
        at: page.url(&format!("{PATH}/{}", user.id)),
        summary: summary::of_limits(page.lang, &loaded.limits),
        usage,
        keys: keys
            .map(|(id, name)| (page.url(&format!("/admin/api-keys/{id}")), name.clone()))
            .collect(),
        roles: roles(page),
        allowances: allowances::view(page, &fields, SUBJECT),
        fields,
        may_end: may_change && page.user.as_ref().is_some_and(|me| me.id != user.id),
        may_change,
    }
}

async fn post(
    page: Page<Accounts>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
    form: Form,
) -> PageResult {
    let loaded = load_to_change(&page, &state, *id).await?;
    let usage = usage::of(&page, &state.admission, &loaded.limits, &|_| String::new()).await;
    let again = |fields: FormState| {
        let more = rows::wants_more(&fields);
        page.once_more(&view(&page, (&loaded, usage.clone()), fields), more)
    };
    let mut fields = Fields::new(&page, &form);
    if rows::wants_more(&fields.state) {
        return again(fields.state);
    }
    let data = read(&mut fields, &page, loaded.user.username.clone());
    let wanted = allowances::read(&mut fields, SUBJECT);
    let (data, wanted) = match fields.finish((data, wanted)) {
        Ok(read) => read,
        Err(fields) => return again(fields),
    };
    let id = loaded.user.id;
    let after = audited(&data, &wanted);
    let mut entry = change(&page, &state, "user.update", loaded.object(), Some(after));
    entry.before = Some(audited(&loaded.user.clone().into(), &loaded.limits));
    let opened = Opened::of(&form);
    let saved = save(&page, &state, &form, move |c| {
        Box::pin(async move {
            let now = Loaded::read(c, id).await?;
            opened.check(c, &now.stored(), &now.object()).await?;
            let owners = users::count_who_may(c, Permission::Owners).await?;
            if !users::update(c, id, &data, entry.at).await? {
                return Err(PageError::NotFound.into());
            }
            if owners > 0 && users::count_who_may(c, Permission::Owners).await? == 0 {
                return Err(Refused::Field("role", "admin-user-last-owner"));
            }
            limits::replace(c, LimitScope::User, id.0, &wanted).await?;
            changes::record(c, &entry).await?;
            Ok(())
        })
    })
    .await?;
    let told = page.t("admin-user-saved");
    answer(&page, saved, (&format!("{PATH}/{id}"), told), again)
}

async fn link(
    page: Page<Accounts>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
    _form: Form,
) -> PageResult {
    let loaded = load_to_change(&page, &state, *id).await?;
    invite(&page, &state, loaded.user).await
}

fn audited(data: &UserData, limits: &[Limit]) -> Value {
    json!({
        "username": data.username, "display_name": data.display_name, "role": data.role,
        "enabled": data.enabled, "limits": allowances::audited(limits, SUBJECT),
    })
}
