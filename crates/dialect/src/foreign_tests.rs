use serde_json::{Value, json};

use super::*;

fn gone(caller: Caller, model: &str, body: &Value) -> Option<(Value, Vec<String>)> {
    let (body, notes) = without(caller, model, body.to_string().as_bytes())?;
    let names = notes.dropped().iter().map(ToString::to_string).collect();
    Some((serde_json::from_slice(&body).unwrap(), names))
}

fn agent(signature: &str, thinking: &Value) -> Value {
    json!({ "model": "m", "thinking": thinking, "messages": [
        { "role": "user", "content": "hi" },
        { "role": "assistant", "content": [
            { "type": "thinking", "thinking": "hm", "signature": signature },
            { "type": "tool_use", "id": "t1", "name": "f", "input": {} } ] },
        { "role": "user", "content": [{ "type": "tool_result", "tool_use_id": "t1", "content": "1" }] },
    ] })
}

#[test]
fn what_nobody_sealed_or_somebody_else_does_not_reach_claude() {
    let adaptive = json!({ "type": "adaptive" });
    for signature in ["", "gemini#abc", "openai#abc"] {
        let body = agent(signature, &adaptive);
        let (left, names) = gone(Caller::Messages, "claude-opus-4-8", &body).unwrap();
        assert_eq!(names, ["messages.content.thinking"]);
        let content = left["messages"][1]["content"].as_array().unwrap();
        assert_eq!(content.len(), 1);
        assert_eq!(content[0]["type"], "tool_use");
        assert_eq!(left["thinking"]["type"], "adaptive");
    }
    let own = agent("EqQBCgIYAhIM", &adaptive);
    assert_eq!(gone(Caller::Messages, "claude-opus-4-8", &own), None);
}

#[test]
fn others_than_claude_get_their_unsigned_thoughts_back() {
    let body = agent("", &json!({ "type": "enabled", "budget_tokens": 1024 }));
    assert_eq!(gone(Caller::Messages, "kimi-k2.5", &body), None);
    let body = agent(
        "openai#x",
        &json!({ "type": "enabled", "budget_tokens": 1024 }),
    );
    assert!(gone(Caller::Messages, "kimi-k2.5", &body).is_some());
}

#[test]
fn a_turn_under_way_without_its_thoughts_is_ended_without_thinking() {
    let mut body = agent("", &json!({ "type": "enabled", "budget_tokens": 1024 }));
    body["context_management"] = json!({ "edits": [
        { "type": "clear_thinking_20251015", "keep": "all" }, { "type": "clear_tool_uses_20250919" } ] });
    let (left, names) = gone(Caller::Messages, "claude-sonnet-4-5", &body).unwrap();
    assert_eq!(left["thinking"], json!({ "type": "disabled" }));
    let edits = left["context_management"]["edits"].as_array().unwrap();
    assert_eq!(edits.len(), 1);
    assert_eq!(
        names,
        [
            "messages.content.thinking",
            "thinking",
            "context_management"
        ]
    );
    // the next turn begins anew
    let messages = body["messages"].as_array_mut().unwrap();
    messages.push(json!({ "role": "assistant", "content": "1" }));
    messages.push(json!({ "role": "user", "content": "and now?" }));
    let (left, names) = gone(Caller::Messages, "claude-sonnet-4-5", &body).unwrap();
    assert_eq!(left["thinking"]["type"], "enabled");
    assert_eq!(names, ["messages.content.thinking"]);
}

#[test]
fn a_message_of_such_thoughts_alone_goes_and_all_other_bytes_stay() {
    let body = "  {\"messages\": [ {\"role\":\"user\",\"content\":\"é\"},\n {\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"x\", \"signature\" : \"\"}]}], \"n\": 1.50 }\n";
    let (left, _) = without(Caller::Messages, "claude-opus-4-8", body.as_bytes()).unwrap();
    let expected = "  {\"messages\": [{\"role\":\"user\",\"content\":\"é\"}], \"n\": 1.50 }\n";
    assert_eq!(String::from_utf8(left).unwrap(), expected);
}

#[test]
fn openai_gets_the_thoughts_back_that_it_has_sealed_or_may_have_kept() {
    let item = |id: Option<&str>, seal: Option<&str>| json!({ "type": "reasoning", "id": id, "summary": [], "encrypted_content": seal });
    let body = json!({ "model": "m", "input": [
        { "role": "user", "content": "hi" },
        item(None, Some("gemini#x")), item(Some("rs_abc_0"), None), item(None, None),
        item(Some("rs_68af40"), None), item(None, Some("gAAAA")),
    ] });
    let (left, names) = gone(Caller::Responses, "gpt-5", &body).unwrap();
    let input = left["input"].as_array().unwrap();
    assert_eq!(input.len(), 3, "{left}");
    assert_eq!(input[1]["id"], "rs_68af40");
    assert_eq!(input[2]["encrypted_content"], "gAAAA");
    assert_eq!(
        names,
        [
            "input.reasoning.encrypted_content",
            "input.reasoning.summary"
        ]
    );
    // a model that seals nothing may want its thoughts back
    let (left, _) = gone(Caller::Responses, "qwen3", &body).unwrap();
    assert_eq!(left["input"].as_array().unwrap().len(), 5);
}

#[test]
fn seals_of_gemini_go_to_gemini_alone() {
    let call = json!({ "id": "c", "type": "function", "function": { "name": "f", "arguments": "{}" },
        "extra_content": { "google": { "thought_signature": "s" } } });
    let body = json!({ "model": "m", "messages": [
        { "role": "user", "content": "x" }, { "role": "assistant", "tool_calls": [call] } ] });
    assert_eq!(gone(Caller::Chat, "gemini-3-pro", &body), None);
    let (left, names) = gone(Caller::Chat, "deepseek-chat", &body).unwrap();
    let call = &left["messages"][1]["tool_calls"][0];
    assert_eq!(call["extra_content"], Value::Null);
    assert_eq!(call["function"]["name"], "f");
    assert_eq!(names, ["messages.tool_calls.extra_content"]);
    let body = json!({ "contents": [{ "role": "model", "parts": [
        { "functionCall": { "name": "f" }, "thoughtSignature": "openai#x" }, { "text": "t", "thoughtSignature": "own" } ] }] });
    let (left, names) = gone(Caller::Gemini, "gemini-3-pro", &body).unwrap();
    let parts = &left["contents"][0]["parts"];
    assert_eq!(parts[0], json!({ "functionCall": { "name": "f" } }));
    assert_eq!(parts[1]["thoughtSignature"], "own");
    assert_eq!(names, ["contents.parts.thoughtSignature"]);
}

#[test]
fn what_is_no_conversation_passes() {
    for caller in Caller::ALL {
        for body in [
            r#"{"messages":7,"input":"gemini#","contents":"openai#","signature":"","encrypted_content":null,"x":"thought_signature"}"#,
            r#"["gemini#", {"signature":""}"#,
            r#"{"messages":[{"content":"\"signature\":\"\" gemini#"}],"input":[1],"contents":[[]]}"#,
        ] {
            assert!(
                without(caller, "claude-x", body.as_bytes()).is_none(),
                "{body}"
            );
        }
    }
}
