//! Pages for everyone: the landing page, log-in, the first set-up, and keys on their way to their holders.

mod documents;
pub(in crate::web) mod handover;
pub(in crate::web) mod landing;
pub(super) mod login;
pub mod setup;

use crate::web::routes::Routes;

/// Routes below the base path.
pub(super) fn routes(routes: &mut Routes<'_>) {
    routes
        .get("", landing::get)
        .get("/", landing::get)
        .part(documents::routes)
        .get("/login", login::get)
        .post("/login", login::post)
        .post("/logout", login::log_out)
        .get("/handover/{token}", handover::get)
        .post("/handover/{token}", handover::post)
        .get("/setup/{token}", setup::get)
        .post("/setup/{token}", setup::post);
}
