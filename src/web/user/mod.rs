//! Pages for those who use the gateway, and everybody's own account.

pub(super) mod account;
mod dashboard;
mod documents;
mod export;
mod login;
mod models;
mod notifications;
mod own;
mod playground;
mod report;
mod requests;
mod tools;

pub(super) use self::models::{Habits, OwnUse, Phrases};
use crate::web::routes::Routes;

/// Routes below the base path.
pub(super) fn routes(routes: &mut Routes<'_>) {
    routes
        .get("/user", dashboard::entrance)
        .get("/user/", dashboard::entrance)
        .get("/user/login", login::get)
        .post("/user/login", login::post)
        .get("/user/dashboard", dashboard::get)
        .get("/user/requests/{id}", requests::get)
        .get("/user/export/calls", export::calls_of_key)
        .get("/user/export/days", export::days_of_key)
        .get("/user/export/report", report::get)
        .get("/user/models", models::get)
        .get("/user/models/phrased", models::get_phrased)
        .part(documents::routes)
        .part(notifications::routes)
        .get("/user/playground", playground::get)
        .post("/user/playground", playground::post)
        .post("/user/playground/stream", playground::stream)
        .post("/user/playground/prose", playground::prose)
        .get("/user/playground/receipt/{id}", playground::get_receipt)
        .get("/user/tools", tools::get)
        .get("/user/tools/renew", tools::renew::get)
        .post("/user/tools/renew", tools::renew::post)
        .get("/user/tools/{id}/file", tools::download)
        .post("/user/tools/{id}/file", tools::download_filled)
        .post("/user/tools/link", tools::setup::post)
        .post("/user/tools/merge", tools::merge::post)
        .post("/user/tools/test", tools::trial::post)
        .get("/opencode/setup.md", tools::setup::get)
        .get("/opencode/opencode.json", tools::opencode)
        .get("/account", account::get)
        .post("/account/preferences", account::change_preferences)
        .post("/account/password", account::change_password)
        .post("/account/sessions/end", account::end_session)
        .post("/account/sessions/end-others", account::end_others);
}
