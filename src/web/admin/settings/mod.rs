//! The settings, generated from the registry: what holds, where it comes from, who changed it, and what may be changed
//! while running.

mod agents;
mod rows;

pub(in crate::web) use agents::Agents;

use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use askama::Template;
use modelgate_store::changes;
use modelgate_store::instances::{self, Instance};
use modelgate_store::{audit, settings};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::sleep;

use self::agents::AgentRow;
use self::rows::{Changed, Row, objects, row};
use super::components::fields;
use super::components::version::Opened;
use crate::catalog;
use crate::config::{Effective, Variable, setting};
use crate::web::error::PageError;
use crate::web::flash::Toast;
use crate::web::form::{Form, FormState};
use crate::web::page::{Configure, Known, Look, Page, PageResult};
use crate::web::shell::{Moment, Shell};
use crate::web::state::WebState;

/// How often, and how many times, the configuration in force is looked at after a change.
const PAUSE: Duration = Duration::from_millis(20);
const LOOKS: usize = 100;

#[derive(Template)]
#[template(path = "admin/settings.html", blocks = ["row", "list"])]
struct SettingsView<'a> {
    page: &'a Shell,
    query: Query,
    live: Vec<Row>,
    fixed: Vec<Row>,
    /// The row that the block shows.
    one: Option<Row>,
    agents: Vec<AgentRow>,
    instances: Vec<InstanceRow>,
    /// Redis is to be used and does not answer.
    redis_down: bool,
}

/// A gateway that serves from this database.
struct InstanceRow {
    number: i64,
    version: String,
    generation: String,
    seen: Moment,
    /// A stable short code: `up`, `down`, `none`.
    redis: &'static str,
    redis_kind: &'static str,
}

/// What is looked for.
#[derive(Clone, Debug, Default, Deserialize)]
pub(in crate::web) struct Query {
    /// A word of the name, the meaning or the value.
    #[serde(default)]
    q: String,
    /// `changed` leaves out what has its default.
    #[serde(default)]
    show: String,
}

impl Query {
    fn is_set(&self) -> bool {
        !self.q.trim().is_empty() || self.only_changed()
    }

    fn only_changed(&self) -> bool {
        self.show == "changed"
    }

    fn fits(&self, row: &Row) -> bool {
        let sought = self.q.trim().to_lowercase();
        let fits = |text: &str| text.to_lowercase().contains(&sought);
        let found = fits(row.name) || fits(row.key) || fits(&row.help) || fits(&row.value);
        found && (!self.only_changed() || row.origin != "default" || row.changed.is_some())
    }
}

/// `GET /admin/system-config`
pub(in crate::web) async fn get(
    page: Page<Look>,
    state: web::Data<WebState>,
    query: web::Query<Query>,
) -> PageResult {
    let saved = saved(&state).await?;
    let now_ms = state.clock.now_ms();
    let living = state
        .db
        .read(move |c| Box::pin(async move { instances::present(c, now_ms).await }))
        .await?;
    let changed = changed(&state).await?;
    let mut view = view(&page, &saved, &changed);
    let query = query.into_inner();
    view.live.retain(|row| query.fits(row));
    view.fixed.retain(|row| query.fits(row));
    view.query = query;
    if page.partial {
        return page.show(&view.as_list());
    }
    view.agents = state.agents().await?.rows(&page);
    view.instances = living.iter().map(|one| instance(&page, one)).collect();
    view.redis_down = state.board.as_ref().is_some_and(|board| !board.is_up());
    page.show(&view)
}

fn instance(page: &Shell, row: &Instance) -> InstanceRow {
    let (redis, redis_kind) = match row.redis.as_str() {
        "up" => ("up", "success"),
        "down" => ("down", "danger"),
        _ => ("none", "muted"),
    };
    InstanceRow {
        number: row.lease,
        version: row.version.clone(),
        generation: row.generation.to_string(),
        seen: page.moment(row.heartbeat_ms),
        redis,
        redis_kind,
    }
}

/// `POST /admin/system-config`: saves one setting, or goes back to what the environment says.
pub(in crate::web) async fn post(
    page: Page<Configure>,
    state: web::Data<WebState>,
    form: Form,
) -> PageResult {
    let variable = setting(form.text("key")).ok_or(PageError::BadRequest)?;
    let reset = form.checked("reset");
    let text = form.text("value").to_owned();
    if let Some(why) = objection(&page, &state, variable, (!reset).then_some(&text)).await? {
        let mut form_state = form.state();
        form_state.fail("value", why);
        return refuse(&page, &state, variable, form_state).await;
    }
    let saved_at = save(&page, &state, &form, variable, (!reset).then_some(text)).await?;
    let generation = match saved_at {
        Ok(generation) => generation,
        Err(form_state) => return refuse(&page, &state, variable, form_state).await,
    };
    in_force(&state, generation).await;
    let toast = Toast::success(page.t1("admin-settings-saved", "name", variable.name));
    if !page.partial {
        return page.redirect_with("/admin/system-config", &toast);
    }
    let changed = changed(&state).await?;
    let mut view = view(&page, &saved(&state).await?, &changed);
    view.one = view
        .live
        .iter()
        .find(|row| row.name == variable.name)
        .cloned();
    page.block_with_toast(&view.as_row(), &toast)
}

