//! The vendors that a new provider can be made from: `vendors.toml`, read once; and what is known of their models.
//! Data only; nobody is called.

pub mod catalogue;

use std::sync::LazyLock;

use modelgate_domain::Protocol;
use serde::Deserialize;

/// A vendor as the file describes it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vendor {
    /// In addresses, in `template`, and the slug of a provider made from it.
    pub id: String,
    /// What people call it, in English.
    pub name_en: String,
    /// The same in Chinese.
    pub name_zh: String,
    /// What it speaks; OpenAI's where the file says nothing.
    #[serde(default)]
    pub protocol: Protocol,
    /// What a client of that gets as its base URL.
    pub base_url: String,
    /// Other hosts of the same vendor.
    #[serde(default)]
    pub also: Vec<String>,
    /// Where keys are made; empty for programs on a machine of one's own.
    pub key_page: String,
    /// Whether it lists its models.
    pub lists: bool,
    /// What to know, in English; may be empty.
    pub note_en: String,
    /// The same in Chinese.
    pub note_zh: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    as_of: String,
    vendor: Vec<Vendor>,
}

static FILE: LazyLock<File> =
    LazyLock::new(|| toml::from_str(include_str!("vendors.toml")).unwrap_or_default());

/// Marks what the person has to put into an address.
pub const BLANK: &str = "YOUR-";

/// All of them, in the order of the pages.
pub fn all() -> &'static [Vendor] {
    &FILE.vendor
}

/// The day on which the facts were gathered.
pub fn as_of() -> &'static str {
    &FILE.as_of
}

/// The vendor of this id.
pub fn find(id: &str) -> Option<&'static Vendor> {
    all().iter().find(|vendor| vendor.id == id)
}

/// The vendor of a provider: the one it was made from, else the one whose address it has.
pub fn of(template: &str, base_url: &str) -> Option<&'static Vendor> {
    let named = find(template);
    named.or_else(|| all().iter().find(|vendor| vendor.is_at(base_url)))
}

/// Host and port of an address.
fn authority(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?']).next().unwrap_or_default()
}

impl Vendor {
    /// Whether an address is at one of its hosts.
    fn is_at(&self, base_url: &str) -> bool {
        let (own, asked) = (authority(&self.base_url), authority(base_url));
        if asked.is_empty() {
            return false;
        }
        // `YOUR-RESOURCE.example.com` stands for any name in front
        let fits = match own.split_once('.') {
            Some((blank, domain)) if blank.starts_with(BLANK) => asked
                .split_once('.')
                .is_some_and(|(_, of)| of.eq_ignore_ascii_case(domain)),
            _ => asked.eq_ignore_ascii_case(own),
        };
        fits || self
            .also
            .iter()
            .any(|host| asked.eq_ignore_ascii_case(host))
    }

    /// Whether every word of `text` is in its id, a name or its address.
    pub fn matches(&self, text: &str) -> bool {
        let facts = [&self.id, &self.name_en, &self.name_zh, &self.base_url];
        let facts = facts.map(|fact| fact.to_lowercase());
        let has = |word: &str| facts.iter().any(|fact| fact.contains(word));
        text.to_lowercase().split_whitespace().all(has)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use modelgate_domain::naming;

    use super::*;

    #[test]
    fn every_vendor_makes_a_provider() {
        assert!(all().len() >= 45);
        let ids: BTreeSet<_> = all().iter().map(|vendor| &vendor.id).collect();
        assert_eq!(ids.len(), all().len());
        for vendor in all() {
            assert!(naming::provider(&vendor.id).is_ok(), "{}", vendor.id);
            let url = naming::base_url(&vendor.base_url);
            assert_eq!(url.ok(), Some(vendor.base_url.as_str()), "{}", vendor.id);
            assert_eq!(vendor.note_en.is_empty(), vendor.note_zh.is_empty());
            assert!(vendor.key_page.is_empty() || vendor.key_page.starts_with("https://"));
            assert!(!vendor.name_en.is_empty() && !vendor.name_zh.is_empty());
        }
        assert_eq!(as_of().len(), 10);
    }

    #[test]
    fn a_provider_belongs_to_its_template_or_to_its_address() {
        let id = |template: &str, url: &str| of(template, url).map(|vendor| vendor.id.as_str());
        assert_eq!(id("groq", "http://127.0.0.1:1/v1"), Some("groq"));
        for (url, vendor) in [
            ("https://api.openai.com/v1", Some("openai")),
            ("https://API.OpenAI.com/v1/", Some("openai")),
            ("https://api.moonshot.ai/v1", Some("moonshot")),
            (
                "https://acme.openai.azure.com/openai/v1",
                Some("azure-openai"),
            ),
            ("https://openai.azure.com/openai/v1", None),
            ("https://api.openai.com.example/v1", None),
            ("http://127.0.0.1:11434", Some("ollama")),
            ("", None),
        ] {
            assert_eq!(id("", url), vendor, "{url}");
        }
    }

    #[test]
    fn vendors_are_found_by_any_of_their_names() {
        let found = |text: &str| -> Vec<&str> {
            let all = all().iter().filter(|vendor| vendor.matches(text));
            all.map(|vendor| vendor.id.as_str()).collect()
        };
        assert_eq!(found("豆包"), ["ark"]);
        assert_eq!(found("DEEPSEEK"), ["deepseek"]);
        assert_eq!(found("kimi moonshot"), ["moonshot"]);
        assert!(found("no such vendor").is_empty());
        assert_eq!(found("").len(), all().len());
    }
}
