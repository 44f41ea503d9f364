//! Keeps the snapshot in step with the database: polls the generation and builds anew when it moved.
//!
//! When the database is away or a read fails, the old snapshot stays in force and the status says why.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use futures_util::FutureExt as _;
use modelgate_domain::period::BudgetSum;
use modelgate_store::settings::Setting;
use modelgate_store::{Db, StoreError, budgets, catalog, changes};
use serde_json::Value;

use super::CatalogHandle;
use super::build::build;
use super::snapshot::Catalog;
use crate::clock::Clock;
use crate::config::{Config, Effective, LiveSettings};
use crate::secrets::Keyring;

/// How often the generation is looked at.
const POLL: Duration = Duration::from_millis(250);

/// Called with the old and the new snapshot, after the new one is in force.
pub type Observer = Box<dyn Fn(&Catalog, &Catalog) + Send + Sync>;

/// What pages and health checks say about the snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// The generation in force.
    pub generation: i64,
    /// When it was built, epoch milliseconds.
    pub built_ms: i64,
    /// When the database last answered, epoch milliseconds.
    pub checked_ms: i64,
    /// Why the last look at the database failed; absent when it went well.
    pub last_error: Option<String>,
}

/// Builds snapshots and puts them in force.
pub struct Updater {
    db: Db,
    keyring: Arc<Keyring>,
    clock: Clock,
    config: Config,
    handle: CatalogHandle,
    settings: LiveSettings,
    observers: Vec<Observer>,
    status: Mutex<Status>,
    /// One build at a time, so that an older one can never replace a newer.
    building: tokio::sync::Mutex<()>,
}

impl Updater {
    /// Builds the first snapshot; without a database there is none, and the gateway does not start.
    pub async fn start(
        db: Db,
        keyring: Arc<Keyring>,
        clock: Clock,
        config: Config,
    ) -> Result<Self, StoreError> {
        let updater = Self {
            settings: Effective::live(&config),
            handle: Arc::new(ArcSwap::from_pointee(Catalog {
                generation: -1,
                ..Catalog::default()
            })),
            observers: Vec::new(),
            status: Mutex::default(),
            building: tokio::sync::Mutex::new(()),
            db,
            keyring,
            clock,
            config,
        };
        updater.refresh().await?;
        Ok(updater)
    }

    /// Adds a listener for new snapshots.
    #[must_use]
    pub fn observed_by(mut self, observer: Observer) -> Self {
        self.observers.push(observer);
        self
    }

    /// The snapshot in force, now and later.
    pub fn handle(&self) -> CatalogHandle {
        Arc::clone(&self.handle)
    }

    /// The settings in force, now and later.
    pub fn settings(&self) -> LiveSettings {
        Arc::clone(&self.settings)
    }

    /// How fresh the snapshot is.
    pub fn status(&self) -> Status {
        self.lock().clone()
    }

    /// Looks at the database now and says whether a new snapshot is in force. A page that changed the
    /// configuration calls this, so that the next page already sees the change.
    pub async fn refresh(&self) -> Result<bool, StoreError> {
        let _one = self.building.lock().await;
        let outcome = self.look().await;
        let mut status = self.lock();
        match &outcome {
            Ok(changed) => {
                let now_ms = self.clock.now_ms();
                status.checked_ms = now_ms;
                status.last_error = None;
                if *changed {
                    status.generation = self.handle.load().generation;
                    status.built_ms = now_ms;
                }
            }
            Err(error) => status.last_error = Some(error.to_string()),
        }
        outcome
    }

    /// Polls until `shutdown` ends. Runs on the database runtime.
    pub async fn run(&self, shutdown: impl Future<Output = ()>) {
        tokio::pin!(shutdown);
        let mut failing = false;
        loop {
            tokio::select! {
                () = &mut shutdown => return,
                () = tokio::time::sleep(POLL) => {}
            }
            match self.refresh().await {
                Ok(_changed) if failing => {
                    failing = false;
                    tracing::info!("the configuration can be read again");
                }
                Ok(_changed) => {}
                Err(error) if !failing => {
                    failing = true;
                    tracing::warn!(%error, "the configuration cannot be read; what was in force stays");
                }
                Err(_known) => {}
            }
        }
    }

    async fn look(&self) -> Result<bool, StoreError> {
        let generation = self.db.read(|c| changes::generation(c).boxed()).await?;
        if generation == self.handle.load().generation {
            return Ok(false);
        }
        let rows = catalog::load(&self.db).await?;
        let settings = Arc::new(effective(&self.config, &rows.settings));
        // At once: a page may have saved something newer by the time that the snapshot is built.
        self.settings.store(Arc::clone(&settings));
        let mut new = build(rows, &self.keyring, &settings.runtime.user_agent);
        if new.has_budgets() {
            // Read after the limits: sums only grow.
            new.budget_sums = self.budget_sums().await?;
        }
        let new = Arc::new(new);
        for note in &new.notes {
            tracing::warn!(
                object = note.object,
                problem = note.problem,
                "left out of the configuration"
            );
        }
        let old = self.handle.swap(Arc::clone(&new));
        for observer in &self.observers {
            observer(&old, &new);
        }
        Ok(true)
    }

    async fn budget_sums(&self) -> Result<Vec<BudgetSum>, StoreError> {
        let (zone, now_ms) = (self.config.time_zone, self.clock.now_ms());
        let current = self
            .db
            .read(move |c| async move { budgets::current(c, zone, now_ms).await }.boxed());
        Ok(current.await?.sums)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The settings in force, given the rows that were saved.
pub fn effective(config: &Config, saved: &[Setting]) -> Effective {
    let texts: Vec<(&str, String)> = saved
        .iter()
        .map(|row| {
            let text = match &row.value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            (row.key.as_str(), text)
        })
        .collect();
    Effective::merge(
        config,
        texts.iter().map(|(key, text)| (*key, text.as_str())),
    )
}
