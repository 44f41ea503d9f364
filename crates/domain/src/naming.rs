//! What operators may call things, and the bounds of the numbers they set: one rule for pages and files.

use std::ops::RangeInclusive;

/// Milliseconds a new provider's connection may take.
pub const CONNECT_TIMEOUT_MS: i64 = 5_000;
/// Milliseconds until a new provider's first event.
pub const FIRST_BYTE_TIMEOUT_MS: i64 = 120_000;
/// Milliseconds between two reads of a new provider's body.
pub const IDLE_TIMEOUT_MS: i64 = 120_000;
/// Bounds of every timeout, in milliseconds.
pub const TIMEOUT_MS: RangeInclusive<i64> = 1..=3_600_000;
/// Weight of a new credential or target.
pub const WEIGHT: i64 = 100;
/// Bounds of a weight; 0 = never.
pub const WEIGHTS: RangeInclusive<i64> = 0..=1_000_000;
/// Bounds of a target's priority; 1 is tried first.
pub const PRIORITIES: RangeInclusive<i64> = 1..=1_000;
/// Bounds of context length and longest answer, in tokens.
pub const TOKENS: RangeInclusive<i64> = 1..=1_000_000_000;
/// Bounds of a credential's calls at once.
pub const CONCURRENCY: RangeInclusive<i64> = 1..=1_000_000;

/// Bounds of requests or tokens a minute.
pub const AMOUNTS: RangeInclusive<i64> = 1..=1_000_000_000_000;

/// Why a text is not a usable name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    /// Not a provider's slug.
    #[error(
        "a provider's name is 1 to 64 lower-case letters, digits and . _ - and begins with a letter or digit"
    )]
    Provider,
    /// Not a model's public name or alias.
    #[error(
        "a model's name is 1 to 200 printable ASCII characters without spaces, quotes or backslashes"
    )]
    Model,
    /// Not the name of a key.
    #[error(
        "a name is 1 to 100 characters on one line, without spaces around it and without marks that turn or hide text"
    )]
    Label,
    /// Not a tag.
    #[error(
        "a tag is 1 to 40 characters on one line, without commas and marks that turn or hide text, and there are at most 20"
    )]
    Tag,
    /// Not an address that endpoint paths can be joined to.
    #[error(
        "a base URL is http://host… or https://host…, without user, spaces or query (but for ?api-version=…), as in https://api.example.com/v1"
    )]
    BaseUrl,
}

/// Checks a provider's slug.
pub fn provider(text: &str) -> Result<(), BadName> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let usable = |b: u8| plain(b) || b"._-".contains(&b);
    let begins = text.bytes().next().is_some_and(plain);
    (begins && text.len() <= 64 && text.bytes().all(usable))
        .then_some(())
        .ok_or(BadName::Provider)
}

/// Checks a model's public name, an alias, or the vendor's name for a model.
pub fn model(text: &str) -> Result<(), BadName> {
    let usable = |b: u8| b.is_ascii_graphic() && !b"\"'\\`<>".contains(&b);
    ((1..=200).contains(&text.len()) && text.bytes().all(usable))
        .then_some(())
        .ok_or(BadName::Model)
}

/// Checks the name of an API key or the label of a credential.
pub fn label(text: &str) -> Result<(), BadName> {
    let fits = (1..=100).contains(&text.chars().count());
    (fits && text.trim() == text && !text.chars().any(is_hidden))
        .then_some(())
        .ok_or(BadName::Label)
}

/// What is not seen, or turns the direction of what is: with it a name could look like another one. The two marks that
/// join letters, which Persian and emoji need, are none of these.
fn is_hidden(c: char) -> bool {
    let is_mark = matches!(
        c,
        '\u{061c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
    );
    c.is_control() || is_mark
}

/// Checks the tags of an API key and puts them in order, each once.
pub fn tags<'a>(all: impl Iterator<Item = &'a str>) -> Result<Vec<String>, BadName> {
    let mut found = Vec::new();
    for tag in all.map(str::trim).filter(|tag| !tag.is_empty()) {
        let fits = tag.chars().count() <= 40;
        if !fits || tag.contains(',') || tag.chars().any(is_hidden) {
            return Err(BadName::Tag);
        }
        found.push(tag.to_owned());
    }
    found.sort_unstable();
    found.dedup();
    (found.len() <= 20).then_some(found).ok_or(BadName::Tag)
}

