//! What happens to calls while the gateway is busy: how busy it is now, and the rules in one form.

use actix_web::web;
use askama::Template;
use modelgate_domain::{Busyness, BusynessAction, ModelId};
use modelgate_store::busyness_rules::{self, BusynessRule};
use modelgate_store::{StoreError, changes, models};
use serde_json::{Value, json};

use super::components::fields::{Fields, answer, change, save};
use super::components::rows;
use super::components::version::{self, Opened};
use crate::web::error::PageError;
use crate::web::form::{Form, FormState};
use crate::web::page::{Look, Operate, Page, PageResult};
use crate::web::routes::Routes;
use crate::web::shell::Shell;
use crate::web::state::WebState;

const PATH: &str = "/admin/config/busyness";
const PREFIX: &str = "rule";
/// What the audit log calls them.
const OBJECT: &str = "busyness rules";
/// Characters that callers are told at the most.
const LONGEST: usize = 300;

#[derive(Template)]
#[template(path = "admin/busyness.html")]
struct BusynessView<'a> {
    page: &'a Shell,
    at: String,
    now: String,
    rows: Vec<Row>,
    levels: Vec<(String, String)>,
    actions: Vec<(String, String)>,
    models: Vec<(String, String)>,
    state: FormState,
}

struct Row {
    /// What its fields' names begin with.
    at: String,
    is_new: bool,
    order: String,
    from: String,
    action: String,
    redirect: String,
    message: String,
    on: bool,
    /// Form value, name, and whether it is ticked.
    models: Vec<(String, String, bool)>,
    error: String,
}

type Names = Vec<(ModelId, String)>;

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.get(PATH, get).post(PATH, post);
}

async fn load(state: &WebState) -> Result<(Vec<BusynessRule>, Names), PageError> {
    let loaded = state
        .db
        .read(|c| {
            Box::pin(async move {
                let rules = busyness_rules::list(c).await?;
                let all = models::list(c).await?;
                let names = all.into_iter().map(|m| (m.id, m.name)).collect();
                Ok::<_, StoreError>((rules, names))
            })
        })
        .await;
    Ok(loaded?)
}

async fn get(page: Page<Look>, state: web::Data<WebState>) -> PageResult {
    let (rules, names) = load(&state).await?;
    let stored = version::stamped(stored(&rules), OBJECT);
    page.show(&view(&page, &state, &names, &stored))
}

fn stored(rules: &[BusynessRule]) -> FormState {
    let mut state = FormState::default();
    for (n, rule) in rules.iter().enumerate() {
        let name = |field: &str| format!("{PREFIX}-{n}-{field}");
        let redirect = rule.redirect.map(|id| id.to_string());
        state = state
            .with(&name("order"), (n + 1).to_string())
            .with(&name("from"), rule.from_level.as_str())
            .with(&name("action"), rule.action.as_str())
            .with(&name("redirect"), redirect.unwrap_or_default())
            .with(&name("message"), &rule.message)
            .ticked(&name("on"), rule.enabled);
        let models = rule.models.iter();
        state = models.fold(state, |state, id| {
            state.with(&name("model"), id.to_string())
        });
    }
    let spare = format!("{PREFIX}-{}", rules.len());
    state
        .with(&format!("{spare}-from"), "")
        .ticked(&format!("{spare}-on"), true)
}

fn view<'a>(page: &'a Shell, web: &WebState, names: &Names, state: &FormState) -> BusynessView<'a> {
    let level = |level: &Busyness| {
        let text = page.t_code("admin-busyness-level-", level.as_str());
        (level.to_string(), text)
    };
    let action = |action: &BusynessAction| {
        let text = page.t_code("admin-busyness-action-", action.as_str());
        (action.to_string(), text)
    };
    let all = rows::shown(state, PREFIX, "from").into_iter().enumerate();
    let row = |(n, (at, is_new)): (usize, (String, bool))| {
        let value = |field: &str| state.value(&format!("{at}-{field}")).to_owned();
        let order = value("order");
        let models = names.iter().map(|(id, name)| {
            let id = id.to_string();
            let ticked = state.has(&format!("{at}-model"), &id);
            (id, name.clone(), ticked)
        });
        Row {
            is_new,
            order: if order.is_empty() {
                (n + 1).to_string()
            } else {
                order
            },
            from: value("from"),
            action: value("action"),
            redirect: value("redirect"),
            message: value("message"),
            on: is_new || state.is_checked(&format!("{at}-on")),
            models: models.collect(),
            error: state.error(&at).to_owned(),
            at,
        }
    };
    let none = |key: &str| std::iter::once((String::new(), page.t(key)));
    let named = names
        .iter()
        .map(|(id, name)| (id.to_string(), name.clone()));
    BusynessView {
        page,
        at: page.url(PATH),
        now: level(&web.admission.busyness()).1,
        rows: all.map(row).collect(),
        levels: none("rules-none")
            .chain(Busyness::ALL.iter().map(level))
            .collect(),
        actions: BusynessAction::ALL.iter().map(action).collect(),
        models: none("admin-busyness-no-model").chain(named).collect(),
        state: state.clone(),
    }
}

