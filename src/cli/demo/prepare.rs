//! Sets the stage: secrets, configuration, vendors, and a database with thirty days in it.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use modelgate_domain::{Job, Secret};
use modelgate_store::{Db, catalog, jobs};

use super::cast::{self, PEOPLE, VENDORS};
use super::{SEED, fill, history, report};
use crate::catalog::build;
use crate::cli::apply::{self, Document};
use crate::clock::Clock;
use crate::config::{Config, Effective, Env, MapEnv, PRODUCT_USER_AGENT};
use crate::notices::Teller;
use crate::scheduler::{Scheduler, SchedulerParts};
use crate::secrets;
use crate::simulator::{Options, Reply, Simulator};

/// What the demo takes from the environment; everything else might point it at real data.
const RESPECTED: &[&str] = &["HOST", "PORT", "WORKERS", "LOG_LEVEL", "LOG_FORMAT", "TZ"];
/// The administrator's name.
pub(super) const ADMIN: &str = "admin";

/// The secrets that this demo was dealt, new every time.
#[derive(Clone, Debug)]
pub(super) struct Secrets {
    /// What tells this demo's directory from others'.
    pub(super) unique: String,
    pub(super) password: Secret,
    /// The key that is printed.
    pub(super) guest: Secret,
    /// The key of each person, in the order of [`PEOPLE`].
    pub(super) people: Vec<Secret>,
}

impl Secrets {
    pub(super) fn deal() -> anyhow::Result<Self> {
        let token =
            || secrets::random_token().map(|t| t.expose().chars().take(16).collect::<String>());
        let key = || secrets::new_api_key().map(|k| Secret::new(k.expose()));
        let people = PEOPLE.iter().map(|_| key()).collect::<Result<_, _>>()?;
        Ok(Self {
            unique: token()?,
            password: Secret::new(token()?),
            guest: key()?,
            people,
        })
    }
}

/// The demo's own configuration in `folder`.
pub(super) fn configuration(
    env: &dyn Env,
    folder: &Path,
    secrets: &Secrets,
) -> anyhow::Result<Config> {
    let mut pairs = vec![
        (
            "DATABASE_URL",
            format!("sqlite:{}", folder.join("demo.db").display()),
        ),
        ("DATA_DIR", folder.join("data").display().to_string()),
        ("ADMIN_USERNAME", ADMIN.to_owned()),
        ("ADMIN_PASSWORD", secrets.password.expose().to_owned()),
        ("LOG_LEVEL", "warn".to_owned()),
        ("DRAIN_DELAY", "0".to_owned()),
    ];
    for name in RESPECTED {
        pairs.extend(env.get(name).map(|value| (*name, value)));
    }
    Ok(Config::from_env(&MapEnv::new(pairs))?)
}

/// One simulated vendor for each name, each with a pace of its own.
pub(super) fn vendors() -> anyhow::Result<Vec<Simulator>> {
    let ms = Duration::from_millis;
    let start = |(vendor, pace): (&&str, u64)| {
        let keys = ["main", "spare"].map(|label| cast::vendor_key(vendor, label));
        Simulator::start(Options {
            keys: keys.into(),
            reply: Reply {
                delay: ms(pace * 8),
                first: ms(pace * 10),
                pace: ms(pace),
                reasoning: if **vendor == *"cedar" { 96 } else { 0 },
                ..Reply::default()
            },
            ..Options::default()
        })
    };
    let started = VENDORS.iter().zip([18, 30, 24]).map(start);
    started
        .collect::<Result<_, _>>()
        .context("a simulated vendor does not start")
}

/// Makes the database and writes the history; returns how many calls it tells of.
pub(super) fn fill(
    config: &Config,
    vendors: &[Simulator],
    secrets: &Secrets,
) -> anyhow::Result<usize> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let clock = Clock::system();
        let db = Db::open(&config.database_url, runtime.handle().clone()).await?;
        db.migrate().await?;
        let keyring = secrets::unlock(config, &db, &clock).await?;
        let base_urls: Vec<String> = vendors.iter().map(Simulator::base_url).collect();
        let text = cast::provisioning(&base_urls, secrets);
        let document = Document {
            name: "demo.toml",
            text: &text,
        };
        let nothing = MapEnv::default();
        apply::apply(&db, &keyring, &clock, document, &nothing).await?;
        let catalog = build(catalog::load(&db).await?, &keyring, PRODUCT_USER_AGENT);
        let entries = history::history(&catalog, config.time_zone, clock.now_ms(), SEED);
        let rows = fill::fill(&db, entries).await?;
        run_job(config, &db, &clock, Job::ErrorReports).await?;
        report::ask(&db, &clock).await?;
        Ok(rows)
    })
}

/// Lets a job do its work, as a gateway does at its hour.
async fn run_job(config: &Config, db: &Db, clock: &Clock, job: Job) -> anyhow::Result<()> {
    let scheduler = Scheduler::new(SchedulerParts {
        db: db.clone(),
        clock: clock.clone(),
        zone: config.time_zone,
        settings: Effective::live(config),
        backup_dir: None,
        assistant: None,
        instance: "demo".to_owned(),
        teller: Teller::new().0,
        alone: true,
    });
    // The first look makes the rows of the jobs.
    scheduler.tick().await?;
    db.write(move |c| Box::pin(jobs::ask(c, job, "demo")))
        .await?;
    scheduler.tick().await?;
    scheduler.idle().await;
    Ok(())
}
