//! Sessions: rows of `sessions` behind actix-session. The cookie holds a random id, the database its hash.
//!
//! Loading a session brings the person along; nothing of the person is kept in the session itself.

use std::collections::HashMap;
use std::net::IpAddr;

use actix_session::config::{CookieContentSecurity, PersistentSession};
use actix_session::storage::{LoadError, SaveError, SessionKey, SessionStore, UpdateError};
use actix_session::{Session, SessionExt, SessionMiddleware};
use actix_web::HttpRequest;
use actix_web::cookie::SameSite;
use actix_web::cookie::time::Duration;
use chrono::{DateTime, TimeDelta, Utc};
use data_encoding::HEXLOWER;
use modelgate_domain::{ApiKeyId, Role, UserId};
use modelgate_store::api_keys::{self, ApiKey};
use modelgate_store::users::{self, User};
use modelgate_store::{Conn, Db, StoreError, sessions};
use serde::{Deserialize, Serialize};

use super::csrf;
use super::error::PageError;
use super::notices::Waiting;
use super::page::cookie_path;
use super::peer::Peer;
use super::state::WebState;
use crate::clock::Clock;
use crate::forwarded::network;
use crate::secrets::{hash_key, random_token};

/// The session cookie's name.
const COOKIE: &str = "mg_session";
/// A session that was not used for this long has ended.
const IDLE_DAYS: i64 = 7;
/// The browser forgets the cookie after this, however often it is used.
const COOKIE_DAYS: i64 = 30;
/// `last_seen_at` is written at most this often.
const TOUCH_SECONDS: i64 = 60;

const USER: &str = "user";
const KEY: &str = "key";
const TOKEN: &str = "csrf";
const START: &str = "start";
const AWAY: &str = "away";
const WAITING: &str = "waiting";

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
    /// Whether somebody else chose the password: nothing else is open until it is changed.
    pub must_change_password: bool,
    /// Language of choice.
    pub locale: Option<String>,
    /// Theme of choice.
    pub theme: Option<String>,
    /// Time zone of choice.
    pub time_zone: Option<String>,
    /// The hash by which this session is stored.
    pub session: [u8; 32],
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
            must_change_password: false,
            locale: None,
            theme: None,
            time_zone: None,
            session: [0; 32],
        }
    }
}

/// The API key that a session was begun with. The key itself is nowhere in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CurrentKey {
    /// The row.
    pub id: ApiKeyId,
    /// What operators call it.
    pub name: String,
    /// Where it may be used from; empty for everywhere.
    pub networks: Vec<String>,
}

/// Who logs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Subject {
    /// An account.
    Account(UserId),
    /// Whoever holds this key, by the hash of the secret that they showed.
    Key(ApiKeyId, [u8; 32]),
}

impl From<UserId> for Subject {
    fn from(id: UserId) -> Self {
        Self::Account(id)
    }
}

/// What a new session is made from.
#[derive(Debug, Serialize, Deserialize)]
struct Start {
    subject: Subject,
    address: String,
    agent: String,
}

/// Who is logged in.
pub(super) fn current_user(request: &HttpRequest) -> Option<CurrentUser> {
    request.get_session().get(USER).ok().flatten()
}

/// The key that this session was begun with, where it was begun with one and may be used from this address.
pub(super) fn current_key(request: &HttpRequest, address: IpAddr) -> Option<CurrentKey> {
    let key: Option<CurrentKey> = request.get_session().get(KEY).ok().flatten();
    key.filter(|key| may_come_from(&key.networks, address))
}

/// What waits for the person to be read.
pub(super) fn waiting(request: &HttpRequest) -> Waiting {
    let found = request.get_session().get(WAITING).ok().flatten();
    found.unwrap_or_default()
}

/// The token that forms of this session carry.
pub(super) fn csrf_token(request: &HttpRequest) -> Option<String> {
    request.get_session().get(TOKEN).ok().flatten()
}

/// Whether the person could not be looked up, because the database is away.
pub(super) fn is_unknown(request: &HttpRequest) -> bool {
    request.get_session().get(AWAY).ok().flatten() == Some(true)
}

