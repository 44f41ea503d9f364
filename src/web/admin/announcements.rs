//! What operators tell those who use the gateway: the list, and the form of one.

use actix_web::web;
use askama::Template;
use chrono::{DateTime, Utc};
use modelgate_domain::Severity;
use modelgate_store::announcements::{self, Announcement};
use modelgate_store::changes;
use serde_json::{Value, json};

use super::api_keys::form::local_time;
use super::components::confirm;
use super::components::fields::{Dot, Fields, answer, change, save};
use super::components::removal::{Ended, Ending};
use super::components::version::{self, Opened};
use crate::i18n::format;
use crate::web::error::PageError;
use crate::web::form::{Form, FormState};
use crate::web::markdown::SafeHtml;
use crate::web::notices::{html, kind, state_of};
use crate::web::page::{Delete, Known, Look, Operate, Page, PageResult};
use crate::web::routes::Routes;
use crate::web::shell::{Moment, Shell};
use crate::web::state::WebState;

const PATH: &str = "/admin/announcements";
/// Most characters of a text.
const LONGEST: usize = 2_000;

#[derive(Template)]
#[template(path = "admin/announcements.html")]
struct AnnouncementsView<'a> {
    page: &'a Shell,
    at: String,
    rows: Vec<Row>,
}

struct Row {
    href: String,
    kind: &'static str,
    severity: String,
    html: SafeHtml,
    state: Dot,
    from: Moment,
    until: Option<Moment>,
    by: String,
}

#[derive(Template)]
#[template(path = "admin/announcement.html")]
struct AnnouncementView<'a> {
    page: &'a Shell,
    state: FormState,
    severities: Vec<(String, String)>,
    at: String,
    list: String,
    is_made: bool,
    zone_hint: String,
}

const DELETE: Ending = Ending {
    texts: "admin-announcements-delete-",
    done: "admin-announcements-deleted",
    value: "name",
    action: "announcement.delete",
};

pub(super) fn routes(routes: &mut Routes<'_>) {
    let at = |rest: &str| format!("{PATH}/{{id}}{rest}");
    routes
        .get(PATH, get)
        .post(PATH, post)
        .get(&format!("{PATH}/new"), new)
        .get(&at(""), get_one)
        .post(&at(""), post_one)
        .get(&at("/delete"), ask_delete)
        .post(&at("/delete"), delete);
}

async fn get(page: Page<Look>, state: web::Data<WebState>) -> PageResult {
    let all = state.db.read(|c| Box::pin(announcements::list(c))).await?;
    let now = state.clock.now();
    page.show(&AnnouncementsView {
        page: &page,
        at: page.url(PATH),
        rows: all.iter().map(|one| row(&page, one, now)).collect(),
    })
}

fn row(page: &Shell, one: &Announcement, now: DateTime<Utc>) -> Row {
    let moment = |at: DateTime<Utc>| page.moment(at.timestamp_millis());
    let state = state_of(one, now);
    let dot = match state {
        "shown" => "success",
        "planned" => "info",
        _ => "muted",
    };
    Row {
        href: page.url(&format!("{PATH}/{}", one.id)),
        kind: kind(one.severity),
        severity: page.t_code("notices-severity-", one.severity.as_str()),
        html: html(page.lang, &one.text_en, &one.text_zh),
        state: Dot::new(dot, page.t_code("admin-announcements-state-", state)),
        from: moment(one.starts_at),
        until: one.ends_at.map(moment),
        by: one.updated_by.clone(),
    }
}

async fn find(state: &WebState, id: i64) -> Result<Announcement, PageError> {
    let found = state
        .db
        .read(move |c| Box::pin(async move { announcements::find(c, id).await }))
        .await?;
    found.ok_or(PageError::NotFound)
}

/// What an announcement is called where it has to be called something.
fn name(one: &Announcement) -> String {
    let text = if one.text_en.is_empty() {
        &one.text_zh
    } else {
        &one.text_en
    };
    let first = text.lines().next().unwrap_or_default();
    first.chars().take(60).collect()
}

/// What the audit log calls it.
fn object(one: &Announcement) -> String {
    format!("announcement {}", name(one))
}

async fn new(page: Page<Operate>, state: web::Data<WebState>) -> PageResult {
    let now = format::field_time(state.clock.now_ms(), page.zone);
    let form_state = FormState::default().with("starts_at", now);
    page.show(&view(&page, None, form_state))
}

async fn get_one(page: Page<Look>, state: web::Data<WebState>, id: web::Path<i64>) -> PageResult {
    let one = find(&state, *id).await?;
    let form_state = version::stamped(stored(&page, &one), &object(&one));
    page.show(&view(&page, Some(&one), form_state))
}

/// The fields of what is stored.
fn stored(page: &Shell, one: &Announcement) -> FormState {
    let field = |at: DateTime<Utc>| format::field_time(at.timestamp_millis(), page.zone);
    FormState::default()
        .with("text_en", &one.text_en)
        .with("text_zh", &one.text_zh)
        .with("severity", one.severity.as_str())
        .with("starts_at", field(one.starts_at))
        .with("ends_at", one.ends_at.map(field).unwrap_or_default())
}

