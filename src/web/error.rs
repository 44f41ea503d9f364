//! What can go wrong on a page, and the page that says so.
//!
//! The only type of the pages that becomes an error response. What the person did wrong in a form is form state, not an error.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use askama::Template;
use modelgate_store::StoreError;

use super::flash::Toast;
use super::page::{self, ToastView};
use super::shell::Shell;

/// Why a page is not shown.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// Nothing is there.
    #[error("not found")]
    NotFound,
    /// The person's role does not reach that far.
    #[error("forbidden")]
    Forbidden,
    /// Nobody is logged in.
    #[error("log-in needed")]
    SignInNeeded,
    /// Somebody else chose the password: it is changed first.
    #[error("a password of one's own needed")]
    PasswordNeeded,
    /// The form did not come from one of our pages, or its session has ended.
    #[error("the form's token or origin is wrong")]
    Csrf,
    /// The address or the body makes no sense.
    #[error("bad request")]
    BadRequest,
    /// The database is away.
    #[error("the database is away: {0}")]
    Unavailable(String),
    /// Anything else; the text goes to the log only.
    #[error("{0}")]
    Internal(String),
}

impl PageError {
    /// A failure that the person can do nothing about.
    pub fn internal(cause: impl fmt::Display) -> Self {
        Self::Internal(cause.to_string())
    }

    /// Stable code; `error-<code>-title` and `error-<code>-body` are its texts.
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "not-found",
            Self::Forbidden => "forbidden",
            Self::SignInNeeded => "sign-in",
            Self::PasswordNeeded => "password",
            Self::Csrf => "csrf",
            Self::BadRequest => "bad-request",
            Self::Unavailable(_) => "unavailable",
            Self::Internal(_) => "internal",
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Forbidden | Self::Csrf | Self::PasswordNeeded => StatusCode::FORBIDDEN,
            Self::SignInNeeded => StatusCode::UNAUTHORIZED,
            Self::BadRequest => StatusCode::BAD_REQUEST,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The response in the person's language; logs what an operator should know, once.
    pub(super) fn page(&self, shell: &Shell) -> HttpResponse {
        match self {
            Self::SignInNeeded => return page::redirect(shell, &sign_in_path(shell)),
            Self::PasswordNeeded => return page::redirect(shell, "/account"),
            Self::Unavailable(cause) | Self::Internal(cause) => {
                tracing::error!(request_id = %shell.request_id, cause, "page failed");
            }
            _ => tracing::debug!(request_id = %shell.request_id, path = %shell.path(), "{self}"),
        }
        let (title, body) = (
            shell.t(&format!("error-{}-title", self.code())),
            shell.t(&format!("error-{}-body", self.code())),
        );
        if shell.partial {
            return self.fragment(shell, &title);
        }
        let view = ErrorView {
            page: shell,
            code: self.status().as_u16(),
            title,
            body,
            is_ours: self.status().is_server_error(),
        };
        match view.render() {
            Ok(html) => page::html_response(self.status(), html),
            Err(_) => HttpResponse::build(self.status()).finish(),
        }
    }

    /// For htmx: a toast that stays, put where toasts live whatever the target was.
    fn fragment(&self, shell: &Shell, title: &str) -> HttpResponse {
        let id = shell.t_with("error-toast-id", &[("id", &shell.request_id)]);
        let toast = Toast::error(format!("{title} {id}"));
        let view = ToastView {
            page: shell,
            toast: &toast,
        };
        let mut response = page::html_response(self.status(), view.render().unwrap_or_default());
        let none = actix_web::http::header::HeaderValue::from_static("none");
        response.headers_mut().insert(
            actix_web::http::header::HeaderName::from_static("hx-reswap"),
            none,
        );
        response
    }
}

/// Where the log-in page comes back to: only pages that are asked for, never the target of a post.
fn sign_in_path(shell: &Shell) -> String {
    let login = if ["/user/", "/opencode/"]
        .iter()
        .any(|area| shell.here.starts_with(area))
    {
        "/user/login"
    } else {
        "/login"
    };
    if shell.partial || shell.here == "/" {
        return login.to_owned();
    }
    format!("{login}?to={}", super::encode_query(&shell.here))
}

impl ResponseError for PageError {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    /// Replaced by `guard`, which knows the request; what stands here is only ever seen outside of it.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::build(self.status()).finish()
    }
}

impl From<StoreError> for PageError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => Self::Unavailable(error.to_string()),
            other => Self::Internal(other.to_string()),
        }
    }
}

#[derive(Template)]
#[template(path = "error/error.html")]
struct ErrorView<'a> {
    page: &'a Shell,
    code: u16,
    title: String,
    body: String,
    is_ours: bool,
}
