//! Languages: which one a person gets, and the text of every key in it.
//!
//! The texts are Fluent files embedded from `locales/`. English is the source: a key that another language lacks is
//! shown in English, and the convention test fails. Numbers, money and dates are formatted in [`mod@format`].

pub mod format;

use std::borrow::Cow;
use std::sync::OnceLock;

use fluent::concurrent::FluentBundle;
use fluent::{FluentArgs, FluentResource, FluentValue};
use unic_langid::LanguageIdentifier;

include!(concat!(env!("OUT_DIR"), "/locales.rs"));

/// A language the product speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Lang {
    /// English, the source.
    #[default]
    En,
    /// Simplified Chinese.
    Zh,
}

impl Lang {
    /// All of them, in the order the switch lists them.
    pub const ALL: [Self; 2] = [Self::En, Self::Zh];

    /// The name in cookies, the database and the folder of its texts.
    pub const fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh",
        }
    }

    /// The value of the page's `lang` attribute.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh-CN",
        }
    }

    /// What the language calls itself.
    pub const fn own_name(self) -> &'static str {
        match self {
            Self::En => "English",
            Self::Zh => "中文",
        }
    }

    /// The language of a code or a tag such as `zh-CN`; none where it is not spoken here.
    pub fn parse(text: &str) -> Option<Self> {
        let primary = text.trim().split(['-', '_']).next().unwrap_or("");
        Self::ALL
            .into_iter()
            .find(|lang| lang.code().eq_ignore_ascii_case(primary))
    }

    /// The best of an `Accept-Language` header among those that are offered.
    pub fn from_accept_language(header: &str, offered: &[Self]) -> Option<Self> {
        let mut best: Option<(f32, Self)> = None;
        for part in header.split(',').take(20) {
            let mut words = part.split(';').map(str::trim);
            let lang = words.next().and_then(Self::parse);
            let Some(lang) = lang.filter(|lang| offered.contains(lang)) else {
                continue;
            };
            let quality = words
                .find_map(|w| w.strip_prefix("q="))
                .map_or(1.0, |q| q.parse().unwrap_or(0.0));
            if quality > 0.0 && best.is_none_or(|(other, _)| quality > other) {
                best = Some((quality, lang));
            }
        }
        best.map(|(_, lang)| lang)
    }
}

/// A value put into a text.
#[derive(Clone, Debug)]
pub enum Arg {
    /// Text, taken as it is.
    Text(String),
    /// A count, by which Fluent chooses the plural; shown ungrouped, so pass a formatted text beside it.
    Count(i64),
}

/// What can be put into a text.
pub trait ToArg {
    /// As an argument.
    fn to_arg(&self) -> Arg;
}

macro_rules! text_arg {
    ($($kind:ty),*) => {$(
        impl ToArg for $kind {
            fn to_arg(&self) -> Arg {
                Arg::Text(self.to_string())
            }
        }
    )*};
}
text_arg!(str, String, Cow<'_, str>, Box<str>);

macro_rules! count_arg {
    ($($kind:ty),*) => {$(
        impl ToArg for $kind {
            fn to_arg(&self) -> Arg {
                Arg::Count(i64::try_from(*self).unwrap_or(i64::MAX))
            }
        }
    )*};
}
count_arg!(i32, i64, u16, u32, u64, usize);

impl<T: ToArg + ?Sized> ToArg for &T {
    fn to_arg(&self) -> Arg {
        (*self).to_arg()
    }
}

/// The text of `key`.
pub fn t(lang: Lang, key: &str) -> String {
    t_with(lang, key, &[])
}

/// The text of `key` with its arguments. A key that no language has is shown as itself.
pub fn t_with(lang: Lang, key: &str, args: &[(&str, &dyn ToArg)]) -> String {
    find(lang, key, args)
        .or_else(|| find(Lang::En, key, args))
        .unwrap_or_else(|| key.to_owned())
}

/// The text of `key`, if the language or English has it: for keys made from stored codes.
pub fn find(lang: Lang, key: &str, args: &[(&str, &dyn ToArg)]) -> Option<String> {
    let bundle = bundle(lang);
    let pattern = bundle.get_message(key)?.value()?;
    let mut values = FluentArgs::new();
    for (name, value) in args {
        match value.to_arg() {
            Arg::Text(text) => values.set(*name, FluentValue::from(text)),
            Arg::Count(count) => values.set(*name, FluentValue::from(count)),
        }
    }
    let mut problems = Vec::new();
    let text = bundle.format_pattern(pattern, Some(&values), &mut problems);
    Some(text.into_owned())
}

fn bundle(lang: Lang) -> &'static FluentBundle<FluentResource> {
    static EN: OnceLock<FluentBundle<FluentResource>> = OnceLock::new();
    static ZH: OnceLock<FluentBundle<FluentResource>> = OnceLock::new();
    match lang {
        Lang::En => EN.get_or_init(|| build(Lang::En)),
        Lang::Zh => ZH.get_or_init(|| build(Lang::Zh)),
    }
}

