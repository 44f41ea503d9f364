//! One change of many keys at once: what the form under the list asks for, and what it makes of each key.

use actix_web::web;
use chrono::{DateTime, Utc};
use modelgate_domain::{ApiKeyId, naming};
use modelgate_store::api_keys::{self, ApiKey, ApiKeyData};
use modelgate_store::changes::{self, Change};
use modelgate_store::{Conn, StoreError};
use serde_json::{Value, json};

use super::form::local_time;
use super::query::Query;
use super::{list, selected};
use crate::web::admin::components::confirm::{self, Question};
use crate::web::admin::components::fields::change;
use crate::web::error::PageError;
use crate::web::flash::Toast;
use crate::web::form::{Form, FormState};
use crate::web::page::{Delete, Known, Operate, Page, PageResult};
use crate::web::shell::Shell;
use crate::web::state::WebState;

/// What is done with each of the keys.
#[derive(Clone, Debug)]
enum Act {
    Enable(bool),
    Tag(Vec<String>),
    Untag(Vec<String>),
    Expire(Option<DateTime<Utc>>),
}

impl Act {
    fn read(page: &Shell, form: &Form) -> Result<Self, FormState> {
        let failed = |field: &str, key: &str| {
            let mut state = form.state();
            state.fail(field, page.t(key));
            state
        };
        let tags = || match naming::tags(form.text("tags").split(',')) {
            Ok(tags) if !tags.is_empty() => Ok(tags),
            _ => Err(failed("tags", "admin-api-key-bad-tags")),
        };
        match form.text("act") {
            "enable" => Ok(Self::Enable(true)),
            "disable" => Ok(Self::Enable(false)),
            "tag" => tags().map(Self::Tag),
            "untag" => tags().map(Self::Untag),
            "expire" => match form.text("expires_at") {
                "" => Ok(Self::Expire(None)),
                text => local_time(text, page.zone)
                    .map(|at| Self::Expire(Some(at)))
                    .ok_or_else(|| failed("expires_at", "admin-api-key-bad-time")),
            },
            _ => Err(failed("", "rules-bad-choice")),
        }
    }

    /// Changes a key; false where it is so already, or cannot be.
    fn change(&self, data: &mut ApiKeyData) -> bool {
        let before = data.clone();
        match self {
            Self::Enable(on) => data.enabled = *on,
            Self::Expire(at) => data.expires_at = *at,
            Self::Untag(tags) => data.tags.retain(|tag| !tags.contains(tag)),
            Self::Tag(tags) => {
                let all = data.tags.iter().chain(tags).map(String::as_str);
                // one with twenty tags keeps those it has
                if let Ok(tags) = naming::tags(all) {
                    data.tags = tags;
                }
            }
        }
        *data != before
    }

    /// What the audit log keeps of a key: the part that may change.
    fn audited(&self, data: &ApiKeyData) -> Value {
        match self {
            Self::Enable(_) => json!({ "enabled": data.enabled }),
            Self::Tag(_) | Self::Untag(_) => json!({ "tags": data.tags }),
            Self::Expire(_) => json!({ "expires_at": data.expires_at }),
        }
    }
}

/// `POST /admin/api-keys/bulk`
pub(super) async fn post(
    page: Page<Operate>,
    state: web::Data<WebState>,
    form: Form,
) -> PageResult {
    let query = Query::of(&form);
    let ids = selected(&page, &state, &form, &query).await?;
    let act = match Act::read(&page, &form) {
        Ok(act) if !ids.is_empty() => act,
        Ok(_) => return list(&page, &state, &query, nothing(&page, &form)).await,
        Err(bulk) => return list(&page, &state, &query, bulk).await,
    };
    let entry = change(&page, &state, "api_key.update", String::new(), None);
    let told = match &act {
        Act::Expire(Some(end)) if *end <= entry.at => "admin-api-keys-bulk-past",
        _ => "admin-api-keys-bulk-done",
    };
    let count = state
        .db
        .write(move |c| Box::pin(async move { apply(c, &ids, &act, entry).await }))
        .await
        .map_err(|error: StoreError| PageError::from(error))?;
    done(&page, &query, told, count)
}

