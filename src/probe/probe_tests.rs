//! Verdicts on what scripted vendors do, over real sockets.

use std::time::Duration;

use modelgate_domain::Secret;
use tokio::sync::mpsc;

use super::{Called, Report, Subject, Verdict, fetch_models, test};
use crate::catalog::Provider;
use crate::upstream::testing::{
    CHUNKED, chunk, header, plain, provider, read_request, say, serve, tls_pair,
};

const CHAT: Option<Subject<'static>> = Some(Subject {
    upstream_model: "gpt-x-2026",
    kind: "chat",
});

fn secret() -> Secret {
    Secret::new("sk-canary-0123456789")
}

fn answer(status: u16, content_type: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} X\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn stream(events: &[&str]) -> String {
    let chunks: String = events
        .iter()
        .map(|event| chunk(&format!("data: {event}\n\n")))
        .collect();
    format!("{CHUNKED}{chunks}0\r\n\r\n")
}

/// A vendor that gives these answers, one a request, and tells what it was asked.
async fn vendor(answers: Vec<String>) -> (Provider, mpsc::UnboundedReceiver<(String, String)>) {
    let (tell, asked) = mpsc::unbounded_channel();
    let answers = std::sync::Arc::new(std::sync::Mutex::new(answers.into_iter()));
    let address = serve(move |mut socket, _| {
        let (tell, answers) = (tell.clone(), std::sync::Arc::clone(&answers));
        async move {
            while let Some(request) = read_request(&mut socket).await {
                tell.send(request).unwrap();
                let next = answers.lock().unwrap().next();
                let Some(next) = next else { return };
                say(&mut socket, &next).await;
            }
        }
    })
    .await;
    (provider(format!("http://{address}/v1")), asked)
}

async fn verdict(reply: String) -> Report {
    let (to, _asked) = vendor(vec![reply]).await;
    test(&to, &secret(), CHAT).await
}

#[tokio::test]
async fn a_streamed_answer_is_ok_and_timed() {
    let events = [
        r#"{"choices":[{"delta":{"role":"assistant"},"finish_reason":null}]}"#,
        r#"{"choices":[{"delta":{},"finish_reason":"length"}]}"#,
        r#"{"choices":[],"usage":{}}"#,
        "[DONE]",
    ];
    let (mut to, mut asked) = vendor(vec![stream(&events)]).await;
    to.extra_headers = vec![("x-team".into(), Secret::new("blue"))];
    let report = test(&to, &secret(), CHAT).await;
    assert_eq!(report.verdict, Verdict::Ok, "{}", report.detail);
    assert_eq!((report.called, report.status), (Called::Chat, Some(200)));
    assert!(report.ttft_ms.is_some_and(|ttft| ttft <= report.latency_ms));
    let (head, body) = asked.recv().await.unwrap();
    assert!(head.starts_with("POST /v1/chat/completions HTTP/1.1"));
    let authorization = header(&head, "authorization");
    assert_eq!(authorization, Some("Bearer sk-canary-0123456789"));
    assert_eq!(header(&head, "x-team"), Some("blue"));
    assert_eq!(header(&head, "accept-encoding"), None);
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["model"], "gpt-x-2026");
    assert_eq!(
        (&body["stream"], &body["max_tokens"]),
        (&true.into(), &16.into())
    );
}

