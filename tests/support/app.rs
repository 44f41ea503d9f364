//! A whole gateway for one test: server, database, vendor, clients. It fails on leftovers.

use std::time::Duration;

use modelgate::app;
use modelgate::cli::apply::{self, ApplyError, Document, Outcome};
use modelgate::clock::Clock;
use modelgate::config::{Config, MapEnv};
use modelgate::secrets;
use modelgate::simulator::{Options, Simulator};
use modelgate_domain::{AttemptRecord, Role, Secret, UserId};
use modelgate_store::request_logs::{self, LogFilter, LogRow};
use modelgate_store::users::{self, NewUser};
use modelgate_store::{Engine, StoreError, changes};

use super::client::{Browser, OpenAi};
use super::database::TestDatabase;

/// The administrator that every test gateway has.
pub const ADMIN: (&str, &str) = ("root", "correct horse battery staple");
/// The key of [`provisioning`].
pub const KEY: &str = "sk-mg-test-alice-0123456789";
/// The vendor key of [`provisioning`].
pub const VENDOR_KEY: &str = "sk-up-main-canary-1";
/// How long records may take to reach the database before a test fails.
const PATIENCE: Duration = Duration::from_secs(10);

/// What differs from the usual gateway.
pub struct Setup {
    pub engine: Engine,
    /// Environment variables beside those that every test needs.
    pub env: Vec<(String, String)>,
    pub vendor: Options,
    /// The file to apply before the test begins, made from the vendor's base URL; `None` for an empty gateway.
    pub apply: Option<fn(&str) -> String>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            engine: Engine::Sqlite,
            env: Vec::new(),
            vendor: Options::default(),
            apply: Some(provisioning),
        }
    }
}

impl Setup {
    pub fn on(engine: Engine) -> Self {
        Self {
            engine,
            ..Self::default()
        }
    }

    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// One provider, a chat model with a price and an alias, an embedding model, one key for all.
pub fn provisioning(base_url: &str) -> String {
    format!(
        r#"
[[providers]]
name = "acme"
protocol = "openai"
base_url = "{base_url}"
connect_timeout_ms = 2000
first_byte_timeout_ms = 5000
idle_timeout_ms = 5000
keys = [ {{ label = "main", secret = "{VENDOR_KEY}" }} ]

[[models]]
name = "gpt-x"
kind = "chat"
context_length = 128000
max_output_tokens = 16384
aliases = ["gpt-x-latest"]
targets = [ {{ provider = "acme", upstream_model = "gpt-x-2026", priority = 1, weight = 100 }} ]
price = {{ currency = "USD", input = "0.15", cached_input = "0.075", output = "0.60" }}

[[models]]
name = "embed-x"
kind = "embedding"
targets = [ {{ provider = "acme", upstream_model = "embed-x-1", priority = 1, weight = 100 }} ]
price = {{ currency = "USD", input = "0.02", output = "0" }}

[[api_keys]]
name = "alice"
secret = "{KEY}"
models = ["*"]
"#
    )
}

/// A running gateway with its vendor and its database.
pub struct TestApp {
    pub vendor: Simulator,
    pub config: Config,
    /// What [`TestApp::try_start`] was given.
    pub env: Vec<(String, String)>,
    server: app::Handle,
    database: TestDatabase,
}

impl TestApp {
    /// The usual gateway on SQLite.
    pub async fn start() -> Self {
        let app = Self::try_start(Setup::default()).await;
        app.expect("SQLite needs no server")
    }

    /// A gateway; `None` where it would need a PostgreSQL server and there is none.
    pub async fn try_start(setup: Setup) -> Option<Self> {
        let database = TestDatabase::create(setup.engine).await?;
        let vendor = Simulator::start(setup.vendor).expect("a simulator");
        let env = environment(&database, setup.env);
        let config = Config::from_env(&MapEnv::new(env.clone())).expect("a configuration");
        let server = app::Server::start(config.clone()).await.expect("a server");
        let app = Self {
            vendor,
            config,
            env,
            server,
            database,
        };
        if let Some(apply) = setup.apply {
            app.apply(&apply(&app.vendor.base_url())).await;
        }
        Some(app)
    }

    /// `http://127.0.0.1:PORT`, without a path.
    pub fn url(&self) -> String {
        format!("http://{}", self.server.addr())
    }

    /// Calls that wait for a free credential.
    pub fn waiting(&self) -> usize {
        self.server.waiting_calls()
    }

    /// The database, for questions that no page answers.
    pub fn db(&self) -> &modelgate_store::Db {
        self.server.db()
    }

    pub fn database(&self) -> &TestDatabase {
        &self.database
    }

    /// Applies a provisioning file and waits until it is served.
    pub async fn apply(&self, toml: &str) -> Outcome {
        let outcome = self.try_apply(toml).await;
        let outcome = outcome.unwrap_or_else(|e| panic!("apply: {e}"));
        if let Some(generation) = outcome.generation {
            self.wait_for_generation(generation).await;
        }
        outcome
    }

    /// Applies a provisioning file that may be wrong.
    pub async fn try_apply(&self, toml: &str) -> Result<Outcome, ApplyError> {
        let clock = Clock::system();
        let keyring = secrets::unlock(&self.config, self.db(), &clock).await;
        let keyring = keyring.unwrap_or_else(|e| panic!("keyring: {e}"));
        let document = Document {
            name: "test.toml",
            text: toml,
        };
        apply::apply(self.db(), &keyring, &clock, document, &MapEnv::default()).await
    }

