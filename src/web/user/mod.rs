//! Pages for everyone with an account.

pub(super) mod account;

use crate::web::routes::Routes;

/// Routes below the base path.
pub(super) fn routes(routes: &mut Routes<'_>) {
    routes
        .get("/account", account::get)
        .post("/account/password", account::change_password)
        .post("/account/sessions/end", account::end_session)
        .post("/account/sessions/end-others", account::end_others);
}
