//! Pages for everyone: the landing page, log-in, the first set-up.

pub(super) mod landing;

use actix_web::web::{self, ServiceConfig};

/// Routes below the base path.
pub(super) fn routes(config: &mut ServiceConfig) {
    config.route("/", web::get().to(landing::get));
}