    /// Waits until the gateway serves this generation of its configuration.
    pub async fn wait_for_generation(&self, generation: i64) {
        let path = format!("{}/readyz", self.config.base_path);
        let served = async {
            loop {
                let ready = self.visitor().get(&path).await.json();
                if ready["config_generation"].as_i64() >= Some(generation) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let served = tokio::time::timeout(PATIENCE, served).await;
        assert!(served.is_ok(), "generation {generation} is not served");
    }

    /// Waits until the gateway serves what the pages saved last.
    pub async fn wait_for_newest_generation(&self) {
        let newest = self.db().read(|c| Box::pin(changes::generation(c))).await;
        let newest = newest.unwrap_or_else(|e: StoreError| panic!("generation: {e}"));
        self.wait_for_generation(newest).await;
    }

    /// A client with the usual key.
    pub fn openai(&self) -> OpenAi {
        self.openai_as(KEY)
    }

    pub fn openai_as(&self, key: &str) -> OpenAi {
        OpenAi::new(&self.url(), key)
    }

    /// A browser that has logged in as the administrator.
    pub async fn admin(&self) -> Browser {
        self.account(ADMIN.0).await
    }

    /// A browser that has logged in with this account, whose password is the administrator's.
    pub async fn account(&self, username: &str) -> Browser {
        let browser = self.visitor();
        let fields = [("username", username), ("password", ADMIN.1)];
        let base = &self.config.base_path;
        let page = format!("{base}/login");
        let answer = browser.submit(&page, &page, &fields).await;
        assert_eq!(answer.status, 303, "log-in: {}", answer.text());
        browser
    }

    /// Makes an account of this role, with the administrator's password.
    pub async fn add_account(&self, username: &str, role: Role) -> UserId {
        let password = Secret::new(ADMIN.1);
        let hash = tokio::task::spawn_blocking(move || secrets::hash_password(&password));
        let user = NewUser {
            username: username.to_owned(),
            email: None,
            display_name: String::new(),
            password_hash: Some(Secret::new(hash.await.expect("no panic").expect("a hash"))),
            must_change_password: false,
            role,
        };
        let now = Clock::system().now();
        let made = self
            .db()
            .write(move |c| Box::pin(async move { users::insert(c, &user, now).await }));
        made.await.expect("an account")
    }

    /// A browser that has not logged in.
    pub fn visitor(&self) -> Browser {
        Browser::new(&self.url())
    }

    /// The newest rows of the request log, newest first, once every call that has ended is in it.
    pub async fn logs(&self) -> Vec<LogRow> {
        self.settle().await;
        let filter = LogFilter {
            limit: 500,
            ..LogFilter::default()
        };
        self.db()
            .read(move |c| Box::pin(async move { request_logs::list(c, &filter).await }))
            .await
            .map(|page| page.rows)
            .unwrap_or_else(|e: StoreError| panic!("request log: {e}"))
    }

    /// The only row of the request log.
    pub async fn only_log(&self) -> LogRow {
        let mut rows = self.logs().await;
        assert_eq!(rows.len(), 1, "{rows:#?}");
        rows.remove(0)
    }

    /// The attempts of a request.
    pub async fn attempts(&self, row: &LogRow) -> Vec<AttemptRecord> {
        let id = row.record.id;
        self.db()
            .read(move |c| Box::pin(async move { request_logs::find(c, id).await }))
            .await
            .unwrap_or_else(|e: StoreError| panic!("request log: {e}"))
            .map(|(_, attempts)| attempts)
            .unwrap_or_default()
    }

    /// Waits until no call runs and everything written to the journal is in the database.
    pub async fn settle(&self) {
        let quiet = async {
            while self.server.active_requests() > 0 || self.server.journal().stats().lag_records > 0
            {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let settled = tokio::time::timeout(PATIENCE, quiet).await;
        let (active, stats) = (self.server.active_requests(), self.server.journal().stats());
        assert!(settled.is_ok(), "not settled: {active} active, {stats:?}");
    }

    /// Stops the gateway in good order and starts it anew on the same database.
    pub async fn restart(self) -> Self {
        self.settle().await;
        self.server.stop().await;
        let server = Box::pin(app::Server::start(self.config.clone())).await;
        Self {
            server: server.expect("a server"),
            ..self
        }
    }

    /// Ends the test: nothing may be left over.
    pub async fn finish(self) {
        self.settle().await;
        assert_eq!(
            self.vendor.unplayed(),
            0,
            "steps of the vendor's script were not played"
        );
        assert_eq!(
            self.vendor.stats().active,
            0,
            "the vendor is still answering"
        );
        self.server.stop().await;
    }
}

/// What every test gateway is told; `more` wins.
fn environment(database: &TestDatabase, more: Vec<(String, String)>) -> Vec<(String, String)> {
    let data_dir = database.data_dir().display().to_string();
    let mut env: Vec<(String, String)> = [
        ("DATABASE_URL", database.url.as_str()),
        ("DATA_DIR", data_dir.as_str()),
        ("HOST", "127.0.0.1"),
        ("PORT", "0"),
        ("WORKERS", "2"),
        ("DRAIN_DELAY", "0"),
        ("SECRET_KEY", "a-secret-key-for-tests-0123456789abcdef"),
        ("ADMIN_USERNAME", ADMIN.0),
        ("ADMIN_PASSWORD", ADMIN.1),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    env.extend(more);
    env
}
