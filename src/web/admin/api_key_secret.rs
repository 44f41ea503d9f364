//! The secret of an API key: the sheet that goes to its holder, another secret in place of this one, and the ends of the
//! old one and of a one-time link.

use actix_web::web;
use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};
use modelgate_domain::api_key::KeyText;
use modelgate_domain::{ApiKeyId, Secret};
use modelgate_store::api_keys::{self, Allowed, ApiKey, KeyMaterial};
use modelgate_store::key_links::{self, Kind};
use modelgate_store::{Conn, StoreError, changes, sessions};
use serde_json::{Value, json};

use super::api_key::{Loaded, load};
use super::api_keys::PATH;
pub(in crate::web) use super::api_keys::material;
use super::components::fields::change;
use crate::catalog::AllowedModels;
use crate::secrets::{Keyring, new_api_key, random_token};
use crate::web::error::PageError;
use crate::web::flash::Toast;
use crate::web::form::Form;
use crate::web::page::{Look, Page, PageResult, Secrets};
use crate::web::public::handover::{self, HOURS};
use crate::web::public::landing::root_url;
use crate::web::routes::Routes;
use crate::web::shell::{Moment, Shell};
use crate::web::state::WebState;
use crate::web::tools::{self, ToolView, find};

/// Of the tools, those on a sheet of paper: a coding tool, a desktop program, and the call itself.
const ON_PAPER: [&str; 3] = ["opencode", "cherry-studio", "curl"];
/// How long the old secret may go on working, in hours; 0 is not at all.
const OVERLAPS: [(&str, i64); 4] = [("now", 0), ("hour", 1), ("day", 24), ("week", 168)];

#[derive(Template)]
#[template(path = "admin/api_key_secret.html")]
struct SheetView<'a> {
    page: &'a Shell,
    name: String,
    shown: String,
    at: String,
    /// Set where the key has just been made.
    fresh: Option<Fresh>,
    base_url: String,
    login: String,
    /// What it may call; empty for everything there is.
    models: Vec<String>,
    is_all: bool,
    /// Its rules in a sentence; empty where it has none.
    rules: String,
    expires: Option<Moment>,
    tools: Vec<ToolView>,
}

/// What is known this once.
struct Fresh {
    secret: String,
    /// The one-time link and its end; nothing where the key is handed over by hand.
    link: Option<(String, Moment)>,
    /// Until when the secret before goes on working; nothing where there is none.
    overlap: Option<Moment>,
}

/// How a key that is made gets to its holder.
#[derive(Clone, Debug, Default)]
pub(super) struct Handover(Option<(Secret, i64)>);

impl Handover {
    /// What the form says: nothing, or for how many hours a one-time link works.
    pub(super) fn read(form: &Form) -> Result<Self, PageError> {
        let hours = HOURS
            .into_iter()
            .find(|h| h.to_string() == form.text("handover"));
        let link = hours.map(|hours| random_token().map(|token| (token, hours)));
        Ok(Self(link.transpose().map_err(PageError::internal)?))
    }

    /// The form's choices: value and text.
    pub(super) fn choices(page: &Shell) -> Vec<(String, String)> {
        let links = HOURS.into_iter().map(|hours| {
            let text = page.counted("admin-api-key-handover-link", hours);
            (hours.to_string(), text)
        });
        std::iter::once((String::new(), page.t("admin-api-key-handover-none")))
            .chain(links)
            .collect()
    }

    /// Says so in what the audit log keeps.
    pub(super) fn note(&self, after: &mut Value) {
        if let Some((_, hours)) = &self.0 {
            after["one_time_link_hours"] = json!(hours);
        }
    }

    /// Makes the link, in the transaction that makes the key.
    pub(super) async fn open(
        &self,
        c: &mut Conn,
        keyring: &Keyring,
        (id, key): (ApiKeyId, &KeyText),
        now: DateTime<Utc>,
    ) -> Result<(), PageError> {
        match &self.0 {
            Some((token, hours)) => {
                handover::open(c, keyring, (token, *hours), (id, key.expose()), now).await
            }
            None => Ok(()),
        }
    }
}

