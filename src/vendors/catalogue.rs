//! What is publicly known of vendors' models: `catalogue.tsv`, which `scripts/catalogue` makes. Suggestions only:
//! what an operator sets goes before it, and what is not listed stays unknown.

use std::collections::HashMap;
use std::str::Split;
use std::sync::LazyLock;

use modelgate_domain::money::parse_nanos;
use modelgate_domain::{Currency, Modalities, Modality, Price, PriceId};

const FILE: &str = include_str!("catalogue.tsv");

/// Where the facts are from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// Whose table it is.
    pub name: &'static str,
    /// Which version of it.
    pub revision: &'static str,
    /// The day on which it was taken.
    pub as_of: &'static str,
    /// SHA-256 of the rows, as the script wrote it.
    pub sha256: &'static str,
}

/// What is known of one model at one vendor; what is not listed is absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The vendor's id and its name for the model.
    pub name: String,
    /// Whether it makes embeddings.
    pub embeds: bool,
    /// The longest prompt in tokens.
    pub context_length: Option<i64>,
    /// Largest answer in tokens.
    pub max_output_tokens: Option<i64>,
    /// What it takes in.
    pub modalities: Modalities,
    /// Whether it calls tools.
    pub tools: Option<bool>,
    /// The vendor's list price in USD, from any moment.
    pub price: Option<Price>,
    /// Prompts of more tokens than this cost more.
    pub dearer_above: Option<i64>,
}

struct Catalogue {
    source: Source,
    /// Vendor and model to the rest of the row.
    rows: HashMap<(&'static str, &'static str), &'static str>,
}

/// Read at the first use: some 1,500 rows, under a millisecond.
static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| read(FILE));

fn read(text: &'static str) -> Catalogue {
    let (head, body) = text.split_once("\n\n").unwrap_or_default();
    let said = |name: &str| {
        let mut pairs = head.lines().filter_map(|line| line.split_once('\t'));
        pairs
            .find(|(key, _)| *key == name)
            .map_or("", |(_, value)| value)
    };
    let mut rows = HashMap::new();
    let mut vendor = "";
    for line in body.lines() {
        if let Some(id) = line.strip_prefix('@') {
            vendor = id;
        } else if let Some((model, rest)) = line.split_once('\t') {
            rows.insert((vendor, model), rest);
        }
    }
    let source = Source {
        name: said("source"),
        revision: said("revision"),
        as_of: said("as_of"),
        sha256: said("sha256"),
    };
    Catalogue { source, rows }
}

/// Where all of it is from.
pub fn source() -> Source {
    CATALOGUE.source
}

/// What is known of a vendor's model: under this very name, else under the name without the day of its release.
pub fn find(vendor: &str, model: &str) -> Option<Entry> {
    let named = |name: &str| {
        let row = CATALOGUE.rows.get(&(vendor, name))?;
        Some(entry(format!("{vendor}/{name}"), row))
    };
    named(model).or_else(|| named(undated(model)?))
}

/// The name without `-2025-08-07`, `-20250807` or `-latest` at its end; `None` without any of these.
fn undated(name: &str) -> Option<&str> {
    if let Some(rest) = name.strip_suffix("-latest") {
        return Some(rest);
    }
    let shapes: [&[u8]; 2] = [b"-0000-00-00", b"-00000000"];
    shapes.iter().find_map(|shape| {
        let at = name.len().checked_sub(shape.len())?;
        let end = name.as_bytes().get(at..)?;
        let fits = |(byte, like): (&u8, &u8)| match like {
            b'-' => *byte == b'-',
            _ => byte.is_ascii_digit(),
        };
        end.iter().zip(*shape).all(fits).then(|| name.get(..at))?
    })
}

fn entry(name: String, row: &str) -> Entry {
    let mut parts = row.split('\t');
    let kind = parts.next().unwrap_or_default();
    let context_length = number(&mut parts);
    let max_output_tokens = number(&mut parts);
    let modalities = parts.next().unwrap_or_default().chars();
    let modalities = modalities.filter_map(modality).collect();
    let tools = match parts.next().unwrap_or_default() {
        "y" => Some(true),
        "n" => Some(false),
        _ => None,
    };
    Entry {
        embeds: kind == "e",
        price: price(&mut parts),
        dearer_above: number(&mut parts),
        name,
        context_length,
        max_output_tokens,
        modalities,
        tools,
    }
}

