//! What stands where a chat completion has its text: a text, or a list of parts. Mistral's models that think answer with
//! `thinking` parts before the text (`https://docs.mistral.ai/capabilities/reasoning`).

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// A piece of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said<'a> {
    Text(Cow<'a, str>),
    Thought(Cow<'a, str>),
}

/// Raw: a part that has something else in these places is passed over.
#[derive(Deserialize)]
struct Part<'a> {
    #[serde(borrow, default)]
    text: Option<&'a RawValue>,
    #[serde(borrow, default)]
    refusal: Option<&'a RawValue>,
    #[serde(borrow, default)]
    thinking: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// A text that says something.
pub(super) fn text(raw: &RawValue) -> Option<Cow<'_, str>> {
    let Text(text) = serde_json::from_str(raw.get()).ok()?;
    (!text.is_empty()).then_some(text)
}

/// Shows each piece in order.
pub(super) fn each<'a>(content: &'a RawValue, mut show: impl FnMut(Said<'a>)) {
    if let Some(text) = text(content) {
        return show(Said::Text(text));
    }
    for part in parts(content) {
        if let Some(thoughts) = part.thinking {
            thoughts_of(thoughts, &mut |thought| show(Said::Thought(thought)));
        }
        let texts = [part.text, part.refusal].into_iter().flatten();
        texts
            .filter_map(text)
            .for_each(|text| show(Said::Text(text)));
    }
}

/// A text, or a list of parts with texts.
fn thoughts_of<'a>(thinking: &'a RawValue, show: &mut impl FnMut(Cow<'a, str>)) {
    match text(thinking) {
        Some(thought) => show(thought),
        None => {
            let texts = parts(thinking).filter_map(|part| part.text.and_then(text));
            texts.for_each(show);
        }
    }
}

fn parts(list: &RawValue) -> impl Iterator<Item = Part<'_>> {
    let parts: Vec<&RawValue> = serde_json::from_str(list.get()).unwrap_or_default();
    let read = parts.into_iter().map(|raw| serde_json::from_str(raw.get()));
    read.filter_map(Result::ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Vec<String> {
        let raw: &RawValue = serde_json::from_str(json).unwrap();
        let mut said = Vec::new();
        each(raw, |piece| {
            said.push(match piece {
                Said::Text(text) => format!("says {text}"),
                Said::Thought(text) => format!("thinks {text}"),
            });
        });
        said
    }

    #[test]
    fn texts_and_lists_are_read_and_odd_things_passed_over() {
        assert_eq!(read(r#""a\nb""#), ["says a\nb"]);
        assert_eq!(
            read(
                r#"[{"type":"thinking","thinking":[{"type":"text","text":"a"},{"type":"text","text":"\"b"}]},
                {"type":"thinking","thinking":"c"},{"type":"text","text":"d"},{"type":"refusal","refusal":"e"},
                {"type":"reference","reference_ids":[1]},"f",null,{"text":{}}]"#
            ),
            ["thinks a", "thinks \"b", "thinks c", "says d", "says e"]
        );
        for nothing in ["null", "\"\"", "{}", "[]", "7", "[[]]"] {
            assert!(read(nothing).is_empty(), "{nothing}");
        }
    }
}