/// For how long the old secret goes on: the form's choices.
pub(super) fn overlaps(page: &Shell) -> Vec<(&'static str, String)> {
    let text = |name: &str| page.t_code("admin-api-key-overlap-", name);
    OVERLAPS
        .iter()
        .map(|(name, _)| (*name, text(name)))
        .collect()
}

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes
        .get("/admin/api-keys/{id}/sheet", sheet)
        .post("/admin/api-keys/{id}/rotate", rotate)
        .post("/admin/api-keys/{id}/previous/end", end_previous)
        .post("/admin/api-keys/{id}/link/end", end_link);
}

async fn sheet(page: Page<Look>, state: web::Data<WebState>, id: web::Path<i64>) -> PageResult {
    let loaded = load(&state, *id).await?;
    page.show(&view(&page, &state, &loaded, None))
}

/// The sheet of a key that has just been made, with what is shown this once.
pub(super) async fn made(
    page: &Page<Secrets>,
    state: &WebState,
    id: ApiKeyId,
    (key, handover): (&KeyText, &Handover),
) -> PageResult {
    let loaded = load(state, id.0).await?;
    let now = state.clock.now();
    let link = handover.0.as_ref().map(|(token, hours)| {
        let address = format!("{}/handover/{}", root_url(page, state), token.expose());
        let end = now
            .checked_add_signed(TimeDelta::hours(*hours))
            .unwrap_or(now);
        (address, page.moment(end.timestamp_millis()))
    });
    let overlap = loaded.row.previous_until.filter(|until| *until > now);
    let fresh = Fresh {
        secret: key.expose().to_owned(),
        link,
        overlap: overlap.map(|until| page.moment(until.timestamp_millis())),
    };
    page.show(&view(page, state, &loaded, Some(fresh)))
}

fn view<'a, G>(
    page: &'a Page<G>,
    state: &WebState,
    loaded: &Loaded,
    fresh: Option<Fresh>,
) -> SheetView<'a> {
    let (row, edit) = (&loaded.row, &loaded.edit);
    let allowed = allowed(row, &edit.allowed);
    let models = state.catalog.load().visible(&allowed);
    let values = tools::values(page, state, &allowed, ("", ""));
    let shown = |values| {
        let tools = ON_PAPER.iter().filter_map(|id| find(id));
        tools
            .map(|tool| ToolView::new(page, tool, values))
            .collect()
    };
    let root = root_url(page, state);
    SheetView {
        page: page.shell(),
        name: row.name.clone(),
        shown: row.shown(),
        at: page.url(&format!("{PATH}/{}", row.id)),
        fresh,
        base_url: format!("{root}/v1"),
        login: format!("{root}/user/login"),
        models: models.iter().map(|model| model.name.to_string()).collect(),
        is_all: row.all_models,
        rules: edit.sentence(page, &loaded.choices),
        expires: row.expires_at.map(|at| page.moment(at.timestamp_millis())),
        tools: values.as_ref().map(shown).unwrap_or_default(),
    }
}

/// The allow-list as the catalog has it, which may not know the key yet.
fn allowed(row: &ApiKey, entries: &[Allowed]) -> AllowedModels {
    if row.all_models {
        return AllowedModels::All;
    }
    let of_model = |entry: &Allowed| match entry {
        Allowed::Model(id) => Some(*id),
        Allowed::Target(_) => None,
    };
    let of_target = |entry: &Allowed| match entry {
        Allowed::Target(id) => Some(*id),
        Allowed::Model(_) => None,
    };
    AllowedModels::Only {
        models: entries.iter().filter_map(of_model).collect(),
        targets: entries.iter().filter_map(of_target).collect(),
    }
}

