//! Reading what a model said.

use futures_util::StreamExt as _;
use serde::Deserialize;
use serde::de::DeserializeOwned;

#[derive(Deserialize)]
struct Completion {
    choices: Vec<Choice>,
}

#[derive(Deserialize)]
struct Choice {
    message: Message,
}

#[derive(Deserialize)]
struct Message {
    content: Option<String>,
}

#[derive(Deserialize)]
struct Refusal {
    error: Told,
}

#[derive(Deserialize)]
struct Told {
    #[serde(default)]
    message: String,
}

/// The body, up to a size.
pub(super) async fn read(response: reqwest::Response, most: usize) -> Result<String, String> {
    let mut body = Vec::new();
    let mut parts = response.bytes_stream();
    while let Some(part) = parts.next().await {
        let part = part.map_err(|error| error.without_url().to_string())?;
        if body.len() + part.len() > most {
            return Err("the answer is too long".to_owned());
        }
        body.extend_from_slice(&part);
    }
    String::from_utf8(body).map_err(|_bytes| "the answer is no text".to_owned())
}

/// What the model said, of a chat completion.
pub(super) fn content(body: &str) -> Result<String, String> {
    let read: Completion = serde_json::from_str(body).map_err(|error| error.to_string())?;
    let first = read.choices.into_iter().next();
    let text = first.and_then(|choice| choice.message.content);
    text.filter(|text| !text.trim().is_empty())
        .ok_or_else(|| "it said nothing".to_owned())
}

/// What an error of the gateway says.
pub(super) fn error(body: &str) -> String {
    let told: Option<Refusal> = serde_json::from_str(body).ok();
    cut(
        &told.map(|told| told.error.message).unwrap_or_default(),
        300,
    )
    .to_owned()
}

/// The JSON of an answer, which models like to wrap in fences and words.
pub(super) fn parse<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let (from, to) = (text.find('{'), text.rfind('}'));
    let json = match (from, to) {
        (Some(from), Some(to)) if from < to => text.get(from..=to).unwrap_or(text),
        _ => text,
    };
    serde_json::from_str(json).map_err(|error| error.to_string())
}

/// At most so many bytes of a text, whole characters.
pub(super) fn cut(text: &str, most: usize) -> &str {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn json_is_found_among_fences_and_words() {
        for text in [
            "{\"a\": 1}",
            "```json\n{\"a\": 1}\n```",
            "Here it is: {\"a\": 1}. Good luck!",
        ] {
            assert_eq!(parse::<Value>(text).unwrap()["a"], 1, "{text}");
        }
        for text in ["", "no", "{\"a\": ", "} {"] {
            assert!(parse::<Value>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn cuts_fall_between_characters() {
        assert_eq!(cut("中文", 4), "中");
        assert_eq!(cut("ab", 9), "ab");
    }

    #[test]
    fn an_answer_without_words_is_none() {
        let said =
            |content: &str| format!(r#"{{"choices":[{{"message":{{"content":{content}}}}}]}}"#);
        assert_eq!(content(&said("\"hi\"")).unwrap(), "hi");
        assert!(content(&said("null")).is_err() && content(&said("\" \"")).is_err());
        assert!(content("{\"choices\":[]}").is_err() && content("x").is_err());
        assert_eq!(error(r#"{"error":{"message":"no money"}}"#), "no money");
        assert_eq!(error("x"), "");
    }
}