/// Why a text cannot be what this setting says, or, without a text, what the environment says cannot.
async fn objection(
    page: &Shell,
    state: &WebState,
    variable: &'static Variable,
    text: Option<&String>,
) -> Result<Option<String>, PageError> {
    if let Some(text) = text {
        if variable.check_saved(text).is_err() {
            let rule = rows::rule(page, variable);
            return Ok(Some(page.t1("admin-settings-invalid", "rule", rule)));
        }
        let chooses = variable.setting == Some("analysis_model");
        let is_word = matches!(text.as_str(), "auto" | "off");
        if chooses && !is_word && state.catalog.load().resolve(text).is_none() {
            return Ok(Some(page.t1("admin-settings-no-model", "model", text)));
        }
    }
    let saved = state.db.read(|c| Box::pin(settings::list(c))).await?;
    let others = saved
        .iter()
        .filter(|row| Some(row.key.as_str()) != variable.setting);
    let mut rows: Vec<settings::Setting> = others.cloned().collect();
    rows.extend(
        text.zip(variable.setting)
            .map(|(text, key)| settings::Setting {
                key: key.to_owned(),
                value: Value::String(text.clone()),
                updated_at: state.clock.now(),
            }),
    );
    let then = catalog::effective(&state.config, &rows).runtime;
    let pair = then.contradiction();
    Ok(pair
        .filter(|pair| pair.contains(&variable.name))
        .map(|[less, more]| {
            page.t_with(
                "admin-settings-more-than",
                &[("less", &less), ("more", &more)],
            )
        }))
}

async fn refuse(
    page: &Page<impl Known>,
    state: &WebState,
    variable: &Variable,
    form_state: FormState,
) -> PageResult {
    let changed = changed(state).await?;
    let mut view = view(page, &saved(state).await?, &changed);
    for row in &mut view.live {
        if row.name == variable.name {
            form_state.error("value").clone_into(&mut row.error);
            form_state.value("value").clone_into(&mut row.value);
            row.state = form_state.clone();
            view.one = Some(row.clone());
        }
    }
    page.invalid_or(&view, &view.as_row())
}

/// Keeps a text, or goes back to what the environment says; gives the generation of the configuration that has it.
async fn save(
    page: &Page<impl Known>,
    state: &WebState,
    form: &Form,
    variable: &'static Variable,
    text: Option<String>,
) -> Result<Result<i64, FormState>, PageError> {
    let Some(key) = variable.setting else {
        return Err(PageError::BadRequest);
    };
    let object = rows::object(key);
    let mut change = fields::change(
        page,
        state,
        "setting.update",
        object,
        text.map(Value::String),
    );
    let (opened, config) = (Opened::of(form), Arc::clone(&state.config));
    let kept = fields::save(page, state, form, move |c| {
        Box::pin(async move {
            let now = catalog::effective(&config, &settings::list(c).await?);
            let now = now
                .settings
                .iter()
                .find(|s| s.variable.name == variable.name);
            let now = now.map(rows::stored).unwrap_or_default();
            opened.check(c, &now, &change.object).await?;
            change.before = settings::find(c, key).await?;
            match &change.after {
                Some(value) => settings::set(c, key, value, change.at).await?,
                None => {
                    settings::delete(c, key).await?;
                }
            }
            Ok(changes::record(c, &change).await?)
        })
    });
    kept.await
}

/// What is saved, so that the page shows what holds even where another instance changed it.
async fn saved(state: &WebState) -> Result<Effective, PageError> {
    let rows = state.db.read(|c| Box::pin(settings::list(c))).await?;
    Ok(catalog::effective(&state.config, &rows))
}

/// Waits until this instance goes by a generation of the configuration, which is a matter of a quarter of a second, so
/// that the next page shows what was changed.
async fn in_force(state: &WebState, generation: i64) {
    for _ in 0..LOOKS {
        if state.catalog.load().generation >= generation {
            return;
        }
        sleep(PAUSE).await;
    }
}

/// Who changed which setting last, from the audit log.
async fn changed(state: &WebState) -> Result<Vec<Changed>, PageError> {
    let objects = objects();
    let entries = state
        .db
        .read(move |c| Box::pin(async move { audit::newest_of(c, &objects).await }))
        .await?;
    Ok(entries.into_iter().map(Changed::from).collect())
}

fn view<'a>(page: &'a Shell, effective: &Effective, changed: &[Changed]) -> SettingsView<'a> {
    let rows = |live: bool| {
        effective
            .settings
            .iter()
            .filter(|s| s.variable.setting.is_some() == live)
            .map(|setting| row(page, setting, changed))
            .collect()
    };
    SettingsView {
        page,
        query: Query::default(),
        live: rows(true),
        fixed: rows(false),
        one: None,
        agents: Vec::new(),
        instances: Vec::new(),
        redis_down: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, MapEnv, registry};
    use crate::i18n::Lang;

    #[test]
    fn every_setting_has_a_help_text_in_every_language() {
        for lang in Lang::ALL {
            let page = Shell::sample(lang);
            for variable in registry() {
                let slug = variable.name.to_ascii_lowercase().replace('_', "-");
                let key = format!("admin-settings-help-{slug}");
                assert_ne!(page.t(&key), key);
            }
        }
    }

    #[test]
    fn secrets_are_never_shown_and_every_kind_of_live_setting_has_a_rule() {
        let env = MapEnv::new([
            ("SECRET_KEY", "canary-canary-canary-canary-canary"),
            ("ADMIN_USERS", "root:canary-password"),
            ("ICP_NUMBER", "<script>"),
        ]);
        let config = Config::from_env(&env).unwrap();
        let effective = Effective::merge(&config, [("drain_delay", "soon")]);
        for lang in Lang::ALL {
            let page = Shell::sample(lang);
            let view = view(&page, &effective, &[]);
            assert!(view.live.iter().all(|row| !row.rule.is_empty()));
            let html = view.render().unwrap();
            assert!(!html.contains("canary") && !html.contains("<script>\""));
            assert!(html.contains(&page.t("admin-settings-saved-unusable")));
        }
    }
}