/// Changes what there is of the keys, each with a line in the audit log and all with one generation; how many changed.
async fn apply(
    c: &mut Conn,
    ids: &[ApiKeyId],
    act: &Act,
    entry: Change,
) -> Result<usize, StoreError> {
    changes::lock(c).await?;
    let mut lines = Vec::new();
    for key in present(c, ids).await? {
        let (id, mut data) = (key.id, ApiKeyData::from(key));
        let before = act.audited(&data);
        if act.change(&mut data) {
            api_keys::update(c, id, &data, entry.at).await?;
            lines.push(Change {
                object: format!("api_key {}", data.name),
                before: Some(before),
                after: Some(act.audited(&data)),
                ..entry.clone()
            });
        }
    }
    write_down(c, &lines).await
}

async fn present(c: &mut Conn, ids: &[ApiKeyId]) -> Result<Vec<ApiKey>, StoreError> {
    let mut all = api_keys::list(c).await?;
    all.retain(|key| ids.contains(&key.id));
    Ok(all)
}

/// The last line makes the generation that all of them are part of.
async fn write_down(c: &mut Conn, lines: &[Change]) -> Result<usize, StoreError> {
    if let Some((last, rest)) = lines.split_last() {
        for line in rest {
            changes::note(c, line).await?;
        }
        changes::record(c, last).await?;
    }
    Ok(lines.len())
}

/// `POST /admin/api-keys/bulk/revoke`: asks first, then does it.
pub(super) async fn revoke(
    page: Page<Delete>,
    state: web::Data<WebState>,
    form: Form,
) -> PageResult {
    let query = Query::of(&form);
    let ids = selected(&page, &state, &form, &query).await?;
    if ids.is_empty() {
        return list(&page, &state, &query, nothing(&page, &form)).await;
    }
    if form.text("sure") != "yes" {
        return confirm::ask(&page, &question(&page, &query, &ids));
    }
    let entry = change(&page, &state, "api_key.revoke", String::new(), None);
    let count = state
        .db
        .write(move |c| {
            Box::pin(async move {
                changes::lock(c).await?;
                let mut lines = Vec::new();
                for key in present(c, &ids).await? {
                    api_keys::revoke(c, key.id, entry.at).await?;
                    lines.push(Change {
                        object: format!("api_key {}", key.name),
                        before: Some(json!({ "name": key.name, "prefix": key.key_prefix })),
                        ..entry.clone()
                    });
                }
                write_down(c, &lines).await
            })
        })
        .await
        .map_err(|error: StoreError| PageError::from(error))?;
    done(&page, &query, "admin-api-keys-bulk-revoked", count)
}

fn question(page: &Shell, query: &Query, ids: &[ApiKeyId]) -> Question {
    let count = i64::try_from(ids.len()).unwrap_or(i64::MAX);
    let ids = ids.iter().map(|id| ("id", id.to_string()));
    let back = query.path(query.sort(), query.number());
    Question {
        title: page.counted("admin-api-keys-bulk-revoke-title", count),
        body: page.t("admin-api-keys-bulk-revoke-body"),
        button: page.counted("admin-api-keys-bulk-revoke-button", count),
        action: page.url(&format!("{}/bulk/revoke", super::PATH)),
        back: page.url(&back),
        typed: String::new(),
        typed_error: String::new(),
        along: ids.chain([("sure", "yes".to_owned())]).collect(),
        choice: None,
    }
}

/// No key was ticked.
fn nothing(page: &Shell, form: &Form) -> FormState {
    let mut state = form.state();
    state.fail("", page.t("admin-api-keys-bulk-none"));
    state
}

fn done(page: &Page<impl Known>, query: &Query, key: &str, count: usize) -> PageResult {
    let text = page.counted(key, i64::try_from(count).unwrap_or(i64::MAX));
    let to = query.path(query.sort(), query.number());
    page.redirect_with(&to, &Toast::success(text))
}
