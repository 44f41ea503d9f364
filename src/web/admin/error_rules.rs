//! What vendors' errors mean: the table, read from top to bottom, and the form of one of its rules.

use actix_web::web;
use askama::Template;
use chrono_tz::Tz;
use modelgate_domain::{Meaning, ProviderId};
use modelgate_store::error_rules::{self, ErrorRule};
use modelgate_store::providers::{self, Provider};
use modelgate_store::{Conn, StoreError, changes};
use serde_json::{Value, json};

use super::components::confirm;
use super::components::fields::{Dot, Fields, answer, change, save};
use super::components::removal::{Ended, Ending};
use super::components::version::{self, Opened};
use super::models::{chosen_provider, provider_choices, provider_name};
use crate::web::error::PageError;
use crate::web::flash::Toast;
use crate::web::form::{Form, FormState};
use crate::web::page::{Delete, Known, Look, Operate, Page, PageResult};
use crate::web::routes::Routes;
use crate::web::shell::Shell;
use crate::web::state::WebState;

const PATH: &str = "/admin/config/errors";
/// Longest path, value or note.
const LONGEST: usize = 200;

#[derive(Template)]
#[template(path = "admin/error_rules.html")]
struct ErrorRulesView<'a> {
    page: &'a Shell,
    rows: Vec<Row>,
    at: String,
}

struct Row {
    id: i64,
    what: String,
    path: String,
    value: String,
    meaning: String,
    note: String,
    state: Dot,
    enabled: bool,
    is_first: bool,
    is_last: bool,
}

#[derive(Template)]
#[template(path = "admin/error_rule.html")]
struct ErrorRuleView<'a> {
    page: &'a Shell,
    title: String,
    state: FormState,
    providers: Vec<(String, String)>,
    meanings: Vec<(String, String)>,
    /// Where the form posts.
    at: String,
    list: String,
    is_made: bool,
}

const DELETE: Ending = Ending {
    texts: "admin-error-rules-delete-",
    done: "admin-error-rules-deleted",
    value: "name",
    action: "error_rule.delete",
};

pub(super) fn routes(routes: &mut Routes<'_>) {
    let at = |rest: &str| format!("{PATH}/{{id}}{rest}");
    routes
        .get(PATH, get)
        .post(PATH, post)
        .get(&format!("{PATH}/new"), new)
        .get(&at(""), get_one)
        .post(&at(""), post_one)
        .post(&at("/move"), reorder)
        .post(&at("/switch"), switch)
        .get(&at("/delete"), ask_delete)
        .post(&at("/delete"), delete);
}

/// The table, and the providers that its rules can be for.
struct Loaded {
    rules: Vec<ErrorRule>,
    providers: Vec<Provider>,
}

impl Loaded {
    async fn read(state: &WebState) -> Result<Self, PageError> {
        Ok(state.db.read(|c| Box::pin(Self::of(c))).await?)
    }

    async fn of(c: &mut Conn) -> Result<Self, StoreError> {
        Ok(Self {
            rules: error_rules::list(c).await?,
            providers: providers::list(c).await?,
        })
    }

    fn find(&self, id: i64) -> Result<&ErrorRule, PageError> {
        let found = self.rules.iter().find(|rule| rule.id == id);
        found.ok_or(PageError::NotFound)
    }

    /// What the audit log calls a rule.
    fn object(&self, page: &Shell, rule: &ErrorRule) -> String {
        format!("error_rule {}", self.name(page, rule))
    }

    /// What a rule looks at, in a few words.
    fn name(&self, page: &Shell, rule: &ErrorRule) -> String {
        let status = match rule.status {
            0 => page.t("admin-error-rules-any-status"),
            status => status.to_string(),
        };
        if rule.provider_id.is_none() {
            return status;
        }
        let provider = provider_name(&self.providers, rule.provider_id);
        format!("{provider} · {status}")
    }
}

async fn get(page: Page<Look>, state: web::Data<WebState>) -> PageResult {
    let loaded = Loaded::read(&state).await?;
    let last = loaded.rules.len().saturating_sub(1);
    let row = |(n, rule): (usize, &ErrorRule)| Row {
        id: rule.id,
        what: loaded.name(&page, rule),
        path: rule.path.clone(),
        value: rule.value.clone(),
        meaning: page.t_code("meaning-", rule.meaning.as_str()),
        note: rule.note.clone(),
        state: if rule.enabled {
            Dot::new("success", page.t("admin-models-on"))
        } else {
            Dot::new("muted", page.t("admin-models-off"))
        },
        enabled: rule.enabled,
        is_first: n == 0,
        is_last: n == last,
    };
    page.show(&ErrorRulesView {
        page: &page,
        rows: loaded.rules.iter().enumerate().map(row).collect(),
        at: page.url(PATH),
    })
}

async fn new(page: Page<Operate>, state: web::Data<WebState>) -> PageResult {
    let loaded = Loaded::read(&state).await?;
    let form_state = FormState::default().ticked("enabled", true);
    page.show(&view(&page, &loaded, None, form_state))
}

