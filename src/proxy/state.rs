//! What a serving thread needs to serve `/v1`.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use ipnet::IpNet;
use modelgate_dialect::reader::Reader;
use modelgate_domain::ids::RequestIdSource;
use tokio::sync::watch;

use super::overload::Overload;
use super::readers::Readers;
use crate::admission::Admission;
use crate::catalog::CatalogHandle;
use crate::clock::Clock;
use crate::config::{Config, LiveSettings};
use crate::journal::Writer;
use crate::routing::Health;
use crate::telemetry::Metrics;
use crate::telemetry::otlp::Tracer;
use crate::upstream::Clients;

/// The state of one serving thread; what is behind a handle is shared by all of them.
pub struct ProxyState {
    /// The configuration in force.
    pub catalog: CatalogHandle,
    /// Rules and live counters.
    pub admission: Admission,
    /// What is known of the vendors.
    pub health: Health,
    /// This thread's vendor connections.
    pub clients: Clients,
    /// This thread's end of the journal.
    pub writer: Writer,
    /// Where request ids come from.
    pub ids: Arc<RequestIdSource>,
    /// The time.
    pub clock: Clock,
    /// Settings that hold until the next start.
    pub settings: Settings,
    /// Settings that may change while running.
    pub live: LiveSettings,
    /// How much may run at once.
    pub overload: Overload,
    /// True once the gateway is to be left: connections are closed with the next answer.
    pub draining: Arc<AtomicBool>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Hears of what is to be exported; absent where nothing is.
    pub tracer: Option<Arc<Tracer>>,
    /// Turns true when running streams must end: with an error event, since they are not complete.
    pub closing: watch::Receiver<bool>,
}

/// The fixed settings of the data plane.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The largest request body in bytes.
    pub body_limit: usize,
    /// Whose forwarded addresses are believed.
    pub trusted_proxies: Vec<IpNet>,
}

impl Settings {
    /// The part of the start-up configuration that matters here.
    pub fn of(config: &Config) -> Self {
        Self {
            body_limit: config.body_limit,
            trusted_proxies: config.trusted_proxies.clone(),
        }
    }
}

/// [`ProxyState`] and what is prepared from it once.
pub(super) struct Worker {
    pub(super) state: ProxyState,
    pub(super) reader: Arc<Reader>,
    pub(super) readers: Rc<Readers>,
}

impl std::ops::Deref for Worker {
    type Target = ProxyState;

    fn deref(&self) -> &ProxyState {
        &self.state
    }
}
