//! What the pages work with, put together by `app`.

use std::net::IpAddr;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use actix_web::cookie::Key;
use chrono_tz::Tz;
use modelgate_domain::ids::RequestIdSource;
use modelgate_domain::{ApiKeyId, Range};
use modelgate_store::busyness_history::{self, Minutes};
use modelgate_store::failures::WINDOW;
use modelgate_store::usage::{self, Cube};
use modelgate_store::{Db, StoreError};
use tokio::sync::watch;

use super::admin::{Agents, Live};
use super::figures::{By, Desk, Figures, Times};
use super::throttle::LoginThrottle;
use super::user::{Habits, OwnUse, Phrases};
use crate::admission::{Admission, Board};
use crate::analysis::Day;
use crate::assistant::Assistant;
use crate::catalog::CatalogHandle;
use crate::clock::Clock;
use crate::config::{Config, LiveSettings};
use crate::journal::Journal;
use crate::notices::{Kind, News, Teller};
use crate::routing::Health;
use crate::secrets::{Keyring, SecretsError};
use crate::selftest::Bench;

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
    /// Where news is told.
    pub teller: Teller,
    /// Asks models in the gateway's own name.
    pub assistant: Arc<Assistant>,
    /// Tests providers.
    pub bench: Arc<Bench>,
    /// What instances share; absent without `REDIS_URL`.
    pub board: Option<Arc<dyn Board>>,
}

/// A few calls more change little in the sums of a week.
const HABITS_MS: i64 = 10_000;

const MINUTE_MS: i64 = 60_000;

/// What is worked out once for all who look.
#[derive(Debug, Default)]
struct Desks {
    figures: Desk<By, Figures>,
    times: Desk<By, Times>,
    busyness: Desk<By, Vec<Minutes>>,
    live: Desk<(), Live>,
    lately: Desk<i64, Cube>,
    agents: Desk<(), Agents>,
    errors: Desk<(), Day>,
    habits: Desk<Tz, Habits>,
    /// By key, and shown to its holder alone.
    own_use: Desk<ApiKeyId, OwnUse>,
    /// The same.
    phrases: Phrases,
}

/// Everything a page handler may reach. One per process, shared by all serving threads.
#[derive(Clone)]
pub struct WebState {
    parts: WebParts,
    /// Counts failed log-ins.
    pub throttle: Arc<LoginThrottle>,
    /// Figures that were read for somebody already.
    desks: Arc<Desks>,
    /// True when streams of pages are to end.
    ending: Arc<watch::Sender<bool>>,
    /// Signs the session cookie.
    pub(super) cookie_key: Key,
}

impl WebState {
    /// Derives what the pages need of their own.
    pub fn new(parts: WebParts) -> Result<Self, SecretsError> {
        let cookie_key = Key::from(&parts.keyring.derive("session cookie")?);
        Ok(Self {
            parts,
            throttle: Arc::default(),
            desks: Arc::default(),
            ending: Arc::new(watch::Sender::new(false)),
            cookie_key,
        })
    }

    /// Those who run the gateway hear of too many failed log-ins.
    pub(super) fn tell_of_sign_ins(&self, account: &str, address: IpAddr) {
        let account: String = account.chars().take(100).collect();
        let about = format!("{account} {address}");
        let news = News::new(Kind::SignInThrottled, about, self.clock.now_ms())
            .with("account", account)
            .with("address", address.to_string());
        self.teller.tell(news);
    }

    /// Ends the streams that pages hold open.
    pub fn end_streams(&self) {
        self.ending.send_replace(true);
    }

    /// Waits, and says whether to go on: not when streams are to end.
    pub(super) async fn sleeps(&self, time: Duration) -> bool {
        let mut ending = self.ending.subscribe();
        let ends = ending.wait_for(|ending| *ending);
        tokio::time::timeout(time, ends).await.is_err()
    }

    /// A range as the days of `zone` cut it, not older than the desk allows.
    pub(super) async fn figures(
        &self,
        range: Range,
        zone: Tz,
        at_least_ms: i64,
    ) -> Result<Arc<Figures>, StoreError> {
        let (business, clock, db) = (self.config.time_zone, self.clock.clone(), self.db.clone());
        let read = move || async move {
            let window = range.window(clock.now_ms(), zone, business);
            db.read_snapshot(move |c| {
                Box::pin(async move { Figures::read(c, window, business, None).await })
            })
            .await
        };
        let place = (&self.clock, self.db.runtime());
        let desk = &self.desks.figures;
        desk.get(&(range, zone), place, at_least_ms, read).await
    }

    /// How long answers took over a range.
    pub(super) async fn times(&self, range: Range, zone: Tz) -> Result<Arc<Times>, StoreError> {
        let (business, clock, db) = (self.config.time_zone, self.clock.clone(), self.db.clone());
        let read = move || async move {
            let now_ms = clock.now_ms();
            let window = range.window(now_ms, zone, business);
            db.read_snapshot(move |c| {
                Box::pin(async move { Times::read(c, &window, business, now_ms).await })
            })
            .await
        };
        let place = (&self.clock, self.db.runtime());
        self.desks.times.get(&(range, zone), place, 0, read).await
    }

