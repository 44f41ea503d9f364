//! Several processes on one PostgreSQL, with and without Redis: limits that hold for all of them together, and what
//! becomes of them when a process or Redis is killed.

use std::time::{Duration, Instant};

use modelgate::simulator::{Options, Simulator, Step};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::Value;
use tokio::task::JoinSet;

use super::process::eventually;
use crate::support::{
    ADMIN, Browser, Child, Engine, OpenAi, TestDatabase, TestRedis, VENDOR_KEY, provisioning,
};

const TEN: &str = "sk-mg-test-ten-0123456789ab";
const PAIR: &str = "sk-mg-test-pair-0123456789ab";
const POOR: &str = "sk-mg-test-poor-0123456789ab";

const SECRET_KEY: &str = "a-secret-key-for-tests-0123456789abcdef";

/// Its own for each database: what gateways share in Redis goes by it, and the Redis may know another test's.
fn secret_key(database: &TestDatabase) -> String {
    let name = database.url.rsplit('/').next().unwrap_or_default();
    format!("{SECRET_KEY}-{name}")
}

fn keys() -> String {
    format!(
        r#"
[[api_keys]]
name = "ten"
secret = "{TEN}"
models = ["*"]
limits = {{ rpm = 10 }}

[[api_keys]]
name = "pair"
secret = "{PAIR}"
models = ["*"]
limits = {{ max_concurrency = 2 }}

[[api_keys]]
name = "poor"
secret = "{POOR}"
models = ["*"]
budget = {{ amount = "0.0005", currency = "USD", period = "day" }}
"#
    )
}

/// Two gateways on one database.
struct Two {
    database: TestDatabase,
    vendor: Simulator,
    a: Child,
    b: Child,
}

