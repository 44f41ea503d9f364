//! Language and theme: kept in a cookie, and with the account where somebody is logged in.

use actix_web::cookie::{Cookie, SameSite, time::Duration};
use actix_web::{HttpResponse, web};
use modelgate_store::users;

use super::form::Form;
use super::page::{Page, PageResult, Visitor, cookie_path};
use super::shell::{LANG_COOKIE, Shell, THEME_COOKIE, Theme};
use super::state::WebState;
use super::{error::PageError, local_path};
use crate::i18n::Lang;

/// `POST /preferences`: back to where the person was.
pub(super) async fn post(
    page: Page<Visitor>,
    state: web::Data<WebState>,
    form: Form,
) -> PageResult {
    let lang = Lang::parse(form.text("lang"));
    let theme = Theme::parse(form.text("theme"));
    if let Some(user) = &page.user {
        let id = user.id;
        let locale = lang
            .map(|l| l.code().to_owned())
            .or_else(|| user.locale.clone());
        let theme = theme
            .map(|t| t.as_str().to_owned())
            .or_else(|| user.theme.clone());
        state
            .db
            .write(move |c| {
                Box::pin(async move {
                    users::set_preferences(c, id, locale.as_deref(), theme.as_deref()).await
                })
            })
            .await?;
    }
    let mut response = page.redirect(&local_path(form.text("to"), "/"));
    remember(&page, &mut response, lang, theme)?;
    Ok(response)
}

/// Keeps the choice in this browser, where it goes before the account's.
pub(super) fn remember(
    page: &Shell,
    response: &mut HttpResponse,
    lang: Option<Lang>,
    theme: Option<Theme>,
) -> Result<(), PageError> {
    let path = cookie_path(&page.url(""));
    for (name, value) in [
        (LANG_COOKIE, lang.map(Lang::code)),
        (THEME_COOKIE, theme.map(Theme::as_str)),
    ] {
        let Some(value) = value else { continue };
        let cookie = Cookie::build(name, value)
            .path(path.clone())
            .max_age(Duration::days(365))
            .http_only(true)
            .same_site(SameSite::Lax)
            .finish();
        response.add_cookie(&cookie).map_err(PageError::internal)?;
    }
    Ok(())
}
