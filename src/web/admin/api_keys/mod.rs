//! The list of API keys with what can be done with many of them, and the form that makes one.

mod bulk;
pub(super) mod form;
mod query;

use std::collections::{BTreeSet, HashMap};

use actix_web::http::StatusCode;
use actix_web::web;
use askama::Template;
use chrono::{DateTime, Utc};
use modelgate_domain::{ApiKeyId, Limit, LimitScope, Range, TimeRule, UserId};
use modelgate_store::api_keys::{Allowed, ApiKey, KeyMaterial};
use modelgate_store::usage::{Dimension, Totals};
use modelgate_store::{api_keys, changes, limits, time_rules};
use serde::Deserialize;

use self::form::{Choices, Edit, KeyForm};
use self::query::{Known, Query, ROWS, STATES, Sort, State};
use super::api_key_secret::{self, Handover};
use super::components::fields::{Dot, change, save};
use super::components::rows;
use crate::secrets::{hash_key, new_api_key};
use crate::web::error::PageError;
use crate::web::figures::money_of;
use crate::web::form::{Form, FormState};
use crate::web::page::{Look, Page, PageResult, Secrets};
use crate::web::routes::Routes;
use crate::web::shell::{Moment, Shell};
use crate::web::state::WebState;

pub(super) const PATH: &str = "/admin/api-keys";

#[derive(Template)]
#[template(path = "admin/api_keys.html", blocks = ["results"])]
struct ApiKeysView<'a> {
    page: &'a Shell,
    query: &'a Query,
    /// Value, text, whether it is chosen.
    tags: Vec<(String, String, bool)>,
    owners: Vec<(String, String, bool)>,
    states: Vec<(String, String, bool)>,
    /// Address and whether the list goes by it, for each of [`Sort::ALL`].
    sorts: Vec<(String, bool)>,
    rows: Vec<Row>,
    shown: String,
    /// How many are meant, where they are more than the page shows; empty otherwise.
    all: String,
    previous: String,
    next: String,
    /// What was asked for all that are ticked, and what was wrong with it.
    bulk: FormState,
    /// There is no key at all.
    is_new: bool,
}

struct Row {
    id: String,
    href: String,
    name: String,
    owner: String,
    tags: Vec<(String, String)>,
    shown: String,
    models: String,
    /// Its rules in a sentence; empty where it has none.
    rules: String,
    requests: String,
    spent: String,
    last_used: Option<Moment>,
    state: Dot,
    is_ticked: bool,
}

#[derive(Template)]
#[template(path = "admin/api_key_new.html")]
struct NewView<'a> {
    page: &'a Shell,
    key: KeyForm,
}

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes
        .get(PATH, get)
        .post(PATH, post)
        .get("/admin/api-keys/new", new)
        .post("/admin/api-keys/bulk", bulk::post)
        .post("/admin/api-keys/bulk/revoke", bulk::revoke);
}

async fn get(page: Page<Look>, state: web::Data<WebState>, query: web::Query<Query>) -> PageResult {
    list(&page, &state, &query, FormState::default()).await
}

/// The list, or with what was wrong with what was asked for those that are ticked.
async fn list<G>(page: &Page<G>, state: &WebState, query: &Query, bulk: FormState) -> PageResult {
    let found = Found::read(page, state).await?;
    let is_valid = bulk.is_valid();
    let view = found.view(page, state.clock.now(), query, bulk);
    if is_valid {
        page.show_or(&view, &view.as_results())
    } else {
        page.respond(StatusCode::UNPROCESSABLE_ENTITY, &view)
    }
}

/// Everything the list is made of.
struct Found {
    keys: Vec<ApiKey>,
    rules: AllRules,
    choices: Choices,
    month: HashMap<i64, Totals>,
}

impl Found {
    async fn read(page: &Shell, state: &WebState) -> Result<Self, PageError> {
        let figures = state.figures(Range::Month, page.zone, 0).await?;
        let (keys, rules, choices) = state
            .db
            .read(|c| {
                Box::pin(async move {
                    let keys = api_keys::list(c).await?;
                    let rules = AllRules {
                        allowed: by_key(api_keys::all_allowed(c).await?),
                        time_rules: by_key(time_rules::list(c).await?),
                        limits: {
                            let all = limits::list(c).await?.into_iter();
                            let own = all.filter(|limit| limit.scope == LimitScope::ApiKey);
                            by_key(own.map(|limit| (ApiKeyId(limit.scope_id), limit)).collect())
                        },
                    };
                    Ok::<_, PageError>((keys, rules, Choices::read(c).await?))
                })
            })
            .await?;
        Ok(Self {
            keys,
            rules,
            choices,
            month: figures.cube.by(Dimension::ApiKey).into_iter().collect(),
        })
    }