fn number(parts: &mut Split<'_, char>) -> Option<i64> {
    parts.next()?.parse().ok()
}

fn modality(letter: char) -> Option<Modality> {
    Some(match letter {
        't' => Modality::Text,
        'i' => Modality::Image,
        'a' => Modality::Audio,
        'v' => Modality::Video,
        'f' => Modality::File,
        _ => return None,
    })
}

fn price(parts: &mut Split<'_, char>) -> Option<Price> {
    let mut amount = || parse_nanos(parts.next()?).ok();
    let (input, cached_input, cache_write) = (amount(), amount(), amount());
    let (output, reasoning) = (amount(), amount());
    Some(Price {
        id: PriceId::NONE,
        currency: Currency::parse("USD").ok()?,
        input: input?,
        cached_input,
        cache_write,
        output: output?,
        reasoning,
        per_request_nanos: 0,
        effective_from_ms: 0,
    })
}

#[cfg(test)]
mod tests {
    use ring::digest::{SHA256, digest};

    use super::*;
    use crate::vendors;

    #[test]
    fn the_rows_are_those_that_the_script_wrote() {
        let (_, body) = FILE.split_once("\n\n").unwrap();
        let found = digest(&SHA256, body.as_bytes());
        let found = data_encoding::HEXLOWER.encode(found.as_ref());
        assert_eq!(found, source().sha256);
        assert_eq!(source().name, "LiteLLM");
        assert_eq!(source().as_of.len(), 10);
        assert!(FILE.len() < 400_000, "it is in the binary");
    }

    #[test]
    fn every_row_can_be_read_and_belongs_to_a_vendor() {
        assert!(CATALOGUE.rows.len() > 1_000);
        for (vendor, model) in CATALOGUE.rows.keys() {
            assert!(vendors::find(vendor).is_some(), "{vendor}");
            let entry = find(vendor, model).unwrap();
            let limits = [entry.context_length, entry.max_output_tokens];
            let known = limits.iter().any(Option::is_some) || entry.price.is_some();
            assert!(known || entry.tools.is_some() || !entry.modalities.is_unknown());
            for tokens in limits.iter().flatten() {
                assert!(modelgate_domain::naming::TOKENS.contains(tokens), "{model}");
            }
            let free = entry.price.is_some_and(|price| price.input == 0);
            assert!(!free, "{model}: nothing is not a price");
        }
    }

    #[test]
    fn a_name_is_looked_up_as_it_is_then_without_its_day() {
        let exact = find("openai", "gpt-4o").unwrap();
        assert_eq!(exact.name, "openai/gpt-4o");
        assert_eq!(exact.context_length, Some(128_000));
        assert_eq!(exact.tools, Some(true));
        assert!(exact.modalities.has(Modality::Image));
        let price = exact.price.clone().unwrap();
        assert_eq!(
            (price.input, price.cached_input, price.output),
            (2_500_000_000, Some(1_250_000_000), 10_000_000_000)
        );
        for (dated, listed) in [
            ("gpt-4o-2029-01-31", "openai/gpt-4o"),
            ("gpt-4o-20290131", "openai/gpt-4o"),
            ("gpt-4o-latest", "openai/gpt-4o"),
            ("gpt-4o-2024-05-13", "openai/gpt-4o-2024-05-13"),
        ] {
            assert_eq!(find("openai", dated).unwrap().name, listed);
        }
        for unknown in [
            "gpt-4o-0513",
            "gpt-4o-x",
            "-latest",
            "",
            "-20290131",
            "模型-20290131",
        ] {
            assert_eq!(find("openai", unknown), None, "{unknown}");
        }
        assert_eq!(find("no-such-vendor", "gpt-4o"), None);
    }

    #[test]
    fn what_costs_more_for_long_prompts_says_so() {
        let entry = find("gemini", "gemini-2.5-pro").unwrap();
        assert_eq!(entry.dearer_above, Some(200_000));
        let embedding = find("openai", "text-embedding-3-small").unwrap();
        assert!(embedding.embeds && embedding.price.unwrap().output == 0);
    }
}
