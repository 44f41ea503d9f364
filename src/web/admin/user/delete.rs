//! The end of an account: what goes with it is told before, and its keys are revoked or handed over.

use actix_web::web;
use modelgate_domain::{Permission, UserId};
use modelgate_store::api_keys::{ApiKey, ApiKeyData};
use modelgate_store::changes::Change;
use modelgate_store::{Conn, api_keys, changes, sessions, setup_links, users};
use serde_json::json;

use super::{Loaded, PATH, audited, load_to_change};
use crate::web::admin::components::confirm::{self, Choice, Question};
use crate::web::admin::components::fields::{Refused, change, save};
use crate::web::error::PageError;
use crate::web::flash::Toast;
use crate::web::form::Form;
use crate::web::page::{Accounts, Page, PageResult};
use crate::web::shell::Shell;
use crate::web::state::WebState;

/// The field that says what becomes of the keys: `revoke`, or the account that gets them.
const KEYS: &str = "keys";
const REVOKE: &str = "revoke";

/// What goes with an account.
struct Consequences {
    sessions: i64,
    /// Accounts that its keys can be handed to.
    others: Vec<(UserId, String)>,
}

pub(super) async fn ask(
    page: Page<Accounts>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
) -> PageResult {
    let loaded = load_to_change(&page, &state, *id).await?;
    if let Some(refused) = refused(&page, &loaded) {
        return refused;
    }
    let with = consequences(&state, loaded.user.id).await?;
    confirm::ask(&page, &question(&page, &loaded, &with, String::new()))
}

/// Whoever is logged in with it would delete what he stands on.
fn refused(page: &Page<Accounts>, loaded: &Loaded) -> Option<PageResult> {
    let own = page.who.0.id == loaded.user.id;
    own.then(|| back(page, loaded, "admin-user-delete-oneself"))
}

fn back(page: &Page<Accounts>, loaded: &Loaded, key: &str) -> PageResult {
    let to = format!("{PATH}/{}", loaded.user.id);
    page.redirect_with(&to, &Toast::error(page.t(key)))
}

async fn consequences(state: &WebState, id: UserId) -> Result<Consequences, PageError> {
    let now = state.clock.now();
    let read = state.db.read(move |c| {
        Box::pin(async move {
            let sessions = sessions::list_of(c, id, now).await?.len();
            let all = users::list(c).await?.into_iter();
            let others = all.filter(|user| user.id != id && user.enabled);
            Ok::<_, PageError>(Consequences {
                sessions: i64::try_from(sessions).unwrap_or(i64::MAX),
                others: others.map(|user| (user.id, user.username)).collect(),
            })
        })
    });
    read.await
}

fn question(page: &Shell, loaded: &Loaded, with: &Consequences, typed_error: String) -> Question {
    let name = &loaded.user.username;
    let back = page.url(&format!("{PATH}/{}", loaded.user.id));
    let keys = i64::try_from(loaded.keys.len()).unwrap_or(i64::MAX);
    let body = [
        page.t("admin-user-delete-body"),
        page.counted("admin-user-delete-sessions", with.sessions),
        page.counted("admin-user-delete-keys", keys),
        page.t("admin-user-delete-usage"),
    ];
    let hand = |(id, name): &(UserId, String)| {
        (
            id.to_string(),
            page.t1("admin-user-delete-hand-over", "name", name),
        )
    };
    let revoke = (REVOKE.to_owned(), page.t("admin-user-delete-revoke"));
    Question {
        title: page.t1("admin-user-delete-title", "name", name),
        body: body.join(" "),
        button: page.t("admin-user-delete-button"),
        action: format!("{back}/delete"),
        back,
        typed: name.clone(),
        typed_error,
        along: Vec::new(),
        choice: (keys > 0).then(|| Choice {
            name: KEYS,
            label: page.t("admin-user-delete-what-of-keys"),
            options: std::iter::once(revoke)
                .chain(with.others.iter().map(hand))
                .collect(),
        }),
    }
}

pub(super) async fn post(
    page: Page<Accounts>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
    form: Form,
) -> PageResult {
    let loaded = load_to_change(&page, &state, *id).await?;
    if let Some(refused) = refused(&page, &loaded) {
        return refused;
    }
    let with = consequences(&state, loaded.user.id).await?;
    if form.text("typed") != loaded.user.username {
        let error = page.t("confirm-mistyped");
        return confirm::ask(&page, &question(&page, &loaded, &with, error));
    }
    let heir = match form.text(KEYS) {
        "" | REVOKE => None,
        id => {
            let mut others = with.others.into_iter();
            let found = others.find(|(other, _)| other.to_string() == id);
            Some(found.ok_or(PageError::BadRequest)?)
        }
    };
    let mut entry = change(&page, &state, "user.delete", loaded.object(), None);
    entry.before = Some(audited(&loaded.user.clone().into(), &loaded.limits));
    let id = loaded.user.id;
    let done = save(&page, &state, &form, move |c| {
        Box::pin(async move { end_account(c, id, heir, entry).await })
    });
    match done.await? {
        Ok(()) => {
            let told = page.t1("admin-user-deleted", "name", &loaded.user.username);
            page.redirect_with(PATH, &Toast::success(told))
        }
        Err(_) => back(&page, &loaded, "admin-user-last-owner"),
    }
}

/// Deletes an account in the caller's transaction; each of its keys and the account itself get their line in the log.
async fn end_account(
    c: &mut Conn,
    id: UserId,
    heir: Option<(UserId, String)>,
    mut entry: Change,
) -> Result<(), Refused> {
    let owners = users::count_who_may(c, Permission::Owners).await?;
    if !users::delete(c, id, entry.at).await? {
        return Err(PageError::NotFound.into());
    }
    if owners > 0 && users::count_who_may(c, Permission::Owners).await? == 0 {
        return Err(Refused::Field("", "admin-user-last-owner"));
    }
    let keys = api_keys::list(c).await?.into_iter();
    let keys: Vec<ApiKey> = keys.filter(|key| key.user_id == id).collect();
    let names: Vec<String> = keys.iter().map(|key| key.name.clone()).collect();
    for key in keys {
        let line = pass_on(c, key, heir.as_ref(), &entry).await?;
        changes::note(c, &line).await?;
    }
    let ended = sessions::delete_of(c, id, None).await?;
    setup_links::delete_of(c, id).await?;
    entry.after = Some(match &heir {
        Some((_, heir)) => {
            json!({ "sessions_ended": ended, "keys": names, "handed_to": heir })
        }
        None => json!({ "sessions_ended": ended, "keys_revoked": names }),
    });
    changes::record(c, &entry).await?;
    Ok(())
}

/// Revokes a key, or gives it to another account; its line in the log.
async fn pass_on(
    c: &mut Conn,
    key: ApiKey,
    heir: Option<&(UserId, String)>,
    entry: &Change,
) -> Result<Change, Refused> {
    let mut line = Change {
        action: "api_key.revoke".to_owned(),
        object: format!("api_key {}", key.name),
        before: Some(json!({ "name": key.name, "prefix": key.key_prefix })),
        ..entry.clone()
    };
    let id = key.id;
    if let Some((heir, name)) = heir {
        let data = ApiKeyData {
            user_id: *heir,
            ..ApiKeyData::from(key)
        };
        api_keys::update(c, id, &data, entry.at).await?;
        let before = entry.object.strip_prefix("user ");
        "api_key.update".clone_into(&mut line.action);
        line.before = Some(json!({ "owner": before }));
        line.after = Some(json!({ "owner": name }));
    } else {
        api_keys::revoke(c, id, entry.at).await?;
    }
    Ok(line)
}
