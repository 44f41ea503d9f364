//! The test of a credential: the smallest real call that shows whether it works.

use eventsource_stream::Eventsource;
use futures_util::StreamExt;
use modelgate_dialect::Dialect;
use modelgate_domain::Secret;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::vendor::{Vendor, content_type};
use super::{Called, Report, Subject, Verdict, classify, models};
use crate::catalog::Provider;

/// Enough for any vendor to accept, too little to cost anything.
const FEW_TOKENS: u32 = 16;
/// A whole answer of a call that wanted a few tokens, or one embedding.
const MAX_ANSWER: usize = 1024 * 1024;

/// Tests a credential: with a model, by a streamed chat completion or an embedding of a few tokens;
/// without one, by asking for the list of models, which proves no credential.
pub async fn test(provider: &Provider, secret: &Secret, subject: Option<Subject<'_>>) -> Report {
    let called = match subject.map(|subject| subject.kind) {
        None => Called::Models,
        Some("embedding") => Called::Embedding,
        Some(_) => Called::Chat,
    };
    let vendor = match Vendor::new(provider, secret, called) {
        Ok(vendor) => vendor,
        Err(report) => return report,
    };
    let outcome = match subject {
        None => list(&vendor).await,
        Some(subject) if called == Called::Embedding => embed(&vendor, subject).await,
        Some(subject) => chat(&vendor, subject).await,
    };
    outcome.unwrap_or_else(|report| report)
}

async fn list(vendor: &Vendor<'_>) -> Result<Report, Report> {
    let offers = models::list(vendor).await?;
    Ok(Report {
        listed: offers.into_iter().map(|offer| offer.name).collect(),
        ..vendor.report(Verdict::Ok, Some(200), "")
    })
}

async fn embed(vendor: &Vendor<'_>, subject: Subject<'_>) -> Result<Report, Report> {
    let body = json!({ "model": subject.upstream_model, "input": "ping" });
    let path = vendor.path_at(subject.upstream_model, "/embeddings");
    let response = vendor.send(Method::POST, &path, Some(&body)).await?;
    whole(vendor, response, "data").await
}

/// An answer in one piece, which has to hold this field.
async fn whole(vendor: &Vendor<'_>, response: Response, field: &str) -> Result<Report, Report> {
    if !response.status().is_success() {
        return Err(vendor.refused(response).await);
    }
    let answer = vendor.read(response, MAX_ANSWER).await?;
    let json: Option<Value> = serde_json::from_slice(&answer.body).ok();
    match json {
        Some(json) if json.get(field).is_some() => {
            Ok(vendor.report(Verdict::Ok, Some(answer.status), ""))
        }
        Some(json) => {
            let said = classify::of_error_object(&json);
            Err(vendor.report(said.verdict, Some(answer.status), &said.detail))
        }
        None => Err(vendor.of_answer(&answer)),
    }
}

async fn chat(vendor: &Vendor<'_>, subject: Subject<'_>) -> Result<Report, Report> {
    let path = vendor.dialect().path(subject.upstream_model, true);
    let path = vendor.path_at(subject.upstream_model, path);
    let body = match vendor.dialect() {
        Dialect::Chat | Dialect::Messages => ask(subject, "max_tokens"),
        Dialect::Responses => json!({
            "model": subject.upstream_model, "input": "ping", "stream": true, "store": false,
            "max_output_tokens": FEW_TOKENS,
        }),
        Dialect::Gemini => json!({
            "contents": [{ "role": "user", "parts": [{ "text": "ping" }] }],
            "generationConfig": { "maxOutputTokens": FEW_TOKENS },
        }),
        // its lines are no events: asked for in one piece
        Dialect::Ollama => json!({
            "model": subject.upstream_model, "stream": false,
            "messages": [{ "role": "user", "content": "ping" }],
            "options": { "num_predict": FEW_TOKENS },
        }),
    };
    let response = vendor.send(Method::POST, &path, Some(&body)).await?;
    if response.status() != 400 || vendor.dialect() != Dialect::Chat {
        return streamed(vendor, response).await;
    }
    // Newer models of some vendors take the limit under another name only, and say so.
    let answer = vendor.read(response, MAX_ANSWER).await?;
    if !String::from_utf8_lossy(&answer.body).contains("max_completion_tokens") {
        return Err(vendor.of_answer(&answer));
    }
    let body = ask(subject, "max_completion_tokens");
    let response = vendor.send(Method::POST, &path, Some(&body)).await?;
    streamed(vendor, response).await
}

fn ask(subject: Subject<'_>, limit: &str) -> Value {
    json!({
        "model": subject.upstream_model,
        "messages": [{ "role": "user", "content": "ping" }],
        "stream": true,
        limit: FEW_TOKENS,
    })
}

async fn streamed(vendor: &Vendor<'_>, response: Response) -> Result<Report, Report> {
    if !response.status().is_success() {
        return Err(vendor.refused(response).await);
    }
    if !content_type(&response).contains("event-stream") {
        // A vendor that does not stream still works; anything else is told apart by what it sent.
        let field = match vendor.dialect() {
            Dialect::Chat => "choices",
            Dialect::Messages => "content",
            Dialect::Gemini => "candidates",
            Dialect::Responses => "output",
            Dialect::Ollama => "message",
        };
        return whole(vendor, response, field).await;
    }
    let status = Some(response.status().as_u16());
    let mut events = response.bytes_stream().eventsource();
    let mut ttft_ms = None;
    let mut finished = false;
    loop {
        let event = match timeout(vendor.patience(), events.next()).await {
            Err(_elapsed) => return Err(vendor.late()),
            Ok(None) => break,
            Ok(Some(Err(_cut))) => {
                let text = "the stream broke off";
                return Err(vendor.report(Verdict::Unexpected, status, text));
            }
            Ok(Some(Ok(event))) => event,
        };
        if event.data.trim() == "[DONE]" {
            finished = true;
            break;
        }
        let Ok(json) = serde_json::from_str::<Value>(&event.data) else {
            continue;
        };
        if json.get("error").is_some_and(|error| !error.is_null()) {
            let said = classify::of_error_object(&json);
            return Err(vendor.report(said.verdict, status, &said.detail));
        }
        let kind = json.get("type").and_then(Value::as_str);
        let answers = json.get("choices").or_else(|| json.get("candidates"));
        let begun = answers.is_some() || matches!(kind, Some("message_start" | "response.created"));
        if begun && ttft_ms.is_none() {
            ttft_ms = Some(vendor.elapsed_ms());
        }
        finished |= matches!(
            kind,
            Some("message_stop" | "response.completed" | "response.incomplete")
        ) || ["/choices/0/finish_reason", "/candidates/0/finishReason"]
            .iter()
            .any(|reason| json.pointer(reason).is_some_and(Value::is_string));
    }
    if ttft_ms.is_none() || !finished {
        let text = "the stream ended before the answer was complete";
        return Err(vendor.report(Verdict::Unexpected, status, text));
    }
    Ok(Report {
        ttft_ms,
        ..vendor.report(Verdict::Ok, status, "")
    })
}
