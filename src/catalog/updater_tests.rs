//! Rows become a snapshot, changes arrive, and what cannot be used does not hold up the rest.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::DateTime;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use modelgate_domain::{
    Currency, LimitKind, LimitScope, ModelId, Price, ProviderId, ProviderKeyId, Secret,
};
use modelgate_store::api_keys::{Allowed, ApiKeyData, KeyMaterial};
use modelgate_store::changes::Change;
use modelgate_store::models::ModelData;
use modelgate_store::prices::PriceOf;
use modelgate_store::providers::ProviderData;
use modelgate_store::targets::TargetData;
use modelgate_store::{
    Conn, Db, StoreError, api_keys, changes, limits, models, prices, provider_keys, providers,
    settings, targets,
};
use tempfile::TempDir;
use tokio::runtime::Handle;

use super::{AllowedModels, SEALED_IN, Updater, outbound};
use crate::clock::Clock;
use crate::config::{Config, MapEnv};
use crate::secrets::{KeySource, Keyring};

const EPOCH: DateTime<chrono::Utc> = DateTime::UNIX_EPOCH;

struct World {
    db: Db,
    keyring: Arc<Keyring>,
    config: Config,
    _files: TempDir,
}

impl World {
    async fn new() -> Self {
        Self::on(Handle::current()).await
    }

    /// With database work on this runtime.
    async fn on(runtime: Handle) -> Self {
        let files = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", files.path().join("t.db").display());
        let directory = files.path().display().to_string();
        let env = MapEnv::new([("DATABASE_URL", url.as_str()), ("DATA_DIR", &directory)]);
        let config = Config::from_env(&env).unwrap();
        let db = Db::open(&config.database_url, runtime).await.unwrap();
        db.migrate().await.unwrap();
        let keyring = Keyring::load(&KeySource::of(&config, true)).unwrap();
        Self {
            db,
            keyring: Arc::new(keyring),
            config,
            _files: files,
        }
    }

    async fn updater(&self) -> Updater {
        let (db, keyring) = (self.db.clone(), Arc::clone(&self.keyring));
        let clock = Clock::fixed(1_000);
        let started = Updater::start(db, keyring, clock, self.config.clone()).await;
        started.unwrap()
    }

    /// Runs `work` in one transaction with a new generation.
    async fn change<R, F>(&self, work: F) -> R
    where
        R: Send + 'static,
        F: for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Result<R, StoreError>> + Send + 'static,
    {
        let outcome = self.db.write(move |c| {
            async move {
                let made = work(c).await?;
                let change = Change {
                    at: EPOCH,
                    actor: "test".into(),
                    actor_address: String::new(),
                    action: "test.change".into(),
                    object: "everything".into(),
                    before: None,
                    after: None,
                    reason: String::new(),
                };
                changes::record(c, &change).await?;
                Ok::<_, StoreError>(made)
            }
            .boxed()
        });
        outcome.await.unwrap()
    }

    async fn provider(&self, name: &str) -> ProviderId {
        let data = ProviderData {
            name: name.into(),
            display_name: String::new(),
            template: String::new(),
            protocol: "openai".into(),
            base_url: "http://127.0.0.1:9/v1".into(),
            user_agent: Some(String::new()),
            connect_timeout_ms: 2_000,
            first_byte_timeout_ms: 60_000,
            idle_timeout_ms: 30_000,
            enabled: true,
        };
        let keyring = Arc::clone(&self.keyring);
        self.change(move |c| {
            async move {
                let id = providers::insert(c, &data, EPOCH).await?;
                let headers = [("x-team".to_owned(), Secret::new("blue"))];
                let sealed = outbound::seal(&keyring, id, &headers, &Secret::new("")).unwrap();
                providers::set_outbound(c, id, &sealed).await?;
                Ok(id)
            }
            .boxed()
        })
        .await
    }

