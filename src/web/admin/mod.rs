//! Pages for those who run the gateway.

mod components;
mod home;
mod logs;
mod settings;

use actix_web::web::{self, ServiceConfig};

use crate::web::page::{Admin, Page, PageResult};

/// Routes below the base path. The menu row of a section is in `web::menu`.
pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .route("/admin", web::get().to(entrance))
        .route("/admin/", web::get().to(entrance))
        .route("/admin/home", web::get().to(home::get))
        .route("/admin/logs", web::get().to(logs::get))
        .route("/admin/logs/{id}", web::get().to(logs::get_one))
        .route("/admin/system-config", web::get().to(settings::get))
        .route("/admin/system-config", web::post().to(settings::post));
}

async fn entrance(page: Page<Admin>) -> PageResult {
    Ok(page.redirect("/admin/home"))
}
