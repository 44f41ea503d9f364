//! What a setting is: its name, the kind and bounds of its values, its default.

use super::{Given, parse};

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    /// The environment variable.
    pub name: &'static str,
    /// The row in `settings` that may override it at run time; absent = needs a restart.
    pub setting: Option<&'static str>,
    /// What values look like.
    pub kind: Kind,
    /// What holds when nobody sets it.
    pub fallback: Fallback,
    /// Never shown.
    pub secret: bool,
    /// One or two sentences for people.
    pub help: &'static str,
}

/// The type and bounds of a setting.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Free text.
    Text {
        /// Most characters.
        max: usize,
    },
    /// Lines of Markdown.
    Markdown {
        /// Most characters.
        max: usize,
    },
    /// What an HTTP header may hold.
    HeaderValue {
        /// Most characters.
        max: usize,
    },
    /// A secret of at least `min` characters.
    Secret {
        /// Fewest characters.
        min: usize,
    },
    /// A directory.
    Path,
    /// `sqlite:PATH` or `postgres://…`.
    Database,
    /// `redis://…` or `rediss://…`.
    Redis,
    /// An IP address.
    Address,
    /// A whole number.
    Integer {
        /// Smallest.
        min: u64,
        /// Largest.
        max: u64,
    },
    /// Bytes: a whole number, or one with KiB, MiB or GiB.
    Bytes {
        /// Smallest.
        min: u64,
        /// Largest.
        max: u64,
    },
    /// Whole seconds.
    Seconds {
        /// Smallest.
        min: u64,
        /// Largest.
        max: u64,
    },
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Some of these words, at least one, between commas.
    Words(&'static [&'static str]),
    /// A log filter.
    LogFilter,
    /// CIDRs or addresses between commas.
    Networks,
    /// An IANA time zone.
    TimeZone,
    /// Web origins between commas, or `*`.
    Origins,
    /// `name:password` between commas.
    Accounts,
    /// An account's name.
    Username,
    /// A path prefix.
    BasePath,
    /// An `http://` or `https://` address.
    Link,
    /// `name=value` between commas, values percent-encoded.
    Pairs,
    /// HTTP headers in the same form.
    Headers,
    /// A number from 0 to 1.
    Ratio,
}

/// What holds when nobody sets a variable.
#[derive(Clone, Copy, Debug)]
pub enum Fallback {
    /// Nothing.
    None,
    /// This text.
    Text(&'static str),
    /// What `make` finds at start, from the variables above it in the table.
    Computed {
        /// For people.
        says: &'static str,
        /// The text.
        make: fn(&Given) -> String,
    },
}

pub(super) const fn variable(
    name: &'static str,
    kind: Kind,
    fallback: Fallback,
    help: &'static str,
) -> Variable {
    Variable {
        name,
        setting: None,
        kind,
        fallback,
        secret: false,
        help,
    }
}

impl Variable {
    pub(super) const fn secret(self) -> Self {
        Self {
            secret: true,
            ..self
        }
    }

    pub(super) const fn setting(self, key: &'static str) -> Self {
        Self {
            setting: Some(key),
            ..self
        }
    }

    /// Spaces around a value are an accident, except in a secret.
    pub(super) fn tidy(&self, text: String) -> String {
        if self.secret {
            text
        } else {
            text.trim().to_owned()
        }
    }

    /// A value as it may be shown: secrets hidden, passwords inside taken out.
    pub fn show(&self, text: &str) -> String {
        match self.kind {
            Kind::Database | Kind::Redis | Kind::Link => parse::redact_database_url(text),
            Kind::Accounts => parse::accounts(text).map_or_else(
                |_bad| "[hidden]".to_owned(),
                |all| {
                    let names: Vec<String> = all
                        .into_iter()
                        .map(|(name, _)| format!("{name}:[hidden]"))
                        .collect();
                    names.join(",")
                },
            ),
            _ if self.secret => "[hidden]".to_owned(),
            _ => text.to_owned(),
        }
    }

    /// The default in words; empty where there is none.
    pub fn default_text(&self) -> &'static str {
        match self.fallback {
            Fallback::None => "",
            Fallback::Text(text) => text,
            Fallback::Computed { says, .. } => says,
        }
    }
}
