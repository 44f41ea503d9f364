//! What one gateway consists of, put together in the order in which one thing needs another.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::web::Data;
use modelgate_domain::Secret;
use modelgate_domain::ids::RequestIdSource;
use modelgate_store::{Db, instances};
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::{AppError, before, bootstrap, errands, newsroom};
use crate::admission::{Admission, Board};
use crate::assistant::{Assistant, AssistantParts, Door, Front};
use crate::catalog::{Catalog, CredentialState, Updater};
use crate::clock::Clock;
use crate::config::{Config, Effective};
use crate::journal::{Journal, JournalOptions};
use crate::notices::{Inbox, Teller};
use crate::proxy::{self, Overload, ProxyState};
use crate::routing::{Events, Health};
use crate::secrets;
use crate::selftest::{Bench, BenchParts};
use crate::shared::RedisBoard;
use crate::telemetry::otlp::{self, Tracer};
use crate::telemetry::{Gauges, Metrics};
use crate::upstream::Clients;
use crate::web::{WebParts, WebState};

/// The state of one gateway, shared by all its threads.
pub(super) struct Parts {
    pub(super) config: Arc<Config>,
    pub(super) clock: Clock,
    pub(super) db: Db,
    pub(super) updater: Updater,
    pub(super) journal: Arc<Journal>,
    pub(super) admission: Admission,
    /// Where instances tell each other what they use; absent without `REDIS_URL`.
    pub(super) board: Option<Arc<RedisBoard>>,
    pub(super) ids: Arc<RequestIdSource>,
    pub(super) health: Arc<Health>,
    /// Where changes of it arrive, until the task that keeps them takes it.
    events: Mutex<Option<Events>>,
    /// Where news is told.
    pub(super) teller: Teller,
    /// Where it arrives, until the task that writes it down takes it.
    news: Mutex<Option<Inbox>>,
    pub(super) pages: Data<WebState>,
    /// Where the gateway listens, once it does.
    pub(super) address: Door,
    /// Asks models in the gateway's own name.
    pub(super) assistant: Arc<Assistant>,
    /// Makes the first administrator, where there is none yet.
    pub(super) setup_token: Option<Secret>,
    pub(super) metrics: Arc<Metrics>,
    /// Hears of what is to be exported by OTLP; absent where nothing is.
    tracer: Option<Arc<Tracer>>,
    /// Where it arrives, until the task that exports it takes it.
    traced: Mutex<Option<otlp::Inbox>>,
    /// True once the end has begun.
    pub(super) draining: Arc<AtomicBool>,
    /// How much may run at once.
    pub(super) overload: Overload,
    /// Becomes true when streams that still run must end.
    pub(super) closing: watch::Sender<bool>,
    /// Keeps others from an embedded database.
    _alone: Option<std::fs::File>,
}

impl Parts {
    /// Opens the database and everything that rests on it. `background` is the multi-thread runtime of all database
    /// work.
    pub(super) async fn build(config: Config, background: Handle) -> Result<Self, AppError> {
        let alone = before::look(&config)?;
        let clock = Clock::system();
        let (db, updated) = up_to_date(&config, background).await?;
        let keyring = Arc::new(secrets::unlock(&config, &db, &clock).await?);
        bootstrap::accounts(&config, &db, &clock).await?;
        let journal = Journal::open(&JournalOptions {
            dir: config.data_dir.join("journal"),
            max_bytes: config.journal_max_bytes,
            full: config.journal_full,
            clock: clock.clone(),
        })?;
        let updater = Updater::start(
            db.clone(),
            Arc::clone(&keyring),
            clock.clone(),
            config.clone(),
        )
        .await?;
        let (health, events) = Health::told();
        let health = Arc::new(health);
        let board = super::instances::board(&config, &db, &journal, &clock).await?;
        let shared = board.clone().map(|board| board as Arc<dyn Board>);
        let admission = Admission::shared(config.time_zone, shared.clone());
        let updater = observe(updater, &journal, (&health, &admission), &clock);
        let ids = Arc::new(lease(&db, &journal, &clock).await?);
        admission.set_living(super::instances::present(&db, &clock).await?);
        let config = Arc::new(config);
        let (teller, news) = Teller::new();
        let address = Door::default();
        let (assistant, bench) = askers(&config, (&db, &clock), &updater, &address, &keyring)?;
        let pages = WebState::new(WebParts {
            teller: teller.clone(),
            assistant: Arc::clone(&assistant),
            bench,
            db: db.clone(),
            keyring,
            config: Arc::clone(&config),
            settings: updater.settings(),
            clock: clock.clone(),
            request_ids: Arc::clone(&ids),
            admission: admission.clone(),
            health: Arc::clone(&health),
            catalog: updater.handle(),
            journal: Arc::clone(&journal),
            board: shared,
        })?;
        let metrics = Metrics::new()?;
        if let Some(migrations) = updated {
            newsroom::updated(&teller, migrations, clock.now_ms());
        }
        let (tracer, traced) = Tracer::new(&config.otlp, &metrics)?.unzip();
        let setup_token = bootstrap::setup_token(&db, &clock).await?;
        Ok(Self {
            pages: Data::new(pages),
            address,
            assistant,
            setup_token,
            ids,
            health,
            events: Mutex::new(Some(events)),
            teller,
            news: Mutex::new(Some(news)),
            admission,
            board,
            metrics: Arc::new(metrics),
            tracer,
            traced: Mutex::new(traced),
            draining: Arc::default(),
            overload: Overload::default(),
            closing: watch::Sender::new(false),
            _alone: alone,
            config,
            clock,
            db,
            updater,
            journal,
        })
    }

