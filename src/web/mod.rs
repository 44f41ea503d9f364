//! The pages: sessions, guards, the frame around every page, and one module per page.
//!
//! Sees `store`, never SQL; never calls a vendor itself.

pub mod admin;
pub mod assets;
mod csrf;
pub mod error;
pub mod flash;
pub mod form;
mod guard;
mod menu;
pub mod page;
mod paths;
mod peer;
mod preferences;
pub mod public;
mod session;
pub mod shell;
pub mod state;
mod svg;
mod throttle;
mod user;

pub use paths::{encode_query, local_path};
pub use public::setup::SetupGate;
pub use state::{WebParts, WebState};

use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig};

/// Everything the browser sees, below the base path. Goes last: what no route knows gets the not-found page.
pub fn configure(config: &mut ServiceConfig, state: &web::Data<WebState>) {
    config
        .route("/static/{path:.*}", web::get().to(assets::get))
        .service(
            web::scope("")
                .app_data(web::Data::clone(state))
                .wrap(session::middleware(state))
                .wrap(from_fn(guard::guard))
                .configure(public::routes)
                .configure(user::routes)
                .configure(admin::routes)
                .route("/preferences", web::post().to(preferences::post))
                .default_service(web::to(not_found)),
        );
}

async fn not_found() -> page::PageResult {
    Err(error::PageError::NotFound)
}