    /// How busy the gateway was over a range, by the periods of its window.
    pub(super) async fn busyness(
        &self,
        range: Range,
        zone: Tz,
    ) -> Result<Arc<Vec<Minutes>>, StoreError> {
        let (business, clock, db) = (self.config.time_zone, self.clock.clone(), self.db.clone());
        let read = move || async move {
            let edges = range.window(clock.now_ms(), zone, business).edges;
            db.read_snapshot(move |c| {
                Box::pin(async move { busyness_history::series(c, &edges).await })
            })
            .await
        };
        let place = (&self.clock, self.db.runtime());
        let desk = &self.desks.busyness;
        desk.get(&(range, zone), place, 0, read).await
    }

    /// How every model did lately, by hour of the day.
    pub(super) async fn habits(&self, zone: Tz) -> Result<Arc<Habits>, StoreError> {
        let (clock, db) = (self.clock.clone(), self.db.clone());
        let read = move || async move {
            let now_ms = clock.now_ms();
            db.read_snapshot(move |c| Box::pin(async move { Habits::read(c, zone, now_ms).await }))
                .await
        };
        let place = (&self.clock, self.db.runtime());
        let desk = &self.desks.habits;
        desk.get(&zone, place, HABITS_MS, read).await
    }

    /// What a key made of each model lately.
    pub(super) async fn own_use(&self, key: ApiKeyId) -> Result<Arc<OwnUse>, StoreError> {
        let (clock, db) = (self.clock.clone(), self.db.clone());
        let read = move || async move {
            let now_ms = clock.now_ms();
            db.read_snapshot(move |c| Box::pin(async move { OwnUse::read(c, key, now_ms).await }))
                .await
        };
        let place = (&self.clock, self.db.runtime());
        self.desks.own_use.get(&key, place, 0, read).await
    }

    /// What a model made of the advice to a key.
    pub(super) fn phrases(&self) -> &Phrases {
        &self.desks.phrases
    }

    /// What goes on now.
    pub(super) async fn live(&self, at_least_ms: i64) -> Result<Arc<Live>, StoreError> {
        let slow_ms = i64::try_from(self.settings.load().runtime.slow_ms).unwrap_or(i64::MAX);
        let (clock, db) = (self.clock.clone(), self.db.clone());
        let read = move || async move {
            let now_ms = clock.now_ms();
            db.read_snapshot(move |c| Box::pin(async move { Live::read(c, now_ms, slow_ms).await }))
                .await
        };
        let place = (&self.clock, self.db.runtime());
        self.desks.live.get(&(), place, at_least_ms, read).await
    }

    /// What everybody did in the last `span_ms` and in the minute that runs.
    pub(super) async fn lately(&self, span_ms: i64) -> Result<Arc<Cube>, StoreError> {
        let (clock, db) = (self.clock.clone(), self.db.clone());
        let read = move || async move {
            let minute = clock.now_ms().div_euclid(MINUTE_MS) * MINUTE_MS;
            db.read(move |c| Box::pin(usage::minutes(c, minute - span_ms, minute + MINUTE_MS)))
                .await
        };
        let place = (&self.clock, self.db.runtime());
        let desk = &self.desks.lately;
        desk.get(&span_ms, place, 0, read).await
    }

    /// What the programs that called today say they are.
    pub(super) async fn agents(&self) -> Result<Arc<Agents>, StoreError> {
        let (clock, db) = (self.clock.clone(), self.db.clone());
        let read = move || async move {
            let now_ms = clock.now_ms();
            db.read(move |c| Box::pin(async move { Agents::read(c, now_ms).await }))
                .await
        };
        let place = (&self.clock, self.db.runtime());
        self.desks.agents.get(&(), place, 0, read).await
    }

    /// What goes wrong today.
    pub(super) async fn errors(&self) -> Result<Arc<Day>, StoreError> {
        let (business, clock, db) = (self.config.time_zone, self.clock.clone(), self.db.clone());
        let read = move || async move {
            let now_ms = clock.now_ms();
            db.read_snapshot(move |c| {
                Box::pin(async move { Day::read(c, now_ms, now_ms, business, WINDOW).await })
            })
            .await
        };
        let place = (&self.clock, self.db.runtime());
        self.desks.errors.get(&(), place, 0, read).await
    }

    /// What links begin with, where somebody said so.
    pub fn public_url(&self) -> Option<String> {
        self.settings.load().runtime.public_url.clone()
    }
}

impl Deref for WebState {
    type Target = WebParts;

    fn deref(&self) -> &WebParts {
        &self.parts
    }
}
