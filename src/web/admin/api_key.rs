//! One API key: its rules, how much of its limits is used, and its end.

use actix_web::web;
use askama::Template;
use modelgate_domain::{ApiKeyId, LimitScope};
use modelgate_store::api_keys::{ApiKey, ApiKeyData};
use modelgate_store::{api_keys, changes, limits, time_rules};

use super::api_keys::form::{self, Choices, Edit, KeyForm};
use super::api_keys::{PATH, shown, state_of};
use super::components::confirm;
use super::components::fields::{Dot, answer, change, save};
use super::components::removal::{Ended, Ending};
use super::components::rows;
use super::components::usage::{self, Usage};
use crate::web::error::PageError;
use crate::web::form::{Form, FormState};
use crate::web::page::{Delete, Look, Operate, Page, PageResult};
use crate::web::routes::Routes;
use crate::web::shell::Shell;
use crate::web::state::WebState;

#[derive(Template)]
#[template(path = "admin/api_key.html", blocks = ["usage"])]
struct ApiKeyView<'a> {
    page: &'a Shell,
    name: String,
    shown: String,
    key_state: Dot,
    at: String,
    logs: String,
    /// Its rules in a sentence; empty where it has none.
    summary: String,
    usage: Usage,
    key: KeyForm,
}

struct Loaded {
    row: ApiKey,
    edit: Edit,
    choices: Choices,
}

const REVOKE: Ending = Ending {
    texts: "admin-api-key-revoke-",
    done: "admin-api-key-revoked",
    value: "name",
    action: "api_key.revoke",
};

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes
        .get("/admin/api-keys/{id}", get)
        .post("/admin/api-keys/{id}", post)
        .get("/admin/api-keys/{id}/revoke", ask_revoke)
        .post("/admin/api-keys/{id}/revoke", revoke);
}

async fn load(state: &WebState, id: i64) -> Result<Loaded, PageError> {
    let id = ApiKeyId(id);
    state
        .db
        .read(move |c| {
            Box::pin(async move {
                let row = api_keys::find(c, id)
                    .await?
                    .filter(|key| key.deleted_at.is_none())
                    .ok_or(PageError::NotFound)?;
                Ok::<_, PageError>(Loaded {
                    edit: Edit {
                        data: ApiKeyData::from(row.clone()),
                        allowed: api_keys::allowed_of(c, id).await?,
                        time_rules: time_rules::of(c, id).await?,
                        limits: limits::of(c, LimitScope::ApiKey, id.0).await?,
                    },
                    row,
                    choices: Choices::read(c).await?,
                })
            })
        })
        .await
}

async fn get(page: Page<Look>, state: web::Data<WebState>, id: web::Path<i64>) -> PageResult {
    let loaded = load(&state, *id).await?;
    let stored = loaded.edit.stored(&page, &loaded.choices);
    let usage = usage::of(&page, &state.admission, &loaded.edit.limits, &|id| {
        loaded.choices.model_name(id)
    })
    .await;
    let view = view(&page, &state, (&loaded, usage), stored);
    page.show_or(&view, &view.as_usage())
}

fn view<'a>(
    page: &'a Shell,
    web: &WebState,
    (loaded, usage): (&Loaded, Usage),
    state: FormState,
) -> ApiKeyView<'a> {
    let (row, edit) = (&loaded.row, &loaded.edit);
    let at = page.url(&format!("{PATH}/{}", row.id));
    ApiKeyView {
        page,
        name: row.name.clone(),
        shown: shown(row),
        key_state: state_of(page, row, web.clock.now()),
        logs: page.url(&format!("/admin/logs?key={}", row.id)),
        summary: edit.sentence(page, &loaded.choices),
        usage,
        key: KeyForm::new(page, &loaded.choices, state, at.clone()),
        at,
    }
}

async fn post(
    page: Page<Operate>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
    form: Form,
) -> PageResult {
    let loaded = load(&state, *id).await?;
    let usage = usage::of(&page, &state.admission, &loaded.edit.limits, &|id| {
        loaded.choices.model_name(id)
    })
    .await;
    let again = |form_state: FormState| {
        let more = rows::wants_more(&form_state);
        page.once_more(
            &view(&page, &state, (&loaded, usage.clone()), form_state),
            more,
        )
    };
    let read = form::read(&page, &form, &loaded.choices);
    let edit = match read {
        Ok(edit) => edit,
        Err(form_state) => return again(form_state),
    };
    let object = format!("api_key {}", loaded.row.name);
    let after = edit.audited(&loaded.choices);
    let mut entry = change(&page, &state, "api_key.update", object, Some(after));
    entry.before = Some(loaded.edit.audited(&loaded.choices));
    let id = loaded.row.id;
    let saved = save(&page, &state, &form, move |c| {
        Box::pin(async move {
            if !api_keys::update(c, id, &edit.data, entry.at).await? {
                return Err(PageError::NotFound.into());
            }
            edit.write_rules(c, id).await?;
            changes::record(c, &entry).await?;
            Ok(())
        })
    })
    .await?;
    let told = page.t("admin-api-key-saved");
    answer(&page, saved, (&format!("{PATH}/{id}"), told), again)
}

async fn ask_revoke(
    page: Page<Delete>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
) -> PageResult {
    let key = load(&state, *id).await?.row;
    let back = format!("{PATH}/{}", key.id);
    let question = REVOKE.question(&page, &key.name, (&format!("{back}/revoke"), &back));
    confirm::ask(&page, &question)
}

async fn revoke(
    page: Page<Delete>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
    _form: Form,
) -> PageResult {
    let loaded = load(&state, *id).await?;
    let id = loaded.row.id;
    let ended = Ended {
        object: format!("api_key {}", loaded.row.name),
        before: Some(loaded.edit.audited(&loaded.choices)),
        name: loaded.row.name,
        to: PATH.to_owned(),
    };
    REVOKE
        .end(&page, &state, ended, move |c, entry| {
            Box::pin(async move { api_keys::delete(c, id, entry.at).await.map(drop) })
        })
        .await
}
