//! Pages for everyone: the landing page, log-in, the first set-up.

pub(super) mod landing;
pub(super) mod login;
pub mod setup;

use actix_web::web::{self, ServiceConfig};

/// Routes below the base path.
pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .route("", web::get().to(landing::get))
        .route("/", web::get().to(landing::get))
        .route("/login", web::get().to(login::get))
        .route("/login", web::post().to(login::post))
        .route("/logout", web::post().to(login::log_out))
        .route("/setup/{token}", web::get().to(setup::get))
        .route("/setup/{token}", web::post().to(setup::post));
}
