//! Toasts: something told once, on the next page or beside a fragment.

use actix_web::HttpRequest;
use actix_web::cookie::{Cookie, SameSite};
use data_encoding::BASE64URL_NOPAD;

/// Carries the toast over a redirect.
pub(super) const COOKIE: &str = "mg_toast";

/// A short message that fades when it is good news.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toast {
    /// Whether it tells of a failure; then it stays until dismissed.
    pub is_error: bool,
    /// What it says, in the person's language.
    pub text: String,
}

impl Toast {
    /// Good news.
    pub fn success(text: impl Into<String>) -> Self {
        Self {
            is_error: false,
            text: text.into(),
        }
    }

    /// Bad news.
    pub fn error(text: impl Into<String>) -> Self {
        Self {
            is_error: true,
            text: text.into(),
        }
    }

    /// The cookie that carries it to the next page.
    pub(super) fn cookie(&self, path: &str) -> Cookie<'static> {
        let kind = if self.is_error { 'e' } else { 's' };
        let text: String = self.text.chars().take(500).collect();
        let value = format!("{kind}{}", BASE64URL_NOPAD.encode(text.as_bytes()));
        Cookie::build(COOKIE, value)
            .path(path.to_owned())
            .http_only(true)
            .same_site(SameSite::Lax)
            .finish()
    }
}

/// The toast a request brings along.
pub(super) fn of(request: &HttpRequest) -> Option<Toast> {
    let cookie = request.cookie(COOKIE)?;
    let (kind, text) = cookie.value().split_at_checked(1)?;
    let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
    Some(Toast {
        is_error: kind == "e",
        text: String::from_utf8(bytes).ok()?,
    })
}
