//! The process under faults that only a process has: its sockets and memory, its disk.

use std::time::Duration;

use futures_util::StreamExt;
use modelgate::simulator::{Options, Simulator, Step};
use modelgate_domain::Status;
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use tokio::task::JoinSet;

use super::process::{environment, eventually, rows, start};
use crate::support::{Answer, Child, Engine, KEY, OpenAi, TestDatabase, chat};

const AT_ONCE: usize = 50;

/// What a process holds.
#[derive(Debug)]
struct Held {
    files: usize,
    memory_kib: u64,
}

fn held(pid: u32) -> Held {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let mut rss = status.lines().filter_map(|l| l.strip_prefix("VmRSS:"));
    Held {
        files: std::fs::read_dir(format!("/proc/{pid}/fd"))
            .unwrap()
            .count(),
        memory_kib: rss
            .next()
            .and_then(|text| text.trim().trim_end_matches("kB").trim().parse().ok())
            .unwrap(),
    }
}

/// Opens so many streams, reads their first event and leaves.
async fn abort_streams(client: &dyn Fn() -> OpenAi, number: usize) {
    let mut callers = JoinSet::new();
    for _ in 0..AT_ONCE {
        let client = client();
        callers.spawn(async move {
            for _ in 0..number / AT_ONCE {
                let response = client.send("/chat/completions", &chat("gpt-x", true)).await;
                assert_eq!(response.status(), 200);
                response.bytes_stream().next().await.unwrap().unwrap();
            }
        });
    }
    callers.join_all().await;
}

async fn aborted_streams_leave_nothing(number: usize) {
    let database = TestDatabase::create(Engine::Sqlite).await.unwrap();
    let vendor = Simulator::start(Options::default()).unwrap();
    let endless = Step::answer().tokens(400).pace(Duration::from_millis(50));
    vendor.push(endless.always());
    let child = start(&database, &vendor, &environment(&database, "0"));
    let idle = async || {
        eventually("every vendor call is cancelled", async || {
            vendor.stats().active == 0
        })
        .await;
        let url = format!("{}/metrics", child.url());
        eventually("no call runs, no record waits", async || {
            let text = reqwest::get(&url).await.unwrap().text().await.unwrap();
            let zero = |name: &str| text.lines().any(|line| line == format!("{name} 0"));
            zero("modelgate_active_requests") && zero("modelgate_journal_backlog_records")
        })
        .await;
    };
    let client = || child.openai(KEY);
    abort_streams(&client, 500).await;
    idle().await;
    let before = held(child.pid());
    // what leaks goes on growing in the second half, what settles does not
    abort_streams(&client, number / 2).await;
    idle().await;
    let halfway = held(child.pid());
    abort_streams(&client, number / 2).await;
    idle().await;
    eventually("the sockets are closed", async || {
        held(child.pid()).files <= before.files + 10
    })
    .await;
    let after = held(child.pid());
    let bound = before.memory_kib + before.memory_kib / 5 + (16 << 10);
    assert!(after.memory_kib < bound, "{before:?} {after:?}");
    eprintln!("{number} streams aborted: {before:?}, {halfway:?} after half, then {after:?}");
    assert!(child.terminate().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn aborted_streams_leave_no_sockets_and_no_memory() {
    aborted_streams_leave_nothing(2_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes"]
async fn a_hundred_thousand_aborted_streams_leave_no_sockets_and_no_memory() {
    aborted_streams_leave_nothing(100_000).await;
}

/// Files may not grow beyond so many bytes, which is how a full disk looks to a process; `None` gives room again.
fn disk(child: &Child, bytes: Option<u64>) {
    let pid = i32::try_from(child.pid()).ok().and_then(Pid::from_raw);
    let limit = Rlimit {
        current: bytes,
        maximum: None,
    };
    prlimit(pid, Resource::Fsize, limit).unwrap();
}

/// The disk fills under calls: they stop with an alarm, nothing that was answered is lost, and they go on by
/// themselves once there is room.
async fn a_disk_that_fills(engine: Engine) {
    let Some(database) = TestDatabase::create(engine).await else {
        return;
    };
    let vendor = Simulator::start(Options::default()).unwrap();
    let child = start(&database, &vendor, &environment(&database, "0"));
    let client = child.openai(KEY);
    assert_eq!(client.chat("gpt-x", false).await.status, 200);
    let ready = async || {
        let answer = reqwest::get(format!("{}/readyz", child.url())).await;
        Answer::of(answer.unwrap()).await.json()
    };
    disk(&child, Some(40 << 10));
    let mut answered = 1;
    let refused = loop {
        let answer = client.chat("gpt-x", answered % 2 == 0).await;
        if answer.status != 200 {
            break answer;
        }
        answered += 1;
        assert!(answered < 1_000, "the disk is never full");
    };
    assert_eq!(refused.json()["error"]["code"], "journal_full");
    assert_eq!(ready().await["status"], "journal_full");
    disk(&child, None);
    eventually("calls are taken again", async || {
        ready().await["status"] == "ok"
    })
    .await;
    assert_eq!(client.chat("gpt-x", false).await.status, 200);
    answered += 1;
    eventually("all is recorded", async || {
        let all = rows(&database).await;
        all.iter().filter(|r| r.status == Status::Success).count() == answered
    })
    .await;
    assert_eq!(ready().await["journal"]["set_aside"], 0);
    assert!(child.terminate().success());
    assert!(
        rows(&database)
            .await
            .iter()
            .all(|r| r.status != Status::Pending)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_fills_sqlite() {
    a_disk_that_fills(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_fills_postgres() {
    a_disk_that_fills(Engine::Postgres).await;
}
