//! What the pages work with, put together by `app`.

use std::ops::Deref;
use std::sync::Arc;

use actix_web::cookie::Key;
use modelgate_domain::ids::RequestIdSource;
use modelgate_store::Db;

use super::public::setup::SetupGate;
use super::throttle::LoginThrottle;
use crate::admission::{Admission, Board};
use crate::catalog::CatalogHandle;
use crate::clock::Clock;
use crate::config::{Config, LiveSettings};
use crate::journal::Journal;
use crate::routing::Health;
use crate::secrets::{Keyring, SecretsError};

/// What `app` hands over.
#[derive(Clone)]
pub struct WebParts {
    /// The two doors to the database.
    pub db: Db,
    /// Seals vendor credentials.
    pub keyring: Arc<Keyring>,
    /// The start-up configuration.
    pub config: Arc<Config>,
    /// The settings in force.
    pub settings: LiveSettings,
    /// The time.
    pub clock: Clock,
    /// Ids of requests, the same series as the calls'.
    pub request_ids: Arc<RequestIdSource>,
    /// Live counters.
    pub admission: Admission,
    /// Which credentials rest, and why.
    pub health: Arc<Health>,
    /// The configuration in force.
    pub catalog: CatalogHandle,
    /// For its lag.
    pub journal: Arc<Journal>,
    /// What instances share; absent without `REDIS_URL`.
    pub board: Option<Arc<dyn Board>>,
}

/// Everything a page handler may reach. One per process, shared by all serving threads.
#[derive(Clone)]
pub struct WebState {
    parts: WebParts,
    /// The one-time link of the first start.
    pub setup: Arc<SetupGate>,
    /// Counts failed log-ins.
    pub throttle: Arc<LoginThrottle>,
    /// Signs the session cookie.
    pub(super) cookie_key: Key,
}

impl WebState {
    /// Derives what the pages need of their own.
    pub fn new(parts: WebParts) -> Result<Self, SecretsError> {
        let cookie_key = Key::from(&parts.keyring.derive("session cookie")?);
        Ok(Self {
            parts,
            setup: Arc::default(),
            throttle: Arc::default(),
            cookie_key,
        })
    }

    /// What links begin with, where somebody said so.
    pub fn public_url(&self) -> Option<String> {
        self.settings.load().runtime.public_url.clone()
    }

    /// The filing number of the landing page.
    pub fn icp_number(&self) -> Option<String> {
        self.settings.load().runtime.icp_number.clone()
    }
}

impl Deref for WebState {
    type Target = WebParts;

    fn deref(&self) -> &WebParts {
        &self.parts
    }
}