    /// A credential with this ciphertext, or a properly sealed one.
    async fn credential(
        &self,
        provider: ProviderId,
        label: &'static str,
        ciphertext: Option<&'static str>,
    ) -> ProviderKeyId {
        let keyring = Arc::clone(&self.keyring);
        self.change(move |c| {
            async move {
                let id = provider_keys::insert(c, provider, label, 100, EPOCH).await?;
                let secret = Secret::new("sk-canary-0123456789");
                let sealed = keyring.seal(SEALED_IN, id.0, &secret).unwrap();
                let text = ciphertext.unwrap_or(&sealed);
                provider_keys::set_secret(c, id, text, "6789", EPOCH).await?;
                Ok(id)
            }
            .boxed()
        })
        .await
    }

    async fn model(&self, name: &str, at: &[ProviderId]) -> ModelId {
        let data = ModelData {
            name: name.into(),
            context_length: Some(128_000),
            ..ModelData::default()
        };
        let at = at.to_vec();
        self.change(move |c| {
            async move {
                let id = models::insert(c, &data, EPOCH).await?;
                for (provider, priority) in at.into_iter().zip(1..) {
                    let target = TargetData {
                        model_id: id,
                        provider_id: provider,
                        upstream_model: "vendor-name".into(),
                        priority,
                        weight: 100,
                        enabled: true,
                        busyness_at_most: None,
                    };
                    targets::insert(c, &target, EPOCH).await?;
                }
                Ok(id)
            }
            .boxed()
        })
        .await
    }
}

