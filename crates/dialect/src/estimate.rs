//! Token counts where a vendor reports none.
//!
//! The rule, in quarters of a token: an ASCII character inside a JSON string counts one quarter, any other
//! character (written as it is or as `\uXXXX`) three, a number outside of strings four. A payload in base64
//! (a data URL, or the plain text of a member `data`) counts as [`EMBEDDED_FILE_TOKENS`], whatever its size. Keys count like values, which stands for the few
//! tokens that vendors add to each message. The result is rounded up and marked as an estimate wherever it
//! is shown. It stays within a quarter of what a tokenizer counts for English, Chinese, code and JSON: `tokens` of the
//! gateway has the tokenizer and the test.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use memchr::{memchr, memchr2};

/// What a file inside the request (an image in base64) counts: a large picture at the usual detail.
pub const EMBEDDED_FILE_TOKENS: i64 = 765;

static BASE64_MARK: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new(b";base64,"));

/// A text up to this size counts as a text, whatever it is.
const SHORT_BYTES: usize = 256;

/// A running count in quarters of a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Estimate {
    quarters: i64,
}

impl Estimate {
    /// The tokens counted so far, rounded up.
    pub fn tokens(self) -> i64 {
        self.quarters.saturating_add(3).div_euclid(4)
    }

    /// Counts a whole JSON value: every string and every number in it.
    pub fn add_json(&mut self, json: &[u8]) {
        walk(json, |token| match token {
            Token::File => self.add(EMBEDDED_FILE_TOKENS.saturating_mul(4)),
            Token::String(inner) => self.add_inner(inner),
            Token::Number => self.add(4),
        });
    }

    /// Counts only the strings that stand under one of the names that answers carry text in.
    pub fn add_answer(&mut self, json: &[u8]) {
        answer_strings(json, |inner| self.add_string(inner));
    }

    /// As [`Self::add_answer`], but only in the array or object that `json` begins with: not in what follows it.
    pub(crate) fn add_first_value(&mut self, json: &[u8]) {
        let (mut depth, mut counted, mut rest) = (0_usize, false, json);
        while let Some((inner, after)) = next_string(rest) {
            let between = memchr(b'"', rest).unwrap_or(0);
            for byte in rest.get(..between).unwrap_or_default() {
                match byte {
                    b'[' | b'{' => depth = depth.saturating_add(1),
                    b']' | b'}' => depth = depth.saturating_sub(1),
                    _ => continue,
                }
                if depth == 0 {
                    return;
                }
            }
            if is_key(after) {
                counted = ANSWER_KEYS.contains(&inner);
            } else if counted {
                self.add_string(inner);
            }
            rest = after;
        }
    }

    /// Counts a text that is no JSON.
    pub fn add_text(&mut self, text: &str) {
        self.add_plain(text.as_bytes());
    }

    fn add(&mut self, quarters: i64) {
        self.quarters = self.quarters.saturating_add(quarters);
    }

    /// `inner` is what stands between the quotes, escapes included.
    pub(crate) fn add_string(&mut self, inner: &[u8]) {
        if is_file(inner) {
            return self.add(EMBEDDED_FILE_TOKENS.saturating_mul(4));
        }
        self.add_inner(inner);
    }

    fn add_inner(&mut self, inner: &[u8]) {
        let mut rest = inner;
        while let Some(at) = memchr(b'\\', rest) {
            self.add_plain(rest.get(..at).unwrap_or_default());
            let unicode = rest.get(at.saturating_add(1)) == Some(&b'u');
            let (weight, length) = if unicode { (3, 6) } else { (1, 2) };
            self.add(weight);
            rest = rest.get(at.saturating_add(length)..).unwrap_or_default();
        }
        self.add_plain(rest);
    }

    fn add_plain(&mut self, text: &[u8]) {
        if text.is_ascii() {
            // a few bytes at a time, where the counting below takes them one by one
            return self.add(i64::try_from(text.len()).unwrap_or(i64::MAX));
        }
        let ascii = text.iter().filter(|b| b.is_ascii()).count();
        let continuation = text.iter().filter(|b| (**b & 0xC0) == 0x80).count();
        let other = text
            .len()
            .saturating_sub(ascii)
            .saturating_sub(continuation);
        let quarters = ascii.saturating_add(other.saturating_mul(3));
        self.add(i64::try_from(quarters).unwrap_or(i64::MAX));
    }
}

