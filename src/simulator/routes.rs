//! Which request gets which usual answer, and what the script, the model's name or a wrong key make of it.

use serde_json::{Value, json};

use super::directive;
use super::play::{self, Usual};
use super::record::Received;
use super::script::{Act, Reply};
use super::server::Shared;
use super::{chat, embeddings, gemini, messages, ollama, responses};

/// Requests to the simulator itself, for shell tests: `/_sim/stats`, `/_sim/requests`, `/_sim/reset`.
pub(super) fn is_control(request: &Received) -> bool {
    request.path.starts_with("/_sim/")
}

/// What to do with a request.
pub(super) fn answer(shared: &Shared, request: &Received) -> Vec<Act> {
    if is_control(request) {
        return play::acts(Reply::default(), Usual::Plain(control(shared, request)));
    }
    if let Some(refusal) = refuse_key(shared, request) {
        return refusal;
    }
    if speaks_messages(request) && request.header("anthropic-version").is_none() {
        let text = "anthropic-version: header is required";
        let reply = Reply {
            status: 400,
            ..Reply::default()
        };
        return play::acts(reply, Usual::Plain(messages_error(400, text)));
    }
    let body = request.json();
    let model = request.model();
    let model = model.as_str();
    let reply = match shared.scripted(request) {
        Some(reply) => reply,
        None => match directive::parse(model, &shared.options.reply) {
            Ok(reply) => reply,
            Err(word) => {
                let text = format!("the simulator does not know the word `{word}` in `{model}`");
                return error(400, &text, "invalid_request_error", None);
            }
        },
    };
    if reply.status >= 400 && reply.body.is_none() {
        let usual = if gemini::asked(&request.path).is_some() {
            gemini_error(reply.status, &status_text(reply.status))
        } else if ollama::is_asked(&request.path) {
            ollama::error(&status_text(reply.status))
        } else if speaks_messages(request) {
            messages_error(reply.status, &status_text(reply.status))
        } else {
            error_body(reply.status, &status_text(reply.status), None)
        };
        return play::acts(reply, Usual::Plain(usual));
    }
    usual(shared, request, &body, reply)
}

fn usual(shared: &Shared, request: &Received, body: &Value, reply: Reply) -> Vec<Act> {
    let tail = request.path.trim_end_matches('/');
    if request.method == "GET" {
        if tail.ends_with("/api/tags") {
            return play::acts(reply, Usual::Plain(ollama::tags(&model_names(shared))));
        }
        return match tail.split_once("/models") {
            Some((_, "")) => play::acts(reply, Usual::Plain(model_list(shared))),
            Some((_, id)) => one_model(shared, id.trim_start_matches('/'), reply),
            None => not_found(request),
        };
    }
    if request.method != "POST" {
        return not_found(request);
    }
    let model = request.model();
    let model = model.as_str();
    if !body.is_object() {
        let text = "We could not parse the JSON body of your request.";
        return error(400, text, "invalid_request_error", None);
    }
    if model.is_empty() {
        let text = "you must provide a model parameter";
        return error(400, text, "invalid_request_error", None);
    }
    if !exists(shared, model) {
        return unknown_model(model);
    }
    if let Some(asked) = gemini::asked(tail) {
        return gemini_answer(asked, body, reply);
    }
    let made = if tail.ends_with("/api/chat") {
        ollama::chat(body, &reply)
    } else if tail.ends_with("/chat/completions") {
        chat::chat(body, &reply)
    } else if tail.ends_with("/completions") {
        chat::legacy(body, &reply)
    } else if tail.ends_with("/messages") {
        messages::messages(body, &reply)
    } else if tail.ends_with("/responses") {
        responses::responses(body, &reply)
    } else if tail.ends_with("/messages/count_tokens") {
        messages::count(body)
    } else if tail.ends_with("/embeddings") {
        embeddings::embeddings(body, &reply)
    } else {
        return not_found(request);
    };
    match made {
        Ok(usual) => play::acts(reply, usual),
        Err(missing) => {
            let text = format!("Missing required parameter: '{missing}'.");
            error(
                400,
                &text,
                "invalid_request_error",
                Some("missing_required_parameter"),
            )
        }
    }
}

fn gemini_answer(asked: (&str, &str), body: &Value, reply: Reply) -> Vec<Act> {
    let refused = |text: &str| {
        let reply = Reply {
            status: 400,
            ..Reply::default()
        };
        play::acts(reply, Usual::Plain(gemini_error(400, text)))
    };
    if asked.0.starts_with("gemini-3") && gemini::misses_seal(body) {
        return refused("Function call is missing a thought_signature in functionCall parts.");
    }
    match gemini::generate(asked, body, &reply) {
        Ok(usual) => play::acts(reply, usual),
        Err(missing) => refused(&format!(
            "* GenerateContentRequest.{missing}: {missing} is not specified"
        )),
    }
}

