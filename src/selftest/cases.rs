//! What is tried: conversations as a client of chat completions would have them, and what must come back.

use serde_json::{Value, json};

use super::heard::Heard;

/// A red square of 32 by 32 points.
const PICTURE: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAACAAAAAgCAIAAAD8GO2jAAAAKklEQVR42mO4oKBAU8QwasGoBaMWjFowasGoBaMWjFowasGoBaMWDBULAE7YQD2B7wk2AAAAAElFTkSuQmCC";
/// A sentence, and how often the long prompt has it: some 6,000 tokens with any vendor's tokenizer.
const FILLER: (&str, usize) = (
    "The quick brown fox jumps over the lazy dog near the river. ",
    500,
);
/// Fewer tokens were not counted of the long prompt.
const LONG: i64 = 3_000;
/// What a cut answer may have; no vendor takes less.
const FEW: u32 = 16;

/// What a model must be able to do for a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    Nothing,
    Tools,
    Pictures,
}

/// One case.
pub(super) struct Case {
    pub(super) name: &'static str,
    /// The body, but for the model.
    pub(super) body: fn() -> Value,
    pub(super) needs: Needs,
    /// Whether the client leaves after the first event.
    pub(super) leaves: bool,
    /// What is worth knowing, or why it is not as it should be.
    pub(super) judge: fn(&Heard) -> Result<String, String>,
}

const PLAIN: Case = Case {
    name: "plain",
    body: || json!({ "messages": [user("Say hello in one short sentence.")] }),
    needs: Needs::Nothing,
    leaves: false,
    judge: ended_counted,
};

/// All of them, in the order in which they are tried.
pub(super) const CASES: [Case; 13] = [
    PLAIN,
    Case {
        name: "stream",
        body: || streamed(json!({ "messages": [user("Say hello in one short sentence.")] })),
        ..PLAIN
    },
    Case {
        name: "turns",
        body: || {
            json!({ "messages": [
                { "role": "system", "content": "You are brief." },
                user("My name is Ada."), { "role": "assistant", "content": "Hello, Ada." },
                user("What is my name?") ] })
        },
        ..PLAIN
    },
    Case {
        name: "unicode",
        body: || streamed(json!({ "messages": [user("Repeat this line: 你好，世界 🌍 ñ")] })),
        judge: unicode,
        ..PLAIN
    },
    Case {
        name: "tool",
        body: tool,
        needs: Needs::Tools,
        judge: called,
        ..PLAIN
    },
    Case {
        name: "tool_stream",
        body: || streamed(tool()),
        needs: Needs::Tools,
        judge: called,
        ..PLAIN
    },
    Case {
        name: "parallel_tools",
        body: || {
            with_tool(
                json!({ "messages": [user("What is the weather in Oslo and in Bergen? Ask for both at once.")], "tool_choice": "required" }),
            )
        },
        needs: Needs::Tools,
        judge: called_twice,
        ..PLAIN
    },
    Case {
        name: "tool_result",
        body: result,
        needs: Needs::Tools,
        ..PLAIN
    },
    Case {
        name: "image",
        body: || {
            json!({ "messages": [{ "role": "user", "content": [
                { "type": "text", "text": "What colour is this?" },
                { "type": "image_url", "image_url": { "url": PICTURE } } ] }] })
        },
        needs: Needs::Pictures,
        ..PLAIN
    },
    Case {
        name: "json_schema",
        body: schema,
        judge: fits_schema,
        ..PLAIN
    },
    Case {
        name: "cut",
        body: || json!({ "messages": [user("Count from 1 to 300, in words.")], "max_tokens": FEW }),
        judge: cut,
        ..PLAIN
    },
    Case {
        name: "long_prompt",
        body: || {
            let (sentence, times) = FILLER;
            let long = format!(
                "{}Say in one word: what animal jumps?",
                sentence.repeat(times)
            );
            streamed(json!({ "messages": [user(&long)] }))
        },
        judge: long,
        ..PLAIN
    },
    Case {
        name: "abort",
        body: || streamed(json!({ "messages": [user("Count from 1 to 300, in words.")] })),
        leaves: true,
        judge: |_| Ok(String::new()),
        ..PLAIN
    },
];

fn user(text: &str) -> Value {
    json!({ "role": "user", "content": text })
}

fn streamed(mut body: Value) -> Value {
    body["stream"] = json!(true);
    body["stream_options"] = json!({ "include_usage": true });
    body
}

fn with_tool(mut body: Value) -> Value {
    body["tools"] = json!([{ "type": "function", "function": {
        "name": "weather", "description": "The weather in a city",
        "parameters": { "type": "object", "required": ["city"],
            "properties": { "city": { "type": "string" } } } } }]);
    body
}

fn tool() -> Value {
    with_tool(
        json!({ "messages": [user("What is the weather in Oslo?")], "tool_choice": "required" }),
    )
}

