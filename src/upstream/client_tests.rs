//! One vendor call over real sockets: headers, timeouts, connections that die, cancelling.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::StreamExt;
use hyper::header::HeaderName;
use modelgate_domain::Secret;
use tokio::io::AsyncReadExt;
use tokio::sync::{Notify, mpsc};

use super::testing::{
    CHUNKED, call, chunk, credential, header, plain, provider, read_request, say, send, serve,
};
use super::{Clients, ErrorKind};
use crate::config::PRODUCT_USER_AGENT;

#[tokio::test]
async fn a_fresh_header_set_leaves_and_nothing_of_the_callers_own() {
    let (heads, mut seen) = mpsc::unbounded_channel();
    let address = serve(move |mut socket, _| {
        let heads = heads.clone();
        async move {
            while let Some((head, body)) = read_request(&mut socket).await {
                heads.send((head, body)).unwrap();
                say(&mut socket, &plain("{}")).await;
            }
        }
    })
    .await;
    let clients = Clients::new();
    let mut to = provider(format!("http://{address}/v1/"));
    to.extra_headers = vec![
        ("X-Team".into(), Secret::new("blue")),
        ("Host".into(), Secret::new("elsewhere")),
        ("content-length".into(), Secret::new("1")),
    ];
    let forward: Vec<(&str, &[u8])> = [
        "authorization",
        "x-api-key",
        "api-key",
        "x-goog-api-key",
        "cookie",
        "accept-encoding",
        "connection",
        "te",
        "transfer-encoding",
        "x-forwarded-for",
        "x-real-ip",
        "host",
        "user-agent",
        "expect",
        "proxy-authorization",
        "sec-fetch-mode",
        "openai-beta",
    ]
    .into_iter()
    .map(|name| (name, b"canary" as &[u8]))
    .collect();
    let answer = clients.send(&to, &credential(), call(&forward)).await;
    assert_eq!(answer.unwrap().status, 200);
    let (head, body) = seen.recv().await.unwrap();
    assert_eq!(body, "{\"model\":\"m\"}");
    let mut lines: Vec<String> = head.lines().map(str::to_owned).collect();
    lines.sort();
    let mut expected = vec![
        "POST /v1/chat/completions HTTP/1.1".to_owned(),
        "accept: text/event-stream".into(),
        "authorization: Bearer sk-canary-1".into(),
        "content-length: 13".into(),
        "content-type: application/json".into(),
        format!("host: {address}"),
        "openai-beta: canary".into(),
        format!("user-agent: {PRODUCT_USER_AGENT}"),
        "x-team: blue".into(),
    ];
    expected.sort();
    assert_eq!(lines, expected);

    to.user_agent = Some("acme-client/2".into());
    to.extra_headers = vec![("authorization".into(), Secret::new("Custom abc"))];
    send(&clients, &to).await.unwrap();
    let (head, _) = seen.recv().await.unwrap();
    assert_eq!(header(&head, "user-agent"), Some("acme-client/2"));
    assert_eq!(header(&head, "authorization"), Some("Custom abc"));
}

#[tokio::test]
async fn a_credential_that_is_no_header_value_is_an_error_that_hides_it() {
    let mut bad = credential();
    bad.secret = Secret::new("canary\nx: y");
    let to = provider("http://127.0.0.1:9".into());
    let error = Clients::new().send(&to, &bad, call(&[])).await;
    let error = error.err().unwrap();
    assert_eq!(error.kind, ErrorKind::InvalidHeader);
    assert!(!error.message.contains("canary"));
}

#[tokio::test]
async fn chunks_pass_as_they_come_and_the_vendors_connection_headers_do_not() {
    let go = Arc::new(Notify::new());
    let gate = Arc::clone(&go);
    let address = serve(move |mut socket, _| {
        let gate = Arc::clone(&gate);
        async move {
            read_request(&mut socket).await;
            let head = "HTTP/1.1 418 Teapot\r\nx-mine: 1\r\nx-hop: 1\r\nconnection: x-hop\r\n\
                        set-cookie: a=b\r\nretry-after: 3\r\ntransfer-encoding: chunked\r\n\r\n";
            say(&mut socket, head).await;
            say(&mut socket, &chunk("data: 1\n\n")).await;
            gate.notified().await;
            say(&mut socket, &chunk("data: 2\n\n")).await;
            say(&mut socket, "0\r\n\r\n").await;
        }
    })
    .await;
    let answer = send(&Clients::new(), &provider(format!("http://{address}"))).await;
    let mut answer = answer.unwrap();
    assert_eq!(answer.status, 418);
    let mut names: Vec<&str> = answer.headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["retry-after", "x-mine"]);
    let first = answer.body.next().await.unwrap().unwrap();
    assert_eq!(first, "data: 1\n\n");
    go.notify_one();
    assert_eq!(answer.body.next().await.unwrap().unwrap(), "data: 2\n\n");
    assert!(answer.body.next().await.is_none());
}