fn read(page: &Shell, form: &Form, names: &Names) -> Result<Vec<BusynessRule>, FormState> {
    let mut fields = Fields::new(page, form);
    if rows::wants_more(&fields.state) {
        return Err(fields.state);
    }
    let mut found = Vec::new();
    let all: Vec<String> = rows::rows(&fields.state, PREFIX, "from").collect();
    for at in all {
        if fields.state.value(&format!("{at}-from")).is_empty() {
            continue;
        }
        match one(&fields.state, &at, names) {
            Ok(rule) => found.push(rule),
            Err(key) => fields.fail(&at, key),
        }
    }
    found.sort_by_key(|(order, _)| *order);
    fields.finish(found.into_iter().map(|(_, rule)| rule).collect())
}

/// A row, with its place.
fn one(state: &FormState, at: &str, names: &Names) -> Result<(i64, BusynessRule), &'static str> {
    let value = |field: &str| state.value(&format!("{at}-{field}"));
    let from_level = value("from")
        .parse()
        .map_err(|_unknown| "rules-bad-choice")?;
    let action: Result<BusynessAction, _> = value("action").parse();
    let action = action.map_err(|_unknown| "rules-bad-choice")?;
    let model = format!("{at}-model");
    let known = |text: &str| {
        names
            .iter()
            .map(|(id, _)| *id)
            .find(|id| id.to_string() == text)
    };
    let redirect = match value("redirect") {
        "" => None,
        text => Some(known(text).ok_or("rules-bad-choice")?),
    };
    if action != BusynessAction::Block && redirect.is_none() {
        return Err("admin-busyness-needs-model");
    }
    let message = value("message");
    if message.chars().count() > LONGEST || message.chars().any(char::is_control) {
        return Err("admin-busyness-bad-message");
    }
    let ids = names.iter().map(|(id, _)| *id);
    let rule = BusynessRule {
        from_level,
        action,
        models: ids
            .filter(|id| state.has(&model, &id.to_string()))
            .collect(),
        redirect,
        message: message.to_owned(),
        enabled: state.is_checked(&format!("{at}-on")),
    };
    Ok((value("order").parse().unwrap_or(i64::MAX), rule))
}

async fn post(page: Page<Operate>, state: web::Data<WebState>, form: Form) -> PageResult {
    let (old, names) = load(&state).await?;
    let again = |form_state: FormState| {
        let more = rows::wants_more(&form_state);
        page.once_more(&view(&page, &state, &names, &form_state), more)
    };
    let rules = match read(&page, &form, &names) {
        Ok(rules) => rules,
        Err(form_state) => return again(form_state),
    };
    let after = audited(&rules, &names);
    let object = OBJECT.to_owned();
    let mut entry = change(&page, &state, "busyness_rules.update", object, Some(after));
    entry.before = Some(audited(&old, &names));
    let opened = Opened::of(&form);
    let saved = save(&page, &state, &form, move |c| {
        Box::pin(async move {
            let now = busyness_rules::list(c).await?;
            opened.check(c, &stored(&now), OBJECT).await?;
            busyness_rules::replace(c, &rules, entry.at).await?;
            changes::record(c, &entry).await?;
            Ok(())
        })
    })
    .await?;
    answer(&page, saved, (PATH, page.t("admin-busyness-saved")), again)
}

fn audited(rules: &[BusynessRule], names: &Names) -> Value {
    let name = |id: &ModelId| names.iter().find(|(other, _)| other == id).map(|(_, n)| n);
    let rule = |rule: &BusynessRule| {
        json!({
            "from_level": rule.from_level, "action": rule.action, "message": rule.message,
            "models": rule.models.iter().map(name).collect::<Vec<_>>(),
            "redirect": rule.redirect.as_ref().and_then(name), "enabled": rule.enabled,
        })
    };
    rules.iter().map(rule).collect()
}