    fn pick(&self, query: &Query, now: DateTime<Utc>) -> Vec<ApiKey> {
        let known = Known {
            now,
            owner: &|key| self.choices.owner(key.user_id).map(str::to_owned),
            month: &self.month,
        };
        query.pick(self.keys.clone(), &known)
    }

    fn view<'a>(
        mut self,
        page: &'a Shell,
        now: DateTime<Utc>,
        query: &'a Query,
        bulk: FormState,
    ) -> ApiKeysView<'a> {
        let picked = self.pick(query, now);
        let (count, number) = (picked.len(), query.page(picked.len()));
        let sort = query.sort();
        let first = number * ROWS;
        let is_new = self.keys.is_empty();
        let (tags, owners) = (self.tags(query), self.owners(page, query));
        let shown = picked.into_iter().skip(first).take(ROWS);
        let rows: Vec<Row> = shown
            .map(|key| self.row(page, (key, now), (query, &bulk)))
            .collect();
        let to = |wanted: bool, number: usize| {
            let address = || query.address(page, sort, number);
            wanted.then(address).unwrap_or_default()
        };
        ApiKeysView {
            tags,
            owners,
            states: STATES
                .iter()
                .map(|name| {
                    let text = page.t_code("admin-api-keys-state-", name);
                    ((*name).to_owned(), text, query.state == *name)
                })
                .collect(),
            sorts: Sort::ALL
                .into_iter()
                .map(|by| (query.address(page, by, 0), by == sort))
                .collect(),
            shown: shown_text(page, first, rows.len(), count),
            all: if count > rows.len() {
                page.counted(
                    "admin-api-keys-bulk-all",
                    i64::try_from(count).unwrap_or(i64::MAX),
                )
            } else {
                String::new()
            },
            previous: to(number > 0, number.saturating_sub(1)),
            next: to(first + rows.len() < count, number + 1),
            rows,
            page,
            query,
            bulk,
            is_new,
        }
    }

    fn row(
        &mut self,
        page: &Shell,
        (key, now): (ApiKey, DateTime<Utc>),
        (query, bulk): (&Query, &FormState),
    ) -> Row {
        let month = self.month.get(&key.id.0);
        let (id, dot) = (key.id, state_of(page, &key, now));
        let (last_used, shown) = (key.last_used_at, key.shown());
        let owner = self
            .choices
            .owner(key.user_id)
            .unwrap_or_default()
            .to_owned();
        let edit = self.rules.of(key);
        let names = self.choices.names(&edit.allowed);
        let tagged = |tag: &String| {
            let only = Query {
                tag: tag.clone(),
                ..Query::default()
            };
            (only.address(page, query.sort(), 0), tag.clone())
        };
        let dash = || "—".to_owned();
        Row {
            id: id.to_string(),
            href: page.url(&format!("{PATH}/{id}")),
            owner,
            tags: edit.data.tags.iter().map(tagged).collect(),
            shown,
            models: match (edit.data.all_models, names.is_empty()) {
                (true, _) => page.t("admin-api-keys-all"),
                (false, true) => page.t("admin-api-keys-none"),
                (false, false) => names.join(", "),
            },
            rules: edit.sentence(page, &self.choices),
            requests: month.map_or_else(dash, |totals| page.compact(&totals.requests())),
            spent: month
                .map(money_of)
                .filter(|text| !text.is_empty())
                .unwrap_or_else(dash),
            last_used: last_used.map(|at| page.moment(at.timestamp_millis())),
            state: dot,
            is_ticked: bulk.has("id", &id.to_string()),
            name: edit.data.name,
        }
    }

    fn tags(&self, query: &Query) -> Vec<(String, String, bool)> {
        let all: BTreeSet<&String> = self.keys.iter().flat_map(|key| &key.tags).collect();
        let choice = |tag: &String| (tag.clone(), tag.clone(), *tag == query.tag);
        all.into_iter().map(choice).collect()
    }

    /// The accounts that have keys, and nobody where some key stands alone.
    fn owners(&self, page: &Shell, query: &Query) -> Vec<(String, String, bool)> {
        let all: BTreeSet<_> = self.keys.iter().map(|key| key.user_id).collect();
        if all.iter().all(|id| id.is_none()) {
            return Vec::new();
        }
        let choice = |id: modelgate_domain::UserId| {
            let name = self.choices.owner(id).map(str::to_owned);
            let text = name.unwrap_or_else(|| page.t("admin-api-keys-owner-none"));
            (id.to_string(), text, id.to_string() == query.owner)
        };
        all.into_iter().map(choice).collect()
    }
}

fn shown_text(page: &Shell, first: usize, rows: usize, count: usize) -> String {
    let text = |n: usize| page.integer(&i64::try_from(n).unwrap_or(i64::MAX));
    let (from, to, count) = (text(first + 1), text(first + rows), text(count));
    page.t_with(
        "admin-api-keys-shown",
        &[("from", &from), ("to", &to), ("count", &count)],
    )
}