fn price(input: i64, from_ms: i64) -> Price {
    Price {
        id: 0.into(),
        currency: Currency::parse("USD").unwrap(),
        input,
        cached_input: None,
        cache_write: None,
        output: input,
        reasoning: None,
        per_request_nanos: 0,
        effective_from_ms: from_ms,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_become_a_snapshot() {
    let world = World::new().await;
    let acme = world.provider("acme").await;
    let spare = world.provider("spare").await;
    let main = world.credential(acme, "main", None).await;
    let model = world.model("org/gpt-x", &[spare, acme]).await;
    world
        .change(move |c| {
            async move {
                let kind = LimitKind::Concurrency;
                limits::set(c, LimitScope::ProviderKey, main.0, kind, Some(8)).await?;
                limits::set(c, LimitScope::ApiKey, main.0, kind, Some(3)).await?;
                models::set_aliases(c, model, &["latest".into()]).await?;
                prices::insert(c, PriceOf::Model(model), &price(1, 0), EPOCH).await?;
                prices::insert(c, PriceOf::Model(model), &price(2, 5), EPOCH).await?;
                let target = targets::list_of(c, model).await?[1].id;
                prices::insert(c, PriceOf::Target(target), &price(3, 0), EPOCH).await?;
                let data = ApiKeyData {
                    name: "alice".into(),
                    expires_at: DateTime::from_timestamp_millis(9_000),
                    all_models: false,
                    ..ApiKeyData::default()
                };
                let key = KeyMaterial {
                    hash: [7; 32],
                    prefix: "sk-mg-abcd".into(),
                    last4: "wxyz".into(),
                };
                let id = api_keys::insert(c, &data, &key, EPOCH).await?;
                api_keys::set_allowed(c, id, &[Allowed::Model(model)]).await
            }
            .boxed()
        })
        .await;
    let updater = world.updater().await;
    let catalog = updater.handle().load_full();
    assert_eq!(catalog.generation, 5);
    assert_eq!(catalog.notes, []);
    let resolved = catalog.resolve("acme/org/gpt-x").unwrap();
    assert_eq!(resolved.pinned, Some(acme));
    let found = catalog.resolve("latest").unwrap().model;
    let at: Vec<&str> = found.targets.iter().map(|t| &*t.provider.name).collect();
    assert_eq!(at, ["spare", "acme"]);
    let inputs = |prices: &[Price]| prices.iter().map(|p| p.input).collect::<Vec<_>>();
    assert_eq!(inputs(&found.prices), [2, 1]);
    assert_eq!(inputs(&found.targets[1].prices), [3]);
    assert_eq!(inputs(&found.targets[0].prices), [] as [i64; 0]);
    let provider = &found.targets[1].provider;
    let ours = concat!("ModelGate/", env!("CARGO_PKG_VERSION"));
    assert_eq!(provider.user_agent.as_deref(), Some(ours));
    assert_eq!(provider.first_byte_timeout, Duration::from_mins(1));
    assert_eq!(provider.extra_headers[0].1.expose(), "blue");
    let credential = &provider.credentials[0];
    assert_eq!(credential.secret.expose(), "sk-canary-0123456789");
    assert_eq!(credential.max_concurrency, Some(8));
    let key = &catalog.keys[&[7; 32]];
    assert_eq!((&*key.name, key.expires_at_ms), ("alice", Some(9_000)));
    assert!(matches!(&key.allowed, AllowedModels::Only { models, .. } if models.contains(&model)));
    assert!(!format!("{catalog:?}").contains("canary"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_that_does_not_open_is_left_out_with_a_note() {
    let world = World::new().await;
    let acme = world.provider("acme").await;
    world.credential(acme, "good", None).await;
    world.credential(acme, "torn", Some("v1.canary")).await;
    let other = world.credential(acme, "moved", None).await;
    world
        .change(move |c| {
            async move {
                let rows = provider_keys::list_of(c, acme).await?;
                let stolen = rows[0].secret.expose().to_owned();
                provider_keys::set_secret(c, other, &stolen, "", EPOCH).await
            }
            .boxed()
        })
        .await;
    let catalog = world.updater().await.handle().load_full();
    let labels = |p: &super::Provider| {
        let credentials = p.credentials.iter();
        credentials.map(|c| c.label.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(labels(&catalog.providers[&acme]), ["good"]);
    let objects: Vec<&str> = catalog.notes.iter().map(|n| n.object.as_str()).collect();
    assert_eq!(objects, ["credential acme/torn", "credential acme/moved"]);
    assert!(catalog.notes.iter().all(|n| !n.problem.contains("canary")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_in_force_within_a_second_and_observers_hear_of_it() {
    let world = World::new().await;
    let heard = Arc::new(AtomicI64::new(-1));
    let ear = Arc::clone(&heard);
    let observer = move |old: &super::Catalog, new: &super::Catalog| {
        assert!(new.generation > old.generation);
        ear.store(new.generation, Ordering::SeqCst);
    };
    let updater = Arc::new(world.updater().await.observed_by(Box::new(observer)));
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let polling = Arc::clone(&updater);
    let task = Handle::current().spawn(async move {
        let end = async { stopped.await.unwrap_or_default() };
        polling.run(end).await;
    });
    let handle = updater.handle();
    assert_eq!(handle.load().generation, 0);
    world.provider("acme").await;
    world
        .change(|c| {
            let value = serde_json::json!("沪ICP备1号");
            async move { settings::set(c, "icp_number", &value, EPOCH).await }.boxed()
        })
        .await;
    let seen = async {
        while handle.load().generation < 2 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(1), seen)
        .await
        .expect("a change is in force within a second");
    assert!(handle.load().provider_names.contains_key("acme"));
    assert_eq!(heard.load(Ordering::SeqCst), 2);
    let settings = updater.settings();
    let icp = settings.load().runtime.icp_number.clone();
    assert_eq!(icp.as_deref(), Some("沪ICP备1号"));
    assert_eq!(updater.status().generation, 2);
    assert!(!updater.refresh().await.unwrap(), "nothing changed since");
    stop.send(()).unwrap();
    task.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_database_is_gone_the_old_snapshot_stays_and_the_status_says_so() {
    let database_runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let world = World::on(database_runtime.handle().clone()).await;
    world.provider("acme").await;
    let updater = world.updater().await;
    let before = updater.handle().load_full();
    world.provider("later").await;
    database_runtime.shutdown_background();
    let error = updater.refresh().await.unwrap_err();
    assert!(Arc::ptr_eq(&before, &updater.handle().load_full()));
    let status = updater.status();
    assert_eq!(status.generation, 1);
    assert_eq!(status.last_error, Some(error.to_string()));
}
