//! What the pages work with, put together by `app`.

use std::sync::Arc;

use modelgate_domain::ids::RequestIdSource;
use modelgate_store::Db;

use super::throttle::LoginThrottle;
use crate::clock::Clock;
use crate::config::{Config, LiveSettings};
use crate::secrets::Keyring;

/// Everything a page handler may reach. One per process, shared by all serving threads.
#[derive(Clone)]
pub struct WebState {
    /// The two doors to the database.
    pub db: Db,
    /// Seals vendor credentials.
    pub keyring: Arc<Keyring>,
    /// The start-up configuration.
    pub config: Arc<Config>,
    /// The time.
    pub clock: Clock,
    /// Ids of requests, the same series as the calls'.
    pub request_ids: Arc<RequestIdSource>,
    /// The settings in force.
    pub settings: LiveSettings,
    /// Counts failed log-ins.
    pub throttle: Arc<LoginThrottle>,
}

impl WebState {
    /// What links begin with, where somebody said so.
    pub fn public_url(&self) -> Option<String> {
        self.settings.load().runtime.public_url.clone()
    }

    /// The filing number of the landing page.
    pub fn icp_number(&self) -> Option<String> {
        self.settings.load().runtime.icp_number.clone()
    }
}