fn result() -> Value {
    let call = json!({ "id": "call_1", "type": "function",
        "function": { "name": "weather", "arguments": "{\"city\":\"Oslo\"}" } });
    with_tool(json!({ "messages": [
        user("What is the weather in Oslo?"),
        { "role": "assistant", "content": null, "tool_calls": [call] },
        { "role": "tool", "tool_call_id": "call_1", "content": "Rain, 4 degrees" } ] }))
}

fn schema() -> Value {
    json!({ "messages": [user("Name a city in Norway, as JSON.")],
        "response_format": { "type": "json_schema", "json_schema": { "name": "city", "strict": true,
            "schema": { "type": "object", "additionalProperties": false, "required": ["city"],
                "properties": { "city": { "type": "string" } } } } } })
}

fn spoke(heard: &Heard) -> Result<String, String> {
    if heard.text.trim().is_empty() {
        return Err("there is no text in the answer".to_owned());
    }
    Ok(String::new())
}

fn ended_counted(heard: &Heard) -> Result<String, String> {
    spoke(heard)?;
    ended(heard, "stop")?;
    counted(heard)
}

fn ended(heard: &Heard, expected: &str) -> Result<(), String> {
    if heard.finish == expected {
        return Ok(());
    }
    Err(format!(
        "the reason to finish is {:?} where {expected:?} was expected",
        heard.finish
    ))
}

fn counted(heard: &Heard) -> Result<String, String> {
    if heard.prompt_tokens > 0 && heard.completion_tokens > 0 {
        return Ok(String::new());
    }
    Err("the answer does not say what was used".to_owned())
}

fn unicode(heard: &Heard) -> Result<String, String> {
    ended_counted(heard)?;
    if heard.text.contains('\u{fffd}') {
        return Err("characters are broken".to_owned());
    }
    let whole = heard.text.contains("你好，世界 🌍 ñ");
    let note = if whole {
        ""
    } else {
        "the model did not repeat the line"
    };
    Ok(note.to_owned())
}

fn called(heard: &Heard) -> Result<String, String> {
    if heard.calls.is_empty() {
        return Err("the tool was not called".to_owned());
    }
    for (name, arguments) in &heard.calls {
        let read: Option<Value> = serde_json::from_str(arguments).ok();
        let city = read.as_ref().and_then(|read| read["city"].as_str());
        if name != "weather" || city.is_none() {
            return Err(format!(
                "the call is {name}({arguments}) where weather with a city was expected"
            ));
        }
    }
    ended(heard, "tool_calls")?;
    counted(heard)
}

fn called_twice(heard: &Heard) -> Result<String, String> {
    called(heard)?;
    let note = if heard.calls.len() < 2 {
        "the model made one call only"
    } else {
        ""
    };
    Ok(note.to_owned())
}

fn fits_schema(heard: &Heard) -> Result<String, String> {
    ended_counted(heard)?;
    let read: Option<Value> = serde_json::from_str(heard.text.trim()).ok();
    if read.is_some_and(|read| read["city"].is_string()) {
        return Ok(String::new());
    }
    Err("the text is not the JSON that was asked for".to_owned())
}

fn cut(heard: &Heard) -> Result<String, String> {
    ended(heard, "length")?;
    counted(heard)
}

fn long(heard: &Heard) -> Result<String, String> {
    ended_counted(heard)?;
    if heard.prompt_tokens < LONG {
        return Err(format!(
            "only {} tokens of the prompt were counted",
            heard.prompt_tokens
        ));
    }
    Ok(String::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_judged_by_what_it_says() {
        let good = Heard {
            text: "{\"city\":\"Oslo\"}".to_owned(),
            finish: "stop".to_owned(),
            prompt_tokens: 9,
            completion_tokens: 3,
            calls: Vec::new(),
        };
        assert_eq!(ended_counted(&good), Ok(String::new()));
        assert_eq!(fits_schema(&good), Ok(String::new()));
        assert!(unicode(&good).unwrap().contains("did not repeat"));
        assert!(long(&good).unwrap_err().contains("only 9"));
        assert!(cut(&good).unwrap_err().contains("\"length\""));
        assert!(called(&good).unwrap_err().contains("not called"));
        let uncounted = Heard {
            prompt_tokens: 0,
            ..good.clone()
        };
        assert!(ended_counted(&uncounted).is_err());
        let call = |arguments: &str| Heard {
            finish: "tool_calls".to_owned(),
            calls: vec![("weather".to_owned(), arguments.to_owned())],
            ..good.clone()
        };
        assert!(called(&call("{\"city\":\"Oslo\"}")).is_ok());
        assert!(
            called_twice(&call("{\"city\":\"Oslo\"}"))
                .unwrap()
                .contains("one call")
        );
        for wrong in ["{\"city\":7}", "{", "{}"] {
            assert!(called(&call(wrong)).is_err(), "{wrong}");
        }
    }
}
