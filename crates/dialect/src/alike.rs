//! Events that differ from one that was read in nothing but their text: they are known by their bytes, and read no further.
//!
//! Most events of a stream are such. What is remembered is what stands around the text, and around the padding that `OpenAI` puts
//! behind it against listeners who count bytes (`obfuscation`).

use memchr::{memchr, memmem};

/// A longer event is read each time.
const LONGEST: usize = 4096;

/// After so many that were remembered in vain, a stream's events are not alike.
const TRIES: u8 = 8;

const PADDING: &[u8] = b"\"obfuscation\":\"";

/// What an event of nothing but text has around it.
#[derive(Debug, Default)]
pub(crate) struct Alike {
    /// Before the text, from its end to the padding, and from there on.
    around: Vec<u8>,
    /// Where the text begins; 0 where nothing is remembered.
    text_at: usize,
    /// Where the third part begins in `around`.
    third_at: usize,
    /// Where that begins which a model would repeat, and how far behind the text it ends.
    said: Option<(usize, usize)>,
    tries: u8,
}

/// What an event says that is like the one that is remembered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Told<'a> {
    /// What stands between the quotes.
    pub(crate) text: &'a [u8],
    /// What a model would repeat.
    pub(crate) said: Option<&'a [u8]>,
}

impl Alike {
    /// Remembers nothing, ever.
    #[cfg(test)]
    pub(crate) fn never() -> Self {
        Self {
            tries: TRIES,
            ..Self::default()
        }
    }

    /// What an event says, where only its text is another one.
    pub(crate) fn told<'a>(&mut self, data: &'a [u8]) -> Option<Told<'a>> {
        let (before, rest) = self.around.split_at_checked(self.text_at)?;
        if before.is_empty() {
            return None;
        }
        let (between, last) = rest.split_at_checked(self.third_at.checked_sub(self.text_at)?)?;
        let from = data.strip_prefix(before)?;
        let text = quoted(from)?;
        let behind = from.get(text.len()..)?.strip_prefix(between)?;
        let same = if last.is_empty() {
            behind.is_empty()
        } else {
            behind.get(quoted(behind)?.len()..)? == last
        };
        if !same {
            return None;
        }
        self.tries = 0;
        let end = self.text_at.checked_add(text.len())?;
        let said = self
            .said
            .and_then(|(start, further)| data.get(start..end.checked_add(further)?));
        Some(Told { text, said })
    }

    /// True while it is worth while to look whether an event says nothing but a text.
    pub(crate) fn learns(&self, data: &[u8]) -> bool {
        self.tries < TRIES && data.len() <= LONGEST
    }

    /// Remembers an event that says nothing but `text`, which stands in it, as does `said`.
    pub(crate) fn remember(&mut self, data: &[u8], text: &[u8], said: Option<&[u8]>) {
        self.tries = self.tries.saturating_add(1);
        self.text_at = 0;
        self.around.clear();
        // what was remembered stays forgotten where one of these is not as expected
        let _unlike = self.put(data, text, said);
    }

    fn put(&mut self, data: &[u8], text: &[u8], said: Option<&[u8]>) -> Option<()> {
        let text_at = place(data, text)?;
        let end = text_at.checked_add(text.len())?;
        let (before, behind) = (data.get(..text_at)?, data.get(end..)?);
        let padding = memmem::find(behind, PADDING).map(|at| at.saturating_add(PADDING.len()));
        let (between, last) = match padding {
            None => (behind, b"".as_slice()),
            Some(at) => {
                let from = behind.get(at..)?;
                (behind.get(..at)?, from.get(quoted(from)?.len()..)?)
            }
        };
        self.said = match said {
            None => None,
            Some(said) => {
                let start = place(data, said).filter(|start| *start <= text_at)?;
                let further = start.checked_add(said.len())?.checked_sub(end)?;
                (further <= between.len()).then_some(())?;
                Some((start, further))
            }
        };
        self.around
            .reserve_exact(data.len().checked_sub(text.len())?);
        for part in [before, between, last] {
            self.around.extend_from_slice(part);
        }
        self.text_at = text_at;
        self.third_at = text_at.checked_add(between.len())?;
        Some(())
    }
}

/// Up to the next quote, where no escape stands before it.
fn quoted(from: &[u8]) -> Option<&[u8]> {
    let text = from.get(..memchr(b'"', from)?)?;
    (text.last() != Some(&b'\\')).then_some(text)
}

/// Where `part` of `whole` begins.
fn place(whole: &[u8], part: &[u8]) -> Option<usize> {
    part.as_ptr().addr().checked_sub(whole.as_ptr().addr())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: &str = r#"{"id":"c","choices":[{"delta":{"content":"TEXT"}}],"usage":null}"#;

    fn learnt(event: &str) -> Alike {
        let at = event.find("TEXT").unwrap();
        let (from, to) = (
            event.find(r#"{"content"#).unwrap(),
            event.find("}}]").unwrap(),
        );
        let (data, mut alike) = (event.as_bytes(), Alike::default());
        alike.remember(data, &data[at..at + 4], Some(&data[from..=to]));
        alike
    }

    fn told(alike: &mut Alike, event: &str) -> Option<(String, String)> {
        let owned = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let told = alike.told(event.as_bytes())?;
        Some((owned(told.text), owned(told.said.unwrap())))
    }

    #[test]
    fn what_differs_by_its_text_is_known() {
        let mut alike = learnt(SHAPE);
        for text in [
            "",
            "x",
            "héllo \\n",
            "a long text, longer than the first one",
        ] {
            let (found, said) = told(&mut alike, &SHAPE.replace("TEXT", text)).unwrap();
            assert_eq!(
                (found.as_str(), said),
                (text, format!(r#"{{"content":"{text}"}}"#))
            );
        }
    }

    #[test]
    fn what_differs_by_more_is_not() {
        let mut alike = learnt(SHAPE);
        for other in [
            SHAPE.replace("null", "{}"),
            SHAPE.replace("\"c\"", "\"d\""),
            SHAPE.replace("TEXT", r#"x","refusal":"y"#),
            SHAPE.replace("TEXT", r#"say \"so\""#),
            SHAPE.replace("TEXT", r"ends \\"),
            format!("{SHAPE} "),
            SHAPE[..SHAPE.len() - 1].to_owned(),
            String::new(),
        ] {
            assert_eq!(told(&mut alike, &other), None, "{other}");
        }
        assert_eq!(Alike::default().told(SHAPE.as_bytes()), None);
    }

    #[test]
    fn padding_may_be_anything() {
        let shape = format!(r#"{},"obfuscation":"Xy"}}"#, &SHAPE[..SHAPE.len() - 1]);
        let mut alike = learnt(&shape);
        for padding in ["", "AbCdEf"] {
            let event = shape.replace("TEXT", "x").replace("Xy", padding);
            assert_eq!(told(&mut alike, &event).unwrap().0, "x");
            let cut = &event[..event.len() - 1];
            assert_eq!(told(&mut alike, cut), None, "{cut}");
        }
    }

    #[test]
    fn a_stream_whose_events_are_not_alike_is_let_be() {
        let mut alike = Alike::default();
        for _ in 0..TRIES {
            assert!(alike.learns(b"x"));
            alike.remember(b"x", b"", None);
        }
        assert!(!alike.learns(b"x"));
        assert!(!Alike::default().learns(&[b' '; LONGEST + 1]));
    }
}
