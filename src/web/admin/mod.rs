//! Pages for those who run the gateway.

mod api_key;
mod api_keys;
mod busyness;
mod components;
mod error_rules;
mod explain;
mod home;
mod logs;
mod model;
mod models;
mod provider;
mod provider_key;
mod provider_models;
mod providers;
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
        .route("/admin/system-config", web::post().to(settings::post))
        .configure(busyness::routes)
        .configure(error_rules::routes)
        .configure(explain::routes)
        .configure(providers::routes)
        .configure(provider::routes)
        .configure(provider_key::routes)
        .configure(provider_models::routes)
        .configure(models::routes)
        .configure(model::routes)
        .configure(api_keys::routes)
        .configure(api_key::routes);
}

async fn entrance(page: Page<Admin>) -> PageResult {
    Ok(page.redirect("/admin/home"))
}