async fn rotate(
    page: Page<Secrets>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
    form: Form,
) -> PageResult {
    let row = load(&state, *id).await?.row;
    let back = format!("{PATH}/{}", row.id);
    let overlap = OVERLAPS
        .iter()
        .find(|(name, _)| *name == form.text("overlap"));
    let Some((_, hours)) = overlap else {
        return page.redirect_with(&back, &Toast::error(page.t("rules-bad-choice")));
    };
    let meanwhile = || Toast::error(page.t("admin-api-key-rotated-meanwhile"));
    if form.text("of") != row.shown() {
        return page.redirect_with(&back, &meanwhile());
    }
    let key = new_api_key().map_err(PageError::internal)?;
    let (new, handover) = (material(&key), Handover::read(&form)?);
    let now = state.clock.now();
    let until = now
        .checked_add_signed(TimeDelta::hours(*hours))
        .unwrap_or(now);
    let object = format!("api_key {}", row.name);
    let mut after = json!({
        "key": format!("{}…{}", new.prefix, new.last4), "previous": row.shown(), "previous_until": until,
    });
    handover.note(&mut after);
    let mut entry = change(&page, &state, "api_key.rotate", object, Some(after));
    entry.before = Some(json!({ "key": row.shown() }));
    let (keyring, sealed, link, id) = (
        std::sync::Arc::clone(&state.keyring),
        key.clone(),
        handover.clone(),
        row.id,
    );
    let done = state
        .db
        .write(move |c| {
            Box::pin(async move {
                if !replace(c, &row, &new, (until, now)).await? {
                    return Ok::<_, PageError>(false);
                }
                link.open(c, &keyring, (row.id, &sealed), now).await?;
                changes::record(c, &entry).await?;
                Ok(true)
            })
        })
        .await?;
    if !done {
        return page.redirect_with(&back, &meanwhile());
    }
    made(&page, &state, id, (&key, &handover)).await
}

/// Gives a key another secret; false where somebody else was faster. Whoever logged in with the old one logs in anew, and
/// a link to it shows nothing any more.
pub(in crate::web) async fn replace(
    c: &mut Conn,
    row: &ApiKey,
    new: &KeyMaterial,
    (until, now): (DateTime<Utc>, DateTime<Utc>),
) -> Result<bool, StoreError> {
    if !api_keys::rotate(c, row, new, until, now).await? {
        return Ok(false);
    }
    sessions::delete_of_key(c, row.id).await?;
    key_links::delete_of(c, row.id, Kind::Reveal).await?;
    Ok(true)
}

async fn end_previous(
    page: Page<Secrets>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
    _form: Form,
) -> PageResult {
    let row = load(&state, *id).await?.row;
    let object = format!("api_key {}", row.name);
    let mut entry = change(&page, &state, "api_key.end_previous", object, None);
    entry.before = Some(json!({ "key": row.previous_shown, "until": row.previous_until }));
    let id = row.id;
    state
        .db
        .write(move |c| {
            Box::pin(async move {
                if api_keys::end_previous(c, id, entry.at).await? {
                    sessions::delete_of_key(c, id).await?;
                    changes::record(c, &entry).await?;
                }
                Ok::<_, PageError>(())
            })
        })
        .await?;
    let told = Toast::success(page.t("admin-api-key-previous-ended"));
    page.redirect_with(&format!("{PATH}/{id}"), &told)
}

async fn end_link(
    page: Page<Secrets>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
    _form: Form,
) -> PageResult {
    let row = load(&state, *id).await?.row;
    let object = format!("api_key {}", row.name);
    let entry = change(&page, &state, "api_key.end_link", object, None);
    let id = row.id;
    state
        .db
        .write(move |c| {
            Box::pin(async move {
                if key_links::delete_of(c, id, Kind::Reveal).await? > 0 {
                    changes::note(c, &entry).await?;
                }
                Ok::<_, PageError>(())
            })
        })
        .await?;
    let told = Toast::success(page.t("admin-api-key-link-ended"));
    page.redirect_with(&format!("{PATH}/{id}"), &told)
}
