//! The settings, generated from the registry: what holds, where it comes from, and what may be changed while running.

use actix_web::web;
use askama::Template;
use modelgate_store::changes::{self, Change};
use modelgate_store::instances::{self, Instance};
use modelgate_store::{StoreError, settings};
use serde_json::Value;

use crate::config::{Effective, Kind, Origin, Setting, Variable, setting};
use crate::i18n::format;
use crate::web::error::PageError;
use crate::web::flash::Toast;
use crate::web::form::Form;
use crate::web::page::{Configure, Known, Look, Page, PageResult};
use crate::web::shell::{Moment, Shell};
use crate::web::state::WebState;

#[derive(Template)]
#[template(path = "admin/settings.html", blocks = ["row"])]
struct SettingsView<'a> {
    page: &'a Shell,
    live: Vec<Row>,
    fixed: Vec<Row>,
    /// The row that the block shows.
    one: Option<Row>,
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

#[derive(Clone)]
struct Row {
    name: &'static str,
    /// The key in `settings`; empty where a restart is needed.
    key: &'static str,
    help: String,
    value: String,
    origin: &'static str,
    origin_kind: &'static str,
    rule: String,
    error: String,
    input: &'static str,
    choices: &'static [&'static str],
    bounds: Option<(u64, u64)>,
}

/// `GET /admin/system-config`
pub(in crate::web) async fn get(page: Page<Look>, state: web::Data<WebState>) -> PageResult {
    refresh(&state).await?;
    let now_ms = state.clock.now_ms();
    let living = state
        .db
        .read(move |c| Box::pin(async move { instances::present(c, now_ms).await }))
        .await?;
    let mut view = view(&page, &state.settings.load());
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
    if !reset && variable.check_saved(&text).is_err() {
        return refuse(&page, &state, variable, &text);
    }
    save(&page, &state, variable, (!reset).then_some(text)).await?;
    refresh(&state).await?;
    let toast = Toast::success(page.t1("admin-settings-saved", "name", variable.name));
    if !page.partial {
        return page.redirect_with("/admin/system-config", &toast);
    }
    let mut view = view(&page, &state.settings.load());
    view.one = view
        .live
        .iter()
        .find(|row| row.name == variable.name)
        .cloned();
    page.block_with_toast(&view.as_row(), &toast)
}

fn refuse(
    page: &Page<impl Known>,
    state: &WebState,
    variable: &Variable,
    text: &str,
) -> PageResult {
    let mut view = view(page, &state.settings.load());
    for row in &mut view.live {
        if row.name == variable.name {
            row.error = page.t1("admin-settings-invalid", "rule", &row.rule);
            text.clone_into(&mut row.value);
            view.one = Some(row.clone());
        }
    }
    page.invalid_or(&view, &view.as_row())
}

async fn save(
    page: &Page<impl Known>,
    state: &WebState,
    variable: &'static Variable,
    text: Option<String>,
) -> Result<(), PageError> {
    let Some(key) = variable.setting else {
        return Err(PageError::BadRequest);
    };
    let mut change = Change {
        at: state.clock.now(),
        actor: page.actor().to_owned(),
        actor_address: page.peer.address.to_string(),
        action: "setting.update".to_owned(),
        object: format!("setting {key}"),
        before: None,
        after: text.clone().map(Value::String),
        reason: String::new(),
    };
    state
        .db
        .write(move |c| {
            Box::pin(async move {
                change.before = settings::find(c, key).await?;
                match &change.after {
                    Some(value) => settings::set(c, key, value, change.at).await?,
                    None => {
                        settings::delete(c, key).await?;
                    }
                }
                changes::record(c, &change).await?;
                Ok::<_, StoreError>(())
            })
        })
        .await?;
    Ok(())
}

/// Reads what is saved, so that the page shows what holds even where another instance changed it.
async fn refresh(state: &WebState) -> Result<(), PageError> {
    let rows = state.db.read(|c| Box::pin(settings::list(c))).await?;
    let saved: Vec<(String, String)> = rows
        .into_iter()
        .map(|row| {
            let text = match row.value {
                Value::String(text) => text,
                other => other.to_string(),
            };
            (row.key, text)
        })
        .collect();
    let pairs = saved
        .iter()
        .map(|(key, text)| (key.as_str(), text.as_str()));
    let merged = Effective::merge(&state.config, pairs);
    state.settings.store(std::sync::Arc::new(merged));
    Ok(())
}

fn view<'a>(page: &'a Shell, effective: &Effective) -> SettingsView<'a> {
    let rows = |live: bool| {
        effective
            .settings
            .iter()
            .filter(|s| s.variable.setting.is_some() == live)
            .map(|setting| row(page, setting))
            .collect()
    };
    SettingsView {
        page,
        live: rows(true),
        fixed: rows(false),
        one: None,
        instances: Vec::new(),
        redis_down: false,
    }
}

fn row(page: &Shell, setting: &Setting) -> Row {
    let variable = setting.variable;
    let slug = variable.name.to_ascii_lowercase().replace('_', "-");
    let (input, choices, bounds) = match variable.kind {
        Kind::Choice(words) => ("select", words, None),
        Kind::Integer { min, max } | Kind::Seconds { min, max } => {
            ("number", &[][..], Some((min, max)))
        }
        Kind::Link => ("url", &[][..], None),
        _ => ("text", &[][..], None),
    };
    Row {
        name: variable.name,
        key: variable.setting.unwrap_or(""),
        help: page.t(&format!("admin-settings-help-{slug}")),
        value: setting.value.clone().unwrap_or_default(),
        origin: origin(setting.origin),
        origin_kind: origin_kind(setting.origin),
        rule: rule(page, variable.kind),
        error: setting
            .problem
            .as_ref()
            .map(|_| page.t("admin-settings-saved-unusable"))
            .unwrap_or_default(),
        input,
        choices,
        bounds,
    }
}

fn origin(origin: Origin) -> &'static str {
    match origin {
        Origin::Default => "default",
        Origin::Environment => "environment",
        Origin::DotEnv => "dotenv",
        Origin::Database => "database",
    }
}

fn origin_kind(origin: Origin) -> &'static str {
    match origin {
        Origin::Default => "muted",
        Origin::Environment | Origin::DotEnv => "success",
        Origin::Database => "info",
    }
}

/// What a value has to look like, in words.
fn rule(page: &Shell, kind: Kind) -> String {
    match kind {
        Kind::Integer { min, max } => page.t_with(
            "admin-settings-rule-integer",
            &[("min", &min), ("max", &max)],
        ),
        Kind::Bytes { min, max } => {
            let told = |bytes: u64| format::bytes(i64::try_from(bytes).unwrap_or(i64::MAX));
            page.t_with(
                "admin-settings-rule-bytes",
                &[("min", &told(min)), ("max", &told(max))],
            )
        }
        Kind::Seconds { min, max } => page.t_with(
            "admin-settings-rule-seconds",
            &[("min", &min), ("max", &max)],
        ),
        Kind::Text { max } => page.t1("admin-settings-rule-text", "max", max),
        Kind::Choice(words) => page.t1("admin-settings-rule-choice", "words", words.join(", ")),
        Kind::Link => page.t("admin-settings-rule-link"),
        Kind::Origins => page.t("admin-settings-rule-origins"),
        _ => String::new(),
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
            let view = view(&page, &effective);
            assert!(view.live.iter().all(|row| !row.rule.is_empty()));
            let html = view.render().unwrap();
            assert!(!html.contains("canary") && !html.contains("<script>\""));
            assert!(html.contains(&page.t("admin-settings-saved-unusable")));
        }
    }
}
