//! The extractor every page handler takes: who is asking, and how to answer.
//!
//! `Page<Look>`, `Page<Operate>`, `Page<Visitor>` and so on name the guard: a handler cannot get at a page without one,
//! and `routes` reads off the handler's type which one it is.

use std::future::{Ready, ready};
use std::ops::Deref;

use actix_web::cookie::Cookie;
use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, LOCATION};
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse};
use askama::Template;
use modelgate_domain::Permission;

use super::error::PageError;
use super::flash::{self, Toast};
use super::peer::Peer;
use super::session::{self, CurrentKey, CurrentUser};
use super::shell::{Marks, Shell};

/// What a page handler returns.
pub type PageResult = Result<HttpResponse, PageError>;

/// What is open to people whose password somebody else chose.
const FREE: [&str; 4] = ["/account", "/account/password", "/logout", "/preferences"];

/// What a page asks of the person before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Nothing.
    Anyone,
    /// An account.
    SignedIn,
    /// A key, or an account, which may own some.
    Holder,
    /// An account whose role has this permission.
    May(Permission),
}

/// Who may see a page. A handler cannot get at a page without naming one.
pub trait Guard: Sized {
    /// What it asks.
    const ACCESS: Access;

    /// Lets the person in, or says what is missing.
    fn admit(shell: &Shell) -> Result<Self, PageError>;
}

/// A guard behind which there is always an account.
pub trait Known: Guard {
    /// The person.
    fn user(&self) -> &CurrentUser;
}

/// Anyone, logged in or not.
#[derive(Clone, Copy, Debug)]
pub struct Visitor;

impl Guard for Visitor {
    const ACCESS: Access = Access::Anyone;

    fn admit(_shell: &Shell) -> Result<Self, PageError> {
        Ok(Self)
    }
}

/// Anyone with an account.
#[derive(Clone, Debug)]
pub struct SignedIn(pub CurrentUser);

impl Guard for SignedIn {
    const ACCESS: Access = Access::SignedIn;

    fn admit(shell: &Shell) -> Result<Self, PageError> {
        shell.user.clone().map(Self).ok_or(PageError::SignInNeeded)
    }
}

impl Known for SignedIn {
    fn user(&self) -> &CurrentUser {
        &self.0
    }
}

/// Those who use the gateway: by a key of theirs, or by an account.
#[derive(Clone, Debug)]
pub enum Holder {
    /// Logged in with a key; nothing of any other key is theirs.
    Key(CurrentKey),
    /// Logged in with an account; the keys that belong to it are theirs.
    Account(CurrentUser),
}

impl Guard for Holder {
    const ACCESS: Access = Access::Holder;

    fn admit(shell: &Shell) -> Result<Self, PageError> {
        match (&shell.user, &shell.key) {
            (Some(user), _) => Ok(Self::Account(user.clone())),
            (None, Some(key)) => Ok(Self::Key(key.clone())),
            (None, None) => Err(PageError::SignInNeeded),
        }
    }
}

/// A guard of the console per permission; which role has which stands in `modelgate_domain::Role::may`.
macro_rules! permission_guards {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name(pub CurrentUser);

        impl Guard for $name {
            const ACCESS: Access = Access::May(Permission::$name);

            fn admit(shell: &Shell) -> Result<Self, PageError> {
                let SignedIn(user) = SignedIn::admit(shell)?;
                if user.role.may(Permission::$name) {
                    Ok(Self(user))
                } else {
                    Err(PageError::Forbidden)
                }
            }
        }

        impl Known for $name {
            fn user(&self) -> &CurrentUser {
                &self.0
            }
        }
    )*};
}

permission_guards! {
    /// Those who may look around the console.
    Look,
    /// Those who may change how calls are served.
    Operate,
    /// Those who may issue and enter secrets.
    Secrets,
    /// Those who may end things for good.
    Delete,
    /// Those who may change the settings.
    Configure,
    /// Those who may change other people's accounts.
    Accounts,
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
        let owes_password = shell.user.as_ref().is_some_and(|u| u.must_change_password);
        if owes_password && !FREE.contains(&shell.path()) {
            return ready(Err(PageError::PasswordNeeded));
        }
        ready(G::admit(&shell).map(|who| Self {
            base_path: shell.url(""),
            who,
            peer,
            shell,
        }))
    }
}

impl<G: Known> Page<G> {
    /// The name that the audit log keeps.
    pub fn actor(&self) -> &str {
        &self.who.user().username
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