async fn get_one(page: Page<Look>, state: web::Data<WebState>, id: web::Path<i64>) -> PageResult {
    let loaded = Loaded::read(&state).await?;
    let rule = loaded.find(*id)?;
    let form_state = version::stamped(stored(rule), &loaded.object(&page, rule));
    page.show(&view(&page, &loaded, Some(rule), form_state))
}

/// The fields of what is stored.
fn stored(rule: &ErrorRule) -> FormState {
    let number = |n: i64| if n == 0 { String::new() } else { n.to_string() };
    FormState::default()
        .with("provider", number(rule.provider_id.0))
        .with("status", number(rule.status))
        .with("path", &rule.path)
        .with("value", &rule.value)
        .with("meaning", rule.meaning.as_str())
        .with("reset_path", &rule.reset_path)
        .with("reset_zone", &rule.reset_zone)
        .with("note", &rule.note)
        .ticked("enabled", rule.enabled)
}

fn view<'a>(
    page: &'a Shell,
    loaded: &Loaded,
    rule: Option<&ErrorRule>,
    state: FormState,
) -> ErrorRuleView<'a> {
    let list = page.url(PATH);
    let meaning = |m: &Meaning| (m.to_string(), page.t_code("meaning-", m.as_str()));
    let any = (String::new(), page.t("admin-error-rules-any-provider"));
    ErrorRuleView {
        page,
        title: match rule {
            None => page.t("admin-error-rules-new"),
            Some(rule) => page.t1("admin-error-rules-one", "name", loaded.name(page, rule)),
        },
        state,
        providers: std::iter::once(any)
            .chain(provider_choices(&loaded.providers))
            .collect(),
        meanings: Meaning::ALL.iter().map(meaning).collect(),
        at: rule.map_or_else(|| list.clone(), |rule| format!("{list}/{}", rule.id)),
        list,
        is_made: rule.is_some(),
    }
}

fn read(
    page: &Shell,
    form: &Form,
    loaded: &Loaded,
    base: &ErrorRule,
) -> Result<ErrorRule, FormState> {
    let mut fields = Fields::new(page, form);
    let provider = match form.text("provider") {
        "" => Some(ProviderId::NONE),
        text => chosen_provider(&loaded.providers, text),
    };
    if provider.is_none() {
        fields.fail("provider", "admin-model-bad-choice");
    }
    let fits = |text: &str| (text.len() <= LONGEST).then_some(()).ok_or(());
    let is_meaning = |text: &str| text.parse::<Meaning>().map(|_known| ());
    let is_zone = |text: &str| match text {
        "" => Ok(()),
        name => name.parse::<Tz>().map(|_zone| ()),
    };
    let meaning = fields.text("meaning", is_meaning, "admin-model-bad-choice");
    let rule = ErrorRule {
        provider_id: provider.unwrap_or_default(),
        status: fields.optional_number("status", &(100..=599)).unwrap_or(0),
        path: fields.text("path", fits, "admin-error-rules-too-long"),
        value: fields.text("value", fits, "admin-error-rules-too-long"),
        meaning: meaning.parse().unwrap_or_default(),
        reset_path: fields.text("reset_path", fits, "admin-error-rules-too-long"),
        reset_zone: fields.text("reset_zone", is_zone, "admin-api-key-bad-zone"),
        note: fields.text("note", fits, "admin-error-rules-too-long"),
        enabled: form.checked("enabled"),
        ..base.clone()
    };
    if rule.path.is_empty() != rule.value.is_empty() {
        fields.fail("value", "admin-error-rules-half");
    }
    if rule.status == 0 && rule.path.is_empty() {
        fields.fail("status", "admin-error-rules-everything");
    }
    fields.finish(rule)
}

fn audited(rule: &ErrorRule) -> Value {
    json!({
        "position": rule.position, "provider_id": rule.provider_id, "status": rule.status,
        "path": rule.path, "value": rule.value, "meaning": rule.meaning, "note": rule.note,
        "reset_path": rule.reset_path, "reset_zone": rule.reset_zone, "enabled": rule.enabled,
    })
}

async fn post(page: Page<Operate>, state: web::Data<WebState>, form: Form) -> PageResult {
    let loaded = Loaded::read(&state).await?;
    let last = loaded.rules.iter().map(|rule| rule.position).max();
    let base = ErrorRule {
        id: 0,
        position: last.unwrap_or(0).saturating_add(10),
        protocol: String::new(),
        provider_id: ProviderId::NONE,
        status: 0,
        path: String::new(),
        value: String::new(),
        meaning: Meaning::default(),
        reset_path: String::new(),
        reset_zone: String::new(),
        note: String::new(),
        enabled: true,
    };
    keep(&page, &state, &form, (&loaded, None, base)).await
}

async fn post_one(
    page: Page<Operate>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
    form: Form,
) -> PageResult {
    let loaded = Loaded::read(&state).await?;
    let old = loaded.find(*id)?;
    keep(&page, &state, &form, (&loaded, Some(old), old.clone())).await
}

