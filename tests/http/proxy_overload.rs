//! Too much at once: callers who do not read, more calls than there is room for, models that never stop.

use std::time::{Duration, Instant};

use modelgate::simulator::{Act, Step};
use modelgate_domain::{FaultOwner, Status};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::on_each_engine;
use crate::support::{KEY, Setup, TestApp, chat};

/// More than all buffers between vendor and caller hold together.
fn flood(head: &str) -> Step {
    let text = "x".repeat(64 << 10);
    let event = format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n");
    let event = bytes::Bytes::from(event);
    let mut acts = vec![Act::Send(
        format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n").into(),
    )];
    if head.contains("application/json") {
        acts.push(Act::Send("{\"choices\":[".into()));
    }
    acts.extend((0..600).map(|_| Act::Send(event.clone())));
    acts.push(Act::Close);
    Step::acts(acts)
}

/// A caller who sends a call and reads nothing of the answer.
async fn call_and_stare(app: &TestApp, stream: bool) -> TcpStream {
    let mut socket = TcpStream::connect(app.url().trim_start_matches("http://"))
        .await
        .unwrap();
    let body = chat("gpt-x", stream).to_string();
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    socket
}

/// Whether the gateway's end of this connection is there.
fn is_open(socket: &TcpStream) -> bool {
    let (here, there) = (socket.local_addr().unwrap(), socket.peer_addr().unwrap());
    let theirs = format!(":{:04X} 0100007F:{:04X} 01 ", there.port(), here.port());
    let sockets = std::fs::read_to_string("/proc/self/net/tcp").unwrap();
    sockets.contains(&theirs)
}

async fn a_caller_who_does_not_read_is_cut(app: &TestApp) {
    for (stream, kind) in [(true, "text/event-stream"), (false, "application/json")] {
        app.vendor
            .push(flood(&format!("content-type: {kind}\r\nconnection: close")));
        let begun = Instant::now();
        let mut socket = call_and_stare(app, stream).await;
        assert!(is_open(&socket));
        let cut = app
            .vendor
            .wait_until(Duration::from_secs(20), |s| s.abandoned == 1);
        assert!(cut.await, "the vendor still waits for the caller");
        assert!(begun.elapsed() >= Duration::from_secs(1));
        app.vendor.reset();
        // its connection ends as well, by the system's hand, and not as if all had been said
        while is_open(&socket) {
            assert!(begun.elapsed() < Duration::from_secs(30), "it stays open");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let mut read = Vec::new();
        let end = tokio::time::timeout(Duration::from_secs(20), socket.read_to_end(&mut read));
        drop(end.await.expect("the connection ends"));
        assert!(read.starts_with(b"HTTP/1.1 200") && !read.ends_with(b"\r\n0\r\n\r\n"));
    }
    let rows = app.logs().await;
    assert_eq!(rows.len(), 2);
    for row in rows.iter().map(|row| &row.record) {
        let ended = (row.status, row.fault_owner, row.error_code.as_str());
        assert_eq!(
            ended,
            (Status::Cancelled, FaultOwner::Caller, "slow_reader")
        );
        assert_eq!(row.http_status, 200);
        assert!(row.usage.estimated && row.cost_nanos.is_some());
    }
}

on_each_engine!(a_caller_who_does_not_read_is_cut, |engine| {
    Setup::on(engine).env("MODELGATE_SLOW_READER_TIMEOUT", "1")
});

/// Whoever reads slowly, but reads, is served to the end.
#[tokio::test]
async fn a_slow_reader_is_served() {
    let setup = Setup::default().env("MODELGATE_SLOW_READER_TIMEOUT", "1");
    let app = TestApp::try_start(setup).await.unwrap();
    let pace = Duration::from_millis(300);
    app.vendor.push(Step::answer().tokens(12).pace(pace));
    let answer = app.openai().chat("gpt-x", true).await;
    assert!(answer.text().ends_with("data: [DONE]\n\n"));
    assert_eq!(app.only_log().await.record.status, Status::Success);
    app.finish().await;
}

async fn beyond_the_ceiling_calls_are_refused(app: &TestApp) {
    let slow = Step::answer().tokens(20).pace(Duration::from_millis(100));
    app.vendor.push(slow.times(2));
    let openai = app.openai();
    let body = chat("gpt-x", true);
    let first = openai.send("/chat/completions", &body).await;
    let second = openai.send("/chat/completions", &body).await;
    for stream in [false, true, false] {
        let begun = Instant::now();
        let refused = openai.chat("gpt-x", stream).await;
        assert_eq!((refused.status, refused.header("retry-after")), (503, "1"));
        assert_eq!(refused.json()["error"]["code"], "overloaded");
        assert!(begun.elapsed() < Duration::from_millis(500), "at once");
    }
    for running in [first, second] {
        assert!(running.text().await.unwrap().ends_with("data: [DONE]\n\n"));
    }
    assert_eq!(openai.chat("gpt-x", false).await.status, 200);
    let rows = app.logs().await;
    let refused = rows.iter().map(|row| &row.record);
    let refused: Vec<_> = refused.filter(|r| r.error_code == "overloaded").collect();
    assert_eq!(refused.iter().map(|r| r.repeats).sum::<i64>(), 3);
    assert!(refused.iter().all(|r| r.fault_owner == FaultOwner::Gateway));
    assert_eq!(rows.len() - refused.len(), 3);
}

on_each_engine!(beyond_the_ceiling_calls_are_refused, |engine| {
    Setup::on(engine).env("MODELGATE_MAX_OPEN_REQUESTS", "2")
});

/// A test's process never fits into so little: while one call runs, no other is taken.
#[tokio::test]
async fn short_of_memory_one_call_at_a_time_is_served() {
    let setup = Setup::default().env("MODELGATE_MAX_MEMORY", "1MiB");
    let app = TestApp::try_start(setup).await.unwrap();
    let openai = app.openai();
    let begun = Instant::now();
    loop {
        let slow = Step::answer().tokens(5).pace(Duration::from_millis(100));
        app.vendor.push(slow);
        let body = chat("gpt-x", true);
        let running = openai.send("/chat/completions", &body).await;
        let other = openai.chat("gpt-x", false).await;
        assert!(running.text().await.unwrap().ends_with("data: [DONE]\n\n"));
        if other.status == 503 {
            assert_eq!(other.json()["error"]["code"], "overloaded");
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "never short");
    }
    app.settle().await;
    assert_eq!(openai.chat("gpt-x", false).await.status, 200);
    app.finish().await;
}

#[tokio::test]
async fn a_model_that_never_stops_is_broken_off() {
    let setup = Setup::default().env("MODELGATE_LOOP_GUARD", "5");
    let app = TestApp::try_start(setup).await.unwrap();
    let event = "data: {\"choices\":[{\"delta\":{\"content\":\"la\"}}]}\n\n";
    app.vendor.push(Step::chunks(vec![event; 5_000]));
    let answer = app.openai().chat("gpt-x", true).await;
    let events = answer.events();
    assert!((6..200).contains(&events.len()), "{}", events.len());
    assert_eq!(events.last().unwrap()["error"]["code"], "upstream_loop");
    let cancelled = app
        .vendor
        .wait_until(Duration::from_secs(5), |s| s.abandoned == 1);
    assert!(cancelled.await, "the vendor's call is cancelled");
    let row = app.only_log().await.record;
    let ended = (row.status, row.fault_owner, row.error_code.as_str());
    assert_eq!(
        ended,
        (Status::Error, FaultOwner::Upstream, "upstream_loop")
    );
    app.finish().await;
}