/// Checks a provider's base URL and takes a trailing slash off.
pub fn base_url(text: &str) -> Result<&str, BadName> {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"))
        .ok_or(BadName::BaseUrl)?;
    let (rest, version) = rest.split_once("?api-version=").unwrap_or((rest, "v"));
    let (host, _path) = rest.split_once('/').unwrap_or((rest, ""));
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    let usable = |b: u8| b.is_ascii_graphic() && !b"\"<>\\^`{}|?#".contains(&b);
    let queried = !version.is_empty() && version.bytes().all(plain);
    if host.is_empty() || host.contains('@') || !rest.bytes().all(usable) || !queried {
        return Err(BadName::BaseUrl);
    }
    Ok(text.trim_end_matches('/'))
}

/// The provider whose prefix a model's name or alias would take, if any: `acme/x` belongs to `acme`.
pub fn taken_prefix<'a>(
    model: &str,
    mut providers: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    let (first, _) = model.split_once('/')?;
    providers.find(|slug| *slug == first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_plain() {
        for good in ["acme", "a", "0x", "open-ai.eu_1"] {
            assert_eq!(provider(good), Ok(()), "{good}");
        }
        for bad in ["", "Acme", "-a", "a/b", "a b", "é", &"x".repeat(65)] {
            assert_eq!(provider(bad), Err(BadName::Provider), "{bad}");
        }
    }

    #[test]
    fn model_names_may_have_slashes_and_colons() {
        for good in ["gpt-x", "org/gpt-x:free", "@cf/meta/llama-3", "a"] {
            assert_eq!(model(good), Ok(()), "{good}");
        }
        for bad in ["", "a b", "a\"b", "模型", "a\n", &"x".repeat(201)] {
            assert_eq!(model(bad), Err(BadName::Model), "{bad}");
        }
    }

    #[test]
    fn a_name_under_a_provider_is_noticed() {
        let all = ["acme", "beta"];
        let taken = |name| taken_prefix(name, all.into_iter());
        assert_eq!(taken("acme/x"), Some("acme"));
        assert_eq!(taken("acmes/x"), None);
        assert_eq!(taken("acme"), None);
        assert_eq!(taken("x/acme"), None);
    }

    #[test]
    fn base_urls_are_joinable() {
        assert_eq!(base_url("http://h:1/v1/"), Ok("http://h:1/v1"));
        for bad in [
            "h/v1",
            "ftp://h",
            "http://",
            "http://u:p@h",
            "https://h/?q",
            "http://a b",
        ] {
            assert_eq!(base_url(bad), Err(BadName::BaseUrl), "{bad}");
        }
    }

    #[test]
    fn tags_are_short_sorted_and_there_once() {
        let read = |text: &'static str| tags(text.split(';'));
        let found = read("prod; team a;prod;;生产").unwrap();
        assert_eq!(found, ["prod", "team a", "生产"]);
        assert_eq!(read(""), Ok(Vec::new()));
        assert_eq!(read("a,b"), Err(BadName::Tag));
        assert_eq!(
            tags(["x".repeat(41).as_str()].into_iter()),
            Err(BadName::Tag)
        );
        let many: Vec<String> = (0..21).map(|n| n.to_string()).collect();
        assert_eq!(tags(many.iter().map(String::as_str)), Err(BadName::Tag));
    }

    #[test]
    fn labels_are_one_tidy_line() {
        assert_eq!(label("Alice's key 密钥 👩\u{200d}💻"), Ok(()));
        assert_eq!(tags(["a\u{202e}b"].into_iter()), Err(BadName::Tag));
        for bad in [
            "",
            " a",
            "a\tb",
            "a\u{202e}cila",
            "al\u{200b}ice",
            "\u{feff}a",
            &"x".repeat(101),
        ] {
            assert_eq!(label(bad), Err(BadName::Label), "{bad}");
        }
    }
}
