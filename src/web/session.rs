//! Sessions: rows of `sessions` behind actix-session. The cookie holds a random id, the database its hash.
//!
//! Loading a session brings the person along, so that a page costs one query for both.

use actix_session::SessionExt;
use actix_web::HttpRequest;
use modelgate_domain::{Role, UserId};
use serde::{Deserialize, Serialize};

const USER: &str = "user";
const TOKEN: &str = "csrf";

/// Who is logged in, as far as pages need to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CurrentUser {
    /// The account.
    pub id: UserId,
    /// The name to log in with.
    pub username: String,
    /// What people call them; may be empty.
    pub display_name: String,
    /// What they may do.
    pub role: Role,
    /// Language of choice.
    pub locale: Option<String>,
    /// Theme of choice.
    pub theme: Option<String>,
    /// The row of this session (its hash, not the cookie).
    pub session: String,
}

impl CurrentUser {
    /// The display name, or the name to log in with.
    pub fn shown_name(&self) -> &str {
        if self.display_name.is_empty() {
            &self.username
        } else {
            &self.display_name
        }
    }

    #[cfg(test)]
    pub(super) fn sample() -> Self {
        Self {
            id: UserId(1),
            username: "root".to_owned(),
            display_name: String::new(),
            role: Role::Admin,
            locale: None,
            theme: None,
            session: "0".repeat(64),
        }
    }
}

/// Who is logged in.
pub(super) fn current_user(request: &HttpRequest) -> Option<CurrentUser> {
    request.get_session().get(USER).ok().flatten()
}

/// The token that forms of this session carry.
pub(super) fn csrf_token(request: &HttpRequest) -> Option<String> {
    request.get_session().get(TOKEN).ok().flatten()
}
