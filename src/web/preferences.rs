//! Language, theme and, without an account, the time zone: kept in a cookie, and with the account where somebody is logged in.

use actix_web::cookie::{Cookie, SameSite, time::Duration};
use actix_web::{HttpResponse, web};
use chrono_tz::Tz;
use modelgate_store::users;

use super::flash::Toast;
use super::form::Form;
use super::page::{Page, PageResult, Visitor};
use super::shell::{LANG_COOKIE, Shell, THEME_COOKIE, Theme, ZONE_COOKIE};
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
    let to = local_path(form.text("to"), "/");
    if form.checked("zone") {
        return choose_zone(&page, &to, form.text("zone"));
    }
    let mut response = page.redirect(&to);
    remember(&page, &mut response, lang, theme)?;
    Ok(response)
}

/// Keeps a time zone in this browser; an empty one is the browser's own again.
fn choose_zone(page: &Page<Visitor>, to: &str, name: &str) -> PageResult {
    let zone = match name.parse::<Tz>() {
        Ok(zone) => zone.name(),
        Err(_unknown) if name.is_empty() => "",
        Err(_unknown) => {
            let told = Toast::error(page.t("user-account-zone-unknown"));
            return page.redirect_with(to, &told);
        }
    };
    let mut response = page.redirect(to);
    let mut cookie = kept(page, ZONE_COOKIE, zone);
    if zone.is_empty() {
        cookie.make_removal();
    }
    response.add_cookie(&cookie).map_err(PageError::internal)?;
    Ok(response)
}

fn kept<'c>(page: &Shell, name: &'c str, value: &'c str) -> Cookie<'c> {
    Cookie::build(name, value)
        .path(page.cookie_path())
        .max_age(Duration::days(365))
        .http_only(true)
        .same_site(SameSite::Lax)
        .finish()
}

/// Keeps the choice in this browser, where it goes before the account's.
pub(super) fn remember(
    page: &Shell,
    response: &mut HttpResponse,
    lang: Option<Lang>,
    theme: Option<Theme>,
) -> Result<(), PageError> {
    for (name, value) in [
        (LANG_COOKIE, lang.map(Lang::code)),
        (THEME_COOKIE, theme.map(Theme::as_str)),
    ] {
        let Some(value) = value else { continue };
        let cookie = kept(page, name, value);
        response.add_cookie(&cookie).map_err(PageError::internal)?;
    }
    Ok(())
}
