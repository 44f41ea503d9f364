//! Sessions: rows of `sessions` behind actix-session. The cookie holds a random id, the database its hash.
//!
//! Loading a session brings the person along, so that a page costs one query for both.

use std::collections::HashMap;

use actix_session::storage::{LoadError, SaveError, SessionKey, SessionStore, UpdateError};
use actix_session::{Session, SessionExt};
use actix_web::HttpRequest;
use actix_web::cookie::time::Duration;
use modelgate_domain::UserId;
use modelgate_domain::account::Role;
use modelgate_store::{Db, StoreError, sessions};
use serde::{Deserialize, Serialize};

use super::csrf;
use super::error::PageError;
use super::peer::Peer;
use crate::clock::Clock;
use crate::secrets::{hash_key_hex, random_token};

/// The session cookie's name.
pub(super) const COOKIE: &str = "mg_session";
/// A session that was not used for this long has ended.
const IDLE_MS: i64 = 7 * 24 * 3_600 * 1_000;
/// `last_seen_at` is written at most this often.
const TOUCH_MS: i64 = 60_000;

const USER: &str = "user";
const TOKEN: &str = "csrf";
const ROW: &str = "row";
const START: &str = "start";
const AWAY: &str = "away";