    /// Whether the end has begun.
    pub(super) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Where changes of the vendors' health arrive; given once.
    pub(super) fn events(&self) -> Option<Events> {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.take()
    }

    /// Where news arrives; given once.
    pub(super) fn news(&self) -> Option<Inbox> {
        let mut news = self.news.lock().unwrap_or_else(PoisonError::into_inner);
        news.take()
    }

    /// Where arrives what is to be exported; given once, and absent where nothing is.
    pub(super) fn traced(&self) -> Option<otlp::Inbox> {
        let mut traced = self.traced.lock().unwrap_or_else(PoisonError::into_inner);
        traced.take()
    }

    /// The configuration in force.
    pub(super) fn catalog(&self) -> Arc<Catalog> {
        self.updater.handle().load_full()
    }

    /// What one serving thread needs for the calls under `/v1`.
    pub(super) fn proxy_state(&self) -> ProxyState {
        ProxyState {
            catalog: self.updater.handle(),
            admission: self.admission.clone(),
            health: Health::clone(&self.health),
            clients: Clients::new(),
            writer: self.journal.writer(),
            ids: Arc::clone(&self.ids),
            clock: self.clock.clone(),
            settings: proxy::Settings::of(&self.config),
            live: self.updater.settings(),
            overload: self.overload.clone(),
            draining: Arc::clone(&self.draining),
            metrics: Arc::clone(&self.metrics),
            tracer: self.tracer.clone(),
            closing: self.closing.subscribe(),
        }
    }

    /// The settings in force.
    pub(super) fn settings(&self) -> Arc<Effective> {
        self.updater.settings().load_full()
    }

    /// The number of the configuration in force.
    pub(super) fn generation(&self) -> i64 {
        self.updater.status().generation
    }

    /// Whether the database answered when it was last asked, a quarter of a second ago at most.
    pub(super) fn database_up(&self) -> bool {
        self.updater.status().last_error.is_none()
    }

    /// Whether Redis answered when it was last asked; absent where none is to be used.
    pub(super) fn redis_up(&self) -> Option<bool> {
        self.board.as_ref().map(|board| board.is_up())
    }

    /// How long load balancers get to notice the end.
    pub(super) fn drain_delay(&self) -> Duration {
        self.settings().runtime.drain_delay
    }

    /// Calls that run.
    pub(super) fn active_requests(&self) -> i64 {
        self.admission.live().active_requests
    }

    /// What metrics read when somebody asks.
    pub(super) fn gauges(&self) -> Gauges {
        let live = self.admission.live();
        let stats = self.journal.stats();
        Gauges {
            active_requests: live.active_requests,
            active_streams: live.active_streams,
            journal_age_s: self.journal_age_s(stats.oldest_ms),
            journal_bytes: stats.bytes,
            journal_records: stats.lag_records,
            journal_unrecorded: stats.unrecorded,
            journal_set_aside: stats.set_aside,
            journal_full: stats.full.is_some(),
            credentials: self.credentials(),
            queue_waiting: self.queue_waiting(),
            config_generation: self.generation(),
            database_up: self.database_up(),
            redis_up: self.redis_up(),
        }
    }

