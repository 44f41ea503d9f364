//! One API key: what it used, its rules, how much of its limits is used, and its end.

use actix_web::web;
use askama::Template;
use chrono::{DateTime, Utc};
use modelgate_domain::{ApiKeyId, LimitScope};
use modelgate_store::api_keys::{ApiKey, ApiKeyData};
use modelgate_store::usage::Dimension;
use modelgate_store::{Conn, api_keys, changes, key_links, limits, models, time_rules};

use super::api_key_secret::{Handover, overlaps};
use super::api_keys::form::{self, Choices, Edit, KeyForm};
use super::api_keys::{PATH, state_of};
use super::components::confirm;
use super::components::fields::{Dot, answer, change, save};
use super::components::removal::{Ended, Ending};
use super::components::rows;
use super::components::usage::{self, Usage};
use super::components::version::{self, Opened};
use crate::i18n::{ToArg, format};
use crate::web::error::PageError;
use crate::web::figures::{self, Card, Drill, Figures, RangeQuery, Ranges, Trend, money_of};
use crate::web::form::{Form, FormState};
use crate::web::page::{Delete, Look, Operate, Page, PageResult};
use crate::web::routes::Routes;
use crate::web::shell::{Moment, Shell};
use crate::web::state::WebState;
use crate::web::svg;

/// Models that are named.
const MODELS: usize = 8;

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
    secret: Secret,
    /// What it used; absent where a form comes back.
    used: Option<Used>,
}

/// The secret and what can be done with it.
struct Secret {
    /// The public ends of the one before, and until when it works.
    previous: Option<(String, Moment)>,
    /// Until when a one-time link shows it.
    link: Option<Moment>,
    last_used: Option<Moment>,
    overlaps: Vec<(&'static str, String)>,
    handovers: Vec<(String, String)>,
}

/// What a key used over a range.
struct Used {
    ranges: Ranges,
    cards: Vec<Card>,
    trend: Trend,
    models: Vec<ModelRow>,
    is_empty: bool,
}

/// One model's part.
struct ModelRow {
    href: String,
    name: String,
    figures: String,
    width: String,
}

/// A key with everything that hangs on it.
pub(super) struct Loaded {
    pub(super) row: ApiKey,
    pub(super) edit: Edit,
    pub(super) choices: Choices,
    link_until: Option<DateTime<Utc>>,
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

pub(super) async fn load(state: &WebState, id: i64) -> Result<Loaded, PageError> {
    let (id, now) = (ApiKeyId(id), state.clock.now());
    let read = state
        .db
        .read(move |c| Box::pin(async move { Loaded::read(c, id, now).await }));
    read.await
}

impl Loaded {
    async fn read(c: &mut Conn, id: ApiKeyId, now: DateTime<Utc>) -> Result<Self, PageError> {
        let row = api_keys::find(c, id)
            .await?
            .filter(|key| key.deleted_at.is_none())
            .ok_or(PageError::NotFound)?;
        Ok(Self {
            edit: Edit {
                data: ApiKeyData::from(row.clone()),
                allowed: api_keys::allowed_of(c, id).await?,
                time_rules: time_rules::of(c, id).await?,
                limits: limits::of(c, LimitScope::ApiKey, id.0).await?,
            },
            row,
            choices: Choices::read(c).await?,
            link_until: key_links::open_until(c, id, now).await?,
        })
    }

    /// What the audit log calls it.
    fn object(&self) -> String {
        format!("api_key {}", self.row.name)
    }

