//! What the pages work with, put together by `app`.

use std::sync::Arc;

use modelgate_domain::ids::RequestIdSource;
use modelgate_store::Db;

use super::public::setup::SetupGate;
use super::throttle::LoginThrottle;
use crate::clock::Clock;
use crate::config::Config;
use crate::secrets::Keyring;

/// Everything a page handler may reach. One per process, shared by all serving threads.
#[derive(Clone, Debug)]
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
    /// The one-time link of the first start.
    pub setup: Arc<SetupGate>,
    /// Counts failed log-ins.
    pub throttle: Arc<LoginThrottle>,
}