#[tokio::test]
async fn a_vendor_that_wants_the_other_name_of_the_limit_gets_it() {
    let refusal = r#"{"error":{"message":"Use 'max_completion_tokens' instead."}}"#;
    let done = stream(&[r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#]);
    let (to, mut asked) = vendor(vec![answer(400, "application/json", refusal), done]).await;
    let report = test(&to, &secret(), CHAT).await;
    assert_eq!(report.verdict, Verdict::Ok, "{}", report.detail);
    asked.recv().await.unwrap();
    let (_, second) = asked.recv().await.unwrap();
    assert!(second.contains("max_completion_tokens") && !second.contains("\"max_tokens\""));
}

#[tokio::test]
async fn an_answer_in_one_piece_and_an_embedding_are_ok_too() {
    let whole = answer(200, "application/json", r#"{"choices":[{}]}"#);
    assert_eq!(verdict(whole).await.verdict, Verdict::Ok);
    let body = answer(200, "application/json", r#"{"data":[{"embedding":[0.1]}]}"#);
    let (to, mut asked) = vendor(vec![body]).await;
    let subject = Subject {
        upstream_model: "embed-x",
        kind: "embedding",
    };
    let report = test(&to, &secret(), Some(subject)).await;
    assert_eq!(
        (report.verdict, report.called),
        (Verdict::Ok, Called::Embedding)
    );
    let (head, _) = asked.recv().await.unwrap();
    assert!(head.starts_with("POST /v1/embeddings "));
}

#[allow(clippy::too_many_lines, reason = "one table of cases")]
#[tokio::test]
async fn refusals_are_told_apart_by_status_code_and_words() {
    let json = "application/json";
    let error = |code: &str, message: &str| {
        format!(r#"{{"error":{{"message":"{message}","code":"{code}"}}}}"#)
    };
    for (status, kind, body, expected) in [
        (
            401,
            json,
            error("invalid_api_key", "Incorrect API key"),
            Verdict::BadKey,
        ),
        (401, "text/plain", "no".into(), Verdict::BadKey),
        (403, json, error("", "Not permitted"), Verdict::BadKey),
        (
            403,
            json,
            error("model_not_found", "no access to model"),
            Verdict::ModelNotFound,
        ),
        (400, json, error("", "invalid api key"), Verdict::BadKey),
        (
            402,
            json,
            error("", "Insufficient Balance"),
            Verdict::NoQuota,
        ),
        (
            429,
            json,
            error("insufficient_quota", "You exceeded your current quota"),
            Verdict::NoQuota,
        ),
        (
            429,
            json,
            error("rate_limit_exceeded", "Slow down"),
            Verdict::RateLimited,
        ),
        (
            429,
            "text/html",
            "<h1>429</h1>".into(),
            Verdict::RateLimited,
        ),
        (
            404,
            json,
            error("model_not_found", "The model `x` does not exist"),
            Verdict::ModelNotFound,
        ),
        (
            400,
            json,
            error("", "Model Not Exist"),
            Verdict::ModelNotFound,
        ),
        (
            404,
            json,
            r#"{"detail":"Not Found"}"#.into(),
            Verdict::BadUrl,
        ),
        (
            404,
            "text/html",
            "<html>nginx</html>".into(),
            Verdict::BadUrl,
        ),
        (405, json, "{}".into(), Verdict::BadUrl),
        (
            301,
            "text/html",
            "<html>moved</html>".into(),
            Verdict::BadUrl,
        ),
        (200, "text/html", "<!doctype html>".into(), Verdict::BadUrl),
        (
            403,
            "text/html",
            "<html>firewall</html>".into(),
            Verdict::Unexpected,
        ),
        (500, json, error("", "boom"), Verdict::Unexpected),
        (
            200,
            json,
            r#"{"base_resp":{"status_code":1,"status_msg":"invalid token"}}"#.into(),
            Verdict::BadKey,
        ),
        (
            400,
            json,
            error("", "messages: too short"),
            Verdict::Unexpected,
        ),
    ] {
        let report = verdict(answer(status, kind, &body)).await;
        assert_eq!(report.verdict, expected, "{status} {body}");
        assert_eq!(report.status, Some(status), "{body}");
    }
    let report = verdict(answer(500, json, &error("", "boom"))).await;
    assert_eq!(report.detail, "boom");
}

#[tokio::test]
async fn an_error_inside_a_stream_and_a_stream_that_breaks_off_are_no_success() {
    let refused = stream(&[r#"{"error":{"code":429,"message":"slow down"}}"#]);
    assert_eq!(verdict(refused).await.verdict, Verdict::RateLimited);
    let begun = r#"{"choices":[{"delta":{"content":"p"},"finish_reason":null}]}"#;
    assert_eq!(verdict(stream(&[begun])).await.verdict, Verdict::Unexpected);
    assert_eq!(verdict(stream(&[])).await.verdict, Verdict::Unexpected);
    let cut = format!("{CHUNKED}{}", chunk(&format!("data: {begun}\n\n")));
    let report = verdict(format!("{cut}40\r\nhalf")).await;
    assert_ne!(report.verdict, Verdict::Ok);
}

#[tokio::test]
async fn the_way_there_is_judged_as_well() {
    let of = async |base: String| test(&provider(base), &secret(), CHAT).await.verdict;
    assert_eq!(
        of("http://127.0.0.1:1/v1".into()).await,
        Verdict::Unreachable
    );
    assert_eq!(
        of("http://no-such-host.invalid".into()).await,
        Verdict::Unreachable
    );
    assert_eq!(of("ftp://a".into()).await, Verdict::BadUrl);
    let (acceptor, _) = tls_pair(&[]);
    let tls = serve(move |socket, _| {
        let acceptor = acceptor.clone();
        async move {
            let _refused = acceptor.accept(socket).await;
        }
    })
    .await;
    assert_eq!(
        of(format!("https://localhost:{}", tls.port())).await,
        Verdict::Tls
    );
    let silent = serve(|mut socket, _| async move {
        read_request(&mut socket).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
    })
    .await;
    assert_eq!(of(format!("http://{silent}")).await, Verdict::Timeout);
    let deaf = serve(|socket, _| async move {
        tokio::time::sleep(Duration::from_secs(5)).await;
        drop(socket);
    })
    .await;
    assert_eq!(of(format!("https://{deaf}")).await, Verdict::Timeout);
    let shut = serve(|mut socket, _| async move {
        read_request(&mut socket).await;
    })
    .await;
    assert_eq!(of(format!("http://{shut}")).await, Verdict::Unexpected);
}

#[tokio::test]
async fn a_proxy_is_used_and_resolves_the_name() {
    let proxy = serve(|mut socket, _| async move {
        let (head, _) = read_request(&mut socket).await.unwrap();
        assert!(head.starts_with("GET http://vendor.invalid/v1/models HTTP/1.1"));
        assert_eq!(
            header(&head, "proxy-authorization"),
            Some("Basic dXNlcjpwQHNz")
        );
        say(&mut socket, &plain(r#"{"data":[{"id":"a"}]}"#)).await;
    })
    .await;
    let mut to = provider("http://vendor.invalid/v1".into());
    to.proxy_url = Some(Secret::new(format!("http://user:p%40ss@{proxy}")));
    let offers = fetch_models(&to, &secret()).await.unwrap();
    assert_eq!(offers.len(), 1);
    assert_eq!(offers[0].name, "a");
    to.proxy_url = Some(Secret::new("gopher://user:canary@x"));
    let report = fetch_models(&to, &secret()).await.unwrap_err();
    assert_eq!(report.verdict, Verdict::BadUrl);
    assert!(!report.detail.contains("canary"));
}

#[tokio::test]
async fn without_a_model_the_list_is_asked_for() {
    let list = answer(
        200,
        "application/json",
        r#"{"data":[{"id":"b"},{"id":"a"}]}"#,
    );
    let (to, mut asked) = vendor(vec![list.clone(), list]).await;
    let report = test(&to, &secret(), None).await;
    assert_eq!(
        (report.verdict, report.called),
        (Verdict::Ok, Called::Models)
    );
    let (head, _) = asked.recv().await.unwrap();
    assert!(head.starts_with("GET /v1/models "));
    let offers = fetch_models(&to, &secret()).await.unwrap();
    let names: Vec<_> = offers.iter().map(|offer| offer.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
}

#[tokio::test]
async fn a_list_that_is_none_or_too_long_is_a_report() {
    for (reply, expected) in [
        (answer(200, "text/html", "<html>"), Verdict::BadUrl),
        (answer(200, "application/json", "{}"), Verdict::Unexpected),
        (answer(401, "application/json", "{}"), Verdict::BadKey),
        (
            answer(
                200,
                "application/json",
                r#"{"error":{"message":"invalid api key"}}"#,
            ),
            Verdict::BadKey,
        ),
        (
            answer(
                200,
                "application/json",
                &format!("[\"{}\"]", "x".repeat(4 * 1024 * 1024)),
            ),
            Verdict::Unexpected,
        ),
    ] {
        let (to, _asked) = vendor(vec![reply]).await;
        assert_eq!(
            fetch_models(&to, &secret()).await.unwrap_err().verdict,
            expected
        );
    }
}

#[tokio::test]
async fn a_vendor_that_echoes_the_key_is_not_repeated() {
    let said = "Incorrect API key provided: sk-canary-0123456789. See team-canary.";
    let body = format!(r#"{{"error":{{"message":"{said}"}}}}"#);
    let (mut to, _asked) = vendor(vec![answer(401, "application/json", &body)]).await;
    to.extra_headers = vec![("x-team".into(), Secret::new("team-canary"))];
    let report = test(&to, &secret(), CHAT).await;
    let expected = "Incorrect API key provided: [secret]. See [secret].";
    assert_eq!(report.detail, expected);
}

#[tokio::test]
async fn a_vendor_of_messages_is_asked_in_its_own_dialect() {
    let events = stream(&[
        r#"{"type":"message_start","message":{"id":"m"}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"pong"}}"#,
        r#"{"type":"message_stop"}"#,
    ]);
    let events = events.replacen("application/json", "text/event-stream", 1);
    let refused = answer(
        401,
        "application/json",
        r#"{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}"#,
    );
    let list = answer(
        200,
        "application/json",
        r#"{"data":[{"type":"model","id":"claude-x"}]}"#,
    );
    let (mut to, mut asked) = vendor(vec![events, refused, list]).await;
    to.protocol = "anthropic".into();
    assert_eq!(test(&to, &secret(), CHAT).await.verdict, Verdict::Ok);
    let (head, body) = asked.recv().await.unwrap();
    assert!(head.starts_with("POST /v1/messages "), "{head}");
    assert!(head.contains("x-api-key: sk-canary-0123456789"), "{head}");
    assert!(head.contains("anthropic-version: 2023-06-01"), "{head}");
    assert!(!head.contains("authorization"), "{head}");
    assert!(body.contains("\"max_tokens\":16"), "{body}");
    assert_eq!(test(&to, &secret(), CHAT).await.verdict, Verdict::BadKey);
    let offered = fetch_models(&to, &secret()).await.unwrap();
    assert_eq!(offered.len(), 1);
    assert_eq!(offered[0].name, "claude-x");
}