    /// Vendor credentials that may be used, rest after trouble, and are switched off.
    fn credentials(&self) -> [u64; 3] {
        let (catalog, now_ms) = (self.catalog(), self.clock.now_ms());
        let mut counts = [0, 0, 0];
        for provider in catalog.providers.values() {
            for credential in &provider.credentials {
                let resting = || {
                    self.health
                        .credential_resting(provider.id, credential.id, now_ms)
                        .is_some()
                };
                let state = match credential.state {
                    CredentialState::Disabled => 2,
                    _ if !provider.enabled => 2,
                    CredentialState::Active if !resting() => 0,
                    _ => 1,
                };
                if let Some(count) = counts.get_mut(state) {
                    *count += 1;
                }
            }
        }
        counts
    }

    fn queue_waiting(&self) -> u64 {
        let waiting: usize = self.health.waiting_by_key().values().sum();
        u64::try_from(waiting).unwrap_or(u64::MAX)
    }

    /// Seconds since the oldest waiting record was written.
    #[allow(
        clippy::cast_precision_loss,
        reason = "an age in seconds needs no more"
    )]
    pub(super) fn journal_age_s(&self, oldest_ms: Option<i64>) -> f64 {
        let age = |ms| self.clock.now_ms().saturating_sub(ms).max(0) as f64 / 1_000.0;
        oldest_ms.map_or(0.0, age)
    }
}

/// Applies what changed to the journal, to what is known of the vendors, and to the limits.
fn observe(
    updater: Updater,
    journal: &Arc<Journal>,
    (health, admission): (&Health, &Admission),
    clock: &Clock,
) -> Updater {
    let (settings, journal) = (updater.settings(), Arc::clone(journal));
    let (health, admission, clock) = (health.clone(), admission.clone(), clock.clone());
    let apply = move |new: &Catalog| {
        let runtime = &settings.load().runtime;
        journal.set_full(runtime.journal_full);
        admission.set_policy(runtime.policy);
        let now_ms = clock.now_ms();
        admission.adopt(new, now_ms);
        super::admission::look(&admission, new, &health, now_ms);
        (health.clone(), now_ms)
    };
    apply(&updater.handle().load());
    updater.observed_by(Box::new(move |old: &Catalog, new: &Catalog| {
        let (health, now_ms) = apply(new);
        health.adopt(old, new, now_ms);
    }))
}

/// A number of our own, so that request ids never collide.
async fn lease(db: &Db, journal: &Journal, clock: &Clock) -> Result<RequestIdSource, AppError> {
    let (instance, now_ms) = (journal.instance().to_owned(), clock.now_ms());
    let version = env!("CARGO_PKG_VERSION");
    let lease = db
        .write(move |c| {
            Box::pin(async move { instances::lease(c, &instance, version, now_ms).await })
        })
        .await?;
    Ok(RequestIdSource::new(lease.number, lease.floor_ms))
}

/// Opens the database and brings it up to date; with it, how many migrations an older one got. A new one has nobody to
/// tell yet.
async fn up_to_date(config: &Config, background: Handle) -> Result<(Db, Option<usize>), AppError> {
    let db = Db::open(&config.database_url, background).await?;
    let known = db.migrations().await?.len();
    let run = db.migrate().await?.len();
    if run > 0 {
        tracing::info!(migrations = run, "the database was brought up to date");
    }
    Ok((db, (run < known).then_some(run)))
}

/// What asks through the gateway's own front door, once it listens: what asks models in its name, and what tests
/// providers for the portal.
fn askers(
    config: &Config,
    (db, clock): (&Db, &Clock),
    updater: &Updater,
    address: &Door,
    keyring: &secrets::Keyring,
) -> Result<(Arc<Assistant>, Arc<Bench>), AppError> {
    let front = Front {
        door: Arc::clone(address),
        base_path: config.base_path.clone(),
        http: errands::client().map_err(AppError::Runtime)?,
    };
    let bench = BenchParts {
        db: db.clone(),
        clock: clock.clone(),
        front: front.clone(),
    };
    let assistant = AssistantParts {
        db: db.clone(),
        clock: clock.clone(),
        zone: config.time_zone,
        settings: updater.settings(),
        front,
    };
    let assistant = Assistant::new(assistant, keyring)?;
    Ok((Arc::new(assistant), Arc::new(Bench::new(bench, keyring)?)))
}