/// Shows each text of a JSON value, without its escapes, to who counts better than this does. Returns what else counts:
/// numbers, and files that stand in it.
pub fn each_text(json: &[u8], mut each: impl FnMut(&str)) -> i64 {
    let mut more = 0_i64;
    walk(json, |token| match token {
        Token::File => more = more.saturating_add(EMBEDDED_FILE_TOKENS),
        Token::String(inner) => unescaped(inner, &mut each),
        Token::Number => more = more.saturating_add(1),
    });
    more
}

/// The same for the text that an answer carries, and nothing else of it.
pub fn each_answer_text(json: &[u8], mut each: impl FnMut(&str)) {
    answer_strings(json, |inner| unescaped(inner, &mut each));
}

/// The same with its escapes.
pub(crate) fn answer_strings<'a>(json: &'a [u8], mut each: impl FnMut(&'a [u8])) {
    let mut counted = false;
    let mut rest = json;
    while let Some((inner, after)) = next_string(rest) {
        if is_key(after) {
            counted = ANSWER_KEYS.contains(&inner);
        } else if counted {
            each(inner);
        }
        rest = after;
    }
}

/// What stands between quotes as the text that it means; nothing where it means none.
fn unescaped(inner: &[u8], each: &mut impl FnMut(&str)) {
    if memchr(b'\\', inner).is_none() {
        if let Ok(text) = std::str::from_utf8(inner) {
            each(text);
        }
        return;
    }
    let quoted = [b"\"", inner, b"\""].concat();
    if let Ok(text) = serde_json::from_slice::<String>(&quoted) {
        each(&text);
    }
}

/// Whether a string is a file in base64, with its media type in front.
fn is_file(inner: &[u8]) -> bool {
    let head = inner
        .get(..SHORT_BYTES)
        .filter(|_| inner.len() > SHORT_BYTES);
    head.is_some_and(|head| BASE64_MARK.find(head).is_some())
}

/// Whether the text of a member `data` is a file: Anthropic's and Google's dialects, and OpenAI's for sound, have its media
/// type beside it. Lines may be broken, and some writers escape the slash.
fn is_bare_file(inner: &[u8]) -> bool {
    let base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=-_\\".contains(byte);
    inner.len() > SHORT_BYTES && inner.iter().all(base64)
}

/// Names under which an answer or delta carries generated text.
const ANSWER_KEYS: [&[u8]; 8] = [
    b"content",
    b"reasoning_content",
    b"reasoning",
    b"refusal",
    b"arguments",
    b"text",
    b"thinking",
    b"partial_json",
];

enum Token<'a> {
    String(&'a [u8]),
    /// A string that is a file.
    File,
    Number,
}

fn walk<'a>(json: &'a [u8], mut each: impl FnMut(Token<'a>)) {
    let mut rest = json;
    let mut named: &[u8] = b"";
    loop {
        let between = memchr(b'"', rest).unwrap_or(rest.len());
        numbers(rest.get(..between).unwrap_or_default(), || {
            each(Token::Number);
        });
        match next_string(rest) {
            Some((inner, after)) => {
                let file = is_file(inner) || (named == b"data" && is_bare_file(inner));
                each(if file {
                    Token::File
                } else {
                    Token::String(inner)
                });
                named = if is_key(after) { inner } else { b"" };
                rest = after;
            }
            None => return,
        }
    }
}

