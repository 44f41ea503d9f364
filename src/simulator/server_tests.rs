//! The simulator itself, spoken to over plain TCP.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Act, Deaf, End, Fast, Options, Reply, Simulator, Step};

async fn send(sim: &Simulator, path: &str, body: &Value) -> TcpStream {
    let mut stream = TcpStream::connect(sim.addr()).await.unwrap();
    let body = body.to_string();
    let head = format!(
        "POST /v1{path} HTTP/1.1\r\nhost: sim\r\nauthorization: Bearer sk-one\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body.as_bytes()).await.unwrap();
    stream
}

/// Everything until the answer's end, which may come before the connection's.
async fn read(stream: &mut TcpStream) -> Result<String, (String, std::io::Error)> {
    let mut out = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&out).into_owned();
        let length = text.split("content-length: ").nth(1);
        let length = length.and_then(|t| t.split("\r\n").next()?.parse::<usize>().ok());
        let body = text.split_once("\r\n\r\n").map(|(_, body)| body.len());
        if text.ends_with("0\r\n\r\n") || length.is_some_and(|l| body == Some(l)) {
            return Ok(text);
        }
        match stream.read_buf(&mut out).await {
            Ok(0) => return Err((text, std::io::ErrorKind::UnexpectedEof.into())),
            Ok(_) => {}
            Err(error) => return Err((text, error)),
        }
    }
}

fn events(answer: &str) -> Vec<Value> {
    let lines = answer.lines().filter_map(|l| l.strip_prefix("data: "));
    lines.filter_map(|l| serde_json::from_str(l).ok()).collect()
}

fn hello(stream: bool) -> Value {
    json!({"model": "sim-chat", "stream": stream, "messages": [{"role": "user", "content": "hello"}]})
}

fn start() -> Simulator {
    Simulator::start(Options::default()).unwrap()
}

#[tokio::test]
async fn usage_in_a_stream_only_when_asked_for_and_null_before_the_last() {
    let sim = start();
    let plain = read(&mut send(&sim, "/chat/completions", &hello(true)).await)
        .await
        .unwrap();
    assert!(events(&plain).iter().all(|e| e.get("usage").is_none()));
    assert!(plain.contains("data: [DONE]"));
    let mut body = hello(true);
    body["stream_options"] = json!({"include_usage": true});
    let asked = read(&mut send(&sim, "/chat/completions", &body).await)
        .await
        .unwrap();
    let asked = events(&asked);
    let (last, before) = asked.split_last().unwrap();
    assert!(before.iter().all(|e| e["usage"].is_null()));
    assert!(before.iter().all(|e| e.get("usage").is_some()));
    assert_eq!(last["choices"], json!([]));
    assert!(last["usage"]["completion_tokens"].as_i64().unwrap() > 0);
}

