//! How many tokens a text is, by a real tokenizer: OpenAI's `o200k_base`, whatever the model, so always an estimate.
//!
//! Loading takes some 0.4 s and 46 MB, once and only where somebody asks; counting about 0.2 s for a megabyte. Both
//! happen on a thread for what blocks, never on a serving thread, on half of the processors at most, and for the first
//! megabyte: what is behind it, and what is held back for a call that begins, goes by [`Estimate`], which costs next to
//! nothing; a test keeps it near this.

use std::sync::LazyLock;
use std::thread::available_parallelism;

use bytes::Bytes;
use modelgate_dialect::estimate::{self, Estimate};
use tiktoken_rs::o200k_base_singleton;
use tokio::sync::Semaphore;

/// Text is cut into pieces of this size at most: the tokenizer cannot take white space that goes on for a megabyte.
const PIECE_BYTES: usize = 64 * 1024;

/// So much of a body is counted.
const COUNTED_BYTES: usize = 1024 * 1024;

/// Who counts keeps a processor busy: the serving threads need theirs.
static PLACES: LazyLock<Semaphore> = LazyLock::new(|| {
    let all = available_parallelism().map_or(1, usize::from);
    Semaphore::new(all.div_ceil(2))
});

/// The tokens of a request: of every string and number in it. `None` where they could not be counted.
pub async fn of_request(body: Bytes) -> Option<i64> {
    counted(move || {
        let mut count = Count::default();
        let more = estimate::each_text(&body, |text| count.add(text));
        count.tokens().saturating_add(more)
    })
    .await
}

/// The tokens of the text that an answer carries. `None` where they could not be counted.
pub async fn of_answer(body: Bytes) -> Option<i64> {
    counted(move || {
        let mut count = Count::default();
        estimate::each_answer_text(&body, |text| count.add(text));
        count.tokens()
    })
    .await
}

async fn counted(count: impl FnOnce() -> i64 + Send + 'static) -> Option<i64> {
    let place = PLACES.acquire().await.ok()?;
    let counted = tokio::task::spawn_blocking(move || {
        // kept to the end, also where nobody waits for it any more
        let _place = place;
        count()
    });
    counted.await.ok()
}

/// The tokens of the texts of one body.
#[derive(Default)]
struct Count {
    tokens: i64,
    bytes: usize,
    rest: Estimate,
}

impl Count {
    fn add(&mut self, text: &str) {
        let room = COUNTED_BYTES.saturating_sub(self.bytes);
        let (now, rest) = text.split_at(text.floor_char_boundary(room));
        self.bytes = self.bytes.saturating_add(text.len());
        self.tokens = self.tokens.saturating_add(of_text(now));
        self.rest.add_text(rest);
    }

    fn tokens(&self) -> i64 {
        self.tokens.saturating_add(self.rest.tokens())
    }
}

/// The tokens of a text. Blocks: the first time until the vocabulary is loaded.
pub fn of_text(text: &str) -> i64 {
    let tokenizer = o200k_base_singleton();
    let mut rest = text;
    let mut tokens = 0_usize;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(PIECE_BYTES));
        tokens = tokens.saturating_add(tokenizer.count_ordinary(piece));
        rest = after;
    }
    i64::try_from(tokens).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ENGLISH: &str = "One binary stands between people (and their programs) and model vendors. It authenticates, \
        admits, routes, forwards, streams, measures, prices and records each call, and serves the portal of those who \
        run it. A killed process loses nothing; a power cut loses at most the last second. With the database away, calls \
        go on and the journal grows, up to a bound. Who runs the gateway hears of what happened by notices.";
    const CHINESE: &str = "网关位于使用者（及其程序）与模型厂商之间：负责认证、准入、路由、转发、流式传输、计量、计价，并记录每一次调用。\
        进程被强制结束不会丢失任何记录；断电最多丢失最后一秒。数据库不可用时调用照常进行，日志会增长到设定的上限。\
        请用简体中文写一篇关于杭州西湖秋天景色的短文，不少于三百字，要求语言优美，并引用一句古诗。";
    const JSON: &str = r#"{"orders":[{"id":1042,"customer":"ann@example.com","items":[{"sku":"AB-12","count":2},
        {"sku":"CD-7","count":1}],"paid":true},{"id":1043,"customer":"bob@example.com","items":[],"paid":false}]}"#;

    /// Code as an agent sends it.
    fn code() -> &'static str {
        include_str!("tokens.rs")
            .split("#[cfg(test)]")
            .next()
            .unwrap()
    }

    #[test]
    fn known_texts_have_known_counts() {
        assert_eq!(of_text(""), 0);
        assert_eq!(of_text("hello world"), 2);
        assert_eq!(
            of_text("<|endoftext|>"),
            of_text("<|endoftext|") + 1,
            "no word is special"
        );
    }

    #[test]
    fn no_text_is_too_long_or_too_odd() {
        for text in [
            " ".repeat(3_000_000),
            "a".repeat(300_000),
            "\u{3000}好".repeat(50_000),
        ] {
            assert!(of_text(&text) > 0);
        }
    }

    /// What is held back by the estimate must not be far from what a tokenizer counts, whatever the language.
    #[test]
    fn the_cheap_estimate_stays_within_a_quarter() {
        let mixed = format!("{ENGLISH} {CHINESE}");
        for (what, text) in [
            ("English", ENGLISH),
            ("Chinese", CHINESE),
            ("both", &mixed),
            ("code", code()),
            ("JSON", JSON),
        ] {
            let body = json!([text]).to_string();
            let mut cheap = Estimate::default();
            cheap.add_json(body.as_bytes());
            let (cheap, real) = (cheap.tokens(), of_text(text));
            let error = (cheap - real).abs() * 100 / real;
            assert!(error <= 25, "{what}: {cheap} for {real}, {error} %");
        }
    }

    #[test]
    fn only_so_much_of_a_large_body_is_counted() {
        let most = COUNTED_BYTES / ENGLISH.len() + 1;
        let mut count = Count::default();
        count.add(&ENGLISH.repeat(most));
        let counted = count.tokens;
        count.add(&ENGLISH.repeat(9 * most));
        assert_eq!(count.tokens, counted, "nothing more is counted");
        let expected = counted * 10;
        let error = (count.tokens() - expected).abs() * 100 / expected;
        assert!(error <= 25, "{} for {expected}, {error} %", count.tokens());
    }

    #[tokio::test]
    async fn requests_and_answers_are_counted_by_what_they_say() {
        let text = CHINESE.repeat(3);
        let body = json!({ "messages": [{ "role": "user", "content": text }], "max_tokens": 5 });
        let counted = of_request(body.to_string().into()).await.unwrap();
        let expected = of_text(&text);
        assert!(
            (expected..expected + 12).contains(&counted),
            "{counted} for {expected}"
        );
        let answer =
            json!({ "id": "x".repeat(500), "choices": [{ "message": { "content": ENGLISH } }] });
        let counted = of_answer(answer.to_string().into()).await.unwrap();
        assert_eq!(counted, of_text(ENGLISH));
    }
}