fn gemini_error(status: u16, message: &str) -> Vec<u8> {
    let word = match status {
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        429 => "RESOURCE_EXHAUSTED",
        503 => "UNAVAILABLE",
        500.. => "INTERNAL",
        _ => "INVALID_ARGUMENT",
    };
    json!({"error": {"code": status, "message": message, "status": word}})
        .to_string()
        .into_bytes()
}

fn speaks_messages(request: &Received) -> bool {
    request.path.contains("/messages")
}

fn messages_error(status: u16, message: &str) -> Vec<u8> {
    let kind = match status {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        500.. => "api_error",
        _ => "invalid_request_error",
    };
    json!({"type": "error", "error": {"type": kind, "message": message}})
        .to_string()
        .into_bytes()
}

fn refuse_key(shared: &Shared, request: &Received) -> Option<Vec<Act>> {
    let keys = &shared.options.keys;
    if keys.is_empty() || keys.iter().any(|k| k == request.key()) {
        return None;
    }
    let text = if request.key().is_empty() {
        "You didn't provide an API key.".to_owned()
    } else {
        let shown: String = request.key().chars().take(4).collect();
        format!("Incorrect API key provided: {shown}****.")
    };
    Some(error(
        401,
        &text,
        "invalid_request_error",
        Some("invalid_api_key"),
    ))
}

fn exists(shared: &Shared, model: &str) -> bool {
    shared.options.models.is_empty() || shared.options.models.iter().any(|m| m == model)
}

fn model_names(shared: &Shared) -> Vec<&str> {
    if shared.options.models.is_empty() {
        return vec!["sim-chat", "sim-mini", "sim-embedding"];
    }
    shared.options.models.iter().map(String::as_str).collect()
}

fn model_object(name: &str) -> Value {
    json!({"id": name, "object": "model", "created": 1_750_000_000, "owned_by": "simulator"})
}

fn model_list(shared: &Shared) -> Vec<u8> {
    let data: Vec<Value> = model_names(shared).into_iter().map(model_object).collect();
    json!({"object": "list", "data": data})
        .to_string()
        .into_bytes()
}

fn one_model(shared: &Shared, id: &str, reply: Reply) -> Vec<Act> {
    if exists(shared, id) {
        let body = model_object(id).to_string().into_bytes();
        return play::acts(reply, Usual::Plain(body));
    }
    unknown_model(id)
}

fn unknown_model(model: &str) -> Vec<Act> {
    let text = format!("The model `{model}` does not exist or you do not have access to it.");
    error(404, &text, "invalid_request_error", Some("model_not_found"))
}

fn not_found(request: &Received) -> Vec<Act> {
    let text = format!("Invalid URL ({} {})", request.method, request.path);
    error(404, &text, "invalid_request_error", None)
}

fn error(status: u16, message: &str, kind: &str, code: Option<&str>) -> Vec<Act> {
    let body = json!({"error": {"message": message, "type": kind, "param": null, "code": code}})
        .to_string();
    let reply = Reply {
        status,
        ..Reply::default()
    };
    play::acts(reply, Usual::Plain(body.into_bytes()))
}

fn status_text(status: u16) -> String {
    match status {
        401 => "Incorrect API key provided.".to_owned(),
        403 => "You are not allowed to use this resource.".to_owned(),
        429 => "Rate limit reached. Please try again later.".to_owned(),
        500.. => "The server had an error while processing your request.".to_owned(),
        _ => "The request was not understood.".to_owned(),
    }
}

fn error_body(status: u16, message: &str, param: Option<&str>) -> Vec<u8> {
    let (kind, code) = match status {
        401 => ("invalid_request_error", Some("invalid_api_key")),
        429 => ("requests", Some("rate_limit_exceeded")),
        500.. => ("server_error", None),
        _ => ("invalid_request_error", None),
    };
    json!({"error": {"message": message, "type": kind, "param": param, "code": code}})
        .to_string()
        .into_bytes()
}

fn control(shared: &Shared, request: &Received) -> Vec<u8> {
    let answer = match request.path.as_str() {
        "/_sim/stats" => serde_json::to_value(shared.books().stats).unwrap_or(Value::Null),
        "/_sim/requests" => {
            let books = shared.books();
            let rows = books.received.iter().map(|r| {
                json!({"number": r.number, "method": r.method, "path": r.path, "headers": r.headers,
                    "body": String::from_utf8_lossy(&r.body)})
            });
            rows.collect()
        }
        "/_sim/reset" => {
            shared.reset();
            json!({"ok": true})
        }
        _ => json!({"error": "stats, requests or reset"}),
    };
    answer.to_string().into_bytes()
}