/// Makes a rule, or changes `old`.
async fn keep(
    page: &Page<impl Known>,
    state: &web::Data<WebState>,
    form: &Form,
    (loaded, old, base): (&Loaded, Option<&ErrorRule>, ErrorRule),
) -> PageResult {
    let again = |form_state| {
        let view = view(page, loaded, old, form_state);
        page.invalid_or(&view, &view)
    };
    let rule = match read(page, form, loaded, &base) {
        Ok(rule) => rule,
        Err(form_state) => return again(form_state),
    };
    let action = match old {
        None => "error_rule.create",
        Some(_) => "error_rule.update",
    };
    let object = loaded.object(page, &rule);
    let mut entry = change(page, state, action, object, Some(audited(&rule)));
    entry.before = old.map(audited);
    let (opened, shell) = (Opened::of(form), page.shell().clone());
    let saved = save(page, state, form, move |c| {
        Box::pin(async move {
            if rule.id == 0 {
                error_rules::insert(c, &rule, entry.at).await?;
            } else {
                let all = Loaded::of(c).await?;
                let now = all.find(rule.id)?;
                opened
                    .check(c, &stored(now), &all.object(&shell, now))
                    .await?;
                // its place is not in the form, and may be another by now
                let position = now.position;
                error_rules::update(c, &ErrorRule { position, ..rule }, entry.at).await?;
            }
            changes::record(c, &entry).await?;
            Ok(())
        })
    })
    .await?;
    let told = page.t("admin-error-rules-saved");
    answer(page, saved, (PATH, told), again)
}

/// What a button of the list changes in a rule: the new rule, and the one that it is changed in.
type Change = fn(&ErrorRule, &mut ErrorRule);

/// Writes rules that were changed by a button of the list.
async fn alter(
    page: &Page<impl Known>,
    state: &web::Data<WebState>,
    (object, rules, change_in): (String, Vec<ErrorRule>, Change),
) -> PageResult {
    let after = rules.iter().map(audited).collect();
    let entry = change(page, state, "error_rule.update", object, Some(after));
    state
        .db
        .write(move |c| {
            Box::pin(async move {
                changes::lock(c).await?;
                for mut stored in error_rules::list(c).await? {
                    if let Some(new) = rules.iter().find(|rule| rule.id == stored.id) {
                        change_in(new, &mut stored);
                        error_rules::update(c, &stored, entry.at).await?;
                    }
                }
                changes::record(c, &entry).await?;
                Ok::<_, PageError>(())
            })
        })
        .await?;
    page.redirect_with(PATH, &Toast::success(page.t("admin-error-rules-saved")))
}

/// Moves a rule up or down by one; positions are given anew, since two rules may have the same.
async fn reorder(
    page: Page<Operate>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
    form: Form,
) -> PageResult {
    let loaded = Loaded::read(&state).await?;
    let object = loaded.object(&page, loaded.find(*id)?);
    let mut rules = loaded.rules.clone();
    let from = rules.iter().position(|rule| rule.id == *id);
    let to = from.and_then(|from| match form.text("to") {
        "up" => from.checked_sub(1),
        "down" => Some(from + 1).filter(|to| *to < rules.len()),
        _ => None,
    });
    let (Some(from), Some(to)) = (from, to) else {
        return Err(PageError::BadRequest);
    };
    rules.swap(from, to);
    for (rule, position) in rules.iter_mut().zip(1_i64..) {
        rule.position = position.saturating_mul(10);
    }
    rules.retain(|rule| !loaded.rules.contains(rule));
    let place = |new: &ErrorRule, rule: &mut ErrorRule| rule.position = new.position;
    alter(&page, &state, (object, rules, place)).await
}

async fn switch(
    page: Page<Operate>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
    form: Form,
) -> PageResult {
    let loaded = Loaded::read(&state).await?;
    let mut rule = loaded.find(*id)?.clone();
    rule.enabled = form.text("to") == "on";
    let object = loaded.object(&page, &rule);
    let switch = |new: &ErrorRule, rule: &mut ErrorRule| rule.enabled = new.enabled;
    alter(&page, &state, (object, vec![rule], switch)).await
}

async fn ask_delete(
    page: Page<Delete>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
) -> PageResult {
    let loaded = Loaded::read(&state).await?;
    let name = loaded.name(&page, loaded.find(*id)?);
    let action = format!("{PATH}/{id}/delete");
    confirm::ask(&page, &DELETE.question(&page, &name, (&action, PATH)))
}

async fn delete(
    page: Page<Delete>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
    _form: Form,
) -> PageResult {
    let loaded = Loaded::read(&state).await?;
    let rule = loaded.find(*id)?;
    let name = loaded.name(&page, rule);
    let ended = Ended {
        object: format!("error_rule {name}"),
        before: Some(audited(rule)),
        name,
        to: PATH.to_owned(),
    };
    let id = rule.id;
    DELETE
        .end(&page, &state, ended, move |c, _entry| {
            Box::pin(async move { error_rules::delete(c, id).await.map(drop) })
        })
        .await
}