impl Two {
    /// Absent where there is no PostgreSQL.
    async fn start(redis: Option<&TestRedis>) -> Option<Self> {
        let database = TestDatabase::create(Engine::Postgres).await?;
        let vendor = Simulator::start(Options::default()).unwrap();
        let folder = database.folder.path();
        let file = folder.join("gateway.toml");
        std::fs::write(&file, provisioning(&vendor.base_url()) + &keys()).unwrap();
        let env = |name: &str| {
            let data_dir = folder.join(name).display().to_string();
            let mut env: Vec<(String, String)> = [
                ("DATABASE_URL", database.url.as_str()),
                ("DATA_DIR", data_dir.as_str()),
                ("HOST", "127.0.0.1"),
                ("PORT", "0"),
                ("WORKERS", "2"),
                ("DRAIN_DELAY", "0"),
                ("SECRET_KEY", &secret_key(&database)),
                ("ADMIN_USERNAME", ADMIN.0),
                ("ADMIN_PASSWORD", ADMIN.1),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
            env.extend(redis.map(|redis| ("REDIS_URL".to_owned(), redis.url.clone())));
            env
        };
        let mut apply = Child::command(folder, &env("a"));
        let applied = apply.arg("apply").arg(&file).output().unwrap();
        let said = String::from_utf8_lossy(&applied.stderr).into_owned();
        assert!(applied.status.success(), "{said}");
        let (a, b) = (
            Child::serve(folder, &env("a")),
            Child::serve(folder, &env("b")),
        );
        for child in [&a, &b] {
            eventually("both know of each other", async || {
                let ready = ready(child).await;
                let redis_up = redis.is_none() || ready["redis"] == "up";
                ready["instances"] == 2 && redis_up
            })
            .await;
        }
        Some(Self {
            database,
            vendor,
            a,
            b,
        })
    }
}

async fn ready(child: &Child) -> Value {
    Browser::new(child.url()).get("/readyz").await.json()
}

/// Calls at once; how many were served. The others must have been refused for `code`.
async fn served(client: &OpenAi, calls: usize, code: &str) -> usize {
    let mut all = JoinSet::new();
    for _ in 0..calls {
        let client = client.clone();
        all.spawn(async move { client.chat("gpt-x", false).await });
    }
    let mut served = 0;
    while let Some(answer) = all.join_next().await {
        let answer = answer.unwrap();
        if answer.status == 200 {
            served += 1;
        } else {
            assert_eq!(answer.json()["error"]["code"], code, "{}", answer.text());
        }
    }
    served
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_requests_a_minute_are_ten_across_two_processes() {
    let Some(redis) = TestRedis::start() else {
        return;
    };
    let Some(two) = Two::start(Some(&redis)).await else {
        return;
    };
    let (a, b) = (two.a.openai(TEN), two.b.openai(TEN));
    let code = "rpm_exceeded";
    let (at_a, at_b) = tokio::join!(served(&a, 15, code), served(&b, 15, code));
    assert_eq!(at_a + at_b, 10, "{at_a} and {at_b}");
    for client in [a, b] {
        // what one of them asked for and did not get counts at the other until it has said so
        eventually("both know that ten are used", async || {
            client.chat("gpt-x", false).await.json()["error"]["used"] == 10
        })
        .await;
        let refused = client.chat("gpt-x", false).await;
        assert_eq!(refused.status, 429);
        assert_eq!(refused.header("x-ratelimit-remaining-requests"), "0");
        let wait: i64 = refused.header("retry-after").parse().unwrap();
        assert!((1..=61).contains(&wait), "{wait}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_gives_its_places_back() {
    let Some(redis) = TestRedis::start() else {
        return;
    };
    let Some(two) = Two::start(Some(&redis)).await else {
        return;
    };
    let slow = Step::answer().delay(Duration::from_secs(30));
    two.vendor.push(slow.times(2));
    let (a, b) = (two.a.openai(PAIR), two.b.openai(PAIR));
    let mut running = JoinSet::new();
    for _ in 0..2 {
        let client = a.clone();
        running.spawn(async move {
            let body = crate::support::chat("gpt-x", false).to_string();
            let request = client.request(reqwest::Method::POST, "/chat/completions");
            let request = request.header("content-type", "application/json");
            drop(request.body(body).send().await);
        });
    }
    eventually("both run", async || two.vendor.received().len() == 2).await;
    let refused = b.chat("gpt-x", false).await;
    assert_eq!(refused.json()["error"]["code"], "concurrency_exceeded");
    assert_eq!(refused.json()["error"]["used"], 2);
    let killed = Instant::now();
    two.a.kill();
    eventually("a place is free", async || {
        b.chat("gpt-x", false).await.status == 200
    })
    .await;
    assert!(killed.elapsed() < Duration::from_secs(8), "{killed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_redis_each_takes_its_part_and_with_it_again_they_share() {
    let Some(mut redis) = TestRedis::own() else {
        return;
    };
    let Some(two) = Two::start(Some(&redis)).await else {
        return;
    };
    let (a, b) = (two.a.openai(TEN), two.b.openai(TEN));
    let code = "rpm_exceeded";
    assert_eq!(served(&a, 2, code).await, 2);
    assert_eq!(served(&b, 2, code).await, 2);
    redis.kill();
    let begun = Instant::now();
    assert_eq!(a.chat("gpt-x", false).await.status, 200);
    assert!(begun.elapsed() < Duration::from_millis(500), "{begun:?}");
    assert_eq!(served(&a, 5, code).await, 2, "its part is five");
    assert_eq!(ready(&two.a).await["redis"], "down");
    let metrics = Browser::new(two.a.url()).get("/metrics").await.text();
    assert!(metrics.contains("modelgate_redis_up 0"), "{metrics}");
    assert!(redis.start_again());
    for child in [&two.a, &two.b] {
        eventually("Redis is back", async || {
            ready(child).await["redis"] == "up"
        })
        .await;
    }
    assert_eq!(served(&b, 6, code).await, 3, "five at A, and two before");
    assert_eq!(served(&a, 1, code).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_budget_spent_at_one_refuses_at_the_other() {
    let Some(redis) = TestRedis::start() else {
        return;
    };
    let Some(two) = Two::start(Some(&redis)).await else {
        return;
    };
    two.vendor.push(Step::answer().tokens(1_000));
    let (a, b) = (two.a.openai(POOR), two.b.openai(POOR));
    let first = a.chat("gpt-x", false).await;
    assert_eq!(first.status, 200, "{}", first.text());
    let gone = a.chat("gpt-x", false).await;
    assert_eq!(gone.status, 402, "{}", gone.text());
    // long before B reads the database again
    tokio::time::sleep(Duration::from_millis(100)).await;
    let refused = b.chat("gpt-x", false).await;
    assert_eq!(refused.status, 402, "{}", refused.text());
    assert_eq!(refused.json()["error"]["code"], "budget_exceeded");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_vendor_said_to_one_is_known_to_the_other() {
    let Some(redis) = TestRedis::start() else {
        return;
    };
    let Some(two) = Two::start(Some(&redis)).await else {
        return;
    };
    let busy = Step::status(429).header("retry-after", "40");
    two.vendor.push(busy);
    let (a, b) = (two.a.openai(PAIR), two.b.openai(PAIR));
    let rests = async || {
        let body = crate::support::chat("gpt-x", false);
        let explained = b.post("/explain", &body).await.json();
        explained["attempts"][0]["reason"] == "last_resort"
    };
    assert!(!rests().await);
    assert_eq!(a.chat("gpt-x", false).await.status, 429);
    let told = Instant::now();
    eventually("B knows that the credential rests", rests).await;
    assert!(told.elapsed() < Duration::from_secs(2), "{told:?}");

    // an operator's test at B is served: the rest ends there and then, and soon at A, which had begun it
    let admin = Browser::new(two.b.url());
    let login = [("username", ADMIN.0), ("password", ADMIN.1)];
    assert_eq!(admin.submit("/login", "/login", &login).await.status, 303);
    let provider = "/admin/config/providers/1";
    let tested = admin
        .submit(provider, &format!("{provider}/keys/1/test"), &[])
        .await;
    let text = tested.text();
    assert!(text.contains("Its rest has ended"), "{text}");
    assert!(!rests().await);
    let over = async || {
        let body = crate::support::chat("gpt-x", false);
        let explained = a.post("/explain", &body).await.json();
        explained["attempts"][0]["reason"] != "last_resort"
    };
    eventually("A knows that the rest is over", over).await;
    assert!(!rests().await, "A does not tell B of it again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_without_redis_divide_a_limit() {
    let Some(two) = Two::start(None).await else {
        return;
    };
    assert!(ready(&two.a).await["redis"].is_null());
    for child in [&two.a, &two.b] {
        assert_eq!(served(&child.openai(TEN), 8, "rpm_exceeded").await, 5);
    }
    drop(two.database);
}

/// Runs the command line beside the gateways.
fn apply(two: &Two, text: &str) {
    let folder = two.database.folder.path();
    let file = folder.join("change.toml");
    std::fs::write(&file, text).unwrap();
    let data_dir = folder.join("a").display().to_string();
    let env = [
        ("DATABASE_URL".to_owned(), two.database.url.clone()),
        ("DATA_DIR".to_owned(), data_dir),
        ("SECRET_KEY".to_owned(), secret_key(&two.database)),
    ];
    let applied = Child::command(folder, &env)
        .arg("apply")
        .arg(&file)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&applied.stderr).into_owned();
    assert!(applied.status.success(), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_reaches_both_within_a_second_and_places_of_a_credential_are_shared() {
    let Some(redis) = TestRedis::start() else {
        return;
    };
    let Some(two) = Two::start(Some(&redis)).await else {
        return;
    };
    let generation = async |child: &Child| ready(child).await["config_generation"].as_i64();
    let before = generation(&two.a).await.unwrap();
    assert_eq!(generation(&two.b).await, Some(before));
    let one_place = format!(
        "[[providers]]\nname = \"acme\"\nkeys = [ {{ label = \"main\", secret = \"{VENDOR_KEY}\", max_concurrency = 1, limits = {{ rpm = 50 }} }} ]\n"
    );
    apply(&two, &one_place);
    let told = Instant::now();
    for child in [&two.a, &two.b] {
        eventually("the change is served", async || {
            generation(child).await == Some(before + 1)
        })
        .await;
    }
    assert!(told.elapsed() < Duration::from_secs(1), "{told:?}");

    let slow = Step::answer().delay(Duration::from_millis(1_500));
    two.vendor.push(slow);
    let (a, b) = (two.a.openai(PAIR), two.b.openai(PAIR));
    let first = tokio::spawn(async move { a.chat("gpt-x", false).await.status });
    eventually("the place is taken", async || {
        two.vendor.received().len() == 1
    })
    .await;
    let body = crate::support::chat("gpt-x", false);
    let told = b.post("/explain", &body).await.json();
    assert_eq!(told["figures"], "all_instances");
    let limits = &told["attempts"][0]["limits"];
    let place = serde_json::json!({
        "rule": "concurrency", "scope": "provider_key", "outcome": "refuses", "detail": "1 of 1",
    });
    assert_eq!(limits[0], place, "B knows what A uses: {told}");
    assert_eq!(
        (&limits[1]["rule"], &limits[1]["detail"]),
        (&"rpm".into(), &"1 of 50".into())
    );
    let second = tokio::spawn(async move { b.chat("gpt-x", false).await.status });
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(two.vendor.received().len(), 1, "B waits for the place at A");
    assert_eq!((first.await.unwrap(), second.await.unwrap()), (200, 200));
    assert_eq!(two.vendor.received().len(), 2);
}

/// What an operator sees of a certificate that the test makes.
struct Authority {
    folder: tempfile::TempDir,
}

impl Authority {
    /// `ca.pem`, another's `other.pem`, and a certificate for 127.0.0.1.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = || {
            let mut params = CertificateParams::new(Vec::new()).unwrap();
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
        };
        let (ours, other) = (authority(), authority());
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &ours).unwrap();
        for (name, text) in [
            ("ca.pem", ours.pem()),
            ("other.pem", other.pem()),
            ("server.crt", certificate.pem()),
            ("server.key", key.serialize_pem()),
        ] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Self { folder }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_over_tls_has_to_prove_who_it_is() {
    let authority = Authority::new();
    let (certificate, key) = (authority.path("server.crt"), authority.path("server.key"));
    let Some(redis) = TestRedis::over_tls(&certificate, &key) else {
        return;
    };
    let Some(database) = TestDatabase::create(Engine::Postgres).await else {
        return;
    };
    for (trusted, redis_is) in [("ca.pem", "up"), ("other.pem", "down")] {
        let folder = database.folder.path();
        let env = [
            ("DATABASE_URL", database.url.clone()),
            ("DATA_DIR", folder.join(redis_is).display().to_string()),
            ("HOST", "127.0.0.1".to_owned()),
            ("PORT", "0".to_owned()),
            ("DRAIN_DELAY", "0".to_owned()),
            ("SECRET_KEY", SECRET_KEY.to_owned()),
            ("REDIS_URL", redis.url.clone()),
            ("SSL_CERT_FILE", authority.path(trusted)),
        ]
        .map(|(name, value)| (name.to_owned(), value));
        let child = Child::serve(folder, &env);
        eventually(redis_is, async || ready(&child).await["redis"] == redis_is).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(ready(&child).await["redis"], redis_is, "and stays so");
    }
}
