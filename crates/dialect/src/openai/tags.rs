//! Thoughts within the text of an answer: between `<think>` and `</think>` at its very beginning.
//!
//! `MiniMax`'s models answer so unless told otherwise, Perplexity's reasoning models always, and so do servers of open
//! models that were started without a parser for them.

use crate::hub::Event;

const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";
/// So much white space may stand before the first tag, in bytes.
const MOST: usize = 32;

/// A text as one that speaks so writes it.
pub(super) fn joined(thoughts: &str, said: &str) -> String {
    format!("{OPEN}\n{thoughts}\n{CLOSE}\n\n{said}")
}

/// Thoughts and what is said, where the text begins with thoughts.
pub(super) fn split(text: &str) -> Option<(&str, &str)> {
    let inner = behind_white_space(text)?.strip_prefix(OPEN)?;
    let (thoughts, said) = inner.split_once(CLOSE).unwrap_or((inner, ""));
    Some((thoughts.trim(), said.trim_start()))
}

/// What follows the white space that a text begins with, unless that is too much.
fn behind_white_space(text: &str) -> Option<&str> {
    let said = text.trim_start();
    let before = text.len().saturating_sub(said.len());
    (before <= MOST).then_some(said)
}

/// The same for a text that comes in pieces. Holds back no more than what may become a tag, or be the end of the thoughts.
#[derive(Debug, Default)]
pub(super) struct Tags {
    at: Place,
    held: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// Nothing has been said.
    #[default]
    Before,
    /// Behind the first tag.
    Opened,
    Thought,
    /// Behind the second.
    Closed,
    Said,
}

impl Tags {
    /// The next piece of the text.
    pub(super) fn read(&mut self, piece: &str, each: &mut impl FnMut(Event<'_>)) {
        let mut held = std::mem::take(&mut self.held);
        let mut rest = if held.is_empty() {
            piece
        } else {
            held.push_str(piece);
            &held
        };
        while !rest.is_empty() {
            rest = match self.at {
                Place::Before => self.before(rest),
                Place::Opened | Place::Closed => self.skip(rest),
                Place::Thought => self.thought(rest, each),
                Place::Said => return each(Event::Text(rest)),
            };
        }
    }

    /// The text is over, or something else comes in between: what was held back is said.
    pub(super) fn end(&mut self, each: &mut impl FnMut(Event<'_>)) {
        let held = std::mem::take(&mut self.held);
        match self.at {
            Place::Before if !held.is_empty() => each(Event::Text(&held)),
            Place::Thought if !held.trim_end().is_empty() => {
                each(Event::Thought(held.trim_end()));
            }
            _ => {}
        }
        if self.at != Place::Before || !held.is_empty() {
            self.at = Place::Said;
        }
    }

    fn before<'r>(&mut self, rest: &'r str) -> &'r str {
        let said = behind_white_space(rest);
        if let Some(inner) = said.and_then(|said| said.strip_prefix(OPEN)) {
            self.at = Place::Opened;
            inner
        } else if said.is_some_and(|said| OPEN.starts_with(said)) {
            rest.clone_into(&mut self.held);
            ""
        } else {
            self.at = Place::Said;
            rest
        }
    }

    fn skip<'r>(&mut self, rest: &'r str) -> &'r str {
        let rest = rest.trim_start();
        if !rest.is_empty() {
            let behind = self.at == Place::Closed;
            self.at = if behind { Place::Said } else { Place::Thought };
        }
        rest
    }

    fn thought<'r>(&mut self, rest: &'r str, each: &mut impl FnMut(Event<'_>)) -> &'r str {
        let (thought, rest) = match rest.find(CLOSE) {
            Some(end) => {
                let (thought, tag) = rest.split_at(end);
                self.at = Place::Closed;
                (
                    thought.trim_end(),
                    tag.get(CLOSE.len()..).unwrap_or_default(),
                )
            }
            None => {
                let thought = without_begun(rest).trim_end();
                let held = rest.get(thought.len()..).unwrap_or_default();
                held.clone_into(&mut self.held);
                (thought, "")
            }
        };
        if !thought.is_empty() {
            each(Event::Thought(thought));
        }
        rest
    }
}

/// A text without what may be the beginning of the second tag at its end.
fn without_begun(text: &str) -> &str {
    let mut beginnings = (1..CLOSE.len())
        .rev()
        .filter_map(|length| CLOSE.get(..length));
    beginnings
        .find_map(|begun| text.strip_suffix(begun))
        .unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What pieces yield: thoughts and what is said, each put together again.
    fn read(pieces: &[&str]) -> (String, String) {
        let (mut thoughts, mut said) = (String::new(), String::new());
        let mut each = |event: Event<'_>| match event {
            Event::Thought(text) => {
                assert!(said.is_empty(), "a thought behind the answer");
                thoughts.push_str(text);
            }
            Event::Text(text) => said.push_str(text),
            _ => panic!("neither"),
        };
        let mut tags = Tags::default();
        for piece in pieces {
            tags.read(piece, &mut each);
        }
        tags.end(&mut each);
        (thoughts, said)
    }

    #[test]
    fn only_what_stands_at_the_beginning_is_a_thought() {
        for (text, thoughts, said) in [
            ("<think>\nWhy?\n</think>\n\nSo.", "Why?", "So."),
            (
                "\n <think>a<b</thin></think>c</think>",
                "a<b</thin>",
                "c</think>",
            ),
            ("<think></think>So.", "", "So."),
            ("<think>not over", "not over", ""),
            ("<thin air>", "", "<thin air>"),
            ("<think", "", "<think"),
            (" \n", "", " \n"),
            ("In <think>HTML</think>", "", "In <think>HTML</think>"),
        ] {
            assert_eq!(
                read(&[text]),
                (thoughts.to_owned(), said.to_owned()),
                "{text:?}"
            );
            let whole = split(text).map(|(thoughts, said)| (thoughts.to_owned(), said.to_owned()));
            let (thoughts, said) = (thoughts.to_owned(), said.to_owned());
            assert_eq!(
                whole.unwrap_or_else(|| (String::new(), text.to_owned())),
                (thoughts, said)
            );
        }
        assert_eq!(split(&joined("Why?", "So.")), Some(("Why?", "So.")));
    }

    #[test]
    fn a_call_in_between_ends_the_beginning() {
        let mut said = Vec::new();
        let mut each = |event: Event<'_>| said.push(format!("{event:?}"));
        let mut tags = Tags::default();
        tags.read("<th", &mut each);
        tags.end(&mut each);
        tags.read("<think>", &mut each);
        assert_eq!(said, [r#"Text("<th")"#, r#"Text("<think>")"#]);
    }

    proptest! {
        #[test]
        fn pieces_yield_what_the_whole_does(
            text in r"([ \n]{0,3}|[ \n]{30,34})(<think>)?[ \na<ü/thinks>]{0,30}(</think>)?[ \nb<ü>]{0,12}",
            cuts in prop::collection::vec(0usize..80, 0..8),
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().filter(|&at| text.is_char_boundary(at)).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&str> = cuts.windows(2).map(|w| &text[w[0]..w[1]]).collect();
            let whole = split(&text).unwrap_or(("", &text));
            let whole = (whole.0.to_owned(), whole.1.to_owned());
            prop_assert_eq!(read(&pieces), whole, "{:?}", pieces);
        }
    }
}
