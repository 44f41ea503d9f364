//! `setup.md`: what to do, written so that a coding agent can follow it, and the one-time link by which an agent reads
//! it. A key never stands in an address.

use actix_web::http::header::CONTENT_TYPE;
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::TimeDelta;
use modelgate_domain::{ApiKeyId, Secret};
use modelgate_store::changes::{self, Change};
use modelgate_store::key_links::{self, Kind, NewLink};
use modelgate_store::{StoreError, api_keys};
use serde::Deserialize;

use super::super::own::Own;
use super::{OPENCODE, Query, Said, show};
use crate::catalog::ApiKey;
use crate::secrets::{hash_key, random_token};
use crate::web::encode_query;
use crate::web::error::PageError;
use crate::web::form::Form;
use crate::web::page::{Guard, Holder, Page, PageResult, Visitor};
use crate::web::public::landing::root_url;
use crate::web::session::is_usable;
use crate::web::state::WebState;
use crate::web::tools;

/// How long a link works.
pub(super) const MINUTES: i64 = 30;

/// What the address may hold. `key` was once a key: now it is the number of one of one's own.
#[derive(Debug, Default, Deserialize)]
pub(in crate::web) struct Asked {
    token: Option<String>,
    key: Option<String>,
    api_key: Option<String>,
    #[serde(default)]
    model: String,
}

/// `GET /opencode/setup.md`
pub(in crate::web) async fn get(
    page: Page<Visitor>,
    state: web::Data<WebState>,
    request: HttpRequest,
    asked: web::Query<Asked>,
) -> PageResult {
    let number = asked.key.as_deref().map(str::parse::<i64>);
    if asked.api_key.is_some() || matches!(number, Some(Err(_))) {
        return Ok(how(
            &page,
            &state,
            StatusCode::BAD_REQUEST,
            "user-tools-setup-old",
        ));
    }
    let catalog = state.catalog.load_full();
    if let Some(token) = &asked.token {
        let looks_only = request.method() == Method::HEAD;
        let Some(id) = take(&state, token, looks_only).await? else {
            return Ok(how(
                &page,
                &state,
                StatusCode::GONE,
                "user-tools-setup-gone",
            ));
        };
        let key = catalog.keys.values().find(|key| key.id == id);
        return match key {
            Some(key) => text(&page, &state, key, &asked.model),
            None => Err(PageError::NotFound),
        };
    }
    let Ok(holder) = Holder::admit(page.shell()) else {
        return Ok(how(
            &page,
            &state,
            StatusCode::UNAUTHORIZED,
            "user-tools-setup-how",
        ));
    };
    let own = Own::must(&holder, &catalog, number.and_then(Result::ok))?;
    text(&page, &state, &own.key, &asked.model)
}

/// The key that a link is about, which is used up by that, unless only the head is asked for; nothing where either does
/// not work.
async fn take(
    state: &WebState,
    token: &str,
    looks_only: bool,
) -> Result<Option<ApiKeyId>, PageError> {
    let (hash, now) = (hash_key(token), state.clock.now());
    let taken = state
        .db
        .write(move |c| {
            Box::pin(async move {
                let found = if looks_only {
                    key_links::find(c, &hash, Kind::Setup, now).await?
                } else {
                    let taken = key_links::take(c, &hash, Kind::Setup, now).await?;
                    taken.map(|(id, _)| id)
                };
                let Some(id) = found else {
                    return Ok::<_, StoreError>(None);
                };
                let key = api_keys::find(c, id).await?;
                Ok(key.filter(|key| is_usable(key, now)).map(|key| key.id))
            })
        })
        .await?;
    Ok(taken)
}

fn text(page: &Page<Visitor>, state: &WebState, key: &ApiKey, model: &str) -> PageResult {
    let values = tools::values(page, state, &key.allowed, ("", model));
    let (Some(values), Some(tool)) = (values, tools::find(OPENCODE)) else {
        return Err(PageError::NotFound);
    };
    let models = values.choices();
    let models: Vec<String> = models
        .iter()
        .map(|(name, _)| format!("- `{name}`"))
        .collect();
    let text = page.t_with(
        "user-tools-setup",
        &[
            ("place", &tool.place),
            ("models", &models.join("\n")),
            ("config", &tool.text(&values)),
        ],
    );
    Ok(markdown(StatusCode::OK, text))
}

/// Why there is nothing to read, and how to get a link.
fn how(page: &Page<Visitor>, state: &WebState, status: StatusCode, key: &str) -> HttpResponse {
    let at = format!("{}/user/tools", root_url(page, state));
    let steps = page.t1("user-tools-setup-steps", "at", at);
    markdown(status, format!("{}\n\n{steps}\n", page.t(key)))
}

fn markdown(status: StatusCode, text: String) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((CONTENT_TYPE, "text/markdown; charset=utf-8"))
        .body(text)
}

/// `POST /user/tools/link`: makes a link, in place of those before, and shows it once.
pub(in crate::web) async fn post(
    page: Page<Holder>,
    state: web::Data<WebState>,
    form: Form,
) -> PageResult {
    let query = Query::of(&form);
    let own = Own::must(&page.who, &state.catalog.load_full(), query.key)?;
    let wanted = tools::values(&page, &state, &own.key.allowed, ("", &query.model));
    let model = wanted.map_or_else(String::new, |values| {
        format!("&model={}", encode_query(values.model()))
    });
    let token = random_token().map_err(PageError::internal)?;
    let now = state.clock.now();
    let end = now.checked_add_signed(TimeDelta::minutes(MINUTES));
    let link = NewLink {
        token_hash: hash_key(token.expose()),
        api_key_id: own.key.id,
        kind: Kind::Setup,
        sealed: Secret::new(""),
        expires_at: end.unwrap_or(now),
    };
    let change = Change {
        at: now,
        actor: actor(&page.who),
        actor_address: page.peer.address.to_string(),
        action: "api_key.setup_link".to_owned(),
        object: format!("api_key {}", own.key.name),
        before: None,
        after: None,
        reason: String::new(),
    };
    state
        .db
        .write(move |c| {
            Box::pin(async move {
                key_links::delete_of(c, link.api_key_id, Kind::Setup).await?;
                key_links::insert(c, &link, now).await?;
                changes::note(c, &change).await?;
                Ok::<_, PageError>(())
            })
        })
        .await?;
    let root = root_url(&page, &state);
    let said = Said {
        link: Some(format!(
            "{root}/opencode/setup.md?token={}{model}",
            token.expose()
        )),
        ..Said::default()
    };
    show(&page, &state, &query, said)
}

/// What the audit log calls a holder.
pub(super) fn actor(holder: &Holder) -> String {
    match holder {
        Holder::Account(user) => user.username.clone(),
        Holder::Key(key) => format!("holder of {}", key.name),
    }
}