#[tokio::test]
async fn nothing_listening_and_a_name_that_does_not_resolve_are_connect_errors() {
    for base in ["http://127.0.0.1:1", "http://no-such-host.invalid"] {
        let error = send(&Clients::new(), &provider(base.into())).await;
        let error = error.err().unwrap();
        assert_eq!(error.kind, ErrorKind::Connect, "{}", error.message);
    }
    let error = send(&Clients::new(), &provider("gopher://x".into())).await;
    assert_eq!(error.err().unwrap().kind, ErrorKind::InvalidUrl);
}

#[tokio::test]
async fn silence_is_a_timeout_of_the_phase_it_falls_into() {
    let address = serve(|mut socket, number| async move {
        read_request(&mut socket).await;
        if number > 0 {
            say(&mut socket, CHUNKED).await;
        }
        if number > 1 {
            say(&mut socket, &chunk("data: 1\n\n")).await;
        }
        std::future::pending::<()>().await;
    })
    .await;
    let clients = Clients::new();
    let to = provider(format!("http://{address}"));
    let begun = Instant::now();
    let error = send(&clients, &to).await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::FirstByteTimeout);
    let waited = begun.elapsed();
    assert!((300..1_500).contains(&waited.as_millis()), "{waited:?}");

    let begun = Instant::now();
    let mut body = send(&clients, &to).await.unwrap().body;
    let error = body.next().await.unwrap().unwrap_err();
    assert_eq!(error.kind, ErrorKind::FirstByteTimeout);
    let waited = begun.elapsed();
    assert!((300..1_500).contains(&waited.as_millis()), "{waited:?}");
    assert!(body.next().await.is_none());

    let mut body = send(&clients, &to).await.unwrap().body;
    body.next().await.unwrap().unwrap();
    let begun = Instant::now();
    let error = body.next().await.unwrap().unwrap_err();
    assert_eq!(error.kind, ErrorKind::IdleTimeout);
    let waited = begun.elapsed();
    assert!((190..1_500).contains(&waited.as_millis()), "{waited:?}");
}

#[tokio::test]
async fn a_live_stream_may_last_longer_than_all_timeouts_together() {
    let address = serve(|mut socket, _| async move {
        read_request(&mut socket).await;
        say(&mut socket, CHUNKED).await;
        for _ in 0..10 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            say(&mut socket, &chunk("data: x\n\n")).await;
        }
        say(&mut socket, "0\r\n\r\n").await;
    })
    .await;
    let answer = send(&Clients::new(), &provider(format!("http://{address}"))).await;
    let whole = answer.unwrap().body.read_to_end(1_000).await.unwrap();
    assert_eq!(whole.len(), 90);
}

#[tokio::test]
async fn an_answer_longer_than_allowed_is_given_up() {
    let address = serve(|mut socket, _| async move {
        read_request(&mut socket).await;
        say(&mut socket, &plain(&"x".repeat(100))).await;
    })
    .await;
    let to = provider(format!("http://{address}"));
    let answer = send(&Clients::new(), &to).await.unwrap();
    assert_eq!(answer.headers["content-length"], "100");
    let error = answer.body.read_to_end(99).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::TooLarge);
    let answer = send(&Clients::new(), &to).await.unwrap();
    assert_eq!(answer.body.read_to_end(100).await.unwrap().len(), 100);
}

#[tokio::test]
async fn a_reused_connection_that_dies_is_told_apart_and_the_call_is_not_repeated() {
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&requests);
    let address = serve(move |mut socket, _| {
        let counted = Arc::clone(&counted);
        async move {
            read_request(&mut socket).await;
            counted.fetch_add(1, Ordering::SeqCst);
            say(&mut socket, &plain("{}")).await;
            // The second call on this connection is read and then left without an answer.
            if read_request(&mut socket).await.is_some() {
                counted.fetch_add(1, Ordering::SeqCst);
            }
        }
    })
    .await;
    let clients = Clients::new();
    let to = provider(format!("http://{address}"));
    let first = send(&clients, &to).await.unwrap();
    assert_eq!(first.body.read_to_end(10).await.unwrap(), Bytes::from("{}"));
    tokio::time::sleep(Duration::from_millis(20)).await;
    let error = send(&clients, &to).await.err().unwrap();
    assert_eq!((error.kind, error.reused), (ErrorKind::Closed, true));
    assert_eq!(requests.load(Ordering::SeqCst), 2);
    let third = send(&clients, &to).await.unwrap();
    assert_eq!(third.status, 200);
}