    /// The fields of what is stored.
    fn stored(&self, page: &Shell) -> FormState {
        self.edit.stored(page, &self.choices)
    }
}

/// How much of its limits is used, and what its budgets do not count.
async fn usage_of(page: &Shell, state: &WebState, loaded: &Loaded) -> Usage {
    let (limits, name) = (&loaded.edit.limits, |id| loaded.choices.model_name(id));
    let mut usage = usage::of(page, &state.admission, limits, &name).await;
    usage.uncounted = usage::uncounted(page, &state.catalog.load(), loaded.row.id, limits);
    usage
}

async fn get(
    page: Page<Look>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
    query: web::Query<RangeQuery>,
) -> PageResult {
    let loaded = load(&state, *id).await?;
    let stored = version::stamped(loaded.stored(&page), &loaded.object());
    let usage = usage_of(&page, &state, &loaded).await;
    let mut view = view(&page, &state, (&loaded, usage), stored);
    if page.partial {
        return page.show(&view.as_usage());
    }
    view.used = Some(used(&page, &state, loaded.row.id, &query).await?);
    page.show(&view)
}

/// What the key used over the range that is asked for.
async fn used(
    page: &Shell,
    state: &WebState,
    id: ApiKeyId,
    query: &RangeQuery,
) -> Result<Used, PageError> {
    let range = query.range();
    let window = range.window(page.now_ms, page.zone, page.business);
    let business = page.business;
    let (figures, names) = state
        .db
        .read_snapshot(move |c| {
            Box::pin(async move {
                let figures = Figures::read(c, window, business, Some(id)).await?;
                Ok::<_, PageError>((figures, models::names(c).await?))
            })
        })
        .await?;
    let drill = Drill::new(page, &figures.window).of_key(id);
    let all = figures.now.requests();
    let name = |id: i64| {
        let found = names.iter().find(|(model, _)| model.0 == id);
        found.map_or_else(|| format!("#{id}"), |(_, name)| name.clone())
    };
    let by_model = figures.by(Dimension::Model).into_iter().take(MODELS);
    let row = |(id, totals): (i64, modelgate_store::usage::Totals)| {
        let (requests, tokens) = (
            format::integer(totals.requests()),
            format::compact(page.lang, totals.tokens()),
        );
        let cost = money_of(&totals);
        let told: [(&str, &dyn ToArg); 2] = [("requests", &requests), ("tokens", &tokens)];
        let told = page.t_with("admin-api-key-model-figures", &told);
        ModelRow {
            href: drill.to(&format!("status=ended&model={id}")),
            name: name(id),
            figures: if cost.is_empty() {
                told
            } else {
                format!("{told} · {cost}")
            },
            width: svg::share(totals.requests(), all),
        }
    };
    Ok(Used {
        ranges: Ranges::new(page, &format!("{PATH}/{id}"), range, &figures.window, &[]),
        cards: figures::cards(page, &figures, &drill),
        trend: figures::trend(page, &figures),
        models: by_model.map(row).collect(),
        is_empty: all == 0,
    })
}

fn view<'a>(
    page: &'a Shell,
    web: &WebState,
    (loaded, usage): (&Loaded, Usage),
    state: FormState,
) -> ApiKeyView<'a> {
    let (row, edit) = (&loaded.row, &loaded.edit);
    let at = page.url(&format!("{PATH}/{}", row.id));
    let now = web.clock.now();
    let moment = |at: DateTime<Utc>| page.moment(at.timestamp_millis());
    ApiKeyView {
        secret: Secret {
            previous: row
                .previous_until
                .filter(|until| *until > now)
                .map(|until| (row.previous_shown.clone(), moment(until))),
            link: loaded.link_until.map(moment),
            last_used: row.last_used_at.map(moment),
            overlaps: overlaps(page),
            handovers: Handover::choices(page),
        },
        used: None,
        page,
        name: row.name.clone(),
        shown: row.shown(),
        key_state: state_of(page, row, now),
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
    mut form: Form,
) -> PageResult {
    let loaded = load(&state, *id).await?;
    let settled = form::settled_owner(&page, &mut form, &loaded.edit)?;
    let usage = usage_of(&page, &state, &loaded).await;
    let again = |form_state: FormState| {
        let more = rows::wants_more(&form_state);
        page.once_more(
            &view(&page, &state, (&loaded, usage.clone()), form_state),
            more,
        )
    };
    let read = form::read(&page, &form, &loaded.choices, settled);
    let edit = match read {
        Ok(edit) => edit,
        Err(form_state) => return again(form_state),
    };
    let object = loaded.object();
    let after = edit.audited(&loaded.choices);
    let mut entry = change(&page, &state, "api_key.update", object, Some(after));
    entry.before = Some(loaded.edit.audited(&loaded.choices));
    let id = loaded.row.id;
    let (opened, shell) = (Opened::of(&form), page.shell().clone());
    let has_ended = edit.data.expires_at.is_some_and(|end| end <= entry.at);
    let saved = save(&page, &state, &form, move |c| {
        Box::pin(async move {
            let now = Loaded::read(c, id, entry.at).await?;
            opened.check(c, &now.stored(&shell), &now.object()).await?;
            if !api_keys::update(c, id, &edit.data, entry.at).await? {
                return Err(PageError::NotFound.into());
            }
            edit.write_rules(c, id).await?;
            changes::record(c, &entry).await?;
            Ok(())
        })
    })
    .await?;
    let told = if has_ended {
        page.t("admin-api-key-saved-past")
    } else {
        page.t("admin-api-key-saved")
    };
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
        object: loaded.object(),
        before: Some(loaded.edit.audited(&loaded.choices)),
        name: loaded.row.name,
        to: PATH.to_owned(),
    };
    REVOKE
        .end(&page, &state, ended, move |c, entry| {
            Box::pin(async move { api_keys::revoke(c, id, entry.at).await.map(drop) })
        })
        .await
}
