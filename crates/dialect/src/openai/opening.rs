//! How a conversation begins: what stays the same from turn to turn, whatever is added at its end.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// The messages up to the first one of the user, raw; nothing where the text is no list of messages.
pub fn opening(messages: &[u8]) -> Vec<&str> {
    let mut found = Vec::new();
    let mut json = serde_json::Deserializer::from_slice(messages);
    // whoever stops in the middle of a list gets an error for it; what was found until then counts
    let _stopped = json.deserialize_seq(UpToUser(&mut found));
    found
}

struct UpToUser<'v, 'de>(&'v mut Vec<&'de str>);

impl<'de> Visitor<'de> for UpToUser<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list of messages")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while let Some(message) = items.next_element::<&RawValue>()? {
            self.0.push(message.get());
            if is_users(message) {
                break;
            }
        }
        Ok(())
    }
}

fn is_users(message: &RawValue) -> bool {
    #[derive(Deserialize)]
    struct Message<'a> {
        #[serde(borrow, default)]
        role: Option<Cow<'a, str>>,
    }
    let read: Result<Message<'_>, _> = serde_json::from_str(message.get());
    read.is_ok_and(|message| message.role.as_deref() == Some("user"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_turns_do_not_change_how_it_began() {
        let system = r#"{"role":"system","content":"be kind"}"#;
        let first = r#"{"role":"user","content":[{"type":"text","text":"hello"}]}"#;
        let begun = format!("[{system}, {first}]");
        let later = format!(
            r#"[{system}, {first}, {{"role":"assistant","content":"hi"}}, {{"role":"user","content":"more"}}]"#
        );
        assert_eq!(opening(begun.as_bytes()), [system, first]);
        assert_eq!(opening(later.as_bytes()), [system, first]);
        assert_eq!(opening(format!("[{system}]").as_bytes()), [system]);
    }

    #[test]
    fn what_is_no_list_of_messages_begins_with_nothing() {
        for odd in ["", "null", "{}", "\"text\"", "[", "[]"] {
            assert!(opening(odd.as_bytes()).is_empty(), "{odd}");
        }
        assert_eq!(opening(b"[1, \"a\"]"), ["1", "\"a\""]);
    }
}