/// Logs an account or the holder of a key in: always under a new session id.
pub(super) fn start(
    session: &Session,
    subject: impl Into<Subject>,
    peer: &Peer,
    request: &HttpRequest,
) -> Result<(), PageError> {
    let agent = request
        .headers()
        .get("user-agent")
        .and_then(|value| value.to_str().ok())
        .unwrap_or("");
    let start = Start {
        subject: subject.into(),
        address: peer.address.to_string(),
        agent: agent.chars().take(300).collect(),
    };
    session.renew();
    session.insert(START, start).map_err(PageError::internal)
}

/// The layer that loads and saves sessions. `Secure` is set by `guard`, which knows the scheme.
pub(super) fn middleware(state: &WebState) -> SessionMiddleware<DbSessions> {
    let store = DbSessions {
        db: state.db.clone(),
        clock: state.clock.clone(),
    };
    let lifecycle = PersistentSession::default().session_ttl(Duration::days(COOKIE_DAYS));
    SessionMiddleware::builder(store, state.cookie_key.clone())
        .cookie_name(COOKIE.to_owned())
        .cookie_path(cookie_path(&state.config.base_path))
        .cookie_http_only(true)
        .cookie_same_site(SameSite::Lax)
        .cookie_secure(false)
        .cookie_content_security(CookieContentSecurity::Signed)
        .session_lifecycle(lifecycle)
        .build()
}

/// The store behind the cookie.
pub(super) struct DbSessions {
    db: Db,
    clock: Clock,
}

type State = HashMap<String, String>;

impl SessionStore for DbSessions {
    async fn load(&self, key: &SessionKey) -> Result<Option<State>, LoadError> {
        let (hash, now) = (hash_key(key.as_ref()), self.clock.now());
        let found = self
            .db
            .read(move |c| Box::pin(async move { look_up(c, hash, now).await }))
            .await;
        let (session, person, waiting) = match found {
            Ok(Some(found)) => found,
            Ok(None) => return Ok(None),
            Err(error) => {
                tracing::warn!(%error, "a session could not be loaded");
                return Ok(Some(State::from([(AWAY.to_owned(), "true".to_owned())])));
            }
        };
        if (now - session.last_seen_at).num_seconds() >= TOUCH_SECONDS {
            self.touch(hash, now).await;
        }
        let person = match person {
            Person::Account(user) => (USER, serde_json::to_string(&user)),
            Person::Key(key) => (KEY, serde_json::to_string(&key)),
        };
        let token = serde_json::to_string(&csrf::token_of(key.as_ref()));
        let waiting = serde_json::to_string(&waiting);
        let mut state = State::new();
        for (name, text) in [person, (TOKEN, token), (WAITING, waiting)] {
            let text = text.map_err(|e| LoadError::Deserialization(e.into()))?;
            state.insert(name.to_owned(), text);
        }
        Ok(Some(state))
    }

    async fn save(&self, state: State, _ttl: &Duration) -> Result<SessionKey, SaveError> {
        let start = state
            .get(START)
            .ok_or_else(|| anyhow::anyhow!("a session begins with a log-in"))
            .and_then(|text| Ok(serde_json::from_str::<Start>(text)?))
            .map_err(SaveError::Serialization)?;
        let id = random_token().map_err(|e| SaveError::Other(e.into()))?;
        let now = self.clock.now();
        let (user_id, api_key_id, state) = match start.subject {
            Subject::Account(user) => (user, ApiKeyId::NONE, String::new()),
            Subject::Key(key, secret) => (UserId::NONE, key, HEXLOWER.encode(&secret)),
        };
        let row = sessions::Session {
            id_hash: hash_key(id.expose()),
            user_id,
            api_key_id,
            state,
            created_at: now,
            last_seen_at: now,
            expires_at: end(now),
            address: start.address,
            user_agent: start.agent,
        };
        self.db
            .write(move |c| {
                Box::pin(async move {
                    sessions::purge(c, now).await?;
                    sessions::save(c, &row).await
                })
            })
            .await
            .map_err(|e: StoreError| SaveError::Other(e.into()))?;
        SessionKey::try_from(id.expose().to_owned()).map_err(|e| SaveError::Other(e.into()))
    }

    /// Nothing is kept in a session but whose it is and by which secret, so there is nothing to write.
    async fn update(
        &self,
        key: SessionKey,
        _state: State,
        _ttl: &Duration,
    ) -> Result<SessionKey, UpdateError> {
        Ok(key)
    }

