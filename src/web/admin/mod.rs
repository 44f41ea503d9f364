//! Pages for those who run the gateway.

mod settings;

use actix_web::web::{self, ServiceConfig};

use crate::web::page::{Admin, Page, PageResult};

/// Routes below the base path. The menu row of a section is in `web::menu`.
pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .route("/admin", web::get().to(entrance))
        .route("/admin/", web::get().to(entrance))
        .route("/admin/system-config", web::get().to(settings::get))
        .route("/admin/system-config", web::post().to(settings::post));
}

async fn entrance(page: Page<Admin>) -> PageResult {
    Ok(page.redirect("/admin/home"))
}
