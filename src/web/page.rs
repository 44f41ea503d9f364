//! The extractor every page handler takes: who is asking, and how to answer.
//!
//! `Page<Admin>`, `Page<SignedIn>` and `Page<Visitor>` are the guards: a handler cannot get at a page without one.

use std::future::{Ready, ready};
use std::ops::Deref;

use actix_web::cookie::Cookie;
use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, LOCATION};
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse};
use askama::Template;
use modelgate_domain::Role;

use super::error::PageError;
use super::flash::{self, Toast};
use super::peer::Peer;
use super::session::{self, CurrentUser};
use super::shell::{Marks, Shell};

/// What a page handler returns.
pub type PageResult = Result<HttpResponse, PageError>;

/// Who may see a page.
pub trait Guard: Sized {
    /// Lets the person in, or says what is missing.
    fn admit(user: Option<&CurrentUser>) -> Result<Self, PageError>;
}

/// Anyone, logged in or not.
#[derive(Clone, Copy, Debug)]
pub struct Visitor;

/// Anyone with an account.
#[derive(Clone, Debug)]
pub struct SignedIn(pub CurrentUser);

/// Those who run the gateway.
#[derive(Clone, Debug)]
pub struct Admin(pub CurrentUser);

impl Guard for Visitor {
    fn admit(_user: Option<&CurrentUser>) -> Result<Self, PageError> {
        Ok(Self)
    }
}

impl Guard for SignedIn {
    fn admit(user: Option<&CurrentUser>) -> Result<Self, PageError> {
        let user = user.ok_or(PageError::SignInNeeded)?;
        Ok(Self(user.clone()))
    }
}

impl Guard for Admin {
    fn admit(user: Option<&CurrentUser>) -> Result<Self, PageError> {
        let SignedIn(user) = SignedIn::admit(user)?;
        if user.role != Role::Admin {
            return Err(PageError::Forbidden);
        }
        Ok(Self(user))
    }
}

/// The frame of the page, and the proof that the person may see it.
#[derive(Clone, Debug)]
pub struct Page<G> {
    shell: Shell,
    /// The person, as far as the guard asks for one.
    pub who: G,
    /// Where the request comes from.
    pub peer: Peer,
    base_path: String,
}

impl<G> Deref for Page<G> {
    type Target = Shell;

    fn deref(&self) -> &Shell {
        &self.shell
    }
}

impl<G: Guard> FromRequest for Page<G> {
    type Error = PageError;
    type Future = Ready<Result<Self, PageError>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let shell = Shell::of(request);
        let peer = request.extensions().get::<Marks>().map(|m| m.peer.clone());
        let Some(peer) = peer else {
            return ready(Err(PageError::internal("a page outside the guard")));
        };
        if session::is_unknown(request) {
            let cause = "the session could not be looked up".to_owned();
            return ready(Err(PageError::Unavailable(cause)));
        }
        ready(G::admit(shell.user.as_ref()).map(|who| Self {
            base_path: shell.url(""),
            who,
            peer,
            shell,
        }))
    }
}

impl Page<Admin> {
    /// The name that the audit log keeps.
    pub fn actor(&self) -> &str {
        &self.who.0.username
    }
}

impl Page<SignedIn> {
    /// The name that the audit log keeps.
    pub fn actor(&self) -> &str {
        &self.who.0.username
    }
}

impl<G> Page<G> {
    /// The frame, for views to borrow.
    pub fn shell(&self) -> &Shell {
        &self.shell
    }

    /// The whole page.
    pub fn show(&self, view: &impl Template) -> PageResult {
        self.respond(StatusCode::OK, view)
    }

    /// The block where htmx asks for a part, the whole page otherwise.
    pub fn show_or(&self, view: &impl Template, block: &impl Template) -> PageResult {
        if self.partial {
            self.respond(StatusCode::OK, block)
        } else {
            self.respond(StatusCode::OK, view)
        }
    }

    /// The form again with what was wrong: 422, as a block for htmx.
    pub fn invalid_or(&self, view: &impl Template, block: &impl Template) -> PageResult {
        if self.partial {
            self.respond(StatusCode::UNPROCESSABLE_ENTITY, block)
        } else {
            self.respond(StatusCode::UNPROCESSABLE_ENTITY, view)
        }
    }

    /// A form that comes back: with one more row where that was asked for, otherwise with what was wrong.
    pub fn once_more(&self, view: &impl Template, more: bool) -> PageResult {
        if more {
            self.show(view)
        } else {
            self.invalid_or(view, view)
        }
    }

    /// A page with a status of its own.
    pub fn respond(&self, status: StatusCode, view: &impl Template) -> PageResult {
        let html = view.render().map_err(PageError::internal)?;
        let mut response = html_response(status, html);
        if !self.partial && self.shell.toast.is_some() {
            let mut gone = Cookie::new(flash::COOKIE, "");
            gone.set_path(cookie_path(&self.base_path));
            gone.make_removal();
            response.add_cookie(&gone).map_err(PageError::internal)?;
        }
        Ok(response)
    }

    /// A block with a toast beside it, for htmx.
    pub fn block_with_toast(&self, block: &impl Template, toast: &Toast) -> PageResult {
        let mut html = block.render().map_err(PageError::internal)?;
        let beside = ToastView {
            page: &self.shell,
            toast,
        };
        html.push_str(&beside.render().map_err(PageError::internal)?);
        Ok(html_response(StatusCode::OK, html))
    }

    /// After a change: off to `path`, whole page or htmx alike.
    pub fn redirect(&self, path: &str) -> HttpResponse {
        redirect(&self.shell, path)
    }

    /// After a change: off to `path`, where `toast` is told.
    pub fn redirect_with(&self, path: &str, toast: &Toast) -> PageResult {
        let mut response = self.redirect(path);
        let cookie = toast.cookie(&cookie_path(&self.base_path));
        response.add_cookie(&cookie).map_err(PageError::internal)?;
        Ok(response)
    }
}

/// The one-toast fragment that htmx puts beside the rest.
#[derive(Template)]
#[template(path = "_ui/toast_oob.html")]
pub(super) struct ToastView<'a> {
    pub(super) page: &'a Shell,
    pub(super) toast: &'a Toast,
}

/// Cookies of the pages live below the base path.
pub(super) fn cookie_path(base_path: &str) -> String {
    if base_path.is_empty() {
        "/".to_owned()
    } else {
        base_path.to_owned()
    }
}

/// 303 for browsers; htmx is told to load the page, since it would swap the target of a redirect into its element.
pub(super) fn redirect(shell: &Shell, path: &str) -> HttpResponse {
    let to = shell.url(path);
    if shell.partial {
        HttpResponse::Ok()
            .insert_header(("hx-redirect", to))
            .finish()
    } else {
        HttpResponse::SeeOther()
            .insert_header((LOCATION, to))
            .finish()
    }
}

pub(super) fn html_response(status: StatusCode, html: String) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((CONTENT_TYPE, "text/html; charset=utf-8"))
        .body(html)
}