/// The keys that a form under the list means: those that are ticked, or all that the list is made of.
async fn selected<G>(
    page: &Page<G>,
    state: &WebState,
    form: &Form,
    query: &Query,
) -> Result<Vec<ApiKeyId>, PageError> {
    if form.checked("all") {
        let found = Found::read(page, state).await?;
        let picked = found.pick(query, state.clock.now());
        return Ok(picked.into_iter().map(|key| key.id).collect());
    }
    let ids = form.all("id").filter_map(|id| id.parse().ok());
    Ok(ids.map(ApiKeyId).collect())
}

/// The rules of all keys.
struct AllRules {
    allowed: HashMap<ApiKeyId, Vec<Allowed>>,
    time_rules: HashMap<ApiKeyId, Vec<TimeRule>>,
    limits: HashMap<ApiKeyId, Vec<Limit>>,
}

impl AllRules {
    /// Those of one key, taken out.
    fn of(&mut self, key: ApiKey) -> Edit {
        let id = key.id;
        Edit {
            allowed: self.allowed.remove(&id).unwrap_or_default(),
            time_rules: self.time_rules.remove(&id).unwrap_or_default(),
            limits: self.limits.remove(&id).unwrap_or_default(),
            data: key.into(),
        }
    }
}

fn by_key<T>(all: Vec<(ApiKeyId, T)>) -> HashMap<ApiKeyId, Vec<T>> {
    let mut found: HashMap<ApiKeyId, Vec<T>> = HashMap::new();
    for (key, entry) in all {
        found.entry(key).or_default().push(entry);
    }
    found
}

pub(super) fn state_of(page: &Shell, key: &ApiKey, now: DateTime<Utc>) -> Dot {
    let (kind, text) = match query::state_of(key, now) {
        State::Off => ("muted", "admin-api-keys-off"),
        State::Expired => ("warning", "admin-api-keys-expired"),
        State::Active => ("success", "admin-api-keys-active"),
    };
    Dot::new(kind, page.t(text))
}

/// For whom a key is to be made.
#[derive(Debug, Deserialize)]
struct For {
    owner: Option<i64>,
}

async fn new(
    page: Page<Secrets>,
    state: web::Data<WebState>,
    query: web::Query<For>,
) -> PageResult {
    let choices = state.db.read(|c| Box::pin(Choices::read(c))).await?;
    let mut edit = Edit::default();
    edit.data.user_id = query.owner.map_or(UserId::NONE, UserId);
    let stored = edit.stored(&page, &choices);
    page.show(&new_view(&page, &choices, stored))
}

fn new_view<'a>(page: &'a Shell, choices: &Choices, state: FormState) -> NewView<'a> {
    NewView {
        page,
        key: KeyForm::new(page, choices, state, page.url(PATH)),
    }
}

async fn post(page: Page<Secrets>, state: web::Data<WebState>, form: Form) -> PageResult {
    let choices = state.db.read(|c| Box::pin(Choices::read(c))).await?;
    let again = |form_state: FormState| {
        let more = rows::wants_more(&form_state);
        page.once_more(&new_view(&page, &choices, form_state), more)
    };
    let mut read = match form::read(&page, &form, &choices, None) {
        Ok(read) => read,
        Err(form_state) => return again(form_state),
    };
    if read
        .data
        .expires_at
        .is_some_and(|at| at <= state.clock.now())
    {
        let mut form_state = form.state();
        form_state.fail("expires_at", page.t("admin-api-key-past"));
        return again(form_state);
    }
    read.data.enabled = true;
    let key = new_api_key().map_err(PageError::internal)?;
    let material = material(&key);
    let object = format!("api_key {}", read.data.name);
    let handover = Handover::read(&form)?;
    let mut after = read.audited(&choices);
    handover.note(&mut after);
    let entry = change(&page, &state, "api_key.create", object, Some(after));
    let (keyring, sealed, link) = (
        std::sync::Arc::clone(&state.keyring),
        key.clone(),
        handover.clone(),
    );
    let made = save(&page, &state, &form, move |c| {
        Box::pin(async move {
            let id = api_keys::insert(c, &read.data, &material, entry.at).await?;
            read.write_rules(c, id).await?;
            link.open(c, &keyring, (id, &sealed), entry.at).await?;
            changes::record(c, &entry).await?;
            Ok(id)
        })
    })
    .await?;
    match made {
        Ok(id) => api_key_secret::made(&page, &state, id, (&key, &handover)).await,
        Err(form_state) => again(form_state),
    }
}

/// What is kept of a key.
pub(in crate::web) fn material(key: &modelgate_domain::api_key::KeyText) -> KeyMaterial {
    KeyMaterial {
        hash: hash_key(key.expose()),
        prefix: key.prefix(),
        last4: key.last4(),
    }
}