fn view<'a>(page: &'a Shell, one: Option<&Announcement>, state: FormState) -> AnnouncementView<'a> {
    let list = page.url(PATH);
    let severity = |s: &Severity| (s.to_string(), page.t_code("notices-severity-", s.as_str()));
    AnnouncementView {
        page,
        state,
        severities: Severity::ALL.iter().map(severity).collect(),
        at: one.map_or_else(|| list.clone(), |one| format!("{list}/{}", one.id)),
        list,
        is_made: one.is_some(),
        zone_hint: page.t1("admin-announcements-zone", "zone", page.zone.name()),
    }
}

fn read(
    page: &Page<impl Known>,
    form: &Form,
    now: DateTime<Utc>,
) -> Result<Announcement, FormState> {
    let mut fields = Fields::new(page, form);
    let fits = |text: &str| (text.chars().count() <= LONGEST).then_some(()).ok_or(());
    let is_severity = |text: &str| text.parse::<Severity>().map(|_known| ());
    let severity = fields.text("severity", is_severity, "admin-model-bad-choice");
    let mut time = |name: &str| match form.text(name) {
        "" => None,
        text => {
            let at = local_time(text, page.zone);
            if at.is_none() {
                fields.fail(name, "admin-api-key-bad-time");
            }
            at
        }
    };
    let (starts_at, ends_at) = (time("starts_at").unwrap_or(now), time("ends_at"));
    let one = Announcement {
        id: 0,
        text_en: fields.text("text_en", fits, "admin-announcements-long"),
        text_zh: fields.text("text_zh", fits, "admin-announcements-long"),
        severity: severity.parse().unwrap_or_default(),
        starts_at,
        ends_at,
        updated_by: page.actor().to_owned(),
    };
    if one.text_en.is_empty() && one.text_zh.is_empty() {
        fields.fail("text_en", "admin-announcements-empty-text");
    }
    if one.ends_at.is_some_and(|end| end <= one.starts_at) {
        fields.fail("ends_at", "admin-announcements-bad-end");
    }
    fields.finish(one)
}

fn audited(one: &Announcement) -> Value {
    json!({
        "text_en": one.text_en, "text_zh": one.text_zh, "severity": one.severity,
        "starts_at": one.starts_at, "ends_at": one.ends_at,
    })
}

async fn post(page: Page<Operate>, state: web::Data<WebState>, form: Form) -> PageResult {
    keep(&page, &state, &form, None).await
}

async fn post_one(
    page: Page<Operate>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
    form: Form,
) -> PageResult {
    let old = find(&state, *id).await?;
    keep(&page, &state, &form, Some(&old)).await
}

/// Makes an announcement, or changes `old`.
async fn keep(
    page: &Page<impl Known>,
    state: &web::Data<WebState>,
    form: &Form,
    old: Option<&Announcement>,
) -> PageResult {
    let again = |form_state| {
        let view = view(page, old, form_state);
        page.invalid_or(&view, &view)
    };
    let mut one = match read(page, form, state.clock.now()) {
        Ok(one) => one,
        Err(form_state) => return again(form_state),
    };
    one.id = old.map_or(0, |old| old.id);
    let action = match old {
        None => "announcement.create",
        Some(_) => "announcement.update",
    };
    let mut entry = change(page, state, action, object(&one), Some(audited(&one)));
    entry.before = old.map(audited);
    let (opened, shell) = (Opened::of(form), page.shell().clone());
    let saved = save(page, state, form, move |c| {
        Box::pin(async move {
            if one.id == 0 {
                announcements::insert(c, &one, entry.at).await?;
            } else {
                let now = announcements::find(c, one.id).await?;
                let now = now.ok_or(PageError::NotFound)?;
                opened
                    .check(c, &stored(&shell, &now), &object(&now))
                    .await?;
                announcements::update(c, &one, entry.at).await?;
            }
            changes::note(c, &entry).await?;
            Ok(())
        })
    })
    .await?;
    let told = page.t("admin-announcements-saved");
    answer(page, saved, (PATH, told), again)
}

async fn ask_delete(
    page: Page<Delete>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
) -> PageResult {
    let one = find(&state, *id).await?;
    let action = format!("{PATH}/{id}/delete");
    confirm::ask(&page, &DELETE.question(&page, &name(&one), (&action, PATH)))
}

async fn delete(
    page: Page<Delete>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
    _form: Form,
) -> PageResult {
    let one = find(&state, *id).await?;
    let ended = Ended {
        object: object(&one),
        before: Some(audited(&one)),
        name: name(&one),
        to: PATH.to_owned(),
    };
    let id = one.id;
    DELETE
        .end(&page, &state, ended, move |c, _entry| {
            Box::pin(async move { announcements::delete(c, id).await.map(drop) })
        })
        .await
}
