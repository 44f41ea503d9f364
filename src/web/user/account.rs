//! One's own account: the password, and where one is logged in.

use actix_session::Session;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;
use chrono_tz::Tz;
use data_encoding::HEXLOWER;
use modelgate_domain::{Secret, UserId};
use modelgate_store::changes::{self, Change};
use modelgate_store::{StoreError, sessions, users};

use crate::i18n::{self, Lang, format};
use crate::secrets::{hash_password, verify_password};
use crate::web::error::PageError;
use crate::web::flash::Toast;
use crate::web::form::{Form, FormState};
use crate::web::page::{Page, PageResult, SignedIn};
use crate::web::preferences;
use crate::web::public::setup::check_new_password;
use crate::web::session::{self, CurrentUser};
use crate::web::shell::{Moment, Shell, Theme};
use crate::web::state::WebState;

#[derive(Template)]
#[template(path = "user/account.html")]
struct AccountView<'a> {
    page: &'a Shell,
    /// Whether nothing else is open until the password is changed.
    must_change: bool,
    fields: FormState,
    sessions: Vec<SessionRow>,
    lang: String,
    theme: String,
    languages: Vec<(&'static str, &'static str)>,
    themes: Vec<(&'static str, String)>,
    zone: String,
    zones: Vec<&'static str>,
}

struct SessionRow {
    id: String,
    browser: String,
    address: String,
    since: Moment,
    seen: Moment,
    is_this: bool,
}

/// `GET /account`
pub(in crate::web) async fn get(page: Page<SignedIn>, state: web::Data<WebState>) -> PageResult {
    show(&page, &state, FormState::default()).await
}

/// `POST /account/password`
pub(in crate::web) async fn change_password(
    page: Page<SignedIn>,
    state: web::Data<WebState>,
    session: Session,
    request: HttpRequest,
    form: Form,
) -> PageResult {
    let id = page.who.0.id;
    let (address, now_ms) = (page.peer.address, state.clock.now_ms());
    let mut fields = form.state();
    check_new_password(&page, &form, "new_password", &mut fields);
    if let Err(wait_s) = state.throttle.begin(page.actor(), address, now_ms) {
        let wait = format::duration(page.lang, wait_s.saturating_mul(1_000));
        fields.fail("password", page.t1("public-login-wait", "wait", wait));
        return show(&page, &state, fields).await;
    }
    if is_password_of(&state, id, form.secret("password")).await? {
        state.throttle.succeeded(page.actor(), address);
    } else {
        fields.fail("password", page.t("user-account-password-wrong"));
    }
    if form.secret("new_password") == form.secret("password") {
        fields.fail("new_password", page.t("user-account-password-same"));
    }
    if !fields.is_valid() {
        return show(&page, &state, fields).await;
    }
    let password = form.secret("new_password");
    let hash = web::block(move || hash_password(&password))
        .await
        .map_err(PageError::internal)?
        .map_err(PageError::internal)?;
    store_password(&page, &state, Secret::new(hash)).await?;
    session::start(&session, id, &page.peer, &request)?;
    let toast = Toast::success(page.t("user-account-password-done"));
    page.redirect_with("/account", &toast)
}

/// `POST /account/preferences`: kept with the account, and in this browser.
pub(in crate::web) async fn change_preferences(
    page: Page<SignedIn>,
    state: web::Data<WebState>,
    form: Form,
) -> PageResult {
    let (lang, theme) = (
        Lang::parse(form.text("lang")),
        Theme::parse(form.text("theme")),
    );
    let (Some(lang), Some(theme)) = (lang, theme) else {
        return Err(PageError::BadRequest);
    };
    let zone = form.text("time_zone");
    if !zone.is_empty() && zone.parse::<Tz>().is_err() {
        let mut fields = form.state();
        fields.fail("time_zone", page.t("user-account-zone-unknown"));
        return show(&page, &state, fields).await;
    }
    let id = page.who.0.id;
    let zone = Some(zone.to_owned()).filter(|zone| !zone.is_empty());
    state
        .db
        .write(move |c| {
            Box::pin(async move {
                users::set_preferences(c, id, Some(lang.code()), Some(theme.as_str())).await?;
                users::set_time_zone(c, id, zone.as_deref()).await
            })
        })
        .await?;
    let toast = Toast::success(i18n::t(lang, "user-account-preferences-done"));
    let mut response = page.redirect_with("/account", &toast)?;
    preferences::remember(&page, &mut response, Some(lang), Some(theme))?;
    Ok(response)
}

/// `POST /account/sessions/end`
pub(in crate::web) async fn end_session(
    page: Page<SignedIn>,
    state: web::Data<WebState>,
    form: Form,
) -> PageResult {
    let (user, id, now) = (page.who.0.id, form.text("id").to_owned(), state.clock.now());
    state
        .db
        .write(move |c| {
            Box::pin(async move {
                let mine = sessions::list_of(c, user, now).await?;
                for session in mine.iter().filter(|s| HEXLOWER.encode(&s.id_hash) == id) {
                    sessions::delete(c, &session.id_hash).await?;
                }
                Ok::<_, StoreError>(())
            })
        })
        .await?;
    let toast = Toast::success(page.t("user-account-sessions-ended"));
    page.redirect_with("/account", &toast)
}

