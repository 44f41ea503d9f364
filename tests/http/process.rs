//! The process as a whole: killed without a warning, ended in good order, on both engines.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use modelgate::simulator::{End, Options, Simulator, Step};
use modelgate_domain::{FaultOwner, RequestId, RequestRecord, Secret, Status};
use modelgate_store::request_logs::{self, LogFilter};
use modelgate_store::usage::{self, UsageFilter};
use modelgate_store::{Db, StoreError};
use reqwest::Method;
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use crate::support::{Answer, Child, Engine, KEY, OpenAi, TestDatabase, chat, provisioning};

/// How many calls run when the process is killed.
const RUNNING: usize = 200;

pub(super) fn environment(database: &TestDatabase, drain_delay: &str) -> Vec<(String, String)> {
    let data_dir = database.data_dir().display().to_string();
    [
        ("DATABASE_URL", database.url.as_str()),
        ("DATA_DIR", data_dir.as_str()),
        ("HOST", "127.0.0.1"),
        ("PORT", "0"),
        ("WORKERS", "2"),
        ("DRAIN_DELAY", drain_delay),
        ("SECRET_KEY", "a-secret-key-for-tests-0123456789abcdef"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

/// A provisioned gateway as a process of its own.
pub(super) fn start(
    database: &TestDatabase,
    vendor: &Simulator,
    env: &[(String, String)],
) -> Child {
    let folder = database.folder.path();
    let file = folder.join("gateway.toml");
    std::fs::write(&file, provisioning(&vendor.base_url())).unwrap();
    let applied = Child::command(folder, env)
        .arg("apply")
        .arg(&file)
        .output()
        .unwrap();
    assert!(
        applied.status.success(),
        "{}",
        String::from_utf8_lossy(&applied.stderr)
    );
    Child::serve(folder, env)
}

fn journals(data_dir: &Path) -> usize {
    std::fs::read_dir(data_dir.join("journal")).unwrap().count()
}

pub(super) async fn eventually(what: &str, holds: impl AsyncFn() -> bool) {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < Duration::from_secs(30), "never: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Every row of the request log.
pub(super) async fn rows(database: &TestDatabase) -> Vec<RequestRecord> {
    let db = Db::open(&Secret::new(database.url.clone()), Handle::current())
        .await
        .unwrap();
    let mut all = Vec::new();
    loop {
        let before = all.last().map(|r: &RequestRecord| r.id);
        let filter = LogFilter {
            before,
            limit: 500,
            ..LogFilter::default()
        };
        let page = db
            .read(move |c| Box::pin(async move { request_logs::list(c, &filter).await }))
            .await
            .unwrap_or_else(|e: StoreError| panic!("{e}"));
        if page.rows.is_empty() {
            return all;
        }
        all.extend(page.rows.into_iter().map(|row| row.record));
    }
}

/// Requests that the roll-ups count.
async fn counted(database: &TestDatabase) -> i64 {
    let db = Db::open(&Secret::new(database.url.clone()), Handle::current())
        .await
        .unwrap();
    let filter = UsageFilter {
        from_ms: 0,
        to_ms: i64::MAX / 2,
        ..UsageFilter::default()
    };
    let totals = db
        .read(move |c| Box::pin(async move { usage::totals(c, &filter).await }))
        .await
        .unwrap_or_else(|e: StoreError| panic!("{e}"));
    totals.success + totals.error + totals.timeout + totals.cancelled + totals.rate_limited
}

/// What the callers saw: whole answers, and calls of which they have no more than the beginning.
#[derive(Default)]
struct Seen {
    answered: Vec<RequestId>,
    begun: Vec<RequestId>,
}

/// Calls again and again until told to stop or the gateway is gone.
async fn call_on(client: OpenAi, stream: bool, stop: Arc<AtomicBool>, seen: Arc<Mutex<Seen>>) {
    while !stop.load(Ordering::Relaxed) {
        let request = client
            .request(Method::POST, "/chat/completions")
            .header("content-type", "application/json")
            .body(chat("gpt-x", stream).to_string());
        let Ok(response) = request.send().await else {
            return;
        };
        assert_eq!(response.status(), 200);
        let id = response.headers()["x-request-id"]
            .to_str()
            .unwrap()
            .parse()
            .unwrap();
        seen.lock().unwrap().begun.push(id);
        let Ok(body) = response.bytes().await else {
            return;
        };
        if !stream || body.ends_with(b"data: [DONE]\n\n") {
            seen.lock().unwrap().answered.push(id);
        }
    }
}

async fn killed_with_calls_running(engine: Engine) {
    let Some(database) = TestDatabase::create(engine).await else {
        return;
    };
    let vendor = Simulator::start(Options::default()).unwrap();
    let slow = Step::answer().tokens(8).delay(Duration::from_millis(200));
    vendor.push(slow.pace(Duration::from_millis(150)).always());
    let env = environment(&database, "0");
    let child = start(&database, &vendor, &env);
    let (stop, seen) = (Arc::<AtomicBool>::default(), Arc::<Mutex<Seen>>::default());
    let mut callers = JoinSet::new();
    for n in 0..RUNNING {
        let client = child.openai(KEY);
        callers.spawn(call_on(
            client,
            n % 3 != 0,
            Arc::clone(&stop),
            Arc::clone(&seen),
        ));
    }
    eventually("all callers were answered at least once", async || {
        seen.lock().unwrap().answered.len() >= 2 * RUNNING
    })
    .await;
    eventually("enough calls run", async || {
        vendor.stats().active >= u64::try_from(RUNNING / 2).unwrap()
    })
    .await;
    child.kill();
    stop.store(true, Ordering::Relaxed);
    callers.join_all().await;
    assert_eq!(
        journals(&database.data_dir()),
        1,
        "the dead process's journal"
    );

    let child = Child::serve(database.folder.path(), &env);
    eventually("the dead process's journal is drained", async || {
        journals(&database.data_dir()) == 1
            && rows(&database)
                .await
                .iter()
                .all(|r| r.status != Status::Pending)
    })
    .await;
    let all = rows(&database).await;
    let by_id: BTreeMap<RequestId, &RequestRecord> = all.iter().map(|r| (r.id, r)).collect();
    assert_eq!(by_id.len(), all.len(), "one row for each request");
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    for id in &seen.answered {
        let record = by_id
            .get(id)
            .unwrap_or_else(|| panic!("{id} was answered and has no record"));
        assert_eq!(record.status, Status::Success, "{record:?}");
        assert!(
            record.usage.completion > 0 && record.cost_nanos.is_some(),
            "{record:?}"
        );
    }
    assert!(
        seen.begun.iter().all(|id| by_id.contains_key(id)),
        "what began has a record"
    );
    let died = all.iter().filter(|r| r.error_code == "instance_died");
    assert!(died.clone().all(|r| r.fault_owner == FaultOwner::Gateway));
    assert!(
        died.count() >= RUNNING / 4,
        "calls ran when the process was killed"
    );
    let number = i64::try_from(all.len()).unwrap();
    assert_eq!(
        counted(&database).await,
        number,
        "the roll-ups count each of them once"
    );
    assert!(child.terminate().success());
    assert_eq!(journals(&database.data_dir()), 0);
    assert_eq!(counted(&database).await, number);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_with_calls_running_sqlite() {
    killed_with_calls_running(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_with_calls_running_postgres() {
    killed_with_calls_running(Engine::Postgres).await;
}

async fn ended_in_good_order(engine: Engine) {
    let Some(database) = TestDatabase::create(engine).await else {
        return;
    };
    let vendor = Simulator::start(Options::default()).unwrap();
    vendor.push(Step::answer().tokens(30).pace(Duration::from_millis(100)));
    let env = environment(&database, "1");
    let child = start(&database, &vendor, &env);
    let (client, url) = (child.openai(KEY), child.url().to_owned());
    let stream = client.send("/chat/completions", &chat("gpt-x", true)).await;
    assert_eq!(stream.status(), 200);
    let child_client = child.openai(KEY);
    let ending = tokio::task::spawn_blocking(move || child.terminate());
    let ready = async || match reqwest::get(format!("{url}/readyz")).await {
        Ok(answer) => answer.status().as_u16(),
        Err(_refused) => 0,
    };
    eventually("not ready, yet answering", async || ready().await == 503).await;
    let last = child_client.get("/models").await;
    assert_eq!((last.status, last.header("connection")), (200, "close"));
    eventually("listening no more", async || ready().await == 0).await;
    let body = stream.bytes().await.expect("the whole stream");
    assert!(body.ends_with(b"data: [DONE]\n\n"), "{body:?}");
    let status = ending.await.unwrap();
    assert_eq!(status.code(), Some(0));
    let all = rows(&database).await;
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].status, Status::Success);
    assert_eq!(journals(&database.data_dir()), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ended_in_good_order_sqlite() {
    ended_in_good_order(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ended_in_good_order_postgres() {
    ended_in_good_order(Engine::Postgres).await;
}

/// What outlasts the end is told so: a stream by its last event, a caller who waits by its answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_outlast_the_end_are_told() {
    let database = TestDatabase::create(Engine::Sqlite).await.unwrap();
    let vendor = Simulator::start(Options::default()).unwrap();
    let slow = Step::answer().tokens(600).pace(Duration::from_millis(100));
    vendor.push(slow);
    vendor.push(Step::ending(End::StallAtOnce));
    let mut env = environment(&database, "0");
    env.push(("DRAIN_TIMEOUT".to_owned(), "1".to_owned()));
    let child = start(&database, &vendor, &env);
    let stream = child
        .openai(KEY)
        .send("/chat/completions", &chat("gpt-x", true))
        .await;
    let waiting = child.openai(KEY);
    let waiting = tokio::spawn(async move { waiting.chat("gpt-x", false).await });
    eventually("both calls run", async || vendor.stats().active == 2).await;
    let begun = Instant::now();
    let ending = tokio::task::spawn_blocking(move || child.terminate());
    let stream = Answer::of(stream).await;
    let last = stream.events().pop().unwrap();
    assert_eq!(last["error"]["code"], "shutting_down", "{last}");
    let waited = waiting.await.unwrap();
    assert_eq!((waited.status, waited.header("retry-after")), (503, "1"));
    assert_eq!(waited.json()["error"]["code"], "shutting_down");
    assert_eq!(ending.await.unwrap().code(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(10));
    let all = rows(&database).await;
    assert_eq!(all.len(), 2);
    for row in &all {
        let ended = (row.status, row.fault_owner, row.error_code.as_str());
        assert_eq!(ended, (Status::Error, FaultOwner::Gateway, "shutting_down"));
        assert_eq!(row.http_status, if row.stream { 200 } else { 503 });
    }
    assert_eq!(vendor.stats().active, 0, "the vendor's calls are cancelled");
}

/// While another process migrates the database nothing listens: who asks is told to ask elsewhere, at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_takes_its_time_takes_no_connection() {
    let database = TestDatabase::create(Engine::Sqlite).await.unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = port.local_addr().unwrap();
    drop(port);
    let mut env = environment(&database, "0");
    env.retain(|(name, _)| name != "PORT");
    env.push(("PORT".to_owned(), address.port().to_string()));
    let lock = database.folder.path().join("test.db.migrate.lock");
    let lock = std::fs::File::create(lock).unwrap();
    lock.lock().unwrap();
    let folder = database.folder.path().to_owned();
    let begun = Instant::now();
    let child = tokio::task::spawn_blocking(move || Child::serve(&folder, &env));
    while begun.elapsed() < Duration::from_secs(1) {
        let asked = tokio::net::TcpStream::connect(address).await;
        assert!(asked.is_err(), "taken, and not served");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    drop(lock);
    assert!(child.await.unwrap().terminate().success());
}

/// Starts the binary where it must refuse; one sentence, exit code 2, nothing left behind.
fn refusal(env: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let env: Vec<(String, String)> = env
        .iter()
        .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
        .collect();
    let output = Child::command(folder.path(), &env)
        .arg("serve")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert_eq!(text.trim().lines().count(), 1, "{text}");
    assert!(!text.contains("canary"), "{text}");
    text
}

#[test]
fn a_start_that_cannot_work_is_refused_in_one_sentence() {
    let secret = ("SECRET_KEY", "canary-canary-canary-canary-canary-1");
    let nobody = refusal(&[
        ("DATABASE_URL", "postgres://u:canary@127.0.0.1:1/db"),
        secret,
    ]);
    assert!(nobody.contains("cannot be reached"), "{nobody}");
    assert!(refusal(&[("DATABASE_URL", "mysql://u:canary@h/db")]).contains("DATABASE_URL"));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let text = refusal(&[
        ("HOST", "127.0.0.1"),
        ("PORT", &port),
        ("LOG_LEVEL", "warn"),
    ]);
    assert!(text.contains(&port), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_embedded_database_has_one_gateway() {
    let database = TestDatabase::create(Engine::Sqlite).await.unwrap();
    let vendor = Simulator::start(Options::default()).unwrap();
    let env = environment(&database, "0");
    let first = start(&database, &vendor, &env);
    let second = Child::command(database.folder.path(), &env)
        .arg("serve")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&second.stderr);
    assert_eq!(second.status.code(), Some(2), "{said}");
    assert!(said.contains("another gateway serves from"), "{said}");
    assert_eq!(first.openai(KEY).chat("gpt-x", false).await.status, 200);
    assert!(
        first.hang_up().success(),
        "a closed terminal lets calls end"
    );
    assert!(
        Child::serve(database.folder.path(), &env)
            .terminate()
            .success()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_start_changes_nothing() {
    let database = TestDatabase::create(Engine::Sqlite).await.unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut env = environment(&database, "0");
    env.retain(|(name, _)| name != "PORT");
    env.push((
        "PORT".to_owned(),
        taken.local_addr().unwrap().port().to_string(),
    ));
    // What Kubernetes sets for a service of this name is no setting.
    env.push((
        "MODELGATE_PORT".to_owned(),
        "tcp://10.0.0.1:8765".to_owned(),
    ));
    env.push(("MODELGATE_PORT_8765_TCP_PROTO".to_owned(), "tcp".to_owned()));
    env.push(("MODELGATE_SERVICE_HOST".to_owned(), "10.0.0.1".to_owned()));
    let ended = Child::command(database.folder.path(), &env)
        .arg("serve")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(2), "{said}");
    assert!(said.contains("cannot listen on 127.0.0.1:"), "{said}");
    let file = database.url.trim_start_matches("sqlite:");
    assert!(!Path::new(file).exists(), "{said}");
}
