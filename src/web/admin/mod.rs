//! Pages for those who run the gateway.

mod announcements;
mod api_key;
pub(in crate::web) mod api_key_secret;
mod api_keys;
mod audit;
mod busyness;
mod catalogue;
pub(in crate::web) mod components;
mod documents;
mod error_report;
mod error_rules;
mod errors;
mod explain;
mod home;
mod job;
pub(in crate::web) mod logs;
mod model;
mod models;
mod monitor;
mod notifications;
mod provider;
mod provider_key;
mod provider_models;
mod provider_selftest;
mod providers;
mod reports;
mod scheduler;
mod settings;
mod start;
mod storage;
mod usage;
mod user;
mod users;

pub(in crate::web) use home::Live;
pub(in crate::web) use settings::Agents;

use crate::web::page::{Look, Page, PageResult};
use crate::web::routes::Routes;

/// Routes below the base path. The menu row of a section is in `web::menu`.
pub(super) fn routes(routes: &mut Routes<'_>) {
    routes
        .get("/admin", entrance)
        .get("/admin/", entrance)
        .get("/admin/m", entrance)
        .get("/admin/home", home::get)
        .get("/admin/monitor", monitor::get)
        .get("/admin/monitor/export", monitor::export::get)
        .get("/admin/scheduler", scheduler::get)
        .get("/admin/storage", storage::get)
        .get("/admin/errors", errors::get)
        .post("/admin/errors", errors::post)
        .part(error_report::routes)
        .get("/admin/system-config", settings::get)
        .post("/admin/system-config", settings::post)
        .part(start::routes)
        .part(logs::routes)
        .get("/admin/usage", usage::get)
        .part(busyness::routes)
        .part(error_rules::routes)
        .part(explain::routes)
        .part(job::routes)
        .part(providers::routes)
        .part(provider::routes)
        .part(provider_key::routes)
        .part(provider_models::routes)
        .part(provider_selftest::routes)
        .part(models::routes)
        // before the page of one model, whose id would take its name
        .part(catalogue::routes)
        .part(model::routes)
        .part(api_keys::routes)
        .part(api_key::routes)
        .part(documents::routes)
        .part(reports::routes)
        .part(notifications::routes)
        .part(announcements::routes)
        .part(audit::routes)
        .part(api_key_secret::routes)
        .part(users::routes)
        .part(user::routes);
}

async fn entrance(page: Page<Look>) -> PageResult {
    Ok(page.redirect("/admin/home"))
}