/// `POST /account/sessions/end-others`
pub(in crate::web) async fn end_others(
    page: Page<SignedIn>,
    state: web::Data<WebState>,
    _form: Form,
) -> PageResult {
    let (user, keep) = (page.who.0.id, page.who.0.session);
    state
        .db
        .write(move |c| Box::pin(async move { sessions::delete_of(c, user, Some(&keep)).await }))
        .await?;
    let toast = Toast::success(page.t("user-account-sessions-others-ended"));
    page.redirect_with("/account", &toast)
}

async fn show(page: &Page<SignedIn>, state: &WebState, fields: FormState) -> PageResult {
    let (user, now) = (page.who.0.id, state.clock.now());
    let rows = state
        .db
        .read(move |c| Box::pin(sessions::list_of(c, user, now)))
        .await?;
    let status = if fields.is_valid() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let sessions = rows
        .into_iter()
        .map(|row| SessionRow {
            is_this: row.id_hash == page.who.0.session,
            browser: browser(&row.user_agent)
                .unwrap_or_else(|| page.t("user-account-sessions-unknown")),
            address: row.address,
            since: page.moment(row.created_at.timestamp_millis()),
            seen: page.moment(row.last_seen_at.timestamp_millis()),
            id: HEXLOWER.encode(&row.id_hash),
        })
        .collect();
    let view = view(page.shell(), &page.who.0, fields, sessions);
    page.respond(status, &view)
}

fn view<'a>(
    page: &'a Shell,
    user: &CurrentUser,
    fields: FormState,
    sessions: Vec<SessionRow>,
) -> AccountView<'a> {
    let themes = Theme::ALL.iter();
    let zone = match fields.value("time_zone") {
        "" => user.time_zone.clone().unwrap_or_default(),
        typed => typed.to_owned(),
    };
    let chosen = |field: &str, present: &str| match fields.value(field) {
        "" => present.to_owned(),
        typed => typed.to_owned(),
    };
    AccountView {
        lang: chosen("lang", page.lang.code()),
        theme: chosen("theme", page.theme.as_str()),
        must_change: user.must_change_password,
        languages: page
            .languages()
            .iter()
            .map(|l| (l.code(), l.own_name()))
            .collect(),
        themes: themes
            .map(|theme| (theme.as_str(), page.t_code("theme-", theme.as_str())))
            .collect(),
        zones: chrono_tz::TZ_VARIANTS
            .iter()
            .map(|zone| zone.name())
            .collect(),
        page,
        fields,
        sessions,
        zone,
    }
}

/// `Firefox, Linux`: what a person recognises of a user agent.
fn browser(agent: &str) -> Option<String> {
    const BROWSERS: [(&str, &str); 5] = [
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ];
    const SYSTEMS: [(&str, &str); 6] = [
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ];
    let named = |names: &[(&str, &'static str)]| {
        names
            .iter()
            .find(|(sign, _)| agent.contains(sign))
            .map(|(_, name)| *name)
    };
    match (named(&BROWSERS), named(&SYSTEMS)) {
        (Some(browser), Some(system)) => Some(format!("{browser}, {system}")),
        (Some(one), None) | (None, Some(one)) => Some(one.to_owned()),
        (None, None) => agent
            .split(['/', ' '])
            .next()
            .filter(|word| !word.is_empty())
            .map(|word| word.chars().take(40).collect()),
    }
}

async fn is_password_of(state: &WebState, id: UserId, password: Secret) -> Result<bool, PageError> {
    let user = state.db.read(move |c| Box::pin(users::find(c, id))).await?;
    let Some(hash) = user.and_then(|user| user.password_hash) else {
        return Ok(false);
    };
    web::block(move || verify_password(&password, hash.expose()))
        .await
        .map_err(PageError::internal)
}

/// The new password, an audit line, and the end of every session but the one about to be renewed.
async fn store_password(
    page: &Page<SignedIn>,
    state: &WebState,
    hash: Secret,
) -> Result<(), PageError> {
    let user = page.who.0.clone();
    let change = Change {
        at: state.clock.now(),
        actor: user.username.clone(),
        actor_address: page.peer.address.to_string(),
        action: "user.password".to_owned(),
        object: format!("user {}", user.username),
        before: None,
        after: None,
        reason: String::new(),
    };
    state
        .db
        .write(move |c| {
            Box::pin(async move {
                users::set_password(c, user.id, &hash, false, change.at).await?;
                sessions::delete_of(c, user.id, Some(&user.session)).await?;
                changes::note(c, &change).await?;
                Ok::<_, StoreError>(())
            })
        })
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_recognised() {
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
        assert_eq!(browser(firefox).as_deref(), Some("Firefox, Linux"));
        let edge =
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/156.0 Safari/537.36 Edg/156.0";
        assert_eq!(browser(edge).as_deref(), Some("Edge, Windows"));
        assert_eq!(browser("curl/8.5").as_deref(), Some("curl"));
        assert_eq!(browser(""), None);
    }

    #[test]
    fn renders_with_none_and_many_sessions() {
        for lang in Lang::ALL {
            for count in [0, 1, 20] {
                let page = Shell::sample(lang);
                let row = |at: usize| SessionRow {
                    id: format!("{at:064}"),
                    browser: "<script>x</script>".to_owned(),
                    address: "2001:db8::1".to_owned(),
                    since: page.moment(0),
                    seen: page.moment(page.now_ms),
                    is_this: at == 0,
                };
                let sessions = (0..count).map(row).collect();
                let mut user = CurrentUser::sample();
                user.must_change_password = count == 1;
                let html = view(&page, &user, FormState::default(), sessions)
                    .render()
                    .unwrap();
                assert!(!html.contains("<script>x"));
            }
        }
    }
}
