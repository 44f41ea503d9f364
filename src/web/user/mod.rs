//! Pages for everyone with an account.

pub(super) mod account;

use actix_web::web::{self, ServiceConfig};

/// Routes below the base path.
pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .route("/account", web::get().to(account::get))
        .route(
            "/account/password",
            web::post().to(account::change_password),
        )
        .route(
            "/account/sessions/end",
            web::post().to(account::end_session),
        )
        .route(
            "/account/sessions/end-others",
            web::post().to(account::end_others),
        );
}