#[tokio::test]
async fn after_one_dead_connection_the_next_call_takes_none_of_the_kept_ones() {
    let address = serve(|mut socket, _| async move {
        read_request(&mut socket).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        say(&mut socket, &plain("{}")).await;
        read_request(&mut socket).await;
    })
    .await;
    let clients = Clients::new();
    let to = provider(format!("http://{address}"));
    let both = futures_util::future::join(send(&clients, &to), send(&clients, &to)).await;
    for answer in [both.0, both.1] {
        answer.unwrap().body.read_to_end(10).await.unwrap();
    }
    tokio::time::sleep(Duration::from_millis(20)).await;
    let error = send(&clients, &to).await.err().unwrap();
    assert!(error.reused);
    assert_eq!(send(&clients, &to).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_fresh_connection_that_dies_is_closed_and_not_reused() {
    let address = serve(|mut socket, _| async move {
        read_request(&mut socket).await;
    })
    .await;
    let error = send(&Clients::new(), &provider(format!("http://{address}"))).await;
    let error = error.err().unwrap();
    assert_eq!((error.kind, error.reused), (ErrorKind::Closed, false));
}

#[tokio::test]
async fn what_is_not_http_is_malformed_and_a_cut_body_is_closed() {
    let address = serve(|mut socket, number| async move {
        read_request(&mut socket).await;
        if number == 0 {
            say(&mut socket, "220 smtp ready\r\n").await;
        } else {
            say(&mut socket, CHUNKED).await;
            say(&mut socket, &chunk("data: 1\n\n")).await;
            say(&mut socket, "40\r\nhalf").await;
        }
    })
    .await;
    let clients = Clients::new();
    let to = provider(format!("http://{address}"));
    let error = send(&clients, &to).await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::Malformed);
    let mut body = send(&clients, &to).await.unwrap().body;
    assert_eq!(body.next().await.unwrap().unwrap(), "data: 1\n\n");
    let rest: Vec<_> = body.collect().await;
    assert_eq!(
        rest.last().unwrap().as_ref().unwrap_err().kind,
        ErrorKind::Closed
    );
}

#[tokio::test]
async fn dropping_the_answer_or_the_wait_for_it_cancels_the_call() {
    let (gone, mut left) = mpsc::unbounded_channel();
    let address = serve(move |mut socket, number| {
        let gone = gone.clone();
        async move {
            read_request(&mut socket).await;
            if number == 0 {
                say(&mut socket, CHUNKED).await;
                say(&mut socket, &chunk("data: 1\n\n")).await;
            }
            let mut buffer = [0; 16];
            while socket.read(&mut buffer).await.is_ok_and(|n| n > 0) {}
            gone.send(Instant::now()).unwrap();
        }
    })
    .await;
    let clients = Clients::new();
    let mut to = provider(format!("http://{address}"));
    to.first_byte_timeout = Duration::from_secs(10);
    let mut body = send(&clients, &to).await.unwrap().body;
    body.next().await.unwrap().unwrap();
    let dropped = Instant::now();
    drop(body);
    let seen = left.recv().await.unwrap();
    assert!(seen - dropped < Duration::from_millis(100));

    let waiting = tokio::time::timeout(Duration::from_millis(50), send(&clients, &to));
    assert!(waiting.await.is_err());
    let dropped = Instant::now();
    let seen = left.recv().await.unwrap();
    assert!(seen.saturating_duration_since(dropped) < Duration::from_millis(100));
}

#[tokio::test]
async fn connections_are_kept_and_shared_by_providers_with_the_same_settings() {
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    let address = serve(move |mut socket, _| {
        counted.fetch_add(1, Ordering::SeqCst);
        async move {
            while read_request(&mut socket).await.is_some() {
                say(&mut socket, &plain("{}")).await;
            }
        }
    })
    .await;
    let clients = Clients::new();
    let to = provider(format!("http://{address}"));
    for _ in 0..3 {
        let answer = send(&clients, &to).await.unwrap();
        answer.body.read_to_end(10).await.unwrap();
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
    let mut other = provider(format!("http://{address}"));
    other.connect_timeout = Duration::from_millis(301);
    send(&clients, &other).await.unwrap();
    assert_eq!(connections.load(Ordering::SeqCst), 2);
}