    async fn update_ttl(&self, key: &SessionKey, _ttl: &Duration) -> Result<(), anyhow::Error> {
        self.touch(hash_key(key.as_ref()), self.clock.now()).await;
        Ok(())
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), anyhow::Error> {
        let hash = hash_key(key.as_ref());
        self.db
            .write(move |c| Box::pin(async move { sessions::delete(c, &hash).await }))
            .await?;
        Ok(())
    }
}

/// Whose session it is.
enum Person {
    Account(Box<CurrentUser>),
    Key(CurrentKey),
}

/// The session, whose it is and what waits for them; nothing where it, the account or the key has ended.
async fn look_up(
    c: &mut Conn,
    hash: [u8; 32],
    now: DateTime<Utc>,
) -> Result<Option<(sessions::Session, Person, Waiting)>, StoreError> {
    let Some(session) = sessions::find(c, &hash, now).await? else {
        return Ok(None);
    };
    if session.api_key_id.is_none() {
        let Some(user) = enabled_user(c, session.user_id).await? else {
            return Ok(None);
        };
        let user = Box::new(current(user, hash));
        let waiting = Waiting::for_user(c, &user, now).await?;
        return Ok(Some((session, Person::Account(user), waiting)));
    }
    let key = api_keys::find(c, session.api_key_id).await?;
    let still_opens = |key: &ApiKey| is_usable(key, now) && is_secret_of(key, &session.state, now);
    let Some(key) = key.filter(still_opens) else {
        return Ok(None);
    };
    if !key.user_id.is_none() && enabled_user(c, key.user_id).await?.is_none() {
        return Ok(None);
    }
    let key = CurrentKey {
        id: key.id,
        name: key.name,
        networks: key.allowed_cidrs,
    };
    let waiting = Waiting::for_key(c, &key, now).await?;
    Ok(Some((session, Person::Key(key), waiting)))
}

async fn enabled_user(c: &mut Conn, id: UserId) -> Result<Option<User>, StoreError> {
    let user = users::find(c, id).await?;
    Ok(user.filter(|user| user.enabled && user.deleted_at.is_none()))
}

/// Whether somebody may log in with this key: switched on, not revoked, not past its end.
pub(super) fn is_usable(key: &ApiKey, now: DateTime<Utc>) -> bool {
    key.enabled && key.deleted_at.is_none() && key.expires_at.is_none_or(|end| now < end)
}

/// Whether the secret with this hash still opens the key: the present one, or the one before until its moment.
fn is_secret_of(key: &ApiKey, hash: &str, now: DateTime<Utc>) -> bool {
    let overlaps = key.previous_until.is_some_and(|until| now < until);
    let previous = key.previous_hash.filter(|_| overlaps);
    let mut secrets = [Some(key.key_hash), previous].into_iter().flatten();
    secrets.any(|secret| HEXLOWER.encode(&secret) == hash)
}

/// Whether these networks hold the address; a network that does not parse holds none.
pub(super) fn may_come_from(networks: &[String], address: IpAddr) -> bool {
    let holds = |text: &String| network(text).is_some_and(|n| n.contains(&address.to_canonical()));
    networks.is_empty() || networks.iter().any(holds)
}

fn current(user: User, session: [u8; 32]) -> CurrentUser {
    CurrentUser {
        id: user.id,
        username: user.username,
        display_name: user.display_name,
        role: user.role,
        must_change_password: user.must_change_password,
        locale: user.locale,
        theme: user.theme,
        time_zone: user.time_zone,
        session,
    }
}

impl DbSessions {
    /// A use that cannot be noted is no reason to show no page.
    async fn touch(&self, hash: [u8; 32], now: DateTime<Utc>) {
        let noted = self
            .db
            .write(move |c| Box::pin(async move { sessions::touch(c, &hash, now, end(now)).await }))
            .await;
        if let Err(error) = noted {
            tracing::warn!(%error, "the use of a session could not be noted");
        }
    }
}

fn end(now: DateTime<Utc>) -> DateTime<Utc> {
    now.checked_add_signed(TimeDelta::days(IDLE_DAYS))
        .unwrap_or(now)
}