#[tokio::test]
async fn tools_are_called_and_their_result_is_answered() {
    let sim = start();
    let mut body = hello(false);
    body["tools"] = json!([{"type": "function", "function": {"name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}}]);
    let answer = read(&mut send(&sim, "/chat/completions", &body).await)
        .await
        .unwrap();
    assert!(answer.contains("\"name\":\"weather\"") && answer.contains("tool_calls"));
    body["messages"] = json!([{"role": "tool", "tool_call_id": "call_1", "content": "12 °C"}]);
    let answer = read(&mut send(&sim, "/chat/completions", &body).await)
        .await
        .unwrap();
    assert!(answer.contains("12 °C") && answer.contains("\"finish_reason\":\"stop\""));
}

#[tokio::test]
async fn steps_play_in_order_for_whom_they_are_meant() {
    let sim = start();
    sim.push(
        Step::status(429)
            .header("retry-after", "2")
            .for_key("sk-two"),
    );
    sim.push(Step::status(503).for_model("sim-chat"));
    let answer = read(&mut send(&sim, "/chat/completions", &hello(false)).await)
        .await
        .unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert_eq!(sim.unplayed(), 1);
    let answer = read(&mut send(&sim, "/chat/completions", &hello(false)).await)
        .await
        .unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "));
    let received = sim.received();
    assert_eq!(received.len(), 2);
    assert_eq!(received[0].key(), "sk-one");
    assert_eq!(received[0].json()["model"], "sim-chat");
}

#[tokio::test]
async fn a_split_stream_joins_to_the_same_bytes() {
    let sim = start();
    sim.push(Step::answer().tokens(6));
    let whole = read(&mut send(&sim, "/chat/completions", &hello(true)).await)
        .await
        .unwrap();
    sim.push(Step::answer().tokens(6).split(7));
    let split = read(&mut send(&sim, "/chat/completions", &hello(true)).await)
        .await
        .unwrap();
    assert_eq!(unchunk(&split), unchunk(&whole));
    assert!(split.len() > whole.len());
    assert!(split.contains("\r\n7\r\n"));
}

/// The body of a chunked answer without its created times.
fn unchunk(answer: &str) -> Vec<Value> {
    let (_, mut rest) = answer.split_once("\r\n\r\n").unwrap();
    let mut out = String::new();
    while let Some((size, tail)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        let Some(data) = tail.as_bytes().get(..size) else {
            break;
        };
        out.push_str(&String::from_utf8_lossy(data));
        rest = std::str::from_utf8(tail.as_bytes().get(size + 2..).unwrap_or_default())
            .unwrap_or_default();
    }
    let choices = events(&out).into_iter().map(|mut e| e["choices"].take());
    choices.collect()
}

#[tokio::test]
async fn every_way_to_break_an_answer() {
    let sim = start();
    for (end, status_sent, reset) in [
        (End::CloseAtOnce, false, false),
        (End::ResetAtOnce, false, true),
        (End::Close(3), true, false),
        (End::Reset(3), true, true),
    ] {
        sim.push(Step::ending(end));
        let mut stream = send(&sim, "/chat/completions", &hello(true)).await;
        let (text, error) = read(&mut stream).await.unwrap_err();
        assert_eq!(text.starts_with("HTTP/1.1 200"), status_sent, "{end:?}");
        assert_eq!(events(&text).len(), if status_sent { 3 } else { 0 });
        let is_reset = error.kind() == std::io::ErrorKind::ConnectionReset;
        assert_eq!(is_reset, reset, "{end:?}: {error}");
    }
    sim.push(Step::ending(End::Close(0)));
    let mut stream = send(&sim, "/chat/completions", &hello(false)).await;
    let (text, _) = read(&mut stream).await.unwrap_err();
    assert!(text.contains("content-length: ") && !text.ends_with('}'));
    sim.push(Step::ending(End::Error(2)));
    let mut stream = send(&sim, "/chat/completions", &hello(true)).await;
    let text = read(&mut stream).await.unwrap();
    assert_eq!(events(&text)[2]["error"]["type"], "server_error");
    assert_eq!(sim.unplayed(), 0);
    assert_eq!(sim.stats().abandoned, 0);
}

#[tokio::test]
async fn a_client_that_leaves_is_noticed_at_once() {
    let sim = start();
    sim.push(Step::ending(End::Stall(2)));
    let mut stream = send(&sim, "/chat/completions", &hello(true)).await;
    let mut some = [0; 64];
    let _read = stream.read(&mut some).await.unwrap();
    assert_eq!(sim.stats().active, 1);
    let left = Instant::now();
    drop(stream);
    assert!(
        sim.wait_until(Duration::from_secs(2), |s| s.abandoned == 1)
            .await
    );
    assert!(sim.abandoned()[0].at.duration_since(left) < Duration::from_millis(100));
    assert_eq!(sim.stats().active, 0);
}

#[tokio::test]
async fn exact_acts_and_chunks() {
    let sim = start();
    sim.push(Step::acts(vec![Act::Send(
        "HTTP/1.1 204 None\r\ncontent-length: 0\r\n\r\n".into(),
    )]));
    let mut stream = send(&sim, "/chat/completions", &hello(false)).await;
    assert!(read(&mut stream).await.unwrap().starts_with("HTTP/1.1 204"));
    sim.push(Step::chunks(["data: {\"a\"", ":1}\n\n"]));
    let mut stream = send(&sim, "/chat/completions", &hello(true)).await;
    let text = read(&mut stream).await.unwrap();
    assert!(
        text.ends_with("a\r\ndata: {\"a\"\r\n5\r\n:1}\n\n\r\n0\r\n\r\n"),
        "{text}"
    );
}

#[tokio::test]
async fn keys_models_and_embeddings() {
    let sim = Simulator::start(Options {
        keys: vec!["sk-one".to_owned()],
        models: vec!["emb".to_owned()],
        ..Options::default()
    })
    .unwrap();
    let body =
        json!({"model": "emb", "input": ["a", "b"], "encoding_format": "base64", "dimensions": 4});
    let text = read(&mut send(&sim, "/embeddings", &body).await)
        .await
        .unwrap();
    let (_, body) = text.split_once("\r\n\r\n").unwrap();
    let body: Value = serde_json::from_str(body).unwrap();
    let encoded = body["data"][1]["embedding"].as_str().unwrap();
    let bytes = data_encoding::BASE64.decode(encoded.as_bytes()).unwrap();
    assert_eq!(bytes.len(), 16);
    let text = read(&mut send(&sim, "/chat/completions", &hello(false)).await)
        .await
        .unwrap();
    assert!(text.contains("model_not_found"));
    let other = Simulator::start(Options {
        keys: vec!["sk-other".to_owned()],
        ..Options::default()
    })
    .unwrap();
    let text = read(&mut send(&other, "/chat/completions", &hello(false)).await)
        .await
        .unwrap();
    assert!(text.starts_with("HTTP/1.1 401") && text.contains("invalid_api_key"));
}

#[tokio::test]
async fn the_fast_vendor_streams_as_many_events_as_told() {
    let sim = Simulator::start(Options {
        fast: Some(Fast {
            events: 5,
            pace: Duration::ZERO,
        }),
        reply: Reply::default(),
        ..Options::default()
    })
    .unwrap();
    let text = read(&mut send(&sim, "/chat/completions", &hello(true)).await)
        .await
        .unwrap();
    assert_eq!(events(&text).len(), 6, "five with content and the finish");
    let text = read(&mut send(&sim, "/chat/completions", &hello(false)).await)
        .await
        .unwrap();
    assert!(text.contains("\"completion_tokens\":64"));
}

#[tokio::test]
async fn nobody_answers_at_a_deaf_address() {
    let deaf = Deaf::open().await.unwrap();
    let connect = TcpStream::connect(deaf.addr().unwrap());
    let late = tokio::time::timeout(Duration::from_millis(300), connect).await;
    assert!(late.is_err());
}