/// Builds a bundle from the embedded files. What does not parse is left out; a test proves that nothing is.
fn build(lang: Lang) -> FluentBundle<FluentResource> {
    let id: LanguageIdentifier = lang.tag().parse().unwrap_or_default();
    let mut bundle = FluentBundle::new_concurrent(vec![id]);
    bundle.set_use_isolating(false);
    for (_, text) in sources(lang) {
        let resource = match FluentResource::try_new((*text).to_owned()) {
            Ok(resource) | Err((resource, _)) => resource,
        };
        bundle.add_resource_overriding(resource);
    }
    bundle
}

fn sources(lang: Lang) -> &'static [(&'static str, &'static str)] {
    SOURCES
        .iter()
        .find(|(code, _)| *code == lang.code())
        .map_or(&[], |(_, files)| *files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_parses_and_no_key_is_defined_twice() {
        for lang in Lang::ALL {
            let mut seen = std::collections::BTreeMap::new();
            assert!(!sources(lang).is_empty());
            for (file, text) in sources(lang) {
                let parsed = FluentResource::try_new((*text).to_owned());
                assert!(parsed.is_ok(), "{file}: {:?}", parsed.err().map(|e| e.1));
                for line in text
                    .lines()
                    .filter(|l| !l.starts_with([' ', '#', '}', '-']))
                {
                    if let Some((key, _)) = line.split_once(" =") {
                        let before = seen.insert(key.to_owned(), *file);
                        assert_eq!(before, None, "{key} is in {before:?} and in {file}");
                    }
                }
            }
        }
    }

    #[test]
    fn both_languages_have_the_same_keys() {
        let keys = |lang| -> std::collections::BTreeSet<String> {
            sources(lang)
                .iter()
                .flat_map(|(_, text)| text.lines())
                .filter(|l| !l.starts_with([' ', '#', '}', '-']))
                .filter_map(|l| Some(l.split_once(" =")?.0.to_owned()))
                .collect()
        };
        let (en, zh) = (keys(Lang::En), keys(Lang::Zh));
        assert_eq!(
            en.difference(&zh).collect::<Vec<_>>(),
            Vec::<&String>::new()
        );
        assert_eq!(
            zh.difference(&en).collect::<Vec<_>>(),
            Vec::<&String>::new()
        );
    }

    #[test]
    fn accept_language_is_weighed() {
        let best = |header| Lang::from_accept_language(header, &Lang::ALL);
        assert_eq!(best("fr;q=0.9, zh-CN;q=0.8, en;q=0.7"), Some(Lang::Zh));
        assert_eq!(best("en-GB,zh;q=0.9"), Some(Lang::En));
        assert_eq!(best("zh;q=0, de"), None);
    }

    #[test]
    fn text_is_put_in_as_it_is() {
        let text = t_with(
            Lang::En,
            "page-title",
            &[("page", &"<b>"), ("product", &"X")],
        );
        assert_eq!(text, "<b> - X");
        assert_eq!(t(Lang::Zh, "no-such-key"), "no-such-key");
    }
}
