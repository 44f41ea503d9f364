//! What came back, whatever the client's dialect: read as an answer of chat completions.

use serde::Deserialize;

/// An answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Heard {
    pub(super) text: String,
    /// Names and arguments of the tools that it calls.
    pub(super) calls: Vec<(String, String)>,
    /// Why it ended; empty where it does not say.
    pub(super) finish: String,
    pub(super) prompt_tokens: i64,
    pub(super) completion_tokens: i64,
}

#[derive(Deserialize)]
struct Wire {
    #[serde(default)]
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<Usage>,
    #[serde(default)]
    error: Option<Told>,
}

#[derive(Deserialize)]
struct Told {
    #[serde(default)]
    message: String,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default, alias = "message")]
    delta: Said,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Default, Deserialize)]
struct Said {
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    tool_calls: Option<Vec<Call>>,
}

#[derive(Deserialize)]
struct Call {
    #[serde(default)]
    index: Option<usize>,
    #[serde(default)]
    function: Function,
}

#[derive(Default, Deserialize)]
struct Function {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    arguments: Option<String>,
}

#[derive(Deserialize)]
struct Usage {
    #[serde(default)]
    prompt_tokens: i64,
    #[serde(default)]
    completion_tokens: i64,
}

/// Reads a whole answer.
pub(super) fn whole(body: &[u8]) -> Result<Heard, String> {
    let mut heard = Heard::default();
    heard.take(body)?;
    Ok(heard)
}

/// Reads the events of a stream, all of them.
pub(super) fn stream(events: &[u8]) -> Result<Heard, String> {
    let text = String::from_utf8_lossy(events);
    let mut heard = Heard::default();
    let mut done = false;
    for line in text.lines() {
        match line.strip_prefix("data:").map(str::trim_start) {
            Some("[DONE]") => done = true,
            Some(data) => heard.take(data.as_bytes())?,
            None => {}
        }
    }
    if done {
        return Ok(heard);
    }
    Err("the stream ended before the answer was complete".to_owned())
}

impl Heard {
    fn take(&mut self, json: &[u8]) -> Result<(), String> {
        let wire: Wire = serde_json::from_slice(json)
            .map_err(|error| format!("the answer cannot be read: {error}"))?;
        if let Some(error) = wire.error {
            return Err(format!("an error in the answer: {}", error.message));
        }
        if let Some(usage) = wire.usage {
            self.prompt_tokens = usage.prompt_tokens;
            self.completion_tokens = usage.completion_tokens;
        }
        for choice in wire.choices {
            self.text += choice.delta.content.as_deref().unwrap_or_default();
            for (at, call) in (0_usize..).zip(choice.delta.tool_calls.into_iter().flatten()) {
                self.call(call.index.unwrap_or(at), &call.function);
            }
            if let Some(finish) = choice.finish_reason {
                self.finish = finish;
            }
        }
        Ok(())
    }

    fn call(&mut self, at: usize, part: &Function) {
        // a vendor that counts them from elsewhere is not followed into the thousands
        let at = at.min(self.calls.len());
        if at == self.calls.len() {
            self.calls.push((String::new(), String::new()));
        }
        if let Some((name, arguments)) = self.calls.get_mut(at) {
            *name += part.name.as_deref().unwrap_or_default();
            *arguments += part.arguments.as_deref().unwrap_or_default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_put_together() {
        let text = concat!(
            "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n: wait\n\n",
            "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"name\":\"w\",\"arguments\":\"{\"}}]}}]}\n\n",
            "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"}\"}}]},\"finish_reason\":\"tool_calls\"}]}\n\n",
            "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}\n\n",
        );
        let heard = stream(format!("{text}data: [DONE]\n\n").as_bytes()).unwrap();
        assert_eq!(heard.calls, [("w".to_owned(), "{}".to_owned())]);
        assert_eq!((heard.text.as_str(), heard.prompt_tokens), ("a", 3));
        assert!(stream(text.as_bytes()).unwrap_err().contains("before"));
        let failed = "data: {\"error\":{\"message\":\"it broke\"}}\n\n";
        assert!(stream(failed.as_bytes()).unwrap_err().contains("it broke"));
    }

    #[test]
    fn a_whole_answer_has_messages() {
        let body = br#"{"choices":[{"message":{"content":null,"tool_calls":[{"function":{"name":"w","arguments":"{}"}},
            {"function":{"name":"v","arguments":"{}"}}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":1}}"#;
        let heard = whole(body).unwrap();
        assert_eq!(heard.calls.len(), 2);
        assert_eq!(heard.finish, "tool_calls");
        assert!(whole(b"<html>").is_err());
    }
}
