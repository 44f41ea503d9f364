//! The pages: sessions, guards, the frame around every page, and one module per page.
//!
//! Sees `store`, never SQL; never calls a vendor itself: where a page calls a model, it does so by `calls`.

pub mod admin;
pub mod assets;
mod attached;
mod csrf;
mod documents;
pub mod error;
mod events;
mod export;
mod figures;
pub mod flash;
pub mod form;
mod guard;
mod markdown;
mod menu;
mod notices;
pub mod page;
mod paths;
mod peer;
mod preferences;
pub mod public;
mod routes;
mod session;
pub mod shell;
pub mod state;
mod svg;
mod throttle;
mod tools;
mod upload;
mod user;

pub use paths::{encode_query, local_path};
pub use routes::Listed;
pub use state::{WebParts, WebState};

use actix_web::guard::{Any, Get, Head};
use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig};

use crate::calls::Door;

/// Everything the browser sees, below the base path. Goes last: what no route knows gets the not-found page.
/// `door` is where pages of this thread call models.
pub fn configure(config: &mut ServiceConfig, state: &web::Data<WebState>, door: Door) {
    config
        .route(
            "/static/{path:.*}",
            web::route().guard(Any(Get()).or(Head())).to(assets::get),
        )
        .service(
            web::scope("")
                .app_data(web::Data::clone(state))
                .app_data(web::PayloadConfig::new(form::MAX_BYTES))
                .app_data(web::Data::new(door))
                .wrap(session::middleware(state))
                .wrap(from_fn(guard::guard))
                .configure(|scope| routes::Routes::register(scope, every_route))
                .default_service(web::to(not_found)),
        );
}

/// Every route with what it asks of the person.
pub fn route_list() -> Vec<Listed> {
    routes::Routes::list(every_route)
}

fn every_route(routes: &mut routes::Routes<'_>) {
    routes
        .part(public::routes)
        .part(user::routes)
        .part(admin::routes)
        .post("/preferences", preferences::post);
}

async fn not_found() -> page::PageResult {
    Err(error::PageError::NotFound)
}
