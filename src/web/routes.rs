//! The routes of the pages, each with what it asks of the person: read off the type of its handler, never written twice.

use actix_web::dev::Handler;
use actix_web::guard;
use actix_web::http::Method;
use actix_web::web::{self, ServiceConfig};
use actix_web::{FromRequest, HttpResponse, Responder};

use super::page::{Access, Guard, Page, Visitor};

/// A route as it was registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// GET or POST.
    pub method: Method,
    /// The pattern below the base path.
    pub path: String,
    /// What it asks of the person.
    pub access: Access,
}

/// Arguments of a handler, the page first: its guard says who gets in.
pub(super) trait Guarded {
    const ACCESS: Access;
}

macro_rules! guarded {
    ($($rest:ident)*) => {
        impl<G: Guard, $($rest),*> Guarded for (Page<G>, $($rest),*) {
            const ACCESS: Access = G::ACCESS;
        }
    };
}

guarded!();
guarded!(A);
guarded!(A B);
guarded!(A B C);
guarded!(A B C D);
guarded!(A B C D E);

/// Registers routes, or only lists them.
pub(super) struct Routes<'a> {
    config: Option<&'a mut ServiceConfig>,
    listed: Vec<Listed>,
}

impl<'a> Routes<'a> {
    /// Registers what `part` has.
    pub(super) fn register(config: &'a mut ServiceConfig, part: fn(&mut Routes<'_>)) {
        part(&mut Routes {
            config: Some(config),
            listed: Vec::new(),
        });
    }

    /// What `part` has, in its order.
    pub(super) fn list(part: fn(&mut Routes<'_>)) -> Vec<Listed> {
        let mut routes = Routes {
            config: None,
            listed: Vec::new(),
        };
        part(&mut routes);
        routes.listed
    }

    /// A page, or a part of one; whoever asks for the head of it alone gets that.
    pub(super) fn get<F, A>(&mut self, path: &str, handler: F) -> &mut Self
    where
        F: Handler<A>,
        A: FromRequest + Guarded + 'static,
        F::Output: Responder + 'static,
    {
        self.add(Method::GET, path, handler)
    }

    /// An action. Its address is in the browser's bar while what it answers is shown: where there is no page of that
    /// address, it leads to the nearest page above.
    pub(super) fn post<F, A>(&mut self, path: &str, handler: F) -> &mut Self
    where
        F: Handler<A>,
        A: FromRequest + Guarded + 'static,
        F::Output: Responder + 'static,
    {
        self.add(Method::POST, path, handler);
        if !self.has_page(path) {
            self.lead_back(path);
        }
        self
    }

    fn has_page(&self, path: &str) -> bool {
        let mut listed = self.listed.iter();
        listed.any(|route| route.method == Method::GET && route.path == path)
    }

    fn lead_back(&mut self, path: &str) {
        let mut above = path;
        while let Some((rest, _)) = above.rsplit_once('/') {
            above = rest;
            if self.has_page(above) {
                break;
            }
        }
        let depth = above.matches('/').count();
        if let Some(config) = &mut self.config {
            let back = move |page: Page<Visitor>| async move { go_up(&page, depth) };
            config.route(path, web::get().to(back));
        }
    }

    /// The routes of a page that has several.
    pub(super) fn part(&mut self, part: fn(&mut Routes<'_>)) -> &mut Self {
        part(self);
        self
    }

    fn add<F, A>(&mut self, method: Method, path: &str, handler: F) -> &mut Self
    where
        F: Handler<A>,
        A: FromRequest + Guarded + 'static,
        F::Output: Responder + 'static,
    {
        debug_assert!(
            method != Method::GET || self.listed.iter().all(|route| route.path != path),
            "the page of {path} comes before its action"
        );
        self.listed.push(Listed {
            method: method.clone(),
            path: path.to_owned(),
            access: A::ACCESS,
        });
        if let Some(config) = &mut self.config {
            let route = match method {
                Method::GET => web::route().guard(guard::Any(guard::Get()).or(guard::Head())),
                other => web::method(other),
            };
            config.route(path, route.to(handler));
        }
        self
    }
}

/// Off to the page that the first `depth` parts of the address name.
fn go_up(page: &Page<Visitor>, depth: usize) -> HttpResponse {
    let parts: Vec<&str> = page.path().split('/').skip(1).take(depth).collect();
    page.redirect(&format!("/{}", parts.join("/")))
}