fn numbers(text: &[u8], mut each: impl FnMut()) {
    let mut inside = false;
    for byte in text {
        let part =
            byte.is_ascii_digit() || (inside && matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'));
        if part && !inside {
            each();
        }
        inside = part;
    }
}

/// The next string in `json` without its quotes, and what follows it.
fn next_string(json: &[u8]) -> Option<(&[u8], &[u8])> {
    let start = memchr(b'"', json)?.checked_add(1)?;
    let text = json.get(start..)?;
    let mut at = 0_usize;
    loop {
        at = at.checked_add(memchr2(b'"', b'\\', text.get(at..)?)?)?;
        if text.get(at) == Some(&b'"') {
            return Some((text.get(..at)?, text.get(at.checked_add(1)?..)?));
        }
        at = at.checked_add(2)?;
    }
}

fn is_key(after: &[u8]) -> bool {
    after.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b':')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &str) -> i64 {
        let mut estimate = Estimate::default();
        estimate.add_json(json.as_bytes());
        estimate.tokens()
    }

    fn answer(json: &str) -> i64 {
        let mut estimate = Estimate::default();
        estimate.add_answer(json.as_bytes());
        estimate.tokens()
    }

    #[test]
    fn characters_count_by_kind() {
        assert_eq!(of(r#""abcdefgh""#), 2);
        assert_eq!(of(r#""你好世界""#), 3);
        assert_eq!(of(r#""\u4f60\u597d\u4e16\u754c""#), 3);
        assert_eq!(of(r#""a\n\"b""#), 1);
        assert_eq!(of("[1, 22, -3.5e+7]"), 3);
        assert_eq!(of(""), 0);
    }

    #[test]
    fn texts_are_shown_as_they_mean() {
        let picture = format!("data:image/png;base64,{}", "A".repeat(1_000));
        let json = format!(r#"{{"a":"x\n\u4f60","b":[1,"{picture}"],"c":"\ud800","text":"y"}}"#);
        let mut texts = Vec::new();
        let more = each_text(json.as_bytes(), |text| texts.push(text.to_owned()));
        assert_eq!(texts, ["a", "x\n你", "b", "c", "text", "y"]);
        assert_eq!(more, EMBEDDED_FILE_TOKENS + 1);
        let mut answer = Vec::new();
        each_answer_text(json.as_bytes(), |text| answer.push(text.to_owned()));
        assert_eq!(answer, ["y"]);
    }

    #[test]
    fn an_embedded_picture_counts_flat() {
        let picture = format!("\"data:image/png;base64,{}\"", "A".repeat(100_000));
        assert_eq!(of(&picture), EMBEDDED_FILE_TOKENS);
    }

    #[test]
    fn a_picture_without_a_data_url_counts_the_same() {
        for body in ["A".repeat(100_000), "aB+\\/9=\\n".repeat(9_000)] {
            for json in [
                format!(r#"{{"type":"base64","media_type":"image/png","data":"{body}"}}"#),
                format!(r#"{{"inlineData":{{"mimeType":"image/png","data" : "{body}"}}}}"#),
            ] {
                let short = json.replace(&body, "");
                assert_eq!(of(&json), of(&short) + EMBEDDED_FILE_TOKENS);
                let mut long = 0;
                let more = each_text(json.as_bytes(), |text| long = long.max(text.len()));
                assert_eq!((more, long < 20), (EMBEDDED_FILE_TOKENS, true));
            }
        }
        // a text is no file, whatever it is called, and a file stands in no other place
        let text = "some words ".repeat(1_000);
        for text in [
            format!(r#"{{"data":"{text}"}}"#),
            format!(r#"{{"data":["x","{}"]}}"#, "A".repeat(11_000)),
            format!(r#"{{"text":"{}"}}"#, "A".repeat(11_000)),
        ] {
            assert!(of(&text) > 2_700, "{}", of(&text));
        }
    }

    #[test]
    fn only_generated_text_counts_in_an_answer() {
        let delta = r#"{"id":"x","choices":[{"delta":{"role":"assistant","content":"abcd"},"logprobs":null}]}"#;
        assert_eq!(answer(delta), 1);
        let tool = r#"{"tool_calls":[{"id":"call_12345678","function":{"name":"f","arguments" : "{\"a\":1}"}}]}"#;
        assert_eq!(answer(tool), 2);
        assert_eq!(answer(r#"{"content":"unfinished"#), 0);
    }

    #[test]
    fn what_follows_the_first_value_does_not_count() {
        for (json, tokens) in [
            (
                r#"[{"delta":{"content":"abcd]}"}}],"content":"not this""#,
                2,
            ),
            (
                r#"[{"delta":{"content":"abcd"},"finish_reason":null},{"text":"abcd"}]}"#,
                2,
            ),
            (r#"[],"text":"not this""#, 0),
            (r#"null,"text":"abcd""#, 1),
        ] {
            let mut estimate = Estimate::default();
            estimate.add_first_value(json.as_bytes());
            assert_eq!(estimate.tokens(), tokens, "{json}");
        }
    }
}
